//! Plans, and what the flag back ends serve of them.

mod adopt;
mod parity;
mod plan;

//! Plans, and what the flag back ends serve of them.

mod parity;
mod plan;

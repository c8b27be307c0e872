//! From a warehouse to an outcome.

mod real_data;
mod same_bits;
mod warehouse;

//! From a warehouse to an outcome.

mod real_data;
mod warehouse;

//! From a warehouse to an outcome.

mod real_data;
mod same_bits;
mod signs_and_events;
mod warehouse;

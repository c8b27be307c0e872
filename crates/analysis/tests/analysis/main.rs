//! From a warehouse to an outcome.

mod looks;
mod mistakes;
mod over_time;
mod parts;
mod quantiles;
mod ratios;
mod real_data;
mod same_bits;
mod shop;
mod signs_and_events;
mod split_cause;
mod stepwise;
mod trusted_rows;
mod two_sources;
mod unit_by_unit;
mod warehouse;

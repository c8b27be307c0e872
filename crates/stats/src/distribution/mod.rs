//! Distribution functions in double precision.
//!
//! Tails are computed as tails: a survival function is never one minus a cumulative one, so that a
//! p-value of 1e-171 is that and not zero. Every function answers NaN for NaN and for parameters
//! outside its domain; none panics and none loops without an end.
//!
//! The values in `reference.tsv` were computed with mpmath at 60 digits and are compared in
//! `tests`, next to the functions.

mod beta;
pub mod binomial;
pub mod chi_square;
pub mod normal;
pub mod student_t;

#[cfg(test)]
mod tests;

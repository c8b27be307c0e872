//! Held against published values, real experiments and simulation.

mod calibration;
mod coverage;
mod distributions;
mod real_data;
mod vectors;

//! The distributions that statistics are compared with, and what is read off them.

use serde::{Deserialize, Serialize};

use super::distribution::{normal, student_t};

/// The distribution that a statistic is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "distribution")]
pub enum Reference {
    /// The standard normal distribution.
    Normal,
    /// Student's t distribution.
    StudentT {
        /// Degrees of freedom; fractional by Satterthwaite's approximation.
        degrees_of_freedom: f64,
    },
}

impl Reference {
    /// P(statistic > value) when there is no effect.
    pub fn sf(self, value: f64) -> f64 {
        match self {
            Self::Normal => normal::sf(value),
            Self::StudentT { degrees_of_freedom } => student_t::sf(value, degrees_of_freedom),
        }
    }

    /// The value that the statistic exceeds with this probability when there is no effect.
    pub fn upper_quantile(self, tail: f64) -> f64 {
        match self {
            Self::Normal => normal::upper_quantile(tail),
            Self::StudentT { degrees_of_freedom } => student_t::upper_quantile(tail, degrees_of_freedom),
        }
    }
}

/// An interval from `lower` to `upper`, both finite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Interval {
    /// Whether a value lies in the interval, its ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// One-sided test of a statistic against its reference distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// The estimate minus the value tested against, in standard errors.
    pub statistic: f64,
    /// The p-value of "greater than the value tested against".
    pub p_greater: f64,
    /// The p-value of "less than the value tested against".
    pub p_less: f64,
    /// The p-value of "different from the value tested against".
    pub p_two_sided: f64,
}

impl Tails {
    pub(super) fn new(statistic: f64, reference: Reference) -> Self {
        let outer = reference.sf(statistic.abs());
        Self {
            statistic,
            p_greater: reference.sf(statistic),
            p_less: reference.sf(-statistic),
            p_two_sided: (2.0 * outer).min(1.0),
        }
    }
}

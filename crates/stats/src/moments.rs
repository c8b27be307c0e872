//! Centred moments: what an analysis keeps of the units, and all that it needs.
//!
//! A count, means, sums of squared deviations (`m2`) and co-moments. They add: the moments of two
//! disjoint sets of units give those of the union (Chan, Golub and LeVeque 1983), so partial
//! aggregates of days, steps or workers merge. Plain sums of squares are not used, because at a
//! mean of 1e8 and a standard deviation of 0.01 nothing of the variance is left in them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why numbers are not moments of any set of units.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum MomentsError {
    /// A part is infinite or not a number.
    #[error("{part} is {value}, which is not a finite number")]
    NotFinite {
        /// The name of the part.
        part: &'static str,
        /// Its value.
        value: f64,
    },
    /// A sum of squares is below zero.
    #[error("{part} is {value}, but a sum of squares cannot be negative")]
    Negative {
        /// The name of the part.
        part: &'static str,
        /// Its value.
        value: f64,
    },
    /// Fewer than two units cannot deviate from their mean, and no unit has a mean.
    #[error("{part} is {value}, but with {units} units it can only be 0")]
    NotZero {
        /// The name of the part.
        part: &'static str,
        /// Its value.
        value: f64,
        /// The number of units.
        units: u64,
    },
    /// A co-moment is larger than the two sums of squares allow (Cauchy and Schwarz).
    #[error("the co-moment {co_moment} is larger than the sums of squares allow ({limit})")]
    CoMomentTooLarge {
        /// The co-moment.
        co_moment: f64,
        /// The largest absolute value possible.
        limit: f64,
    },
    /// The sum of squares holds too few digits of the variance (see [`Moments::from_sums`]).
    #[error(
        "the variance cancels out of the sums: of the sum of squares {sum_squares}, the deviations \
         make up {m2}, which is within the rounding of double precision"
    )]
    Cancelled {
        /// The plain sum of squares.
        sum_squares: f64,
        /// What subtraction leaves of it.
        m2: f64,
    },
    /// Two sets of units together exceed double precision.
    #[error("the merged moments exceed the range of double precision")]
    OutOfRange,
}

/// Returns the value when it is finite, and which part was not otherwise.
pub(super) fn finite(part: &'static str, value: f64) -> Result<f64, MomentsError> {
    if value.is_finite() { Ok(value) } else { Err(MomentsError::NotFinite { part, value }) }
}

/// Returns the value when it can be a sum of squares of `units` deviations.
pub(super) fn sum_of_squares(part: &'static str, value: f64, units: u64) -> Result<f64, MomentsError> {
    let value = finite(part, value)?;
    if value < 0.0 {
        return Err(MomentsError::Negative { part, value });
    }
    if units < 2 { zero(part, value, units) } else { Ok(value) }
}

fn zero(part: &'static str, value: f64, units: u64) -> Result<f64, MomentsError> {
    if value == 0.0 { Ok(0.0) } else { Err(MomentsError::NotZero { part, value, units }) }
}

/// Returns the value when it can be the mean of `units` units.
pub(super) fn mean_of(part: &'static str, value: f64, units: u64) -> Result<f64, MomentsError> {
    let value = finite(part, value)?;
    if units == 0 { zero(part, value, units) } else { Ok(value) }
}

/// The count, mean and centred sum of squares of one quantity over some units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MomentsParts")]
pub struct Moments {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) m2: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MomentsParts {
    n: u64,
    mean: f64,
    m2: f64,
}

impl TryFrom<MomentsParts> for Moments {
    type Error = MomentsError;

    fn try_from(parts: MomentsParts) -> Result<Self, MomentsError> {
        Self::from_parts(parts.n, parts.mean, parts.m2)
    }
}

impl Moments {
    /// The moments of no unit at all: the neutral element of [`Moments::merge`].
    pub const EMPTY: Self = Self { n: 0, mean: 0.0, m2: 0.0 };

    /// Returns moments of `n` units with this mean and this sum of squared deviations from it.
    ///
    /// Refuses what no set of units can have: parts that are not finite, a negative sum of squares,
    /// a mean of no units, deviations of a single one.
    pub fn from_parts(n: u64, mean: f64, m2: f64) -> Result<Self, MomentsError> {
        Ok(Self { n, mean: mean_of("mean", mean, n)?, m2: sum_of_squares("m2", m2, n)? })
    }

    /// Returns moments of a yes-or-no quantity, exact for every count.
    ///
    /// The sum of squared deviations is n·p·(1−p). More successes than units are refused.
    pub fn of_proportion(successes: u64, n: u64) -> Result<Self, MomentsError> {
        if successes > n {
            let value = n as f64 - successes as f64;
            return Err(MomentsError::Negative { part: "units without success", value });
        }
        if n == 0 {
            return Ok(Self::EMPTY);
        }
        let failures = (n - successes) as f64;
        let (successes, units) = (successes as f64, n as f64);
        Ok(Self { n, mean: successes / units, m2: successes * (failures / units) })
    }

    /// Returns moments from plain double-precision sums, when these still hold the variance.
    ///
    /// The rounding of a sum of squares S over n additions is about √n·ε·S. Where that reaches a
    /// thousandth of the centred sum of squares, the result is [`MomentsError::Cancelled`]: ask the
    /// warehouse for centred moments or for decimal sums instead.
    pub fn from_sums(n: u64, sum: f64, sum_squares: f64) -> Result<Self, MomentsError> {
        let sum = mean_of("sum", sum, n)?;
        let sum_squares = finite("sum_squares", sum_squares)?;
        if sum_squares < 0.0 {
            return Err(MomentsError::Negative { part: "sum_squares", value: sum_squares });
        }
        if n == 0 {
            zero("sum_squares", sum_squares, n)?;
            return Ok(Self::EMPTY);
        }
        let units = n as f64;
        let mean = sum / units;
        if n == 1 {
            return Self::from_parts(1, mean, 0.0);
        }
        let m2 = sum_squares - sum * mean;
        let rounding = units.sqrt() * f64::EPSILON * sum_squares;
        if sum_squares > 0.0 && m2 < 1e3 * rounding {
            return Err(MomentsError::Cancelled { sum_squares, m2 });
        }
        Self::from_parts(n, mean, m2)
    }

    /// Returns the moments of these values. For tests and small sets; a warehouse does the large.
    pub fn of_values(values: &[f64]) -> Result<Self, MomentsError> {
        let mut moments = Self::EMPTY;
        for value in values {
            moments = moments.merge(&Self::from_parts(1, *value, 0.0)?)?;
        }
        Ok(moments)
    }

    /// Returns the moments of both sets of units together. They must not share a unit.
    pub fn merge(&self, other: &Self) -> Result<Self, MomentsError> {
        let Some(n) = self.n.checked_add(other.n) else { return Err(MomentsError::OutOfRange) };
        if self.n == 0 {
            return Ok(*other);
        }
        if other.n == 0 {
            return Ok(*self);
        }
        let weights = Weights::new(self.n, other.n);
        let step = other.mean - self.mean;
        let merged = Self {
            n,
            mean: weights.mean(self.mean, other.mean),
            m2: self.m2 + other.m2 + step * step * weights.between,
        };
        if merged.mean.is_finite() && merged.m2.is_finite() {
            Ok(merged)
        } else {
            Err(MomentsError::OutOfRange)
        }
    }

    /// The number of units.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The mean; 0 for no units.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The sum of squared deviations from the mean.
    pub fn m2(&self) -> f64 {
        self.m2
    }

    /// The sample variance (n − 1), where there are two units at least; 0 for equal values.
    pub fn variance(&self) -> Option<f64> {
        let m2 = if is_constant(self.n, self.mean, self.m2) { 0.0 } else { self.m2 };
        (self.n >= 2).then(|| m2 / (self.n as f64 - 1.0))
    }
}

/// Whether these are the moments of equal values.
///
/// The mean of equal values may be off by its rounding, which leaves a sum of squares of that size.
/// Values that differ at all differ by more, as doubles that they are.
pub(super) fn is_constant(n: u64, mean: f64, m2: f64) -> bool {
    let rounding = 2.0 * f64::EPSILON * mean;
    m2 <= n as f64 * rounding * rounding
}

/// What merging two sets of units needs to know of their sizes.
pub(super) struct Weights {
    share: f64,
    /// n₁·n₂ / (n₁ + n₂), the weight of the squared difference of the means.
    pub(super) between: f64,
}

impl Weights {
    /// Both counts must be positive.
    pub(super) fn new(first: u64, second: u64) -> Self {
        let (first, second) = (first as f64, second as f64);
        let share = second / (first + second);
        Self { share, between: first * share }
    }

    /// The mean of both sets.
    pub(super) fn mean(&self, first: f64, second: f64) -> f64 {
        first + (second - first) * self.share
    }
}

#[cfg(test)]
mod tests;

//! Centred moments of a ratio and of the ratio that is its covariate: four quantities of a unit.

use serde::{Deserialize, Serialize};

use super::co_moments::{CoMoments, CoMomentsParts};
use super::moments::{MomentsError, Weights, finite, mean_of, sum_of_squares};

/// The quantities of a unit, in the order of every array here: numerator and denominator of the
/// metric, then numerator and denominator of its covariate.
pub const QUANTITIES: usize = 4;

/// Rows and columns of the upper triangle, row by row: the order of [`RatioMomentsParts::m2`].
pub const PAIRS: [(usize, usize); 10] =
    [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)];

/// The moments of a ratio metric with a ratio as its covariate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RatioMomentsParts", into = "RatioMomentsParts")]
pub struct RatioMoments {
    n: u64,
    means: [f64; QUANTITIES],
    m2: [[f64; QUANTITIES]; QUANTITIES],
}

/// The parts of [`RatioMoments`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioMomentsParts {
    /// The number of units.
    pub n: u64,
    /// The means, in the order of the quantities.
    pub means: [f64; QUANTITIES],
    /// The centred sums of squares and products, in the order of [`PAIRS`].
    pub m2: [f64; PAIRS.len()],
}

impl TryFrom<RatioMomentsParts> for RatioMoments {
    type Error = MomentsError;

    fn try_from(parts: RatioMomentsParts) -> Result<Self, MomentsError> {
        Self::from_parts(parts)
    }
}

impl From<RatioMoments> for RatioMomentsParts {
    fn from(moments: RatioMoments) -> Self {
        Self { n: moments.n, means: moments.means, m2: PAIRS.map(|(row, column)| moments.m2[row][column]) }
    }
}

impl RatioMoments {
    /// The moments of no unit at all: the neutral element of [`RatioMoments::merge`].
    pub const EMPTY: Self = Self { n: 0, means: [0.0; QUANTITIES], m2: [[0.0; QUANTITIES]; QUANTITIES] };

    /// Returns the moments, refusing parts that no set of units can have (as
    /// [`CoMoments::from_parts`] does for each pair).
    pub fn from_parts(parts: RatioMomentsParts) -> Result<Self, MomentsError> {
        for mean in parts.means {
            mean_of("a mean", mean, parts.n)?;
        }
        let mut m2 = [[0.0; QUANTITIES]; QUANTITIES];
        for ((row, column), value) in PAIRS.into_iter().zip(parts.m2) {
            let value = if row == column {
                sum_of_squares("a sum of squares", value, parts.n)?
            } else {
                finite("a sum of products", value)?
            };
            m2[row][column] = value;
            m2[column][row] = value;
        }
        for (row, column) in PAIRS {
            let limit = m2[row][row].sqrt() * m2[column][column].sqrt();
            let co_moment = m2[row][column];
            if co_moment.abs() > limit * (1.0 + 1e-6) {
                return Err(MomentsError::CoMomentTooLarge { co_moment, limit });
            }
        }
        Ok(Self { n: parts.n, means: parts.means, m2 })
    }

    /// Returns the moments of these units. For tests and small sets.
    pub fn of_units(units: &[[f64; QUANTITIES]]) -> Result<Self, MomentsError> {
        let mut moments = Self::EMPTY;
        for unit in units {
            let one = RatioMomentsParts { n: 1, means: *unit, m2: [0.0; PAIRS.len()] };
            moments = moments.merge(&Self::from_parts(one)?)?;
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
        let mut merged = Self { n, ..*self };
        for (row, column) in PAIRS {
            let step = |quantity: usize| other.means[quantity] - self.means[quantity];
            let sum =
                self.m2[row][column] + other.m2[row][column] + step(row) * step(column) * weights.between;
            merged.m2[row][column] = sum;
            merged.m2[column][row] = sum;
        }
        for (mean, (first, second)) in merged.means.iter_mut().zip(self.means.iter().zip(&other.means)) {
            *mean = weights.mean(*first, *second);
        }
        let numbers = merged.means.iter().chain(merged.m2.iter().flatten());
        let finite = numbers.into_iter().all(|number| number.is_finite());
        if finite { Ok(merged) } else { Err(MomentsError::OutOfRange) }
    }

    /// The moments of the metric alone: y its numerator, x its denominator.
    pub fn metric(&self) -> Result<CoMoments, MomentsError> {
        CoMoments::from_parts(CoMomentsParts {
            n: self.n,
            mean_y: self.means[0],
            mean_x: self.means[1],
            m2_y: self.m2[0][0],
            m2_x: self.m2[1][1],
            c_xy: self.m2[0][1],
        })
    }

    /// The number of units.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The means, in the order of the quantities.
    pub fn means(&self) -> [f64; QUANTITIES] {
        self.means
    }

    /// The largest that rounding can make of the sum of squares of a combination with weights of these
    /// sizes, up to a factor of ε.
    pub(super) fn product_of_sizes(&self, sizes: [f64; QUANTITIES]) -> f64 {
        let rows = self.m2.iter().zip(sizes);
        rows.map(|(row, a)| a * row.iter().zip(sizes).map(|(m2, b)| m2.abs() * b).sum::<f64>()).sum()
    }

    /// The centred sum of products of two linear combinations of the quantities.
    pub(super) fn product(&self, a: [f64; QUANTITIES], b: [f64; QUANTITIES]) -> f64 {
        let rows = self.m2.iter().zip(a);
        rows.map(|(row, a)| a * row.iter().zip(b).map(|(m2, b)| m2 * b).sum::<f64>()).sum()
    }
}

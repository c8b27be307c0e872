//! Centred moments of two quantities of a unit, with their co-moment.

use serde::{Deserialize, Serialize};

use super::moments::{Moments, MomentsError, Weights, finite, is_constant, mean_of, sum_of_squares};

/// The moments of an outcome y with a covariate x, or of a numerator y with a denominator x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CoMomentsParts")]
pub struct CoMoments {
    n: u64,
    mean_y: f64,
    mean_x: f64,
    m2_y: f64,
    m2_x: f64,
    c_xy: f64,
}

/// The parts of [`CoMoments`] by name, so that six numbers cannot be given in the wrong order.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoMomentsParts {
    /// The number of units.
    pub n: u64,
    /// The mean of the outcome.
    pub mean_y: f64,
    /// The mean of the covariate.
    pub mean_x: f64,
    /// The sum of squared deviations of the outcome.
    pub m2_y: f64,
    /// The sum of squared deviations of the covariate.
    pub m2_x: f64,
    /// The sum of the products of both deviations.
    pub c_xy: f64,
}

impl TryFrom<CoMomentsParts> for CoMoments {
    type Error = MomentsError;

    fn try_from(parts: CoMomentsParts) -> Result<Self, MomentsError> {
        Self::from_parts(parts)
    }
}

impl CoMoments {
    /// The moments of no unit at all: the neutral element of [`CoMoments::merge`].
    pub const EMPTY: Self = Self { n: 0, mean_y: 0.0, mean_x: 0.0, m2_y: 0.0, m2_x: 0.0, c_xy: 0.0 };

    /// Returns the moments, refusing parts that no set of units can have, among them a co-moment
    /// that exceeds √(m2_y·m2_x) by more than rounding (one part in a million).
    pub fn from_parts(parts: CoMomentsParts) -> Result<Self, MomentsError> {
        let CoMomentsParts { n, mean_y, mean_x, m2_y, m2_x, c_xy } = parts;
        let m2_y = sum_of_squares("m2_y", m2_y, n)?;
        let m2_x = sum_of_squares("m2_x", m2_x, n)?;
        let c_xy = finite("c_xy", c_xy)?;
        // The product of the roots, because the root of the product may overflow.
        let limit = m2_y.sqrt() * m2_x.sqrt();
        if c_xy.abs() > limit * (1.0 + 1e-6) {
            return Err(MomentsError::CoMomentTooLarge { co_moment: c_xy, limit });
        }
        Ok(Self {
            n,
            mean_y: mean_of("mean_y", mean_y, n)?,
            mean_x: mean_of("mean_x", mean_x, n)?,
            m2_y,
            m2_x,
            c_xy,
        })
    }

    /// Returns the moments of these (y, x) pairs. For tests and small sets.
    pub fn of_pairs(pairs: &[(f64, f64)]) -> Result<Self, MomentsError> {
        let mut moments = Self::EMPTY;
        for (y, x) in pairs {
            let one = CoMomentsParts { n: 1, mean_y: *y, mean_x: *x, m2_y: 0.0, m2_x: 0.0, c_xy: 0.0 };
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
        let (step_y, step_x) = (other.mean_y - self.mean_y, other.mean_x - self.mean_x);
        let merged = Self {
            n,
            mean_y: weights.mean(self.mean_y, other.mean_y),
            mean_x: weights.mean(self.mean_x, other.mean_x),
            m2_y: self.m2_y + other.m2_y + step_y * step_y * weights.between,
            m2_x: self.m2_x + other.m2_x + step_x * step_x * weights.between,
            c_xy: self.c_xy + other.c_xy + step_y * step_x * weights.between,
        };
        let parts = [merged.mean_y, merged.mean_x, merged.m2_y, merged.m2_x, merged.c_xy];
        if parts.iter().all(|part| part.is_finite()) { Ok(merged) } else { Err(MomentsError::OutOfRange) }
    }

    /// The moments of y alone.
    pub fn outcome(&self) -> Moments {
        Moments { n: self.n, mean: self.mean_y, m2: self.m2_y }
    }

    /// The moments of x alone.
    pub fn covariate(&self) -> Moments {
        Moments { n: self.n, mean: self.mean_x, m2: self.m2_x }
    }

    /// Whether x is the same for every unit.
    pub fn is_covariate_constant(&self) -> bool {
        is_constant(self.n, self.mean_x, self.m2_x)
    }

    /// The number of units.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The mean of y; 0 for no units.
    pub fn mean_y(&self) -> f64 {
        self.mean_y
    }

    /// The mean of x; 0 for no units.
    pub fn mean_x(&self) -> f64 {
        self.mean_x
    }

    /// The sum of squared deviations of y.
    pub fn m2_y(&self) -> f64 {
        self.m2_y
    }

    /// The sum of squared deviations of x.
    pub fn m2_x(&self) -> f64 {
        self.m2_x
    }

    /// The sum of the products of the deviations of y and x.
    pub fn c_xy(&self) -> f64 {
        self.c_xy
    }
}

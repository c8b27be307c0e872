//! When one looks, in shares of the information, and what is significant there.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The shares of the full information at each look: rising, above 0 and at most 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Looks(Vec<f64>);

/// Why numbers are not looks.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum LooksError {
    /// There is none.
    #[error("there is no look")]
    Empty,
    /// A look has no more information than the one before it, or a share outside of 0 to 1.
    #[error(
        "look {number} has the share {share} of the information, but it must be above the look before, and at most 1"
    )]
    NotRising {
        /// Which look, counted from 1.
        number: usize,
        /// Its share.
        share: f64,
    },
    /// There are more than [`Looks::MOST`].
    #[error("there are {0} looks, but at most {most} are planned for", most = Looks::MOST)]
    TooMany(usize),
    /// What is spent falls, is above the level, or is not given for each look.
    #[error("what is spent must be given for each look, must not fall and must not pass 1")]
    Spent,
}

impl Looks {
    /// The most looks: two years of daily ones.
    pub const MOST: usize = 732;

    /// Makes looks of rising shares of the information.
    pub fn new(shares: Vec<f64>) -> Result<Self, LooksError> {
        if shares.is_empty() {
            return Err(LooksError::Empty);
        }
        if shares.len() > Self::MOST {
            return Err(LooksError::TooMany(shares.len()));
        }
        let mut before = 0.0;
        for (at, share) in shares.iter().copied().enumerate() {
            if !(share > before && share <= 1.0) {
                return Err(LooksError::NotRising { number: at + 1, share });
            }
            before = share;
        }
        Ok(Self(shares))
    }

    /// Returns a single look at full information.
    pub fn once() -> Self {
        Self(vec![1.0])
    }

    /// Returns equally spaced looks, the last at full information; one where none is asked for.
    pub fn equal(looks: usize) -> Self {
        let looks = looks.clamp(1, Self::MOST);
        Self((1..=looks).map(|look| look as f64 / looks as f64).collect())
    }

    /// Returns the shares, rising.
    pub fn shares(&self) -> &[f64] {
        &self.0
    }
}

impl TryFrom<Vec<f64>> for Looks {
    type Error = LooksError;

    fn try_from(shares: Vec<f64>) -> Result<Self, LooksError> {
        Self::new(shares)
    }
}

impl From<Looks> for Vec<f64> {
    fn from(looks: Looks) -> Self {
        looks.0
    }
}

/// The bounds at each look, as values of Z; infinite where nothing can be significant.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// At or above it, the effect is significant. One for each look.
    pub upper: Vec<f64>,
    /// At or below it, the opposite is; infinitely far away for a one-sided test.
    pub lower: Vec<f64>,
}

impl Bounds {
    /// Returns the bounds of a one-sided test.
    pub fn one_sided(upper: Vec<f64>) -> Self {
        let lower = vec![f64::NEG_INFINITY; upper.len()];
        Self { upper, lower }
    }

    /// Returns bounds at the same distance on both sides.
    pub fn symmetric(upper: Vec<f64>) -> Self {
        let lower = upper.iter().map(|bound| -bound).collect();
        Self { upper, lower }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_gain_information_and_end_at_all_of_it() {
        assert_eq!(Looks::equal(4).shares(), [0.25, 0.5, 0.75, 1.0]);
        assert_eq!(Looks::new(vec![]), Err(LooksError::Empty));
        for wrong in [vec![0.0, 1.0], vec![0.5, 0.5], vec![0.5, 1.1], vec![f64::NAN]] {
            assert!(matches!(Looks::new(wrong), Err(LooksError::NotRising { .. })));
        }
        assert!(matches!(Looks::new(vec![0.5; 800]), Err(LooksError::TooMany(800))));
        assert!(serde_json::from_str::<Looks>("[0.5, 0.2]").is_err());
    }
}

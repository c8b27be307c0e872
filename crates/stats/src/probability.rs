//! A probability that is neither impossible nor certain: a significance level, or a power.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A probability strictly between 0 and 1, such as a significance level or a power.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// The number is not strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not a probability strictly between 0 and 1")]
pub struct NotAProbability(pub f64);

impl Probability {
    /// Returns the number as a probability, if it is strictly between 0 and 1.
    pub fn new(value: f64) -> Result<Self, NotAProbability> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err(NotAProbability(value)) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Half of it: what each direction has of a two-sided level.
    pub fn halved(self) -> Self {
        // Halving the smallest subnormal gives zero, which no level is.
        Self((0.5 * self.0).max(f64::MIN_POSITIVE))
    }

    /// An equal share for each of `tests` (Bonferroni); the whole for none or one.
    pub fn shared_by(self, tests: u64) -> Self {
        Self((self.0 / tests.max(1) as f64).max(f64::MIN_POSITIVE))
    }

    /// Whether a p-value is significant at this level. A p-value that is not a number never is.
    pub fn rejects(self, p_value: f64) -> bool {
        p_value <= self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;

    fn try_from(value: f64) -> Result<Self, NotAProbability> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_interval_is_a_probability() {
        for value in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(value).is_err(), "{value}");
            assert!(serde_json::from_str::<Probability>(&value.to_string()).is_err());
        }
        assert_eq!(Probability::new(0.05).unwrap().get(), 0.05);
    }

    #[test]
    fn sharing_divides_and_never_reaches_zero() {
        let alpha = Probability::new(0.05).unwrap();
        assert_eq!(alpha.shared_by(0), alpha);
        assert_eq!(alpha.shared_by(5).get(), 0.05 / 5.0);
        assert_eq!(alpha.halved().get(), 0.025);
        let least = Probability::new(5e-324).unwrap();
        assert!(least.halved().get() > 0.0 && least.shared_by(u64::MAX).get() > 0.0);
    }

    #[test]
    fn a_p_value_that_is_not_a_number_is_never_significant() {
        let alpha = Probability::new(0.05).unwrap();
        assert!(alpha.rejects(0.05) && !alpha.rejects(0.0501) && !alpha.rejects(f64::NAN));
    }
}

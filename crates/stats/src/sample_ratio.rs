//! Sample ratio: whether the arms have the units that their shares promise.
//! A mismatch means that units were lost or counted twice on the way to the analysis, and which
//! ones depends on the arm: no result from such data is reliable.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::distribution::{binomial, chi_square};

/// Below this expected count in an arm the χ² approximation does not hold (Cochran 1954).
pub const CHI_SQUARE_MINIMUM_EXPECTED: f64 = 5.0;

/// The result of a sample ratio test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampleRatio {
    /// The p-value of "the units are not split as promised".
    pub p_value: f64,
    /// How it was computed.
    pub method: SampleRatioMethod,
}

/// How a sample ratio was tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method")]
pub enum SampleRatioMethod {
    /// Pearson's goodness of fit.
    ChiSquare {
        /// The statistic.
        statistic: f64,
        /// Arms minus one.
        degrees_of_freedom: u32,
    },
    /// The exact binomial test, of two arms with few units.
    ExactBinomial,
}

/// Why a sample ratio cannot be tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum SampleRatioUntestable {
    /// There are fewer than two arms.
    #[error("a sample ratio needs two arms at least")]
    OneArm,
    /// A share is not a positive number.
    #[error("the share {share} of arm {arm} is not above 0")]
    NotAShare {
        /// The arm's position.
        arm: usize,
        /// Its share.
        share: f64,
    },
    /// There are no units.
    #[error("there are no units")]
    NoUnits,
    /// Three arms or more, and one is expected to have too few units for the approximation.
    #[error("arm {arm} is expected to have {expected} units; the test needs {CHI_SQUARE_MINIMUM_EXPECTED}")]
    TooFewUnits {
        /// The arm's position.
        arm: usize,
        /// The units expected.
        expected: f64,
    },
    /// The concentration of a sequential test is not a number above 0.
    #[error("the concentration {concentration} of the test is not a number above 0")]
    NotAConcentration {
        /// The concentration.
        concentration: f64,
    },
}

impl SampleRatioUntestable {
    /// A stable word for the reason, such as `no-units`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OneArm => "one-arm",
            Self::NotAShare { .. } => "not-a-share",
            Self::NoUnits => "no-units",
            Self::TooFewUnits { .. } => "too-few-units",
            Self::NotAConcentration { .. } => "not-a-concentration",
        }
    }
}

/// Returns the sample ratio test of (observed units, promised share) per arm.
///
/// Shares are in any unit; only their proportions count. χ² as a rule; for two arms of which one
/// is expected to have fewer than [`CHI_SQUARE_MINIMUM_EXPECTED`] units, the exact binomial test.
///
/// ```
/// use trialbook_stats::sample_ratio::sample_ratio;
///
/// let fits = sample_ratio(&[(5000, 0.5), (5050, 0.5)])?;
/// let does_not = sample_ratio(&[(50_000, 0.5), (51_500, 0.5)])?;
/// assert!(fits.p_value > 0.5 && does_not.p_value < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sample_ratio(arms: &[(u64, f64)]) -> Result<SampleRatio, SampleRatioUntestable> {
    let expected = expected_units(arms)?;
    let least = expected
        .iter()
        .enumerate()
        .filter(|(_, expected)| **expected < CHI_SQUARE_MINIMUM_EXPECTED)
        .min_by(|a, b| a.1.total_cmp(b.1));
    match (least, arms) {
        (None, _) => chi_square_test(arms),
        // Fewer than 5 units may be expected of very many; the sum over all outcomes then takes
        // too long, and the smaller arm is all that the test is about: 1e6 take 0.1 s.
        (Some(_), [first, second]) if first.0.saturating_add(second.0) <= 1_000_000 => {
            exact_binomial(*first, *second)
        }
        (Some((arm, expected)), _) => Err(SampleRatioUntestable::TooFewUnits { arm, expected: *expected }),
    }
}

/// Returns Pearson's χ² test of (observed units, promised share) per arm, however few the units.
pub fn chi_square_test(arms: &[(u64, f64)]) -> Result<SampleRatio, SampleRatioUntestable> {
    let expected = expected_units(arms)?;
    let statistic = arms
        .iter()
        .zip(&expected)
        .map(|((observed, _), expected)| {
            let distance = *observed as f64 - expected;
            distance * distance / expected
        })
        .sum();
    let degrees_of_freedom = u32::try_from(arms.len() - 1).unwrap_or(u32::MAX);
    Ok(SampleRatio {
        p_value: chi_square::sf(statistic, degrees_of_freedom),
        method: SampleRatioMethod::ChiSquare { statistic, degrees_of_freedom },
    })
}

/// Returns the exact test of two arms, each (observed units, promised share).
pub fn exact_binomial(first: (u64, f64), second: (u64, f64)) -> Result<SampleRatio, SampleRatioUntestable> {
    expected_units(&[first, second])?;
    let share = second.1 / (first.1 + second.1);
    let trials = first.0.saturating_add(second.0);
    Ok(SampleRatio {
        p_value: binomial::two_sided_p(second.0, trials, share),
        method: SampleRatioMethod::ExactBinomial,
    })
}

fn expected_units(arms: &[(u64, f64)]) -> Result<Vec<f64>, SampleRatioUntestable> {
    let shares = promised_shares(arms)?;
    let units: f64 = arms.iter().map(|(observed, _)| *observed as f64).sum();
    if units == 0.0 {
        return Err(SampleRatioUntestable::NoUnits);
    }
    Ok(shares.iter().map(|share| units * share).collect())
}

/// Returns the promised shares as parts of 1.
pub(super) fn promised_shares(arms: &[(u64, f64)]) -> Result<Vec<f64>, SampleRatioUntestable> {
    if arms.len() < 2 {
        return Err(SampleRatioUntestable::OneArm);
    }
    let total: f64 = arms.iter().map(|(_, share)| share).sum();
    let usable = |share: f64| share > 0.0 && share.is_finite() && total.is_finite() && share / total > 0.0;
    let wrong = arms.iter().position(|(_, share)| !(share.is_finite() && *share > 0.0));
    let wrong = wrong.or_else(|| arms.iter().position(|(_, share)| !usable(*share)));
    if let Some((arm, (_, share))) = wrong.and_then(|arm| Some((arm, arms.get(arm)?))) {
        return Err(SampleRatioUntestable::NotAShare { arm, share: *share });
    }
    Ok(arms.iter().map(|(_, share)| share / total).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_split_is_no_mismatch() {
        let result = sample_ratio(&[(1000, 1.0), (1000, 1.0)]).unwrap();
        assert_eq!(result.p_value, 1.0);
    }

    #[test]
    fn shares_count_only_by_proportion() {
        let ppm = sample_ratio(&[(260, 250_000.0), (740, 750_000.0)]).unwrap();
        let ratio = sample_ratio(&[(260, 0.25), (740, 0.75)]).unwrap();
        assert_eq!(ppm, ratio);
    }

    #[test]
    fn few_units_of_two_arms_are_tested_exactly() {
        let result = sample_ratio(&[(0, 0.5), (8, 0.5)]).unwrap();
        assert_eq!(result.method, SampleRatioMethod::ExactBinomial);
        assert!((result.p_value - 2.0 / 256.0).abs() < 1e-12);
    }

    #[test]
    fn few_units_of_three_arms_are_no_test() {
        let arms = [(1, 0.2), (8, 0.4), (9, 0.4)];
        assert!(matches!(sample_ratio(&arms), Err(SampleRatioUntestable::TooFewUnits { arm: 0, .. })));
    }

    #[test]
    fn what_is_no_split_is_refused() {
        assert_eq!(sample_ratio(&[(5, 1.0)]), Err(SampleRatioUntestable::OneArm));
        assert_eq!(sample_ratio(&[(0, 0.5), (0, 0.5)]), Err(SampleRatioUntestable::NoUnits));
        for share in [0.0, -0.5, f64::INFINITY] {
            assert_eq!(
                sample_ratio(&[(10, 0.5), (10, share)]),
                Err(SampleRatioUntestable::NotAShare { arm: 1, share })
            );
        }
        assert!(sample_ratio(&[(10, f64::NAN), (10, 0.5)]).is_err());
    }
}

//! The two arms of a comparison, and why there may be no number for them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One of the two arms of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// What the others are compared with.
    Control,
    /// What is compared with it.
    Treatment,
}

impl std::fmt::Display for Arm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        })
    }
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Unmeasurable {
    /// An arm has no unit.
    #[error("the {arm} has no units")]
    EmptyArm {
        /// Which.
        arm: Arm,
    },
    /// An arm has one unit, which shows nothing about how much units differ.
    #[error("the {arm} has a single unit, so its variance is unknown")]
    SingleUnit {
        /// Which.
        arm: Arm,
    },
    /// No unit differs from another within its arm, so there is nothing to measure an error by.
    #[error("no unit differs from another in either arm")]
    ZeroVariance,
    /// The denominator of a ratio is zero on average.
    #[error("the denominator is zero in the {arm}")]
    ZeroDenominator {
        /// Which.
        arm: Arm,
    },
    /// The denominator of a ratio may be zero on average, as far as the data tell, so the ratio could be anything.
    #[error("the denominator may be zero in the {arm}: its mean is not separated from zero")]
    UncertainDenominator {
        /// Which.
        arm: Arm,
    },
    /// The denominator of a ratio's covariate is zero on average.
    #[error("the denominator of the covariate is zero in the {arm}")]
    ZeroCovariateDenominator {
        /// Which.
        arm: Arm,
    },
    /// The values are not zeros and ones.
    #[error("the values of the {arm} are not all 0 or 1")]
    NotAProportion {
        /// Which.
        arm: Arm,
    },
    /// The covariate is the same for every unit (all zero, for example): it explains nothing.
    #[error("the covariate is the same for every unit")]
    ConstantCovariate,
    /// The covariate leaves nothing of the outcome: it is the outcome, or made from it.
    #[error("the covariate determines the outcome, so it cannot be a covariate of it")]
    CovariateDeterminesOutcome,
    /// The values around a quantile are all the same, so nothing is known of its error.
    #[error("the values around the quantile are all the same in the {arm}")]
    ZeroSpread {
        /// Which.
        arm: Arm,
    },
    /// There are too few values for the error of a quantile to be read off its neighbours.
    #[error("the {arm} has {values} values, which are too few for this quantile")]
    TooFewForQuantile {
        /// Which.
        arm: Arm,
        /// How many.
        values: u64,
    },
    /// The numbers exceed what double precision can hold.
    #[error("the numbers exceed the range of double precision")]
    OutOfRange,
}

impl Unmeasurable {
    /// A stable word for the reason, such as `zero-variance`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyArm { .. } => "empty-arm",
            Self::SingleUnit { .. } => "single-unit",
            Self::ZeroVariance => "zero-variance",
            Self::ZeroDenominator { .. } => "zero-denominator",
            Self::UncertainDenominator { .. } => "uncertain-denominator",
            Self::ZeroCovariateDenominator { .. } => "zero-covariate-denominator",
            Self::NotAProportion { .. } => "not-a-proportion",
            Self::ConstantCovariate => "constant-covariate",
            Self::CovariateDeterminesOutcome => "covariate-determines-outcome",
            Self::ZeroSpread { .. } => "zero-spread",
            Self::TooFewForQuantile { .. } => "too-few-for-quantile",
            Self::OutOfRange => "out-of-range",
        }
    }
}

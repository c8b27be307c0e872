//! How a covariate was used in a comparison.

use serde::{Deserialize, Serialize};

use super::reason::{Arm, Unmeasurable};

/// The fewest units per arm for a slope of its own.
///
/// A fitted slope costs the residual variance a degree of freedom that the second-moment formula
/// does not count: its standard error is short by about 1/(2n), one percent here.
pub const FULL_REGRESSION_MINIMUM_UNITS: u64 = 50;

/// How a covariate was used in a comparison.
///
/// The variance reduction is one minus the variance of the adjusted difference over that of the
/// unadjusted one: 0.4 saves 40 % of the units. It may be slightly negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method")]
pub enum Adjustment {
    /// No covariate was given.
    NotRequested,
    /// A slope in each arm.
    FullRegression {
        /// The slope of the outcome on the covariate in the control.
        control_slope: f64,
        /// The same in the treatment.
        treatment_slope: f64,
        /// The variance saved.
        variance_reduction: f64,
    },
    /// One slope over all units.
    PooledTheta {
        /// The slope.
        theta: f64,
        /// The variance saved.
        variance_reduction: f64,
        /// Why not a slope in each arm.
        because: PooledThetaReason,
    },
    /// A covariate was given, but the estimate is unadjusted.
    Unadjusted {
        /// Why.
        because: Unmeasurable,
    },
}

impl Adjustment {
    /// A stable word for the method, such as `full-regression`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRequested => "not-requested",
            Self::FullRegression { .. } => "full-regression",
            Self::PooledTheta { .. } => "pooled-theta",
            Self::Unadjusted { .. } => "unadjusted",
        }
    }

    /// The variance saved, where a covariate was used.
    pub fn variance_reduction(&self) -> Option<f64> {
        match self {
            Self::FullRegression { variance_reduction, .. }
            | Self::PooledTheta { variance_reduction, .. } => Some(*variance_reduction),
            Self::NotRequested | Self::Unadjusted { .. } => None,
        }
    }
}

/// Why one slope was fitted over all units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum PooledThetaReason {
    /// It was asked for.
    Requested,
    /// An arm has fewer units than [`FULL_REGRESSION_MINIMUM_UNITS`].
    FewUnits {
        /// Which.
        arm: Arm,
        /// How many it has.
        units: u64,
    },
    /// The covariate is the same for every unit of one arm, so that arm has no slope.
    ConstantCovariate {
        /// Which.
        arm: Arm,
    },
    /// The metric is a ratio, which is linearised around the means of all units.
    Ratio,
}

impl std::fmt::Display for PooledThetaReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Requested => formatter.write_str("one slope for both arms was asked for"),
            Self::FewUnits { arm, units } => write!(
                formatter,
                "the {arm} has {units} units, and a slope of its own needs {FULL_REGRESSION_MINIMUM_UNITS}"
            ),
            Self::ConstantCovariate { arm } => {
                write!(formatter, "the covariate is the same for every unit of the {arm}")
            }
            Self::Ratio => formatter.write_str("a ratio is adjusted along one line for both arms"),
        }
    }
}

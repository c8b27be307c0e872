//! A measured effect as an outcome carries it: plain, flat, and stable across versions of the engine.

use serde::{Deserialize, Serialize};

use trialbook_stats as stats;

/// What was measured, or why nothing was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimate {
    /// An effect.
    Measured(Effect),
    /// No number, and the reason.
    NotMeasured(NotMeasured),
}

impl Estimate {
    /// Returns the effect, if one was measured.
    pub fn effect(&self) -> Option<&Effect> {
        match self {
            Self::Measured(effect) => Some(effect),
            Self::NotMeasured(_) => None,
        }
    }
}

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// A stable word, such as `before-horizon`, `too-few-units`, `zero-variance` or `unusable-rows`.
    pub reason: String,
    /// The same for people, as a fragment with its numbers.
    pub detail: String,
}

/// A two-sided interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// The difference between a treatment and the control, always treatment minus control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The control's mean, adjusted where a covariate was used.
    pub control_mean: f64,
    /// The treatment's mean, adjusted where a covariate was used.
    pub treatment_mean: f64,
    /// Treatment minus control.
    pub difference: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// Degrees of freedom (Satterthwaite); `None` where the test is against the normal distribution.
    pub degrees_of_freedom: Option<f64>,
    /// The two-sided level of the intervals. Each directional test has half of it, so that picture and
    /// verdict agree.
    pub alpha: f64,
    /// The interval of the difference.
    pub interval: Interval,
    /// The difference in standard errors.
    pub statistic: f64,
    /// The p-value of "there is a difference". May be 0 where double precision ends: print a bound.
    pub p_two_sided: f64,
    /// The one-sided p-value of "the treatment is higher".
    pub p_greater: f64,
    /// The one-sided p-value of "the treatment is lower".
    pub p_less: f64,
    /// The difference relative to the size of the control mean.
    pub lift: Lift,
    /// How a covariate was used.
    pub adjustment: Adjustment,
}

/// The difference relative to the size of the control mean, or why it is undefined. It has the sign of the
/// difference, whatever that of the control mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lift {
    /// A lift with its interval at the effect's level.
    Defined {
        /// 0.02 is two per cent more than the control.
        lift: f64,
        /// Its two-sided interval.
        interval: Interval,
        /// `linear-delta` or `fieller`.
        method: String,
    },
    /// No lift, and the reason.
    Undefined(NotMeasured),
}

/// How a covariate was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjustment {
    /// The metric has none, or the plan says not to.
    None,
    /// Used.
    Adjusted {
        /// `full-regression` or `pooled-theta`.
        method: String,
        /// One minus the adjusted variance over the unadjusted: 0.31 saves 31 % of the units.
        variance_reduction: f64,
        /// Why not the first choice, where that is so.
        because: Option<String>,
    },
    /// Could not be used, and why; the estimate is unadjusted.
    NotPossible(NotMeasured),
}

/// A test of non-inferiority, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonInferiority {
    /// The test.
    Tested(NonInferiorityTest),
    /// No test, and the reason.
    NotTested(NotMeasured),
}

/// The one-sided test that the treatment is not worse by the margin or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NonInferiorityTest {
    /// Treatment minus the worst value tolerated.
    pub contrast: f64,
    /// The standard error of the contrast, the control mean's share included.
    pub standard_error: f64,
    /// The contrast in standard errors.
    pub statistic: f64,
    /// The p-value of "not worse by the margin": small is safe.
    pub p_value: f64,
    /// The p-value of "worse by more than the margin": small is a breach.
    pub p_breached: f64,
    /// The one-sided level of both.
    pub level: f64,
}

impl Lift {
    /// Returns the lift, where it is defined.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Defined { lift, .. } => Some(*lift),
            Self::Undefined(_) => None,
        }
    }
}

impl Effect {
    /// Returns a measured effect in the outcome's own shape.
    pub(super) fn of(effect: &stats::Effect) -> Self {
        let comparison = &effect.comparison;
        Self {
            control_mean: comparison.control_mean(),
            treatment_mean: comparison.treatment_mean(),
            difference: comparison.difference(),
            standard_error: effect.standard_error,
            degrees_of_freedom: match comparison.reference() {
                stats::Reference::Normal => None,
                stats::Reference::StudentT { degrees_of_freedom } => Some(degrees_of_freedom),
            },
            alpha: effect.alpha.get(),
            interval: interval(effect.interval),
            statistic: effect.statistic,
            p_two_sided: effect.p_two_sided,
            p_greater: effect.p_greater,
            p_less: effect.p_less,
            lift: match &effect.lift {
                stats::Lift::Defined(lift) => defined(lift.by_size(comparison.control_mean())),
                stats::Lift::Undefined(why) => {
                    Lift::Undefined(NotMeasured { reason: why.code().to_owned(), detail: why.to_string() })
                }
            },
            adjustment: adjustment(comparison.adjustment()),
        }
    }
}

fn defined(lift: stats::DefinedLift) -> Lift {
    Lift::Defined {
        lift: lift.lift,
        interval: interval(lift.interval),
        method: lift.method.code().to_owned(),
    }
}

fn interval(interval: stats::Interval) -> Interval {
    Interval { lower: interval.lower, upper: interval.upper }
}

fn adjustment(adjustment: &stats::Adjustment) -> Adjustment {
    let used = |method: &str, variance_reduction: f64, because: Option<String>| Adjustment::Adjusted {
        method: method.to_owned(),
        variance_reduction,
        because,
    };
    match adjustment {
        stats::Adjustment::NotRequested => Adjustment::None,
        stats::Adjustment::FullRegression { variance_reduction, .. } => {
            used("full-regression", *variance_reduction, None)
        }
        stats::Adjustment::PooledTheta { variance_reduction, because, .. } => {
            used("pooled-theta", *variance_reduction, Some(because.to_string()))
        }
        stats::Adjustment::Unadjusted { because } => Adjustment::NotPossible(NotMeasured {
            reason: because.code().to_owned(),
            detail: because.to_string(),
        }),
    }
}

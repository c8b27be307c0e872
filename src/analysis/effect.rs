//! A measured effect as an outcome carries it: plain, flat, and stable across versions of the engine.

use serde::{Deserialize, Serialize};

/// What was measured, or why nothing was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "nearly every estimate is measured")]
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
    /// The difference relative to the control mean.
    pub lift: Lift,
    /// How a covariate was used.
    pub adjustment: Adjustment,
}

/// The difference relative to the control mean, or why it is undefined.
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

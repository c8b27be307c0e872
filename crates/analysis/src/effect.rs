//! A measured effect as an outcome carries it: plain, flat, and stable across versions of the engine.

use serde::{Deserialize, Serialize};

use trialbook_decision::{QualityDetail, QualityKind};
use trialbook_model::{SourceKey, VariantKey};
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// A stable word, such as `before-horizon`, `decided-early`, `too-few-units`, `zero-variance` or `unusable-rows`.
    pub reason: String,
    /// The same with its numbers.
    pub detail: WhyNot,
}

impl NotMeasured {
    /// Makes a reason of a stable word and its numbers.
    pub(super) fn new(reason: &str, detail: WhyNot) -> Self {
        Self { reason: reason.to_owned(), detail }
    }

    /// Makes a reason of the refusal of a computation or the warehouse.
    pub(super) fn refused(reason: &str, cause: &impl std::fmt::Display) -> Self {
        Self::new(reason, WhyNot::Refused { cause: cause.to_string() })
    }

    /// Returns the words of somebody else that it carries.
    pub(super) fn cause_mut(&mut self) -> Option<&mut String> {
        match &mut self.detail {
            WhyNot::Refused { cause } => Some(cause),
            WhyNot::Check { detail, .. } => detail.cause_mut(),
            _ => None,
        }
    }
}

/// Why there is no number, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum WhyNot {
    /// The plan allows no look at effects yet.
    BeforeHorizon,
    /// It was decided before the plan allowed a look at effects.
    DecidedEarly,
    /// Nothing was read.
    NothingRead,
    /// The metric's window stays open, so that what a unit counts for would change from look to look.
    OpenWindow,
    /// The first look is still to come.
    BeforeFirstLook,
    /// Too few units have a window that has closed.
    FewClosedWindows,
    /// So early that no effect, however large, would be significant.
    NothingSpent,
    /// The denominator of an arm was not read.
    NoDenominator {
        /// Which arm.
        variant: VariantKey,
    },
    /// The plan's error rates do not give the test a level.
    NoLevel,
    /// An arm has no units.
    EmptyArm {
        /// Which.
        variant: VariantKey,
    },
    /// Rows before exposure have no finite number as measure.
    UnusableRows {
        /// How many.
        rows: u64,
    },
    /// An arm has fewer units with an event, or without one, than this.
    FewEvents {
        /// How many it needs.
        needed: u64,
    },
    /// So few units have a value other than 0 that nobody knows how values differ.
    FewValues {
        /// How many.
        units: u64,
    },
    /// A share of the control mean has no meaning: the mean is below zero, or may be on either side of it.
    NoShare {
        /// The key that declares the share: `margin` or `mde`.
        setting: String,
        /// The control mean.
        mean: f64,
        /// Its standard error, where the mean may be on either side of zero.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        standard_error: Option<f64>,
    },
    /// A check of the data took the metric away.
    Check {
        /// The check.
        kind: QualityKind,
        /// The source that it is about.
        source: SourceKey,
        /// What it found.
        detail: Box<QualityDetail>,
    },
    /// A computation or the warehouse refused.
    Refused {
        /// Why, as a fragment.
        cause: String,
    },
}

impl NotMeasured {
    /// The reason of a metric whose definition no engine can measure on its source.
    pub(super) const DEFINITION: &str = "unmeasurable-definition";
    /// The reason of a metric whose `where` no row fulfils.
    pub(super) const NO_MATCHING_ROWS: &str = "no-matching-rows";
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
    /// verdict agree. Of a method with several looks, and of harm, the intervals are valid at all looks together; the p-values
    /// here are then those of the look alone.
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
    /// The metric has none, or the plan turns it off.
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

/// The one-sided test that the effect is smaller than the declared one, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredEffect {
    /// The test.
    Tested {
        /// The p-value of "smaller than declared": small rules the declared effect out.
        p_smaller: f64,
        /// The one-sided level of the test.
        level: f64,
    },
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
    pub(super) fn of(effect: &stats::EffectEstimate) -> Self {
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
                stats::Lift::Undefined(why) => Lift::Undefined(NotMeasured::refused(why.code(), why)),
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
        stats::Adjustment::Unadjusted { because } => {
            Adjustment::NotPossible(NotMeasured::refused(because.code(), because))
        }
    }
}

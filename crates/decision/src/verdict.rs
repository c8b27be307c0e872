//! What to do with a treatment, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NoLevels, QualityKind};
use trialbook_model::{MetricKey, SourceKey, VariantKey};

/// What a metric shows about a treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Significantly better.
    Better,
    /// Significantly worse; for a guardrail also: significantly worse than its margin allows.
    Worse,
    /// A guardrail that is shown to be within its margin.
    Safe,
    /// A guardrail that is not shown to be within its margin.
    NotSafe,
    /// Measured, and neither better nor worse.
    NoDifference,
    /// The plan does not allow a look yet.
    NotDecided,
    /// There is no number; the estimate has the reason.
    NotMeasured,
}

/// What to do with a treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// Release it.
    Ship,
    /// Keep the control: the treatment hurts.
    RollBack,
    /// Nothing is decided yet.
    KeepRunning,
    /// The control stays: an effect of the declared size is ruled out.
    NoEffect,
    /// The plan is fulfilled and neither an effect nor its absence is shown.
    Inconclusive,
    /// A deciding metric has no number, so that nothing can be decided until its data or its definition is fixed.
    NotDecidable,
    /// The data cannot carry a verdict.
    Invalid,
}

/// A fact that led to a verdict. Levels and p-values are one-sided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Ground {
    /// A success metric is better.
    MetricBetter {
        /// Which.
        metric: MetricKey,
        /// The p-value of "better".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
        /// The relative change, where it is defined; 0.02 is 2 % more.
        lift: Option<f64>,
    },
    /// A metric is worse. It is tested at every look, so the p-value is valid however many there are.
    MetricWorse {
        /// Which.
        metric: MetricKey,
        /// The always-valid p-value of "worse".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
        /// The relative change, where it is defined.
        lift: Option<f64>,
    },
    /// A guardrail is within its margin.
    GuardrailSafe {
        /// Which.
        metric: MetricKey,
        /// The p-value of "not worse by the margin".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
    },
    /// A guardrail is beyond its margin, significantly.
    GuardrailBreached {
        /// Which.
        metric: MetricKey,
        /// The p-value of "worse by more than the margin".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
    },
    /// A guardrail may be within its margin or beyond it: there are too few units to tell.
    GuardrailNotShown {
        /// Which.
        metric: MetricKey,
        /// The p-value of "not worse by the margin".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
    },
    /// No success metric is better.
    NothingBetter,
    /// An effect of the declared size is ruled out for a success metric.
    EffectRuledOut {
        /// Which.
        metric: MetricKey,
        /// The p-value of "below the declared effect".
        p_value: f64,
        /// The level it had to reach.
        level: f64,
    },
    /// A metric that decides has no number; its estimate has the reason.
    NotMeasured {
        /// Which.
        metric: MetricKey,
    },
    /// A metric has a number, and a test that it needs cannot be made: that of a relative margin or effect where the
    /// control mean may be zero, for example. Its comparison has the reason.
    NotTested {
        /// Which.
        metric: MetricKey,
    },
    /// A quality check failed, or rejects at the level of rule 2.
    Quality {
        /// Which.
        check: QualityKind,
        /// The source that it is about, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceKey>,
    },
    /// The plan is not the launched one in a way on which no result stands, or its records contradict each other.
    PlanNotAsLaunched,
    /// No level can be shared among the tests: there is nothing to decide by, or the rates do not fit.
    NothingDecides {
        /// Why.
        why: NoLevels,
    },
    /// It was decided before the plan allowed a look.
    DecidedEarly {
        /// When it was decided.
        decided: Timestamp,
        /// When the plan would have allowed the look.
        horizon: Timestamp,
    },
    /// The plan allows no look at effects before this instant.
    BeforeHorizon {
        /// When the last unit's deciding windows have closed.
        horizon: Timestamp,
    },
    /// The plan has looks to come, of which this is the last.
    BeforeLastLook {
        /// When the last unit's deciding windows have closed.
        last: Timestamp,
    },
    /// The test ended at a look before the last one. What is measured later changes nothing.
    StoppedAtLook {
        /// The look.
        at: Timestamp,
        /// When the last look would have been.
        last: Timestamp,
    },
    /// The experiment has not begun.
    NotStarted {
        /// When it will.
        start: Timestamp,
    },
}

/// What a verdict waits for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// Units, over all arms, with which every deciding metric reaches the declared power; `None` where that is
    /// not known yet.
    pub units: Option<u64>,
    /// Units over all arms so far.
    pub have: u64,
    /// When those units are reached at the traffic so far; `None` where that is not before enrolment ends, or not known.
    pub reached_on: Option<Timestamp>,
    /// When the plan allows the decision.
    pub decided_on: Timestamp,
}

/// What to do with one treatment, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which treatment.
    pub treatment: VariantKey,
    /// What to do.
    pub kind: VerdictKind,
    /// Why, what weighs most first.
    pub reasons: Vec<Ground>,
    /// The metrics that are significantly worse. Beside *invalid* this is an alarm: stop the treatment, for
    /// a variant that crashes also loses exposures.
    pub harm: Vec<MetricKey>,
    /// What it waits for; only with *keep running*.
    pub need: Option<Need>,
}

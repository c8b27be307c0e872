//! What to do with a treatment, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::QualityKind;
use trialbook_model::{MetricKey, VariantKey};

/// What a metric says about a treatment.
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
    /// There is no number; the estimate says why.
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

impl VerdictKind {
    /// Returns the words that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::RollBack => "roll back",
            Self::KeepRunning => "keep running",
            Self::NoEffect => "no effect of the declared size",
            Self::Inconclusive => "inconclusive",
            Self::NotDecidable => "not decidable",
            Self::Invalid => "invalid",
        }
    }
}

/// A fact that led to a verdict. Levels and p-values are one-sided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
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
    /// A metric is worse.
    MetricWorse {
        /// Which.
        metric: MetricKey,
        /// The p-value of "worse".
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
    /// A guardrail may be within its margin or beyond it: the data do not tell.
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
    /// A metric that decides has no number.
    NotMeasured {
        /// Which.
        metric: MetricKey,
        /// Why, as a fragment.
        why: String,
    },
    /// A metric has a number, and a test that it needs cannot be made: that of a relative margin or effect where the
    /// control mean may be zero, say.
    NotTested {
        /// Which.
        metric: MetricKey,
        /// Why, as a fragment.
        why: String,
    },
    /// A quality check failed, or rejects at the level of rule 2.
    Quality {
        /// Which.
        check: QualityKind,
        /// What it found.
        detail: String,
    },
    /// No level can be shared among the tests: there is nothing to decide by, or the rates do not fit.
    NothingDecides {
        /// Why, as a fragment.
        why: String,
    },
    /// The plan allows no look at effects before this instant.
    BeforeHorizon {
        /// When the last unit's deciding windows have closed.
        horizon: Timestamp,
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
    /// Units, over all arms, with which every deciding metric reaches the declared power; `None` where the
    /// data do not tell yet.
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
    pub reasons: Vec<Reason>,
    /// The verdict in one sentence that anybody can repeat. It holds names from the book, unescaped.
    pub sentence: String,
    /// The metrics that are worse beyond doubt. Beside *invalid* this is an alarm: stop the treatment, for
    /// a variant that crashes also loses exposures.
    pub harm: Vec<MetricKey>,
    /// What it waits for; only with *keep running*.
    pub need: Option<Need>,
}

//! The outcome: the numbers and the verdict, with where they came from.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::{Estimate, NonInferiority};
use crate::warehouse::Engine;
use trialbook_decision::{Judgement, QualityCheck, Reason, Verdict};
use trialbook_model::{
    Allocation, Analysis, Cap, Decision, Digest, Direction, Duration, ExperimentKey, ExperimentState,
    FlagKey, LayerKey, Margin, MetricKey, MinimumEffect, Schedule, Share, Split, SurfaceKey, VariantKey,
    Window,
};

/// The analysis of one experiment at one watermark. Plain data: a result can be recomputed from it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The version of this shape. A newer tool may add fields; what it changes raises the version.
    pub version: u32,
    /// What made it.
    pub tool: Tool,
    /// What answered the queries; `None` in an outcome of a version that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The book it was made from.
    pub book: BookReference,
    /// The experiment as its plan says.
    pub experiment: ExperimentReference,
    /// The watermark: nothing at or after it was read.
    pub as_of: Timestamp,
    /// How far the sources that the deciding metrics need reach: the earliest of their last timestamps.
    /// `None` where one has no rows.
    pub data_until: Option<Timestamp>,
    /// Whether the plan is the one of the launch.
    pub preregistration: Preregistration,
    /// Who was counted.
    pub units: Units,
    /// Whether the data can carry a verdict: checks of all units first, then by dimension.
    pub quality: Vec<QualityCheck>,
    /// Success metrics, guardrails, exploratory metrics, each in the order of the plan.
    pub metrics: Vec<MetricResult>,
    /// One verdict per treatment, in byte order.
    pub verdicts: Vec<Verdict>,
    /// Of several treatments that qualify, the one with the largest primary estimate. It was not tested
    /// against the others.
    pub best: Option<VariantKey>,
    /// Every query that was run, so that anybody can run it again.
    pub queries: Vec<Query>,
}

impl Outcome {
    /// The version of the shape that this tool writes and reads.
    pub const VERSION: u32 = 1;

    /// Reads an outcome, refusing a version that this tool does not know.
    pub fn from_json(text: &str) -> Result<Self, OutcomeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text).map_err(OutcomeError::NotAnOutcome)?;
        if version != Self::VERSION {
            return Err(OutcomeError::Version(version));
        }
        serde_json::from_str(text).map_err(OutcomeError::NotAnOutcome)
    }

    /// Names files relative to the book's folder wherever the outcome names one: in queries and in what people read. The
    /// folders of a machine are nobody else's business, and differ from machine to machine.
    pub fn relative_to(mut self, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let Some(root) = root.to_str().filter(|root| *root != "/") else { return self };
        let plain = format!("{}/", root.trim_end_matches('/'));
        let quoted = plain.replace('\'', "''");
        let shorten = |text: &mut String| {
            for prefix in [&quoted, &plain] {
                if text.contains(prefix.as_str()) {
                    *text = text.replace(prefix.as_str(), "");
                }
            }
        };
        self.queries.iter_mut().for_each(|query| shorten(&mut query.sql));
        self.quality.iter_mut().for_each(|check| shorten(&mut check.detail));
        for comparison in self.metrics.iter_mut().flat_map(|metric| &mut metric.comparisons) {
            if let Estimate::NotMeasured(why) = &mut comparison.estimate {
                shorten(&mut why.detail);
            }
        }
        for verdict in &mut self.verdicts {
            shorten(&mut verdict.sentence);
            for reason in &mut verdict.reasons {
                match reason {
                    Reason::NotMeasured { why, .. }
                    | Reason::NotTested { why, .. }
                    | Reason::NothingDecides { why } => shorten(why),
                    Reason::Quality { detail, .. } => shorten(detail),
                    _ => {}
                }
            }
        }
        self
    }

    /// Returns the outcome as JSON for people and diffs: indented, with a final line break.
    ///
    /// # Errors
    ///
    /// As [`serde_json::to_string_pretty`]; none is known.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Why a text is not an outcome.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// Not JSON, or not of this shape.
    #[error("not an outcome of `trialbook analyze`")]
    NotAnOutcome(#[source] serde_json::Error),
    /// Of another version.
    #[error("an outcome of version {0}, but this trialbook reads version {known}", known = Outcome::VERSION)]
    Version(u32),
}

/// What made an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `trialbook`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// Returns this program.
    pub fn this() -> Self {
        Self { name: "trialbook".into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// The book that an outcome was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookReference {
    /// Its name.
    pub name: String,
    /// The commit that was checked out; `None` outside git.
    pub commit: Option<String>,
    /// The IANA time zone in which its dates begin, and in which a report writes them.
    pub timezone: String,
}

/// The experiment as its plan says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentReference {
    /// Its key.
    pub key: ExperimentKey,
    /// What people call it.
    pub title: String,
    /// What is expected, and why.
    pub hypothesis: String,
    /// Who answers for it.
    pub owner: String,
    /// Where in the product it is seen.
    pub surfaces: Vec<SurfaceKey>,
    /// The flag whose variants are tested.
    pub flag: FlagKey,
    /// Its file, relative to the book's folder, where that is known.
    pub file: Option<String>,
    /// The variant that the others are compared with.
    pub control: VariantKey,
    /// The variants compared with it, in byte order.
    pub treatments: Vec<VariantKey>,
    /// Who gets what.
    pub split: Split,
    /// When units are enrolled.
    pub schedule: Schedule,
    /// When the last unit's deciding windows have closed: the fixed horizon.
    pub horizon: Timestamp,
    /// What it was doing at the watermark.
    pub state: ExperimentState,
    /// The layer that holds its units.
    pub layer: Option<LayerKey>,
    /// The share of the audience that is enrolled.
    pub allocation: Allocation,
    /// How it is judged.
    pub analysis: Analysis,
    /// How it ended, where it has.
    pub decision: Option<Decision>,
}

/// Whether the plan is the one of the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preregistration {
    /// The digest of the plan that the analysis used; `None` where none could be computed.
    pub digest: Option<Digest>,
    /// How it compares with the launch.
    pub status: PreregistrationStatus,
}

/// How a plan compares with the one of the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum PreregistrationStatus {
    /// It is the same.
    Verified {
        /// The commit of the launch.
        commit: String,
        /// When it was launched.
        at: Timestamp,
    },
    /// Not known.
    Unverified {
        /// Why, as a fragment.
        reason: String,
    },
    /// It differs: what it touches is exploratory.
    Deviates {
        /// What differs, one fragment each.
        what: Vec<String>,
    },
}

/// Who was counted and who was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// The analysed units of each arm, in byte order.
    pub arms: Vec<ArmUnits>,
    /// Units left out because they were seen in two variants.
    pub in_two_variants: u64,
    /// Units left out because they were first exposed outside the schedule.
    pub outside_schedule: u64,
    /// Units exposed to a variant that the experiment does not have.
    pub unknown_variant: u64,
    /// The first exposure of an analysed unit.
    pub first_exposure: Option<Timestamp>,
    /// The last first exposure of an analysed unit.
    pub last_exposure: Option<Timestamp>,
}

impl Units {
    /// Returns the analysed units of all arms.
    pub fn total(&self) -> u64 {
        self.arms.iter().map(|arm| arm.units).sum()
    }
}

/// The analysed units of an arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmUnits {
    /// The variant.
    pub variant: VariantKey,
    /// The share it should have.
    pub share: Share,
    /// How many units it has.
    pub units: u64,
}

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum Role {
    /// Can show that the change was worth making.
    Success {
        /// The smallest effect worth finding.
        mde: MinimumEffect,
    },
    /// Must be shown not to get worse by the margin.
    Guardrail {
        /// How much worse is still acceptable.
        margin: Margin,
    },
    /// Looked at; decides nothing.
    Exploratory,
}

/// What a metric is across units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricKind {
    /// The mean of a measure.
    Mean,
    /// The share of units whose measure is above zero.
    Proportion,
    /// The total of one measure over the total of another.
    Ratio,
    /// A quantile of a measure.
    Quantile,
}

/// A metric of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// Its key.
    pub metric: MetricKey,
    /// What it says.
    pub description: String,
    /// What it is for.
    pub role: Role,
    /// What it is across units.
    pub kind: MetricKind,
    /// Which direction is good.
    pub direction: Direction,
    /// Which rows count.
    pub window: Window,
    /// Where values were cut off; `None`: nowhere.
    pub cap: Option<Capping>,
    /// How long before exposure the covariate was taken; `None`: no covariate was used.
    pub covariate: Option<Duration>,
    /// How far its source reaches; `None` where it has no rows.
    pub data_until: Option<Timestamp>,
    /// Each arm, in byte order.
    pub arms: Vec<ArmMetric>,
    /// Each treatment against the control, in byte order.
    pub comparisons: Vec<MetricComparison>,
}

/// Where values were cut off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capping {
    /// As the metric says.
    pub rule: Cap,
    /// The value; `None` where there were no units to take a quantile of.
    pub at: Option<f64>,
    /// How many units were above it.
    pub units: u64,
}

/// A metric in one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmMetric {
    /// The variant.
    pub variant: VariantKey,
    /// How many units' windows have closed: the units that count.
    pub units: u64,
    /// Their moments; `None` before the plan allows a look, and where they cannot be computed.
    pub moments: Option<MetricMoments>,
}

/// Centred moments of the units of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricMoments {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations from the mean.
    pub m2: f64,
    /// The covariate's, where one was used.
    pub covariate: Option<CovariateMoments>,
}

/// Centred moments of a covariate and its co-moment with the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CovariateMoments {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations from the mean.
    pub m2: f64,
    /// The sum of the products of both deviations.
    pub co: f64,
}

/// A treatment against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// The treatment.
    pub treatment: VariantKey,
    /// The effect, or why there is none.
    pub estimate: Estimate,
    /// The one-sided level of the test of *better* or, for a guardrail, of *safe*; for an exploratory metric
    /// half of alpha.
    pub level: f64,
    /// The one-sided level of the test of *worse*.
    pub deterioration_level: f64,
    /// For a guardrail that has an estimate: the test of non-inferiority.
    pub non_inferiority: Option<NonInferiority>,
    /// For an exploratory metric that has an estimate: the two-sided p-value after Benjamini and Hochberg,
    /// over all exploratory comparisons.
    pub p_adjusted: Option<f64>,
    /// What it says.
    pub judgement: Judgement,
}

/// A query that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What it is for.
    pub name: String,
    /// Its text. Files are named relative to the book's folder: run it there.
    pub sql: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_by_name() {
        let error = Outcome::from_json(r#"{"version": 2}"#).expect_err("version 2");
        assert!(matches!(error, OutcomeError::Version(2)));
        assert!(matches!(Outcome::from_json("[]"), Err(OutcomeError::NotAnOutcome(_))));
        assert!(matches!(Outcome::from_json(r#"{"version": 1}"#), Err(OutcomeError::NotAnOutcome(_))));
    }
}

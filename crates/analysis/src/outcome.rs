//! The outcome: the numbers and the verdict, with where they came from.

mod metric;
mod plan;
mod release;
mod source;
mod units;

pub use metric::{
    ArmMetric, Capping, Corrected, CovariateMoments, EstimateLook, LookShown, Looked, MetricComparison,
    MetricKind, MetricMoments, MetricResult, QuantileValues, Role,
};
pub use plan::{ExperimentReference, Preregistration, PreregistrationStatus};
pub use release::{Release, ReleasePlace};
pub use source::{SourceArm, SourceReport};
pub use units::{ArmUnits, Units};

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::{DeclaredEffect, Estimate, NonInferiority, NotMeasured};
use super::over_time::TimeEffects;
use super::parts::DimensionEffects;
use super::past_looks::PastLooks;
use super::split_cause::SplitDiagnosis;
use crate::query::IdExample;
use crate::warehouse::{Cost, Engine};
use trialbook_decision::{QualityCheck, Verdict};
use trialbook_model::{Digest, MetricKey, SourceKey, VariantKey};

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
    /// The experiment as its plan declares it.
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
    /// Where the split is broken: what a search for the units that explain it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitDiagnosis>,
    /// Success metrics, guardrails, exploratory metrics, each in the order of the plan.
    pub metrics: Vec<MetricResult>,
    /// The deciding metrics' effects in parts of the units, where effects are shown and the exposures have dimensions: exploratory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<DimensionEffects>,
    /// The deciding metrics' effects over time, where effects are shown: exploratory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over_time: Vec<TimeEffects>,
    /// What of an earlier outcome of the same plan comes out differently now, where there is one to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_looks: Option<PastLooks>,
    /// One verdict per treatment, in byte order.
    pub verdicts: Vec<Verdict>,
    /// Of several treatments that qualify, the one with the largest primary estimate. It was not tested
    /// against the others.
    pub best: Option<VariantKey>,
    /// What is known of the sources of facts, in byte order; empty in an outcome of a version that did not write it.
    #[serde(default)]
    pub sources: Vec<SourceReport>,
    /// The edits that release what ships, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    /// Every query that was run, so that anybody can run it again.
    pub queries: Vec<Query>,
    /// Ids that exposures and facts write differently, with the source of the facts. Ids are personal data: they are for
    /// the terminal of the person who runs the analysis, and never written.
    #[serde(skip)]
    pub examples: Vec<(SourceKey, IdExample)>,
    /// The metrics without a number by their own definition, on whatever day: no engine measures them, or no row fulfils their
    /// `where`. What can be repaired after launch is decided by it.
    #[serde(skip)]
    pub undefined: Vec<MetricKey>,
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
        self.quality.iter_mut().filter_map(|check| check.detail.cause_mut()).for_each(shorten);
        let detail = |why: &mut NotMeasured| why.cause_mut().into_iter().for_each(shorten);
        for comparison in self.metrics.iter_mut().flat_map(|metric| &mut metric.comparisons) {
            if let Estimate::NotMeasured(why) = &mut comparison.estimate {
                detail(why);
            }
            if let Some(NonInferiority::NotTested(why)) = &mut comparison.non_inferiority {
                detail(why);
            }
            if let Some(DeclaredEffect::NotTested(why)) = &mut comparison.declared_effect {
                detail(why);
            }
        }
        self
    }

    /// Returns the outcome as JSON for people and diffs: indented, with a final line break. Its last field is the
    /// [digest](Self::digest_of) of the others, so that an edit is noticed where the file is read.
    ///
    /// # Errors
    ///
    /// As [`serde_json::to_string_pretty`]; none is known.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        let digest = Self::digest_of(&value)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert(Self::DIGEST.to_owned(), serde_json::to_value(digest)?);
        }
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    /// The field that holds the digest of the others.
    pub const DIGEST: &str = "digest";

    /// Returns the digest of all fields of an outcome but the one that holds it, of fields that this version does not know too.
    ///
    /// # Errors
    ///
    /// As [`Digest::of`]; none is known.
    pub fn digest_of(outcome: &serde_json::Value) -> serde_json::Result<Digest> {
        let mut fields = outcome.clone();
        if let Some(fields) = fields.as_object_mut() {
            fields.shift_remove(Self::DIGEST);
        }
        Digest::of(&fields)
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

/// A query that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What it is for.
    pub name: String,
    /// Its text. Files are named relative to the book's folder: run it there.
    pub sql: String,
    /// The rows that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How long the answer took. Only where it was asked for: the same data gives the same outcome, and not the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

impl Query {
    /// Adds what the query cost, and how long it took where that is wanted.
    pub fn cost(&mut self, costs: &[Cost], with_time: bool) {
        let Some(cost) = costs.iter().rev().find(|cost| cost.sql == self.sql) else { return };
        self.rows = cost.rows;
        self.milliseconds = with_time.then(|| u64::try_from(cost.took.as_millis()).unwrap_or(u64::MAX));
    }
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

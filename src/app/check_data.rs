//! The checks of experiments' data, without verdicts.

use jiff::Timestamp;
use serde::Serialize;
use trialbook_analysis::warehouse::Engine;
use trialbook_analysis::{Outcome, QualityCheck, QualityKind, QualityStatus, SourceReport};
use trialbook_model::ExperimentKey;

/// What the checks of the data found, of several experiments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataReport {
    /// The version of this shape.
    pub version: u32,
    /// The book's name.
    pub book: String,
    /// The watermark: data at or after it was not read.
    pub as_of: Timestamp,
    /// What answered the queries.
    pub engine: Engine,
    /// Checks that failed.
    pub failed: u64,
    /// Checks that are worth a look, or could not be made.
    pub warnings: u64,
    /// The checks of each experiment, in byte order of the keys.
    pub experiments: Vec<ExperimentData>,
}

/// The checks of an experiment's data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentData {
    /// Which.
    pub experiment: ExperimentKey,
    /// Its checks.
    pub checks: Vec<QualityCheck>,
    /// The sources of facts that its metrics read, in byte order of the keys.
    pub sources: Vec<SourceReport>,
}

impl DataReport {
    /// The version of this shape.
    pub const VERSION: u32 = 1;

    /// Takes the checks of the data out of outcomes. That an arm has few units yet is no fault of the data.
    pub fn new(book: &str, as_of: Timestamp, engine: Engine, outcomes: Vec<Outcome>) -> Self {
        let data = |outcome: Outcome| {
            let mut checks = outcome.quality;
            checks.retain(|check| check.kind != QualityKind::TooFewUnits);
            ExperimentData { experiment: outcome.experiment.key, checks, sources: outcome.sources }
        };
        let mut experiments: Vec<ExperimentData> = outcomes.into_iter().map(data).collect();
        experiments.sort_by(|a, b| a.experiment.cmp(&b.experiment));
        // A check within a value of a dimension shows where a fault is, and is none of its own.
        let all = || experiments.iter().flat_map(|data| &data.checks).filter(|check| check.within.is_none());
        let count =
            |of: &dyn Fn(QualityStatus) -> bool| all().filter(|check| of(check.status)).count() as u64;
        Self {
            version: Self::VERSION,
            book: book.to_owned(),
            as_of,
            engine,
            failed: count(&|status| status == QualityStatus::Fail),
            warnings: count(&|status| matches!(status, QualityStatus::Warn | QualityStatus::NotMeasured)),
            experiments,
        }
    }
}

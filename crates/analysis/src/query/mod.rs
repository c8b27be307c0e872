//! From exposures and facts to centred moments, in one query per source.
//!
//! A unit's first exposure to an experiment makes it a unit of the experiment; what happened within
//! a metric's window after that is its value. One pass over a source serves every metric and every
//! experiment that reads it; the warehouse returns a row per experiment and arm, whatever the size
//! of the data.

mod clock;
mod copies;
mod exposures;
mod facts;
mod history;
mod ids;
mod looks;
mod over_time;
mod parts;
mod relation;
mod split;
mod state;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::warehouse::Warehouse;
use trialbook_model::{Book, Experiment, ExperimentKey, MetricKey, SourceKey, VariantKey};

pub use copies::{ArmRows, Copies};
pub use exposures::{ArmCount, Counts, DimensionCount, Exposures};
pub use facts::{ArmMoments, ArmQuantile, Centred, CentredCovariate, Limit, Measured, NotComputed};
pub use history::{History, history};
pub(crate) use ids::most_frequent;
pub use ids::{IdExample, Joined};
pub use looks::Look;
pub use over_time::{Span, SpanMoments};
pub use parts::PartMoments;
pub use relation::SourceError;
pub use split::SplitCells;
pub use state::{SourceState, Stamps};

/// What is asked: experiments of a book, up to a watermark.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The book.
    pub book: &'a Book,
    /// The experiments; each is one of the book's.
    pub experiments: &'a [&'a Experiment],
    /// Nothing at or after it is read, and a unit counts once its window lies before it.
    pub watermark: Timestamp,
    /// The changes of the book that may concern each experiment.
    pub changes: &'a BTreeMap<ExperimentKey, Vec<BookChange>>,
}

/// A commit that changed what an experiment, or what decides who is in it, is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookChange {
    /// The commit's full id.
    pub commit: String,
    /// When it was made.
    pub at: Timestamp,
    /// The first line of its message, cut after some characters.
    pub subject: String,
}

/// The moments of metrics, or why there are none.
pub type Metrics = BTreeMap<(ExperimentKey, MetricKey), Result<Measured, NotComputed>>;

/// What the warehouse answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Who was exposed, per experiment.
    pub exposures: BTreeMap<ExperimentKey, Exposures>,
    /// The state of each source that was read, or why it could not be.
    pub sources: BTreeMap<SourceKey, Result<SourceState, SourceError>>,
    /// The moments per experiment and metric, or why there are none.
    pub metrics: Metrics,
    /// The looks up to the watermark, in order, of each experiment whose method has several, and what was known at each.
    pub looks: BTreeMap<ExperimentKey, Vec<Look>>,
    /// The moments of the metrics whose source has identical rows, as they are with one of each alone.
    pub without_copies: Metrics,
    /// The rows of each source of facts near an experiment's units, and the copies among them.
    pub copies: BTreeMap<(ExperimentKey, SourceKey), Copies>,
    /// How the units of each source of facts meet those of an experiment.
    pub joins: BTreeMap<(ExperimentKey, SourceKey), Joined>,
    /// Of an experiment whose windows have all closed: its parts, dimension by dimension.
    pub parts: BTreeMap<ExperimentKey, Vec<PartMoments>>,
    /// Of an experiment whose windows have all closed: its parts of time.
    pub over_time: BTreeMap<ExperimentKey, Vec<SpanMoments>>,
    /// Of an experiment whose split is uneven: its units by part and time.
    pub split: BTreeMap<ExperimentKey, SplitCells>,
    /// The queries that were run, in order, each with the source that it reads.
    pub queries: Vec<Asked>,
}

/// A query that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it is for.
    pub name: String,
    /// The source that it reads besides the exposures.
    pub source: SourceKey,
    /// Its text.
    pub sql: String,
}

/// Why an experiment has no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No source records who was exposed.
    #[error("no source holds exposures of `{entity}`, which experiment `{experiment}` randomises")]
    NoExposures {
        /// The entity.
        entity: String,
        /// The experiment.
        experiment: ExperimentKey,
    },
    /// The source of exposures cannot be read.
    #[error("cannot read the exposures in source `{source_key}`")]
    Exposures {
        /// The source.
        source_key: SourceKey,
        /// Why.
        #[source]
        cause: SourceError,
    },
}

/// Asks the warehouse for everything that the analysis of these experiments needs.
///
/// A source of facts that cannot be read leaves its metrics without moments, with the reason; a source of
/// exposures that cannot be read is an error. `progress` hears what is read next.
pub fn ask(
    question: Question<'_>,
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
) -> Result<Answer, QueryError> {
    let mut answer = Answer::default();
    let units = exposures::ask(question, warehouse, progress, &mut answer)?;
    facts::ask(question, warehouse, &units, facts::Extent::WithChecks, progress, &mut answer);
    parts::ask(question, &units, warehouse, progress, &mut answer);
    over_time::ask(question, &units, warehouse, progress, &mut answer);
    Ok(answer)
}

/// Returns the arms of an experiment in byte order: the position of a variant is its number in the SQL.
fn arms(experiment: &Experiment) -> Vec<&VariantKey> {
    experiment.split.variants().collect()
}

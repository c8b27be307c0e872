//! What is asked of an analysis, and one experiment under it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::effect::NotMeasured;
use super::outcome::Preregistration;
use crate::query::{Answer, BookChange, Exposures, Look, Measured, Metrics, NotComputed};
use trialbook_model::{Book, Experiment, ExperimentKey, Metric, MetricKey, SourceKey};

/// What is to be analysed.
#[derive(Debug, Clone)]
pub struct Request {
    /// The experiments, in the order of the outcomes.
    pub experiments: Vec<ExperimentKey>,
    /// The watermark.
    pub as_of: Timestamp,
    /// The commit that the book was read from.
    pub commit: Option<String>,
    /// The experiments' files, relative to the book's folder.
    pub files: BTreeMap<ExperimentKey, String>,
    /// What is known of the experiments' pre-registrations; one that is not here is unverified.
    pub preregistrations: BTreeMap<ExperimentKey, Preregistration>,
    /// The changes of the book that may concern each experiment: where a split is broken, the time since each is compared.
    pub changes: BTreeMap<ExperimentKey, Vec<BookChange>>,
}

/// One experiment with everything that is known of it.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) book: &'a Book,
    pub(super) experiment: &'a Experiment,
    pub(super) answer: &'a Answer,
    /// The moments to judge by: the answer's, or those without copies.
    pub(super) metrics: &'a Metrics,
    /// The metrics whose data cannot be used, and why.
    pub(super) faults: &'a BTreeMap<MetricKey, NotMeasured>,
    pub(super) request: &'a Request,
    /// The watermark: that of the request, or of a look before it.
    pub(super) as_of: Timestamp,
    /// Who was exposed before the watermark.
    pub(super) exposures: &'a Exposures,
    /// The source of which one of each identical rows counts, where that is tried.
    pub(super) deduplicated: Option<&'a SourceKey>,
    pub(super) timezone: &'a TimeZone,
}

impl<'a> Work<'a> {
    /// Tells whether the plan allows a look: every unit's deciding windows have closed while the experiment was served.
    pub(super) fn final_look(&self) -> bool {
        self.as_of >= self.book.matured_at(self.experiment) && self.decided_early().is_none()
    }

    /// Tells whether the plan has looks to come.
    pub(super) fn is_open(&self) -> bool {
        self.as_of < self.book.matured_at(self.experiment) && self.decided_early().is_none()
    }

    /// Returns when the experiment was decided, where that was before its plan allowed a look and not after the watermark.
    ///
    /// Serving ends with the decision, so the look that the plan waits for never comes.
    pub(super) fn decided_early(&self) -> Option<Timestamp> {
        let date = self.experiment.decision.as_ref()?.date;
        (date <= self.as_of && date < self.book.matured_at(self.experiment)).then_some(date)
    }

    /// Returns the end of what is measured: the watermark, or the decision that ended it early.
    pub(super) fn measured_until(&self) -> Timestamp {
        self.decided_early().map_or(self.as_of, |decided| decided.min(self.as_of))
    }

    /// Returns what was measured of a metric.
    pub(super) fn measured(&self, metric: &MetricKey) -> Option<&'a Result<Measured, NotComputed>> {
        let key = (self.experiment.key.clone(), metric.clone());
        self.metrics.get(&key)
    }

    /// Returns the looks up to the watermark; of a method with a single one none.
    pub(super) fn looks(&self) -> &'a [Look] {
        self.answer.looks.get(&self.experiment.key).map_or(&[], Vec::as_slice)
    }

    /// Returns the work as it was at a look.
    pub(super) fn at_look(&self, look: &'a Look) -> Self {
        Self { as_of: look.at, exposures: &look.exposures, metrics: &look.metrics, ..*self }
    }

    /// Returns what was measured of a metric at a look.
    pub(super) fn measured_at(
        &self,
        look: &'a Look,
        metric: &Metric,
    ) -> Option<&'a Result<Measured, NotComputed>> {
        let key = (self.experiment.key.clone(), metric.key.clone());
        let concerned = self.deduplicated.is_some_and(|source| metric.kind.sources().contains(&source));
        let without = look.without_copies.get(&key).filter(|_| concerned);
        without.or_else(|| look.metrics.get(&key))
    }
}

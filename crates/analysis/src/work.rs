//! What is asked of an analysis, and one experiment under it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::outcome::Preregistration;
use crate::query::{Answer, Exposures};
use trialbook_model::{Book, Experiment, ExperimentKey};

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
}

/// One experiment with everything that is known of it.
pub(super) struct Work<'a> {
    pub(super) book: &'a Book,
    pub(super) experiment: &'a Experiment,
    pub(super) answer: &'a Answer,
    pub(super) request: &'a Request,
    pub(super) timezone: &'a TimeZone,
}

impl Work<'_> {
    /// Tells whether the plan allows a look: every unit's deciding windows have closed.
    pub(super) fn final_look(&self) -> bool {
        self.request.as_of >= self.book.matured_at(self.experiment)
    }

    pub(super) fn exposures(&self) -> Exposures {
        self.answer.exposures.get(&self.experiment.key).cloned().unwrap_or_default()
    }
}

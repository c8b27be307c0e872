//! One experiment under analysis.

use jiff::tz::TimeZone;

use super::analyse::Request;
use crate::query::{Answer, Exposures};
use trialbook_model::{Book, Experiment};

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

//! What a person should know about how findings came about, as data.

use jiff::Timestamp;

use trialbook_history::HistoryError;
use trialbook_model::ExperimentKey;

/// What a person should know about how the findings of a change came about. It is no finding: nothing is wrong with the book.
#[derive(Debug)]
pub enum Notice {
    /// The branch that is merged into has no valid book, so what the change does to it was not checked.
    NoBookBefore,
    /// History is not all here, so a key that was used long ago may go unnoticed.
    ShortHistory,
    /// The next apply replaces the plan of an experiment, which was applied and has not started.
    ReplacesPlan {
        /// The experiment.
        experiment: ExperimentKey,
        /// When it starts: until then its plan may change.
        start: Timestamp,
    },
    /// A revision that a pattern matched was left out: somebody else's branch stops nobody who did not name it.
    LeftOut {
        /// The revision.
        revision: String,
        /// Why it could not be merged.
        cause: HistoryError,
    },
    /// An open pull request was left out: its commit could not be fetched, or has nothing in common with the change.
    PullLeftOut {
        /// Its number.
        number: u64,
        /// Why it could not be merged.
        cause: HistoryError,
    },
    /// More pull requests are open than one run looks at.
    MorePulls {
        /// How many of them were looked at: those updated last.
        looked_at: usize,
        /// How many were not.
        more: usize,
    },
}

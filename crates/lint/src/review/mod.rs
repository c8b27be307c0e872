//! What a change does to what runs: a book as the branch has it that is merged into, and as it will be after the merge.
//!
//! Edits before launch are free. Afterwards an experiment's plan is frozen, a unit keeps its variant, and a key is never used
//! again. What breaks that is found here, with a unit that would notice.

mod deleted;
mod frozen;
mod launched;
mod merged;
mod moved;
mod place;
mod reused;
pub(crate) mod start_in_past;
mod touched;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use trialbook_history::{Commit, FileChange, Preregistration};
use trialbook_language::load::{self, Documents};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Book, Digest, ExperimentKey};

pub use merged::{brought, conflicts};

/// The names of the rules whose findings are made here, as `explain` takes them.
pub const RULES: &[&str] =
    &[MERGE_CONFLICT, CHANGED_AFTER_LAUNCH, DELETED_WHILE_SERVED, start_in_past::NAME, KEY_USED_AGAIN];

const MERGE_CONFLICT: &str = "merge-conflict";
const CHANGED_AFTER_LAUNCH: &str = "changed-after-launch";
const DELETED_WHILE_SERVED: &str = "deleted-while-served";
const KEY_USED_AGAIN: &str = "key-used-again";

/// A change under review.
#[derive(Debug)]
pub struct Review<'a> {
    /// The book as the other side has it.
    pub before: &'a Book,
    /// The book after the merge.
    pub after: &'a Book,
    /// The files after the merge.
    pub documents: &'a Documents,
    /// The files that the merge changes for the other side.
    pub changes: &'a [FileChange],
    /// The experiments whose launch is recorded and whose start has come: a plan is frozen when the first unit can be exposed.
    pub launched: &'a BTreeSet<ExperimentKey>,
    /// What the plans of launched experiments are recorded as, where that is known.
    pub recorded: &'a BTreeMap<ExperimentKey, Digest>,
    /// The names of files (`KEY.KIND`) that are new and that the history of the other side knows, with the commit that
    /// deleted them.
    pub used: &'a BTreeMap<String, Commit>,
    /// When now is.
    pub now: Timestamp,
}

impl Review<'_> {
    /// Tells whether the change gives an experiment another plan.
    pub fn replaces_plan(&self, key: &ExperimentKey) -> bool {
        let plan = |book: &Book| Preregistration::of(book, book.experiments.get(key)?).ok();
        match (plan(self.before), plan(self.after)) {
            (Some(before), Some(after)) => before.digest() != after.digest(),
            _ => false,
        }
    }

    /// Returns an instant as people of this book read it.
    pub fn date(&self, instant: Timestamp) -> String {
        let zone = trialbook_model::timezone(&self.after.timezone).unwrap_or(TimeZone::UTC);
        let zoned = instant.to_zoned(zone);
        let midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == instant);
        if midnight { zoned.date().to_string() } else { zoned.strftime("%Y-%m-%d %H:%M %Z").to_string() }
    }
}

/// Returns what a change may not do, in reading order.
pub fn review(review: &Review<'_>) -> Vec<Diagnostic> {
    let old = review.changes.iter().filter_map(|change| change.before.clone()).collect();
    let scene = Scene {
        review,
        served: (served(review.before), served(review.after)),
        old: load::load(old).documents,
    };
    let mut found = Vec::new();
    frozen::check(&scene, &mut found);
    deleted::check(&scene, &mut found);
    start_in_past::check(&scene, &mut found);
    reused::check(&scene, &mut found);
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

fn served(book: &Book) -> Cow<'_, Book> {
    book.primary_target().map_or(Cow::Borrowed(book), |target| book.in_target(&target.key))
}

/// What every check has at hand.
struct Scene<'a> {
    review: &'a Review<'a>,
    /// The two books as the primary target serves them: launches belong to that one.
    served: (Cow<'a, Book>, Cow<'a, Book>),
    /// The changed files as they were.
    old: Documents,
}

impl Scene<'_> {
    /// Tells whether an experiment of the book before has been launched: its launch is recorded, or its start has passed on the branch
    /// that is applied.
    fn is_launched(&self, key: &ExperimentKey) -> bool {
        let started = |key| {
            let experiment = self.review.before.experiments.get(key);
            experiment.is_some_and(|experiment| experiment.schedule.start() <= self.review.now)
        };
        self.review.launched.contains(key) || started(key)
    }

    /// Returns an instant as people of this book read it.
    fn date(&self, instant: Timestamp) -> String {
        self.review.date(instant)
    }
}

#[cfg(test)]
mod tests;

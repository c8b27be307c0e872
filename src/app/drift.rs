//! What somebody changed in a target since the last apply.

use serde::Serialize;

use super::plan::Planned;
use trialbook_delivery::plan::{Applied, Change, Drift, Live, LiveContent};
use trialbook_model::TargetKey;

/// The version of [`Drifted`] as JSON.
pub const VERSION: u32 = 1;

/// What differs in a target from what the last apply of the book left in it. Only the book's own flags can drift, and only
/// in what an apply writes; another spelling of the same content is no difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drifted {
    /// The version of this shape.
    pub version: u32,
    /// The target's key.
    pub target: TargetKey,
    /// What the target is, wherever the book is.
    pub identity: String,
    /// The book's name.
    pub book: String,
    /// The last apply: whatever drifted did so after it. `None`: the target does not record it.
    pub since: Option<Applied>,
    /// Flags that somebody changed.
    pub changed: Vec<Drift>,
    /// Flags that somebody removed: the next apply puts them back.
    pub removed: Vec<String>,
    /// Flags that are not the book's. They are left alone.
    pub foreign: Vec<Foreign>,
}

/// A flag of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// Which.
    pub flag: String,
    /// The book that it is of; `None`: it does not record one.
    pub book: Option<String>,
}

impl Drifted {
    /// Returns what drifted, from what a target serves and the plan that was made from it.
    pub fn new(planned: Planned, live: &Live) -> Self {
        let plan = planned.plan;
        let removed = plan.actions.iter().filter(|action| action.changes.contains(&Change::Restored));
        let foreign = live.flags.iter().filter_map(|(flag, found)| match &found.content {
            LiveContent::Foreign { book, .. } => Some(Foreign { flag: flag.clone(), book: book.clone() }),
            LiveContent::Ours(_) | LiveContent::Drifted { .. } => None,
        });
        Self {
            version: VERSION,
            removed: removed.map(|action| action.flag.to_string()).collect(),
            foreign: foreign.collect(),
            target: plan.target,
            identity: plan.identity,
            book: plan.book,
            since: plan.applied,
            changed: plan.drifted,
        }
    }

    /// Tells whether everything is as the last apply left it.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.removed.is_empty()
    }
}

//! Why a plan cannot be applied, or only with an explicit option.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ActionKind, Applied, Change, Conflict, Plan, Unverified};
use trialbook_model::{ExperimentKey, Freeze, LargeChange};

/// How far two clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A reason why an apply refuses a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Obstacle<'a> {
    /// Somebody else has flags that the book wants.
    Conflicts(&'a [Conflict]),
    /// Units of a running experiment would leave it or get another variant.
    Disturbs(&'a ExperimentKey),
    /// An experiment was launched, and nobody can tell what was drawn.
    Unverified(&'a Unverified),
    /// An experiment would be launched from a book that is not committed.
    Uncommitted(&'a ExperimentKey),
    /// The target was written from a commit that the book does not descend from.
    Rollback(&'a Rollback),
    /// The target was written later than the plan's instant: a clock is behind.
    ClockBehind(&'a Applied),
    /// It would start something in a freeze, or let a share grow.
    Frozen(&'a Freeze),
    /// More changes than the policy allows.
    TooLarge(&'a TooLarge),
}

/// What an apply of a book would undo that does not descend from what is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The commit that the target was written from.
    pub live: String,
    /// How the book stands to that.
    pub relation: Relation,
    /// The commits that the target has and the book has not, newest first; not all of many.
    pub undone: Vec<Undone>,
}

/// How a book's commit stands to the one that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It is an ancestor.
    Older,
    /// Each has commits that the other has not.
    Diverged,
    /// The served commit is not in this clone.
    Unknown,
}

/// A commit that would be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Its id.
    pub commit: String,
    /// Its first line.
    pub subject: String,
}

/// A plan that changes more of what is served than the book's policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooLarge {
    /// How many served flags are changed or removed.
    pub changes: usize,
    /// How many flags of the book are served.
    pub owned: usize,
    /// What the book allows.
    pub policy: LargeChange,
}

impl Plan {
    /// Returns why an apply would refuse the plan, what nobody can override first.
    pub fn obstacles(&self) -> Vec<Obstacle<'_>> {
        let mut obstacles = Vec::new();
        if !self.conflicts.is_empty() {
            obstacles.push(Obstacle::Conflicts(&self.conflicts));
        }
        let each = || self.actions.iter();
        obstacles.extend(each().flat_map(|action| &action.disturbs).map(Obstacle::Disturbs));
        obstacles.extend(each().flat_map(|action| &action.unverified).map(Obstacle::Unverified));
        if self.uncommitted {
            let launches = each().flat_map(|action| action.launches.iter().chain(&action.refrozen));
            obstacles.extend(launches.take(1).map(Obstacle::Uncommitted));
        }
        if !self.actions.is_empty() {
            obstacles.extend(self.rollback.as_ref().map(Obstacle::Rollback));
            let behind = |applied: &&Applied| applied.at.duration_since(self.made_at) > SKEW;
            obstacles.extend(self.applied.as_ref().filter(behind).map(Obstacle::ClockBehind));
        }
        obstacles.extend(self.frozen.as_ref().map(Obstacle::Frozen));
        obstacles.extend(self.too_large.as_ref().map(Obstacle::TooLarge));
        obstacles
    }

    /// Tells whether the plan starts something before an instant, or lets a share grow. What was launched before and is put back
    /// does not count.
    pub(super) fn starts_before(&self, until: Timestamp) -> bool {
        let back = |change: &Change| matches!(change, Change::Restored | Change::Reverted);
        let starts = |change: &Change| match change {
            Change::ExperimentAdded { window, .. } => window.start() < until,
            Change::RolloutAdded { start, .. } => *start < until,
            Change::Allocation { movement, .. }
            | Change::Ramp { movement, .. }
            | Change::Rollout { movement, .. } => movement.enters > 0.0,
            _ => false,
        };
        let actions = self.actions.iter().filter(|action| !action.changes.iter().any(back));
        actions.flat_map(|action| &action.changes).any(starts)
    }

    /// Tells whether the plan was made so far from an instant that it may be about other experiments than those that run
    /// then: a day before it, or any time after it.
    pub fn is_far_from(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.made_at);
        age > SignedDuration::from_hours(24) || age < -SKEW
    }

    /// Returns why the plan is larger than a policy allows; `None` where it is not.
    ///
    /// What counts are flags that are served now and would be changed or removed: a book's first apply only adds. What is
    /// only written down beside a flag does not count either.
    pub fn larger_than(&self, policy: LargeChange) -> Option<TooLarge> {
        let counts = |kind| matches!(kind, ActionKind::Update | ActionKind::Archive);
        let only_recorded = |change: &Change| matches!(change, Change::PlanReplaced { .. });
        let actions = self.actions.iter().filter(|action| counts(action.kind));
        let changes = actions.filter(|action| !action.changes.iter().all(only_recorded)).count();
        let few = changes < policy.at_least as usize;
        let within = changes as f64 <= policy.share.fraction() * self.owned as f64;
        if few || within { None } else { Some(TooLarge { changes, owned: self.owned, policy }) }
    }
}

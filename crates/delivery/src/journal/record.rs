//! The audit log's lines: who applied what when, and how it ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{ActionKind, Changes, Plan};
use trialbook_model::{Digest, ExperimentKey, FlagKey, TargetKey};

/// The version of [`Record`] as JSON.
const VERSION: u32 = 1;

/// How much of a name or an address is kept: both come from the outside.
const LONGEST: usize = 300;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who applied what.
    pub apply: Apply,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target serves what was wanted.
    Written,
    /// It was cut off before it wrote, and a later `apply --resume` did the write.
    Resumed,
    /// The target refused the write, and serves what it did.
    Refused,
    /// It was cut off before it wrote, and nobody finished it in time.
    Expired,
    /// It was cut off, and somebody else has written since: whether it took effect before that is not known.
    Superseded,
}

/// Who applies what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// The version of this shape.
    pub version: u32,
    /// Tells it from every other apply.
    pub id: Digest,
    /// When it began.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// The book's name.
    pub book: String,
    /// The target's key.
    pub target: TargetKey,
    /// The book's commit; `None` outside git and where a file was edited since.
    pub commit: Option<String>,
    /// The digest of the plan that was approved.
    pub plan: Digest,
    /// What happens to which flag.
    pub flags: BTreeMap<FlagKey, ActionKind>,
    /// The experiments that it launches.
    pub launches: Vec<ExperimentKey>,
}

/// Who applies: as git and the environment of a CI job give it. Nobody proves it; the store's own log shows whose credentials
/// were used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Actor {
    /// `NAME <EMAIL>` as git would write it into a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// The account that started the CI job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// The address of the CI job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Actor {
    /// Takes what git and a CI job say, each cut to a bound and without control characters.
    pub fn new(git: Option<&str>, ci: Option<&str>, job: Option<&str>) -> Self {
        let bounded = |text: &str| -> String {
            text.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
        };
        let some = |text: Option<&str>| text.map(bounded).filter(|text| !text.is_empty());
        Self { git: some(git), ci: some(ci), job: some(job) }
    }
}

impl Apply {
    /// Describes an apply of a plan. `approved` is the digest of the plan file, and `nonce` a text that no other apply has.
    ///
    /// # Errors
    ///
    /// As [`Digest::of`]; never for a plan that [`Plan::new`] made.
    pub fn new(
        plan: &Plan,
        approved: &Digest,
        by: Actor,
        at: Timestamp,
        nonce: &str,
    ) -> serde_json::Result<Self> {
        let launches = plan.actions.iter().flat_map(|action| action.launches.iter().chain(&action.refrozen));
        Ok(Self {
            version: VERSION,
            id: Digest::of(&(&plan.target, &plan.book, approved, &by, at, nonce))?,
            at,
            by,
            book: plan.book.clone(),
            target: plan.target.clone(),
            commit: plan.commit.clone(),
            plan: approved.clone(),
            flags: plan.actions.iter().map(|action| (action.flag.clone(), action.kind)).collect(),
            launches: launches.cloned().collect(),
        })
    }
}

impl Changes {
    /// Moves launches that were to happen before an instant to that instant: nobody was served by then. `served` are those
    /// that the target has already.
    pub(super) fn launched_no_earlier_than(
        &mut self,
        now: Timestamp,
        served: impl Fn(&FlagKey, &ExperimentKey) -> bool,
    ) {
        for (flag, state) in &mut self.put {
            for (key, launch) in &mut state.launches {
                if !served(flag, key) {
                    launch.start = launch.start.max(now);
                }
            }
        }
        if let Some(applied) = &mut self.applied {
            applied.at = applied.at.max(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_says_is_bounded_and_on_one_line() {
        let actor = Actor::new(Some("A\nB\u{1b}[31m <a@b>"), Some(""), Some(&"x".repeat(5_000)));
        assert_eq!(actor.git.as_deref(), Some("AB[31m <a@b>"));
        assert_eq!(actor.ci, None);
        assert_eq!(actor.job.map(|job| job.len()), Some(LONGEST));
    }
}

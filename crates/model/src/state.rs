//! The state of rollouts and holdouts at an instant: derived, never written in a file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Holdout, Rollout};

/// What a rollout is doing at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutState {
    /// Before its first step.
    Scheduled,
    /// Served, with steps to come.
    Stepping,
    /// The time of a step has come, and it waits for its approval.
    Held,
    /// Its last step is served.
    Complete,
}

impl RolloutState {
    /// Returns the word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Stepping => "stepping",
            Self::Held => "held",
            Self::Complete => "complete",
        }
    }
}

impl Rollout {
    /// Returns how many steps are due: their time has come.
    pub fn due_at(&self, now: Timestamp) -> usize {
        self.steps.all().iter().take_while(|step| step.at <= now).count()
    }

    /// Returns how many steps are served: without guardrails those that are due, with guardrails those of them that are
    /// approved.
    pub fn served_at(&self, now: Timestamp, approved: usize) -> usize {
        let due = self.due_at(now);
        if self.is_guarded() { due.min(approved) } else { due }
    }

    /// Returns what it is doing. `approved` is how many steps were approved; without guardrails it does not matter.
    pub fn state_at(&self, now: Timestamp, approved: usize) -> RolloutState {
        let (due, served) = (self.due_at(now), self.served_at(now, approved));
        if due == 0 {
            RolloutState::Scheduled
        } else if served < due {
            RolloutState::Held
        } else if served < self.steps.all().len() {
            RolloutState::Stepping
        } else {
            RolloutState::Complete
        }
    }
}

/// What a holdout is doing at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldoutState {
    /// Before its start.
    Scheduled,
    /// Its units are held out.
    Holding,
    /// From its end on: its units get what everybody gets.
    Ended,
}

impl HoldoutState {
    /// Returns the word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Holding => "holding",
            Self::Ended => "ended",
        }
    }
}

impl Holdout {
    /// Returns what it is doing.
    pub fn state_at(&self, now: Timestamp) -> HoldoutState {
        if now < self.schedule.start() {
            HoldoutState::Scheduled
        } else if now < self.schedule.end() {
            HoldoutState::Holding
        } else {
            HoldoutState::Ended
        }
    }
}

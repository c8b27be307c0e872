//! Shares that grow step by step: of an experiment's ramp, and of a rollout.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Share;

/// From an instant on, this share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// From when on.
    pub at: Timestamp,
    /// The share of the audience.
    pub share: Share,
}

/// Steps that only grow: each is later than the one before it and larger. Every share is a whole number of buckets, above none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Steps(Vec<Step>);

/// Why steps do not fit together; each names the step that is wrong, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// There are none.
    #[error("there are no steps")]
    Empty,
    /// A step is not later than the one before it.
    #[error("step {0} is not later than the one before it")]
    NotLater(usize),
    /// A step is not larger than the one before it.
    #[error("step {0} is not larger than the one before it")]
    NotLarger(usize),
    /// A share is none, or no whole number of buckets.
    #[error("the share of step {0} is not a whole number of buckets above none")]
    NotBuckets(usize),
}

impl Steps {
    /// Makes steps of one or more that only grow.
    ///
    /// # Errors
    ///
    /// Names the first step that does not.
    pub fn new(steps: Vec<Step>) -> Result<Self, StepsError> {
        if steps.is_empty() {
            return Err(StepsError::Empty);
        }
        for (at, step) in steps.iter().enumerate() {
            if step.share.buckets().is_none_or(|buckets| buckets == 0) {
                return Err(StepsError::NotBuckets(at));
            }
            if let Some(before) = at.checked_sub(1).and_then(|before| steps.get(before)) {
                if before.at >= step.at {
                    return Err(StepsError::NotLater(at));
                }
                if before.share >= step.share {
                    return Err(StepsError::NotLarger(at));
                }
            }
        }
        Ok(Self(steps))
    }

    /// Returns the steps in order; never none.
    pub fn all(&self) -> &[Step] {
        &self.0
    }

    /// Returns when the first step is taken.
    pub fn first_at(&self) -> Timestamp {
        self.0.first().map_or(Timestamp::MAX, |step| step.at)
    }

    /// Returns when the last step is taken.
    pub fn last_at(&self) -> Timestamp {
        self.0.last().map_or(Timestamp::MAX, |step| step.at)
    }

    /// Returns the share of the last step.
    pub fn largest(&self) -> Share {
        self.0.last().map_or(Share::NONE, |step| step.share)
    }

    /// Returns the share at an instant: none before the first step.
    pub fn share_at(&self, instant: Timestamp) -> Share {
        self.0.iter().rev().find(|step| step.at <= instant).map_or(Share::NONE, |step| step.share)
    }
}

impl TryFrom<Vec<Step>> for Steps {
    type Error = StepsError;
    fn try_from(steps: Vec<Step>) -> Result<Self, StepsError> {
        Self::new(steps)
    }
}

impl From<Steps> for Vec<Step> {
    fn from(steps: Steps) -> Self {
        steps.0
    }
}

/// The share of an experiment's audience that is enrolled: the same throughout, or in steps. In JSON a text or a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Allocation {
    /// From the start on.
    Fixed(Share),
    /// A planned ramp. Its first step is not after the schedule's start.
    Ramp(Steps),
}

impl Allocation {
    /// Returns the largest share that is ever enrolled.
    pub fn largest(&self) -> Share {
        match self {
            Self::Fixed(share) => *share,
            Self::Ramp(steps) => steps.largest(),
        }
    }

    /// Returns the largest share in buckets; `None` where it is no whole number of them.
    pub fn buckets(&self) -> Option<u32> {
        self.largest().buckets()
    }

    /// Returns the share that is enrolled at an instant; the schedule is not looked at.
    pub fn share_at(&self, instant: Timestamp) -> Share {
        match self {
            Self::Fixed(share) => *share,
            Self::Ramp(steps) => steps.share_at(instant),
        }
    }
}

impl From<Share> for Allocation {
    fn from(share: Share) -> Self {
        Self::Fixed(share)
    }
}

impl fmt::Display for Allocation {
    /// Writes the largest share.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.largest().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(second: i64, percent: u32) -> Step {
        Step {
            at: Timestamp::from_second(second).expect("an instant"),
            share: Share::from_percent(percent).expect("a share"),
        }
    }

    #[test]
    fn steps_only_grow() {
        assert!(Steps::new(vec![step(1, 5), step(2, 20)]).is_ok());
        assert_eq!(Steps::new(vec![]), Err(StepsError::Empty));
        assert_eq!(Steps::new(vec![step(1, 5), step(1, 20)]), Err(StepsError::NotLater(1)));
        assert_eq!(Steps::new(vec![step(1, 5), step(2, 5)]), Err(StepsError::NotLarger(1)));
        assert_eq!(Steps::new(vec![step(1, 0)]), Err(StepsError::NotBuckets(0)));
    }

    #[test]
    fn a_step_counts_from_its_instant_on() {
        let steps = Steps::new(vec![step(10, 5), step(20, 20)]).expect("steps");
        let at = |second| steps.share_at(Timestamp::from_second(second).expect("an instant")).to_string();
        assert_eq!([at(9), at(10), at(19), at(20)], ["0%", "5%", "5%", "20%"]);
        assert_eq!(steps.largest().to_string(), "20%");
    }

    #[test]
    fn a_fixed_allocation_is_a_text_in_json_and_a_ramp_a_list() {
        let share = Share::from_percent(20).expect("a share");
        let json = |allocation: &Allocation| serde_json::to_string(allocation).expect("JSON");
        assert_eq!(json(&share.into()), "\"20%\"");
        let ramp = Allocation::Ramp(Steps::new(vec![step(0, 5)]).expect("steps"));
        assert_eq!(json(&ramp), r#"[{"at":"1970-01-01T00:00:00Z","share":"5%"}]"#);
        assert_eq!(serde_json::from_str::<Allocation>(&json(&ramp)).expect("an allocation"), ramp);
    }
}

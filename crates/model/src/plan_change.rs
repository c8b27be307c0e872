//! How the plan of an experiment differs from the launched one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::MetricKey;

/// What a change of the plan after launch means for the result. Ordered from harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bearing {
    /// The book allows it after launch, and it does not weaken the result: a decision with its flag's new default or rule, a grown
    /// allocation, an earlier end.
    Allowed,
    /// The result is that of the launched plan, and readers must know that the book differs from it.
    Deviation,
    /// It may have changed who gets which variant, or what a variant is: no result stands on such data.
    Untrusted,
}

/// A part of the plan that is not as it was launched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// The part, as the pre-registration names it: `flag`, `schedule`, `metrics`.
    pub part: String,
    /// What it means for the result.
    pub bearing: Bearing,
    /// For an earlier end: how it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<MovedEnd>,
    /// For definitions: the metrics that never could be measured as launched, and were repaired. They are analysed as repaired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
}

/// A metric that was repaired after launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Which.
    pub metric: MetricKey,
    /// Why, as its file declares.
    pub reason: String,
}

impl PlanChange {
    /// Returns a change of a part.
    pub fn new(part: &str, bearing: Bearing) -> Self {
        Self { part: part.to_owned(), bearing, end: None, repairs: Vec::new() }
    }
}

/// The end of a schedule that was moved to an earlier instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedEnd {
    /// The end that was launched.
    pub planned: Timestamp,
    /// The end of enrolment now.
    pub now: Timestamp,
}

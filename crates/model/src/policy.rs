//! The book's limits for all experiments and applies.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Duration, Share};

/// A period in which nothing is launched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// When a plan is too large to apply unasked: more than `share` of the live flags, and at least `at_least` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeChange {
    /// The share of live flags that may change.
    pub share: Share,
    /// Never refuses fewer changes than this.
    pub at_least: u32,
}

/// The thresholds past which a result is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityPolicy {
    /// A sample ratio this improbable under the declared split is a mismatch.
    pub sample_ratio_p: Share,
    /// The share of units seen in two variants.
    pub in_two_variants: Share,
    /// The share of units first exposed outside the schedule.
    pub outside_schedule: Share,
    /// The fewest units a variant may have.
    pub min_units_per_variant: u32,
}

/// The book's policy, every default written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The longest an experiment may enrol; `None`: no limit.
    pub max_duration: Option<Duration>,
    /// When nothing is launched.
    pub freeze: Vec<Freeze>,
    /// When a plan is too large.
    pub large_change: LargeChange,
    /// When a result is invalid.
    pub quality: QualityPolicy,
}

impl Policy {
    /// Returns the latest end that an experiment with this start may have; `None`: no limit.
    ///
    /// A limit of days is met by that many days of the calendar and by that many times 24 hours, whichever is longer where
    /// clocks are set in between.
    pub fn latest_end(&self, start: Timestamp, timezone: &TimeZone) -> Option<Timestamp> {
        let longest = self.max_duration?;
        Some(longest.after(start).max(longest.after_in(start, timezone)))
    }
}

const fn share(ppm: u32) -> Share {
    match Share::from_ppm(ppm) {
        Some(share) => share,
        None => Share::ALL,
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_duration: None,
            freeze: Vec::new(),
            large_change: LargeChange { share: share(300_000), at_least: 10 },
            quality: QualityPolicy {
                sample_ratio_p: share(1_000),
                in_two_variants: share(10_000),
                outside_schedule: share(10_000),
                min_units_per_variant: 100,
            },
        }
    }
}

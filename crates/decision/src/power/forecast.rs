//! A forecast: what the whole decision needs, when that is there, what limits it, and what would help.

use jiff::Timestamp;
use serde::Serialize;

use super::arrivals::{Basis, TooMany};
use super::evidence::Seen;
use super::need::MetricNeed;
use trialbook_model::{Duration, ExperimentKey, Method, MetricKey};
use trialbook_stats::design::Size;

/// One way to have the power asked for; each is enough alone unless it is marked otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Enrol for longer.
    Longer {
        /// Days of enrolment.
        days: u32,
        /// The end of the schedule.
        end: Timestamp,
        /// The book's longest duration, where this is longer.
        past_policy: Option<Duration>,
    },
    /// Enrol a larger share of the audience.
    Allocation {
        /// The share.
        share: f64,
    },
    /// Be content with a larger effect or margin.
    Size {
        /// Of this metric.
        metric: MetricKey,
        /// The declared one.
        declared: Size,
        /// What can be reached.
        reachable: Size,
    },
    /// Take a covariate that explains more; alone enough only where no other metric is short.
    Covariate {
        /// Of this metric.
        metric: MetricKey,
        /// The least correlation with it that is enough.
        correlation: f64,
    },
    /// Split units otherwise.
    Split {
        /// The control's share.
        control: f64,
        /// The share of the units that this saves.
        saves: f64,
    },
    /// Look only once, at the end.
    LookOnce {
        /// The share of the units that this saves.
        saves: f64,
    },
}

/// What nobody has declared, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// A deciding metric has no baseline.
    Baseline(MetricKey),
    /// A metric is adjusted for a covariate, and its correlation is unknown: it is counted as if unadjusted.
    Correlation(MetricKey),
    /// Neither the experiment's surfaces nor the entity declare traffic.
    Traffic,
    /// Fewer units may come than are counted.
    Fewer(TooMany),
    /// Units were counted in exposures: of all surfaces, and none that no experiment enrolled. So more or fewer may
    /// come.
    Exposures,
    /// The traffic is known for a shorter span than the schedule, of so many days, and was extended.
    LongerTraffic(u32),
    /// The experiment cannot be planned at all.
    Plan(String),
}

/// What the whole decision needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// The units over all arms of the most demanding metric; at least this where the evidence is incomplete.
    pub units: u64,
    /// The metric that needs the most.
    pub limited_by: MetricKey,
    /// The days of enrolment after which they are there; `None` where traffic is unknown, or within two years they
    /// are not.
    pub days: Option<u32>,
    /// When the last of their windows has closed, counted from the declared start.
    pub decided_on: Option<Timestamp>,
}

/// How units are split, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Split {
    /// The control's share.
    pub control: f64,
    /// The control's share with which all treatments need the fewest units: √k : 1 : … : 1.
    pub best_control: f64,
    /// How many times the units of the best split this one needs.
    pub cost: f64,
}

/// Days of enrolment that the whole decision takes, by the effects looked for and by the allocation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Durations {
    /// The allocations, each at most 100 %.
    pub allocations: Vec<f64>,
    /// By the sizes of effect.
    pub rows: Vec<DurationRow>,
}

/// The days for one size of effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DurationRow {
    /// How many times the declared effects (without success metrics, the margins).
    pub times: f64,
    /// Days, for each allocation; `None` where two years are not enough.
    pub days: Vec<Option<u32>>,
}

/// What an experiment needs, can reach, and what would help.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// The version of this form.
    pub version: u32,
    /// The experiment.
    pub experiment: ExperimentKey,
    /// How it is judged.
    pub method: Method,
    /// When enrolment starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Days of enrolment.
    pub days: f64,
    /// The power of the whole decision that is asked for.
    pub power: f64,
    /// The power of each single test that this takes.
    pub power_per_test: Option<f64>,
    /// What the units are counted from.
    pub basis: Option<Basis>,
    /// The share of the traffic that the audience is, without what rules serve before; at most this where it is
    /// said so.
    pub audience: Option<f64>,
    /// The share of it that no holdout keeps.
    pub not_held_out: Option<f64>,
    /// The largest share of it that is enrolled.
    pub allocation: f64,
    /// The units that are enrolled by the end; at most these where that is marked.
    pub units: Option<u64>,
    /// The split.
    pub split: Option<Split>,
    /// The deciding metrics.
    pub metrics: Vec<MetricNeed>,
    /// What the whole decision needs; `None` where no deciding metric can be planned.
    pub need: Option<Need>,
    /// Whether the schedule as written has the power asked for, as far as the evidence goes; `None` where it does
    /// not say.
    pub suffices: Option<bool>,
    /// Durations for other effects and allocations; `None` where traffic or what a deciding metric needs is unknown.
    pub durations: Option<Durations>,
    /// What would help, where the schedule does not suffice.
    pub remedies: Vec<Remedy>,
    /// What is unknown.
    pub missing: Vec<Missing>,
    /// What was measured, where that was asked for.
    pub measured: Option<Seen>,
}

impl Forecast {
    /// The version of the form that is written.
    pub const VERSION: u32 = 1;

    /// Returns the metrics that the schedule as written cannot show, the most demanding first.
    pub fn underpowered(&self) -> Vec<&MetricNeed> {
        let enough = self.units.unwrap_or(u64::MAX);
        let mut short: Vec<_> = self
            .metrics
            .iter()
            .filter(|need| need.required_units.is_some_and(|units| units > enough))
            .collect();
        short.sort_by_key(|need| std::cmp::Reverse(need.required_units));
        short
    }

    /// Tells whether what each deciding metric needs is known. Otherwise the others show what is needed at least.
    pub fn is_complete(&self) -> bool {
        self.metrics.iter().all(|need| need.required_units.is_some())
    }

    /// Returns the need of a metric.
    pub fn metric(&self, key: &MetricKey) -> Option<&MetricNeed> {
        self.metrics.iter().find(|need| need.metric == *key)
    }
}

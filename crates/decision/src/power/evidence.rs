//! What is known before the test: of metrics their baselines, of the product its traffic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use trialbook_model::{Baseline, Book, Experiment, MetricKey, SourceKey, Traffic};

/// Where something is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The book declares it.
    Declared,
    /// Past weeks in the warehouse do.
    Warehouse,
}

/// A metric's baseline and where it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// The baseline.
    pub baseline: Baseline,
    /// Where it is from.
    pub origin: Origin,
}

/// What past weeks in the warehouse showed, of every unit that was exposed to anything: on all surfaces, in all
/// audiences and arms. Units that nothing was recorded for are not among them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The source of exposures.
    pub source: SourceKey,
    /// The first instant of the past weeks.
    pub from: Timestamp,
    /// The first instant after them.
    pub until: Timestamp,
    /// The different units that were seen.
    pub units: u64,
    /// How they grew with time.
    pub traffic: Option<Traffic>,
    /// Why nothing is measured at all.
    pub problem: Option<TooLittleSeen>,
    /// The deciding metrics that are not measured; what the book declares about them counts.
    pub not_measured: Vec<NotMeasured>,
}

/// A metric that was to be measured and is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotMeasured {
    /// The metric.
    pub metric: MetricKey,
    /// Why.
    pub why: WhyNoBaseline,
}

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum TooLittleSeen {
    /// Nobody was seen.
    NoExposures {
        /// The watermark: nothing at or after it was read.
        before: Timestamp,
    },
    /// Days of the week differ, so that less than all of them shows little.
    LessThanAWeek {
        /// The first exposure whose windows have closed, or the first instant that was asked for.
        from: Timestamp,
        /// The first instant after the last.
        until: Timestamp,
    },
}

/// Why a metric has no baseline of the warehouse.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum WhyNoBaseline {
    /// It cannot be computed.
    Refused {
        /// Why, in the words of what refused.
        cause: String,
    },
    /// Its source has no rows before the watermark.
    NoRows {
        /// Which.
        source: SourceKey,
    },
    /// The windows have closed by the clock, and their data is not there.
    Stale {
        /// The source.
        source: SourceKey,
        /// Its last row before the watermark.
        ends: Timestamp,
        /// When the windows of the last units have closed.
        needed: Timestamp,
    },
    /// Its window is open: its values depend on how long a unit is watched.
    OpenWindow,
    /// Too few windows have closed: a deviation takes two units.
    TooFew {
        /// How many units' windows have.
        units: u64,
    },
    /// The error of a quantile is read off its neighbours, which takes more values.
    TooFewForQuantile {
        /// How many there are.
        values: u64,
    },
    /// The error of a quantile is read off its neighbours, which are the same.
    NoSpread {
        /// The value.
        value: f64,
    },
    /// All units are alike.
    Constant {
        /// How many.
        units: u64,
        /// The value.
        value: f64,
    },
}

/// What a forecast is made from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// By metric; those that are not here are unknown.
    pub baselines: BTreeMap<MetricKey, Known>,
    /// What was measured; `None`: nothing was asked for.
    pub seen: Option<Seen>,
}

impl Evidence {
    /// Returns what the book declares about an experiment's metrics.
    pub fn declared(book: &Book, experiment: &Experiment) -> Self {
        let baselines = experiment.metrics.all().filter_map(|key| {
            let baseline = book.metrics.get(key)?.baseline?;
            Some((key.clone(), Known { baseline, origin: Origin::Declared }))
        });
        Self { baselines: baselines.collect(), seen: None }
    }
}

//! Metrics: what is measured, in which window, which direction is good.

use serde::{Deserialize, Serialize};

use super::{ColumnName, Duration, EntityKey, MeasureKey, MetricKey, Share, SourceKey};

/// What is taken of a unit's rows within its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// How many rows.
    Rows,
    /// The sum of a measure.
    Sum(MeasureKey),
    /// The greatest value of a measure; zero without rows.
    Max(MeasureKey),
    /// How many different values a column has.
    Distinct(ColumnName),
    /// A measure of each row by itself; only a quantile takes it.
    Value(MeasureKey),
}

/// A measure over the rows of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// Where the rows are.
    pub source: SourceKey,
    /// What is taken of them.
    pub measure: Measure,
    /// One SQL expression over the source's columns; rows for which it is not true do not count.
    #[serde(rename = "where")]
    pub filter: Option<String>,
}

/// What the metric is per unit, and across units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricType {
    /// The mean of the measure over units; a unit without rows has zero.
    Mean(Measurement),
    /// The share of units whose measure is above zero.
    Proportion(Measurement),
    /// The total of one measure over the total of another, over all units.
    Ratio {
        /// What is divided.
        numerator: Measurement,
        /// What it is divided by.
        denominator: Measurement,
    },
    /// A quantile of the measure over all units; with [`Measure::Value`] over all of their rows.
    Quantile {
        /// What is measured.
        measurement: Measurement,
        /// Which quantile.
        at: Share,
    },
}

impl MetricType {
    /// Returns what is measured, of a ratio the numerator.
    pub fn measurement(&self) -> &Measurement {
        match self {
            Self::Mean(measurement)
            | Self::Proportion(measurement)
            | Self::Quantile { measurement, .. }
            | Self::Ratio { numerator: measurement, .. } => measurement,
        }
    }

    /// Returns the different sources that it is measured on, that of a numerator first.
    pub fn sources(&self) -> Vec<&SourceKey> {
        let mut sources: Vec<&SourceKey> = self.measurements().map(|part| &part.source).collect();
        sources.dedup();
        sources
    }

    /// Returns everything that is measured: of a ratio both parts, else one.
    pub fn measurements(&self) -> impl Iterator<Item = &Measurement> {
        let denominator = match self {
            Self::Ratio { denominator, .. } => Some(denominator),
            _ => None,
        };
        std::iter::once(self.measurement()).chain(denominator)
    }
}

/// Which rows count, from the unit's first exposure on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// `[exposure, exposure + duration)`. A unit counts once this lies before the watermark.
    Closed(Duration),
    /// Everything so far.
    Open,
}

/// The direction of an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More is better.
    IncreaseIsGood,
    /// Less is better.
    IncreaseIsBad,
}

/// Where a unit's value is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cap {
    /// At this quantile of all units' values over all arms together (inverted CDF).
    Quantile(Share),
    /// At this value.
    Value(f64),
}

/// What is known of a metric among units that no test changes. It plans, and decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The mean, the share of units, the ratio or the quantile.
    pub value: f64,
    /// The standard deviation of a unit's value; of a ratio or a quantile, of its linearised value: the
    /// standard error times the root of the units.
    pub deviation: f64,
    /// The correlation of a unit's value with the covariate, where it is known.
    pub correlation: Option<f64>,
}

impl Metric {
    /// Tells whether another form of it differs only in what is measured: a part of the source's rows, or another measure.
    pub fn measures_otherwise(&self, other: &Self) -> bool {
        let same_type = std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind);
        let same = self.key == other.key
            && self.entity == other.entity
            && self.window == other.window
            && self.direction == other.direction
            && self.cap == other.cap
            && self.covariate == other.covariate;
        let quantile = |kind: &MetricType| match kind {
            MetricType::Quantile { at, .. } => Some(*at),
            _ => None,
        };
        same && same_type && quantile(&self.kind) == quantile(&other.kind) && self.kind != other.kind
    }
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its key.
    pub key: MetricKey,
    /// What it means, in prose that a product manager reads.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The unit that it is measured on.
    pub entity: EntityKey,
    /// What is measured.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Which rows count.
    pub window: Window,
    /// Which direction is good.
    pub direction: Direction,
    /// Where values are cut off.
    pub cap: Option<Cap>,
    /// How long before exposure the same measure is taken, to reduce variance.
    pub covariate: Option<Duration>,
    /// What is known of it before any test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Why what is measured was changed while experiments ran: it never could be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
}

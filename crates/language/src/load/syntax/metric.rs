//! `*.metric.yaml`.

use super::leaf::{Positive, Text};
use super::mapping::{mapping, words};
use super::reader::{Reader, Syntax};
use super::shape::{Shape, Word};
use crate::load::rules;
use crate::load::yaml::{Content, Node};
use trialbook_model::{ColumnName, Direction, Duration, EntityKey, MeasureKey, Share, SourceKey, Window};

mapping! {
    /// A metric: what is measured, in which window, which direction is good. The file's stem is its key.
    struct MetricFile: "a metric" {
        /// What it means, in prose that a product manager reads.
        "description" required description: Text,
        /// Who answers for it.
        "owner" optional owner: Text,
        /// The unit that it is measured on: an entity of trialbook.yaml.
        "entity" required entity: EntityKey,
        /// `mean`: the measure per unit, zero without rows. `proportion`: the share of units whose measure is above zero.
        /// `ratio`: the total of one measure over the total of another. `quantile`: a quantile of the measure.
        "type" required kind: MetricKind,
        /// Where the rows are.
        "source" optional source: SourceKey,
        /// What is taken of a unit's rows within its window.
        "measure" optional measure: MeasureSyntax,
        /// Of a ratio: what is divided.
        "numerator" optional numerator: MeasurementSyntax,
        /// Of a ratio: what it is divided by.
        "denominator" optional denominator: MeasurementSyntax,
        /// Of a quantile: which one, such as `95%`.
        "at" optional at: Share,
        /// One SQL expression over the source's columns; rows for which it is not true do not count.
        "where" optional filter: Text,
        /// How long after the unit's first exposure rows count, such as `7d`; `open` for everything so far.
        "window" required window: Window,
        /// Which direction is good.
        "increase_is" required direction: Direction,
        /// Where a unit's value is cut off.
        "cap" optional cap: CapSyntax,
        /// The same measure before exposure, to reduce variance.
        "covariate" optional covariate: CovariateSyntax,
        /// What is known of it before any test, to plan with.
        "baseline" optional baseline: BaselineSyntax,
        /// Why what is measured changed while experiments ran: it never could be measured. The report lists the change.
        "repair" optional repair: Text,
    }
    by "type" {
        "mean" => "a mean" needs ["source", "measure"] takes ["where", "cap", "covariate"],
        "proportion" => "a proportion" needs ["source", "measure"] takes ["where", "cap", "covariate"],
        "ratio" => "a ratio" needs ["numerator", "denominator"] takes ["covariate"],
        "quantile" => "a quantile" needs ["source", "measure", "at"] takes ["where"],
    }
}

mapping! {
    /// A measure over the rows of a source.
    struct MeasurementSyntax: "a part of a ratio" {
        /// Where the rows are.
        "source" required source: SourceKey,
        /// What is taken of a unit's rows within its window.
        "measure" required measure: MeasureSyntax,
        /// One SQL expression over the source's columns; rows for which it is not true do not count.
        "where" optional filter: Text,
    }
}

/// What a metric is across units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// The mean of the measure.
    Mean,
    /// The share of units whose measure is above zero.
    Proportion,
    /// The total of one measure over the total of another.
    Ratio,
    /// A quantile of the measure.
    Quantile,
}

words! { MetricKind: "one of `mean`, `proportion`, `ratio`, `quantile`" {
    /// The mean of the measure per unit, zero without rows.
    "mean" => MetricKind::Mean,
    /// The share of units whose measure is above zero.
    "proportion" => MetricKind::Proportion,
    /// The total of one measure over the total of another, over all units.
    "ratio" => MetricKind::Ratio,
    /// A quantile of the measure over all units, or of rows.
    "quantile" => MetricKind::Quantile,
} }

mapping! {
    /// What is taken of a unit's rows.
    struct MeasureSyntax: "a measure" {
        /// How many rows: `{count: rows}`.
        "count" optional count: Rows,
        /// The sum of one of the source's measures.
        "sum" optional sum: MeasureKey,
        /// The greatest value of one of the source's measures; zero without rows.
        "max" optional max: MeasureKey,
        /// How many different values a column has.
        "distinct" optional distinct: ColumnName,
        /// Of a quantile: one of the source's measures, row by row, so that the quantile is one of rows and not of units.
        "value" optional value: MeasureKey,
    }
    exactly one of "count" | "sum" | "max" | "distinct" | "value";
}

/// The word `rows`.
#[derive(Debug, Clone, Copy)]
pub struct Rows;

words! { Rows: "`rows`" {
    /// All rows that count.
    "rows" => Rows,
} }

mapping! {
    /// Where a unit's value is cut off.
    struct CapSyntax: "a cap" {
        /// At this quantile of all units' values, over all arms together.
        "quantile" optional quantile: Share,
        /// At this value.
        "value" optional value: Positive,
    }
    exactly one of "quantile" | "value";
}

mapping! {
    /// The same measure before exposure.
    struct CovariateSyntax: "a covariate" {
        /// How long before the unit's first exposure, such as `14d`.
        "before" required before: Duration,
    }
}

mapping! {
    /// What is known of a metric before any test, to plan with.
    struct BaselineSyntax: "a baseline" {
        /// The mean over units, of a metric of type `mean`.
        "mean" optional mean: f64,
        /// The share of units, of a metric of type `proportion`.
        "rate" optional rate: Share,
        /// The ratio or the quantile, of a metric of these types.
        "value" optional value: f64,
        /// The standard deviation of a unit's value; of a ratio or a quantile, the standard error times the root of the units.
        "deviation" optional deviation: Deviation,
        /// The correlation of a unit's value with the covariate, between -1 and 1.
        "correlation" optional correlation: f64,
    }
    exactly one of "mean" | "rate" | "value";
}

/// A number above zero; `None` where it is given and is none, which has been reported.
#[derive(Debug)]
pub struct Deviation(pub Option<f64>);

impl Syntax for Deviation {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(Positive::read(node, reader).map(|deviation| deviation.0)))
    }

    fn shape() -> Shape {
        Positive::shape()
    }
}

impl Syntax for Window {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let Content::Scalar(scalar) = &node.content
            && &*scalar.text == "open"
        {
            return Some(Self::Open);
        }
        let duration = Duration::read(node, reader)?;
        if duration > Duration::ZERO {
            return Some(Self::Closed(duration));
        }
        reader.expected(rules::BAD_DURATION, node, "a window that is longer than nothing", "");
        None
    }

    fn shape() -> Shape {
        const OPEN: Word = Word { word: "open", doc: "Everything so far." };
        Shape::Either(&[Duration::shape, || Shape::Words(&[OPEN])])
    }
}

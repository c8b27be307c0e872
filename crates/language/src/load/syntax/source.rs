//! `*.source.yaml`.

use super::collection::{List, Map};
use super::leaf::Text;
use super::mapping::{mapping, words};
use super::reader::{Reader, Syntax};
use super::shape::Shape;
use crate::load::yaml::{Content, Node};
use trialbook_model::{ColumnName, DimensionKey, EntityKey, Granularity, MeasureKey};

mapping! {
    /// A warehouse table: exposures, or facts with measures. The file's stem is its key.
    struct SourceFile: "a source" {
        /// What the rows are, in prose.
        "description" optional description: Text,
        /// Who answers for it.
        "owner" optional owner: Text,
        /// The table or view, at most `catalogue.schema.table`.
        "table" optional table: Text,
        /// A Parquet or CSV file, or a glob of them, relative to the book's root.
        "file" optional file: Text,
        /// A SELECT.
        "sql" optional sql: Text,
        /// The column with the time.
        "timestamp" required timestamp: ColumnName,
        /// `day` where times are days: windows, covariates and looks then use days. `instant` where they are instants although each
        /// has the same time of day, as those of a nightly job have.
        "granularity" optional granularity: Granularity,
        /// The IANA zone of times without an offset, and that in which days begin.
        "timezone" optional timezone: Text,
        /// The column, or the columns, that identify a row: a further row with the same values is a copy and does not count. Facts only.
        "key" optional key: Columns,
        /// Whether a day without rows is a day on which nothing happened, and never one that is still to be loaded.
        "complete" optional complete: bool = false,
        /// The columns that hold units' ids, by entity of trialbook.yaml.
        "entities" required entities: Map<EntityKey, ColumnName>,
        /// Numeric columns by the name that metrics use. Facts only.
        "measures" optional measures: Map<MeasureKey, ColumnName>,
        /// The column with the experiment's key. Exposures only, together with `variant`.
        "experiment" optional experiment: ColumnName,
        /// The column with the variant's key. Exposures only, together with `experiment`.
        "variant" optional variant: ColumnName,
        /// The column with `EXPERIMENT.VARIANT`, the name that the target served. Exposures only.
        "served" optional served: ColumnName,
        /// Columns to break quality checks down by. Exposures only.
        "dimensions" optional dimensions: Map<DimensionKey, ColumnName>,
    }
    declares "measures" | "dimensions";
    exactly one of "table" | "file" | "sql";
}

words! { Granularity: "`instant` or `day`" {
    /// Times are instants.
    "instant" => Granularity::Instant,
    /// Times are days.
    "day" => Granularity::Day,
} }

/// A column, or several.
#[derive(Debug)]
pub enum Columns {
    /// One.
    One(ColumnName),
    /// Several, which together identify a row.
    Several(List<ColumnName>),
}

impl Syntax for Columns {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Sequence(_) => List::read(node, reader).map(Self::Several),
            Content::Scalar(_) | Content::Mapping(_) => ColumnName::read(node, reader).map(Self::One),
        }
    }

    fn shape() -> Shape {
        Shape::Either(&[ColumnName::shape, List::<ColumnName>::shape])
    }
}

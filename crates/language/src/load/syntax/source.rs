//! `*.source.yaml`.

use super::leaf::{Map, Text};
use super::mapping::mapping;
use trialbook_model::{ColumnName, DimensionKey, EntityKey, MeasureKey};

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
        /// The column that says when.
        "timestamp" required timestamp: ColumnName,
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

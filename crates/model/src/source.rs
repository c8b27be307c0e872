//! Sources: warehouse tables of exposures or of facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ColumnName, DimensionKey, EntityKey, MeasureKey, SourceKey};

/// Where the rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// A table or view of the warehouse, `schema.table` at most in three parts.
    Table(String),
    /// A Parquet or CSV file, or a glob of them, relative to the book's root.
    File(String),
    /// One SELECT.
    Sql(String),
}

/// How an exposure row names the arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignment {
    /// One column holds `EXPERIMENT.VARIANT`; rows without a dot are not of an experiment.
    Served(ColumnName),
    /// Two columns.
    Pair {
        /// The column of the experiment's key.
        experiment: ColumnName,
        /// The column of the variant's key.
        variant: ColumnName,
    },
}

/// What the rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceRole {
    /// Who was served which arm, when.
    Exposures {
        /// How a row names the arm.
        assignment: Assignment,
        /// Columns to break quality checks down by.
        dimensions: BTreeMap<DimensionKey, ColumnName>,
    },
    /// What happened, with numeric columns.
    Facts {
        /// The numeric columns by name.
        measures: BTreeMap<MeasureKey, ColumnName>,
    },
}

/// How exact the times of a source's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Instants.
    #[default]
    Instant,
    /// Days: what happened when on a day is not known.
    Day,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its key.
    pub key: SourceKey,
    /// What the rows are, in prose.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where the rows are.
    pub relation: Relation,
    /// The column with the time.
    pub timestamp: ColumnName,
    /// How exact its times are.
    #[serde(default)]
    pub granularity: Granularity,
    /// Whether its file declares that its times are instants, and not only no other thing: then one time of day is no sign of days.
    #[serde(default)]
    pub declares_instants: bool,
    /// The IANA zone of times without an offset, and that in which days begin. `None`: times without an offset are in
    /// UTC, and days are the book's.
    #[serde(default)]
    pub timezone: Option<String>,
    /// The columns that identify a row: a further row with the same values is a copy. Empty: nothing does.
    #[serde(default)]
    pub identity: Vec<ColumnName>,
    /// Whether it is loaded to the present at any time, so that a day without rows is a day on which nothing happened.
    #[serde(default)]
    pub complete: bool,
    /// The columns that hold units' ids; never empty.
    pub entities: BTreeMap<EntityKey, ColumnName>,
    /// What the rows are.
    pub role: SourceRole,
}

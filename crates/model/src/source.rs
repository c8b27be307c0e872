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
    /// The column that says when.
    pub timestamp: ColumnName,
    /// The columns that hold units' ids; never empty.
    pub entities: BTreeMap<EntityKey, ColumnName>,
    /// What the rows are.
    pub role: SourceRole,
}

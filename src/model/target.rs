//! Targets and the warehouse, as the book names them.

use serde::{Deserialize, Serialize};

use super::TargetKey;

/// A kind of flag back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetType {
    /// A flag file that flagd and its in-process providers read.
    Flagd,
}

/// A program that evaluates what a target serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Evaluator {
    /// `@openfeature/flagd-core` 4.x of npm.
    #[serde(rename = "javascript-4")]
    Javascript4,
    /// `openfeature-flagd-core` 2.x of PyPI.
    #[serde(rename = "python-2")]
    Python2,
}

impl Evaluator {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Javascript4 => "javascript-4",
            Self::Python2 => "python-2",
        }
    }
}

/// A flag back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its key.
    pub key: TargetKey,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TargetType,
    /// Where the flags are kept, as a URL: `file://` and a path relative to the book's root.
    pub store: String,
    /// Launches, exposures and analysis belong to this one.
    pub primary: bool,
    /// The evaluators that serve from it; never empty.
    pub evaluators: Vec<Evaluator>,
}

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Warehouse {
    /// The embedded DuckDB, with a database file relative to the book's root, or none: files only.
    Duckdb {
        /// The database file.
        database: Option<String>,
    },
}

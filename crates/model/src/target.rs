//! Targets and the warehouse, as the book names them.

use serde::{Deserialize, Serialize};

use super::TargetKey;

/// A kind of flag back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetType {
    /// A flag file that flagd and its in-process providers read.
    Flagd,
    /// An Unleash server.
    Unleash,
}

impl TargetType {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flagd => "flagd",
            Self::Unleash => "unleash",
        }
    }
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
    /// What it is, and where.
    #[serde(flatten)]
    pub backend: Backend,
    /// Launches, exposures and analysis belong to this one.
    pub primary: bool,
    /// Whether it serves experiments; flags and rules it serves always.
    #[serde(default = "yes")]
    pub experiments: bool,
}

fn yes() -> bool {
    true
}

/// What a target is, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Backend {
    /// A flag file.
    Flagd {
        /// Where the flags are kept, as a URL: `file://` and a path relative to the book's root, or an object store's.
        store: String,
        /// The evaluators that serve from it; never empty.
        evaluators: Vec<Evaluator>,
    },
    /// An Unleash server.
    Unleash {
        /// Where it is.
        url: String,
        /// The project that the flags are in.
        project: String,
        /// The environment that is written.
        environment: String,
        /// The environment variable that holds the token.
        token_env: String,
    },
}

impl Target {
    /// Returns its kind.
    pub fn kind(&self) -> TargetType {
        match self.backend {
            Backend::Flagd { .. } => TargetType::Flagd,
            Backend::Unleash { .. } => TargetType::Unleash,
        }
    }

    /// Returns the evaluators that serve from it, in the order of the book; none where the server evaluates.
    pub fn evaluators(&self) -> &[Evaluator] {
        match &self.backend {
            Backend::Flagd { evaluators, .. } => evaluators,
            Backend::Unleash { .. } => &[],
        }
    }
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
    /// Any database with an ADBC driver.
    Adbc {
        /// The driver: the name of a shared library, or its path.
        driver: String,
        /// The dialect of SQL that it speaks.
        dialect: String,
        /// The environment variable that holds the address, and perhaps the password.
        uri_env: String,
    },
}

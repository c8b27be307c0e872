//! Targets and the warehouse, as the book names them.

use serde::{Deserialize, Serialize};

use super::{Duration, TargetKey};

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
    /// `unleash-client` 6.x of npm.
    #[serde(rename = "unleash-node-6")]
    UnleashNode6,
    /// `UnleashClient` 6.x of PyPI, which carries the engine that Unleash's newer clients share.
    #[serde(rename = "unleash-python-6")]
    UnleashPython6,
}

impl Evaluator {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Javascript4 => "javascript-4",
            Self::Python2 => "python-2",
            Self::UnleashNode6 => "unleash-node-6",
            Self::UnleashPython6 => "unleash-python-6",
        }
    }

    /// Returns the kind of target that it reads.
    pub const fn reads(self) -> TargetType {
        match self {
            Self::Javascript4 | Self::Python2 => TargetType::Flagd,
            Self::UnleashNode6 | Self::UnleashPython6 => TargetType::Unleash,
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
    pub connection: Connection,
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
pub enum Connection {
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
        /// Where applies are written down: a place in a store, as of a flag file. The server itself has no conditional write.
        journal: String,
        /// The clients that serve from it; never empty.
        evaluators: Vec<Evaluator>,
    },
}

impl Target {
    /// Returns its kind.
    pub fn kind(&self) -> TargetType {
        match self.connection {
            Connection::Flagd { .. } => TargetType::Flagd,
            Connection::Unleash { .. } => TargetType::Unleash,
        }
    }

    /// Returns the evaluators that serve from it, in the order of the book.
    pub fn evaluators(&self) -> &[Evaluator] {
        match &self.connection {
            Connection::Flagd { evaluators, .. } | Connection::Unleash { evaluators, .. } => evaluators,
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
        /// What it may use.
        limits: WarehouseLimits,
    },
    /// A PostgreSQL server.
    Postgres {
        /// The environment variable that holds the address, and perhaps the password.
        uri_env: String,
        /// What it may use; the server's memory and disk are its own.
        limits: WarehouseLimits,
    },
    /// Another server.
    Server {
        /// Which engine.
        engine: ServerEngine,
        /// The environment variable that holds the address, and perhaps the password.
        uri_env: String,
        /// What it may use; the server's memory and disk are its own.
        limits: WarehouseLimits,
    },
}

/// An engine that is a server, besides PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerEngine {
    /// BigQuery.
    Bigquery,
    /// Databricks SQL.
    Databricks,
    /// Amazon Redshift.
    Redshift,
    /// Snowflake.
    Snowflake,
    /// Apache Spark, through Spark Connect.
    Spark,
    /// Trino.
    Trino,
}

impl ServerEngine {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Bigquery, Self::Databricks, Self::Redshift, Self::Snowflake, Self::Spark, Self::Trino];

    /// Returns its name, as a book writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bigquery => "bigquery",
            Self::Databricks => "databricks",
            Self::Redshift => "redshift",
            Self::Snowflake => "snowflake",
            Self::Spark => "spark",
            Self::Trino => "trino",
        }
    }
}

/// What a warehouse may use for one query; what is not given has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WarehouseLimits {
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The memory, in MiB.
    pub memory_mib: Option<u32>,
    /// The threads.
    pub threads: Option<u32>,
    /// The disk for what does not fit the memory, in MiB.
    pub spill_mib: Option<u32>,
}

impl Warehouse {
    /// Returns its kind, as a book names it.
    pub const fn engine(&self) -> &'static str {
        match self {
            Self::Duckdb { .. } => "duckdb",
            Self::Postgres { .. } => "postgres",
            Self::Server { engine, .. } => engine.as_str(),
        }
    }

    /// Returns what it may use.
    pub const fn limits(&self) -> WarehouseLimits {
        match self {
            Self::Duckdb { limits, .. } | Self::Postgres { limits, .. } | Self::Server { limits, .. } => {
                *limits
            }
        }
    }

    /// Tells whether it reads files of the book.
    pub const fn reads_files(&self) -> bool {
        matches!(self, Self::Duckdb { .. })
    }
}

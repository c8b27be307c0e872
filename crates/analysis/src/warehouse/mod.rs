//! Where the data lives: a trait that runs one SELECT, the SQL that is given to it, and its engines.
//! An engine gets only [`Sql`], which cannot be made of untrusted text: names are quoted, texts are
//! escaped, expressions are parsed and written out again.

mod adbc;
mod dialect;
pub mod driver;
mod duckdb;
mod expression;
mod files;
mod postgres;
mod remote;
mod server;
mod select;
mod sql;
mod statement;
mod translation;
mod watched;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use adbc::{Stopped, set_last_resort};
pub use dialect::{Call, CastType, Dialect, Expressions, LARGEST_SUMMAND};
pub use driver::DriverError;
pub use duckdb::{DuckDbDialect, NewDatabase};
pub use expression::{ExpressionError, expression};
pub use files::{DataFiles, FileFormat, FilesError};
pub use postgres::PostgresDialect;
pub use remote::{Definition, SERVERS};
pub use select::{SelectError, select};
pub use server::Server;
pub use sql::Sql;
use sql::quoted;
pub use watched::{Cost, Watched};

/// A place that answers a SELECT.
pub trait Warehouse {
    /// Returns how it wants its SQL.
    fn dialect(&self) -> &dyn Dialect;

    /// Returns the engine and its version.
    fn engine(&self) -> Engine;

    /// Returns the columns of what may stand after `FROM`, in their order.
    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError>;

    /// Returns the relation of data files: a pattern relative to the book's root. The columns in `text` are
    /// read as text even where every value looks like a number, so that the id `007` stays what it is.
    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError>;

    /// Returns the absolute paths of data files: a pattern relative to the book's root.
    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError>;

    /// Runs one SELECT and returns its rows.
    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError>;
}

/// Where an embedded warehouse is, and what it may use.
#[derive(Debug, Clone, Copy)]
pub struct Embedded<'a> {
    /// The book's root. Nothing outside it is read.
    pub root: &'a Path,
    /// The database file, relative to the root; `None`: files only.
    pub database: Option<&'a str>,
    /// The memory it may use, in MiB; beyond it, it spills to a temporary folder.
    pub memory_mib: u32,
    /// The threads it may use; `None`: one per core.
    pub threads: Option<u32>,
    /// The disk for what does not fit the memory, in MiB; `None`: what is free.
    pub spill_mib: Option<u32>,
    /// How long one query may take.
    pub time_limit: Duration,
    /// Whether the engine's library is downloaded where there is none.
    pub install: bool,
}

impl<'a> Embedded<'a> {
    /// Returns a warehouse in a book's root with the default limits: 4 GiB, one thread per core, ten minutes for a
    /// query.
    pub fn new(root: &'a Path, database: Option<&'a str>) -> Self {
        let time_limit = Duration::from_secs(600);
        Self { root, database, memory_mib: 4096, threads: None, spill_mib: None, time_limit, install: false }
    }

    /// Lets it download the engine's library where there is none: for tests, which need one on a fresh machine.
    #[must_use]
    pub fn installing(self) -> Self {
        Self { install: true, ..self }
    }

    /// Opens it for reading.
    ///
    /// # Errors
    ///
    /// A library of DuckDB that is not there, cannot be loaded or has another version; a database that does not exist
    /// or lies outside the root; one that another process writes.
    pub fn open(self) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(duckdb::Duckdb::open(self)?))
    }
}

/// Which program answers the queries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Engine {
    /// Its name, such as `duckdb`.
    pub name: String,
    /// Its version, such as `1.5.6`.
    pub version: String,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the engine spells it.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
}

/// What a column holds, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number with a fraction: floating-point or decimal.
    Fraction,
    /// True or false.
    Boolean,
    /// A date and a time without a zone, taken as UTC.
    Timestamp,
    /// An instant.
    Instant,
    /// A date, taken as its midnight in UTC.
    Date,
    /// Anything else, by the engine's name for it.
    Other(String),
}

impl ColumnType {
    /// Returns the words for an error message.
    pub fn describe(&self) -> &str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Fraction => "a number with a fraction",
            Self::Boolean => "true or false",
            Self::Timestamp | Self::Instant => "a timestamp",
            Self::Date => "a date",
            Self::Other(name) => name,
        }
    }
}

/// A value in a row of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
}

/// A row of a result, whose values are asked for by the names of their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// Makes a row: a value for each column.
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Returns a value; `None` where there is no such column.
    pub fn value(&self, column: &str) -> Option<&Value> {
        let exact = self.columns.iter().position(|name| name == column);
        // Snowflake returns this program's own names in capitals.
        let at = exact.or_else(|| self.columns.iter().position(|name| name.eq_ignore_ascii_case(column)))?;
        self.values.get(at)
    }

    /// Returns a value as a whole number; `None` where it is null, of another type or not there.
    pub fn integer(&self, column: &str) -> Option<i64> {
        match self.value(column)? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns a value as a count: a whole number that is not negative.
    pub fn count(&self, column: &str) -> Option<u64> {
        self.integer(column).and_then(|value| u64::try_from(value).ok())
    }

    /// Returns a value as a number; `None` where it is null, of another type or not there.
    pub fn number(&self, column: &str) -> Option<f64> {
        match self.value(column)? {
            Value::Float(value) => Some(*value),
            Value::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// Returns a value as true or false; `None` where it is null, of another type or not there.
    pub fn boolean(&self, column: &str) -> Option<bool> {
        match self.value(column)? {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns a value as text; `None` where it is null, of another type or not there.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.value(column)? {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }
}

/// Why a warehouse has no answer.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// The engine's library cannot be used.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The engine's library has a version that is not supported.
    #[error("DuckDB {version} is not supported: the versions 1.5.x and 2.x are")]
    Version {
        /// As the library reports it.
        version: String,
    },
    /// A database that a newer engine wrote.
    #[error("the database `{path}` was written by a newer DuckDB than {version}, which cannot read it")]
    NewerFile {
        /// As the book names it.
        path: String,
        /// The version of the library in use.
        version: String,
    },
    /// A query was stopped at a limit.
    #[error("{0}")]
    Stopped(String),
    /// There is no such database file.
    #[error("there is no database at `{path}`")]
    NoDatabase {
        /// As the book names it.
        path: String,
    },
    /// A database or a data file cannot be used.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The engine could not be opened.
    #[error("cannot open the warehouse `{path}`: {message}")]
    Open {
        /// As the book names it.
        path: String,
        /// The engine's message.
        message: String,
    },
    /// The engine refused a query.
    #[error("{message}")]
    Refused {
        /// The engine's message.
        message: String,
        /// What kind of refusal it is.
        why: Why,
    },
    /// What should be the address of a server is none.
    #[error("{variable} does not hold the address of a server")]
    Address {
        /// The environment variable.
        variable: String,
        /// What an address looks like.
        example: &'static str,
    },
    /// The environment variable that should hold an address is not set.
    #[error("the environment variable {variable} is not set: it should hold the address of the warehouse")]
    NoAddress {
        /// The environment variable.
        variable: String,
    },
    /// The role may do more than read.
    #[error("the role in {variable} is a superuser, or may read files and run programs on the server")]
    MightyRole {
        /// The environment variable that holds the address.
        variable: String,
    },
    /// An engine that reads no files was asked for some.
    #[error("{engine} reads tables, and no files of the book")]
    NoFiles {
        /// Its name.
        engine: &'static str,
    },
}

/// What kind of refusal an engine's message is, in no engine's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A table or a function does not exist.
    NoSuchName,
    /// A column does not exist or has the wrong type.
    WrongColumn,
    /// It is no SQL of this engine.
    Syntax,
    /// A value cannot be converted.
    Conversion,
    /// The data are not as they are declared.
    Data,
    /// A file cannot be read.
    File,
    /// It reads what it may not.
    Permission,
    /// It needs more memory than it may use.
    Memory,
    /// This program does not let the engine see it.
    NotAllowed,
    /// Anything else.
    Unknown,
}

impl Why {
    fn describe(self) -> &'static str {
        match self {
            Self::NoSuchName => "it names a table or a function that does not exist",
            Self::WrongColumn => "it names a column that does not exist, or uses one of the wrong type",
            Self::Syntax => "it is not SQL of this engine",
            Self::Conversion => "a value cannot be converted to the type that is asked for",
            Self::Data => "the data are not as they are declared",
            Self::File => "a file cannot be read",
            Self::Permission => "it reads what it may not",
            Self::Memory => "it needs more memory than it may use",
            Self::NotAllowed => "it holds what is never allowed",
            Self::Unknown => "run the analysis by hand to see why",
        }
    }
}

impl WarehouseError {
    /// Returns the error without the engine's own words, which can quote data: for what may be published.
    pub fn published(&self) -> String {
        match self {
            Self::Refused { why, .. } => format!("the engine refused the query: {}", why.describe()),
            Self::Open { path, .. } => format!("cannot open the warehouse `{path}`"),
            Self::Address { .. } | Self::NoAddress { .. } | Self::MightyRole { .. } => {
                "the warehouse cannot be opened".to_owned()
            }
            Self::Driver(_) => "the engine's library cannot be used".to_owned(),
            Self::Files(FilesError::Link { pattern, .. }) => format!("`{pattern}` leads out of the book"),
            Self::Files(FilesError::Unreadable { .. }) => "a data file cannot be read".to_owned(),
            other => other.to_string(),
        }
    }
}

impl miette::Diagnostic for WarehouseError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = match self {
            Self::Driver(error) => return error.help(),
            Self::Files(error) => return error.help(),
            Self::Version { .. } => {
                "run `trialbook driver install duckdb`, or name the file of another library in TRIALBOOK_DUCKDB"
            }
            Self::NewerFile { .. } => {
                "name the file of a library of that version or a later one in TRIALBOOK_DUCKDB"
            }
            Self::Stopped(_) => "let the source select less, or prepare its data in the warehouse",
            Self::NoDatabase { .. } => {
                "check `warehouse.database` in trialbook.yaml; it is relative to the book's folder. Leave it out where sources are files"
            }
            // What an engine refuses, only its message tells.
            Self::Open { message, .. } if message.contains("lock") => {
                "another process has the database open for writing: close it, or analyse a copy"
            }
            Self::Refused { why: Why::NoSuchName, .. } => {
                "check the source's `table` and columns against the warehouse"
            }
            Self::Refused { why: Why::Permission, .. } => {
                "a source can read only the files that it names, which lie under the book's folder, and the tables that \
                 the warehouse lets its user read"
            }
            Self::Address { example, .. } => {
                return Some(Box::new(format!("set it to an address such as `{example}`")));
            }
            Self::NoAddress { .. } => {
                "`warehouse: {uri_env: …}` in trialbook.yaml names it; set it where the analysis runs, from a secret"
            }
            Self::MightyRole { .. } => {
                "make a role that may only read the tables of the sources, as docs/how-to/connect-a-warehouse.md shows"
            }
            Self::NoFiles { .. } => "load the file into a table, and name that in the source: `table: NAME`",
            Self::Open { .. } | Self::Refused { .. } => return None,
        };
        Some(Box::new(help))
    }
}

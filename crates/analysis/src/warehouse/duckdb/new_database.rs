//! A database that this program makes.

use std::path::Path;

use arrow_array::RecordBatch;

use super::connection::{self, Access};
use super::refused;
use super::version::supported;
use crate::warehouse::adbc::{Connection, Limits};
use crate::warehouse::{Row, WarehouseError, driver};

/// A DuckDB database that is written: the demo's, and those of tests.
///
/// It has none of the locks of a book's warehouse, so it runs this program's own SQL only.
pub struct NewDatabase(Connection);

impl std::fmt::Debug for NewDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewDatabase")
    }
}

impl NewDatabase {
    /// Creates a database file, or opens one; `None`: in memory.
    ///
    /// # Errors
    ///
    /// Where the engine's library cannot be loaded or has another version than those that are supported, or the file cannot be written.
    pub fn create(file: Option<&Path>) -> Result<Self, WarehouseError> {
        let library = driver::duckdb()?;
        supported(&library)?;
        let connection = connection::open(&library, file, Access::Write).map_err(refused)?;
        connection::in_utc(&connection).map_err(refused)?;
        Ok(Self(connection))
    }

    /// Runs statements.
    ///
    /// # Errors
    ///
    /// Where the engine refuses one.
    pub fn run(&self, sql: &str) -> Result<(), WarehouseError> {
        self.0.run(sql).map_err(refused)
    }

    /// Runs one query and returns its rows.
    ///
    /// # Errors
    ///
    /// Where the engine refuses it.
    pub fn rows(&self, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        self.0.rows(sql, Limits::NONE).map_err(refused)
    }

    /// Appends rows to a table, by the order of its columns.
    ///
    /// # Errors
    ///
    /// Where the columns do not fit.
    pub fn append(&self, table: &str, rows: RecordBatch) -> Result<(), WarehouseError> {
        self.0.append(table, rows).map_err(refused)
    }
}

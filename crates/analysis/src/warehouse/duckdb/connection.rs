//! A connection to DuckDB through ADBC: open, run, read, append.

use std::cell::RefCell;
use std::path::Path;

use adbc_core::options::{IngestMode, OptionDatabase, OptionStatement, OptionValue};
use adbc_core::{Connection as _, Database as _, Driver as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use arrow_array::RecordBatch;

use super::rows;
use super::watch::{self, Limits, Stopped};
use crate::warehouse::{Row, driver};

/// A connection to one database.
pub(super) struct Connection {
    inner: RefCell<ManagedConnection>,
}

/// Why the engine has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The engine says so.
    #[error("{0}")]
    Engine(String),
    /// A value of a type that is not read.
    #[error("the engine returned a column of the type {0}, which is not read here")]
    Type(String),
    /// The query was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl From<adbc_core::error::Error> for Trouble {
    fn from(error: adbc_core::error::Error) -> Self {
        Self::Engine(error.message)
    }
}

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To read what is there.
    Read,
    /// To make it.
    Write,
}

impl Connection {
    /// Opens a database file, or an empty database in memory.
    pub(super) fn open(
        library: &driver::Loaded,
        file: Option<&Path>,
        access: Access,
    ) -> Result<Self, Trouble> {
        let mut options = vec![
            ("autoload_known_extensions", "false".to_owned()),
            ("autoinstall_known_extensions", "false".to_owned()),
        ];
        if let Some(file) = file {
            let unicode =
                file.to_str().ok_or_else(|| Trouble::Engine(format!("`{}` is not Unicode", file.display())));
            options.push(("path", unicode?.to_owned()));
            if access == Access::Read {
                options.push(("access_mode", "READ_ONLY".to_owned()));
            }
        }
        let options = options
            .into_iter()
            .map(|(key, value)| (OptionDatabase::Other(key.to_owned()), OptionValue::String(value)));
        let mut driver = library.driver.clone();
        let database = driver.new_database_with_opts(options)?;
        Ok(Self { inner: RefCell::new(database.new_connection()?) })
    }

    /// Sets the session's zone to UTC. A library that knows time zones takes the machine's; one that knows none is in
    /// UTC, and has no such setting.
    pub(super) fn in_utc(&self) -> Result<(), Trouble> {
        let mut knows_zones = false;
        let sql = "SELECT name FROM duckdb_settings() WHERE lower(name) = 'timezone'";
        self.each(sql, Limits::NONE, &mut |batch| {
            knows_zones |= batch.num_rows() > 0;
            Ok(())
        })?;
        if knows_zones { self.run("SET TimeZone = 'UTC'") } else { Ok(()) }
    }

    /// Runs statements that return nothing.
    pub(super) fn run(&self, sql: &str) -> Result<(), Trouble> {
        let mut statement = self.statement(sql)?;
        statement.execute_update()?;
        Ok(())
    }

    /// Runs one query within limits, and returns its rows.
    pub(super) fn rows(&self, sql: &str, limits: Limits) -> Result<Vec<Row>, Trouble> {
        let mut result = Vec::new();
        self.each(sql, limits, &mut |batch| rows::decode(batch, &mut result))?;
        Ok(result)
    }

    /// Runs one query within limits, and hands over its rows batch by batch.
    pub(super) fn each(
        &self,
        sql: &str,
        limits: Limits,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut statement = self.statement(sql)?;
        let cancel = self.inner.borrow().get_cancel_handle();
        watch::within(limits, cancel.as_ref(), || {
            for batch in statement.execute()? {
                let batch = batch.map_err(|error| Trouble::Engine(plain(&error.to_string()).to_owned()))?;
                take(&batch)?;
            }
            Ok(())
        })
    }

    /// Appends rows to a table.
    pub(super) fn append(&self, table: &str, batch: RecordBatch) -> Result<(), Trouble> {
        let mut statement = self.inner.borrow_mut().new_statement()?;
        statement.set_option(OptionStatement::TargetTable, OptionValue::String(table.to_owned()))?;
        statement.set_option(OptionStatement::IngestMode, IngestMode::Append.into())?;
        statement.bind(batch)?;
        statement.execute_update()?;
        Ok(())
    }

    fn statement(&self, sql: &str) -> Result<ManagedStatement, Trouble> {
        let mut statement = self.inner.borrow_mut().new_statement()?;
        statement.set_sql_query(sql)?;
        Ok(statement)
    }
}

/// Returns a message without the prefix of Arrow's streams.
fn plain(message: &str) -> &str {
    message.strip_prefix("C Data interface error: ").unwrap_or(message)
}

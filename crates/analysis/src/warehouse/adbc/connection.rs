//! A connection through ADBC: open, run, read, append.

use std::cell::RefCell;

use adbc_core::error::Status;
use adbc_core::options::{IngestMode, OptionDatabase, OptionStatement, OptionValue};
use adbc_core::{Connection as _, Database as _, Driver as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use arrow_array::{RecordBatch, RecordBatchReader as _};
use arrow_schema::Schema;

use super::rows;
use super::watch::{self, Limits, Stopped};
use crate::warehouse::{Row, driver};

/// An option of ADBC: its name and its value.
pub(in crate::warehouse) type Setting = (&'static str, String);

/// A connection to one database.
pub(in crate::warehouse) struct Connection {
    inner: RefCell<ManagedConnection>,
    /// What is set on every statement.
    statements: &'static [(&'static str, &'static str)],
}

/// Why the engine has no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::warehouse) enum Trouble {
    /// The engine reports it.
    #[error("{message}")]
    Engine {
        /// Its message.
        message: String,
        /// The five letters of SQLSTATE, where the engine has them; else nothing.
        state: String,
        /// What kind of failure it is to the driver.
        status: Status,
    },
    /// A value of a type that is not read.
    #[error("the engine returned a column of the type {0}, which is not read here")]
    Type(String),
    /// The query was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Trouble {
    /// Returns what is wrong, in words that no engine has a code for.
    pub(in crate::warehouse) fn of(message: impl Into<String>) -> Self {
        Self::Engine { message: message.into(), state: String::new(), status: Status::Unknown }
    }

    /// Tells whether the driver reports that the same may succeed soon: a standby cancelled what was in the way of what it
    /// replays, the connection was lost, the server restarts or has too many connections.
    pub(in crate::warehouse) fn passes(&self) -> bool {
        const STATES: &[&str] = &["40001", "40P01", "53300", "57P01", "57P02", "57P03"];
        match self {
            Self::Engine { state, status, .. } if state.is_empty() => *status == Status::IO,
            Self::Engine { state, .. } => STATES.contains(&state.as_str()) || state.starts_with("08"),
            Self::Type(_) | Self::Stopped(_) => false,
        }
    }
}

impl From<adbc_core::error::Error> for Trouble {
    fn from(error: adbc_core::error::Error) -> Self {
        let letter = |byte: &std::ffi::c_char| u8::try_from(*byte).ok().filter(u8::is_ascii_alphanumeric);
        let state: Option<Vec<u8>> = error.sqlstate.iter().map(letter).collect();
        let state = state.and_then(|state| String::from_utf8(state).ok()).unwrap_or_default();
        Self::Engine { message: error.message, state, status: error.status }
    }
}

impl Connection {
    /// Opens a database with options, and sets others on every statement.
    pub(in crate::warehouse) fn open(
        library: &driver::Loaded,
        options: Vec<Setting>,
        statements: &'static [(&'static str, &'static str)],
    ) -> Result<Self, Trouble> {
        let options =
            options.into_iter().map(|(key, value)| (OptionDatabase::from(key), OptionValue::String(value)));
        let mut driver = library.driver.clone();
        let database = driver.new_database_with_opts(options)?;
        Ok(Self { inner: RefCell::new(database.new_connection()?), statements })
    }

    /// Runs statements that return nothing.
    pub(in crate::warehouse) fn run(&self, sql: &str) -> Result<(), Trouble> {
        let mut statement = self.statement(sql)?;
        statement.execute_update()?;
        Ok(())
    }

    /// Returns the columns of a query's result, without running it.
    pub(in crate::warehouse) fn schema(&self, sql: &str) -> Result<Schema, Trouble> {
        Ok(self.statement(sql)?.execute_schema()?)
    }

    /// Returns the columns of a query's result, within limits and from the result itself: not every driver describes a query
    /// that it does not run.
    pub(in crate::warehouse) fn result_schema(&self, sql: &str, limits: Limits) -> Result<Schema, Trouble> {
        let mut statement = self.statement(sql)?;
        let cancel = self.inner.borrow().get_cancel_handle();
        watch::within(limits, cancel.as_ref(), || Ok(statement.execute()?.schema().as_ref().clone()))
    }

    /// Runs one query within limits, and returns its rows.
    pub(in crate::warehouse) fn rows(&self, sql: &str, limits: Limits) -> Result<Vec<Row>, Trouble> {
        let mut result = Vec::new();
        self.each(sql, limits, &mut |batch| rows::decode(batch, &mut result))?;
        Ok(result)
    }

    /// Runs one query within limits, and hands over its rows batch by batch.
    pub(in crate::warehouse) fn each(
        &self,
        sql: &str,
        limits: Limits,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut statement = self.statement(sql)?;
        let cancel = self.inner.borrow().get_cancel_handle();
        watch::within(limits, cancel.as_ref(), || {
            for batch in statement.execute()? {
                let batch = batch.map_err(|error| Trouble::of(plain(&error.to_string())))?;
                take(&batch)?;
            }
            Ok(())
        })
    }

    /// Appends rows to a table.
    pub(in crate::warehouse) fn append(&self, table: &str, batch: RecordBatch) -> Result<(), Trouble> {
        let mut statement = self.inner.borrow_mut().new_statement()?;
        statement.set_option(OptionStatement::TargetTable, OptionValue::String(table.to_owned()))?;
        statement.set_option(OptionStatement::IngestMode, IngestMode::Append.into())?;
        statement.bind(batch)?;
        statement.execute_update()?;
        Ok(())
    }

    fn statement(&self, sql: &str) -> Result<ManagedStatement, Trouble> {
        let mut statement = self.inner.borrow_mut().new_statement()?;
        for (key, value) in self.statements {
            statement.set_option(
                OptionStatement::Other((*key).to_owned()),
                OptionValue::String((*value).to_owned()),
            )?;
        }
        statement.set_sql_query(sql)?;
        Ok(statement)
    }
}

/// Returns a message without the prefix of Arrow's streams.
fn plain(message: &str) -> &str {
    message.strip_prefix("C Data interface error: ").unwrap_or(message)
}

//! Engines that are servers, each reached through its ADBC driver: what one needs stands in a file of its own, and its line in
//! [`SERVERS`] registers it.

mod bigquery;
mod databricks;
mod redshift;
mod snowflake;
mod spark;
#[cfg(test)]
mod tests;
mod trino;
mod words;

use std::cell::RefCell;
use std::time::Duration;

use adbc_core::error::Status;
use arrow_schema::{DataType, Field};

use super::adbc::{Connection, Limits, Trouble, ending, ends_queries, patiently};
use super::driver::{self, Driver};
use super::statement::{forbidden_call, is_one_statement};
use super::{Column, ColumnType, Dialect, Engine, Row, Server, Sql, Warehouse, WarehouseError, Why};
use trialbook_model::ServerEngine;
use words::Words;

/// An engine that is a server.
#[derive(Debug)]
pub struct Definition {
    /// Which.
    pub server: ServerEngine,
    /// Its name for people.
    pub title: &'static str,
    /// Its ADBC driver.
    pub driver: Driver,
    /// What an address looks like.
    example: &'static str,
    /// What is run when a connection opens. `{seconds}` and `{milliseconds}` are the time limit of a query.
    session: &'static [&'static str],
    /// What stands behind each query, with the same places.
    settings: &'static str,
    /// A query for its version.
    version: &'static str,
    words: Words,
}

/// Every engine that is a server, besides PostgreSQL.
pub static SERVERS: &[&Definition] = &[
    &bigquery::ENGINE,
    &databricks::ENGINE,
    &redshift::ENGINE,
    &snowflake::ENGINE,
    &spark::ENGINE,
    &trino::ENGINE,
];

impl Definition {
    /// Returns how it wants its SQL.
    pub fn dialect(&self) -> &dyn Dialect {
        &self.words
    }

    /// Returns a query as the server gets it: in parentheses, where nothing but a query can stand.
    pub fn wrapped(&self, query: &Sql, time_limit: Duration) -> Sql {
        let settings = in_time(self.settings, time_limit);
        Sql::fill("SELECT * FROM ({query}) AS answer{settings}", &[("query", query), ("settings", &settings)])
    }
}

/// Puts a time limit into a template.
fn in_time(template: &'static str, limit: Duration) -> Sql {
    let whole = |number: u128| Sql::integer(i64::try_from(number).unwrap_or(i64::MAX));
    Sql::fill(
        template,
        &[
            ("seconds", &whole(limit.as_secs().max(1).into())),
            ("milliseconds", &whole(limit.as_millis().clamp(1, i32::MAX as u128))),
        ],
    )
}

/// A server that is asked to read.
pub(super) struct Remote {
    definition: &'static Definition,
    library: driver::Loaded,
    server: Server,
    /// `None` after a query was stopped: its session is closed, for servers that compute on until then.
    connection: RefCell<Option<Connection>>,
    engine: Engine,
    limits: Limits,
}

impl Remote {
    pub(super) fn open(which: ServerEngine, server: &Server) -> Result<Self, WarehouseError> {
        let listed = SERVERS.iter().copied().find(|definition| definition.server == which);
        // A test finds every server in the list.
        let definition = listed
            .ok_or_else(|| WarehouseError::Address { variable: server.variable.clone(), example: "" })?;
        ends_queries();
        let library = driver::loaded_of(&definition.driver)?;
        let connection = connect(definition, &library, server)
            .map_err(|trouble| cannot_connect(definition, server, &trouble))?;
        let limits = Limits { time: server.time_limit, growth: 4 << 30 };
        let rows = connection.rows(definition.version, limits).map_err(|trouble| refused(server, trouble))?;
        let version = rows.first().and_then(|row| row.text("version")).unwrap_or_default();
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        let engine = Engine { name: which.as_str().to_owned(), version };
        let (server, connection) = (server.clone(), RefCell::new(Some(connection)));
        Ok(Self { definition, library, server, connection, engine, limits })
    }

    /// Asks, and again where the driver reports that the failure passes, over a new connection.
    fn ask<T>(
        &self,
        sql: &Sql,
        ask: impl Fn(&Connection, &str) -> Result<T, Trouble>,
    ) -> Result<T, WarehouseError> {
        let refuse = |message| Err(WarehouseError::Refused { message, why: Why::NotAllowed });
        if !is_one_statement(sql.as_str()) {
            return refuse("the query holds a comment or a second statement, and was not run".to_owned());
        }
        if let Some(name) = forbidden_call(sql.as_str()) {
            return refuse(format!("the query calls `{name}`, which is never allowed, and was not run"));
        }
        let wrapped = self.definition.wrapped(sql, self.limits.time);
        let once = |again: bool| {
            let kept = self.connection.borrow_mut().take().filter(|_| !again);
            let connection = match kept {
                Some(connection) => connection,
                None => connect(self.definition, &self.library, &self.server)?,
            };
            let answer = ask(&connection, wrapped.as_str());
            if !matches!(answer, Err(Trouble::Stopped(_))) {
                *self.connection.borrow_mut() = Some(connection);
            }
            answer
        };
        let answer =
            ending(|| patiently(&std::thread::sleep, once), || drop(self.connection.borrow_mut().take()));
        answer.map_err(|trouble| refused(&self.server, trouble))
    }
}

/// Opens a connection and its session.
fn connect(
    definition: &Definition,
    library: &driver::Loaded,
    server: &Server,
) -> Result<Connection, Trouble> {
    let connection = Connection::open(library, vec![("uri", server.uri.clone())], &[])?;
    for statement in definition.session {
        connection.run(in_time(statement, server.time_limit).as_str())?;
    }
    Ok(connection)
}

impl Warehouse for Remote {
    fn dialect(&self) -> &dyn Dialect {
        self.definition.dialect()
    }

    fn engine(&self) -> Engine {
        self.engine.clone()
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        let sql = Sql::fill("SELECT * FROM {relation} AS source_rows LIMIT 0", &[("relation", relation)]);
        let schema = self.ask(&sql, |connection, sql| connection.result_schema(sql, self.limits))?;
        Ok(schema.fields().iter().map(|field| column(field)).collect())
    }

    fn files(&self, _: &str, _: &[&str]) -> Result<Sql, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: self.definition.title })
    }

    fn paths(&self, _: &str) -> Result<Vec<String>, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: self.definition.title })
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        self.ask(sql, |connection, sql| connection.rows(sql, self.limits))
    }
}

/// Returns a column of a result, by its type in Arrow.
fn column(field: &Field) -> Column {
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::Text,
        DataType::Dictionary(_, values) if **values == DataType::Utf8 => ColumnType::Text,
        whole if whole.is_integer() => ColumnType::Integer,
        DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0) => ColumnType::Integer,
        DataType::Decimal128(..) | DataType::Decimal256(..) => ColumnType::Fraction,
        fraction if fraction.is_floating() => ColumnType::Fraction,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Timestamp(_, None) => ColumnType::Timestamp,
        DataType::Timestamp(_, Some(_)) => ColumnType::Instant,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        other => ColumnType::Other(other.to_string()),
    };
    Column { name: field.name().clone(), kind }
}

/// Explains why there is no connection: in the driver's words only where they hold nothing of the address that may be secret.
fn cannot_connect(definition: &Definition, server: &Server, trouble: &Trouble) -> WarehouseError {
    let message = trouble.to_string();
    let message = message.lines().next().unwrap_or_default().trim().to_owned();
    if is_shown_by(&message, &server.uri) {
        return WarehouseError::Address { variable: server.variable.clone(), example: definition.example };
    }
    WarehouseError::Open { path: format!("the {} of {}", definition.title, server.variable), message }
}

/// Tells whether a message holds a part of an address that is shown nowhere.
fn is_shown_by(message: &str, uri: &str) -> bool {
    secrets(uri).iter().any(|secret| message.contains(secret.as_str()))
}

/// Returns the parts of an address that are shown nowhere: the whole, a password, and what parameters hold.
fn secrets(uri: &str) -> Vec<String> {
    let mut found = vec![uri.to_owned()];
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    // A parameter may hold an `@` too.
    let place = rest.split(['?', ';']).next().unwrap_or_default();
    for (user, _) in [place.rsplit_once('@'), rest.rsplit_once('@')].into_iter().flatten() {
        found.push(user.to_owned());
        found.extend(user.split_once(':').map(|(_, password)| password.to_owned()));
    }
    let parameters = rest.split(['?', '&', ';']).skip(1).filter_map(|parameter| parameter.split_once('='));
    found.extend(parameters.map(|(_, value)| value.to_owned()).filter(|value| value.len() > 5));
    found.retain(|secret| !secret.is_empty());
    // A driver may show what it decoded.
    let decoded = |secret: &String| {
        url::form_urlencoded::parse(format!("x={}", secret.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    let decoded: Vec<_> = found.iter().filter(|secret| secret.contains('%')).filter_map(decoded).collect();
    found.extend(decoded);
    found
}

/// Sorts what a driver reports, by its SQLSTATE or its status. Its words are left out where they hold a part of the address.
fn refused(server: &Server, trouble: Trouble) -> WarehouseError {
    let (message, state, status) = match trouble {
        Trouble::Engine { message, state, status } => (message, state, status),
        Trouble::Stopped(stopped) => return WarehouseError::Stopped(stopped.to_string()),
        Trouble::Type(_) => (trouble.to_string(), String::new(), Status::Unknown),
    };
    // Spark has it in the message alone.
    let in_message = || message.split("SQLSTATE: ").nth(1).and_then(|rest| rest.get(..5)).unwrap_or_default();
    let state = if state.is_empty() { in_message().to_owned() } else { state };
    let why = match (state.get(..2).unwrap_or_default(), status) {
        ("42", _) if matches!(state.as_str(), "42P01" | "42883" | "42S02" | "42000") => Why::NoSuchName,
        ("42", _) if matches!(state.as_str(), "42703" | "42S22" | "42804") => Why::WrongColumn,
        ("42", _) if matches!(state.as_str(), "42501") => Why::Permission,
        ("42", _) => Why::Syntax,
        ("22", _) => Why::Conversion,
        (_, Status::NotFound) => Why::NoSuchName,
        (_, Status::Unauthenticated | Status::Unauthorized) => Why::Permission,
        _ => Why::Unknown,
    };
    // The rest repeats the query, or traces the server's own calls.
    let message = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let message = if is_shown_by(&message, &server.uri) {
        "the driver's message holds a part of the address, and is not shown".to_owned()
    } else {
        message
    };
    WarehouseError::Refused { message, why }
}

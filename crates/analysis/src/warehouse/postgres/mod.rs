//! PostgreSQL: a server that is asked to read, as a role that may only read.

mod dialect;

use std::cell::RefCell;
use std::time::Duration;

use arrow_schema::{DataType, Field};

use super::adbc::{Connection, Limits, Trouble, patiently};
use super::statement::{forbidden_call, is_one_statement};
use super::{Column, ColumnType, Dialect, Engine, Row, Server, Sql, Warehouse, WarehouseError, Why, driver};
pub use dialect::PostgresDialect;

pub(super) struct Postgres {
    library: driver::Loaded,
    server: Server,
    connection: RefCell<Connection>,
    engine: Engine,
    limits: Limits,
}

/// Without it an error in mid-stream has no SQLSTATE (driver 1.13.0, seen 2026-11).
const STATEMENTS: &[(&str, &str)] = &[("adbc.postgresql.use_copy", "false")];

/// What this program's SQL takes for granted, and the outermost of three locks. None of them is enough alone: a SELECT
/// can call `set_config`, so each query has its own transaction, and a book's SQL may call no such function.
const SESSION: &[&str] = &[
    "SET default_transaction_read_only = on",
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO, YMD'",
    "SET standard_conforming_strings = on",
    "SET extra_float_digits = 3",
    "SET row_security = on",
    "SET client_encoding = 'UTF8'",
    // While the server compiles a query it hears neither its own time limit nor a cancellation, and compiling the wide ones of this
    // program takes minutes (PostgreSQL 15 with LLVM 14, seen 2026-11). Test: tests/engines/run, a query is stopped.
    "SET jit = off",
];

/// Roles that are more than readers: they change everything, or reach files and programs of the server.
const MIGHTY: &str = "SELECT CAST(current_setting('server_version') AS TEXT) AS version, \
     coalesce((SELECT bool_or(r.rolsuper) FROM pg_roles AS r WHERE r.rolname IN (current_user, session_user)), FALSE) \
     AS super, \
     coalesce((SELECT bool_or(pg_has_role(current_user, r.oid, 'MEMBER')) FROM pg_roles AS r WHERE r.rolname IN \
     ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')), FALSE) AS files";

impl Postgres {
    pub(super) fn open(server: &Server) -> Result<Self, WarehouseError> {
        let Server { uri, variable, time_limit } = server;
        if !(uri.starts_with("postgresql://") || uri.starts_with("postgres://")) {
            return Err(WarehouseError::Address { variable: variable.clone(), example: ADDRESS });
        }
        let library = driver::loaded_of(&driver::POSTGRESQL)?;
        let connection = connect(&library, server).map_err(|trouble| cannot_connect(server, &trouble))?;
        session(&connection, *time_limit).map_err(|trouble| refused(trouble, *time_limit))?;
        let limits = Limits { time: *time_limit, growth: 4 << 30 };
        let rows = connection.rows(MIGHTY, limits).map_err(|trouble| refused(trouble, *time_limit))?;
        let row = rows.first();
        // Where it cannot be known, it is not taken for harmless.
        if row.and_then(|row| row.boolean("super")) != Some(false)
            || row.and_then(|row| row.boolean("files")) != Some(false)
        {
            return Err(WarehouseError::MightyRole { variable: variable.clone() });
        }
        let version = row.and_then(|row| row.text("version")).unwrap_or_default();
        // Such as `15.20 (Debian 15.20-0+deb12u1)`.
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        let engine = Engine { name: "postgres".to_owned(), version };
        Ok(Self { library, server: server.clone(), connection: RefCell::new(connection), engine, limits })
    }

    /// Runs a query in a transaction of its own, which is rolled back.
    fn read(&self, sql: &str) -> Result<Vec<Row>, Trouble> {
        let connection = self.connection.borrow();
        connection.run("BEGIN TRANSACTION READ ONLY")?;
        let answer = connection.rows(sql, self.limits);
        let ended = connection.run("ROLLBACK");
        let rows = answer?;
        ended?;
        Ok(rows)
    }

    fn check(sql: &str) -> Result<(), WarehouseError> {
        let refused = |message| Err(WarehouseError::Refused { message, why: Why::NotAllowed });
        if !is_one_statement(sql) {
            return refused("the query holds a comment or a second statement, and was not run".to_owned());
        }
        match forbidden_call(sql) {
            Some(name) => {
                refused(format!("the query calls `{name}`, which is never allowed, and was not run"))
            }
            None => Ok(()),
        }
    }

    /// Asks, and again where the server reports that the failure passes: over a new connection, for the old one may be lost.
    fn patiently<T>(&self, ask: impl Fn() -> Result<T, Trouble>) -> Result<T, WarehouseError> {
        let answer = patiently(&std::thread::sleep, |again| {
            if again {
                let fresh = connect(&self.library, &self.server)?;
                session(&fresh, self.limits.time)?;
                *self.connection.borrow_mut() = fresh;
            }
            ask()
        });
        answer.map_err(|trouble| refused(trouble, self.limits.time))
    }
}

fn connect(library: &driver::Loaded, server: &Server) -> Result<Connection, Trouble> {
    Connection::open(library, vec![("uri", server.uri.clone())], STATEMENTS)
}

/// Sets what this program's SQL takes for granted.
fn session(connection: &Connection, time_limit: Duration) -> Result<(), Trouble> {
    let timeout = format!("SET statement_timeout = {}", time_limit.as_millis().clamp(1, i32::MAX as u128));
    for sql in SESSION.iter().copied().chain([timeout.as_str()]) {
        connection.run(sql)?;
    }
    // A query whose client is gone, as after Ctrl-C, ends within a second. Versions before 14 have no such setting.
    let _ = connection.run("SET client_connection_check_interval = '1s'");
    Ok(())
}

/// What an address looks like.
const ADDRESS: &str = "postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require";

impl Warehouse for Postgres {
    fn dialect(&self) -> &dyn Dialect {
        &PostgresDialect
    }

    fn engine(&self) -> Engine {
        self.engine.clone()
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        let sql = Sql::fill("SELECT * FROM {relation} AS source_rows LIMIT 0", &[("relation", relation)]);
        Self::check(sql.as_str())?;
        let schema = self.patiently(|| self.connection.borrow().schema(sql.as_str()))?;
        Ok(schema.fields().iter().map(|field| column(field)).collect())
    }

    fn files(&self, _: &str, _: &[&str]) -> Result<Sql, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: "PostgreSQL" })
    }

    fn paths(&self, _: &str) -> Result<Vec<String>, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: "PostgreSQL" })
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        Self::check(sql.as_str())?;
        // In parentheses nothing but a query can stand.
        let wrapped = Sql::fill("SELECT * FROM ({sql}) AS answer", &[("sql", sql)]);
        self.patiently(|| self.read(wrapped.as_str()))
    }
}

/// Returns a column of a result, by the type that the server names.
fn column(field: &Field) -> Column {
    let named = field.metadata().get("POSTGRESQL:type").or(field.metadata().get("ADBC:postgresql:typname"));
    let kind = match (named.map(String::as_str), field.data_type()) {
        (Some("text" | "varchar" | "bpchar" | "char" | "name" | "uuid" | "citext" | "enum"), _) => {
            ColumnType::Text
        }
        (Some("int2" | "int4" | "int8"), _) => ColumnType::Integer,
        (Some("float4" | "float8" | "numeric"), _) => ColumnType::Fraction,
        (Some("bool"), _) => ColumnType::Boolean,
        (Some("timestamp"), _) => ColumnType::Timestamp,
        (Some("timestamptz"), _) => ColumnType::Instant,
        (Some("date"), _) => ColumnType::Date,
        (Some(other), _) => ColumnType::Other(other.to_owned()),
        (None, DataType::Utf8) => ColumnType::Text,
        (None, other) => ColumnType::Other(other.to_string()),
    };
    Column { name: field.name().clone(), kind }
}

/// Explains why there is no connection. The library repeats parts of an address that it cannot read, so its words are
/// shown only where they are those of a server or about the way to it.
fn cannot_connect(server: &Server, trouble: &Trouble) -> WarehouseError {
    let message = trouble.to_string();
    let about_the_way = message.find("connection to server").and_then(|at| message.get(at..));
    let secret =
        server.uri.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
    let secret = secret.and_then(|user| user.split_once(':')).map_or("", |(_, password)| password);
    let shown = about_the_way.filter(|message| secret.is_empty() || !message.contains(secret));
    match shown {
        Some(message) => WarehouseError::Open {
            path: format!("the PostgreSQL of {}", server.variable),
            message: message.trim().to_owned(),
        },
        None => WarehouseError::Address { variable: server.variable.clone(), example: ADDRESS },
    }
}

/// Sorts what the server reports by its SQLSTATE.
fn refused(trouble: Trouble, time_limit: Duration) -> WarehouseError {
    let (message, state) = match trouble {
        Trouble::Engine { message, state, .. } => (message, state),
        Trouble::Stopped(stopped) => return WarehouseError::Stopped(stopped.to_string()),
        Trouble::Type(_) => (trouble.to_string(), String::new()),
    };
    if state == "57014" {
        let seconds = time_limit.as_secs();
        return WarehouseError::Stopped(format!(
            "the query took longer than {seconds} seconds and was stopped"
        ));
    }
    let why = match state.as_str() {
        "42P01" | "42883" | "3F000" | "3D000" => Why::NoSuchName,
        "42703" | "42804" | "42P08" | "42P18" => Why::WrongColumn,
        "42601" => Why::Syntax,
        "42501" | "25006" => Why::Permission,
        "22P02" | "22007" | "22008" | "22003" | "22018" => Why::Conversion,
        "53100" | "53200" => Why::Memory,
        state if state.starts_with("22") => Why::Data,
        _ => Why::Unknown,
    };
    WarehouseError::Refused { message: words(&message), why }
}

/// Returns the server's own words: without the query, which the driver repeats before them, and the state after them.
fn words(message: &str) -> String {
    let reason = message.rfind("ERROR:").and_then(|at| message.get(at + "ERROR:".len()..)).unwrap_or(message);
    let reason = reason.split("\nLINE ").next().unwrap_or(reason);
    let reason = reason.split(". SQLSTATE").next().unwrap_or(reason);
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

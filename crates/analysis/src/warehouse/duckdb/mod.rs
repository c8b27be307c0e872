//! The embedded DuckDB: it reads, within the book's root, and nothing else.

use std::path::Path;

use duckdb::types::ValueRef;
use duckdb::{AccessMode, Config, Connection};

use super::files::single;
use super::statement::is_one_statement;
use super::{
    Column, ColumnType, DataFiles, Dialect, DuckDbDialect, Embedded, Row, Sql, Value, Warehouse,
    WarehouseError,
};

/// A DuckDB inside this process.
///
/// A database file is opened read-only. The network, extensions, and every file outside the book's root are
/// out of reach, and no query can change that.
pub(super) struct Duckdb {
    connection: Connection,
    root: std::path::PathBuf,
    dialect: DuckDbDialect,
    /// Where it spills; removed with it.
    _scratch: tempfile::TempDir,
}

impl Duckdb {
    pub(super) fn open(embedded: Embedded<'_>) -> Result<Self, WarehouseError> {
        let shown = embedded.database.unwrap_or("in memory").to_owned();
        let failed = |message: String| WarehouseError::Open { path: shown.clone(), message };
        let root = embedded.root.canonicalize().map_err(|error| failed(error.to_string()))?;
        let scratch = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let config = Config::default()
            .enable_autoload_extension(false)
            .and_then(|config| config.with("autoinstall_known_extensions", "false"))
            .map_err(|error| failed(error.to_string()))?;
        let connection = match embedded.database {
            None => Connection::open_in_memory_with_flags(config),
            Some(database) => {
                let Some(file) = single(&root, database)? else {
                    return Err(WarehouseError::NoDatabase { path: database.to_owned() });
                };
                config
                    .access_mode(AccessMode::ReadOnly)
                    .and_then(|config| Connection::open_with_flags(file, config))
            }
        };
        let connection = connection.map_err(|error| failed(error.to_string()))?;
        let settings = settings(&root, scratch.path(), embedded).map_err(failed)?;
        connection.execute_batch(settings.as_str()).map_err(|error| failed(error.to_string()))?;
        Ok(Self { connection, root, dialect: DuckDbDialect, _scratch: scratch })
    }

    fn rows(&self, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        if !is_one_statement(sql) {
            let message = "the query holds a comment or a second statement, and was not run".to_owned();
            return Err(WarehouseError::Refused { message });
        }
        self.run(sql).map_err(refused)
    }

    fn run(&self, sql: &str) -> duckdb::Result<Vec<Row>> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let width = rows.as_ref().map_or(0, |statement| statement.column_count());
        let mut result = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|at| row.get_ref(at).map(value)).collect::<Result<_, _>>()?;
            result.push(Row::new(values));
        }
        Ok(result)
    }
}

/// Returns the statements that close every door, the last of which locks them.
fn settings(root: &Path, scratch: &Path, embedded: Embedded<'_>) -> Result<Sql, String> {
    let text = |path: &Path| {
        let path = path.to_str().ok_or_else(|| format!("`{}` is not Unicode", path.display()))?;
        Ok::<_, String>(DuckDbDialect.text(path))
    };
    let threads = embedded.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, |threads| threads.get() as i64),
        i64::from,
    );
    Ok(Sql::fill(
        "SET memory_limit = {memory}; SET threads = {threads}; SET temp_directory = {scratch}; \
         SET allowed_directories = [{root}]; \
         SET enable_external_access = false; SET lock_configuration = true",
        &[
            ("memory", &DuckDbDialect.text(&format!("{}MiB", embedded.memory_mib.max(64)))),
            ("threads", &Sql::integer(threads.max(1))),
            ("scratch", &text(scratch)?),
            ("root", &text(root)?),
        ],
    ))
}

impl Warehouse for Duckdb {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        let sql = Sql::fill("DESCRIBE SELECT * FROM {relation}", &[("relation", relation)]);
        let rows = self.rows(sql.as_str())?;
        let column =
            |row: &Row| Some(Column { name: row.text(0)?.to_owned(), kind: column_type(row.text(1)?) });
        Ok(rows.iter().filter_map(column).collect())
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        let files = DataFiles::find(&self.root, pattern)?;
        let paths = files.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
        let plain = self.dialect.files(files.format, &paths, &[]);
        // A column that a file lacks cannot be given a type; the query names it as missing.
        let known = self.columns(&plain)?;
        let text: Vec<&str> =
            text.iter().copied().filter(|name| known.iter().any(|column| column.name == *name)).collect();
        Ok(self.dialect.files(files.format, &paths, &text))
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        let files = DataFiles::find(&self.root, pattern)?;
        Ok(files.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        self.rows(sql.as_str())
    }
}

/// Keeps the first lines of DuckDB's message: the rest repeats the query.
fn refused(error: duckdb::Error) -> WarehouseError {
    let message = error.to_string();
    let told = message.lines().take_while(|line| !line.is_empty() && !line.starts_with("LINE ")).take(3);
    let told: Vec<_> = told.map(|line| line.trim().trim_end_matches('!')).collect();
    WarehouseError::Refused { message: told.join("; ") }
}

fn column_type(name: &str) -> ColumnType {
    let stem = name.split('(').next().unwrap_or(name);
    match stem {
        _ if name.ends_with(']') => ColumnType::Other(name.to_owned()),
        "VARCHAR" | "ENUM" | "UUID" => ColumnType::Text,
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "UHUGEINT" => ColumnType::Integer,
        "FLOAT" | "DOUBLE" | "DECIMAL" => ColumnType::Fraction,
        "BOOLEAN" => ColumnType::Boolean,
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => ColumnType::Timestamp,
        "TIMESTAMP WITH TIME ZONE" => ColumnType::Instant,
        "DATE" => ColumnType::Date,
        other => ColumnType::Other(other.to_owned()),
    }
}

/// Returns a value of a result. The queries cast what they return to these types; anything else is null.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Boolean(value) => Value::Boolean(value),
        ValueRef::TinyInt(value) => Value::Integer(value.into()),
        ValueRef::SmallInt(value) => Value::Integer(value.into()),
        ValueRef::Int(value) => Value::Integer(value.into()),
        ValueRef::BigInt(value) => Value::Integer(value),
        ValueRef::HugeInt(value) => i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer),
        ValueRef::UTinyInt(value) => Value::Integer(value.into()),
        ValueRef::USmallInt(value) => Value::Integer(value.into()),
        ValueRef::UInt(value) => Value::Integer(value.into()),
        ValueRef::UBigInt(value) => i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer),
        ValueRef::Float(value) => Value::Float(value.into()),
        ValueRef::Double(value) => Value::Float(value),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests;

//! The embedded DuckDB: it reads the files of the book's sources, and nothing else.

mod connection;
mod new_database;
mod rows;
mod version;
mod watch;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::single;
use super::statement::{forbidden_call, is_one_statement};
use super::{
    Column, ColumnType, DataFiles, Dialect, DuckDbDialect, Embedded, Engine, Row, Sql, Warehouse,
    WarehouseError, driver,
};
use connection::{Access, Connection, Trouble};
pub use new_database::NewDatabase;
pub(super) use version::supported;
use watch::Limits;

/// A DuckDB inside this process.
///
/// A database file is opened read-only. The network, extensions, settings and every file but those that were
/// resolved from a source's declaration are out of reach, and no query can change that.
pub(super) struct Duckdb {
    library: driver::Loaded,
    engine: Engine,
    root: PathBuf,
    database: Option<PathBuf>,
    limits: Limits,
    memory_mib: u32,
    threads: i64,
    dialect: DuckDbDialect,
    open: RefCell<Opened>,
    /// Where it spills; removed with it.
    scratch: tempfile::TempDir,
}

/// A connection and the files that it may read. What it may read is locked, so another file needs another connection.
struct Opened {
    connection: Connection,
    readable: BTreeSet<PathBuf>,
}

impl Duckdb {
    pub(super) fn open(embedded: Embedded<'_>) -> Result<Self, WarehouseError> {
        let shown = embedded.database.unwrap_or("in memory").to_owned();
        let failed = |message: String| WarehouseError::Open { path: shown.clone(), message };
        let root = embedded.root.canonicalize().map_err(|error| failed(error.to_string()))?;
        let scratch = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let database = match embedded.database {
            None => None,
            Some(name) => match single(&root, name)? {
                Some(file) => Some(file),
                None => return Err(WarehouseError::NoDatabase { path: name.to_owned() }),
            },
        };
        let library = if embedded.install { driver::duckdb_installed()? } else { driver::duckdb()? };
        let version = supported(&library)?;
        let memory_mib = embedded.memory_mib.max(64);
        let threads = embedded.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, |threads| threads.get() as i64),
            i64::from,
        );
        // Half as much again as the engine may count, and what the program itself needs for the rows.
        let growth = (u64::from(memory_mib) << 20) * 3 / 2 + (512 << 20);
        let limits = Limits { time: embedded.time_limit, growth };
        let threads = threads.max(1);
        let file = database.as_deref();
        let first = connect(&library, file, scratch.path(), memory_mib, threads, &BTreeSet::new());
        let connection =
            first.map_err(|trouble| version::cannot_open(&shown, &version, &trouble.to_string()))?;
        Ok(Self {
            engine: Engine { name: "duckdb".to_owned(), version },
            open: RefCell::new(Opened { connection, readable: BTreeSet::new() }),
            library,
            root,
            database,
            limits,
            memory_mib,
            threads,
            dialect: DuckDbDialect,
            scratch,
        })
    }

    fn rows(&self, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        if !is_one_statement(sql) {
            let message = "the query holds a comment or a second statement, and was not run".to_owned();
            return Err(WarehouseError::Refused { message });
        }
        if let Some(name) = forbidden_call(sql) {
            let message = format!("the query calls `{name}`, which is never allowed, and was not run");
            return Err(WarehouseError::Refused { message });
        }
        self.open.borrow().connection.rows(sql, self.limits).map_err(refused)
    }

    /// Finds the files of a pattern, and lets the engine read them.
    fn readable(&self, pattern: &str) -> Result<DataFiles, WarehouseError> {
        let files = DataFiles::find(&self.root, pattern)?;
        let mut open = self.open.borrow_mut();
        if !files.paths.iter().all(|path| open.readable.contains(path)) {
            let readable: BTreeSet<_> = open.readable.iter().chain(&files.paths).cloned().collect();
            let (file, scratch) = (self.database.as_deref(), self.scratch.path());
            let connection = connect(&self.library, file, scratch, self.memory_mib, self.threads, &readable)
                .map_err(refused)?;
            *open = Opened { connection, readable };
        }
        Ok(files)
    }
}

fn connect(
    library: &driver::Loaded,
    database: Option<&Path>,
    scratch: &Path,
    memory_mib: u32,
    threads: i64,
    readable: &BTreeSet<PathBuf>,
) -> Result<Connection, Trouble> {
    let settings = settings(scratch, memory_mib, threads, readable).map_err(Trouble::Engine)?;
    let connection = Connection::open(library, database, Access::Read)?;
    connection.in_utc()?;
    connection.run(settings.as_str())?;
    Ok(connection)
}

/// Returns the statements that close every door, the last of which locks them.
fn settings(
    scratch: &Path,
    memory_mib: u32,
    threads: i64,
    readable: &BTreeSet<PathBuf>,
) -> Result<Sql, String> {
    let text = |path: &Path| {
        let path = path.to_str().ok_or_else(|| format!("`{}` is not Unicode", path.display()))?;
        Ok::<_, String>(DuckDbDialect.text(path))
    };
    let readable = readable.iter().map(|path| text(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Sql::fill(
        "SET memory_limit = {memory}; SET threads = {threads}; SET temp_directory = {scratch}; \
         SET allowed_paths = [{readable}]; \
         SET enable_external_access = false; SET lock_configuration = true",
        &[
            ("memory", &DuckDbDialect.text(&format!("{memory_mib}MiB"))),
            ("threads", &Sql::integer(threads)),
            ("scratch", &text(scratch)?),
            ("readable", &Sql::join(readable, ", ")),
        ],
    ))
}

impl Warehouse for Duckdb {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    fn engine(&self) -> Engine {
        self.engine.clone()
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        let sql = Sql::fill("DESCRIBE SELECT * FROM {relation}", &[("relation", relation)]);
        let rows = self.rows(sql.as_str())?;
        let column =
            |row: &Row| Some(Column { name: row.text(0)?.to_owned(), kind: column_type(row.text(1)?) });
        Ok(rows.iter().filter_map(column).collect())
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        let files = self.readable(pattern)?;
        let paths = files.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
        let plain = self.dialect.files(files.format, &paths, &[]);
        // A column that a file lacks cannot be given a type; the query names it as missing.
        let known = self.columns(&plain)?;
        let text: Vec<&str> =
            text.iter().copied().filter(|name| known.iter().any(|column| column.name == *name)).collect();
        Ok(self.dialect.files(files.format, &paths, &text))
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        let files = self.readable(pattern)?;
        Ok(files.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        self.rows(sql.as_str())
    }
}

/// Keeps the first lines of DuckDB's message: the rest repeats the query.
fn refused(trouble: Trouble) -> WarehouseError {
    match trouble {
        Trouble::Stopped(stopped) => WarehouseError::Stopped(stopped.to_string()),
        Trouble::Type(_) => WarehouseError::Refused { message: trouble.to_string() },
        Trouble::Engine(message) => WarehouseError::Refused { message: first_lines(&message) },
    }
}

fn first_lines(message: &str) -> String {
    let kept = message.lines().take_while(|line| !line.is_empty() && !line.starts_with("LINE ")).take(3);
    let kept: Vec<_> = kept.map(|line| line.trim().trim_end_matches('!')).collect();
    kept.join("; ")
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

#[cfg(test)]
mod tests;

//! The embedded DuckDB: it reads the files of the book's sources, and nothing else.

mod connection;
mod dialect;
mod new_database;
mod version;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::adbc::{Connection, Limits, Trouble};
use super::files::single;
use super::statement::{forbidden_call, is_one_statement};
use super::{
    Column, ColumnType, DataFiles, Dialect, Embedded, Engine, FileFormat, Row, Sql, Warehouse,
    WarehouseError, Why, driver,
};
use connection::Access;
pub use dialect::DuckDbDialect;
pub use new_database::NewDatabase;
pub(super) use version::supported;

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
    resources: Resources,
    dialect: DuckDbDialect,
    open: RefCell<Opened>,
    /// Where it spills; removed with it.
    scratch: tempfile::TempDir,
}

/// What the engine may use.
#[derive(Debug, Clone, Copy)]
struct Resources {
    memory_mib: u32,
    threads: i64,
    spill_mib: Option<u32>,
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
        let spill_mib = embedded.spill_mib;
        let threads = embedded.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, |threads| threads.get() as i64),
            i64::from,
        );
        // Half as much again as the engine may count, and what the program itself needs for the rows.
        let growth = (u64::from(memory_mib) << 20) * 3 / 2 + (512 << 20);
        let limits = Limits { time: embedded.time_limit, growth };
        let resources = Resources { memory_mib, threads: threads.max(1), spill_mib };
        let file = database.as_deref();
        let first = connect(&library, file, scratch.path(), resources, &BTreeSet::new());
        let connection =
            first.map_err(|trouble| version::cannot_open(&shown, &version, &trouble.to_string()))?;
        Ok(Self {
            engine: Engine { name: "duckdb".to_owned(), version },
            open: RefCell::new(Opened { connection, readable: BTreeSet::new() }),
            library,
            root,
            database,
            limits,
            resources,
            dialect: DuckDbDialect,
            scratch,
        })
    }

    fn rows(&self, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        if !is_one_statement(sql) {
            let message = "the query holds a comment or a second statement, and was not run".to_owned();
            return Err(WarehouseError::Refused { message, why: Why::NotAllowed });
        }
        if let Some(name) = forbidden_call(sql) {
            let message = format!("the query calls `{name}`, which is never allowed, and was not run");
            return Err(WarehouseError::Refused { message, why: Why::NotAllowed });
        }
        self.open.borrow().connection.rows(sql, self.limits).map_err(refused)
    }

    /// Returns the names and the types of a relation's columns, in the engine's words.
    fn described(&self, relation: &Sql) -> Result<Vec<(String, String)>, WarehouseError> {
        let sql = Sql::fill("DESCRIBE SELECT * FROM {relation}", &[("relation", relation)]);
        let text = |row: &Row, column| row.text(column).map(str::to_owned);
        let column = |row: &Row| Some((text(row, "column_name")?, text(row, "column_type")?));
        Ok(self.rows(sql.as_str())?.iter().filter_map(column).collect())
    }

    /// Returns the relation of NDJSON files, of which some columns are read as text. So are those that look like UUIDs, which the
    /// engine would write in lower case.
    fn objects(&self, plain: &Sql, paths: &[String], text: &[&str]) -> Result<Sql, WarehouseError> {
        let mut columns = self.described(plain)?;
        for (name, kind) in &mut columns {
            if kind == "UUID" || text.contains(&name.as_str()) {
                *kind = "VARCHAR".to_owned();
            }
        }
        Ok(self.dialect.objects(paths, &columns))
    }

    /// Finds the files of a pattern, and lets the engine read them.
    fn readable(&self, pattern: &str) -> Result<DataFiles, WarehouseError> {
        let files = DataFiles::find(&self.root, pattern)?;
        let mut open = self.open.borrow_mut();
        if !files.paths.iter().all(|path| open.readable.contains(path)) {
            let readable: BTreeSet<_> = open.readable.iter().chain(&files.paths).cloned().collect();
            let (file, scratch) = (self.database.as_deref(), self.scratch.path());
            let connection =
                connect(&self.library, file, scratch, self.resources, &readable).map_err(refused)?;
            *open = Opened { connection, readable };
        }
        Ok(files)
    }
}

fn connect(
    library: &driver::Loaded,
    database: Option<&Path>,
    scratch: &Path,
    resources: Resources,
    readable: &BTreeSet<PathBuf>,
) -> Result<Connection, Trouble> {
    let settings = settings(scratch, resources, readable).map_err(Trouble::of)?;
    let connection = connection::open(library, database, Access::Read)?;
    connection::in_utc(&connection)?;
    connection.run(settings.as_str())?;
    Ok(connection)
}

/// Returns the statements that close every door, the last of which locks them.
fn settings(scratch: &Path, resources: Resources, readable: &BTreeSet<PathBuf>) -> Result<Sql, String> {
    let mib = |mib: u32| DuckDbDialect.text(&format!("{mib}MiB"));
    let spill = resources.spill_mib.map_or_else(
        || Sql::code(""),
        |most| Sql::fill("SET max_temp_directory_size = {most}; ", &[("most", &mib(most))]),
    );
    let text = |path: &Path| {
        let path = path.to_str().ok_or_else(|| format!("`{}` is not Unicode", path.display()))?;
        Ok::<_, String>(DuckDbDialect.text(path))
    };
    let readable = readable.iter().map(|path| text(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Sql::fill(
        "SET memory_limit = {memory}; SET threads = {threads}; SET temp_directory = {scratch}; {spill}\
         SET allowed_paths = [{readable}]; \
         SET enable_external_access = false; SET lock_configuration = true",
        &[
            ("memory", &mib(resources.memory_mib)),
            ("threads", &Sql::integer(resources.threads)),
            ("spill", &spill),
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
        let columns = self.described(relation)?.into_iter();
        Ok(columns.map(|(name, kind)| Column { kind: column_type(&kind), name }).collect())
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        let files = self.readable(pattern)?;
        let paths = files.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
        let relation = |text: &[&str]| {
            self.dialect.files(files.format, &paths, text).ok_or(WarehouseError::NoFiles { engine: "DuckDB" })
        };
        let plain = relation(&[])?;
        if files.format == FileFormat::Ndjson {
            return self.objects(&plain, &paths, text);
        }
        // A column that a file lacks cannot be given a type; the query names it as missing.
        let known = self.columns(&plain)?;
        let text: Vec<&str> =
            text.iter().copied().filter(|name| known.iter().any(|column| column.name == *name)).collect();
        relation(&text)
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
        Trouble::Type(_) => WarehouseError::Refused { message: trouble.to_string(), why: Why::Unknown },
        Trouble::Engine { message, .. } => {
            let message = first_lines(&message);
            WarehouseError::Refused { why: why(&message), message }
        }
    }
}

/// Returns the kind of an error, by which DuckDB's messages begin: it has no codes.
fn why(message: &str) -> Why {
    match message.split(':').next().unwrap_or_default() {
        "Catalog Error" => Why::NoSuchName,
        "Binder Error" => Why::WrongColumn,
        "Parser Error" => Why::Syntax,
        "Conversion Error" => Why::Conversion,
        "Invalid Input Error" => Why::Data,
        "IO Error" => Why::File,
        "Permission Error" => Why::Permission,
        "Out of Memory Error" => Why::Memory,
        _ => Why::Unknown,
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

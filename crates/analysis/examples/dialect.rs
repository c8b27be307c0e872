//! Analyses a book in the SQL of an engine that this machine cannot run: for `tests/engines/run`, which answers it.
//!
//! ```sh
//! dialect ENGINE BOOK AS_OF EXPERIMENT… -- PROGRAM [ARGUMENT…]
//! ```
//!
//! `PROGRAM` reads a request on each line, `{"columns": SQL}` or `{"rows": SQL}`, and writes an answer on each:
//! `{"columns": [[NAME, KIND]…]}`, `{"names": […], "rows": [[…]…]}` or `{"error": MESSAGE}`. The outcomes are printed as
//! JSON.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};
use trialbook_analysis::warehouse::{
    Column, ColumnType, Definition, Dialect, Engine, Row, SERVERS, Sql, Value, Warehouse, WarehouseError, Why,
};
use trialbook_analysis::{Request, analyse};
use trialbook_language::load;
use trialbook_model::ExperimentKey;

type Failure = Box<dyn std::error::Error>;

/// An engine behind a pipe.
struct Piped {
    definition: &'static Definition,
    pipe: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

fn refused(message: impl Into<String>) -> WarehouseError {
    WarehouseError::Refused { message: message.into(), why: Why::Unknown }
}

impl Piped {
    fn start(definition: &'static Definition, command: &[String]) -> Result<(Self, Child), Failure> {
        let (program, arguments) = command.split_first().ok_or("no program answers")?;
        let mut child =
            Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the program has no pipes".into());
        };
        Ok((Self { definition, pipe: RefCell::new((to, BufReader::new(from))) }, child))
    }

    fn ask(&self, what: &str, query: &Sql) -> Result<Json, WarehouseError> {
        // As a server gets it.
        let sql = self.definition.wrapped(query, Duration::from_secs(600));
        let mut pipe = self.pipe.borrow_mut();
        let mut answer = String::new();
        let asked = writeln!(pipe.0, "{}", json!({ what: sql.as_str() }))
            .and_then(|()| pipe.0.flush())
            .and_then(|()| pipe.1.read_line(&mut answer));
        asked.map_err(|error| refused(error.to_string()))?;
        let answer: Json = serde_json::from_str(&answer).map_err(|error| refused(error.to_string()))?;
        match answer.get("error").and_then(Json::as_str) {
            Some(message) => Err(refused(message)),
            None => Ok(answer),
        }
    }
}

impl Warehouse for Piped {
    fn dialect(&self) -> &dyn Dialect {
        self.definition.dialect()
    }

    fn engine(&self) -> Engine {
        Engine { name: self.definition.server.as_str().to_owned(), version: String::new() }
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        let query = Sql::fill("SELECT * FROM {relation} AS source_rows LIMIT 0", &[("relation", relation)]);
        let answer = self.ask("columns", &query)?;
        let column = |pair: &Json| {
            let kind = match pair.get(1)?.as_str()? {
                "text" => ColumnType::Text,
                "integer" => ColumnType::Integer,
                "fraction" => ColumnType::Fraction,
                "boolean" => ColumnType::Boolean,
                "timestamp" => ColumnType::Timestamp,
                "instant" => ColumnType::Instant,
                "date" => ColumnType::Date,
                other => ColumnType::Other(other.to_owned()),
            };
            Some(Column { name: pair.get(0)?.as_str()?.to_owned(), kind })
        };
        let columns = answer.get("columns").and_then(Json::as_array);
        columns.and_then(|columns| columns.iter().map(column).collect()).ok_or_else(|| refused("no columns"))
    }

    fn files(&self, _: &str, _: &[&str]) -> Result<Sql, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: self.definition.title })
    }

    fn paths(&self, _: &str) -> Result<Vec<String>, WarehouseError> {
        Err(WarehouseError::NoFiles { engine: self.definition.title })
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        let answer = self.ask("rows", sql)?;
        let value = |value: &Json| match value {
            Json::Bool(value) => Value::Boolean(*value),
            Json::Number(number) => number
                .as_i64()
                .map(Value::Integer)
                .or_else(|| number.as_f64().map(Value::Float))
                .unwrap_or(Value::Null),
            Json::String(text) => Value::Text(text.clone()),
            Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
        };
        let list = |name: &str| answer.get(name).and_then(Json::as_array).ok_or_else(|| refused("no rows"));
        let names: Vec<String> =
            list("names")?.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
        let names = std::sync::Arc::from(names);
        let row = |row: &Json| {
            let values = row.as_array().map(|row| row.iter().map(value).collect()).unwrap_or_default();
            Row::new(std::sync::Arc::clone(&names), values)
        };
        Ok(list("rows")?.iter().map(row).collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "its output is JSON for a script")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let split = arguments.iter().position(|argument| argument == "--").ok_or("no `--` before the program")?;
    let (ours, command) = arguments.split_at(split);
    let [engine, folder, as_of, experiments @ ..] = ours else {
        return Err("usage: dialect ENGINE BOOK AS_OF EXPERIMENT… -- PROGRAM [ARGUMENT…]".into());
    };
    let definition = SERVERS
        .iter()
        .copied()
        .find(|definition| definition.server.as_str() == engine)
        .ok_or_else(|| format!("there is no engine `{engine}`"))?;
    let loaded = load::load(load::read_folder(Path::new(folder))?);
    let messages: Vec<_> = loaded.findings.iter().map(|finding| finding.message.clone()).collect();
    let book = loaded.book.as_ref().ok_or_else(|| messages.join("\n"))?;
    let request = Request {
        experiments: experiments
            .iter()
            .map(|key| ExperimentKey::new(key.as_str()))
            .collect::<Result<_, _>>()?,
        as_of: as_of.parse()?,
        commit: None,
        files: BTreeMap::new(),
        preregistrations: BTreeMap::new(),
        changes: BTreeMap::new(),
    };
    let (warehouse, mut child) = Piped::start(definition, command.get(1..).unwrap_or_default())?;
    let outcomes = analyse(book, &warehouse, &request, &mut |_| ())?;
    drop(warehouse);
    child.wait()?;
    std::io::stdout().write_all(serde_json::to_string(&outcomes)?.as_bytes())?;
    Ok(())
}

//! Warehouses around another one: one measures what each query costs, one only looks at the queries.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::{Column, ColumnType, Dialect, Engine, Row, Sql, Value, Warehouse, WarehouseError};

/// What a query cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The query.
    pub sql: String,
    /// The rows that came back; `None` where it was refused or stopped.
    pub rows: Option<u64>,
    /// How long the answer took.
    pub took: Duration,
}

type Answer = Result<Vec<Row>, WarehouseError>;

/// A warehouse around another one that keeps a note of each query.
pub struct Watched<'a, Note> {
    warehouse: &'a dyn Warehouse,
    notes: RefCell<Vec<Note>>,
    ask: fn(&dyn Warehouse, &Sql) -> (Note, Answer),
}

impl<'a> Watched<'a, Cost> {
    /// Measures what each query costs from here on.
    pub fn metered(warehouse: &'a dyn Warehouse) -> Self {
        Self { warehouse, notes: RefCell::default(), ask: measure }
    }
}

impl<'a> Watched<'a, String> {
    /// Reads no row from here on and keeps the queries: it asks the engine for the columns of each query's result and answers
    /// with one row that has nothing in it, so that what is asked next is asked too.
    pub fn described(warehouse: &'a dyn Warehouse) -> Self {
        Self { warehouse, notes: RefCell::default(), ask: describe }
    }
}

impl<Note> Watched<'_, Note> {
    /// Returns a note for each query, in their order.
    pub fn into_notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }
}

fn measure(warehouse: &dyn Warehouse, sql: &Sql) -> (Cost, Answer) {
    let started = Instant::now();
    let answer = warehouse.select(sql);
    let rows = answer.as_ref().ok().map(|rows| rows.len() as u64);
    (Cost { sql: sql.to_string(), rows, took: started.elapsed() }, answer)
}

fn describe(warehouse: &dyn Warehouse, sql: &Sql) -> (String, Answer) {
    let nothing = |column: &Column| match column.kind {
        ColumnType::Integer => Value::Integer(0),
        ColumnType::Boolean => Value::Boolean(false),
        _ => Value::Null,
    };
    let columns = warehouse.columns(&Sql::fill("({sql})", &[("sql", sql)]));
    let answer = columns.map(|columns| {
        let values = columns.iter().map(nothing).collect();
        let names = columns.into_iter().map(|column| column.name).collect();
        vec![Row::new(names, values)]
    });
    (sql.to_string(), answer)
}

impl<Note> Warehouse for Watched<'_, Note> {
    fn dialect(&self) -> &dyn Dialect {
        self.warehouse.dialect()
    }

    fn engine(&self) -> Engine {
        self.warehouse.engine()
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        self.warehouse.columns(relation)
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        self.warehouse.files(pattern, text)
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        self.warehouse.paths(pattern)
    }

    fn select(&self, sql: &Sql) -> Answer {
        let (note, answer) = (self.ask)(self.warehouse, sql);
        self.notes.borrow_mut().push(note);
        answer
    }
}

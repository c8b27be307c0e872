//! The engine's message when it refused a query: for the terminal of the person who ran it, and for nothing else.

use std::cell::RefCell;

use trialbook_analysis::warehouse::{Column, Dialect, Engine, Row, Sql, Warehouse, WarehouseError};

/// A warehouse whose refusals are kept. An outcome holds none of the engine's words, because they can quote data.
pub struct Refusals {
    warehouse: Box<dyn Warehouse>,
    messages: RefCell<Vec<String>>,
}

impl Refusals {
    /// Keeps what a warehouse refuses.
    pub fn of(warehouse: Box<dyn Warehouse>) -> Self {
        Self { warehouse, messages: RefCell::default() }
    }

    /// Returns the different messages, in the order in which they came.
    pub fn messages(&self) -> Vec<String> {
        self.messages.borrow().clone()
    }

    fn kept<T>(&self, answer: Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        if let Err(error) = &answer {
            let message = error.to_string();
            let mut messages = self.messages.borrow_mut();
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        answer
    }
}

impl Warehouse for Refusals {
    fn dialect(&self) -> &dyn Dialect {
        self.warehouse.dialect()
    }

    fn engine(&self) -> Engine {
        self.warehouse.engine()
    }

    fn columns(&self, relation: &Sql) -> Result<Vec<Column>, WarehouseError> {
        self.kept(self.warehouse.columns(relation))
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        self.kept(self.warehouse.files(pattern, text))
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        self.kept(self.warehouse.paths(pattern))
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        self.kept(self.warehouse.select(sql))
    }
}

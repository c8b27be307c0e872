//! What the engine said when it refused a query: for the terminal of the person who ran it, and for nothing else.

use std::cell::RefCell;

use trialbook_analysis::warehouse::{Column, Dialect, Engine, Row, Sql, Warehouse, WarehouseError};

use super::Session;

/// The most messages that are shown.
const SHOWN: usize = 20;

/// A warehouse whose refusals are kept. An outcome holds none of the engine's words, because they can quote data.
pub(super) struct Refusals {
    warehouse: Box<dyn Warehouse>,
    heard: RefCell<Vec<String>>,
}

impl Refusals {
    pub(super) fn of(warehouse: Box<dyn Warehouse>) -> Self {
        Self { warehouse, heard: RefCell::default() }
    }

    /// Prints the different refusals on stderr.
    pub(super) fn say(&self, session: &Session) {
        let heard = self.heard.borrow();
        for message in heard.iter().take(SHOWN) {
            session.say(format_args!("the warehouse refused a query: {message}"));
        }
        if heard.len() > SHOWN {
            session.say(format_args!("and {} more refusals", heard.len() - SHOWN));
        }
    }

    fn hear<T>(&self, answer: Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        if let Err(error) = &answer {
            let message = error.to_string();
            let mut heard = self.heard.borrow_mut();
            if !heard.contains(&message) {
                heard.push(message);
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
        self.hear(self.warehouse.columns(relation))
    }

    fn files(&self, pattern: &str, text: &[&str]) -> Result<Sql, WarehouseError> {
        self.hear(self.warehouse.files(pattern, text))
    }

    fn paths(&self, pattern: &str) -> Result<Vec<String>, WarehouseError> {
        self.hear(self.warehouse.paths(pattern))
    }

    fn select(&self, sql: &Sql) -> Result<Vec<Row>, WarehouseError> {
        self.hear(self.warehouse.select(sql))
    }
}

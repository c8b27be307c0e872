//! The address of a server, and how it is asked.

use std::time::Duration;

use trialbook_model::ServerEngine;

use super::postgres::Postgres;
use super::remote::Remote;
use super::{Warehouse, WarehouseError};

/// What a server is asked with.
#[derive(Clone)]
pub struct Server {
    /// The address, perhaps with a password. It is shown nowhere.
    pub uri: String,
    /// The environment variable that holds it, for messages.
    pub variable: String,
    /// How long one query may take.
    pub time_limit: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl Server {
    /// Connects to PostgreSQL, to read.
    ///
    /// # Errors
    ///
    /// A driver that is not there or cannot be loaded, an address that is none or cannot be reached, a role that may
    /// change everything.
    pub fn open_postgres(&self) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(Postgres::open(self)?))
    }

    /// Connects to another engine, to read.
    ///
    /// # Errors
    ///
    /// A driver that is not there or cannot be loaded, an address that is none or cannot be reached.
    pub fn open(&self, engine: ServerEngine) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(Remote::open(engine, self)?))
    }
}

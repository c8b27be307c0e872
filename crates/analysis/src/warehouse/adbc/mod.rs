//! What every engine behind ADBC has in common: a connection, rows out of Arrow, and limits on a query.

mod connection;
mod interrupt;
mod retry;
mod rows;
mod watch;

pub(super) use connection::{Connection, Trouble};
pub(super) use interrupt::{ending, ends_queries};
pub(super) use retry::patiently;
pub(super) use watch::Limits;
pub use watch::{Stopped, set_last_resort};

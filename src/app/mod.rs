//! What the commands do, as functions from values to values.
//! The command line, the language server and the flows on GitHub call these. Nothing here parses arguments, prints or
//! asks: the current time is an argument, and messages for the user are part of the result. Files, git, targets and
//! warehouses are accessed through the crates that own them.

pub mod allocate;
pub mod analyze;
pub mod apply;
pub mod begin;
pub mod check_data;
pub mod change;
pub mod clean;
pub mod comment;
pub mod conclude;
pub mod decide;
pub mod demo;
pub mod drift;
pub mod driver;
mod error;
pub mod evaluate;
pub mod fit;
pub mod forge;
pub mod import;
pub mod init;
mod launches;
pub mod lint;
pub mod log;
pub mod outcomes;
mod past;
pub mod plan;
pub mod post;
pub mod power;
pub mod propose;
pub mod pull_request;
pub mod resume;
pub mod site;
pub mod status;
pub mod stop;
pub mod style;
pub mod upgrade;
pub mod why;

pub use error::{AppError, NotNamed};
use launches::references;
pub use launches::{NotRecorded, RecordError, Recorded, record};

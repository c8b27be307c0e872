//! Edits of a book's files: applying fixes, one style for all files, and files to begin with.
//!
//! Everything here is text in, text out. What it returns says the same as what it was given, and that is
//! checked by reading both: [`same()`] compares what two files say, whatever they look like.

mod difference;
pub mod fix;
pub mod format;
mod order;
mod same;
pub mod start;

pub use difference::{creation, difference};
pub use same::same;

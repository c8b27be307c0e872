//! Edits of a book's files: applying fixes, one style for all files, and files to begin with.
//!
//! Everything here is text in, text out. What it returns means the same as what it was given, and that is
//! checked by reading both: [`same()`] compares what two files mean, whatever they look like.

mod difference;
mod entry;
pub mod fix;
pub mod format;
mod order;
mod release;
mod patch;
mod same;
mod slots;
pub mod start;
pub mod value;

pub use difference::{creation, difference};
pub use entry::{remove_entry, set_scalar};
pub use patch::{Replacement, patch};
pub use release::{Release, ReleasePlace, release};
pub use same::same;
pub use slots::{WriteSlotsError, write_slots};

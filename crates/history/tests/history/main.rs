//! What git knows of a book.

mod digests;
mod hidden;
#[path = "../../../../tests/program/example_book.rs"]
mod example_book;
mod launches;
mod merge;

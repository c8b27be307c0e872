//! The language server: what an editor shows while somebody writes a book, over the Language Server Protocol (3.17).
//!
//! There is one file per request. A request is a function of the `Books` and the `Client`; only
//! `server` handles the protocol. Files that are open in the editor replace those on disk, and the server writes
//! nothing but answers.

mod actions;
mod books;
mod buffers;
mod card;
mod client;
mod completion;
mod definition;
mod diagnostics;
mod edits;
mod formatting;
mod frame;
mod hover;
mod inbox;
mod launched;
mod names;
mod position;
mod references;
mod rename;
mod server;
mod symbols;
mod syntax;
mod uri;

pub use server::{Ending, serve};

//! The language server: what an editor shows of a book while it is written, over the protocol of the same name (3.17).
//!
//! One file per request. A request is a function of the `Books` and the `Client`; the
//! `server` alone speaks the protocol. What is open in the editor is laid over what is on disk, and nothing is ever
//! written but answers.

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

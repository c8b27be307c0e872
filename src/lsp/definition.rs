//! `textDocument/definition`: where something is declared.

use serde_json::Value;

use super::client::Client;
use super::names;
use super::references::location;
use super::server::Spot;
use super::syntax::uses::use_at;

/// Returns where what has its name at the cursor is declared: a file's start, or the key that declares it.
pub fn definition(spot: &Spot<'_>, client: &Client) -> Option<Value> {
    let document = spot.book.document(&spot.path)?;
    let found = use_at(document, spot.offset)?;
    let (document, span) = names::declaration(spot.book, &found.symbol)?;
    Some(location(spot, client, document, span))
}

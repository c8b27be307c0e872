//! `textDocument/references` and `textDocument/documentHighlight`: where something is used.

use serde_json::{Value, json};

use super::client::Client;
use super::names;
use super::position::Lines;
use super::server::Spot;
use super::syntax::uses::{Symbol, Use, unquoted, use_at, uses};
use trialbook_language::load::Document;
use trialbook_language::load::language::Name;
use trialbook_model::span::Span;

/// Returns what has its name at a place: the name there, or else, where nothing else stands, the file itself.
pub fn symbol_at(spot: &Spot<'_>) -> Option<(Symbol, Option<Use>)> {
    let document = spot.book.document(&spot.path)?;
    if let Some(found) = use_at(document, spot.offset) {
        return Some((found.symbol.clone(), Some(found)));
    }
    Some((Symbol::of_file(document.kind(), document.key()), None))
}

/// Returns the places where what has its name at the cursor is used.
///
/// Where no name stands at the cursor, the file is meant: who uses this flag?
pub fn references(spot: &Spot<'_>, client: &Client, declaration: bool) -> Vec<Value> {
    let Some((symbol, _)) = symbol_at(spot) else { return Vec::new() };
    let mut places: Vec<Value> = names::uses_of(spot.book, &symbol)
        .into_iter()
        .filter(|(_, found)| declaration || !found.declares)
        .map(|(document, found)| location(spot, client, document, found.span))
        .collect();
    if let (true, Name::File(_), Some((document, span))) =
        (declaration, symbol.name, names::declaration(spot.book, &symbol))
    {
        places.insert(0, location(spot, client, document, span));
    }
    places
}

/// Returns the places of the same file where what has its name at the cursor stands.
pub fn highlights(spot: &Spot<'_>, client: &Client) -> Vec<Value> {
    /// The protocol's numbers for a place that is read, and one that is written.
    const READ: u8 = 2;
    const WRITTEN: u8 = 3;
    let Some(document) = spot.book.document(&spot.path) else { return Vec::new() };
    let Some((symbol, Some(_))) = symbol_at(spot) else { return Vec::new() };
    let lines = Lines::new(document.file().text(), client.encoding);
    let mut places = Vec::new();
    uses(document, &mut |found| {
        if found.symbol == symbol {
            let range = lines.range(unquoted(document.file().text(), found.span));
            places.push(json!({ "range": range, "kind": if found.declares { WRITTEN } else { READ } }));
        }
    });
    places
}

/// Returns a place of a file as a location of the protocol.
pub fn location(spot: &Spot<'_>, client: &Client, document: &Document, span: Span) -> Value {
    let text = document.file().text();
    let range = Lines::new(text, client.encoding).range(unquoted(text, span));
    json!({ "uri": spot.book.uri(document.file().path()), "range": range })
}

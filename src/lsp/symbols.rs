//! `textDocument/documentSymbol` and `workspace/symbol`: what is in a file, and what is in the books.

use serde_json::{Value, json};

use super::books::{Books, Shelved};
use super::client::Client;
use super::position::Lines;
use super::syntax::outline::{Outline, OutlineContent, outline};
use super::syntax::uses::{declares_names, unquoted, uses};
use trialbook_model::Kind;
use trialbook_model::span::Span;

/// How many symbols one answer has.
const MOST: usize = 500;

/// How deep the outline of a file goes; an audience may go deeper than anybody reads.
const DEPTH: usize = 4;

/// The protocol's numbers for kinds of symbols.
mod kind {
    pub const MODULE: u8 = 2;
    pub const CLASS: u8 = 5;
    pub const PROPERTY: u8 = 7;
    pub const FIELD: u8 = 8;
    pub const ENUM_MEMBER: u8 = 22;
    pub const ARRAY: u8 = 18;
    pub const OBJECT: u8 = 19;
    pub const KEY: u8 = 20;
}

/// Returns the outline of a file: nested where the client can show that, else its first level.
pub fn of_document(book: &Shelved, path: &str, client: &Client) -> Option<Vec<Value>> {
    let document = book.document(path)?;
    let lines = Lines::new(document.file().text(), client.encoding);
    let outline = outline(document);
    if client.nested_symbols {
        return Some(outline.iter().map(|part| nested(part, &lines, DEPTH)).collect());
    }
    let uri = book.uri(path);
    let flat = |part: &Outline<'_>| {
        let location = json!({ "uri": uri, "range": lines.range(part.span) });
        json!({ "name": name(part), "kind": kind_of(part), "location": location })
    };
    Some(outline.iter().map(flat).collect())
}

fn nested(part: &Outline<'_>, lines: &Lines<'_>, depth: usize) -> Value {
    let parts: Vec<_> = match depth {
        0 => Vec::new(),
        _ => part.parts.iter().map(|part| nested(part, lines, depth - 1)).collect(),
    };
    json!({
        "name": name(part),
        "detail": part.detail,
        "kind": kind_of(part),
        "range": lines.range(part.span),
        "selectionRange": lines.range(part.name_span),
        "children": parts,
    })
}

/// The protocol wants a name that is not blank.
fn name<'a>(part: &Outline<'a>) -> &'a str {
    if part.name.trim().is_empty() { "\"\"" } else { part.name }
}

fn kind_of(part: &Outline<'_>) -> u8 {
    match part.content {
        OutlineContent::Scalar => kind::PROPERTY,
        OutlineContent::List => kind::ARRAY,
        OutlineContent::Mapping => kind::OBJECT,
    }
}

/// Returns what has a name that holds the letters of the query in their order: files, variants, attributes, measures
/// and whatever else a book declares.
pub fn of_workspace(books: &Books, query: &str, client: &Client) -> Vec<Value> {
    let query: Vec<char> = query.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let matches = |name: &str| {
        let mut letters = name.chars().flat_map(char::to_lowercase);
        query.iter().all(|wanted| letters.any(|letter| letter == *wanted))
    };
    let mut found = Vec::new();
    for book in books.iter() {
        for document in book.workspace.documents().iter() {
            let text = document.file().text();
            let mut add = |name: &str, kind: u8, container: String, span: Span| {
                let range = Lines::new(text, client.encoding).range(unquoted(text, span));
                let location = json!({ "uri": book.uri(document.file().path()), "range": range });
                found.push(
                    json!({ "name": name, "kind": kind, "containerName": container, "location": location }),
                );
            };
            let kind = document.kind();
            if kind != Kind::Book && matches(document.key()) {
                add(document.key(), kind_of_file(kind), kind.to_string(), Span::default());
            }
            if declares_names(kind) {
                uses(document, &mut |one| {
                    if one.declares && matches(&one.symbol.text) {
                        let container = format!("{} of {kind} {}", one.symbol.name.as_str(), document.key());
                        add(&one.symbol.text, kind::ENUM_MEMBER, container, one.span);
                    }
                });
            }
            if found.len() >= MOST {
                found.truncate(MOST);
                return found;
            }
        }
    }
    found
}

fn kind_of_file(kind: Kind) -> u8 {
    match kind {
        Kind::Experiment | Kind::Rollout | Kind::Holdout => kind::CLASS,
        Kind::Flag => kind::KEY,
        Kind::Metric => kind::FIELD,
        Kind::Book | Kind::Layer | Kind::Segment | Kind::Source => kind::MODULE,
    }
}

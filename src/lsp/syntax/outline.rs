//! The entries of a file, and what is in them.

use trialbook_language::load::Document;
use trialbook_language::load::yaml::{Content, Node};
use trialbook_model::span::Span;

use super::values::scalar;

/// An entry or an item of a file, for an outline.
#[derive(Debug)]
pub struct Outline<'a> {
    /// Its key; of an item, what describes it best.
    pub name: &'a str,
    /// Its value, where that is a scalar.
    pub detail: &'a str,
    /// What the value is.
    pub content: OutlineContent,
    /// Where the key and the value stand.
    pub span: Span,
    /// Where the name stands.
    pub name_span: Span,
    /// What is in it.
    pub parts: Vec<Outline<'a>>,
}

/// What the value of an entry of an outline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutlineContent {
    /// A scalar.
    Scalar,
    /// A list.
    List,
    /// A mapping.
    Mapping,
}

/// Returns the entries of a file, and what is in them.
pub fn outline(document: &Document) -> Vec<Outline<'_>> {
    document.root().map_or_else(Vec::new, parts)
}

/// The tree is at most [`MAX_DEPTH`](trialbook_language::load::MAX_DEPTH) deep.
fn parts(node: &Node) -> Vec<Outline<'_>> {
    match &node.content {
        Content::Scalar(_) => Vec::new(),
        Content::Mapping(entries) => entries
            .iter()
            .map(|entry| {
                let span = Span::new(entry.key_span.start, entry.value.span.end.max(entry.key_span.end));
                part(&entry.key, entry.key_span, span, &entry.value)
            })
            .collect(),
        Content::Sequence(items) => items
            .iter()
            .map(|item| {
                // The first value of an item is what it is about, by the order in which people write.
                let first = item.entries().iter().find_map(|entry| scalar(&entry.value));
                let name = scalar(item).or(first).unwrap_or("item");
                part(name, item.span, item.span, item)
            })
            .collect(),
    }
}

fn part<'a>(name: &'a str, name_span: Span, span: Span, value: &'a Node) -> Outline<'a> {
    let content = match value.content {
        Content::Scalar(_) => OutlineContent::Scalar,
        Content::Sequence(_) => OutlineContent::List,
        Content::Mapping(_) => OutlineContent::Mapping,
    };
    let detail = scalar(value).filter(|_| name_span != span).unwrap_or_default();
    Outline { name, detail, content, span, name_span, parts: parts(value) }
}

//! What stands in a file where a JSON pointer (RFC 6901) leads to.

use trialbook_language::load::Document;
use trialbook_language::load::yaml::{Content, Node};

/// Returns the text of a scalar that a pointer leads to.
pub fn text_at<'a>(document: &'a Document, pointer: &str) -> Option<&'a str> {
    scalar(node_at(document, pointer)?)
}

/// Returns what stands in the file where a pointer leads to.
pub fn source_at<'a>(document: &'a Document, pointer: &str) -> Option<&'a str> {
    Some(document.file().slice(node_at(document, pointer)?.span))
}

/// Returns the keys of a mapping or the scalars of a list that a pointer leads to; none where there is neither.
pub fn names_at<'a>(document: &'a Document, pointer: &str) -> Vec<&'a str> {
    match node_at(document, pointer).map(|node| &node.content) {
        Some(Content::Mapping(entries)) => entries.iter().map(|entry| &*entry.key).collect(),
        Some(Content::Sequence(items)) => items.iter().filter_map(scalar).collect(),
        Some(Content::Scalar(_)) | None => Vec::new(),
    }
}

fn node_at<'a>(document: &'a Document, pointer: &str) -> Option<&'a Node> {
    let mut node = document.root()?;
    for token in pointer.split('/').skip(1) {
        node = &node.entry(token)?.value;
    }
    Some(node)
}

/// Returns the text of a scalar.
pub(super) fn scalar(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Scalar(scalar) => Some(&scalar.text),
        Content::Sequence(_) | Content::Mapping(_) => None,
    }
}

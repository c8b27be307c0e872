//! What of the language stands at a byte offset of a file.

use super::documents::Document;
use super::language::{Key, Shape, Word};
use super::scope::{At, Scope};
use super::yaml::{Content, Node};
use trialbook_model::span::Span;

/// A piece of the language.
#[derive(Debug, Clone, Copy)]
pub enum Spoken {
    /// A key that the language has.
    Key(&'static Key),
    /// A word that the language has, as a value.
    Word(Word),
}

/// An entry or an item of a file, for an outline.
#[derive(Debug)]
pub struct Outline<'a> {
    /// Its key; of an item, what says most about it.
    pub name: &'a str,
    /// What its value says, where that is a scalar.
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

impl Document {
    /// Returns the key or the word of the language at a byte offset, its end included, and where it stands.
    pub fn spoken_at(&self, offset: usize) -> Option<(Spoken, Span)> {
        let root = self.root.as_ref()?;
        let scope = Scope::of_file(self.kind, &self.key);
        let mut at = At::new(root, super::syntax::shape(self.kind), scope, false);
        let holds = |span: Span| span.start <= offset && offset <= span.end;
        loop {
            match (&at.node.content, &at.shape) {
                (Content::Mapping(entries), Shape::Mapping(mapping)) => {
                    if let Some(entry) = entries.iter().find(|entry| holds(entry.key_span)) {
                        return mapping.key(&entry.key).map(|key| (Spoken::Key(key), entry.key_span));
                    }
                    let entry = entries.iter().find(|entry| holds(entry.value.span))?;
                    at = at.entry(entry)?;
                }
                (Content::Sequence(items), Shape::List(_)) => {
                    at = at.item(items.iter().find(|item| holds(item.span))?)?;
                }
                (Content::Scalar(scalar), Shape::Words(words)) => {
                    let word = words.iter().find(|word| word.word == &*scalar.text)?;
                    return holds(at.node.span).then_some((Spoken::Word(*word), at.node.span));
                }
                _ => return None,
            }
        }
    }

    /// Returns the entries of the file, and what is in them.
    pub fn outline(&self) -> Vec<Outline<'_>> {
        self.root.as_ref().map_or_else(Vec::new, parts)
    }

    /// Returns the text of a scalar that a JSON pointer (RFC 6901) leads to.
    pub fn text_at(&self, pointer: &str) -> Option<&str> {
        scalar(self.node_at(pointer)?)
    }

    /// Returns what stands in the file where a JSON pointer (RFC 6901) leads to.
    pub fn source_at(&self, pointer: &str) -> Option<&str> {
        Some(self.file.slice(self.node_at(pointer)?.span))
    }

    /// Returns the keys of a mapping or the scalars of a list that a JSON pointer leads to; none where there is neither.
    pub fn names_at(&self, pointer: &str) -> Vec<&str> {
        match self.node_at(pointer).map(|node| &node.content) {
            Some(Content::Mapping(entries)) => entries.iter().map(|entry| &*entry.key).collect(),
            Some(Content::Sequence(items)) => items.iter().filter_map(scalar).collect(),
            Some(Content::Scalar(_)) | None => Vec::new(),
        }
    }

    fn node_at(&self, pointer: &str) -> Option<&Node> {
        let mut node = self.root.as_ref()?;
        for token in pointer.split('/').skip(1) {
            node = &node.entry(token)?.value;
        }
        Some(node)
    }

    /// Tells whether the file is YAML of the kind that a book has.
    pub fn is_parsed(&self) -> bool {
        self.root.is_some()
    }
}

/// The tree is at most [`super::yaml::MAX_DEPTH`] deep.
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

fn scalar(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Scalar(scalar) => Some(&scalar.text),
        Content::Sequence(_) | Content::Mapping(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::uses::document;

    fn spoken(path: &str, text: &str) -> Option<&'static str> {
        let offset = text.find('|').expect("a cursor");
        let document = document(path, &text.replace('|', ""));
        document.spoken_at(offset).map(|(spoken, _)| match spoken {
            Spoken::Key(key) => key.name,
            Spoken::Word(word) => word.word,
        })
    }

    #[test]
    fn a_key_and_a_word_are_known_where_they_stand() {
        assert_eq!(spoken("x.experiment.yaml", "sched|ule: {start: 2026-01-01}\n"), Some("schedule"));
        assert_eq!(spoken("x.experiment.yaml", "schedule: {sta|rt: 2026-01-01}\n"), Some("start"));
        assert_eq!(spoken("x.experiment.yaml", "decision: {outcome: sh|ip}\n"), Some("ship"));
        assert_eq!(spoken("x.experiment.yaml", "audience: {all: [{country: {i|n: [SE]}}]}\n"), Some("in"));
        assert_eq!(spoken("x.experiment.yaml", "audience: {all: [{coun|try: {in: [SE]}}]}\n"), None);
        assert_eq!(spoken("x.experiment.yaml", "variants: eq|ual\n"), Some("equal"));
        assert_eq!(spoken("x.experiment.yaml", "sched: 1|\n"), None);
    }
}

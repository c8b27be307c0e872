//! The tree that every later step reads: nodes with byte spans and the scalars' source text.

use trialbook_model::span::Span;

/// A node of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands, without surrounding space.
    pub span: Span,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text with its notation.
    Scalar(ScalarNode),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the order of the file; no key twice.
    Mapping(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A scalar before it has a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalarNode {
    /// The text after quotes and escapes are undone; for a plain scalar, as it stands in the file.
    pub text: Box<str>,
    /// Whether it stands without quotes, so that its text decides its type.
    pub plain: bool,
}

/// A comment with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// The text after `#`.
    pub text: Box<str>,
}

impl Node {
    /// Returns the entries of a mapping; none where it is something else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            Content::Scalar(_) | Content::Sequence(_) => &[],
        }
    }

    /// Returns the entry of a mapping that has this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// Tells whether two trees have the same content, wherever it stands.
    pub fn says_what(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Scalar(a), Content::Scalar(b)) => a == b,
            (Content::Sequence(a), Content::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_what(b))
            }
            (Content::Mapping(a), Content::Mapping(b)) => {
                let same = |(a, b): (&Entry, &Entry)| a.key == b.key && a.value.says_what(&b.value);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            _ => false,
        }
    }

    /// Tells whether a JSON pointer leads to a value.
    pub fn finds(&self, pointer: &str) -> bool {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match &node.content {
                Content::Mapping(_) => node.entry(&token).map(|entry| &entry.value),
                Content::Sequence(items) => token.parse().ok().and_then(|index: usize| items.get(index)),
                Content::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => return false,
            }
        }
        true
    }

    /// Follows a JSON pointer (RFC 6901) as far as it leads.
    ///
    /// Returns the node reached, and the entry that holds it where that is one of a mapping.
    pub fn follow<'a>(&'a self, pointer: &str) -> (&'a Node, Option<&'a Entry>) {
        let (mut node, mut holder) = (self, None);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            match &node.content {
                Content::Mapping(_) => match node.entry(&token) {
                    Some(entry) => (node, holder) = (&entry.value, Some(entry)),
                    None => break,
                },
                Content::Sequence(items) => match token.parse().ok().and_then(|i: usize| items.get(i)) {
                    Some(item) => (node, holder) = (item, None),
                    None => break,
                },
                Content::Scalar(_) => break,
            }
        }
        (node, holder)
    }
}

//! Which shape a node has, and what the names below it are relative to.

use trialbook_language::load::language::{List, Mapping, Name, Shape};
use trialbook_language::load::yaml::{Content, Entry, Node};
use trialbook_language::load::{Document, shape_of};
use trialbook_model::Kind;

/// What the names at a place are relative to: a variant is one of a flag, a measure one of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The flag whose variants are meant.
    pub flag: Option<&'a str>,
    /// The source whose measures are meant.
    pub source: Option<&'a str>,
    /// The attribute that is tested.
    pub attribute: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// Returns the scope of a whole file.
    fn of_file(kind: Kind, key: &'a str) -> Self {
        match kind {
            Kind::Flag => Self { flag: Some(key), ..Self::default() },
            Kind::Source => Self { source: Some(key), ..Self::default() },
            _ => Self::default(),
        }
    }

    /// Returns the scope within a mapping: one that names a flag or a source means it in everything that it holds.
    fn within(self, mapping: &Mapping, node: &'a Node) -> Self {
        let mut scope = self;
        for key in mapping.keys {
            let Shape::Name(Name::File(kind @ (Kind::Flag | Kind::Source)), _) = (key.shape)() else {
                continue;
            };
            if let Some(Content::Scalar(scalar)) = node.entry(key.name).map(|entry| &entry.value.content) {
                match kind {
                    Kind::Flag => scope.flag = Some(&scalar.text),
                    _ => scope.source = Some(&scalar.text),
                }
            }
        }
        scope
    }

    /// Returns what a name of this sort belongs to: empty for one of the whole book, `None` where it is unknown.
    pub fn owner(&self, name: Name) -> Option<&'a str> {
        match name {
            Name::Variant => self.flag,
            Name::Measure | Name::Dimension => self.source,
            _ => Some(""),
        }
    }
}

/// A node with its shape, on the way down a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub node: &'a Node,
    /// What it is to be; of several kinds, the one that it is.
    pub shape: Shape,
    /// What else it might be.
    pub whole: Shape,
    pub scope: Scope<'a>,
    /// Whether the keys that the author chooses are declarations.
    pub declares: bool,
}

impl<'a> At<'a> {
    /// Returns the top of a file; `None` where it cannot be read as YAML.
    pub fn root(document: &'a Document) -> Option<Self> {
        Some(Self::of_file(document.kind(), document.key(), document.root()?))
    }

    /// Returns the top of a file of a kind and key.
    pub fn of_file(kind: Kind, key: &'a str, root: &'a Node) -> Self {
        Self::new(root, shape_of(kind), Scope::of_file(kind, key), false)
    }

    fn new(node: &'a Node, shape: Shape, scope: Scope<'a>, declares: bool) -> Self {
        let whole = shape;
        let shape = chosen(shape, node);
        let scope = match &shape {
            Shape::Mapping(mapping) => scope.within(mapping, node),
            _ => scope,
        };
        Self { node, shape, whole, scope, declares }
    }

    /// Returns the value of an entry; `None` where the language has no such key here.
    pub fn entry(&self, entry: &'a Entry) -> Option<Self> {
        let Shape::Mapping(mapping) = &self.shape else { return None };
        if let Some(key) = mapping.key(&entry.key) {
            let declares = mapping.declares.contains(&key.name);
            return Some(Self::new(&entry.value, (key.shape)(), self.scope, declares));
        }
        let others = mapping.others?;
        let mut scope = self.scope;
        if let Shape::Name(Name::Attribute, _) = (others.names)() {
            scope.attribute = Some(&entry.key);
        }
        Some(Self::new(&entry.value, (others.shape)(), scope, false))
    }

    /// Returns an item of the list; `None` where there is to be no list.
    pub fn item(&self, item: &'a Node) -> Option<Self> {
        match self.shape {
            Shape::List(List { items, .. }) => Some(Self::new(item, items(), self.scope, false)),
            _ => None,
        }
    }

    /// Returns what a key is the name of, where the author chooses the keys.
    pub fn name_of(&self, entry: &Entry) -> Option<Name> {
        match &self.shape {
            Shape::Mapping(mapping) if mapping.key(&entry.key).is_none() => match (mapping.others?.names)() {
                Shape::Name(name, _) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Returns the kind that a node is, where its shape leaves several; the shape itself where it is none of them.
fn chosen(shape: Shape, node: &Node) -> Shape {
    let Shape::Either(parts) = shape else { return shape };
    let fits = |shape: &Shape| match (&node.content, shape) {
        (Content::Mapping(_), Shape::Mapping(_)) | (Content::Sequence(_), Shape::List(_)) => true,
        (Content::Scalar(scalar), Shape::Words(words)) => words.iter().any(|word| word.word == &*scalar.text),
        (Content::Scalar(_), Shape::Mapping(_) | Shape::List(_)) => false,
        (Content::Scalar(_), _) => parts.len() == 2,
        _ => false,
    };
    let shapes = || parts.iter().map(|part| part());
    // A word is recognised first, whatever else a text could be there.
    let word = shapes().find(|shape| matches!(shape, Shape::Words(_)) && fits(shape));
    word.or_else(|| shapes().find(|other| !matches!(other, Shape::Words(_)) && fits(other))).unwrap_or(shape)
}

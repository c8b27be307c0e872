//! What may stand at a place of a file. The JSON Schemas and everything that editors show are made of it.
//!
//! A shape describes one level; what stands below is asked for by the functions that it holds, so that an audience
//! can hold audiences. All of it is known when the program is compiled: making a shape costs nothing.

use trialbook_model::{AttributeType, Kind};

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Keys with values.
    Mapping(Mapping),
    /// A list of things of one shape.
    List(List),
    /// One of these words.
    Words(&'static [Word]),
    /// A name that is declared somewhere, or that is declared here.
    Name(Name, Grammar),
    /// Text with a grammar.
    Text(Grammar),
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number(Number),
    /// A value that an attribute is compared with; only numbers and versions where it is ordered.
    Literal {
        /// Whether it must have an order.
        ordered: bool,
    },
    /// The value of a variant: a boolean, text, a number or a mapping of any keys.
    VariantValue,
    /// A JSON Schema.
    JsonSchema,
    /// One of several, which no single value fits twice.
    Either(&'static [fn() -> Shape]),
}

/// A mapping.
#[derive(Debug, Clone, Copy)]
pub struct Mapping {
    /// What it is, with its article: "a flag".
    pub what: &'static str,
    /// What it means, as the lines of a doc comment.
    pub doc: &'static str,
    /// The keys that it may have.
    pub keys: &'static [Key],
    /// Keys of which it has exactly one; may be empty.
    pub one_of: &'static [&'static str],
    /// The keys in whose values names are declared by being a key there.
    pub declares: &'static [&'static str],
    /// The kinds that differ in their keys.
    pub branches: Option<Branches>,
    /// The keys that the author chooses.
    pub others: Option<Others>,
    /// Whether it must have a key.
    pub filled: bool,
    /// The name of the definition that a schema refers to it by, where it can hold itself.
    pub definition: Option<&'static str>,
}

impl Mapping {
    /// A mapping without keys, for those that have none of the rest.
    pub const NONE: Self = Self {
        what: "a mapping",
        doc: "",
        keys: &[],
        one_of: &[],
        declares: &[],
        branches: None,
        others: None,
        filled: false,
        definition: None,
    };

    /// Returns the key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The kinds of a thing that differ in their keys.
#[derive(Debug, Clone, Copy)]
pub struct Branches {
    /// The key that selects which kind it is.
    pub tag: &'static str,
    /// What each of them has.
    pub branches: &'static [Branch],
}

/// What some kinds need and take besides the keys that all of them have.
#[derive(Debug)]
pub struct Branch {
    /// The words of the kinds.
    pub kinds: &'static [&'static str],
    /// What they are, for messages.
    pub what: &'static str,
    /// The keys that they must have.
    pub needs: &'static [&'static str],
    /// The keys that they may have.
    pub takes: &'static [&'static str],
}

impl Branches {
    /// Returns the keys that belong to other kinds alone.
    pub fn others(&self, branch: &Branch) -> impl Iterator<Item = &'static str> {
        let mut names = Vec::new();
        for name in self.branches.iter().flat_map(|other| other.needs.iter().chain(other.takes)) {
            if !branch.needs.contains(name) && !branch.takes.contains(name) && !names.contains(name) {
                names.push(*name);
            }
        }
        names.into_iter()
    }
}

/// A key that a mapping may have.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, as the lines of a doc comment.
    pub doc: &'static str,
    /// What its value is.
    pub shape: fn() -> Shape,
    /// The value that it has where it is left out, as JSON.
    pub default: Option<&'static str>,
    /// For an operator: the types of attributes that have it. Empty: all.
    pub only_for: &'static [AttributeType],
}

/// The keys of a mapping that the author chooses.
#[derive(Debug, Clone, Copy)]
pub struct Others {
    /// What the keys are.
    pub names: fn() -> Shape,
    /// What their values are.
    pub shape: fn() -> Shape,
    /// What an entry means; may be empty.
    pub doc: &'static str,
}

/// A list.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// What its items are.
    pub items: fn() -> Shape,
    /// Whether it must have one.
    pub filled: bool,
}

/// A word with what it means.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// What it means, as the lines of a doc comment; may be empty.
    pub doc: &'static str,
}

/// What a text looks like.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// What it is, for "expected …".
    pub expected: &'static str,
    /// A regular expression (ECMA 262) that every text of it matches; empty where any text does.
    pub pattern: &'static str,
    /// Texts of it.
    pub examples: &'static [&'static str],
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Any finite one.
    Finite,
    /// Above zero.
    Positive,
    /// Whole, and not negative.
    Whole,
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A file of this kind: its stem.
    File(Kind),
    /// A variant of a flag.
    Variant,
    /// An attribute of the evaluation context.
    Attribute,
    /// A unit of randomisation.
    Entity,
    /// A part of the product.
    Surface,
    /// A flag back end.
    Target,
    /// A measure of a source.
    Measure,
    /// A dimension of a source.
    Dimension,
    /// A column of a table.
    Column,
    /// A salt of a draw.
    Salt,
}

impl Name {
    /// Returns the word that people use for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File(kind) => kind.as_str(),
            Self::Variant => "variant",
            Self::Attribute => "attribute",
            Self::Entity => "entity",
            Self::Surface => "surface",
            Self::Target => "target",
            Self::Measure => "measure",
            Self::Dimension => "dimension",
            Self::Column => "column",
            Self::Salt => "salt",
        }
    }

    /// Tells whether a book declares such names, so that a use can be followed.
    pub const fn is_declared(self) -> bool {
        !matches!(self, Self::Column | Self::Salt)
    }
}

/// Returns a doc comment as one paragraph.
pub fn prose(doc: &str) -> String {
    doc.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

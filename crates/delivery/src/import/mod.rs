//! Beginning a book from what is served already.
//! A flag is imported if the book's language can express it, and otherwise left alone, with the reason. Nothing is
//! approximated: if a condition would mean something else for a context whose attributes have their types, its flag is not imported.

pub mod flagd;
mod logic;

use std::collections::BTreeMap;

use serde_json::Value;

use trialbook_model::{AttributeKey, AttributeType, FlagKey, ValueType, VariantKey};

/// What a book can express of a source's flags, and what it cannot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// The flags, by key.
    pub flags: BTreeMap<FlagKey, ImportedFlag>,
    /// The attributes that their rules use, with the types of what they are compared with.
    pub attributes: BTreeMap<AttributeKey, AttributeType>,
    /// The flags that are not taken over, by key.
    pub left: BTreeMap<String, NotImported>,
}

/// A flag in the book's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedFlag {
    /// The type of its values.
    pub kind: ValueType,
    /// Its variants, in the order of the source.
    pub variants: Vec<(VariantKey, Value)>,
    /// What is served where no rule matches.
    pub default: VariantKey,
    /// The first that matches decides.
    pub rules: Vec<ImportedRule>,
}

/// A rule in the book's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRule {
    /// Whom it matches: an audience, as it is written in a book.
    pub when: Value,
    /// What they are served.
    pub serve: VariantKey,
}

/// Why a flag is not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotImported {
    /// A book has it already; `None`: one that does not say its name.
    OfBook(Option<String>),
    /// Its key cannot be that of a flag.
    Key,
    /// It has not the shape of a flag; what was expected, as a phrase.
    Shape(&'static str),
    /// It is switched off, so that the default in the client's code decides, which nobody knows here.
    Disabled,
    /// It has no default of its own, so that the one in the client's code decides.
    NoDefault,
    /// A variant cannot have this key.
    Variant(String),
    /// Its values are not all of one type that a book has.
    Values,
    /// It serves a variant that it does not have.
    UnknownVariant(String),
    /// It draws by a hash of its own: a rollout or an experiment of the book would draw anew.
    Draw,
    /// It does something that a book cannot say.
    Operator(String),
    /// It compares something in a way that a book cannot say.
    Comparison(String),
    /// It asks for something that is not an attribute of the context.
    Attribute(String),
    /// It refers to something that is not there.
    Reference(String),
    /// It takes an attribute for another type than a flag before it.
    Type {
        /// Which attribute.
        attribute: AttributeKey,
        /// What the flag takes it for.
        here: AttributeType,
        /// What another flag takes it for.
        there: AttributeType,
    },
    /// Its conditions are nested too deep, or are too many.
    Depth,
    /// What it became is refused by the book's reader, for this reason.
    Refused(String),
}

//! Audiences as they are written: sugar kept, literals untyped.

use super::reader::{Reader, Syntax, describe};
use super::shape::{Grammar, Key, List, Mapping, Others, Shape};
use crate::load::advice::Advice;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::yaml::{Content, Entry, Node, ScalarNode, Typed};
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{AttributeKey, AttributeType, SegmentKey};

/// An audience: every part holds.
#[derive(Debug)]
pub struct Audience(pub Vec<Clause>);

/// A key of an audience with what it asks.
#[derive(Debug)]
pub struct Clause {
    /// Where the key stands.
    pub key_span: Span,
    /// What it asks.
    pub test: ClauseTest,
}

/// What a key of an audience asks.
#[derive(Debug)]
pub enum ClauseTest {
    /// Every one holds.
    All(Vec<Spanned<Audience>>),
    /// At least one holds.
    Any(Vec<Spanned<Audience>>),
    /// It does not hold.
    Not(Audience),
    /// The unit is in the segment.
    Segment(Spanned<SegmentKey>),
    /// Tests of one attribute; all of them hold.
    Attribute(AttributeKey, Vec<Spanned<Comparison>>),
}

/// A test of an attribute, with literals that have no type yet.
#[derive(Debug)]
pub struct Comparison {
    /// What is asked.
    pub operator: Operator,
    /// Where the operator stands; for a bare value, where the value stands.
    pub operator_span: Span,
    /// With what; one literal but for `in`.
    pub literals: Vec<Spanned<Literal>>,
}

/// A scalar that a value is compared with.
#[derive(Debug, Clone)]
pub struct Literal(pub ScalarNode);

impl Literal {
    /// Returns a key as a literal. The tree keeps no quotes of keys, so a key counts as plain: its text decides.
    pub fn of_key(entry: &Entry) -> Self {
        Self(ScalarNode { text: entry.key.clone(), plain: true })
    }
}

impl Syntax for Literal {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Scalar(scalar) if scalar.typed() != Typed::Null => Some(Self(scalar.clone())),
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => {
                reader.expected(rules::WRONG_TYPE, node, "one value", "");
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Literal { ordered: false }
    }
}

/// The operators of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// A bare value.
    Equals,
    /// `in`.
    In,
    /// `at_least`.
    AtLeast,
    /// `above`.
    Above,
    /// `at_most`.
    AtMost,
    /// `below`.
    Below,
    /// `starts_with`.
    StartsWith,
    /// `ends_with`.
    EndsWith,
    /// `contains`.
    Contains,
    /// `matches`.
    Matches,
    /// `present`.
    Present,
}

impl Operator {
    const WORDS: [(&'static str, Operator); 10] = [
        ("in", Self::In),
        ("at_least", Self::AtLeast),
        ("above", Self::Above),
        ("at_most", Self::AtMost),
        ("below", Self::Below),
        ("starts_with", Self::StartsWith),
        ("ends_with", Self::EndsWith),
        ("contains", Self::Contains),
        ("matches", Self::Matches),
        ("present", Self::Present),
    ];

    /// Returns the types of attributes that have it; empty for all.
    pub const fn types(self) -> &'static [AttributeType] {
        match self {
            Self::Equals | Self::In | Self::Present => &[],
            Self::AtLeast | Self::Above | Self::AtMost | Self::Below => {
                &[AttributeType::Number, AttributeType::Version, AttributeType::LenientVersion]
            }
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::Matches => &[AttributeType::String],
        }
    }

    /// Returns what it means, and what its value is.
    const fn described(self) -> (&'static str, fn() -> Shape) {
        const ORDERED: fn() -> Shape = || Shape::Literal { ordered: true };
        const TEXT: fn() -> Shape = || Shape::Text(Grammar { expected: "text", pattern: "", examples: &[] });
        match self {
            Self::Equals => ("Equal to this.", Literal::shape),
            Self::In => {
                ("Equal to one of these.", || Shape::List(List { items: Literal::shape, filled: true }))
            }
            Self::AtLeast => ("At or above (number, version).", ORDERED),
            Self::Above => ("Strictly above (number, version).", ORDERED),
            Self::AtMost => ("At or below (number, version).", ORDERED),
            Self::Below => ("Strictly below (number, version).", ORDERED),
            Self::StartsWith => ("Text with this prefix.", TEXT),
            Self::EndsWith => ("Text with this suffix.", TEXT),
            Self::Contains => ("Text with this in it.", TEXT),
            Self::Matches => {
                ("Text that this regular expression, without look-around, matches somewhere.", TEXT)
            }
            Self::Present => (
                "Whether there is a value of the declared type; `false` matches a missing attribute.",
                bool::shape,
            ),
        }
    }

    /// Returns the word for it; `=` for a bare value.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, operator)| *operator == self).map_or("=", |(word, _)| word)
    }
}

/// The names that an audience gives a meaning of its own, so that no attribute may have them.
pub const COMBINATORS: [&str; 4] = ["all", "any", "not", "segment"];

impl Syntax for Audience {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let entries = match &node.content {
            Content::Mapping(entries) => entries,
            Content::Sequence(_) => {
                let help = "put the list under `all:` or `any:`";
                reader.expected(rules::WRONG_TYPE, node, "a mapping such as `{country: SE}`", help);
                return None;
            }
            Content::Scalar(_) => {
                let help = "for everybody, write `{}`; for a segment, `{segment: KEY}`";
                reader.expected(rules::WRONG_TYPE, node, "a mapping such as `{country: SE}`", help);
                return None;
            }
        };
        // A clause that does not fit is reported and left out; the findings keep the book from being made.
        Some(Self(entries.iter().filter_map(|entry| clause(entry, reader)).collect()))
    }

    fn shape() -> Shape {
        Shape::Mapping(Mapping {
            what: "an audience",
            doc: "Who: attributes of trialbook.yaml and segments. Several keys: all of them hold. `{}`: everybody.",
            keys: CLAUSES,
            others: Some(Others {
                names: AttributeKey::shape,
                shape: || Shape::Either(&[Literal::shape, operators]),
                doc: "A value that the attribute equals, or operators that all hold.",
            }),
            definition: Some("audience"),
            ..Mapping::NONE
        })
    }
}

/// The keys of an audience that are no attributes: [`COMBINATORS`].
const CLAUSES: &[Key] = &[
    combinator("all", "Every one holds.", parts_shape),
    combinator("any", "At least one holds.", parts_shape),
    combinator(
        "not",
        "It does not hold. A unit without the attribute is among those for whom it does not.",
        Audience::shape,
    ),
    combinator("segment", "The unit is in the segment.", SegmentKey::shape),
];

const fn combinator(name: &'static str, doc: &'static str, shape: fn() -> Shape) -> Key {
    Key { name, required: false, doc, shape, default: None, only_for: &[] }
}

fn parts_shape() -> Shape {
    Shape::List(List { items: Audience::shape, filled: true })
}

fn operators() -> Shape {
    const KEYS: [Key; Operator::WORDS.len()] = {
        let mut keys = [combinator("", "", Literal::shape); Operator::WORDS.len()];
        let mut at = 0;
        while at < keys.len() {
            let (word, operator) = Operator::WORDS[at];
            let (doc, shape) = operator.described();
            keys[at] = Key { only_for: operator.types(), ..combinator(word, doc, shape) };
            at += 1;
        }
        keys
    };
    Shape::Mapping(Mapping { what: "operators", keys: &KEYS, filled: true, ..Mapping::NONE })
}

fn clause(entry: &Entry, reader: &mut Reader<'_>) -> Option<Clause> {
    let test = match &*entry.key {
        "all" => ClauseTest::All(parts(entry, reader)?),
        "any" => ClauseTest::Any(parts(entry, reader)?),
        "not" => ClauseTest::Not(reader.field(entry)?.value),
        "segment" => ClauseTest::Segment(reader.field(entry)?),
        name => {
            let attribute = match AttributeKey::new(name) {
                Ok(attribute) => attribute,
                Err(error) => {
                    let help = super::leaf::key_advice(name, |key| AttributeKey::new(key).is_ok());
                    reader.error(rules::BAD_KEY, entry.key_span, error.to_string(), help);
                    return None;
                }
            };
            ClauseTest::Attribute(attribute, comparisons(entry, reader)?)
        }
    };
    Some(Clause { key_span: entry.key_span, test })
}

fn parts(entry: &Entry, reader: &mut Reader<'_>) -> Option<Vec<Spanned<Audience>>> {
    let parts: Spanned<super::List<Audience>> = reader.field(entry)?;
    if parts.value.1 == super::Emptiness::Empty {
        let message = format!("`{}` has nothing in it", entry.key);
        reader.error(
            rules::EMPTY_CONDITION,
            entry.value.span,
            message,
            "list at least one audience, or take it out",
        );
        return None;
    }
    Some(parts.value.0)
}

fn comparisons(entry: &Entry, reader: &mut Reader<'_>) -> Option<Vec<Spanned<Comparison>>> {
    let attribute = &*entry.key;
    let span = entry.value.span;
    match &entry.value.content {
        Content::Scalar(scalar) if scalar.typed() != Typed::Null => {
            let literal = Spanned { value: Literal(scalar.clone()), span };
            let equals =
                Comparison { operator: Operator::Equals, operator_span: span, literals: vec![literal] };
            Some(vec![Spanned { value: equals, span }])
        }
        Content::Scalar(_) => {
            let message = format!("`{attribute}` is compared with nothing");
            let help = "write a value, or `{present: false}` for units without one";
            reader.error(rules::WRONG_TYPE, span, message, help);
            None
        }
        Content::Sequence(items) => {
            let values: Vec<_> = items
                .iter()
                .map(|item| match &item.content {
                    Content::Scalar(_) => reader.written(item.span),
                    Content::Sequence(_) | Content::Mapping(_) => "…",
                })
                .take(4)
                .collect();
            let more = if items.len() > 4 { ", …" } else { "" };
            let help = format!("write `{attribute}: {{in: [{}{more}]}}`", values.join(", "));
            reader.error(
                rules::WRONG_TYPE,
                span,
                format!("`{attribute}` is compared with a bare list"),
                help,
            );
            None
        }
        Content::Mapping(operators) if operators.is_empty() => {
            let message = format!("`{attribute}` has no operator");
            let help = format!("write a value, or one of {}", words());
            reader.error(rules::EMPTY_CONDITION, span, message, help);
            None
        }
        Content::Mapping(operators) => {
            Some(operators.iter().filter_map(|entry| comparison(entry, attribute, reader)).collect())
        }
    }
}

fn words() -> String {
    Operator::WORDS.map(|(word, _)| format!("`{word}`")).join(", ")
}

fn comparison(entry: &Entry, attribute: &str, reader: &mut Reader<'_>) -> Option<Spanned<Comparison>> {
    let word = &*entry.key;
    let Some((_, operator)) = Operator::WORDS.into_iter().find(|(known, _)| *known == word) else {
        let help = match word {
            "equals" | "eq" | "is" | "==" => format!("write the bare value: `{attribute}: VALUE`").into(),
            "not" | "ne" | "not_equals" | "!=" => format!("write `not: {{{attribute}: VALUE}}`").into(),
            "not_in" | "nin" => format!("write `not: {{{attribute}: {{in: […]}}}}`").into(),
            "gte" | ">=" | "min" | "from" => Advice::meant("at_least"),
            "gt" | ">" => Advice::meant("above"),
            "lte" | "<=" | "max" => Advice::meant("at_most"),
            "lt" | "<" => Advice::meant("below"),
            "regex" | "match" => Advice::meant("matches"),
            "exists" => Advice::meant("present"),
            _ => suggestion(word, Operator::WORDS.iter().map(|(word, _)| *word)),
        };
        reader.error(rules::UNKNOWN_KEY, entry.key_span, format!("unknown operator `{word}`"), help);
        return None;
    };
    let literals = if operator == Operator::In {
        let list: Spanned<super::List<Literal>> = reader.field(entry)?;
        if list.value.1 == super::Emptiness::Empty {
            let help = "list at least one value, or take the condition out";
            reader.error(
                rules::EMPTY_CONDITION,
                entry.value.span,
                "`in` has no values, so nobody matches",
                help,
            );
            return None;
        }
        list.value.0
    } else {
        vec![literal_for(operator, entry, reader)?]
    };
    let span = Span::new(entry.key_span.start, entry.value.span.end);
    Some(Spanned { value: Comparison { operator, operator_span: entry.key_span, literals }, span })
}

/// Reads the literal of an operator that has one, with the type that the operator itself demands.
fn literal_for(operator: Operator, entry: &Entry, reader: &mut Reader<'_>) -> Option<Spanned<Literal>> {
    let literal: Spanned<Literal> = reader.field(entry)?;
    let (fits, expected) = match operator {
        Operator::Equals | Operator::In => (true, ""),
        Operator::Present => (matches!(literal.value.0.typed(), Typed::Boolean(_)), "`true` or `false`"),
        Operator::AtLeast | Operator::Above | Operator::AtMost | Operator::Below => {
            (!matches!(literal.value.0.typed(), Typed::Boolean(_)), "a number or a version")
        }
        Operator::StartsWith | Operator::EndsWith | Operator::Contains | Operator::Matches => {
            (matches!(literal.value.0.typed(), Typed::Text(_)), "text")
        }
    };
    if fits {
        return Some(literal);
    }
    let message = format!("`{}` takes {expected}, not {}", operator.as_str(), describe(&entry.value));
    let quote = matches!(literal.value.0.typed(), Typed::Number(_) | Typed::Boolean(_)) && expected == "text";
    let help = if quote { Advice::quote(&literal.value.0.text) } else { format!("write {expected}").into() };
    reader.error(rules::WRONG_TYPE, entry.value.span, message, help);
    None
}

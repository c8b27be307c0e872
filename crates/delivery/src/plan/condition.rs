//! Audiences as a target gets them: segments inlined, attributes typed, one form for each thing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use trialbook_model::{Attribute, AttributeKey, AttributeType, Bound, Predicate, Scalar, Test, Version};

/// An audience without references. `All` of nothing is everybody, `Any` of nothing is nobody.
///
/// [`Condition::of`] makes the normal form: no `Present(false)`, no empty prefix, no set of versions,
/// versions as [`Version::normalised`] writes them. A target reads back the very condition that it was given only in this form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Every one holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A test of one attribute, which fails where the attribute is missing or not of this type.
    Attribute(AttributeKey, AttributeType, Test),
}

impl Condition {
    /// The audience of everybody.
    pub const fn everyone() -> Self {
        Self::All(Vec::new())
    }

    /// Tells whether this is written as the audience of everybody.
    pub fn is_everyone(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Returns the normal form of a predicate whose segments are inlined.
    ///
    /// `None` where a segment is left or an attribute is not declared; a book's predicates have neither.
    pub fn of(predicate: &Predicate, attributes: &BTreeMap<AttributeKey, Attribute>) -> Option<Self> {
        let each = |parts: &[Predicate]| {
            parts.iter().map(|part| Self::of(part, attributes)).collect::<Option<Vec<_>>>()
        };
        Some(match predicate {
            Predicate::All(parts) => Self::All(each(parts)?),
            Predicate::Any(parts) => Self::Any(each(parts)?),
            Predicate::Not(part) => Self::Not(Box::new(Self::of(part, attributes)?)),
            Predicate::Segment(_) => return None,
            Predicate::Attribute(key, test) => Self::test(key, attributes.get(key)?.kind, test),
        })
    }

    fn test(key: &AttributeKey, kind: AttributeType, test: &Test) -> Self {
        let present = || Self::Attribute(key.clone(), kind, Test::Present(true));
        let same = |test: Test| Self::Attribute(key.clone(), kind, test);
        match test {
            Test::Present(false) => Self::Not(Box::new(present())),
            Test::StartsWith(text) | Test::EndsWith(text) | Test::Contains(text) if text.is_empty() => {
                present()
            }
            Test::In(values) => Self::one_of(key, kind, values),
            Test::AtLeast(bound) => same(Test::AtLeast(in_normal_form(bound))),
            Test::Above(bound) => same(Test::Above(in_normal_form(bound))),
            Test::AtMost(bound) => same(Test::AtMost(in_normal_form(bound))),
            Test::Below(bound) => same(Test::Below(in_normal_form(bound))),
            Test::Present(true)
            | Test::StartsWith(_)
            | Test::EndsWith(_)
            | Test::Contains(_)
            | Test::Matches(_) => same(test.clone()),
        }
    }

    /// Both booleans are any boolean; versions are compared one by one, because they are equal by order.
    fn one_of(key: &AttributeKey, kind: AttributeType, values: &BTreeSet<Scalar>) -> Self {
        let leaf = |test| Self::Attribute(key.clone(), kind, test);
        match kind {
            AttributeType::Boolean if values.len() == 2 => leaf(Test::Present(true)),
            AttributeType::Version | AttributeType::LenientVersion => {
                let mut each: Vec<_> = values
                    .iter()
                    .map(|value| match value {
                        Scalar::Version(version) => Scalar::Version(normalised(version)),
                        other => other.clone(),
                    })
                    .map(|value| leaf(Test::In(BTreeSet::from([value]))))
                    .collect();
                match each.pop() {
                    Some(only) if each.is_empty() => only,
                    last => Self::Any(each.into_iter().chain(last).collect()),
                }
            }
            AttributeType::Boolean | AttributeType::Number | AttributeType::String => {
                leaf(Test::In(values.clone()))
            }
        }
    }
}

fn in_normal_form(bound: &Bound) -> Bound {
    match bound {
        Bound::Version(version) => Bound::Version(normalised(version)),
        Bound::Number(_) => bound.clone(),
    }
}

fn normalised(version: &Version) -> Version {
    Version::parse_lenient(&version.normalised()).unwrap_or_else(|_| version.clone())
}

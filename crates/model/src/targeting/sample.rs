//! The share of traffic that an audience is, measured in a sample of contexts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::context::{Attributes, Context, matches};
use crate::{AttributeKey, Predicate, Scalar};

/// Contexts as they occurred. They stand for all traffic as far as they were drawn from it at random.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    contexts: Vec<Context>,
}

/// A share that was counted in a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The share of the contexts that match, between 0 and 1.
    pub share: f64,
    /// The standard error of the share.
    ///
    /// It is that of two more contexts that match and two more that do not (Agresti and Coull 1998), so it is not zero
    /// where none or all match: that none of ten contexts match is no proof that nobody does.
    pub standard_error: f64,
    /// How many contexts were counted; never none.
    pub contexts: u64,
}

/// What a sample contradicts of an attribute's declaration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contradiction {
    /// How many contexts have a value that is not declared.
    pub undeclared: u64,
    /// The values that are not declared, each with how many contexts have it: the first [`Self::MOST_VALUES`] of them.
    pub values: BTreeMap<Scalar, u64>,
    /// Whether there are values beyond these.
    pub has_more_values: bool,
    /// How many contexts have a value that does not read as the declared type, so that it counts as missing.
    pub unreadable: u64,
    /// The first [`Self::MOST_EXAMPLES`] different values that do not.
    pub examples: Vec<Value>,
}

impl Contradiction {
    /// How many undeclared values of an attribute are counted one by one.
    pub const MOST_VALUES: usize = 100;

    /// How many different unreadable values of an attribute are kept.
    pub const MOST_EXAMPLES: usize = 3;
}

/// Returns attributes with the values of a sample beside those that are declared: what may occur, now that it has been seen.
///
/// An attribute with more undeclared values than are counted may have any.
pub fn widened(attributes: &Attributes, by: &BTreeMap<AttributeKey, Contradiction>) -> Attributes {
    let mut widened = attributes.clone();
    for (key, contradiction) in by {
        let Some(attribute) = widened.get_mut(key) else { continue };
        if contradiction.has_more_values {
            (attribute.min, attribute.max) = (None, None);
            attribute.values.clear();
            continue;
        }
        for value in contradiction.values.keys() {
            if let Scalar::Number(number) = value {
                attribute.min = attribute.min.map(|min| min.min(number.get()));
                attribute.max = attribute.max.map(|max| max.max(number.get()));
            }
            if !attribute.values.is_empty() && attribute.values.iter().all(|(known, _)| known != value) {
                attribute.values.push((value.clone(), None));
            }
        }
    }
    widened
}

impl FromIterator<Context> for Sample {
    fn from_iter<I: IntoIterator<Item = Context>>(contexts: I) -> Self {
        Self { contexts: contexts.into_iter().collect() }
    }
}

impl Sample {
    /// Returns the share of the sample in an audience whose segments are inlined; `None` where the sample is empty.
    pub fn share(&self, audience: &Predicate) -> Option<Measured> {
        counted(self.contexts.iter().map(|context| matches(audience, context)))
    }

    /// Returns what the sample contradicts of what attributes are declared to be; an attribute that it agrees with is absent.
    pub fn contradictions(&self, attributes: &Attributes) -> BTreeMap<AttributeKey, Contradiction> {
        let mut found = BTreeMap::<AttributeKey, Contradiction>::new();
        for context in &self.contexts {
            for (attribute, json) in context.unreadable(attributes) {
                let contradiction = found.entry(attribute.key.clone()).or_default();
                contradiction.unreadable += 1;
                let examples = &mut contradiction.examples;
                if examples.len() < Contradiction::MOST_EXAMPLES && !examples.contains(json) {
                    examples.push(json.clone());
                }
            }
            for name in context.json().keys() {
                let Some((key, attribute)) = attributes.get_key_value(name.as_str()) else { continue };
                match context.get(key) {
                    None => {}
                    Some(value) if attribute.declares(value) => {}
                    Some(value) => {
                        let contradiction = found.entry(key.clone()).or_default();
                        contradiction.undeclared += 1;
                        let known = contradiction.values.get(value).copied();
                        if known.is_some() || contradiction.values.len() < Contradiction::MOST_VALUES {
                            contradiction.values.insert(value.clone(), known.unwrap_or(0) + 1);
                        } else {
                            contradiction.has_more_values = true;
                        }
                    }
                }
            }
        }
        found
    }

    /// Returns how many contexts there are.
    pub fn len(&self) -> usize {
        self.contexts.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty()
    }
}

/// Returns the share of contexts in an audience whose segments are inlined, none of which is kept; `None` where there are
/// none.
pub fn measured(audience: &Predicate, contexts: impl IntoIterator<Item = Context>) -> Option<Measured> {
    counted(contexts.into_iter().map(|context| matches(audience, &context)))
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 contexts")]
fn counted(matched: impl Iterator<Item = bool>) -> Option<Measured> {
    let (hits, contexts) =
        matched.fold((0u64, 0u64), |(hits, all), matched| (hits + u64::from(matched), all + 1));
    if contexts == 0 {
        return None;
    }
    let (n, with_four) = (contexts as f64, contexts as f64 + 4.0);
    let p = (hits as f64 + 2.0) / with_four;
    let standard_error = (p * (1.0 - p) / with_four).sqrt();
    Some(Measured { share: hits as f64 / n, standard_error, contexts })
}

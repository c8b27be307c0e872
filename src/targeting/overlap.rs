//! Whether audiences can meet in one context, and the context that proves it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::cells::Cell;
use super::context::{Attributes, Context, matches};
use super::formula::{Budget, Exceeded, Space, solve};
use crate::model::{AttributeKey, Predicate, Scalar, Test};

/// Whether audiences have a context in common.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlap {
    /// They have none.
    Disjoint,
    /// They have this one.
    At(Witness),
    /// It could not be decided. This is a finding, never a pass.
    Undecided(UndecidedReason),
}

/// A context that several audiences match, with as few attributes as they need.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Witness(BTreeMap<AttributeKey, Scalar>);

/// Why it could not be decided whether audiences meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndecidedReason {
    /// They would meet at a value of this attribute that its regular expressions match or do not match, and none was
    /// found.
    Pattern(AttributeKey),
    /// The tests of this attribute make more combinations than are tried.
    Combinations(AttributeKey),
    /// The audiences have more parts than are looked at.
    Size,
    /// The alternatives of the audiences make more combinations than are tried.
    Alternatives,
}

impl fmt::Display for UndecidedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(key) => {
                write!(f, "the regular expressions on `{key}` may or may not have a match in common")
            }
            Self::Combinations(key) => write!(f, "the tests of `{key}` have too many combinations to try"),
            Self::Size => write!(f, "the audiences have more than {PARTS} parts"),
            Self::Alternatives => {
                write!(f, "the audiences have too many combinations of alternatives to try")
            }
        }
    }
}

impl Witness {
    /// Returns the attributes and their values.
    pub fn values(&self) -> &BTreeMap<AttributeKey, Scalar> {
        &self.0
    }

    /// Returns the context as JSON, as `trialbook evaluate` takes it. Whole numbers have no decimal point.
    pub fn json(&self) -> BTreeMap<String, Value> {
        self.0.iter().map(|(key, scalar)| (key.to_string(), json(scalar))).collect()
    }

    fn context(&self, attributes: &Attributes) -> Context {
        Context::new(self.json().into_iter().collect::<Map<_, _>>(), attributes)
    }
}

fn json(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::String(text) => Value::from(text.as_str()),
        Scalar::Boolean(boolean) => Value::from(*boolean),
        Scalar::Version(version) => Value::from(version.as_str()),
        Scalar::Number(number) => {
            let value = number.get();
            // Every whole number below 2^53 is exact in both forms.
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
                Value::from(value as i64)
            } else {
                Value::from(value)
            }
        }
    }
}

/// The most parts of audiences that are looked at.
const PARTS: usize = 50_000;

/// The most visits that a search makes; some tens of milliseconds.
const VISITS: usize = 1_000_000;

/// Tells whether two audiences can meet. Their segments are inlined.
pub fn overlap(a: &Predicate, b: &Predicate, attributes: &Attributes) -> Overlap {
    meet(&[a, b], attributes)
}

/// Tells whether an audience can match anybody: whether it meets itself.
pub fn satisfiable(audience: &Predicate, attributes: &Attributes) -> Overlap {
    meet(&[audience], attributes)
}

/// Tells whether there is a context that every audience matches. Their segments are inlined.
///
/// `Disjoint` and `At` are exact; a witness has been confirmed by [`matches()`] for every audience. An attribute's
/// declared `values`, `min` and `max` are taken for all that occur, though a value that an audience names counts even
/// where it is not declared; any attribute may be missing. What cannot be decided within a fixed budget, or for want of a
/// matching text, is `Undecided`.
pub fn meet(audiences: &[&Predicate], attributes: &Attributes) -> Overlap {
    if audiences.iter().map(|audience| size(audience)).sum::<usize>() > PARTS {
        return Overlap::Undecided(UndecidedReason::Size);
    }
    let space = Space::new(audiences, attributes);
    let mut budget = Budget(VISITS);
    match solve(&space.formula, space.known(), &mut budget) {
        Ok(Some(domains)) => {
            let mut witness = Witness::default();
            for ((key, cells), domain) in space.attributes.iter().zip(&domains) {
                if let Some(Cell::Value(value)) = domain.iter().next().and_then(|at| cells.cells.get(at)) {
                    witness.0.insert((*key).clone(), value.clone());
                }
            }
            confirmed(witness, audiences, attributes)
        }
        Ok(None) => match solve(&space.formula, space.every(), &mut budget) {
            Ok(None) => Overlap::Disjoint,
            Ok(Some(domains)) => Overlap::Undecided(unknown(&space, &domains, audiences)),
            Err(Exceeded) => Overlap::Undecided(UndecidedReason::Alternatives),
        },
        Err(Exceeded) => Overlap::Undecided(UndecidedReason::Alternatives),
    }
}

/// Leaves out the attributes that the audiences do not need, and confirms that they all match what is left.
fn confirmed(mut witness: Witness, audiences: &[&Predicate], attributes: &Attributes) -> Overlap {
    let all_match = |witness: &Witness| {
        let context = witness.context(attributes);
        audiences.iter().all(|audience| matches(audience, &context))
    };
    if !all_match(&witness) {
        // The cells and `matches` are two readings of one audience; should they differ, nothing is proved.
        return Overlap::Undecided(UndecidedReason::Alternatives);
    }
    for key in witness.0.keys().cloned().collect::<Vec<_>>() {
        let mut without = witness.clone();
        without.0.remove(&key);
        if all_match(&without) {
            witness = without;
        }
    }
    Overlap::At(witness)
}

/// Returns why nothing is known: the first attribute of which the audiences need a value that was not worked out.
fn unknown(space: &Space<'_>, domains: &[super::bits::Bits], audiences: &[&Predicate]) -> UndecidedReason {
    let needed =
        space.attributes.iter().zip(domains).find(|((_, cells), domain)| !domain.meets(&cells.known));
    let Some(((key, _), _)) = needed else { return UndecidedReason::Alternatives };
    let mut patterns = false;
    for audience in audiences {
        audience
            .walk(&mut |at, test| patterns |= at == *key && matches!(test, Test::Matches(_)), &mut |_| ());
    }
    if patterns {
        UndecidedReason::Pattern((*key).clone())
    } else {
        UndecidedReason::Combinations((*key).clone())
    }
}

/// Returns how many parts an audience has, every value of a set counted, up to a little more than [`PARTS`].
fn size(predicate: &Predicate) -> usize {
    let mut todo = vec![predicate];
    let mut size = 0;
    while let Some(predicate) = todo.pop() {
        size += 1;
        match predicate {
            Predicate::All(parts) | Predicate::Any(parts) => todo.extend(parts),
            Predicate::Not(part) => todo.push(part),
            Predicate::Attribute(_, Test::In(set)) => size += set.len(),
            Predicate::Attribute(..) | Predicate::Segment(_) => {}
        }
        if size > PARTS {
            break;
        }
    }
    size
}

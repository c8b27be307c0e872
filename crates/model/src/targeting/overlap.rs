//! Whether audiences can meet in one context, and the context that proves it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bits::Bits;
use super::budget::{Budget, Exceeded, Work};
use super::cells::{Cell, Rest};
use super::context::{Attributes, Context, matches};
use super::formula::{Asked, Space, Tested};
use super::search::{Search, Solution};
use super::undecided::{LEVELS, PARTS, UndecidedReason};
use crate::{AttributeKey, Predicate, Scalar, Test};

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
pub struct Witness(pub(super) BTreeMap<AttributeKey, Scalar>);

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

/// The most steps that a search takes; some tens of milliseconds.
const STEPS: usize = 2_000_000;

/// What it costs to compile a regular expression, in steps: an estimate.
const COMPILING: usize = 2_000;

/// What each of its bytes adds.
const COMPILING_A_BYTE: usize = 100;

/// The most steps that the search for a smaller witness takes each time.
const FEWER_STEPS: usize = 50_000;

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
/// where it is not declared; any attribute may be missing. Texts are intersected as languages, regular expressions
/// included. What cannot be decided within a fixed number of steps is `Undecided`. The answer never depends on the
/// machine or on its load.
pub fn meet(audiences: &[&Predicate], attributes: &Attributes) -> Overlap {
    meet_within(audiences, attributes, &mut Work::of(usize::MAX))
}

/// Does what [`meet`] does, and takes what it costs off the work that is left for several such questions.
///
/// Where none is left, the answer is [`UndecidedReason::Work`] at once. The same questions in the same order always get the same answers.
pub fn meet_within(audiences: &[&Predicate], attributes: &Attributes, work: &mut Work) -> Overlap {
    let asked: Vec<_> = audiences.iter().map(|audience| Asked::to_match(audience)).collect();
    decide(&asked, attributes, work, |witness| witness.is_as(&asked, attributes))
}

/// Looks for a context that is as asked. Before it counts, `confirm` must find it so with [`matches()`].
pub(super) fn decide(
    asked: &[Asked<'_>],
    attributes: &Attributes,
    work: &mut Work,
    confirm: impl Fn(&Witness) -> bool,
) -> Overlap {
    if work.is_spent() {
        return Overlap::Undecided(UndecidedReason::Work);
    }
    work.spend(Work::LEAST);
    match measure(asked.iter().map(|asked| asked.audience)) {
        Ok(cost) => work.spend(cost),
        Err(reason) => return Overlap::Undecided(reason),
    }
    let space = Space::new(asked, attributes);
    let mut search = Search::new(&space);
    let mut budget = work.budget(STEPS);
    let given = budget.left();
    let any = usize::MAX;
    // First among the values that were worked out, which read best; then among all others.
    let mut domains = space.known();
    let mut solved = search.solve(domains.clone(), any, &mut budget);
    if let Ok(None) = solved
        && space.attributes.iter().any(|tested| tested.cells.rest != Rest::None)
    {
        domains = space.every();
        solved = search.solve(domains.clone(), any, &mut budget);
    }
    work.spend(given - budget.left());
    let mut witness = match solved {
        // What was left for this question may have been less than one may cost.
        Err(Exceeded) if given < STEPS => {
            work.spend(usize::MAX);
            return Overlap::Undecided(UndecidedReason::Work);
        }
        Err(Exceeded) => {
            // The last step asked for more than was left: all of it counts as spent.
            work.spend(budget.left());
            return Overlap::Undecided(UndecidedReason::Alternatives);
        }
        Ok(None) => return search.undecided.map_or(Overlap::Disjoint, Overlap::Undecided),
        Ok(Some(solution)) => Witness::of(&space, &solution),
    };
    while let Some(fewer) = witness.0.len().checked_sub(1) {
        let mut budget = Budget::of(FEWER_STEPS);
        let found = search.solve(domains.clone(), fewer, &mut budget);
        work.spend(FEWER_STEPS - budget.left());
        let Ok(Some(solution)) = found else { break };
        witness = Witness::of(&space, &solution);
    }
    if confirm(&witness) {
        Overlap::At(witness)
    } else {
        // The cells and `matches` are two readings of one audience; should they differ, nothing is proved.
        Overlap::Undecided(UndecidedReason::Alternatives)
    }
}

impl Witness {
    /// Takes an attribute only where it cannot be missing.
    fn of(space: &Space<'_>, solution: &Solution) -> Self {
        let value = |(at, (tested, domain)): (usize, (&Tested<'_>, &Bits))| {
            if domain.contains(tested.cells.missing) {
                return None;
            }
            let value = match domain.iter().next().and_then(|cell| tested.cells.cells.get(cell))? {
                Cell::Value(value) => value.clone(),
                Cell::Missing => return None,
                Cell::Unknown => Scalar::String(solution.texts.get(&at)?.clone()),
            };
            Some((tested.key.clone(), value))
        };
        Self(space.attributes.iter().zip(&solution.domains).enumerate().filter_map(value).collect())
    }

    /// Tells whether the context is as asked, renamed attributes apart.
    pub(super) fn is_as(&self, asked: &[Asked<'_>], attributes: &Attributes) -> bool {
        let context = self.context(attributes);
        asked.iter().all(|asked| matches(asked.audience, &context) == asked.matches)
    }
}

/// Refuses audiences of too many parts, every value of a set counted, or of too many levels.
///
/// Returns about what it costs to read them, in steps: a regular expression has to be compiled.
pub(super) fn measure<'a>(audiences: impl Iterator<Item = &'a Predicate>) -> Result<usize, UndecidedReason> {
    let mut cost = 0;
    let mut todo: Vec<(&Predicate, usize)> = audiences.map(|audience| (audience, 1)).collect();
    let mut size = 0;
    while let Some((predicate, level)) = todo.pop() {
        if level > LEVELS {
            return Err(UndecidedReason::Depth);
        }
        size += 1;
        match predicate {
            Predicate::All(parts) | Predicate::Any(parts) => {
                todo.extend(parts.iter().map(|part| (part, level + 1)));
            }
            Predicate::Not(part) => todo.push((part, level + 1)),
            Predicate::Attribute(_, Test::In(set)) => size += set.len(),
            Predicate::Attribute(_, Test::Matches(pattern)) => {
                cost += COMPILING + COMPILING_A_BYTE * pattern.as_str().len();
            }
            Predicate::Attribute(..) | Predicate::Segment(_) => {}
        }
        if size > PARTS {
            return Err(UndecidedReason::Size);
        }
    }
    Ok(cost.saturating_add(size))
}

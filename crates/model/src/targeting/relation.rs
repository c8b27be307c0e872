//! How audiences relate: whether one is within another, whether they are the same, and whom earlier ones leave over.

use super::budget::Work;
use super::context::Attributes;
use super::formula::Asked;
use super::overlap::{Overlap, Witness, decide};
use super::undecided::UndecidedReason;
use crate::Predicate;

/// Whether something holds of audiences.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It holds of every context.
    Yes,
    /// It does not, and this context shows it.
    No(Witness),
    /// It could not be decided. This is never a yes.
    Undecided(UndecidedReason),
}

impl From<Overlap> for Answer {
    /// Reads "there is no counterexample".
    fn from(counterexample: Overlap) -> Self {
        match counterexample {
            Overlap::Disjoint => Self::Yes,
            Overlap::At(witness) => Self::No(witness),
            Overlap::Undecided(reason) => Self::Undecided(reason),
        }
    }
}

/// Tells whether everybody in `a` is in `b` as well. Their segments are inlined.
///
/// The counterexample is in `a` and not in `b`. Nobody is in everything: an audience that matches nobody implies all.
pub fn implied(a: &Predicate, b: &Predicate, attributes: &Attributes) -> Answer {
    decided(&[Asked::to_match(a), Asked::not_to_match(b)], attributes).into()
}

/// Tells whether two audiences match the same contexts. Their segments are inlined.
///
/// The counterexample is in one of them only.
pub fn equivalent(a: &Predicate, b: &Predicate, attributes: &Attributes) -> Answer {
    match implied(a, b, attributes) {
        Answer::Yes => implied(b, a, attributes),
        Answer::No(witness) => Answer::No(witness),
        // What is not decided one way may be refuted the other way.
        Answer::Undecided(reason) => match implied(b, a, attributes) {
            Answer::No(witness) => Answer::No(witness),
            Answer::Yes | Answer::Undecided(_) => Answer::Undecided(reason),
        },
    }
}

/// Tells whether earlier audiences leave anybody of an audience over, as rules do that are asked before it.
pub fn rest(audience: &Predicate, earlier: &[&Predicate], attributes: &Attributes) -> Overlap {
    let earlier = earlier.iter().map(|earlier| Asked::not_to_match(earlier));
    let asked: Vec<_> = std::iter::once(Asked::to_match(audience)).chain(earlier).collect();
    decided(&asked, attributes)
}

fn decided(asked: &[Asked<'_>], attributes: &Attributes) -> Overlap {
    decide(asked, attributes, &mut Work::of(usize::MAX), |witness| witness.is_as(asked, attributes))
}

/// Returns the audience without whom earlier ones match.
pub fn remainder(audience: &Predicate, earlier: &[&Predicate]) -> Predicate {
    let left = earlier.iter().map(|earlier| Predicate::Not(Box::new((*earlier).clone())));
    Predicate::All(std::iter::once(audience.clone()).chain(left).collect())
}

//! Whether a unit can be in one audience at one time and in another at another.

use std::collections::BTreeMap;

use super::budget::Work;
use super::context::Attributes;
use super::formula::{Asked, Names};
use super::overlap::{Overlap, Witness, decide, meet_within};
use super::undecided::UndecidedReason;
use crate::{AttributeKey, Predicate};

/// Whether one unit can be in two audiences, each at its time.
#[derive(Debug, Clone, PartialEq)]
pub enum OverTime {
    /// It cannot, whatever changes.
    Never,
    /// It can: so it looks when it is in the first, and so when it is in the second. Where the audiences meet at one
    /// time, both are the same context.
    At(Witness, Witness),
    /// It could not be decided. This is a finding, never a pass.
    Undecided(UndecidedReason),
}

/// Tells whether one unit can be in `a` at one time and in `b` at another. Their segments are inlined.
///
/// A `stable` attribute keeps its value, or stays missing; every other one may have any value at either time, and what
/// the book does not declare is missing at both. Both contexts have been confirmed by [`matches()`](super::matches()).
pub fn meets_over_time(a: &Predicate, b: &Predicate, attributes: &Attributes) -> OverTime {
    meets_over_time_within(a, b, attributes, &mut Work::of(usize::MAX))
}

/// Does what [`meets_over_time`] does, and takes what it costs off the work that is left for several such questions.
pub fn meets_over_time_within(
    a: &Predicate,
    b: &Predicate,
    attributes: &Attributes,
    work: &mut Work,
) -> OverTime {
    let at_once = meet_within(&[a, b], attributes, work);
    if let Overlap::At(witness) = at_once {
        return OverTime::At(witness.clone(), witness);
    }
    // The second audience asks for what changes under other names, so that the two times only share what is stable.
    let mut both = attributes.clone();
    let mut later = Names::new();
    b.walk(
        &mut |key, _| {
            if let Some(attribute) = attributes.get(key).filter(|attribute| !attribute.stable)
                && !later.contains_key(key)
            {
                let fresh = fresh(key, &both);
                both.insert(fresh.clone(), attribute.clone());
                later.insert(key.clone(), fresh);
            }
        },
        &mut |_| (),
    );
    let apart = |witness: &Witness| parted(witness, attributes, &later);
    let now = Asked::to_match(a);
    let then = Asked { names: Some(&later), ..Asked::to_match(b) };
    let met = decide(&[now, then], &both, work, |witness| {
        let (first, second) = apart(witness);
        first.is_as(&[now], attributes) && second.is_as(&[then], attributes)
    });
    match met {
        Overlap::Disjoint => OverTime::Never,
        Overlap::Undecided(reason) => OverTime::Undecided(reason),
        Overlap::At(witness) => {
            let (first, second) = apart(&witness);
            OverTime::At(first, second)
        }
    }
}

/// Returns a name that no attribute has.
fn fresh(key: &AttributeKey, taken: &Attributes) -> AttributeKey {
    let mut name = format!("{key}-later");
    loop {
        match AttributeKey::new(&name) {
            Ok(fresh) if !taken.contains_key(&fresh) => return fresh,
            // A name may be too long to grow: then shorter ones serve as well.
            Err(_) => name = format!("later-{}", taken.len()),
            Ok(_) => name.push_str("-on"),
        }
    }
}

/// Returns what the unit looks like at either time: what is stable at both, what changes at its own.
fn parted(witness: &Witness, attributes: &Attributes, later: &Names) -> (Witness, Witness) {
    let names: BTreeMap<_, _> = later.iter().map(|(key, fresh)| (fresh, key)).collect();
    let (mut first, mut second) = (Witness::default(), Witness::default());
    for (key, value) in &witness.0 {
        if let Some(original) = names.get(key) {
            second.0.insert((*original).clone(), value.clone());
            continue;
        }
        if attributes.get(key).is_some_and(|attribute| attribute.stable) {
            second.0.insert(key.clone(), value.clone());
        }
        first.0.insert(key.clone(), value.clone());
    }
    (first, second)
}

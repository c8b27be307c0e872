//! The share of traffic that an audience is, from the declared shares of its attributes.

use super::bits::Bits;
use super::budget::Budget;
use super::context::Attributes;
use super::formula::{Asked, Formula, Space, Tested};
use super::overlap::measure;
use crate::{Attribute, Predicate, Share};

/// The most steps that summing over combinations of values takes.
const STEPS: usize = 1_000_000;

/// The most attributes that are summed over.
const ATTRIBUTES: usize = 128;

/// Returns the share of traffic in an audience, between 0 and 1, whose segments are inlined.
///
/// Attributes count as independent of each other. `None` where it is unknown: an attribute that matters does not declare
/// the shares of all its values (they sum to 100 %, so it is never missing), or there are too many combinations.
pub fn share(audience: &Predicate, attributes: &Attributes) -> Option<f64> {
    measure(std::iter::once(audience)).ok()?;
    let space = Space::new(&[Asked::to_match(audience)], attributes);
    if space.attributes.len() > ATTRIBUTES {
        return None;
    }
    let weights = |tested: &Tested<'_>| {
        let declared = attributes.get(tested.key).and_then(distribution)?;
        let mut weights = vec![0.0; tested.cells.cells.len()];
        for (cell, share) in tested.cells.declared.iter().zip(declared) {
            *weights.get_mut((*cell)?)? += share.fraction();
        }
        Some(weights)
    };
    let weights: Vec<Option<Vec<f64>>> = space.attributes.iter().map(weights).collect();
    let mut left = Budget::of(STEPS);
    expected(&space.formula, &mut space.every(), &weights, 0, &mut left)
}

/// Returns the shares of an attribute's values where all are declared and sum to 100 %.
fn distribution(attribute: &Attribute) -> Option<Vec<Share>> {
    let shares: Option<Vec<_>> = attribute.values.iter().map(|(_, share)| *share).collect();
    let sum = |shares: &Vec<Share>| shares.iter().map(|share| u64::from(share.ppm())).sum::<u64>();
    shares.filter(|shares| sum(shares) == u64::from(Share::ALL.ppm()))
}

/// Returns the probability of a formula by cases of its attributes, the first ones fixed already.
fn expected(
    formula: &Formula,
    domains: &mut [Bits],
    weights: &[Option<Vec<f64>>],
    from: usize,
    left: &mut Budget,
) -> Option<f64> {
    if let Some(holds) = formula.status(domains, left).ok()? {
        return Some(if holds { 1.0 } else { 0.0 });
    }
    let (domain, weights_here) = (domains.get(from)?.clone(), weights.get(from)?);
    let Some(here) = weights_here else {
        // Of no use unless the formula does not depend on it, in the cases that the attributes after it make.
        return expected(formula, domains, weights, from + 1, left);
    };
    let mut sum = 0.0;
    for at in domain.iter() {
        let weight = here.get(at).copied().unwrap_or(0.0);
        if weight > 0.0 {
            let mut one = Bits::none(here.len());
            one.insert(at);
            *domains.get_mut(from)? = one;
            let inner = expected(formula, domains, weights, from + 1, left);
            *domains.get_mut(from)? = domain.clone();
            sum += weight * inner?;
        }
    }
    Some(sum)
}

//! The search for values that satisfy a formula.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::budget::{Budget, Exceeded};
use super::cells::Rest;
use super::formula::{Atom, Formula, Space};
use super::language::{Found, Language};
use super::undecided::UndecidedReason;
use super::wanted::Wanted;

/// Values that satisfy a formula: any known cell of each attribute's domain, or its text where there is none.
pub(super) struct Solution {
    pub(super) domains: Vec<Bits>,
    pub(super) texts: BTreeMap<usize, String>,
}

/// A search over the cells of a space. Texts that no cell stands for are looked for where a branch needs one.
pub(super) struct Search<'s, 'a> {
    space: &'s Space<'a>,
    languages: BTreeMap<usize, Language<'a>>,
    /// Why a branch was left without being decided, the first time that one was.
    pub(super) undecided: Option<UndecidedReason>,
}

/// A point of the search: what each attribute may still be, and which alternatives are still open.
#[derive(Clone)]
struct State<'f> {
    domains: Vec<Bits>,
    open: Vec<&'f [Formula]>,
    /// What is wanted of texts that were not worked out, by attribute.
    wanted: Vec<(usize, &'f Wanted)>,
    /// The texts that were found, each for so many of these wants.
    texts: BTreeMap<usize, (usize, String)>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(space: &'s Space<'a>) -> Self {
        Self { space, languages: BTreeMap::new(), undecided: None }
    }

    /// Looks for values within the domains, of which at most so many attributes must be present.
    ///
    /// Returns `None` where there are none, and also where branches were left undecided: see [`Self::undecided`].
    pub(super) fn solve(
        &mut self,
        domains: Vec<Bits>,
        most: usize,
        budget: &mut Budget,
    ) -> Result<Option<Solution>, Exceeded> {
        let start = State { domains, open: Vec::new(), wanted: Vec::new(), texts: BTreeMap::new() };
        let mut branches = vec![(start, &self.space.formula)];
        while let Some((mut state, assumed)) = branches.pop() {
            if !state.assume(assumed, budget)?
                || state.present(self.space) > most
                || !self.find_texts(&mut state, budget)?
            {
                continue;
            }
            let mut fewest: Option<(usize, Vec<&Formula>)> = None;
            for (at, parts) in state.open.iter().enumerate() {
                let parts = possible(parts, &state.domains, budget)?;
                if fewest.as_ref().is_none_or(|(_, few)| parts.len() < few.len()) {
                    fewest = Some((at, parts));
                }
            }
            let Some((at, parts)) = fewest else {
                let texts = state.texts.into_iter().map(|(attribute, (_, text))| (attribute, text)).collect();
                return Ok(Some(Solution { domains: state.domains, texts }));
            };
            state.open.swap_remove(at);
            let words: usize = state.domains.iter().map(Bits::words).sum();
            let size = state.open.len() + state.wanted.len() + words;
            for part in parts.into_iter().rev() {
                budget.spend(size)?;
                branches.push((state.clone(), part));
            }
        }
        Ok(None)
    }

    /// Finds a text for each attribute of which no known cell is left; false where there is none or it is undecided.
    fn find_texts(&mut self, state: &mut State<'_>, budget: &mut Budget) -> Result<bool, Exceeded> {
        for (at, (tested, domain)) in self.space.attributes.iter().zip(&state.domains).enumerate() {
            budget.spend(domain.words())?;
            if domain.meets(&tested.cells.known) {
                continue;
            }
            let without_named = match tested.cells.rest {
                Rest::UnnamedTexts => true,
                Rest::Texts => false,
                Rest::None | Rest::Values => {
                    self.leave(UndecidedReason::Combinations(tested.key.clone()));
                    return Ok(false);
                }
            };
            let wanted: Vec<&Wanted> =
                state.wanted.iter().filter(|(of, _)| *of == at).map(|(_, wanted)| *wanted).collect();
            if state.texts.get(&at).is_some_and(|(wants, _)| *wants == wanted.len()) {
                continue;
            }
            let language =
                self.languages.entry(at).or_insert_with(|| Language::new(&tested.tests, without_named));
            match language.find(&wanted, budget) {
                Found::Text(text) => _ = state.texts.insert(at, (wanted.len(), text)),
                Found::Nothing => return Ok(false),
                Found::Boundary => {
                    self.leave(UndecidedReason::Boundary(tested.key.clone()));
                    return Ok(false);
                }
                Found::Exceeded => {
                    self.leave(UndecidedReason::Combinations(tested.key.clone()));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn leave(&mut self, reason: UndecidedReason) {
        self.undecided.get_or_insert(reason);
    }
}

/// Returns the parts that can hold.
fn possible<'f>(
    parts: &'f [Formula],
    domains: &[Bits],
    budget: &mut Budget,
) -> Result<Vec<&'f Formula>, Exceeded> {
    let mut possible = Vec::new();
    for part in parts {
        if part.status(domains, budget)? != Some(false) {
            possible.push(part);
        }
    }
    Ok(possible)
}

impl<'f> State<'f> {
    /// Returns how many attributes cannot be missing.
    fn present(&self, space: &Space<'_>) -> usize {
        let pairs = space.attributes.iter().zip(&self.domains);
        pairs.filter(|(tested, domain)| !domain.contains(tested.cells.missing)).count()
    }

    /// Assumes a formula and what follows from it; false where it cannot hold.
    fn assume(&mut self, formula: &'f Formula, budget: &mut Budget) -> Result<bool, Exceeded> {
        let mut todo = vec![formula];
        loop {
            let mut narrowed = false;
            while let Some(formula) = todo.pop() {
                budget.spend(1)?;
                match formula {
                    Formula::Atom(atom) => match self.narrow(atom) {
                        Some(by) => narrowed |= by,
                        None => return Ok(false),
                    },
                    Formula::All(parts) => todo.extend(parts),
                    Formula::Any(parts) => {
                        self.open.push(parts);
                        narrowed = true;
                    }
                }
            }
            if !narrowed {
                return Ok(true);
            }
            let mut open = Vec::with_capacity(self.open.len());
            for parts in std::mem::take(&mut self.open) {
                match self.settle(parts, budget)? {
                    Settled::Holds => {}
                    Settled::Fails => return Ok(false),
                    Settled::Only(part) => todo.push(part),
                    Settled::Open => open.push(parts),
                }
            }
            self.open = open;
        }
    }

    /// Narrows an attribute down to an atom; tells whether that changed its domain, `None` where nothing is left.
    fn narrow(&mut self, atom: &'f Atom) -> Option<bool> {
        let domain = self.domains.get_mut(atom.attribute)?;
        let narrowed = !domain.is_within(&atom.can);
        domain.keep(&atom.can);
        if domain.is_empty() {
            return None;
        }
        if let Some(wanted) = atom.wanted.as_ref().filter(|_| !domain.is_within(&atom.sure)) {
            self.wanted.push((atom.attribute, wanted));
        }
        Some(narrowed)
    }

    fn settle(&self, parts: &'f [Formula], budget: &mut Budget) -> Result<Settled<'f>, Exceeded> {
        let mut only = None;
        let mut many = false;
        for part in parts {
            match part.status(&self.domains, budget)? {
                Some(true) => return Ok(Settled::Holds),
                Some(false) => {}
                None => many |= only.replace(part).is_some(),
            }
        }
        Ok(match only {
            None => Settled::Fails,
            Some(_) if many => Settled::Open,
            Some(part) => Settled::Only(part),
        })
    }
}

/// What has become of alternatives under the domains.
enum Settled<'f> {
    Holds,
    Fails,
    Only(&'f Formula),
    Open,
}

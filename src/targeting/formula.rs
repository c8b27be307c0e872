//! A predicate as a formula over cells, and the search for an assignment of cells that satisfies it.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::cells::{Cells, cells};
use super::context::Attributes;
use crate::model::{AttributeKey, Predicate, Test};

/// A formula without negation: a predicate's negations have moved into its atoms.
#[derive(Debug)]
pub(super) enum Formula {
    /// The attribute's cell is one of these.
    Atom(usize, Bits),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// The attributes that predicates test, each with its cells.
pub(super) struct Space<'a> {
    pub(super) attributes: Vec<(&'a AttributeKey, Cells)>,
    pub(super) formula: Formula,
}

/// The search went on for too long.
pub(super) struct Exceeded;

/// What may still be spent, in visits of a formula's nodes.
pub(super) struct Budget(pub(super) usize);

impl Budget {
    fn spend(&mut self, cost: usize) -> Result<(), Exceeded> {
        self.0 = self.0.checked_sub(cost).ok_or(Exceeded)?;
        Ok(())
    }
}

impl<'a> Space<'a> {
    /// Divides the attributes that the predicates test into cells, and reads "all of them" as a formula.
    pub(super) fn new(predicates: &[&'a Predicate], declared: &Attributes) -> Self {
        let mut tests = BTreeMap::<&AttributeKey, Vec<&Test>>::new();
        for predicate in predicates {
            predicate.walk(&mut |key, test| tests.entry(key).or_default().push(test), &mut |_| ());
        }
        let attributes: Vec<_> =
            tests.into_iter().map(|(key, tests)| (key, cells(declared.get(key), &tests))).collect();
        let index = attributes.iter().enumerate().map(|(at, (key, _))| (*key, at)).collect();
        let mut reader = Reader { attributes: &attributes, index, next: vec![0; attributes.len()] };
        let formula = Formula::all(predicates.iter().map(|predicate| reader.read(predicate, true)).collect());
        Self { attributes, formula }
    }

    /// Returns the cells that are known, for each attribute.
    pub(super) fn known(&self) -> Vec<Bits> {
        self.attributes.iter().map(|(_, cells)| cells.known.clone()).collect()
    }

    /// Returns every cell, for each attribute.
    pub(super) fn every(&self) -> Vec<Bits> {
        let every = |(_, cells): &(&AttributeKey, Cells)| {
            let mut bits = Bits::none(cells.cells.len());
            (0..cells.cells.len()).for_each(|at| bits.insert(at));
            bits
        };
        self.attributes.iter().map(every).collect()
    }
}

/// Reads predicates in the order in which their tests were collected.
struct Reader<'s, 'a> {
    attributes: &'s [(&'a AttributeKey, Cells)],
    index: BTreeMap<&'a AttributeKey, usize>,
    next: Vec<usize>,
}

impl Reader<'_, '_> {
    fn read(&mut self, predicate: &Predicate, positive: bool) -> Formula {
        match predicate {
            Predicate::All(parts) | Predicate::Any(parts) => {
                let read = parts.iter().map(|part| self.read(part, positive)).collect();
                if matches!(predicate, Predicate::All(_)) == positive {
                    Formula::all(read)
                } else {
                    Formula::any(read)
                }
            }
            Predicate::Not(part) => self.read(part, !positive),
            // A segment that was left in matches nobody, as in `matches`.
            Predicate::Segment(_) if positive => Formula::Any(Vec::new()),
            Predicate::Segment(_) => Formula::All(Vec::new()),
            Predicate::Attribute(key, _) => self.atom(key, positive).unwrap_or(Formula::Any(Vec::new())),
        }
    }

    /// Returns the atom of the next test of an attribute; never `None`, since every test was collected.
    fn atom(&mut self, key: &AttributeKey, positive: bool) -> Option<Formula> {
        let attribute = *self.index.get(key)?;
        let next = self.next.get_mut(attribute)?;
        let (_, cells) = self.attributes.get(attribute)?;
        let set = if positive { cells.pass.get(*next) } else { cells.fail.get(*next) }?;
        *next += 1;
        Some(Formula::Atom(attribute, set.clone()))
    }
}

impl Formula {
    /// Joins parts that must all hold; atoms of one attribute become one.
    fn all(parts: Vec<Formula>) -> Self {
        Self::join(parts, true)
    }

    /// Joins parts of which one must hold; atoms of one attribute become one.
    fn any(parts: Vec<Formula>) -> Self {
        Self::join(parts, false)
    }

    fn join(parts: Vec<Formula>, all: bool) -> Self {
        let mut atoms = BTreeMap::<usize, Bits>::new();
        let mut others = Vec::new();
        let mut add = |part| match part {
            Self::Atom(attribute, set) => match atoms.entry(attribute) {
                std::collections::btree_map::Entry::Vacant(entry) => _ = entry.insert(set),
                std::collections::btree_map::Entry::Occupied(mut entry) if all => entry.get_mut().keep(&set),
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(&set),
            },
            other => others.push(other),
        };
        for part in parts {
            match part {
                Self::All(inner) if all => inner.into_iter().for_each(&mut add),
                Self::Any(inner) if !all => inner.into_iter().for_each(&mut add),
                part => add(part),
            }
        }
        let mut joined: Vec<_> =
            atoms.into_iter().map(|(attribute, set)| Self::Atom(attribute, set)).collect();
        joined.append(&mut others);
        match (joined.pop(), joined.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                joined.extend(last);
                if all { Self::All(joined) } else { Self::Any(joined) }
            }
        }
    }

    /// Tells whether the formula holds, or fails, whatever cells of the domains are chosen; `None`: it depends.
    pub(super) fn status(&self, domains: &[Bits], budget: &mut Budget) -> Result<Option<bool>, Exceeded> {
        budget.spend(1)?;
        let (parts, all) = match self {
            Self::Atom(attribute, set) => {
                budget.spend(set.words())?;
                return Ok(domains.get(*attribute).and_then(|domain| match domain.is_within(set) {
                    true => Some(true),
                    false if !domain.meets(set) => Some(false),
                    false => None,
                }));
            }
            Self::All(parts) => (parts, true),
            Self::Any(parts) => (parts, false),
        };
        let mut depends = false;
        for part in parts {
            match part.status(domains, budget)? {
                Some(holds) if holds != all => return Ok(Some(holds)),
                Some(_) => {}
                None => depends = true,
            }
        }
        Ok((!depends).then_some(all))
    }
}

/// A point of the search: what each attribute may still be, and which alternatives are still open.
struct State<'f> {
    domains: Vec<Bits>,
    open: Vec<&'f [Formula]>,
}

/// Returns domains of which every choice of cells satisfies the formula; `None` where no choice of cells does.
pub(super) fn solve(
    formula: &Formula,
    domains: Vec<Bits>,
    budget: &mut Budget,
) -> Result<Option<Vec<Bits>>, Exceeded> {
    let mut branches = vec![(State { domains, open: Vec::new() }, formula)];
    while let Some((mut state, assumed)) = branches.pop() {
        if !state.assume(assumed, budget)? {
            continue;
        }
        let mut fewest: Option<(usize, Vec<&Formula>)> = None;
        for (at, parts) in state.open.iter().enumerate() {
            let parts = possible(parts, &state.domains, budget)?;
            if fewest.as_ref().is_none_or(|(_, few)| parts.len() < few.len()) {
                fewest = Some((at, parts));
            }
        }
        let Some((at, parts)) = fewest else { return Ok(Some(state.domains)) };
        state.open.swap_remove(at);
        let size = state.open.len() + state.domains.iter().map(Bits::words).sum::<usize>();
        for part in parts.into_iter().rev() {
            budget.spend(size)?;
            branches.push((State { domains: state.domains.clone(), open: state.open.clone() }, part));
        }
    }
    Ok(None)
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
    /// Assumes a formula and what follows from it; false where it cannot hold.
    fn assume(&mut self, formula: &'f Formula, budget: &mut Budget) -> Result<bool, Exceeded> {
        let mut todo = vec![formula];
        loop {
            let mut narrowed = false;
            while let Some(formula) = todo.pop() {
                budget.spend(1)?;
                match formula {
                    Formula::Atom(attribute, set) => {
                        let Some(domain) = self.domains.get_mut(*attribute) else { return Ok(false) };
                        if !domain.is_within(set) {
                            domain.keep(set);
                            narrowed = true;
                        }
                        if domain.is_empty() {
                            return Ok(false);
                        }
                    }
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

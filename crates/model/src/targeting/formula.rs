//! Audiences as a formula over the cells of its attributes, without negation.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::budget::{Budget, Exceeded};
use super::cells::{Cells, Rest, cells};
use super::context::Attributes;
use super::wanted::Wanted;
use crate::{AttributeKey, Predicate, Test};

/// A formula without negation: an audience's negations have moved into its atoms.
#[derive(Debug)]
pub(super) enum Formula {
    Atom(Atom),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// What is asked of one attribute.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// The attribute's index.
    pub(super) attribute: usize,
    /// The cells of which some value satisfies it.
    pub(super) can: Bits,
    /// The cells of which every value does, as far as that is known.
    pub(super) sure: Bits,
    /// The tests behind it, where the attribute has texts that were not worked out.
    pub(super) wanted: Option<Wanted>,
}

/// An attribute that audiences test.
pub(super) struct Tested<'a> {
    pub(super) key: &'a AttributeKey,
    /// In the order in which the audiences name them.
    pub(super) tests: Vec<&'a Test>,
    pub(super) cells: Cells,
}

/// The attributes that audiences test, each with its cells.
pub(super) struct Space<'a> {
    pub(super) attributes: Vec<Tested<'a>>,
    pub(super) formula: Formula,
}

/// An audience that a context is asked to match, or not to match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) audience: &'a Predicate,
    pub(super) matches: bool,
    /// Other names for some attributes.
    pub(super) names: Option<&'a Names>,
}

/// Names of attributes, each with another one.
pub(super) type Names = BTreeMap<AttributeKey, AttributeKey>;

impl<'a> Asked<'a> {
    pub(super) const fn to_match(audience: &'a Predicate) -> Self {
        Self { audience, matches: true, names: None }
    }

    pub(super) const fn not_to_match(audience: &'a Predicate) -> Self {
        Self { audience, matches: false, names: None }
    }

    fn name(self, key: &'a AttributeKey) -> &'a AttributeKey {
        self.names.and_then(|names| names.get(key)).unwrap_or(key)
    }
}

impl<'a> Space<'a> {
    /// Divides the attributes that the audiences test into cells, and reads "as all of them ask" as a formula.
    pub(super) fn new(asked: &[Asked<'a>], declared: &Attributes) -> Self {
        let mut tests = BTreeMap::<&AttributeKey, Vec<&Test>>::new();
        for asked in asked {
            asked
                .audience
                .walk(&mut |key, test| tests.entry(asked.name(key)).or_default().push(test), &mut |_| ());
        }
        let tested = |(key, tests): (&'a AttributeKey, Vec<&'a Test>)| {
            let cells = cells(declared.get(key), &tests);
            Tested { key, tests, cells }
        };
        let attributes: Vec<_> = tests.into_iter().map(tested).collect();
        let index = attributes.iter().enumerate().map(|(at, tested)| (tested.key, at)).collect();
        let mut reader = Reader { attributes: &attributes, index, next: vec![0; attributes.len()] };
        let formula = Formula::join(asked.iter().map(|asked| reader.read(*asked)).collect(), true);
        Self { attributes, formula }
    }

    /// Returns the cells that are known, for each attribute.
    pub(super) fn known(&self) -> Vec<Bits> {
        self.attributes.iter().map(|tested| tested.cells.known.clone()).collect()
    }

    /// Returns every cell, for each attribute.
    pub(super) fn every(&self) -> Vec<Bits> {
        let every = |tested: &Tested<'_>| {
            let mut bits = Bits::none(tested.cells.cells.len());
            (0..tested.cells.cells.len()).for_each(|at| bits.insert(at));
            bits
        };
        self.attributes.iter().map(every).collect()
    }
}

/// Reads audiences in the order in which their tests were collected.
struct Reader<'s, 'a> {
    attributes: &'s [Tested<'a>],
    index: BTreeMap<&'a AttributeKey, usize>,
    next: Vec<usize>,
}

impl<'a> Reader<'_, 'a> {
    /// Reads an audience. The stack is kept by hand, so that no depth overflows the program's.
    fn read(&mut self, asked: Asked<'a>) -> Formula {
        struct Open<'p> {
            rest: std::slice::Iter<'p, Predicate>,
            positive: bool,
            all: bool,
            read: Vec<Formula>,
        }
        let mut open: Vec<Open<'_>> = Vec::new();
        let (mut at, mut positive) = (asked.audience, asked.matches);
        loop {
            let mut done = match at {
                Predicate::All(parts) | Predicate::Any(parts) => {
                    let all = matches!(at, Predicate::All(_)) == positive;
                    open.push(Open { rest: parts.iter(), positive, all, read: Vec::new() });
                    None
                }
                Predicate::Not(part) => {
                    (at, positive) = (part, !positive);
                    continue;
                }
                // A segment that was left in matches nobody, as in `matches`.
                Predicate::Segment(_) => Some(Formula::join(Vec::new(), !positive)),
                Predicate::Attribute(key, _) => {
                    Some(self.atom(asked.name(key), positive).unwrap_or(Formula::Any(Vec::new())))
                }
            };
            loop {
                let Some(parts) = open.last_mut() else {
                    return done.unwrap_or(Formula::Any(Vec::new()));
                };
                parts.read.extend(done.take());
                if let Some(part) = parts.rest.next() {
                    (at, positive) = (part, parts.positive);
                    break;
                }
                done = open.pop().map(|parts| Formula::join(parts.read, parts.all));
            }
        }
    }

    /// Returns the atom of the next test of an attribute; never `None`, since every test was collected.
    fn atom(&mut self, key: &AttributeKey, positive: bool) -> Option<Formula> {
        let attribute = *self.index.get(key)?;
        let next = self.next.get_mut(attribute)?;
        let Cells { pass, fail, rest, .. } = &self.attributes.get(attribute)?.cells;
        let (can, cannot) = if positive { (pass, fail) } else { (fail, pass) };
        let can = can.get(*next)?.clone();
        let mut sure = can.clone();
        sure.remove(cannot.get(*next)?);
        let texts = matches!(rest, Rest::UnnamedTexts | Rest::Texts);
        let wanted = texts.then(|| Wanted::test(*next, positive));
        *next += 1;
        Some(Formula::Atom(Atom { attribute, can, sure, wanted }))
    }
}

impl Atom {
    /// Joins atoms of one attribute; `None` where there are none.
    fn join(atoms: Vec<Atom>, all: bool) -> Option<Self> {
        let mut atoms = atoms.into_iter();
        let mut joined = atoms.next()?;
        let mut wanted: Vec<Wanted> = joined.wanted.take().into_iter().collect();
        for atom in atoms {
            if all {
                joined.can.keep(&atom.can);
                joined.sure.keep(&atom.sure);
            } else {
                joined.can.add(&atom.can);
                joined.sure.add(&atom.sure);
            }
            wanted.extend(atom.wanted);
        }
        joined.wanted = (!wanted.is_empty()).then(|| Wanted::join(wanted, all));
        Some(joined)
    }
}

impl Formula {
    /// Joins parts of which all must hold, or one; atoms of one attribute become one.
    fn join(parts: Vec<Formula>, all: bool) -> Self {
        let mut atoms = BTreeMap::<usize, Vec<Atom>>::new();
        let mut joined = Vec::new();
        let mut others = Vec::new();
        let mut add = |part| match part {
            Self::Atom(atom) => atoms.entry(atom.attribute).or_default().push(atom),
            other => others.push(other),
        };
        for part in parts {
            match part {
                Self::All(inner) if all => inner.into_iter().for_each(&mut add),
                Self::Any(inner) if !all => inner.into_iter().for_each(&mut add),
                part => add(part),
            }
        }
        joined.extend(atoms.into_values().filter_map(|atoms| Atom::join(atoms, all)).map(Self::Atom));
        joined.append(&mut others);
        match (joined.pop(), joined.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                joined.extend(last);
                if all { Self::All(joined) } else { Self::Any(joined) }
            }
        }
    }

    /// Tells whether the formula holds, or fails, whatever values of the domains are chosen; `None`: it depends, or
    /// more is not known.
    pub(super) fn status(&self, domains: &[Bits], budget: &mut Budget) -> Result<Option<bool>, Exceeded> {
        struct Open<'f> {
            rest: std::slice::Iter<'f, Formula>,
            all: bool,
            depends: bool,
        }
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut at = self;
        loop {
            budget.spend(1)?;
            let mut value = match at {
                Self::Atom(atom) => atom.status(domains, budget)?,
                Self::All(parts) | Self::Any(parts) => {
                    let all = matches!(at, Self::All(_));
                    open.push(Open { rest: parts.iter(), all, depends: false });
                    Some(all)
                }
            };
            at = loop {
                let Some(parts) = open.last_mut() else { return Ok(value) };
                if value.is_none_or(|holds| holds == parts.all) {
                    parts.depends |= value.is_none();
                    if let Some(part) = parts.rest.next() {
                        break part;
                    }
                    value = (!parts.depends).then_some(parts.all);
                }
                open.pop();
            };
        }
    }
}

impl Atom {
    fn status(&self, domains: &[Bits], budget: &mut Budget) -> Result<Option<bool>, Exceeded> {
        budget.spend(self.can.words())?;
        Ok(domains.get(self.attribute).and_then(|domain| match domain.is_within(&self.sure) {
            true => Some(true),
            false if !domain.meets(&self.can) => Some(false),
            false => None,
        }))
    }
}

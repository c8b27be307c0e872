//! The values of one attribute, divided into cells that its tests cannot distinguish.

use std::collections::{BTreeSet, HashMap};

use super::between::Depth;
use super::bits::Bits;
use super::{between, holds, texts};
use crate::{Attribute, AttributeType, Bound, Number, Scalar, Test, Version};

/// A set of values that pass and fail the same tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Represented by the most readable of them.
    Value(Scalar),
    /// The attribute is missing.
    Missing,
    /// Values that were not worked out: they may pass or fail most tests.
    Unknown,
}

/// The cells of one attribute under the tests that are put to it.
pub(super) struct Cells {
    /// The more readable ones first, then the missing one, then perhaps the unknown one.
    pub(super) cells: Vec<Cell>,
    /// For each test, the cells that can pass it.
    pub(super) pass: Vec<Bits>,
    /// For each test, the cells that can fail it; the unknown cell is often in both.
    pub(super) fail: Vec<Bits>,
    /// The cells that stand for values of which each test is decided.
    pub(super) known: Bits,
    /// The index of the missing cell.
    pub(super) missing: usize,
    /// What the values are that were not worked out.
    pub(super) rest: Rest,
    /// For each declared value, its cell.
    pub(super) declared: Vec<Option<usize>>,
}

/// What the values of an attribute are for which no cell was worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// There are none.
    None,
    /// Texts that no test names.
    UnnamedTexts,
    /// Texts, also some that a test names.
    Texts,
    /// Values of which nothing more is known.
    Values,
}

/// How many times values are put to tests at most, for one attribute.
const EVALUATIONS: usize = 2_000_000;

/// Divides the values of an attribute into cells. An attribute that is not declared is always missing.
pub(super) fn cells(attribute: Option<&Attribute>, tests: &[&Test]) -> Cells {
    let (mut values, complete) = attribute.map_or((Vec::new(), true), |attribute| values(attribute, tests));
    let affordable = EVALUATIONS / tests.len().max(1);
    let open = attribute.is_some_and(|a| a.values.is_empty() && a.kind == AttributeType::String);
    let rest = match (values.len() > affordable, open) {
        (true, true) => Rest::Texts,
        (true, false) => Rest::Values,
        // Other texts of the same prefixes, suffixes and parts may fare otherwise with the patterns.
        (false, true) if !complete || tests.iter().any(|test| matches!(test, Test::Matches(_))) => {
            Rest::UnnamedTexts
        }
        (false, _) if complete => Rest::None,
        (false, _) => Rest::Values,
    };
    values.truncate(affordable);
    let mut found = Found { signatures: HashMap::new(), cells: Vec::new(), verdicts: Vec::new() };
    for value in values {
        let verdicts = tests.iter().map(|test| Verdict::of(holds(test, Some(&value)))).collect();
        found.add(Cell::Value(value), verdicts);
    }
    let missing = found.add(Cell::Missing, tests.iter().map(|test| Verdict::of(holds(test, None))).collect());
    let known = found.cells.len();
    if rest != Rest::None {
        let verdict = |test: &&Test| match test {
            Test::Present(present) => Verdict::of(*present),
            Test::In(_) if rest == Rest::UnnamedTexts => Verdict::of(false),
            _ => Verdict::EITHER,
        };
        found.unknown(tests.iter().map(verdict).collect());
    }
    let declared = attribute.map_or(&[][..], |attribute| &attribute.values);
    let cell_of = |(value, _): &(Scalar, _)| {
        let verdicts: Vec<_> = tests.iter().map(|test| Verdict::of(holds(test, Some(value)))).collect();
        found.signatures.get(&verdicts).copied()
    };
    let declared = declared.iter().map(cell_of).collect();
    found.finish(tests.len(), known, missing, rest, declared)
}

/// Whether the values of a cell can pass a test, and whether they can fail it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Verdict {
    pass: bool,
    fail: bool,
}

impl Verdict {
    const EITHER: Self = Self { pass: true, fail: true };

    const fn of(holds: bool) -> Self {
        Self { pass: holds, fail: !holds }
    }
}

/// The cells found so far, by the answers of the tests.
struct Found {
    signatures: HashMap<Vec<Verdict>, usize>,
    cells: Vec<Cell>,
    verdicts: Vec<Vec<Verdict>>,
}

impl Found {
    /// Adds a cell, unless there is one of the same verdicts; returns the index of the one that there is.
    fn add(&mut self, cell: Cell, verdicts: Vec<Verdict>) -> usize {
        let next = self.cells.len();
        let at = *self.signatures.entry(verdicts.clone()).or_insert(next);
        if at == next {
            self.cells.push(cell);
            self.verdicts.push(verdicts);
        }
        at
    }

    fn unknown(&mut self, verdicts: Vec<Verdict>) {
        self.cells.push(Cell::Unknown);
        self.verdicts.push(verdicts);
    }

    fn finish(
        self,
        tests: usize,
        known_cells: usize,
        missing: usize,
        rest: Rest,
        declared: Vec<Option<usize>>,
    ) -> Cells {
        let size = self.cells.len();
        let mut pass = vec![Bits::none(size); tests];
        let mut fail = vec![Bits::none(size); tests];
        let mut known = Bits::none(size);
        for (at, verdicts) in self.verdicts.iter().enumerate() {
            if at < known_cells {
                known.insert(at);
            }
            for ((verdict, pass), fail) in verdicts.iter().zip(&mut pass).zip(&mut fail) {
                if verdict.pass {
                    pass.insert(at);
                }
                if verdict.fail {
                    fail.insert(at);
                }
            }
        }
        Cells { cells: self.cells, pass, fail, known, missing, rest, declared }
    }
}

/// Returns values of the declared type that represent all that occur, and whether they do.
fn values(attribute: &Attribute, tests: &[&Test]) -> (Vec<Scalar>, bool) {
    let named =
        || tests.iter().filter_map(|test| if let Test::In(set) = test { Some(set) } else { None }).flatten();
    let fits = |scalar: &&Scalar| of_type(scalar, attribute.kind);
    if !attribute.values.is_empty() {
        // Closed, but what a test names is looked at too: where two audiences name one undeclared value, they meet.
        let declared = attribute.values.iter().map(|(scalar, _)| scalar).filter(fits);
        let mut seen = BTreeSet::new();
        let values = declared.chain(named().filter(fits)).filter(|scalar| seen.insert(*scalar));
        return (values.cloned().collect(), true);
    }
    match attribute.kind {
        AttributeType::Boolean => ([true, false].map(Scalar::Boolean).to_vec(), true),
        AttributeType::String => {
            let texts = texts::texts(tests);
            (texts.candidates.into_iter().map(Scalar::String).collect(), texts.complete)
        }
        AttributeType::Number => {
            let (low, high) = (attribute.min.and_then(Number::new), attribute.max.and_then(Number::new));
            let mut points: BTreeSet<Number> = tests.iter().filter_map(|test| number_bound(test)).collect();
            points.extend(
                named().filter_map(|scalar| if let Scalar::Number(n) = scalar { Some(*n) } else { None }),
            );
            points.extend(low.iter().chain(&high));
            let occurs = |n: &Number| low.is_none_or(|low| low <= *n) && high.is_none_or(|high| *n <= high);
            let gap = |low: Option<&Number>, high: Option<&Number>| {
                between::number_between(low.copied(), high.copied())
            };
            (spread(&points, gap).into_iter().filter(occurs).map(Scalar::Number).collect(), true)
        }
        AttributeType::Version | AttributeType::LenientVersion => {
            let depth = if attribute.kind == AttributeType::Version { Depth::Three } else { Depth::Four };
            let mut points: BTreeSet<Version> = tests.iter().filter_map(|test| version_bound(test)).collect();
            points.extend(
                named().filter_map(|s| if let Scalar::Version(v) = s { Some(v.clone()) } else { None }),
            );
            let complete = points.iter().all(between::has_successor);
            let gap =
                |low: Option<&Version>, high: Option<&Version>| between::version_between(low, high, depth);
            (spread(&points, gap).into_iter().map(Scalar::Version).collect(), complete)
        }
    }
}

/// Returns the points, then what is between them, below the first and above the last.
fn spread<T: Ord + Clone>(points: &BTreeSet<T>, gap: impl Fn(Option<&T>, Option<&T>) -> Option<T>) -> Vec<T> {
    let ends = || std::iter::once(None);
    let lows = ends().chain(points.iter().map(Some));
    let highs = points.iter().map(Some).chain(ends());
    let mut gaps: Vec<T> = lows.zip(highs).filter_map(|(low, high)| gap(low, high)).collect();
    // What is below everything reads worst.
    gaps.reverse();
    points.iter().cloned().chain(gaps).collect()
}

fn of_type(scalar: &Scalar, kind: AttributeType) -> bool {
    matches!(
        (scalar, kind),
        (Scalar::String(_), AttributeType::String)
            | (Scalar::Number(_), AttributeType::Number)
            | (Scalar::Boolean(_), AttributeType::Boolean)
            | (Scalar::Version(_), AttributeType::Version | AttributeType::LenientVersion)
    )
}

fn bound(test: &Test) -> Option<&Bound> {
    match test {
        Test::AtLeast(bound) | Test::Above(bound) | Test::AtMost(bound) | Test::Below(bound) => Some(bound),
        _ => None,
    }
}

fn number_bound(test: &Test) -> Option<Number> {
    if let Bound::Number(number) = bound(test)? { Some(*number) } else { None }
}

fn version_bound(test: &Test) -> Option<Version> {
    if let Bound::Version(version) = bound(test)? { Some(version.clone()) } else { None }
}

//! The values of one attribute, divided into cells that its tests cannot tell apart.

use std::collections::{BTreeSet, HashMap};

use super::bits::Bits;
use super::{between, holds, texts};
use crate::model::{Attribute, AttributeType, Bound, Number, Scalar, Test, Version};

/// A set of values that pass and fail the same tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Represented by the most readable of them.
    Value(Scalar),
    /// The attribute is missing.
    Missing,
    /// Values that were not worked out: they may pass or fail the tests that are listed as undecided.
    Unknown,
}

/// The cells of one attribute under the tests that are put to it.
pub(super) struct Cells {
    /// The more readable ones first, then the missing one, then unknown ones.
    pub(super) cells: Vec<Cell>,
    /// For each test, the cells that can pass it.
    pub(super) pass: Vec<Bits>,
    /// For each test, the cells that can fail it; unknown cells are often in both.
    pub(super) fail: Vec<Bits>,
    /// The cells that stand for values of which each test is decided.
    pub(super) known: Bits,
    /// For each declared value, its cell.
    pub(super) declared: Vec<Option<usize>>,
}

/// How many times values are put to tests at most, for one attribute.
const EVALUATIONS: usize = 2_000_000;

/// Divides the values of an attribute into cells. An attribute that is not declared is always missing.
pub(super) fn cells(attribute: Option<&Attribute>, tests: &[&Test]) -> Cells {
    let (mut values, mut complete) =
        attribute.map_or((Vec::new(), true), |attribute| values(attribute, tests));
    let affordable = EVALUATIONS / tests.len().max(1);
    if values.len() > affordable {
        values.truncate(affordable);
        complete = false;
    }
    let closed = attribute.is_none_or(|attribute| !attribute.values.is_empty());
    let has_patterns = tests.iter().any(|test| matches!(test, Test::Matches(_)));
    let mut found = Found { signatures: HashMap::new(), cells: Vec::new(), verdicts: Vec::new() };
    let named: BTreeSet<&Scalar> = tests
        .iter()
        .filter_map(|test| if let Test::In(set) = test { Some(set) } else { None })
        .flatten()
        .collect();
    let mut unknown = Vec::new();
    for value in values {
        let verdicts: Vec<_> = tests.iter().map(|test| Verdict::of(holds(test, Some(&value)))).collect();
        if complete && has_patterns && !closed && !named.contains(&value) {
            // Other texts of the same prefixes, suffixes and parts may fare otherwise with the patterns.
            let open = tests.iter().zip(&verdicts);
            let pattern = |test: &&Test| matches!(test, Test::Matches(_));
            unknown.push(open.map(|(test, v)| if pattern(test) { Verdict::EITHER } else { *v }).collect());
        }
        found.add(Cell::Value(value), verdicts);
    }
    found.add(Cell::Missing, tests.iter().map(|test| Verdict::of(holds(test, None))).collect());
    let known = found.cells.len();
    for verdicts in unknown {
        found.add(Cell::Unknown, verdicts);
    }
    if !complete {
        let present = |test: &&Test| match test {
            Test::Present(present) => Verdict::of(*present),
            _ => Verdict::EITHER,
        };
        found.add(Cell::Unknown, tests.iter().map(present).collect());
    }
    let declared = attribute.map_or(&[][..], |attribute| &attribute.values);
    let cell_of = |(value, _): &(Scalar, _)| {
        let verdicts: Vec<_> = tests.iter().map(|test| Verdict::of(holds(test, Some(value)))).collect();
        found.signatures.get(&verdicts).copied()
    };
    let declared = declared.iter().map(cell_of).collect();
    found.finish(tests.len(), known, declared)
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

/// The cells found so far, by what the tests say of them.
struct Found {
    signatures: HashMap<Vec<Verdict>, usize>,
    cells: Vec<Cell>,
    verdicts: Vec<Vec<Verdict>>,
}

impl Found {
    fn add(&mut self, cell: Cell, verdicts: Vec<Verdict>) {
        if !self.signatures.contains_key(&verdicts) {
            self.signatures.insert(verdicts.clone(), self.cells.len());
            self.cells.push(cell);
            self.verdicts.push(verdicts);
        }
    }

    fn finish(self, tests: usize, known_cells: usize, declared: Vec<Option<usize>>) -> Cells {
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
        Cells { cells: self.cells, pass, fail, known, declared }
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
        AttributeType::Version => {
            let mut points: BTreeSet<Version> = tests.iter().filter_map(|test| version_bound(test)).collect();
            points.extend(
                named().filter_map(|s| if let Scalar::Version(v) = s { Some(v.clone()) } else { None }),
            );
            let complete = points.iter().all(between::has_successor);
            (spread(&points, between::version_between).into_iter().map(Scalar::Version).collect(), complete)
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
            | (Scalar::Version(_), AttributeType::Version)
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

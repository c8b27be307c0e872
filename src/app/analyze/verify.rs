//! An outcome computed again from its commit and its data, and compared with what was stored.

use std::path::Path;

use serde_json::Value;

use crate::app::AppError;
use trialbook_analysis::Outcome;
use trialbook_history::{Commit, HistoryError, Repository};
use trialbook_language::load::{self, Loaded};
use trialbook_model::{Book, ExperimentKey};

/// How far two numbers may be apart, as a share of the larger one, where the program or the engine is another one: the last digits
/// of a sum depend on how an engine adds. The same ones give the same bits.
const ROUNDING: f64 = 1e-9;

/// Fields that hold no result: what made it, how, what somebody may do about it, and counts of whole sources, in which rows after
/// the watermark are too. Nor is what an earlier outcome showed.
const NO_RESULT: [&str; 8] =
    ["version", "tool", "engine", "queries", "releases", "sources", "past_looks", Outcome::DIGEST];

/// Checks that count the rows of whole sources. What they found is compared, and not how many rows there were.
const OF_WHOLE_SOURCES: [&str; 2] = ["unusable-rows", "day-stamps"];

/// Fields whose values tell one item of a list from another, in the order in which they name it.
const NAMES: [&str; 5] = ["metric", "treatment", "variant", "kind", "source"];

/// Why an outcome cannot be computed again.
#[derive(Debug)]
pub enum NotVerifiable {
    /// It was made from a book outside git.
    OutsideGit,
    /// This book is in no git repository.
    NoRepository,
    /// It is of another book.
    OtherBook {
        /// The outcome's.
        outcome: String,
        /// The book at the outcome's commit.
        here: String,
    },
    /// Its commit is not in this clone.
    CommitMissing {
        /// Which.
        commit: String,
    },
    /// The book at its commit has errors.
    BookErrors {
        /// The commit.
        commit: String,
        /// How many.
        errors: usize,
    },
    /// The book at its commit does not have the experiment.
    NoExperiment {
        /// The commit.
        commit: String,
        /// The experiment.
        experiment: ExperimentKey,
    },
    /// Anything else.
    App(AppError),
}

impl From<HistoryError> for NotVerifiable {
    fn from(error: HistoryError) -> Self {
        Self::App(error.into())
    }
}

/// The book from which an outcome was made.
#[derive(Debug)]
pub struct Verifying {
    /// The commit.
    pub commit: Commit,
    /// What was read there.
    pub loaded: Loaded,
    /// The book.
    pub book: Book,
}

impl Verifying {
    /// Reads the book at an outcome's commit.
    ///
    /// # Errors
    ///
    /// As [`NotVerifiable`] lists them.
    pub fn read(root: &Path, outcome: &Outcome) -> Result<Self, NotVerifiable> {
        let commit = outcome.book.commit.as_deref().ok_or(NotVerifiable::OutsideGit)?;
        let repository = Repository::of_book(root)?.ok_or(NotVerifiable::NoRepository)?;
        let commit = Commit::parse(commit)?;
        let id = || commit.as_str().to_owned();
        if repository.described(&commit)?.is_none() {
            return Err(NotVerifiable::CommitMissing { commit: id() });
        }
        let loaded = load::load(repository.files_at(&commit)?);
        let Some(book) = loaded.book.clone() else {
            return Err(NotVerifiable::BookErrors { commit: id(), errors: loaded.findings.len() });
        };
        if book.name != outcome.book.name {
            return Err(NotVerifiable::OtherBook {
                outcome: outcome.book.name.clone(),
                here: book.name.clone(),
            });
        }
        let experiment = &outcome.experiment.key;
        if !book.experiments.contains_key(experiment) {
            return Err(NotVerifiable::NoExperiment { commit: id(), experiment: experiment.clone() });
        }
        Ok(Self { commit, loaded, book })
    }
}

/// What a comparison of an outcome with the one that was computed again came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What differs, the verdicts first; empty: nothing.
    pub differences: Vec<Difference>,
    /// Whether the same version of the program and of the engine computed both. Else numbers that agree but for rounding are the
    /// same.
    pub same_program: bool,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where it is in the outcome: names of fields, and of the items of lists.
    pub place: Vec<String>,
    /// What the outcome has; `None`: nothing there.
    pub stored: Option<Value>,
    /// What was computed.
    pub computed: Option<Value>,
}

/// Compares an outcome with the one that was computed again.
///
/// # Errors
///
/// As [`serde_json::to_value`]; none is known.
pub fn compared(stored: &Outcome, computed: &Outcome) -> Result<Verified, serde_json::Error> {
    let same_program = stored.tool == computed.tool && stored.engine == computed.engine;
    let mut comparison = Comparison {
        tolerance: if same_program { 0.0 } else { ROUNDING },
        place: Vec::new(),
        found: Vec::new(),
    };
    let (mut stored, mut computed) = (serde_json::to_value(stored)?, serde_json::to_value(computed)?);
    without_counts(&mut stored);
    without_counts(&mut computed);
    let empty = serde_json::Map::new();
    let fields = |value: &'_ Value| value.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (stored, computed) = (fields(&stored), fields(&computed));
    let mut names: Vec<&String> = stored.keys().chain(computed.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| !NO_RESULT.contains(&name.as_str()));
    // What a reader acts on comes first.
    let first = ["verdicts", "best", "units", "metrics"];
    names.sort_by_key(|name| first.iter().position(|other| *other == name.as_str()).unwrap_or(first.len()));
    for name in names {
        comparison.at(name.clone(), stored.get(name), computed.get(name));
    }
    Ok(Verified { differences: comparison.found, same_program })
}

/// Takes the numbers of rows out of the checks of whole sources.
fn without_counts(outcome: &mut Value) {
    let checks = outcome.get_mut("quality").and_then(Value::as_array_mut);
    for check in checks.into_iter().flatten().filter_map(Value::as_object_mut) {
        let kind = check.get("kind").and_then(Value::as_str).unwrap_or_default();
        if OF_WHOLE_SOURCES.contains(&kind) {
            check.shift_remove("observed");
            check.shift_remove("detail");
        }
    }
}

struct Comparison {
    tolerance: f64,
    place: Vec<String>,
    found: Vec<Difference>,
}

impl Comparison {
    fn at(&mut self, name: String, stored: Option<&Value>, computed: Option<&Value>) {
        self.place.push(name);
        self.compare(stored, computed);
        self.place.pop();
    }

    /// Compares two values, field by field and item by item. JSON that an outcome is read from is nested to a bounded depth.
    fn compare(&mut self, stored: Option<&Value>, computed: Option<&Value>) {
        match (stored, computed) {
            // A field that is left out is one that is null.
            (None | Some(Value::Null), None | Some(Value::Null)) => {}
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let added = b.keys().filter(|key| !a.contains_key(*key));
                for key in a.keys().chain(added) {
                    self.at(key.clone(), a.get(key), b.get(key));
                }
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => self.lists(a, b),
            (Some(Value::Number(a)), Some(Value::Number(b))) if self.agree(a, b) => {}
            (a, b) if a == b => {}
            (a, b) => self.found.push(Difference {
                place: self.place.clone(),
                stored: a.cloned(),
                computed: b.cloned(),
            }),
        }
    }

    /// Compares lists: items by their names where all have different ones, else by their positions.
    fn lists(&mut self, a: &[Value], b: &[Value]) {
        let (names_a, names_b) = (names(a), names(b));
        let (Some(names_a), Some(names_b)) = (names_a, names_b) else {
            for at in 0..a.len().max(b.len()) {
                self.at((at + 1).to_string(), a.get(at), b.get(at));
            }
            return;
        };
        for (name, item) in names_a.iter().zip(a) {
            let other = names_b.iter().position(|other| other == name).and_then(|at| b.get(at));
            self.at(name.clone(), Some(item), other);
        }
        for (name, item) in names_b.iter().zip(b).filter(|(name, _)| !names_a.contains(name)) {
            self.at(name.clone(), None, Some(item));
        }
    }

    fn agree(&self, a: &serde_json::Number, b: &serde_json::Number) -> bool {
        match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => (x - y).abs() <= self.tolerance * x.abs().max(y.abs()),
            _ => a == b,
        }
    }
}

/// Returns the names of a list's items, where each has one of its own.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let name = |item: &Value| -> Option<String> {
        let parts = NAMES.iter().filter_map(|field| item.get(*field)?.as_str());
        let within = item.get("within").and_then(Value::as_array).into_iter().flatten();
        let parts: Vec<&str> = parts.chain(within.filter_map(Value::as_str)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
    let different: std::collections::BTreeSet<&String> = names.iter().collect();
    (different.len() == names.len()).then_some(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(a: &Value, b: &Value, tolerance: f64) -> Vec<String> {
        let mut comparison = Comparison { tolerance, place: Vec::new(), found: Vec::new() };
        comparison.compare(Some(a), Some(b));
        comparison.found.iter().map(|one| one.place.join(" › ")).collect()
    }

    #[test]
    fn items_are_compared_by_their_names_and_what_is_missing_on_one_side_differs() {
        let a = json!([{"metric": "a", "arms": [1, 2]}, {"metric": "b", "mean": 1.0}]);
        let b = json!([{"metric": "b", "mean": 2.0}, {"metric": "a", "arms": [1]}, {"metric": "c"}]);
        assert_eq!(differences(&a, &b, 0.0), ["a › arms › 2", "b › mean", "c"]);
        assert_eq!(differences(&a, &a, 0.0), Vec::<String>::new());
    }

    #[test]
    fn checks_of_parts_are_told_apart_and_lists_without_names_are_compared_in_order() {
        let check =
            |value: &str, p: f64| json!({"kind": "sample-ratio", "within": ["platform", value], "p": p});
        let a = json!([check("web", 0.1), check("ios", 0.2)]);
        let b = json!([check("ios", 0.2), check("web", 0.3)]);
        assert_eq!(differences(&a, &b, 0.0), ["sample-ratio platform web › p"]);
        assert_eq!(differences(&json!([1, 2]), &json!([2, 2]), 0.0), ["1"]);
    }

    #[test]
    fn rounding_is_a_difference_only_where_the_program_is_the_same() {
        let (a, b) = (json!({"p": 0.1}), json!({"p": 0.1 + 1e-12}));
        assert_eq!(differences(&a, &b, 0.0), ["p"]);
        assert!(differences(&a, &b, ROUNDING).is_empty());
        assert_eq!(differences(&a, &json!({"p": 0.1001}), ROUNDING), ["p"]);
        // A field that is not written is one that is null.
        assert!(differences(&json!({"best": null}), &json!({}), 0.0).is_empty());
    }
}

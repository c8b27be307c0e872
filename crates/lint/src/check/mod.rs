//! The lint rules, one file each, and their pages.
//!
//! A rule judges a valid [`Book`], or each part of one; what is wrong with a file itself, `load` has found before.
//! Adding a rule touches `rules/NAME.rs`, `rules/NAME.md` and one line of the registry.
//!
//! # What a rule may look at
//!
//! A check of a part ([`Rule::of_parts`](rule::Rule)) is made anew only when something changes that concerns the part.
//! So it may look at
//!
//! - the part, what it names, what that names, and so on: of an experiment its flag, layer, metrics, their sources, and
//!   the segments of all of them;
//! - the parts that name it ([`Book::uses`]), and what those lead to: of a flag its experiments and rollouts, of a layer
//!   its experiments, of a metric whoever measures it;
//! - `trialbook.yaml`, the holdouts, and the time: when these change, everything is judged anew.
//!
//! Two experiments are therefore compared by a check of what they share, the flag or the layer, not by one of an
//! experiment. A rule that needs more judges the book as a whole (`Rule::of_book`), which is done anew after every change:
//! it should cost a few milliseconds in a book of 20,000 files. [`Uses::concerned`](trialbook_model::Uses::concerned) is
//! this contract in code, and `tests/lint/workspace.rs` holds the rules to it.

mod audience;
pub mod baseline;
mod booking;
mod bound;
mod collision;
mod inspection;
mod date;
mod fingerprint;
mod flag_schema;
mod random;
mod reach;
mod registry;
mod rule;
mod rules;
mod starvation;
pub mod suppression;
mod text;
mod traffic;
mod unreachable;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rayon::prelude::*;

use trialbook_language::load::{Document, Documents, Loaded};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::targeting::Sample;
use trialbook_model::{Book, PartName, PartRef};

pub use bound::{MOST, MOST_OF_A_RULE, bounded};
pub use fingerprint::{Fingerprint, fingerprints};
pub use random::{RandomOverlap, Shared, random_overlaps};
pub use registry::{RULES, nearest, rule};
pub use rule::{Example, ExampleFile, Rule, Shows};

/// What a book is judged by, beside itself. A time alone will do: `check::run(&loaded, now)`.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// When now is.
    pub now: Timestamp,
    /// Contexts in which shares of traffic are measured. Without them they are what attributes declare.
    pub sample: Option<&'a Sample>,
    /// When files came into the book. Without it, who was there first is judged by slots and starts.
    pub history: Option<&'a dyn History>,
}

/// When the files of a book came into it.
pub trait History: std::fmt::Debug + Sync {
    /// Returns since when a file has been in the book, through moves between folders. Asked only for files that a finding has
    /// to choose among.
    fn arrival(&self, path: &str) -> Arrival;

    /// Tells whether any commit of the branch that is checked out holds a file; `None` where that is not known. Unlike the
    /// arrival, it costs no walk along the commits.
    fn is_committed(&self, path: &str) -> Option<bool>;
}

/// When a file came into a book; what came later is larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// It is not known.
    Unknown,
    /// With a commit of this time.
    At(Timestamp),
    /// With the change that is being made: it is in no commit yet, or not on the branch that is merged into.
    New,
}

impl From<Timestamp> for Given<'_> {
    fn from(now: Timestamp) -> Self {
        Self { now, sample: None, history: None }
    }
}

/// What was found in each part of a book; the book as a whole has the name [`PartName::book`].
pub type Judgement = BTreeMap<PartName, Vec<Diagnostic>>;

/// Returns everything that is wrong with what was loaded, in reading order.
///
/// What `load` found comes along. The rules run where there is a valid book; otherwise its problems come first.
/// What a comment suppresses is left out; what is wrong with such comments comes along.
pub fn run<'a>(loaded: &Loaded, given: impl Into<Given<'a>>) -> Vec<Diagnostic> {
    review(loaded, given).findings
}

/// Returns what [`run`] does, and what comments suppress.
pub fn review<'a>(loaded: &Loaded, given: impl Into<Given<'a>>) -> suppression::Review {
    let given = given.into();
    reviewed(found(loaded, given), loaded.book.as_ref(), &loaded.documents, given.now)
}

/// Takes out of the findings of a book, where there is one, what its comments suppress.
pub fn reviewed(
    findings: Vec<Diagnostic>,
    book: Option<&Book>,
    documents: &Documents,
    now: Timestamp,
) -> suppression::Review {
    let timezone = book.and_then(|book| trialbook_model::timezone(&book.timezone));
    suppression::apply(findings, documents, &now.to_zoned(timezone.unwrap_or(TimeZone::UTC)))
}

/// Does what [`reviewed`] does, for the findings of one file of a book: no other file matters to it. The document is
/// `None` where the file is not of the book.
///
/// A book is given where it is what the files declare, so that the rules have judged it.
pub fn reviewed_file(
    findings: Vec<Diagnostic>,
    book: Option<&Book>,
    document: Option<&Document>,
    now: Timestamp,
) -> Vec<Diagnostic> {
    let timezone = book.and_then(|book| trialbook_model::timezone(&book.timezone));
    let now_there = now.to_zoned(timezone.unwrap_or(TimeZone::UTC));
    suppression::apply_among(findings, document.into_iter(), book.is_some(), &now_there).findings
}

/// Returns everything that is found, whatever comments suppress.
fn found(loaded: &Loaded, given: Given<'_>) -> Vec<Diagnostic> {
    let mut found = loaded.findings.clone();
    if let Some(book) = &loaded.book {
        let judgement = judge_all(book, &loaded.documents, given);
        found.extend(judgement.into_values().flatten());
    }
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

/// Judges a book and every part of it. Where nothing is found, the result is empty.
pub fn judge_all<'a>(book: &Book, documents: &Documents, given: impl Into<Given<'a>>) -> Judgement {
    judge(book, documents, given.into(), book.parts().collect())
}

/// Judges some parts of a book; those that are not there have nothing wrong with them.
pub fn judge_some<'a>(
    book: &Book,
    documents: &Documents,
    given: impl Into<Given<'a>>,
    names: impl IntoIterator<Item = &'a PartName>,
) -> Judgement {
    let parts = names.into_iter().filter_map(|name| book.part(name.kind, &name.key));
    judge(book, documents, given.into(), parts.collect())
}

/// Judges parts of a book, and the book as a whole.
fn judge(book: &Book, documents: &Documents, given: Given<'_>, parts: Vec<PartRef<'_>>) -> Judgement {
    let context = inspection::Inspection::new(book, documents, given);
    let whole = || {
        let found = RULES.par_iter().map(|rule| {
            let mut found = Vec::new();
            rule.check_book(&context, &mut found);
            found
        });
        let found: Vec<_> = found.collect();
        (PartName::book(), found.into_iter().flatten().collect::<Vec<_>>())
    };
    let each = || {
        let found = parts.into_par_iter().filter_map(|part| {
            let mut found = Vec::new();
            RULES.iter().for_each(|rule| rule.check_part(&context, part, &mut found));
            (!found.is_empty()).then(|| (part.name(), found))
        });
        found.collect::<Vec<_>>()
    };
    let (whole, each) = rayon::join(whole, each);
    let found = std::iter::once(whole).chain(each);
    found.filter(|(_, found)| !found.is_empty()).collect()
}

/// Returns `docs/rules/README.md`: every rule by topic, with its first sentence and the way to its page.
pub fn index() -> String {
    let mut out = String::from(
        "# Rules\n\n<!-- Generated from crates/lint/src/check/rules. `UPDATE_DOCS=1 cargo test -p trialbook-lint rules` brings it up to date. -->\n\n\
         `trialbook explain RULE` shows a page in the terminal. The examples are laid over a small book and run \
         (`tests/rules/base`); `# in: FILE` begins only those keys of a file that matter.\n",
    );
    for rule in RULES {
        if let Some((topic, _)) = registry::TOPICS.iter().find(|(_, first)| *first == rule.name()) {
            out.push_str(&format!("\n## {topic}\n\n| rule | weighs | finds |\n| --- | --- | --- |\n"));
        }
        out.push_str(&format!(
            "| [`{}`](../../{}) | {} | {} |\n",
            rule.name(),
            rule.path(),
            rule.severity_word(),
            rule.summary().replace('|', "\\|")
        ));
    }
    out
}

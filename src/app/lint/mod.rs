//! What is wrong with a book or with a change of it, as far as it is asked for, and the edits that findings lead to.

mod choice;
mod error;
mod known;
mod merged;
mod notice;
mod open;
mod scope;
mod since;
mod suppress;

use std::path::Path;

use jiff::Timestamp;

use crate::github::OpenPull;
use trialbook_language::edit::fix::{self, Fixed};
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_lint::check::suppression::{self, Review};
use trialbook_lint::check::{self, Given};
use trialbook_model::diagnostic::{Applicability, Diagnostic};
use trialbook_model::targeting::Sample;

pub use choice::Choice;
pub use error::LintError;
pub use known::Known;
pub use merged::Merged;
pub use notice::Notice;
pub use open::{open, saved};
pub use scope::{Scope, leading};
pub use suppress::{Edited, Suppressed, suppress};

/// Which findings are asked for, and what they are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The book's folder: its repository knows since when files are there.
    pub root: &'a Path,
    /// Now.
    pub now: Timestamp,
    /// The part of the book whose findings are shown.
    pub scope: &'a Scope,
    /// The rules whose findings are shown.
    pub choice: &'a Choice,
    /// Contexts in which shares of traffic are measured.
    pub sample: Option<&'a Sample>,
    /// The findings that a baseline knows.
    pub known: Option<&'a Known>,
}

/// The findings that are shown, and how many are not.
#[derive(Debug, Default)]
pub struct Linted {
    /// The findings, in reading order: all of them, so that whoever shows them bounds them.
    pub findings: Vec<Diagnostic>,
    /// How many more comments suppress.
    pub suppressed: usize,
    /// How many more the baseline knows.
    pub known: usize,
    /// What a person should know about how the findings came about.
    pub notices: Vec<Notice>,
}

/// Lints a book.
pub fn lint(loaded: &Loaded, question: Question<'_>) -> Linted {
    let history = since::Since::new(question.root, None);
    judged(check::review(loaded, given(question, &history)), loaded, question)
}

/// What may merge beside a change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Also<'a> {
    /// Branches, tags and commits; `*` stands for any text in them.
    pub revisions: &'a [String],
    /// Open pull requests, whose commits are in the repository as far as they could be fetched.
    pub pulls: &'a [OpenPull],
}

/// Lints a book as it is after a merge, and reviews what the change does to what runs and what appears only where something else
/// merges as well.
///
/// # Errors
///
/// Where git cannot be read, or a revision is named that is not there.
pub fn lint_merged(
    loaded: &Loaded,
    merged: &Merged,
    also: Also<'_>,
    question: Question<'_>,
) -> Result<Linted, LintError> {
    let history = since::Since::new(question.root, Some(merged.added()));
    let mut review = check::review(loaded, given(question, &history));
    let mut notices = Vec::new();
    review.findings = merged.review(review.findings, loaded, also, question.now, &mut notices)?;
    Ok(Linted { notices, ..judged(review, loaded, question) })
}

/// Fixes the findings that are asked for, as far as their fixes can be trusted that much. Nothing is written.
pub fn fixed(files: Vec<RawFile>, trust: Applicability, question: Question<'_>) -> Fixed {
    let Question { now, scope, choice, .. } = question;
    let review = |files: Vec<RawFile>| check::review(&load::load(files), now).findings;
    let wanted = |finding: &Diagnostic| {
        let mut edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        scope.concerns(finding) && choice.shows(finding) && edits.all(|edit| scope.holds(edit.file.path()))
    };
    fix::fix(files, trust, &review, &wanted)
}

fn given<'a>(question: Question<'a>, history: &'a since::Since) -> Given<'a> {
    Given { now: question.now, sample: question.sample, history: Some(history) }
}

/// Keeps of a review what is asked for.
fn judged(review: Review, loaded: &Loaded, question: Question<'_>) -> Linted {
    let Question { scope, choice, .. } = question;
    let documents = &loaded.documents;
    let shown = |finding: &Diagnostic| scope.concerns(finding) && choice.shows(finding);
    let suppressed = review.suppressed.iter().filter(|finding| shown(finding)).count();
    let Some(known) = question.known else {
        let findings = review.findings.into_iter().filter(shown).collect();
        return Linted { findings, suppressed, ..Linted::default() };
    };
    // Where nothing could be judged, nothing is known to be gone.
    let unjudged = review.findings.iter().any(suppression::leaves_no_book);
    let stale = known.baseline.stale(&review.findings, documents, &known.file, |print| {
        !unjudged && scope.holds(&print.file) && choice.asks_for(&print.rule)
    });
    let asked = review.findings.into_iter().filter(shown).collect();
    let mut compared = known.baseline.compare(asked, documents);
    compared.new.extend(stale.into_iter().filter(|finding| choice.shows(finding)));
    Linted { findings: compared.new, suppressed, known: compared.known, ..Linted::default() }
}

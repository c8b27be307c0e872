//! Writing reviews and results to the pull requests that they are about.

use super::comment::{self, Around, Material, Text};
use super::forge::{ForgeError, Introduced, Place, Surroundings, introducing, pull_of};
use crate::artifact::lint::LintResult;
use crate::github::{CheckRun, Client, Commit, Event, Kept, Note, Run, Stamp, Standing, run_of};
use crate::report;
use crate::report::blocks::Line;
use crate::report::findings::RulePage;
use trialbook_analysis::Outcome;
use trialbook_model::Book;

/// A review that is ready to be posted.
#[derive(Debug)]
pub struct PreparedReview {
    /// Its text.
    pub text: Text,
    event: Option<Event>,
    stamp: Stamp,
    place: Option<Place>,
}

/// What became of a review.
#[derive(Debug)]
pub enum ReviewPosted {
    /// The pull request has a newer commit than the one that was reviewed; nothing was written.
    Superseded {
        /// The pull request.
        number: u64,
        /// The commit that was reviewed.
        head: Commit,
    },
    /// The comment is as it should be.
    Written {
        /// The pull request.
        number: u64,
        /// What was done to the comment.
        kept: Kept,
        /// The page of the check run, where one was written.
        check: Option<String>,
    },
}

/// Writes the text of a review, and finds out which pull request it is about.
///
/// # Errors
///
/// Where the plan is of another book, there is no book at all, or the event of the run cannot be read.
pub fn prepare_review(
    material: &Material,
    around: Surroundings<'_>,
    timezone: &str,
    rules: &[RulePage],
) -> Result<PreparedReview, ForgeError> {
    let book = book_of(material, around)?;
    let event = Event::from_variables(around.variable)?;
    let place = around.place()?;
    let head = event.as_ref().map(|event| event.head.as_str());
    let files = place.as_ref().zip(head).map(|(place, head)| place.files(head));
    let page = event.as_ref().and_then(|event| event.page.clone());
    let run = run_of(around.variable);
    let page = page.or_else(|| place.as_ref().zip(run).map(|(place, run)| place.run(run.id)));
    let primary = around.loaded.book.as_ref().and_then(Book::primary_target);
    let about = (book.as_str(), primary.map(|target| target.key.as_str()));
    let links = Around { files: files.as_deref(), run: page.as_deref() };
    let text = comment::review(material, about, timezone, rules, links)?;
    let stamp = Stamp {
        head: event.as_ref().map(|event| event.head.clone()),
        run: event.as_ref().and_then(|event| event.run).or(run),
        news: text.news.clone(),
    };
    Ok(PreparedReview { text, event, stamp, place })
}

impl PreparedReview {
    /// Writes the comment to the pull request that is named, or else to that of the event; and the check run of a lint result.
    ///
    /// # Errors
    ///
    /// Where no pull request is known, or GitHub cannot be reached or refuses.
    pub fn post(
        self,
        number: Option<u64>,
        check: Option<&LintResult>,
        around: Surroundings<'_>,
    ) -> Result<ReviewPosted, ForgeError> {
        let client = self.place.ok_or(ForgeError::NotDeclared)?.client(around.variable)?;
        let number = match (number, &self.event) {
            (Some(number), _) => number,
            (None, Some(event)) => match pull_of(event, &client)? {
                Ok(number) => number,
                Err(number) => {
                    return Ok(ReviewPosted::Superseded { number, head: event.head.clone() });
                }
            },
            (None, None) => return Err(ForgeError::NoEvent),
        };
        let commit = self.stamp.head.clone();
        let kept = keep(&client, number, &self.text, self.stamp, commit.as_ref())?;
        Ok(ReviewPosted::Written {
            number,
            kept,
            check: match check.zip(commit.as_ref()) {
                Some((lint, commit)) => written_check(&client, lint, &self.text, commit)?,
                None => None,
            },
        })
    }
}

/// Writes the check run of a lint result, and returns its page.
fn written_check(
    client: &Client,
    lint: &LintResult,
    text: &Text,
    commit: &Commit,
) -> Result<Option<String>, ForgeError> {
    let annotations = comment::annotations(lint);
    let check = CheckRun {
        name: &report::comment::check_name(&text.context),
        commit,
        fails: text.fails,
        title: &text.standing,
        summary: &report::comment::check_summary(lint.findings.len() - annotations.len()),
        annotations: &annotations,
    };
    Ok(client.check(&check)?)
}

/// Returns the name of the book that is reviewed: that of the checkout, which the pull request cannot change.
fn book_of(material: &Material, around: Surroundings<'_>) -> Result<String, ForgeError> {
    let planned = material.plan.as_ref().map(|plan| plan.book.as_str());
    let Some(book) = &around.loaded.book else {
        // The branch that is merged into has errors: only the files name the book.
        let linted = material.lint.as_ref().and_then(|lint| lint.change.as_ref());
        let named = planned.or(linted.map(|change| change.book.as_str()));
        return named.map(str::to_owned).ok_or(ForgeError::NoBook);
    };
    match planned.filter(|planned| *planned != book.name) {
        Some(other) => Err(of_another_book("plan", other, &book.name)),
        None => Ok(book.name.clone()),
    }
}

fn of_another_book(what: &'static str, other: &str, book: &str) -> ForgeError {
    ForgeError::OtherBook { what, other: other.to_owned(), book: book.to_owned() }
}

/// A result that is ready to be posted.
#[derive(Debug)]
pub struct PreparedResult {
    /// Its text.
    pub text: Text,
    /// The pull request that added the experiment's file; `None` where another one was named.
    pub introduced: Option<Introduced>,
    number: u64,
    run: Option<Run>,
}

/// A client that results are posted with, and where they are from.
pub struct Results<'a> {
    around: Surroundings<'a>,
    client: Client,
    run: Option<Run>,
}

impl<'a> Results<'a> {
    /// Prepares to post results of a book.
    ///
    /// # Errors
    ///
    /// Where the book does not declare its repository, or there is no token.
    pub fn new(around: Surroundings<'a>) -> Result<Self, ForgeError> {
        Ok(Self { around, client: around.client()?, run: run_of(around.variable) })
    }

    /// Writes the text of a result, and finds the pull request that it goes to: the one that is named, or else the one that added the
    /// experiment's file.
    ///
    /// # Errors
    ///
    /// Where the outcome is of another book, or its pull request is not found.
    pub fn prepare(
        &self,
        outcome: &Outcome,
        number: Option<u64>,
        pointer: &Line,
    ) -> Result<PreparedResult, ForgeError> {
        let book = self.around.book()?;
        if book.name != outcome.book.name {
            return Err(of_another_book("outcome", &outcome.book.name, &book.name));
        }
        let text = comment::result(outcome, pointer)?;
        let introduced = match number {
            Some(_) => None,
            None => Some(introducing(self.around, outcome, &self.client)?),
        };
        let found = introduced.as_ref().map(|introduced| introduced.number);
        let number = number.or(found).ok_or(ForgeError::NoEvent)?;
        Ok(PreparedResult { text, introduced, number, run: self.run })
    }

    /// Writes the comment of a result, and returns the pull request's number with what was done.
    ///
    /// # Errors
    ///
    /// Where GitHub cannot be reached or refuses.
    pub fn post(&self, prepared: &PreparedResult) -> Result<(u64, Kept), ForgeError> {
        let PreparedResult { text, introduced, number, run } = prepared;
        let stamp = Stamp { head: None, run: *run, news: text.news.clone() };
        let commit = introduced.as_ref().map(|introduced| &introduced.commit);
        Ok((*number, keep(&self.client, *number, text, stamp, commit)?))
    }
}

fn keep(
    client: &Client,
    number: u64,
    text: &Text,
    stamp: Stamp,
    commit: Option<&Commit>,
) -> Result<Kept, ForgeError> {
    let standing = commit.map(|commit| Standing {
        commit,
        context: text.context.clone(),
        fails: text.fails,
        summary: text.standing.clone(),
    });
    let note = Note { marker: &text.marker, stamp, markdown: &text.markdown, quiet: text.quiet, standing };
    Ok(client.keep_comment(number, &note)?)
}

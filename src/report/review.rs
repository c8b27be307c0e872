//! What reviewers of a change read on its pull request: whether it may launch, what it does, and what it collides with.
//!
//! Everything comes from files that the pull request's own run wrote, so all of it is untrusted text.

mod collisions;
mod gantt;
mod heading;
mod power;
mod served;

use jiff::Timestamp;

use super::blocks::{Block, Inline, Line, Page};
use super::calendar::Calendar;
use super::escape;
use super::findings::RulePage;
use super::number::{count, counted};
use crate::app::change::Change;
use crate::artifact::lint::{Finding, LintResult};
use trialbook_delivery::plan::Plan;
use trialbook_model::diagnostic::Severity;

pub use heading::standing;

/// How many items of one kind are shown before the rest is only counted.
const SHOWN: usize = 20;

/// What a review is written from.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// What lint found.
    pub lint: Option<&'a LintResult>,
    /// What an apply would do.
    pub plan: Option<&'a Plan>,
    /// What there is to read about the rules.
    pub rules: &'a [RulePage],
    /// The address below which the pull request's files can be read, up to the slash before their paths.
    pub files: Option<&'a str>,
    /// The time zone of the dates.
    pub timezone: &'a str,
}

impl Review<'_> {
    /// Tells whether there is nothing that a reviewer should know: no finding, and nothing that changes for anybody.
    pub fn is_quiet(&self) -> bool {
        let lint = self.lint.is_none_or(|lint| {
            lint.findings.is_empty()
                && lint.change.as_ref().is_none_or(|change| change.experiments.is_empty())
        });
        lint && self.plan.is_none_or(|plan| plan.is_empty() && plan.obstacles().is_empty())
    }

    /// Tells whether the change must not be merged as it is: lint found errors, or the plan cannot be applied.
    pub fn fails(&self) -> bool {
        self.errors() > 0 || self.plan.is_some_and(heading::cannot_be_applied)
    }

    fn errors(&self) -> u64 {
        self.lint.map_or(0, |lint| lint.count(Severity::Error))
    }

    fn change(&self) -> Option<&Change> {
        self.lint.and_then(|lint| lint.change.as_ref())
    }

    /// Returns the address of a line of a file. A path that leads elsewhere, such as `../../x`, is no address.
    fn place(&self, file: &str, line: u64) -> Inline {
        let text = format!("{file}:{line}");
        match self.files.and_then(|files| escape::below(files, file)) {
            Some(url) => Inline::Link { text, url: format!("{url}#L{line}") },
            None => Inline::code(text),
        }
    }
}

/// Writes a review.
pub fn document(review: &Review<'_>) -> Page {
    let calendar = Calendar::new(review.timezone);
    let mut page = Page::default();
    page.push(Block::Heading(heading::line(review)));
    if let Some(plan) = review.plan {
        for line in served::alerts(plan, &calendar) {
            page.push(Block::Alert(line));
        }
        served::summary(&mut page, plan, &calendar);
    }
    if let Some(lint) = review.lint {
        collisions::section(&mut page, review, lint);
        errors(&mut page, review, lint);
    }
    if let Some(change) = review.change() {
        power::section(&mut page, change, &calendar);
        for chart in change.layers.iter().filter_map(|layer| gantt::chart(layer, &calendar, change.at)) {
            page.push(chart);
        }
    }
    if let Some(plan) = review.plan.filter(|plan| !plan.actions.is_empty()) {
        page.push(Block::Details {
            summary: format!("Every change of {}", plan.target),
            blocks: served::details(plan, &calendar),
        });
    }
    if let Some(lint) = review.lint {
        warnings(&mut page, review, lint);
    }
    page.push(Block::Small(vec![origin(review, &calendar).into()]));
    page
}

/// Writes the errors that are no collisions.
fn errors(page: &mut Page, review: &Review<'_>, lint: &LintResult) {
    let errors =
        |finding: &&Finding| finding.severity == Severity::Error && !collisions::is_collision(finding);
    let all: Vec<_> = lint.findings.iter().filter(errors).collect();
    if all.is_empty() {
        return;
    }
    page.push(Block::Subheading(vec!["Errors".into()]));
    listed(page, review, &all);
}

/// Writes the warnings, folded.
fn warnings(page: &mut Page, review: &Review<'_>, lint: &LintResult) {
    let warnings =
        |finding: &&Finding| finding.severity == Severity::Warning && !collisions::is_collision(finding);
    let all: Vec<_> = lint.findings.iter().filter(warnings).collect();
    if all.is_empty() {
        return;
    }
    let mut inner = Page::default();
    listed(&mut inner, review, &all);
    page.push(Block::Details {
        summary: counted(all.len() as u64, "warning", "warnings"),
        blocks: inner.blocks,
    });
}

fn listed(page: &mut Page, review: &Review<'_>, findings: &[&Finding]) {
    let items = findings.iter().take(SHOWN).map(|finding| item(review, finding)).collect();
    page.push(Block::List(items));
    more(page, findings.len(), "finding is", "findings are");
}

/// Says how many items are not shown.
fn more(page: &mut Page, all: usize, one: &str, many: &str) {
    if let Some(more) = all.checked_sub(SHOWN).filter(|more| *more > 0) {
        let are = counted(more as u64, &format!("more {one}"), &format!("more {many}"));
        page.push(Block::Paragraph(vec![format!("{are} not shown here.").into()]));
    }
}

/// Writes a finding in a line: what is wrong, where, and what to do.
fn item(review: &Review<'_>, finding: &Finding) -> Line {
    let mut line = title(review, finding);
    line.extend([" — ".into(), review.place(&finding.file, finding.span.start.line)]);
    if let Some(help) = &finding.help {
        line.push(". To do: ".into());
        line.extend(prose(help));
    }
    line
}

/// Writes a sentence whose names stand between backticks.
fn prose(text: &str) -> Line {
    let pieces: Vec<&str> = text.split('`').collect();
    // A backtick that has no second one is one of the text.
    if pieces.len().is_multiple_of(2) {
        return vec![text.into()];
    }
    let piece = |(index, piece): (usize, &&str)| match index % 2 {
        0 => Inline::text(*piece),
        _ => Inline::code(*piece),
    };
    pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()).map(piece).collect()
}

/// Writes the rule, which leads to its page, and the message.
fn title(review: &Review<'_>, finding: &Finding) -> Line {
    let rule = match review.rules.iter().find(|page| page.name == finding.rule) {
        Some(page) => Inline::Link { text: finding.rule.clone(), url: page.url() },
        None => Inline::strong(finding.rule.as_str()),
    };
    let mut line = vec![rule, ": ".into()];
    line.extend(prose(&finding.message));
    line
}

/// Says what the review is of.
fn origin(review: &Review<'_>, calendar: &Calendar) -> String {
    let mut parts = Vec::new();
    if let Some(plan) = review.plan {
        parts.push(format!("book {}", plan.book));
        parts.push(format!("target {}", plan.target));
        let commit: Option<String> = plan.commit.as_ref().map(|commit| commit.chars().take(7).collect());
        parts.push(commit.map_or("not at a commit".to_owned(), |commit| format!("at {commit}")));
        parts.push(format!("as of {}", instant(plan.made_at, calendar)));
    } else if let Some(change) = review.change() {
        parts.push(format!("book {}", change.book));
        parts.push(format!("as of {}", instant(change.at, calendar)));
    }
    if let Some(lint) = review.lint {
        let hidden = [(lint.summary.suppressed, "suppressed"), (lint.summary.known, "in the baseline")];
        let hidden = hidden.into_iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{} {how}", count(n)));
        let files = counted(lint.summary.files, "file", "files");
        parts.push(std::iter::once(format!("{files} linted")).chain(hidden).collect::<Vec<_>>().join(", "));
    }
    parts.join(" · ")
}

fn instant(instant: Timestamp, calendar: &Calendar) -> String {
    calendar.instant(instant)
}

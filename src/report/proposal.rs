//! The words of a proposal: its commit, its pull request, and the answer to whoever made it.

use serde_json::{Value, json};

use super::markdown;
use crate::app::propose::{Made, MadeAt};
use trialbook_model::diagnostic::Diagnostic;

/// The most warnings that an answer lists.
const WARNINGS: usize = 100;

/// Returns the message of the commit: the title alone. The description is in the pull request, where its text is escaped. In a commit it
/// could close issues and notify people.
pub fn commit_message(title: &str) -> String {
    format!("{}\n", title.trim())
}

/// Returns the description of the pull request, as Markdown in which no text acts.
pub fn body(description: &str) -> String {
    description.split("\n\n").map(markdown::paragraph).collect::<Vec<_>>().join("\n")
}

/// Returns the answer to a proposal that was accepted, as `propose_change` publishes it.
pub fn answer(made: &Made) -> Value {
    let (page, commit) = match &made.place {
        MadeAt::PullRequest(page) => (Some(page), None),
        MadeAt::Local(commit) => (None, Some(commit.as_str())),
    };
    json!({
        "version": 1,
        "branch": made.branch,
        "commit": commit,
        "pull_request": page,
        "warnings": made.warnings.iter().take(WARNINGS).map(finding).collect::<Vec<_>>(),
    })
}

/// Returns a finding in one line.
pub fn finding(finding: &Diagnostic) -> String {
    let at = finding.primary.file.position(finding.primary.span.start);
    format!("{}:{}: {} [{}]", finding.primary.file.path(), at.line, finding.message, finding.rule)
}

/// Returns a finding in one line, with its advice.
pub fn finding_with_help(found: &Diagnostic) -> String {
    let help = found.help.as_ref().map_or_else(String::new, |help| format!(" — {help}"));
    format!("{}{help}", finding(found))
}

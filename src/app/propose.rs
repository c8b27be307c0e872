//! Edits that somebody proposes: whole files of the book, linted as they will be after the merge before a branch is made.

use crate::report::findings::is_hidden;
use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::forge::{ForgeError, Surroundings};
use super::lint::{self, Also, Choice, LintError, Merged, Question, Scope};
use crate::github;
use crate::report::proposal as report;
use trialbook_history::{Commit, HistoryError, Repository};
use trialbook_language::load::{self, RawFile};
use trialbook_model::Digest;
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// The most files of one proposal.
pub const MOST_FILES: usize = 100;

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 200;

/// The most paragraphs of a description.
pub const MOST_PARAGRAPHS: usize = 20;

/// The longest of them, in characters.
pub const LONGEST_PARAGRAPH: usize = 1_000;

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// What the change does, in a line.
    pub title: String,
    /// Why.
    #[serde(default)]
    pub description: String,
    /// The branch that it is to be merged into.
    #[serde(default = "main")]
    pub base: String,
    /// The files.
    pub files: Vec<Proposed>,
}

/// A file with its whole new content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// The file, from the book's folder.
    pub path: String,
    /// What it holds then.
    pub content: String,
}

fn main() -> String {
    "main".to_owned()
}

/// A proposal that lint accepts.
#[derive(Debug)]
struct Accepted {
    /// The repository that it is made in.
    repository: Repository,
    /// The commit that it is made on.
    on: Commit,
    /// The branch that is made for it; other edits have another name.
    branch: String,
    /// The files that differ, from the repository's root.
    files: Vec<(String, String)>,
    /// What lint warns of.
    warnings: Vec<Diagnostic>,
}

/// Why a proposal is refused. Nothing was written.
#[derive(Debug)]
pub enum NotAccepted {
    /// The title is empty, too long, has several lines, or would act in a commit.
    Title,
    /// The description has too many paragraphs, or one that is too long.
    Description,
    /// There are no files, or too many.
    Files(usize),
    /// A path is not that of a file of the book.
    Path(String),
    /// A path is named twice.
    Twice(String),
    /// Nothing differs from what is committed.
    Same,
    /// The book is in no git repository, or that has no commit.
    NoCommit,
    /// Git could not be read, or the base is not there.
    Lint(LintError),
    /// Lint finds errors that the book has not now.
    Errors(Vec<Diagnostic>),
    /// The branch could not be made.
    Branch {
        /// The branch.
        branch: String,
        /// Why not.
        error: HistoryError,
    },
    /// The pull request could not be opened.
    Forge(ForgeError),
}

/// What was made of a proposal.
#[derive(Debug)]
pub struct Made {
    /// The new branch.
    pub branch: String,
    /// Where it is.
    pub place: MadeAt,
    /// What lint warns of.
    pub warnings: Vec<Diagnostic>,
}

/// Where a new branch is.
#[derive(Debug)]
pub enum MadeAt {
    /// On GitHub, with a pull request on this page.
    PullRequest(String),
    /// In this repository, at this commit.
    Local(Commit),
}

impl From<HistoryError> for NotAccepted {
    fn from(error: HistoryError) -> Self {
        Self::Lint(error.into())
    }
}

impl From<LintError> for NotAccepted {
    fn from(error: LintError) -> Self {
        Self::Lint(error)
    }
}

/// Judges a proposal, commits it on a new branch, and opens a pull request where the environment has a token; without one the branch is
/// made here, next to what is checked out.
///
/// # Errors
///
/// As [`NotAccepted`] lists them.
pub fn make(around: Surroundings<'_>, proposal: &Proposal, now: Timestamp) -> Result<Made, NotAccepted> {
    let accepted = judge(around.root, proposal, now)?;
    let has_token = (around.variable)("GITHUB_TOKEN").is_some_and(|token| !token.is_empty());
    let place = if has_token {
        MadeAt::PullRequest(pull_request(around, proposal, &accepted).map_err(NotAccepted::Forge)?)
    } else {
        let Accepted { repository, on, branch, files, .. } = &accepted;
        let commit = repository.commit_on_branch(branch, on, files, &report::commit_message(&proposal.title));
        MadeAt::Local(commit.map_err(|error| NotAccepted::Branch { branch: branch.clone(), error })?)
    };
    Ok(Made { branch: accepted.branch, place, warnings: accepted.warnings })
}

fn pull_request(
    around: Surroundings<'_>,
    proposal: &Proposal,
    accepted: &Accepted,
) -> Result<String, ForgeError> {
    let on = github::Commit::new(accepted.on.as_str())?;
    let proposed = github::Proposed {
        base: &proposal.base,
        on: &on,
        branch: &accepted.branch,
        message: &report::commit_message(&proposal.title),
        files: &accepted.files,
        title: proposal.title.trim(),
        body: &report::body(&proposal.description),
    };
    Ok(around.client()?.propose(&proposed)?)
}

/// Judges a proposal on the commit that is checked out. What is on disk and not committed plays no part.
///
/// # Errors
///
/// As [`NotAccepted`] lists them.
fn judge(root: &Path, proposal: &Proposal, now: Timestamp) -> Result<Accepted, NotAccepted> {
    let title = proposal.title.trim();
    let is_line =
        !title.is_empty() && title.chars().count() <= LONGEST_TITLE && !title.contains(char::is_control);
    if !is_line || acts(title) {
        return Err(NotAccepted::Title);
    }
    let mut paragraphs = proposal.description.split("\n\n");
    let is_short = |text: &str| text.chars().count() <= LONGEST_PARAGRAPH;
    if proposal.description.split("\n\n").count() > MOST_PARAGRAPHS || !paragraphs.all(is_short) {
        return Err(NotAccepted::Description);
    }
    if proposal.files.is_empty() || proposal.files.len() > MOST_FILES {
        return Err(NotAccepted::Files(proposal.files.len()));
    }
    let mut seen = BTreeSet::new();
    for file in &proposal.files {
        if !is_of_book(&file.path) {
            return Err(NotAccepted::Path(file.path.clone()));
        }
        if !seen.insert(file.path.to_lowercase()) {
            return Err(NotAccepted::Twice(file.path.clone()));
        }
    }
    let repository = Repository::of_book(root)?.ok_or(NotAccepted::NoCommit)?;
    let on = repository.head()?.ok_or(NotAccepted::NoCommit)?;
    let before = repository.files_at(&on)?;
    let mut after = before.clone();
    let mut files = Vec::new();
    for Proposed { path, content } in &proposal.files {
        let bytes = content.clone().into_bytes();
        match after.iter_mut().find(|file| file.path == *path) {
            Some(file) if file.bytes == bytes => continue,
            Some(file) => file.bytes = bytes,
            None => after.push(RawFile { path: path.clone(), bytes }),
        }
        files.push((repository.path_in_repository(path), content.clone()));
    }
    if files.is_empty() {
        return Err(NotAccepted::Same);
    }
    after.sort_by(|a, b| a.path.cmp(&b.path));
    let linted = linted(root, before, after, &repository.base(&proposal.base), now)?;
    let (errors, warnings): (Vec<_>, Vec<_>) =
        linted.findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(NotAccepted::Errors(errors));
    }
    let named: String = files.iter().map(|(path, text)| std::format!("{path}\n{text}\n")).collect();
    let digest = Digest::of_bytes(std::format!("{on}\n{title}\n{named}").as_bytes());
    let digits: String = digest.as_str().trim_start_matches("sha256:").chars().take(12).collect();
    let branch = std::format!("trialbook/propose-{digits}");
    Ok(Accepted { repository, on, branch, files, warnings })
}

/// Lints the book as it will be after the merge, and leaves out the errors that it has now.
fn linted(
    root: &Path,
    before: Vec<RawFile>,
    after: Vec<RawFile>,
    base: &str,
    now: Timestamp,
) -> Result<lint::Linted, NotAccepted> {
    let (scope, choice) = (Scope::default(), Choice::default());
    let question = Question { root, now, scope: &scope, choice: &choice, sample: None, known: None };
    let identity = super::conclude::identity;
    let known: BTreeSet<_> =
        lint::lint(&load::load(before), question).findings.iter().map(identity).collect();
    let (loaded, merged) = Merged::open(root, after, base)?;
    let mut linted = lint::lint_merged(&loaded, &merged, Also::default(), question)?;
    // Without a book no rule was run, so that nothing can be left out: what is wrong now hides what the proposal does.
    linted.findings.retain(|finding| loaded.book.is_none() || !known.contains(&identity(finding)));
    Ok(linted)
}

/// What in a commit's message keeps a CI server from running its jobs.
const SKIPS: [&str; 7] =
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "skip-checks", "***no_ci***"];

/// Tells whether a text in a commit would notify somebody, close an issue, or keep the commit from being checked.
fn acts(text: &str) -> bool {
    let plain = text.to_lowercase();
    if SKIPS.iter().any(|skip| plain.contains(skip)) || text.contains(is_hidden) {
        return true;
    }
    text.contains(['@', '#']) || text.contains("://") || text.to_ascii_uppercase().contains("GH-")
}

/// Tells whether a path is one that a file of the book can have: below its folder, and by its name of a kind.
fn is_of_book(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']);
    let is_text = !path.contains(char::is_control);
    is_text && path.split('/').all(plain) && (path == "trialbook.yaml" || load::identity(path).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_book_can_be_proposed() {
        for path in ["trialbook.yaml", "a.flag.yaml", "checkout/bold-button.experiment.yaml"] {
            assert!(is_of_book(path), "{path}");
        }
        for path in [
            "",
            "a.flag.yml.sh",
            "../a.flag.yaml",
            "/a.flag.yaml",
            "a//b.flag.yaml",
            "./a.flag.yaml",
            ".github/workflows/a.flag.yaml",
            "a\\..\\b.flag.yaml",
            "c:a.flag.yaml",
            "a\n.flag.yaml",
            "README.md",
            "x/trialbook.yaml",
        ] {
            assert!(!is_of_book(path), "{path:?}");
        }
    }
}

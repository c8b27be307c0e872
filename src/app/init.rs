//! What a book begins with: its files, and the workflows of a CI server.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use trialbook_language::load::BOOK_FILE;

/// A file that is not there yet: its path, and its text.
pub type NewFile = (String, String);

/// The workflows of GitHub Actions; `FOLDER` and `PATTERN` stand for the book's files, `RELEASE` and zeros for the version of the action.
const GITHUB: [(&str, &str); 5] = [
    ("trialbook-pull-request.yml", include_str!("init/github/pull-request.yml")),
    ("trialbook-comment.yml", include_str!("init/github/comment.yml")),
    ("trialbook-apply.yml", include_str!("init/github/apply.yml")),
    ("trialbook-drift.yml", include_str!("init/github/drift.yml")),
    ("trialbook-results.yml", include_str!("init/github/results.yml")),
];

const GITLAB: &str = include_str!("init/gitlab/trialbook.yml");

/// What stands in the workflows for the commit of the action.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// The files of the book; `START` and `END` stand for dates, `BOOK` for its name.
const FILES: [(&str, &str); 8] = [
    (".gitignore", GITIGNORE),
    (BOOK_FILE, include_str!("init/trialbook.yaml")),
    ("checkout/checkout-button.flag.yaml", include_str!("init/checkout-button.flag.yaml")),
    (
        "checkout/bold-checkout-button.experiment.yaml",
        include_str!("init/bold-checkout-button.experiment.yaml"),
    ),
    ("metrics/purchases-per-user.metric.yaml", include_str!("init/purchases-per-user.metric.yaml")),
    ("metrics/refund-rate.metric.yaml", include_str!("init/refund-rate.metric.yaml")),
    ("metrics/purchases.source.yaml", include_str!("init/purchases.source.yaml")),
    ("metrics/exposures.source.yaml", include_str!("init/exposures.source.yaml")),
];

/// Whether this program is a release, whose version can be installed.
pub const IS_RELEASE: bool = option_env!("TRIALBOOK_RELEASE_COMMIT").is_some();

/// What commands write beside a book, for git to leave out.
pub const GITIGNORE: &str = include_str!("init/gitignore");

const WORKFLOW: &str = include_str!("init/workflow.yml");

/// Returns the files of a new book in a folder, whose experiment runs from one date to another. Paths are those from the folder.
pub fn book(folder: &Path, (start, end): (Date, Date)) -> Vec<NewFile> {
    let (start, end, name) = (start.to_string(), end.to_string(), name_of(folder));
    let filled = |text: &str| text.replace("START", &start).replace("END", &end).replace("BOOK", &name);
    FILES.into_iter().map(|(path, text)| (path.to_owned(), filled(text))).collect()
}

/// Returns the workflow that lints a book in a folder of the repository, from the repository's root; it installs the version that
/// made it.
pub fn workflow(folder: &str) -> NewFile {
    (".github/workflows/experiments.yml".to_owned(), made_for(WORKFLOW, folder))
}

/// Returns the workflows of GitHub Actions for a book in a folder of the repository: pull request, comment, apply, drift and results.
pub fn github(folder: &str) -> Vec<NewFile> {
    let file =
        |(name, text): (&str, &str)| (format!(".github/workflows/{name}"), pinned(&made_for(text, folder)));
    GITHUB.into_iter().map(file).collect()
}

/// Returns the file that a pipeline of GitLab includes, for a book in a folder of the repository.
pub fn gitlab(folder: &str) -> Vec<NewFile> {
    vec![(".gitlab/trialbook.yml".to_owned(), made_for(GITLAB, folder))]
}

/// Tells whether a workflow names no commit of the action yet: this program is no release, so it knows none.
pub fn lacks_commit(workflow: &str) -> bool {
    workflow.contains(NO_COMMIT)
}

/// Pins the action to the commit of the release that this program is, where it is one.
fn pinned(text: &str) -> String {
    match option_env!("TRIALBOOK_RELEASE_COMMIT") {
        Some(commit) => text.replace(NO_COMMIT, commit),
        None => text.to_owned(),
    }
}

/// Returns a workflow for a book in a folder of the repository.
fn made_for(workflow: &str, folder: &str) -> String {
    let pattern = if folder.is_empty() { "**".to_owned() } else { format!("{folder}/**") };
    workflow
        .replace("RELEASE", env!("CARGO_PKG_VERSION"))
        .replace("PATTERN", &pattern)
        .replace("FOLDER", if folder.is_empty() { "." } else { folder })
}

/// Returns a name for the book: that of the folder above it, where it is one.
pub fn name_of(folder: &Path) -> String {
    let above = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let name: String = above
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "shop".to_owned() } else { name.to_owned() }
}

/// Returns the root of the repository that holds a folder, and the way from it to the folder. Without a repository, the folder above.
pub fn repository_of(folder: &Path) -> (PathBuf, String) {
    let root = folder.ancestors().find(|above| above.join(".git").exists());
    let root = root.or_else(|| folder.parent()).unwrap_or(folder);
    let inside = folder.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
    (root.to_path_buf(), inside.replace(std::path::MAIN_SEPARATOR, "/"))
}

//! `lint --against` and `--with`: the book as it will be after the merge, and what the change does to what runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Exit, Failure, Opened, Session};
use crate::diagnostic::{Diagnostic, Severity};
use crate::history::{Commit, HistoryError, Merge, MergedFiles, Repository};
use crate::load::{self, Loaded};
use crate::review::{self, Review};
use crate::workspace::Workspace;

/// A work tree, merged into a revision in memory.
pub(super) struct Merged<'a> {
    repository: Repository,
    merge: Merge,
    revision: &'a str,
    /// The files that the change touches, where they are afterwards.
    ours: BTreeSet<String>,
}

impl<'a> Merged<'a> {
    /// Merges the book's files into a revision, and reads the result.
    pub(super) fn open(revision: &'a str, session: &Session) -> Result<(Opened, Self), Failure> {
        let (root, files) = session.files()?;
        let repository = Repository::of_book(&root).map_err(|error| failure(&error))?.ok_or_else(|| {
            Failure::new(Exit::Unreachable, "the book is not in a git repository")
                .help("`--against` compares with a branch; lint without it")
        })?;
        let merge = repository.merge_into(revision, files).map_err(|error| failure(&error))?;
        let ours = merge.changes.iter().filter_map(|change| change.after.clone()).collect();
        let opened = Opened { root, loaded: load::load(merge.files.clone()) };
        Ok((opened, Self { repository, merge, revision, ours }))
    }

    /// Returns the findings of a change: of the merged book every error, and the warnings that concern a file which the change
    /// touches; what the change may not do to what runs; what appears only where other revisions merge as well.
    pub(super) fn review(
        &self,
        mut findings: Vec<Diagnostic>,
        loaded: &Loaded,
        with: &[String],
        now: Timestamp,
        session: &Session,
    ) -> Result<Vec<Diagnostic>, Failure> {
        let Self { repository, merge, revision, ours } = self;
        findings.retain(|finding| finding.severity == Severity::Error || concerns(finding, ours));
        review::brought(&mut findings, ours, &merge.incoming, revision);
        findings.extend(review::conflicts(&merge.conflicts, revision, &loaded.documents));
        findings.extend(changes(repository, merge, loaded, now, session)?);
        if !with.is_empty() {
            let mut workspace = Workspace::open(merge.files.clone(), now);
            for pattern in with {
                for revision in repository.revisions(pattern).map_err(|error| failure(&error))? {
                    findings.extend(joined(repository, merge, &mut workspace, &revision)?);
                }
            }
        }
        findings.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(findings)
    }
}

/// Returns what the change may not do to what runs.
fn changes(
    repository: &Repository,
    merge: &Merge,
    loaded: &Loaded,
    now: Timestamp,
    session: &Session,
) -> Result<Vec<Diagnostic>, Failure> {
    // Where the merged book cannot be read, its errors come first; where the other side's cannot, nothing can be compared.
    let Some(after) = &loaded.book else { return Ok(Vec::new()) };
    let before = load::load(merge.before());
    let Some(before) = &before.book else {
        session.say(
            "the branch that is merged into has no valid book, so what the change does to it is not checked",
        );
        return Ok(Vec::new());
    };
    let launched = repository.launched().map_err(|error| failure(&error))?;
    let used = used(repository, merge, session)?;
    let review = Review {
        before,
        after,
        documents: &loaded.documents,
        changes: &merge.changes,
        launched: &launched,
        used: &used,
        now,
    };
    Ok(review::review(&review))
}

/// Returns the new files whose keys history knows.
fn used(
    repository: &Repository,
    merge: &Merge,
    session: &Session,
) -> Result<BTreeMap<String, Commit>, Failure> {
    let new = merge.changes.iter().filter(|change| change.before.is_none());
    let names: BTreeSet<String> = new.filter_map(|change| load::identity(change.after.as_deref()?)).collect();
    let deleted = repository.deleted(&names, &merge.theirs).map_err(|error| failure(&error))?;
    if !deleted.complete {
        session.say("the history is not all here, so a key that was used long ago may go unnoticed");
    }
    Ok(deleted.by)
}

/// Returns what is wrong only where another revision merges as well, as warnings: it may never merge.
fn joined(
    repository: &Repository,
    merge: &Merge,
    workspace: &mut Workspace,
    revision: &str,
) -> Result<Vec<Diagnostic>, Failure> {
    let commit = repository.resolve(revision).map_err(|error| failure(&error))?;
    let sides = [repository.head().map_err(|error| failure(&error))?, Some(merge.theirs.clone())];
    for side in sides.into_iter().flatten() {
        if repository.is_in(&commit, &side).map_err(|error| failure(&error))? {
            return Ok(Vec::new());
        }
    }
    let files = MergedFiles::new(&merge.files);
    let merged = [merge.theirs.clone()];
    let joined = repository.merge_also(revision, &files, &merged).map_err(|error| failure(&error))?;
    let author = repository.author(&joined.commit).map_err(|error| failure(&error))?;
    let note =
        format!("only if `{revision}` merges too: {author} wrote its last commit, {}", joined.commit.short());
    let known: BTreeSet<_> = workspace.findings().values().flatten().map(identity).collect();
    let mut found = review::conflicts(&joined.conflicts, revision, workspace.documents());
    let original =
        |path: &str| merge.files.iter().find(|file| file.path == path).map(|file| file.bytes.clone());
    let undo: Vec<_> = joined.edits.keys().map(|path| (path.clone(), original(path))).collect();
    for (path, bytes) in joined.edits {
        workspace.edit(&path, bytes);
    }
    let new = workspace.findings().values().flatten().filter(|finding| finding.severity == Severity::Error);
    found.extend(new.filter(|finding| !known.contains(&identity(finding))).cloned());
    for (path, bytes) in undo {
        workspace.edit(&path, bytes);
    }
    for finding in &mut found {
        finding.severity = Severity::Warning;
        finding.notes.insert(0, note.clone());
    }
    Ok(found)
}

/// What makes two findings the same one in two states of a book: lines may have moved.
fn identity(finding: &Diagnostic) -> (&'static str, String, String) {
    (finding.rule, finding.primary.file.path().to_owned(), finding.message.clone())
}

fn concerns(finding: &Diagnostic, files: &BTreeSet<String>) -> bool {
    let mut labels = std::iter::once(&finding.primary).chain(&finding.related);
    labels.any(|label| files.contains(label.file.path()))
}

fn failure(error: &HistoryError) -> Failure {
    let exit = match error {
        HistoryError::UnknownRevision(_) | HistoryError::Unrelated(_) => Exit::NothingMatched,
        _ => Exit::Unreachable,
    };
    let failure = Failure::of(exit, error);
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

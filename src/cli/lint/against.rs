//! `lint --against` and `--with`: the book as it will be after the merge, and what the change does to what runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Exit, Failure, Opened, Session};
use trialbook_history::{Commit, HistoryError, Merge, MergedFiles, Repository};
use trialbook_language::load::{self, Draft, Loaded};
use trialbook_lint::review::{self, Review};
use trialbook_lint::workspace::Workspace;
use trialbook_model::Book;
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// A work tree, merged into a revision in memory.
pub(super) struct Merged<'a> {
    repository: Repository,
    merge: Merge,
    revision: &'a str,
    /// The files that the change touches, where they are afterwards.
    ours: BTreeSet<String>,
    /// The book as the other side has it; `None` where that has errors.
    before: Option<Book>,
}

/// Past so many changes the book is read twice: an edit of a book of 20,000 files costs some ten milliseconds.
const MOST_EDITS: usize = 60;

/// Reads the book before the merge, and what it is after it.
fn read(merge: &Merge) -> (Option<Book>, Loaded) {
    if merge.changes.len() > MOST_EDITS {
        return (load::load(merge.before()).book, load::load(merge.files.clone()));
    }
    let mut draft = Draft::open(merge.before());
    let before = draft.book().filter(|_| draft.is_current()).map(|book| {
        // Edits ask who uses what, and so does the review: the copy has the answer with it.
        book.uses();
        book.clone()
    });
    for (path, bytes) in merge.edits() {
        draft.edit(path, bytes.map(<[u8]>::to_vec));
    }
    (before, draft.into_loaded())
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
        let (before, loaded) = read(&merge);
        Ok((Opened { root, loaded }, Self { repository, merge, revision, ours, before }))
    }

    /// Returns the files that the change adds, where they are after the merge.
    pub(super) fn added(&self) -> BTreeSet<String> {
        let added = self.merge.changes.iter().filter(|change| change.before.is_none());
        added.filter_map(|change| change.after.clone()).collect()
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
        let Self { repository, merge, revision, ours, before } = self;
        findings.retain(|finding| finding.severity == Severity::Error || concerns(finding, ours));
        review::brought(&mut findings, ours, &merge.incoming, revision);
        findings.extend(review::conflicts(&merge.conflicts, revision, &loaded.documents));
        findings.extend(changes(repository, merge, (before.as_ref(), loaded), now, session)?);
        if !with.is_empty() {
            let mut others = Others::new(self, now)?;
            for pattern in with {
                for revision in repository.revisions(pattern).map_err(|error| failure(&error))? {
                    match others.joined(&revision) {
                        Ok(found) => findings.extend(found),
                        // Somebody else's branch: it stops nobody who did not name it.
                        Err(error) if pattern.contains('*') => {
                            session.warn(format_args!("`{revision}` is left out: {}", told(&error)));
                        }
                        Err(error) => return Err(failure(&error)),
                    }
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
    (before, loaded): (Option<&Book>, &Loaded),
    now: Timestamp,
    session: &Session,
) -> Result<Vec<Diagnostic>, Failure> {
    // Where the merged book cannot be read, its errors come first; where the other side's cannot, nothing can be compared.
    let Some(after) = &loaded.book else { return Ok(Vec::new()) };
    let Some(before) = before else {
        session.say(
            "the branch that is merged into has no valid book, so what the change does to it is not checked",
        );
        return Ok(Vec::new());
    };
    let launched = repository.launched(now).map_err(|error| failure(&error))?;
    let used = used(repository, merge, session)?;
    let review = Review {
        before,
        after,
        documents: &loaded.documents,
        changes: &merge.changes,
        launched: &launched.begun,
        used: &used,
        now,
    };
    let found = review::review(&review);
    for (key, start) in &launched.awaiting {
        if review.replaces_plan(key) {
            let start = review.date(*start);
            session.say(format_args!(
                "The plan of `{key}` was applied and starts on {start}: until then it may change, and the next apply replaces \
                 the recorded plan."
            ));
        }
    }
    Ok(found)
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

/// The merged book, to be merged with other revisions as well, one at a time.
struct Others<'a> {
    repository: &'a Repository,
    files: MergedFiles<'a>,
    contents: BTreeMap<&'a str, &'a [u8]>,
    workspace: Workspace,
    /// What is wrong without any of them.
    known: BTreeSet<Identity>,
    /// The commits whose history is in the merged book.
    sides: Vec<Commit>,
    theirs: [Commit; 1],
}

impl<'a> Others<'a> {
    fn new(merged: &'a Merged<'_>, now: Timestamp) -> Result<Self, Failure> {
        let merge = &merged.merge;
        let workspace = Workspace::open(merge.files.clone(), now);
        let head = merged.repository.head().map_err(|error| failure(&error))?;
        Ok(Self {
            repository: &merged.repository,
            files: MergedFiles::new(&merge.files),
            contents: merge.files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect(),
            known: workspace.findings().values().flatten().map(identity).collect(),
            workspace,
            sides: head.into_iter().chain([merge.theirs.clone()]).collect(),
            theirs: [merge.theirs.clone()],
        })
    }

    /// Returns what is wrong only where another revision merges as well, as warnings: it may never merge.
    fn joined(&mut self, revision: &str) -> Result<Vec<Diagnostic>, HistoryError> {
        let commit = self.repository.resolve(revision)?;
        for side in &self.sides {
            if self.repository.is_in(&commit, side)? {
                return Ok(Vec::new());
            }
        }
        let joined = self.repository.merge_also(revision, &self.files, &self.theirs)?;
        let author = self.repository.author(&joined.commit)?;
        let mut found = review::conflicts(&joined.conflicts, revision, self.workspace.documents());
        let undo: Vec<_> = joined.edits.keys().cloned().collect();
        for (path, bytes) in joined.edits {
            self.workspace.edit(&path, bytes);
        }
        let errors = self.workspace.findings().values().flatten().filter(|f| f.severity == Severity::Error);
        found.extend(errors.filter(|finding| !self.known.contains(&identity(finding))).cloned());
        for path in undo {
            let original = self.contents.get(path.as_str()).map(|bytes| bytes.to_vec());
            self.workspace.edit(&path, original);
        }
        let note = format!(
            "only if `{revision}` merges too: {author} wrote its last commit, {}",
            joined.commit.short()
        );
        for finding in &mut found {
            finding.severity = Severity::Warning;
            finding.notes.insert(0, note.clone());
        }
        Ok(found)
    }
}

type Identity = (&'static str, String, String);

/// What makes two findings the same one in two states of a book: lines may have moved.
fn identity(finding: &Diagnostic) -> Identity {
    (finding.rule, finding.primary.file.path().to_owned(), finding.message.clone())
}

fn concerns(finding: &Diagnostic, files: &BTreeSet<String>) -> bool {
    let mut labels = std::iter::once(&finding.primary).chain(&finding.related);
    labels.any(|label| files.contains(label.file.path()))
}

/// Writes an error with its cause in one line.
fn told(error: &HistoryError) -> String {
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
    format!("{error}{cause}")
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

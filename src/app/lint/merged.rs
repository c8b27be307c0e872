//! The book as it will be after a merge, and what the change does to what runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::{Also, LintError, Notice};
use crate::app::change::Change;
use trialbook_history::{Commit, HistoryError, Merge, MergedFiles, Repository};
use trialbook_language::load::{self, Draft, Loaded, RawFile};
use trialbook_lint::review::{self, Review};
use trialbook_lint::workspace::Workspace;
use trialbook_model::Book;
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// A work tree, merged into a revision in memory.
pub struct Merged {
    repository: Repository,
    merge: Merge,
    revision: String,
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

impl std::fmt::Debug for Merged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Merged {
    /// Merges a book's files into a revision, and reads the result.
    ///
    /// # Errors
    ///
    /// Where the book is in no git repository, or the revision cannot be read or shares no commit with the book.
    pub fn open(root: &Path, files: Vec<RawFile>, revision: &str) -> Result<(Loaded, Self), LintError> {
        let repository = Repository::of_book(root)?.ok_or(LintError::NoRepository)?;
        let merge = repository.merge_into(revision, files)?;
        let ours = merge.changes.iter().filter_map(|change| change.after.clone()).collect();
        let (before, loaded) = read(&merge);
        Ok((loaded, Self { repository, merge, revision: revision.to_owned(), ours, before }))
    }

    /// Returns the files that the change adds, where they are after the merge.
    pub(super) fn added(&self) -> BTreeSet<String> {
        let added = self.merge.changes.iter().filter(|change| change.before.is_none());
        added.filter_map(|change| change.after.clone()).collect()
    }

    /// Returns what the change is about; `None` where the merged book has errors.
    pub fn change(&self, loaded: &Loaded, now: Timestamp) -> Option<Change> {
        let book = loaded.book.as_ref()?;
        Some(Change::of(book, &loaded.documents, &self.merge.changes, now))
    }

    /// Returns the findings of a change: of the merged book every error, and the warnings that concern a file which the change
    /// touches; what the change may not do to what runs; what appears only where other revisions merge as well.
    pub(super) fn review(
        &self,
        mut findings: Vec<Diagnostic>,
        loaded: &Loaded,
        also: Also<'_>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Result<Vec<Diagnostic>, LintError> {
        let Self { repository, merge, revision, ours, before } = self;
        findings.retain(|finding| finding.severity == Severity::Error || concerns(finding, ours));
        review::brought(&mut findings, ours, &merge.incoming, revision);
        findings.extend(review::conflicts(&merge.conflicts, revision, &loaded.documents));
        findings.extend(changes(repository, merge, (before.as_ref(), loaded), now, notices)?);
        let Also { revisions, pulls } = also;
        if !revisions.is_empty() || !pulls.is_empty() {
            let mut others = Others::new(self, now)?;
            for pattern in revisions {
                for revision in repository.revisions(pattern)? {
                    let name = format!("`{revision}`");
                    match others.joined(&revision, &name, &revision) {
                        Ok(found) => findings.extend(found),
                        // Somebody else's branch: it stops nobody who did not name it.
                        Err(cause) if pattern.contains('*') => {
                            notices.push(Notice::LeftOut { revision, cause });
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            for pull in pulls {
                let name = match &pull.author {
                    Some(author) => format!("pull request #{} of {author}", pull.number),
                    None => format!("pull request #{}", pull.number),
                };
                match others.joined(pull.head.as_str(), &name, &format!("refs/pull/{}/head", pull.number)) {
                    Ok(found) => findings.extend(found),
                    Err(cause) => notices.push(Notice::PullLeftOut { number: pull.number, cause }),
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
    notices: &mut Vec<Notice>,
) -> Result<Vec<Diagnostic>, LintError> {
    // Where the merged book cannot be read, its errors come first; where the other side's cannot, nothing can be compared.
    let Some(after) = &loaded.book else { return Ok(Vec::new()) };
    let Some(before) = before else {
        notices.push(Notice::NoBookBefore);
        return Ok(Vec::new());
    };
    let launched = repository.launched(now)?;
    let used = used(repository, merge, loaded, notices)?;
    let review = Review {
        before,
        after,
        documents: &loaded.documents,
        changes: &merge.changes,
        launched: &launched.begun,
        recorded: &launched.digests,
        used: &used,
        now,
    };
    let found = review::review(&review);
    let replaced = launched.awaiting.iter().filter(|(key, _)| review.replaces_plan(key));
    notices
        .extend(replaced.map(|(key, start)| Notice::ReplacesPlan { experiment: key.clone(), start: *start }));
    Ok(found)
}

/// Returns the new files whose keys history knows.
fn used(
    repository: &Repository,
    merge: &Merge,
    loaded: &Loaded,
    notices: &mut Vec<Notice>,
) -> Result<BTreeMap<String, Commit>, LintError> {
    let new = merge.changes.iter().filter(|change| change.before.is_none());
    let name = |path: &str| {
        let document = loaded.documents.by_path(path)?;
        Some(format!("{}.{}", document.key(), document.kind()))
    };
    let names: BTreeSet<String> = new.filter_map(|change| name(change.after.as_deref()?)).collect();
    let deleted = repository.deleted(&names, &merge.theirs)?;
    if !deleted.complete {
        notices.push(Notice::ShortHistory);
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
    fn new(merged: &'a Merged, now: Timestamp) -> Result<Self, HistoryError> {
        let merge = &merged.merge;
        let workspace = Workspace::open(merge.files.clone(), now);
        let head = merged.repository.head()?;
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

    /// Returns what is wrong only where another revision merges as well, as warnings: it may never merge. `name` is what people call it,
    /// `reference` what git does.
    fn joined(
        &mut self,
        revision: &str,
        name: &str,
        reference: &str,
    ) -> Result<Vec<Diagnostic>, HistoryError> {
        let commit = self.repository.resolve(revision)?;
        for side in &self.sides {
            if self.repository.is_in(&commit, side)? {
                return Ok(Vec::new());
            }
        }
        let joined = self.repository.merge_also(revision, &self.files, &self.theirs)?;
        let author = self.repository.author(&joined.commit)?;
        let mut found = review::conflicts(&joined.conflicts, reference, self.workspace.documents());
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
        let note =
            format!("only if {name} merges too: {author} wrote its last commit, {}", joined.commit.short());
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

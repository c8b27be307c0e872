//! What a merge itself brings: conflicts, and findings that neither side has alone.

use std::collections::BTreeSet;

use super::MERGE_CONFLICT;
use trialbook_history::{Conflict, ConflictKind};
use trialbook_language::load::Documents;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};

/// Returns a finding for each file that has to be merged by hand with a revision.
pub fn conflicts(conflicts: &[Conflict], revision: &str, documents: &Documents) -> Vec<Diagnostic> {
    let one = |conflict: &Conflict| {
        let path = conflict.path.as_str();
        let file = documents.files().find(|file| file.path() == path).cloned();
        let file = file.unwrap_or_else(|| SourceFile::new(path, ""));
        let what = match conflict.kind {
            ConflictKind::Edits => "changes lines here that this side changes too",
            ConflictKind::Additions => "has a file of this name with something else in it",
            ConflictKind::DeletedByThem => "has deleted this file, which this side changes",
            ConflictKind::Moves => "has moved this file to another folder than this side does",
            ConflictKind::DeletedByUs => "has changed this file, which this side deletes",
        };
        Diagnostic::error(MERGE_CONFLICT, format!("`{revision}` {what}"), &file, Span::default()).help(
            format!("merge `{revision}` and settle the conflict; the file is checked as it is on this side"),
        )
    };
    conflicts.iter().map(one).collect()
}

/// Adds a note to findings that concern a file which only this side changed and one which only the other did: neither
/// branch has them alone.
pub fn brought(
    findings: &mut [Diagnostic],
    ours: &BTreeSet<String>,
    theirs: &BTreeSet<String>,
    revision: &str,
) {
    for finding in findings {
        let paths =
            || std::iter::once(&finding.primary).chain(&finding.related).map(|label| label.file.path());
        let other = paths().find(|path| theirs.contains(*path)).map(str::to_owned);
        if let Some(other) = other
            && paths().any(|path| ours.contains(path))
        {
            finding
                .notes
                .push(format!("it arises only with the merge: `{other}` is changed on `{revision}`"));
        }
    }
}

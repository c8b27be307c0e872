//! `--add-ignore REASON`: a suppression for each finding, written at its line.

use jiff::Timestamp;

use super::counted;
use crate::app::lint;
use crate::cli::{Failure, Opened, Session, failed, write};
use crate::report::findings::visible;
use trialbook_model::diagnostic::Diagnostic;

/// How many findings are named that cannot be suppressed.
const NAMED: usize = 10;

/// Writes suppressions of findings into the book's files.
///
/// # Errors
///
/// Where the reason cannot be written into a comment, or a file cannot be read or written. Each file is written
/// whole or not at all.
pub(super) fn run(
    reason: &str,
    findings: &[Diagnostic],
    opened: &Opened,
    now: Timestamp,
    session: &Session,
) -> Result<(), Failure> {
    let made =
        lint::suppress(reason, findings, &opened.loaded, now).map_err(|error| failed::of_lint(&error))?;
    for path in &made.refused {
        let path = visible(path);
        session.inform(format_args!(
            "`{path}` is left as it is: a comment there would become part of a text; write the suppression by hand"
        ));
    }
    let mut comments = 0;
    for edited in &made.edited {
        write::edited_file(&opened.root, &edited.path, &edited.before, &edited.after)?;
        comments += edited.comments;
    }
    let files = counted(made.edited.len(), "file");
    session.inform(format_args!("wrote {} into {files}", counted(comments, "suppression")));
    for finding in made.left.iter().take(NAMED) {
        let at = finding.primary.file.position(finding.primary.span.start);
        let path = visible(finding.primary.file.path());
        session.inform(format_args!("cannot be suppressed: {} at {path}:{}", finding.rule, at.line));
    }
    if made.left.len() > NAMED {
        session.inform(format_args!("and {} more", made.left.len() - NAMED));
    }
    Ok(())
}

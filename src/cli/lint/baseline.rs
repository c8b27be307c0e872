//! `--baseline` and `--write-baseline`: what an old book begins with.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::app::lint::Known;
use crate::cli::sink::Text;
use crate::cli::{Exit, Failure, Opened, Session, exit, write};
use trialbook_lint::check::baseline::{Baseline, BaselineError};
use trialbook_model::diagnostic::Diagnostic;

/// The most bytes of a baseline: some hundred thousand findings.
const LARGEST: u64 = 64 << 20;

/// Reads a baseline for a book.
///
/// # Errors
///
/// Where the file cannot be read, is no baseline, or names what cannot be in one.
pub(super) fn read(path: &Path, root: &Path) -> Result<Known, Failure> {
    const HOW: &str = "`trialbook lint --write-baseline FILE` writes one";
    let shown = path.display();
    let mut text = String::new();
    // A pull request can bring the file: one byte more than it may have is enough to refuse it.
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    read.map_err(|error| {
        Failure::new(exit::of_named_file(&error), format!("cannot read `{shown}`")).because(&error).help(HOW)
    })?;
    if text.len() as u64 > LARGEST {
        let message = format!("`{shown}` is larger than {} MiB, and a baseline never is", LARGEST >> 20);
        return Err(Failure::new(Exit::Refused, message).help(HOW));
    }
    Known::read(path, &text, root).map_err(|error| {
        let help = match &error {
            BaselineError::NeverKnown { .. } => "fix what it hides, and write the baseline again",
            BaselineError::UnknownRule { .. } | BaselineError::Count { .. } => "write the baseline again",
            BaselineError::Shape(_) | BaselineError::Version(_) => HOW,
        };
        Failure::new(Exit::Refused, format!("`{shown}` cannot be used")).because(&error).help(help)
    })
}

/// Writes the baseline of findings, and returns those that cannot be in one.
///
/// # Errors
///
/// Where the file cannot be written. What was there before is kept then.
pub(super) fn write(
    path: &Path,
    findings: &[Diagnostic],
    opened: &Opened,
    session: &Session,
) -> Result<Vec<Diagnostic>, Failure> {
    let (baseline, left) = Baseline::of(findings, &opened.loaded.documents);
    let text = baseline.to_json().map_err(|error| Failure::of(Exit::Bug, &error))?;
    write::output(path, Text::Json(&text))?;
    let shown = path.display();
    session.inform(format_args!("wrote {} to `{shown}`", super::counted(baseline.count(), "finding")));
    if !left.is_empty() {
        session.inform(format_args!("{} cannot be in a baseline", super::counted(left.len(), "finding")));
    }
    Ok(left)
}

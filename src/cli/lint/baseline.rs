//! `--baseline` and `--write-baseline`: what an old book begins with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scope::leading;
use crate::cli::sink::Text;
use crate::cli::{Exit, Failure, Opened, Session, exit, write};
use trialbook_lint::check::baseline::{Baseline, BaselineError};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;

/// A baseline and where it was read.
pub(super) struct Known {
    /// What it knows.
    pub(super) baseline: Baseline,
    path: PathBuf,
    text: String,
}

impl Known {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, is no baseline, or names what cannot be in one.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        const HOW: &str = "`trialbook lint --write-baseline FILE` writes one";
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(exit::of_named_file(&error), format!("cannot read `{shown}`"))
                .because(&error)
                .help(HOW)
        })?;
        let baseline = Baseline::read(&text).map_err(|error| {
            let help = match &error {
                BaselineError::NeverKnown { .. } => "mend what it hides, and write the baseline anew",
                BaselineError::UnknownRule { .. } | BaselineError::Count { .. } => "write the baseline anew",
                BaselineError::Shape(_) | BaselineError::Version(_) => HOW,
            };
            Failure::new(Exit::Refused, format!("`{shown}` cannot be used")).because(&error).help(help)
        })?;
        Ok(Self { baseline, path: path.to_path_buf(), text })
    }

    /// Returns the file as findings name it: relative to the book's root.
    pub(super) fn file(&self, root: &Path) -> Arc<SourceFile> {
        let real = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let way = leading(root, &real);
        let path =
            way.map_or_else(|| self.path.display().to_string(), |way| way.trim_end_matches('/').to_owned());
        SourceFile::new(path, self.text.as_str())
    }
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
    session.say(format_args!("wrote {} to `{shown}`", super::counted(baseline.count(), "finding")));
    if !left.is_empty() {
        session.say(format_args!("{} cannot be in a baseline", super::counted(left.len(), "finding")));
    }
    Ok(left)
}

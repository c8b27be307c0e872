//! What an old book begins with: a baseline, and where it is.

use std::path::Path;
use std::sync::Arc;

use super::scope::leading;
use trialbook_lint::check::baseline::{Baseline, BaselineError};
use trialbook_model::span::SourceFile;

/// A baseline and its file.
#[derive(Debug)]
pub struct Known {
    /// What it knows.
    pub baseline: Baseline,
    /// The file as findings name it: relative to the book's root.
    pub file: Arc<SourceFile>,
}

impl Known {
    /// Reads the text of a baseline's file.
    ///
    /// # Errors
    ///
    /// Where it is no baseline, or names what cannot be in one.
    pub fn read(path: &Path, text: &str, root: &Path) -> Result<Self, BaselineError> {
        let baseline = Baseline::read(text)?;
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let way = leading(root, &real);
        let shown =
            way.map_or_else(|| path.display().to_string(), |way| way.trim_end_matches('/').to_owned());
        Ok(Self { baseline, file: SourceFile::new(shown, text) })
    }
}

//! The part of the book that findings are shown of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::LintError;
use trialbook_language::load::Loaded;
use trialbook_model::diagnostic::Diagnostic;

/// Returns the `/`-separated way from one absolute folder to another, which ends with `/` or is empty; `None` where
/// there is none, or where it is not text.
pub fn leading(from: &Path, to: &Path) -> Option<String> {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let mut way = "../".repeat(from.len() - shared);
    for component in to.iter().skip(shared) {
        way.push_str(component.as_os_str().to_str()?);
        way.push('/');
    }
    Some(way)
}

/// The part of the book that findings are shown of.
#[derive(Debug, Default)]
pub struct Scope {
    /// Paths relative to the book's root; empty for all of it.
    paths: BTreeSet<String>,
}

impl Scope {
    /// Makes the scope of files and folders as somebody names them; without any, the whole book.
    ///
    /// # Errors
    ///
    /// Where one is not there, or is not in the book.
    pub fn new(root: &Path, given: &[PathBuf]) -> Result<Self, LintError> {
        let mut paths = BTreeSet::new();
        for path in given {
            let real =
                fs::canonicalize(path).map_err(|cause| LintError::NoPath { path: path.clone(), cause })?;
            if root.starts_with(&real) {
                return Ok(Self::default());
            }
            let inside = real.strip_prefix(root).ok();
            let inside = inside.and_then(|inside| leading(Path::new("/"), &Path::new("/").join(inside)));
            let outside = || LintError::OutsideBook { path: path.clone(), root: root.to_path_buf() };
            paths.insert(inside.ok_or_else(outside)?.trim_end_matches('/').to_owned());
        }
        Ok(Self { paths })
    }

    /// Tells whether a file, given from the book's root, is in the scope.
    pub fn holds(&self, path: &str) -> bool {
        let under = |folder: &String| {
            path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.paths.is_empty() || self.paths.iter().any(under)
    }

    /// Tells whether any place of a finding is in the scope: a collision concerns both sides.
    pub fn concerns(&self, finding: &Diagnostic) -> bool {
        let mut labels = std::iter::once(&finding.primary).chain(&finding.related);
        labels.any(|label| self.holds(label.file.path()))
    }

    /// Returns how many files of the book are in the scope.
    ///
    /// # Errors
    ///
    /// Where there are none, and nothing that is wrong is there either.
    pub fn files(&self, loaded: &Loaded) -> Result<usize, LintError> {
        let files = loaded.documents.files().filter(|file| self.holds(file.path())).count();
        let strays = loaded.findings.iter().any(|finding| self.concerns(finding));
        if files == 0 && !strays { Err(LintError::NoFile) } else { Ok(files) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_from_the_readers_folder_to_the_book() {
        let way = |from: &str, to: &str| leading(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b").as_deref(), Some(""));
        assert_eq!(way("/a", "/a/b/c").as_deref(), Some("b/c/"));
        assert_eq!(way("/a/b/x", "/a/b").as_deref(), Some("../"));
        assert_eq!(way("/a/x", "/a/b").as_deref(), Some("../b/"));
    }

    #[test]
    fn a_scope_is_a_file_or_a_folder_and_not_what_begins_like_it() {
        let scope = Scope { paths: BTreeSet::from(["checkout".to_owned(), "a.flag.yaml".to_owned()]) };
        assert!(scope.holds("checkout/x.flag.yaml") && scope.holds("a.flag.yaml"));
        assert!(!scope.holds("checkout-two/x.flag.yaml") && !scope.holds("b.flag.yaml"));
    }
}

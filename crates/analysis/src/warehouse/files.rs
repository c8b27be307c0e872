//! Data files: a pattern relative to the book's root, and never anything outside it.

use std::path::{Path, PathBuf};

use regex::Regex;
use trialbook_gate::{Misplaced, is_hidden, misplaced};
use walkdir::{DirEntry, WalkDir};

/// The format of data files, by their ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl FileFormat {
    /// Returns the format of files by the ending of their name; `None` where that is no data format.
    fn of(name: &str) -> Option<Self> {
        if name.ends_with(".parquet") {
            return Some(Self::Parquet);
        }
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
        if ends(&[".csv"]) {
            Some(Self::Csv)
        } else if ends(&[".ndjson", ".jsonl"]) {
            Some(Self::Ndjson)
        } else {
            None
        }
    }
}

/// Why data files cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FilesError {
    /// A path that could lead out of the book.
    #[error("`{0}` is not a path within the book")]
    #[diagnostic(help("write it relative to the book's folder, with `/`, without `..`"))]
    Outside(String),
    /// A file that leads out of the book, by a link.
    #[error("`{pattern}` leads to `{file}`, which is outside the book")]
    #[diagnostic(help("write it relative to the book's folder, with `/`, without `..`"))]
    Link {
        /// As the book names it.
        pattern: String,
        /// The file that it leads to.
        file: PathBuf,
    },
    /// A file or a folder whose name begins with a dot: those hold settings and secrets.
    #[error("`{0}` leads into a hidden file or folder, which is never read")]
    #[diagnostic(help("move the data to a folder whose name does not begin with a dot"))]
    Hidden(String),
    /// An ending that is no data format.
    #[error("`{0}` ends in none of `.parquet`, `.csv` and `.ndjson`")]
    #[diagnostic(help(
        "give Parquet, CSV (`.csv`, `.csv.gz`) or NDJSON files (`.ndjson`, `.ndjson.gz`, `.jsonl`, `.jsonl.gz`), or use `sql:`"
    ))]
    Format(String),
    /// Nothing there.
    #[error("no file matches `{0}`")]
    #[diagnostic(help(
        "paths are relative to the book's folder; `*` stands for a part of a name, `**` for folders"
    ))]
    NoMatch(String),
    /// The file system does not let it be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// Files that exist, inside a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFiles {
    /// Their format.
    pub format: FileFormat,
    /// Their absolute paths, sorted; never empty.
    pub paths: Vec<PathBuf>,
}

impl DataFiles {
    /// Finds the files that a pattern names, with `*`, `?` and `**`.
    pub fn find(root: &Path, pattern: &str) -> Result<Self, FilesError> {
        let relative = inside(pattern)?;
        let format = FileFormat::of(pattern).ok_or_else(|| FilesError::Format(pattern.to_owned()))?;
        let root = canonical(root)?;
        let mut paths = if pattern.contains(['*', '?']) {
            matching(&root, pattern)?
        } else {
            vec![root.join(relative)].into_iter().filter(|path| path.exists()).collect()
        };
        paths.sort();
        if paths.is_empty() {
            return Err(FilesError::NoMatch(pattern.to_owned()));
        }
        let paths = paths.iter().map(|path| within(&root, pattern, path)).collect::<Result<_, _>>()?;
        Ok(Self { format, paths })
    }
}

impl DataFiles {
    /// Tells whether a pattern names a path, both from the book's root.
    pub fn names(pattern: &str, path: &str) -> bool {
        matcher(pattern).is_ok_and(|matcher| matcher.is_match(path))
    }
}

/// Returns the one file of this relative path, or `None` where there is none.
pub(super) fn single(root: &Path, path: &str) -> Result<Option<PathBuf>, FilesError> {
    let relative = inside(path)?;
    let root = canonical(root)?;
    let file = root.join(relative);
    if !file.exists() {
        return Ok(None);
    }
    within(&root, path, &file).map(Some)
}

/// Refuses what is absolute, climbs, is a URL or hidden.
fn inside(path: &str) -> Result<&Path, FilesError> {
    match misplaced(path) {
        None => Ok(Path::new(path)),
        Some(Misplaced::Outside) => Err(FilesError::Outside(path.to_owned())),
        Some(Misplaced::Hidden) => Err(FilesError::Hidden(path.to_owned())),
    }
}

fn canonical(path: &Path) -> Result<PathBuf, FilesError> {
    path.canonicalize().map_err(|cause| FilesError::Unreadable { path: path.to_owned(), cause })
}

/// Resolves links, and refuses a file that they lead out of the root.
fn within(root: &Path, pattern: &str, path: &Path) -> Result<PathBuf, FilesError> {
    let file = canonical(path)?;
    // Of the file itself too: a link may lead into a hidden folder of the book.
    match file.strip_prefix(root) {
        Ok(relative) if is_hidden(relative) => Err(FilesError::Hidden(pattern.to_owned())),
        Ok(_) => Ok(file),
        Err(_) => Err(FilesError::Link { pattern: pattern.to_owned(), file }),
    }
}

/// Walks from the last folder that the pattern names in full.
fn matching(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, FilesError> {
    let fixed = pattern.split('/').take_while(|part| !part.contains(['*', '?']));
    let start = fixed.fold(root.to_owned(), |folder, part| folder.join(part));
    let matcher = matcher(pattern).map_err(|_| FilesError::Outside(pattern.to_owned()))?;
    if !start.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    let visible = |entry: &DirEntry| entry.depth() == 0 || !is_hidden(Path::new(entry.file_name()));
    for entry in WalkDir::new(&start).into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| FilesError::Unreadable {
            path: error.path().unwrap_or(&start).to_owned(),
            cause: error.into(),
        })?;
        let relative = entry.path().strip_prefix(root).ok().and_then(Path::to_str);
        if !entry.file_type().is_dir() && relative.is_some_and(|path| matcher.is_match(path)) {
            paths.push(entry.path().to_owned());
        }
    }
    Ok(paths)
}

/// Returns the pattern as a regular expression: `**/` any folders, `*` and `?` within a name.
fn matcher(pattern: &str) -> Result<Regex, regex::Error> {
    let mut expression = String::from("^");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let (piece, taken) = if rest.starts_with("**/") {
            ("(?:[^/]+/)*".to_owned(), 3)
        } else {
            match c {
                '*' => ("[^/]*".to_owned(), 1),
                '?' => ("[^/]".to_owned(), 1),
                c => (regex::escape(c.encode_utf8(&mut [0; 4])), c.len_utf8()),
            }
        };
        expression.push_str(&piece);
        rest = rest.get(taken..).unwrap_or_default();
    }
    expression.push('$');
    Regex::new(&expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for file in ["data/a.csv", "data/b.csv", "data/deep/er/c.csv", "data/d.parquet", "data/e.txt"] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "x\n").expect("a file");
        }
        root
    }

    fn found(pattern: &str) -> Vec<String> {
        let root = book();
        let files = DataFiles::find(root.path(), pattern).expect(pattern);
        let names = files.paths.iter().filter_map(|path| path.file_name()?.to_str());
        names.map(str::to_owned).collect()
    }

    #[test]
    fn a_pattern_finds_files_by_name_and_folder() {
        assert_eq!(found("data/a.csv"), ["a.csv"]);
        assert_eq!(found("data/*.csv"), ["a.csv", "b.csv"]);
        assert_eq!(found("data/**/?.csv"), ["a.csv", "b.csv", "c.csv"]);
        assert_eq!(found("data/*.parquet"), ["d.parquet"]);
    }

    #[test]
    fn the_ending_of_a_name_is_its_format() {
        for (name, format) in [
            ("a.parquet", Some(FileFormat::Parquet)),
            ("a.csv", Some(FileFormat::Csv)),
            ("a.csv.gz", Some(FileFormat::Csv)),
            ("a.ndjson", Some(FileFormat::Ndjson)),
            ("data/*.jsonl.gz", Some(FileFormat::Ndjson)),
            ("a.json", None),
            ("a.parquet.gz", None),
        ] {
            assert_eq!(FileFormat::of(name), format, "{name}");
        }
    }

    #[test]
    fn a_path_never_leads_out_of_the_book() {
        let root = book();
        for path in
            ["/etc/passwd.csv", "../a.csv", "data/../../a.csv", "", "s3://b/a.csv", r"..\a.csv", "./a.csv"]
        {
            let error = DataFiles::find(root.path(), path).expect_err(path);
            assert!(matches!(error, FilesError::Outside(_)), "{path}: {error}");
        }
    }

    #[test]
    fn hidden_files_and_folders_are_never_read() {
        let root = book();
        std::fs::create_dir(root.path().join(".git")).expect("a folder");
        for hidden in [".git/a.csv", ".secrets.csv", "data/.a.csv"] {
            std::fs::write(root.path().join(hidden), "x\n").expect("a file");
            let error = DataFiles::find(root.path(), hidden).expect_err(hidden);
            assert!(matches!(error, FilesError::Hidden(_)), "{hidden}: {error}");
        }
        for pattern in ["**/*.csv", "data/*.csv"] {
            let found = DataFiles::find(root.path(), pattern).expect(pattern);
            let hidden =
                |path: &PathBuf| path.to_string_lossy().ends_with("secrets.csv") || path.ends_with(".a.csv");
            assert!(!found.paths.iter().any(hidden), "{found:?}");
            assert!(!found.paths.iter().any(|path| path.starts_with(root.path().join(".git"))), "{found:?}");
        }
        let error = DataFiles::find(root.path(), ".git/*.csv").expect_err("hidden");
        assert!(matches!(error, FilesError::Hidden(_)), "{error}");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.path().join(".secrets.csv"), root.path().join("data/link.csv"))
                .expect("a link");
            let error = DataFiles::find(root.path(), "data/link.csv").expect_err("a link to a hidden file");
            assert!(matches!(error, FilesError::Hidden(_)), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_never_leads_out_of_the_book() {
        let (root, outside) = (book(), tempfile::tempdir().expect("a folder"));
        std::fs::write(outside.path().join("secret.csv"), "x\n").expect("a file");
        std::os::unix::fs::symlink(outside.path().join("secret.csv"), root.path().join("data/link.csv"))
            .expect("a link");
        for pattern in ["data/link.csv", "data/*.csv"] {
            let error = DataFiles::find(root.path(), pattern).expect_err(pattern);
            assert!(matches!(error, FilesError::Link { .. }), "{pattern}: {error}");
        }
    }

    #[test]
    fn what_is_not_there_or_no_data_says_so() {
        let root = book();
        assert!(matches!(DataFiles::find(root.path(), "data/x.csv"), Err(FilesError::NoMatch(_))));
        assert!(matches!(DataFiles::find(root.path(), "no/*.csv"), Err(FilesError::NoMatch(_))));
        assert!(matches!(DataFiles::find(root.path(), "data/e.txt"), Err(FilesError::Format(_))));
    }
}

//! Which data files a book may name: those within it, and no hidden ones.

use std::path::{Component, Path};

/// Why data files are never read, whatever is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplaced {
    /// The path could lead out of the book: it is absolute, climbs, or is a URL.
    Outside,
    /// A part of it begins with a dot: such files and folders hold settings and secrets.
    Hidden,
}

/// Tells why the files of a path or a pattern are never read; `None` where they may be. What a link leads to is seen only
/// where the files are.
///
/// A backslash is no separator that a book may use.
pub fn misplaced(path: &str) -> Option<Misplaced> {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !plain || path.contains(['\\', ':', '\0']) {
        return Some(Misplaced::Outside);
    }
    is_hidden(Path::new(path)).then_some(Misplaced::Hidden)
}

/// Tells whether a part of a relative path begins with a dot.
pub fn is_hidden(relative: &Path) -> bool {
    relative.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_out_of_the_book_and_into_hidden_folders_are_refused() {
        let outside =
            ["", "/etc/passwd", "../x.csv", "a/../../x.csv", "https://a.test/x.csv", "C:x.csv", "a\\b.csv"];
        for path in outside {
            assert_eq!(misplaced(path), Some(Misplaced::Outside), "{path}");
        }
        for path in [".git/config", "data/.cache/x.csv", "data/.x.csv"] {
            assert_eq!(misplaced(path), Some(Misplaced::Hidden), "{path}");
        }
        for path in ["x.csv", "data/x.csv", "data/**/x.*.csv", "data/./x.csv"] {
            assert_eq!(misplaced(path), None, "{path}");
        }
    }
}

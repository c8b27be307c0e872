//! The difference between two texts of a file, as a patch.

use similar::TextDiff;

/// Returns a unified diff with three lines of context that `patch -p1` and `git apply` take; empty where nothing differs.
///
/// Line ends are kept: a carriage return is part of its line.
pub fn difference(path: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (a, b) = (format!("a/{path}"), format!("b/{path}"));
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(&a, &b).to_string()
}

/// Returns the patch that makes a new file.
pub fn creation(path: &str, text: &str) -> String {
    let patch = difference(path, "", text);
    // There is no older file of that name, and patches record that.
    patch.split_once('\n').map_or_else(String::new, |(_, rest)| format!("--- /dev/null\n{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_has_nothing_before_it() {
        assert_eq!(creation("x.yaml", "a\n"), "--- /dev/null\n+++ b/x.yaml\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(creation("x.yaml", ""), "");
    }

    #[test]
    fn a_difference_is_a_patch_and_no_difference_is_nothing() {
        assert_eq!(difference("x.yaml", "a\n", "a\n"), "");
        let patch = difference("x.yaml", "a\r\nb\n", "a\r\nc");
        assert_eq!(
            patch,
            "--- a/x.yaml\n+++ b/x.yaml\n@@ -1,2 +1,2 @@\n a\r\n-b\n+c\n\\ No newline at end of file\n"
        );
    }
}

//! A suppression for each finding, as an edit of the file at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::LintError;
use trialbook_language::edit::{Replacement, patch};
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_lint::check::{self, suppression};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;

/// The suppressions that a file needs: the rules of each line.
struct Needed {
    file: Arc<SourceFile>,
    lines: BTreeMap<usize, BTreeSet<&'static str>>,
}

/// A file as suppressions change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Its path from the book's root.
    pub path: String,
    /// Its text as it was read.
    pub before: String,
    /// Its text with the suppressions.
    pub after: String,
    /// How many suppressions were added.
    pub comments: usize,
}

/// The suppressions of findings, as edits that nobody has made yet.
#[derive(Debug)]
pub struct Suppressed<'a> {
    /// The files that get suppressions.
    pub edited: Vec<Edited>,
    /// The paths of files in which a comment at the line would change what the file means, or would hide nothing.
    pub refused: BTreeSet<String>,
    /// The findings that cannot be suppressed.
    pub left: Vec<&'a Diagnostic>,
}

/// Returns the suppressions of findings of a book.
///
/// The book is linted as it would be with all of them: a file that would then mean something else, or still have a finding, is refused.
///
/// # Errors
///
/// Where the reason cannot be written into a comment.
pub fn suppress<'a>(
    reason: &str,
    findings: &'a [Diagnostic],
    loaded: &Loaded,
    now: Timestamp,
) -> Result<Suppressed<'a>, LintError> {
    // Whatever the rules, the reason is refused or is not.
    suppression::written(&["rule"], reason).map_err(LintError::Reason)?;
    let (can, left): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| suppression::is_suppressible(finding));
    let mut edited = Vec::new();
    for needed in needed(can) {
        let text = commented(&needed, reason)?;
        edited.push((needed, text));
    }
    let refused = unsound(&edited, loaded, now);
    let sound = edited.into_iter().filter(|(needed, _)| !refused.contains(needed.file.path()));
    let edited = sound.map(|(needed, after)| Edited {
        path: needed.file.path().to_owned(),
        before: needed.file.text().to_owned(),
        after,
        comments: needed.lines.len(),
    });
    Ok(Suppressed { edited: edited.collect(), refused, left })
}

/// Groups findings by file and line.
fn needed(findings: Vec<&Diagnostic>) -> Vec<Needed> {
    let mut by_file: BTreeMap<&str, Needed> = BTreeMap::new();
    for finding in findings {
        let file = &finding.primary.file;
        let line = file.position(finding.primary.span.start).line;
        let needed = by_file
            .entry(file.path())
            .or_insert_with(|| Needed { file: Arc::clone(file), lines: BTreeMap::new() });
        needed.lines.entry(line).or_default().insert(finding.rule);
    }
    by_file.into_values().collect()
}

/// Returns a file's text with a comment before each line that needs one, indented and ended as that line is.
fn commented(needed: &Needed, reason: &str) -> Result<String, LintError> {
    let text = needed.file.text();
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut comments = Vec::new();
    for (line, rules) in &needed.lines {
        let span = needed.file.line_span(*line);
        let content = needed.file.slice(span);
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let indent: String = content.chars().take_while(|c| *c == ' ').collect();
        let rules: Vec<_> = rules.iter().copied().collect();
        let comment = suppression::written(&rules, reason).map_err(LintError::Reason)?;
        comments.push(Replacement::insert(span.end - content.len(), format!("{indent}{comment}{line_end}")));
    }
    patch(text, comments).ok_or(LintError::NoPlace)
}

/// Returns the paths of the files whose meaning would change, or that would still have the finding, as they are edited.
fn unsound(edited: &[(Needed, String)], loaded: &Loaded, now: Timestamp) -> BTreeSet<String> {
    if edited.is_empty() {
        return BTreeSet::new();
    }
    let texts: BTreeMap<&str, &str> =
        edited.iter().map(|(needed, text)| (needed.file.path(), text.as_str())).collect();
    let raw = loaded.documents.files().map(|file| RawFile {
        path: file.path().to_owned(),
        bytes: texts.get(file.path()).copied().unwrap_or(file.text()).into(),
    });
    let after = load::load(raw.collect());
    let left = counted(&after, now);
    let before = counted(loaded, now);
    let changed = |(needed, _): &&(Needed, String)| {
        let path = needed.file.path();
        let wanted: BTreeSet<&str> = needed.lines.values().flatten().copied().collect();
        let count = |found: &BTreeMap<(String, &str), usize>, rule| {
            found.get(&(path.to_owned(), rule)).copied().unwrap_or(0)
        };
        // Each comment hides at least one finding of each of its rules, and is no finding itself.
        let hidden: BTreeMap<&str, usize> = wanted
            .iter()
            .map(|rule| (*rule, needed.lines.values().filter(|rules| rules.contains(rule)).count()))
            .collect();
        let silent = hidden.iter().all(|(rule, lines)| count(&left, rule) + lines <= count(&before, rule));
        let own = ["bad-suppression", "unused-suppression", "expired-suppression"];
        let sound = own.iter().all(|rule| count(&left, rule) <= count(&before, rule));
        !(silent && sound && same_meaning(loaded, &after, path))
    };
    edited.iter().filter(changed).map(|(needed, _)| needed.file.path().to_owned()).collect()
}

/// Counts what is found, by file and rule.
fn counted(loaded: &Loaded, now: Timestamp) -> BTreeMap<(String, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for finding in check::run(loaded, now) {
        *counts.entry((finding.primary.file.path().to_owned(), finding.rule)).or_insert(0) += 1;
    }
    counts
}

/// Tells whether a file holds the same data in two states of the book.
fn same_meaning(before: &Loaded, after: &Loaded, path: &str) -> bool {
    let data = |loaded: &Loaded| {
        let document = loaded.documents.at_path(path)?;
        load::shape(document.kind(), document.file()).json
    };
    data(before).is_some_and(|before| data(after).is_some_and(|after| before == after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_model::span::Span;

    fn edited(text: &str, places: &[(&'static str, &str)]) -> String {
        let file = SourceFile::new("a.segment.yaml", text);
        let finding = |(rule, place): &(&'static str, &str)| {
            let start = text.find(place).expect("the place");
            Diagnostic::warning(rule, "x", &file, Span::new(start, start + 1))
        };
        let findings: Vec<_> = places.iter().map(finding).collect();
        let needed = needed(findings.iter().collect());
        commented(&needed[0], "why").expect("it can be written")
    }

    #[test]
    fn a_comment_stands_before_its_line_and_the_rest_stays() {
        assert_eq!(
            edited("a: 1\nb:\n  - c: 2\n", &[("too-long", "c"), ("no-guardrail", "2"), ("too-long", "a")]),
            "# trialbook: ignore[too-long] why\na: 1\nb:\n  # trialbook: ignore[no-guardrail, too-long] why\n  - c: 2\n"
        );
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_stay() {
        assert_eq!(
            edited("\u{feff}a: 1\r\nb: 2", &[("too-long", "b"), ("too-long", "a")]),
            "\u{feff}# trialbook: ignore[too-long] why\r\na: 1\r\n# trialbook: ignore[too-long] why\r\nb: 2"
        );
    }

    #[test]
    fn where_a_comment_would_be_text_the_file_is_left_alone() {
        let base = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base");
        let unsound_at = |place: &str| {
            let text = "description: |\n  People\n  who work here.\naudience: {employee: true}\n";
            let mut files = load::read_folder(&base).expect("the small book can be read");
            files.push(RawFile { path: "staff.segment.yaml".into(), bytes: text.into() });
            let loaded = load::load(files);
            let document = loaded.documents.at_path("staff.segment.yaml").expect("the file");
            let start = text.find(place).expect("the place");
            let finding =
                Diagnostic::warning("unused-segment", "x", document.file(), Span::new(start, start + 1));
            let edited = needed(vec![&finding]).into_iter().map(|needed| {
                let text = commented(&needed, "why").expect("it can be written");
                (needed, text)
            });
            let now = "2026-11-20T00:00:00Z".parse().expect("an instant");
            unsound(&edited.collect::<Vec<_>>(), &loaded, now)
        };
        assert_eq!(unsound_at("description"), BTreeSet::new());
        assert_eq!(unsound_at("who"), BTreeSet::from(["staff.segment.yaml".to_owned()]), "it would be text");
        assert_eq!(
            unsound_at("audience"),
            BTreeSet::from(["staff.segment.yaml".to_owned()]),
            "it hides nothing"
        );
    }
}

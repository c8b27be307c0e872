//! `--add-ignore REASON`: a suppression for each finding, written at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::counted;
use crate::cli::{Exit, Failure, Opened, Session, write};
use crate::report::findings::visible;
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_lint::check::{self, suppression};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;

/// How many findings are named that cannot be suppressed.
const NAMED: usize = 10;

/// The suppressions that a file needs: the rules of each line.
struct Needed {
    file: Arc<SourceFile>,
    lines: BTreeMap<usize, BTreeSet<&'static str>>,
}

/// Writes suppressions of findings into the book's files.
///
/// Each edited book is linted before anything is written: where a comment at the line would change what the file
/// says, or would not hide the finding, the file is left as it is and that is said.
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
    // Whatever the rules, the reason is refused or is not.
    suppression::written(&["rule"], reason).map_err(|why| {
        Failure::new(Exit::Usage, format!("`--add-ignore` cannot write this: {why}"))
            .help("say why the findings are acceptable: `--add-ignore \"until=2027-01-31 the team moves\"`")
    })?;
    let (can, cannot): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| suppression::is_suppressible(finding));
    let mut edited = Vec::new();
    for needed in needed(can) {
        let text = commented(&needed, reason)?;
        edited.push((needed, text));
    }
    let refused = unsound(&edited, opened, now)?;
    let (mut comments, mut files) = (0, 0);
    for (needed, text) in &edited {
        if refused.contains(needed.file.path()) {
            let path = visible(needed.file.path());
            session.say(format_args!(
                "`{path}` is left as it is: a comment there would not be one, write it by hand where it is"
            ));
            continue;
        }
        replace(opened, &needed.file, text)?;
        comments += needed.lines.len();
        files += 1;
    }
    session.say(format_args!("wrote {} into {}", counted(comments, "suppression"), counted(files, "file")));
    for finding in cannot.iter().take(NAMED) {
        let at = finding.primary.file.position(finding.primary.span.start);
        let path = visible(finding.primary.file.path());
        session.say(format_args!("cannot be suppressed: {} at {path}:{}", finding.rule, at.line));
    }
    if cannot.len() > NAMED {
        session.say(format_args!("and {} more", cannot.len() - NAMED));
    }
    Ok(())
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
fn commented(needed: &Needed, reason: &str) -> Result<String, Failure> {
    let (text, mut out, mut from) = (needed.file.text(), String::new(), 0);
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for (line, rules) in &needed.lines {
        let span = needed.file.line_span(*line);
        let content = needed.file.slice(span);
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let start = span.end - content.len();
        let indent: String = content.chars().take_while(|c| *c == ' ').collect();
        let rules: Vec<_> = rules.iter().copied().collect();
        let comment = suppression::written(&rules, reason).map_err(|why| Failure::new(Exit::Usage, why))?;
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(&format!("{indent}{comment}{line_end}"));
        from = start;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Ok(out)
}

/// Returns the paths of the files that would say something else, or still be found fault with, as they are edited.
fn unsound(
    edited: &[(Needed, String)],
    opened: &Opened,
    now: Timestamp,
) -> Result<BTreeSet<String>, Failure> {
    if edited.is_empty() {
        return Ok(BTreeSet::new());
    }
    let texts: BTreeMap<&str, &str> =
        edited.iter().map(|(needed, text)| (needed.file.path(), text.as_str())).collect();
    let raw = opened.loaded.documents.files().map(|file| RawFile {
        path: file.path().to_owned(),
        bytes: texts.get(file.path()).copied().unwrap_or(file.text()).into(),
    });
    let after = load::load(raw.collect());
    let left = told(&after, now);
    let before = told(&opened.loaded, now);
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
        !(silent && sound && same_meaning(&opened.loaded, &after, path))
    };
    Ok(edited.iter().filter(changed).map(|(needed, _)| needed.file.path().to_owned()).collect())
}

/// Counts what is found, by file and rule.
fn told(loaded: &Loaded, now: Timestamp) -> BTreeMap<(String, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for finding in check::run(loaded, now) {
        *counts.entry((finding.primary.file.path().to_owned(), finding.rule)).or_insert(0) += 1;
    }
    counts
}

/// Tells whether a file holds the same data in both.
fn same_meaning(before: &Loaded, after: &Loaded, path: &str) -> bool {
    let data = |loaded: &Loaded| {
        let document = loaded.documents.at_path(path)?;
        load::shape(document.kind(), document.file()).json
    };
    data(before).is_some_and(|before| data(after).is_some_and(|after| before == after))
}

/// Replaces a file in one step; refuses where somebody else has changed it since it was read.
fn replace(opened: &Opened, file: &SourceFile, text: &str) -> Result<(), Failure> {
    let path = opened.root.join(file.path());
    let shown = path.display();
    let failed = |error: &std::io::Error| {
        Failure::new(Exit::Unreachable, format!("cannot write `{shown}`")).because(error)
    };
    // A link stays one: what it leads to is replaced.
    let real = std::fs::canonicalize(&path).map_err(|error| failed(&error))?;
    let now = std::fs::read(&real).map_err(|error| failed(&error))?;
    if now != file.text().as_bytes() {
        return Err(Failure::new(Exit::Refused, format!("`{shown}` has changed since it was read"))
            .help("run it again"));
    }
    write::whole_file(&real, text).map_err(|error| failed(&error))
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
            let opened = Opened { root: base.clone(), loaded: load::load(files) };
            let document = opened.loaded.documents.at_path("staff.segment.yaml").expect("the file");
            let start = text.find(place).expect("the place");
            let finding =
                Diagnostic::warning("unused-segment", "x", document.file(), Span::new(start, start + 1));
            let edited = needed(vec![&finding]).into_iter().map(|needed| {
                let text = commented(&needed, "why").expect("it can be written");
                (needed, text)
            });
            let now = "2026-11-20T00:00:00Z".parse().expect("an instant");
            unsound(&edited.collect::<Vec<_>>(), &opened, now).expect("it can be judged")
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

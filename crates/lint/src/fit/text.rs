//! Edits of a file's values, with everything around them left as it is.

use std::fmt::Write as _;
use std::sync::Arc;

use trialbook_language::edit::{Replacement, patch, value};
use trialbook_language::load::yaml::{Content, Entry, Node, parse};
use trialbook_model::span::{SourceFile, Span};

/// Returns the text with values replaced, each given with the pointer to it; `None` where one of them is not there.
pub(super) fn replaced(text: &str, values: &[(String, String)]) -> Option<String> {
    let (file, root) = read(text)?;
    let replacement = |(pointer, value): &(String, String)| {
        Some(Replacement::new(bare(&file, at(&root, pointer)?), value.as_str()))
    };
    patch(text, values.iter().map(replacement).collect::<Option<Vec<_>>>()?)
}

/// Returns the text with the value of a top-level key set; a key that is not there comes after another one, on a line of
/// its own.
pub(super) fn set(text: &str, key: &str, value: &str, after: &str) -> Option<String> {
    let (file, root) = read(text)?;
    if root.entry(key).is_some() {
        return replaced(text, &[(format!("/{key}"), value.to_owned())]);
    }
    let end = last_line(&file, root.entry(after)?).min(text.len());
    patch(text, [Replacement::insert(end, format!("{}{key}: {value}", newline(text)))])
}

/// Returns the text without the lines of a top-level key; the same text where it has no such key.
pub(super) fn without(text: &str, key: &str) -> Option<String> {
    let (file, root) = read(text)?;
    let Some(entry) = root.entry(key) else { return Some(text.to_owned()) };
    let start = file.line_span(file.position(entry.key_span.start).line).start;
    let mut end = last_line(&file, entry);
    if text.get(end..)?.starts_with('\r') {
        end += 1;
    }
    if text.get(end..)?.starts_with('\n') {
        end += 1;
    }
    patch(text, [Replacement::new(Span::new(start, end), "")])
}

/// Returns the text of an experiment or a rollout with units kept out of its audience; who they are is given in flow style.
pub(super) fn excluded(text: &str, whom: &str) -> Option<String> {
    let (file, root) = read(text)?;
    let Some(audience) = root.entry("audience") else {
        return set(text, "audience", &format!("{{not: {whom}}}"), "flag");
    };
    let node = &audience.value;
    let Content::Mapping(entries) = &node.content else { return None };
    let span = bare(&file, node);
    let edit = if entries.iter().any(|entry| &*entry.key == "not") {
        Replacement::new(span, format!("{{all: [{}, {{not: {whom}}}]}}", flow(node)))
    } else if file.slice(span).starts_with('{') {
        let comma = if entries.is_empty() { "" } else { ", " };
        let brace = span.end.checked_sub(1).filter(|end| text.get(*end..span.end) == Some("}"))?;
        Replacement::insert(brace, format!("{comma}not: {whom}"))
    } else {
        let (first, last) = (entries.first()?, entries.last()?);
        let line = file.line_span(file.position(first.key_span.start).line);
        let indent = " ".repeat(first.key_span.start.checked_sub(line.start)?);
        Replacement::insert(last_line(&file, last), format!("{}{indent}not: {whom}", newline(text)))
    };
    patch(text, [edit])
}

/// Returns the value of a top-level key in flow style, on one line; `None` where the file has no such key.
pub(super) fn flow_of(text: &str, key: &str) -> Option<String> {
    Some(flow(&read(text)?.1.entry(key)?.value))
}

fn read(text: &str) -> Option<(Arc<SourceFile>, Node)> {
    let file = SourceFile::new("", text);
    let parsed = parse(&file);
    let root = parsed.root.filter(|root| parsed.faithful && matches!(root.content, Content::Mapping(_)))?;
    Some((file, root))
}

/// Follows a JSON pointer to its end.
fn at<'a>(root: &'a Node, pointer: &str) -> Option<&'a Node> {
    pointer.split('/').skip(1).try_fold(root, |node, token| match &node.content {
        Content::Mapping(_) => node.entry(token).map(|entry| &entry.value),
        Content::Sequence(items) => items.get(token.parse::<usize>().ok()?),
        Content::Scalar(_) => None,
    })
}

/// Returns the place of a node without the space after it.
fn bare(file: &SourceFile, node: &Node) -> Span {
    Span::new(node.span.start, node.span.start + file.slice(node.span).trim_end().len())
}

/// Returns the end of the last line of an entry, before its line break.
fn last_line(file: &SourceFile, entry: &Entry) -> usize {
    let end = entry.value.span.end.max(entry.key_span.end);
    let last = file.text().get(..end).map_or(end, |text| text.trim_end().len());
    let line = file.line_span(file.position(last).line);
    line.start + file.slice(line).trim_end_matches(['\r', '\n']).len()
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn flow(node: &Node) -> String {
    match &node.content {
        Content::Scalar(scalar) if scalar.plain && is_word(&scalar.text) => scalar.text.to_string(),
        Content::Scalar(scalar) => value::scalar(&scalar.text, value::Place::Flow),
        Content::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Content::Mapping(entries) => {
            let mut out = String::from("{");
            for (n, entry) in entries.iter().enumerate() {
                let comma = if n > 0 { ", " } else { "" };
                let _ = write!(out, "{comma}{}: {}", entry.key, flow(&entry.value));
            }
            out.push('}');
            out
        }
    }
}

/// Tells whether a plain scalar can stand in flow style as it is.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.contains([',', '[', ']', '{', '}', '#', ':', '"', '\'', '\n', '&', '*', '!', '|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "title: A\nflag: f # the flag\nschedule: {start: 2026-12-01, end: 2026-12-15}\n";

    #[test]
    fn values_are_replaced_and_comments_stay() {
        let pair = |pointer: &str, value: &str| (pointer.to_owned(), value.to_owned());
        let new =
            replaced(FILE, &[pair("/schedule/start", "2027-01-01"), pair("/schedule/end", "2027-01-15")]);
        let wanted = FILE.replace("2026-12-01", "2027-01-01").replace("2026-12-15", "2027-01-15");
        assert_eq!(new.as_deref(), Some(wanted.as_str()));
        assert_eq!(replaced(FILE, &[pair("/schedule/middle", "x")]), None);
        assert_eq!(replaced("[", &[]), None);
    }

    #[test]
    fn a_key_is_set_added_and_taken_out() {
        let with = set(FILE, "layer", "l", "flag").expect("it is set");
        assert_eq!(with, FILE.replace("# the flag\n", "# the flag\nlayer: l\n"));
        assert_eq!(set(&with, "layer", "m", "flag"), Some(with.replace("layer: l", "layer: m")));
        assert_eq!(without(&with, "layer").as_deref(), Some(FILE));
        assert_eq!(without(FILE, "layer").as_deref(), Some(FILE));
    }

    #[test]
    fn units_are_kept_out_of_audiences_of_every_layout() {
        let with =
            |audience: &str| excluded(&format!("flag: f\n{audience}"), "{country: SE}").expect("an edit");
        assert_eq!(with(""), "flag: f\naudience: {not: {country: SE}}\n");
        assert_eq!(with("audience: {}\n"), "flag: f\naudience: {not: {country: SE}}\n");
        assert_eq!(
            with("audience: {platform: ios} # phones\n"),
            "flag: f\naudience: {platform: ios, not: {country: SE}} # phones\n"
        );
        assert_eq!(
            with("audience:\n  platform: ios # phones\n  age: {above: 3}\ntitle: A\n"),
            "flag: f\naudience:\n  platform: ios # phones\n  age: {above: 3}\n  not: {country: SE}\ntitle: A\n"
        );
        assert_eq!(
            with("audience:\n  not: {segment: staff}\ntitle: A\n"),
            "flag: f\naudience:\n  {all: [{not: {segment: staff}}, {not: {country: SE}}]}\ntitle: A\n"
        );
    }

    #[test]
    fn flow_style_says_the_same_on_one_line() {
        let text = "audience:\n  any:\n    - country: SE\n    - email: {matches: 'a, b'}\n  version: {at_least: 8.10}\n";
        let one_line = flow_of(text, "audience").expect("an audience");
        assert_eq!(
            one_line,
            "{any: [{country: SE}, {email: {matches: \"a, b\"}}], version: {at_least: 8.10}}"
        );
        assert_eq!(flow_of(text, "title"), None);
    }
}

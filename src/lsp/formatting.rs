//! `textDocument/formatting`: a file in the one style of `trialbook fmt`.

use serde_json::{Value, json};

use super::books::Shelved;
use super::client::Client;
use super::position::Lines;
use super::server::Refusal;
use trialbook_language::edit::format::format;
use trialbook_model::span::Span;

/// Returns the edit that formats a file: of its lines from the first that differs to the last; none where it has that
/// style already.
///
/// # Errors
///
/// Where the file does not parse, or cannot be formatted without a change of its meaning.
pub fn format_document(book: &Shelved, path: &str, client: &Client) -> Result<Vec<Value>, Refusal> {
    let Some(document) = book.document(path) else { return Ok(Vec::new()) };
    let before = document.file().text();
    let after = format(document.kind(), document.file())
        .map_err(|error| Refusal::because(format!("`{path}` is left as it is: {error}")))?;
    let (span, text) = changed(before, &after);
    if span.start == span.end && text.is_empty() {
        return Ok(Vec::new());
    }
    let range = Lines::new(before, client.encoding).range(span);
    Ok(vec![json!({ "range": range, "newText": text })])
}

/// Returns the lines that differ: their span before, and what they are afterwards. The cursor stays where the rest is.
fn changed<'a>(before: &str, after: &'a str) -> (Span, &'a str) {
    let shared = |a: &mut dyn Iterator<Item = &'_ str>, b: &mut dyn Iterator<Item = &'_ str>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum::<usize>()
    };
    let start = shared(&mut before.split_inclusive('\n'), &mut after.split_inclusive('\n'));
    let (old, new) = (before.get(start..).unwrap_or_default(), after.get(start..).unwrap_or_default());
    let end = shared(&mut old.split_inclusive('\n').rev(), &mut new.split_inclusive('\n').rev());
    let span = Span::new(start, before.len() - end);
    (span, new.get(..new.len() - end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_differ_are_replaced() {
        let cut = |before: &str, after: &str| {
            let (span, text) = changed(before, after);
            (before.get(span.start..span.end).unwrap_or("?").to_owned(), text.to_owned())
        };
        assert_eq!(cut("a\nb\nc\n", "a\nB\nc\n"), ("b\n".into(), "B\n".into()));
        assert_eq!(cut("a\nc\n", "a\nb\nc\n"), (String::new(), "b\n".into()));
        assert_eq!(cut("a\na\n", "a\n"), ("a\n".into(), String::new()));
        assert_eq!(cut("a", "a\n"), ("a".into(), "a\n".into()));
        assert_eq!(cut("", "x\n"), (String::new(), "x\n".into()));
        assert_eq!(cut("a\n", "a\n"), (String::new(), String::new()));
    }
}

//! One entry of a file's mappings, taken out or given another value, with everything else left as it is.

use crate::load::yaml::{Content, Node, Parsed, parse};
use trialbook_model::span::{SourceFile, Span};

use super::{Replacement, patch};

/// Returns the text without an entry of the mapping below one of the file's keys. What stands on the entry's own lines goes with it.
///
/// `None` where the entry is not there, is the only one, or is laid out so that something else would change too.
pub fn remove_entry(text: &str, below: &str, key: &str) -> Option<String> {
    let root = read(text)?;
    let mapping = &root.entry(below)?.value;
    let entries = mapping.entries();
    let at = entries.iter().position(|entry| &*entry.key == key)?;
    let entry = entries.get(at)?;
    let end = entry.key_span.end.max(entry.value.span.end);
    let span = if text.get(mapping.span.start..)?.starts_with('{') {
        match (at.checked_sub(1).and_then(|before| entries.get(before)), entries.get(at + 1)) {
            (_, Some(next)) => Span::new(entry.key_span.start, next.key_span.start),
            (Some(before), None) => Span::new(before.key_span.end.max(before.value.span.end), end),
            (None, None) => return None,
        }
    } else {
        let line = |at: usize| text.get(..at).map(|text| text.rfind('\n').map_or(0, |at| at + 1));
        let start = line(entry.key_span.start)?;
        let next = text.get(end..)?.find('\n').map_or(text.len(), |at| end + at + 1);
        // What stands before the key on its line is not the entry's, and what follows it is a comment at most.
        let alone = text.get(start..entry.key_span.start)?.trim().is_empty();
        let rest = text.get(end..next)?.trim();
        if !alone || !(rest.is_empty() || rest.starts_with('#')) || entries.len() < 2 {
            return None;
        }
        Span::new(start, next)
    };
    let after = patch(text, [Replacement::new(span, "")])?;
    let mut expected = root;
    let Content::Mapping(entries) = &mut expected.content else { return None };
    let mapping = entries.iter_mut().find(|entry| &*entry.key == below)?;
    let Content::Mapping(entries) = &mut mapping.value.content else { return None };
    entries.remove(at);
    read(&after)?.says_what(&expected).then_some(after)
}

/// Returns the text with another scalar as the value of one of the file's keys; `None` where the file has no such key, or its value is no
/// scalar.
pub fn set_scalar(text: &str, key: &str, value: &str) -> Option<String> {
    let root = read(text)?;
    let entry = root.entry(key)?;
    let Content::Scalar(_) = entry.value.content else { return None };
    patch(text, [Replacement::new(entry.value.span, value)])
}

fn read(text: &str) -> Option<Node> {
    let Parsed { root, findings, .. } = parse(&SourceFile::new("", text));
    root.filter(|root| findings.is_empty() && matches!(root.content, Content::Mapping(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_goes_with_its_own_lines_and_nothing_else() {
        let text = "a: 1 # one\nvariants:\n  # the old one\n  plain: plain # as it was\n  bold: {x: 1,\n    y: 2}\n  huge: big\nz: 2\n";
        let without = |key| remove_entry(text, "variants", key);
        assert_eq!(
            without("plain").as_deref(),
            Some("a: 1 # one\nvariants:\n  # the old one\n  bold: {x: 1,\n    y: 2}\n  huge: big\nz: 2\n")
        );
        assert_eq!(
            without("bold").as_deref(),
            Some("a: 1 # one\nvariants:\n  # the old one\n  plain: plain # as it was\n  huge: big\nz: 2\n")
        );
        assert_eq!(without("none"), None);
        assert_eq!(remove_entry(text, "a", "plain"), None);
    }

    #[test]
    fn an_entry_of_a_line_in_braces_goes_with_its_comma() {
        let text = "variants: {plain: plain, bold: bold, huge: big} # x\n";
        let without = |key| remove_entry(text, "variants", key);
        assert_eq!(without("plain").as_deref(), Some("variants: {bold: bold, huge: big} # x\n"));
        assert_eq!(without("bold").as_deref(), Some("variants: {plain: plain, huge: big} # x\n"));
        assert_eq!(without("huge").as_deref(), Some("variants: {plain: plain, bold: bold} # x\n"));
        assert_eq!(remove_entry("variants: {a: b}\n", "variants", "a"), None, "the only one");
        assert_eq!(remove_entry("variants:\n  a: b\n", "variants", "a"), None, "the only one");
    }

    #[test]
    fn a_value_is_another_and_its_comment_stays() {
        assert_eq!(set_scalar("a: false # x\nb: 1\n", "a", "true").as_deref(), Some("a: true # x\nb: 1\n"));
        assert_eq!(set_scalar("b: 1\n", "a", "true"), None);
        assert_eq!(set_scalar("a: [1]\n", "a", "true"), None);
    }
}

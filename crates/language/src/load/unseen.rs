//! Values and keys that look like others: with characters that cannot be seen, or with accents beside their letters.
//!
//! `SE` with a zero width space matches no Swede, and `Malmö` has two spellings that no eye distinguishes. Prose is left alone:
//! nothing is compared with it. What is written as an escape can be seen, so it is meant.

use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::lookalike::{is_blank, is_unseen};
use super::rules;
use super::yaml::{Content, Node};
use trialbook_model::Kind;
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit};
use trialbook_model::span::{SourceFile, Span};

/// The keys of a file whose values are prose.
const PROSE: [&str; 5] = ["description", "title", "hypothesis", "reason", "owner"];

/// Returns a warning for every value and key of a file that looks like another.
pub(super) fn findings(kind: Kind, root: &Node, file: &Arc<SourceFile>) -> Vec<Diagnostic> {
    if file.text().is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    visit(root, &mut |span| found.extend(finding(span, file)), kind == Kind::Flag);
    found
}

/// Calls `look` with the place of every key and of every value that is no prose. The tree is at most
/// [`super::yaml::MAX_DEPTH`] deep.
fn visit(node: &Node, look: &mut dyn FnMut(Span), flag: bool) {
    match &node.content {
        Content::Scalar(_) => look(node.span),
        Content::Sequence(items) => items.iter().for_each(|item| visit(item, look, false)),
        Content::Mapping(entries) => {
            for entry in entries {
                look(entry.key_span);
                // What a flag serves is never prose, whatever its keys are called.
                if flag && &*entry.key == "variants" {
                    everything(&entry.value, look);
                } else if !PROSE.contains(&&*entry.key) {
                    visit(&entry.value, look, false);
                }
            }
        }
    }
}

fn everything(node: &Node, look: &mut dyn FnMut(Span)) {
    match &node.content {
        Content::Scalar(_) => look(node.span),
        Content::Sequence(items) => items.iter().for_each(|item| everything(item, look)),
        Content::Mapping(entries) => {
            for entry in entries {
                look(entry.key_span);
                everything(&entry.value, look);
            }
        }
    }
}

fn finding(span: Span, file: &Arc<SourceFile>) -> Option<Diagnostic> {
    let text = file.slice(span);
    if text.is_ascii() {
        return None;
    }
    let warning = |message: String| Diagnostic::warning(rules::HIDDEN_CHARACTER, message, file, span);
    let edit = |text| vec![Edit { file: Arc::clone(file), span, text }];
    if let Some((at, c)) = hidden(text) {
        let code = u32::from(c);
        let column = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
        let (message, title, other) = if is_blank(c) {
            let other = text.replace(c, " ");
            (
                format!("character {column} is U+{code:04X}, a blank that is not a space"),
                "write a space",
                other,
            )
        } else {
            let other = text.replace(c, "");
            (format!("character {column} is U+{code:04X}, which cannot be seen"), "take it out", other)
        };
        let help = format!("{title}; if it is meant, write it as `\\u{code:04X}` in double quotes");
        return Some(warning(message).help(help).fix(title, Applicability::Unsafe, edit(other)));
    }
    if is_nfc(text) {
        return None;
    }
    let message =
        "an accent in it is a character of its own (not NFC), so it differs from text that looks the same";
    let help = "write each letter with its accent as one character, as most programs do; if it is meant, write the \
                accent as an escape in double quotes";
    let composed = text.nfc().collect();
    let title = "write each letter with its accent as one character";
    Some(warning(message.into()).help(help).fix(title, Applicability::Unsafe, edit(composed)))
}

/// Returns the first character that cannot be seen, or looks like a space and is not one, with its place.
///
/// What joins or styles the characters around it is left alone: emoji and some scripts are written with it.
fn hidden(text: &str) -> Option<(usize, char)> {
    let mut before: Option<char> = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
        let joins = match c {
            '\u{200c}' | '\u{200d}' => foreign(before) && foreign(next),
            '\u{fe00}'..='\u{fe0f}' => foreign(before) || next == Some('\u{20e3}'),
            '\u{e0100}'..='\u{e01ef}' | '\u{e0020}'..='\u{e007f}' => foreign(before),
            // The space of scripts whose letters are as wide.
            '\u{3000}' => foreign(before) && foreign(next),
            _ => false,
        };
        if (is_unseen(c) || is_blank(c)) && !joins {
            return Some((at, c));
        }
        before = Some(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::yaml;

    fn found(kind: Kind, text: &str) -> Vec<(String, Option<String>)> {
        let file = SourceFile::new("a.flag.yaml", text);
        let root = yaml::parse(&file).root.expect("YAML");
        let fixed = |finding: &Diagnostic| finding.fix.as_ref().map(|fix| fix.edits[0].text.clone());
        findings(kind, &root, &file).iter().map(|finding| (finding.message.clone(), fixed(finding))).collect()
    }

    #[test]
    fn characters_that_cannot_be_seen_are_found_in_values_and_keys() {
        for c in
            ['\u{200b}', '\u{200d}', '\u{feff}', '\u{ad}', '\u{2060}', '\u{fe0f}', '\u{115f}', '\u{2800}']
        {
            let value = found(Kind::Segment, &format!("audience: {{country: [NO, \"S{c}E\"]}}\n"));
            assert_eq!(value.len(), 1, "{c:?}");
            assert_eq!(value[0].1.as_deref(), Some("\"SE\""), "{c:?}");
            assert_eq!(
                found(Kind::Flag, &format!("variants: {{a: {{description: x{c}y}}}}\n")).len(),
                1,
                "{c:?}"
            );
            assert_eq!(found(Kind::Flag, &format!("variants: {{\"a{c}\": 1}}\n")).len(), 1, "{c:?}");
        }
        let blank = found(Kind::Segment, "audience: {city: New\u{a0}York}\n");
        assert_eq!(blank[0].1.as_deref(), Some("New York"));
    }

    #[test]
    fn accents_beside_their_letters_are_found() {
        let twin = found(Kind::Segment, "audience: {city: {in: [Malmo\u{308}, Malmö]}}\n");
        assert_eq!(twin.len(), 1);
        assert_eq!(twin[0].1.as_deref(), Some("Malmö"));
        assert_eq!(found(Kind::Flag, "variants: {plain: {\"fa\u{308}rg\": 1}}\n").len(), 1);
    }

    #[test]
    fn what_can_be_seen_is_left_alone() {
        for text in [
            "audience: {city: Malmö}\n",
            "description: a soft\u{ad}hyphen\n",
            "audience: {city: \"\\u200b\"}\n",
            "audience: {name: 👩\u{200d}👩\u{200d}👧}\n",
            "audience: {name: ❤\u{fe0f}}\n",
            "audience: {name: \"1\u{fe0f}\u{20e3}\"}\n",
            "audience: {name: می\u{200c}خواهم}\n",
            "audience: {name: 東京\u{3000}都}\n",
        ] {
            assert_eq!(found(Kind::Segment, text), [], "{text}");
        }
    }
}

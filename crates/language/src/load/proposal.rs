//! What a help proposes, as a fix.
//!
//! A help that is nothing but `` did you mean `X`? ``, `` write `X` `` or `` put it in quotes: `"X"` `` promises that X in the place of
//! the finding is what it says. Then a program can write it as well as a person. It may not be what was meant, so no such fix is
//! safe; and one with two readings, or with a blank to be filled, proposes nothing.

use super::yaml::{ScalarNode, Typed};
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit};

/// Adds the fix that a finding's help proposes.
pub(super) fn with_fix(finding: Diagnostic) -> Diagnostic {
    let Some(text) = finding.help.as_deref().and_then(proposed) else { return finding };
    let (file, span) = (finding.primary.file.clone(), finding.primary.span);
    let there = file.slice(span);
    if there.is_empty() || there.contains('\n') || there == text {
        return finding;
    }
    let title = format!("write `{text}`");
    finding.fix(title, Applicability::Unsafe, vec![Edit { file, span, text }])
}

/// Returns the text that a help proposes to write.
fn proposed(help: &str) -> Option<String> {
    if let Some(near) = help.strip_prefix("did you mean `").and_then(|rest| rest.strip_suffix("`?")) {
        return is_word(near).then(|| written(near));
    }
    let prefixes = ["write `", "put it in quotes: `", "if it is text, put it in quotes: `"];
    let text = prefixes.iter().find_map(|prefix| help.strip_prefix(prefix))?.strip_suffix('`')?;
    let bare = text.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(text);
    let quoted = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    quoted.map_or_else(|| is_word(bare), is_quotable).then(|| text.to_owned())
}

/// Tells whether a text is one word, which stands in a file as it is but for its type.
fn is_word(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '%' | '+');
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text.chars().all(word)
}

/// Tells whether a text stands in double quotes as it is.
fn is_quotable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\' | '`' | '…'))
}

/// Returns a word as it is written where it is text.
fn written(word: &str) -> String {
    let plain = ScalarNode { text: word.into(), plain: true };
    let text = matches!(plain.typed(), Typed::Text(_)) && !plain.is_ambiguous();
    if text { word.to_owned() } else { format!("\"{word}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_with_one_reading_proposes_it() {
        for (help, text) in [
            ("did you mean `allocation`?", "allocation"),
            ("did you mean `no`?", "\"no\""),
            ("write `20%`", "20%"),
            ("write `[checkout]`", "[checkout]"),
            ("if it is text, put it in quotes: `\"12\"`", "\"12\""),
            ("put it in quotes: `\"+46701234567\"`", "\"+46701234567\""),
            ("put it in quotes: `\".5\"`", "\".5\""),
            ("put it in quotes: `\"~\"`", "\"~\""),
            ("write `[\"007\"]`", "[\"007\"]"),
        ] {
            assert_eq!(proposed(help).as_deref(), Some(text), "{help}");
        }
    }

    #[test]
    fn a_help_with_two_readings_or_a_blank_proposes_nothing() {
        for help in [
            "write `0.2%`, or `20%` if a fraction of one was meant",
            "write `7d` for days, `7h` for hours or `7m` for minutes",
            "write `not: {country: VALUE}`",
            "write `country: {in: [SE]}`",
            "known: `a`, `b`",
            "leave out the quotes",
            "did you mean `.flag.yaml`?",
            "did you mean `a` or `b`?",
        ] {
            assert_eq!(proposed(help), None, "{help}");
        }
    }
}

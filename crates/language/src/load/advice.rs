//! What to do about a finding in a file, and the text that would do it.
//!
//! Where there is one right text for the place of a finding, whoever reports the finding knows it: the advice then carries that
//! text, and becomes a fix too. It may not be what was meant, so no such fix is safe.

use super::yaml::{ScalarNode, Typed};
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit};

/// What to do, in words; and what to write in the place of the finding, where that is one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    words: String,
    replacement: Option<String>,
}

impl Advice {
    /// Advises to write a text as it is.
    pub fn write(text: impl ToString) -> Self {
        let text = text.to_string();
        let replacement = (is_word(&text) || is_list(&text)).then(|| text.clone());
        Self { words: format!("write `{text}`"), replacement }
    }

    /// Advises to put a text in quotes.
    pub fn quote(text: &str) -> Self {
        Self { words: format!("put it in quotes: `\"{text}\"`"), replacement: in_quotes(text) }
    }

    /// Advises to put a value in quotes if it is text.
    pub fn quote_if_text(text: &str) -> Self {
        Self { words: format!("if it is text, put it in quotes: `\"{text}\"`"), replacement: in_quotes(text) }
    }

    /// Asks whether another name is meant.
    pub fn meant(name: &str) -> Self {
        Self { words: format!("did you mean `{name}`?"), replacement: is_word(name).then(|| written(name)) }
    }

    /// Returns what to do, in words; empty where nothing can be advised.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Adds the advice to a finding, and the fix where there is one text to write. Empty advice adds nothing.
    pub(super) fn given(self, finding: Diagnostic) -> Diagnostic {
        if self.words.is_empty() {
            return finding;
        }
        let finding = finding.help(self.words);
        let Some(text) = self.replacement else { return finding };
        let (file, span) = (finding.primary.file.clone(), finding.primary.span);
        let there = file.slice(span);
        if there.is_empty() || there.contains('\n') || there == text {
            return finding;
        }
        let title = format!("write `{text}`");
        finding.fix(title, Applicability::Unsafe, vec![Edit { file, span, text }])
    }
}

impl From<Advice> for String {
    fn from(advice: Advice) -> Self {
        advice.words
    }
}

impl From<String> for Advice {
    fn from(words: String) -> Self {
        Self { words, replacement: None }
    }
}

impl From<&str> for Advice {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

/// Tells whether a text is one word, which stands in a file as it is but for its type.
fn is_word(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '%' | '+');
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text.chars().all(word)
}

/// Tells whether a text is a list of one word, or of one text in quotes.
fn is_list(text: &str) -> bool {
    let item = text.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    item.is_some_and(|item| {
        let quoted = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        quoted.map_or_else(|| is_word(item), is_quotable)
    })
}

/// Tells whether a text stands in double quotes as it is.
fn is_quotable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\' | '`' | '…'))
}

fn in_quotes(text: &str) -> Option<String> {
    is_quotable(text).then(|| format!("\"{text}\""))
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
    fn what_is_advised_is_written_as_it_reads() {
        let replaces = |advice: Advice, text: &str| assert_eq!(advice.replacement.as_deref(), Some(text));
        replaces(Advice::meant("allocation"), "allocation");
        replaces(Advice::meant("no"), "\"no\"");
        replaces(Advice::write("20%"), "20%");
        replaces(Advice::write("[checkout]"), "[checkout]");
        replaces(Advice::write("[\"007\"]"), "[\"007\"]");
        replaces(Advice::quote_if_text("12"), "\"12\"");
        replaces(Advice::quote("+46701234567"), "\"+46701234567\"");
        replaces(Advice::quote(".5"), "\".5\"");
    }

    #[test]
    fn what_would_not_stand_in_a_file_as_it_is_replaces_nothing() {
        for advice in [
            Advice::meant(".flag.yaml"),
            Advice::meant("a\nb"),
            Advice::write("{a: 1}"),
            Advice::write(""),
            Advice::quote("say \"no\""),
            Advice::quote("C:\\"),
            Advice::from("write `20%`"),
        ] {
            assert_eq!(advice.replacement, None, "{advice:?}");
        }
    }
}

//! `textDocument/hover`: what stands at the cursor, in words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::card::{Card, card};
use super::client::Client;
use super::names;
use super::position::Lines;
use super::server::Spot;
use super::syntax::typing::{alternatives, items_of};
use super::syntax::uses::{Symbol, use_at};
use super::syntax::word::{Known, word_at};
use crate::report::escape;
use trialbook_language::load::language::{Grammar, Key, Name, Number, Shape, prose};

/// How many users of something are named.
const SHOWN: usize = 8;

/// Returns what is to be shown of the place: of a name, what it is and who uses it; of a key or a word of the language,
/// its documentation.
pub fn hover(spot: &Spot<'_>, client: &Client, now: Timestamp) -> Option<Value> {
    let document = spot.book.document(&spot.path)?;
    let lines = Lines::new(document.file().text(), client.encoding);
    let say = Say { markdown: client.markdown };
    let (text, span) = if let Some(found) = use_at(document, spot.offset) {
        (named(spot, &found.symbol, now, say)?, found.span)
    } else {
        let (word, span) = word_at(document, spot.offset)?;
        let text = match word {
            Known::Key(key) => key_text(key, say),
            Known::Word(word) => say.paragraphs(&[say.strong(word.word), prose(word.doc)]),
        };
        (text, span)
    };
    let kind = if client.markdown { "markdown" } else { "plaintext" };
    Some(json!({ "contents": { "kind": kind, "value": text }, "range": lines.range(span) }))
}

/// How text is written: as Markdown, where outside text is escaped, or plain.
#[derive(Debug, Clone, Copy)]
pub struct Say {
    /// Whether it is Markdown.
    pub markdown: bool,
}

impl Say {
    fn outside(self, text: &str) -> String {
        if self.markdown { escape::text(text) } else { text.to_owned() }
    }

    fn code(self, text: &str) -> String {
        if self.markdown { escape::code(text) } else { text.to_owned() }
    }

    fn strong(self, text: &str) -> String {
        if self.markdown { format!("**{}**", escape::text(text)) } else { text.to_owned() }
    }

    fn paragraphs(self, parts: &[String]) -> String {
        let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        parts.join("\n\n")
    }

    fn list(self, lines: &[String]) -> String {
        lines.iter().map(|line| format!("- {line}\n")).collect::<String>().trim_end().to_owned()
    }

    /// Writes a card.
    pub fn card(self, card: &Card) -> String {
        let facts: Vec<_> =
            card.facts.iter().map(|(what, text)| format!("{what}: {}", self.outside(text))).collect();
        let text = |text: &Option<String>| text.as_deref().map_or(String::new(), |text| self.outside(text));
        self.paragraphs(&[
            self.strong(&card.what),
            text(&card.title),
            text(&card.description),
            self.list(&facts),
        ])
    }
}

fn named(spot: &Spot<'_>, symbol: &Symbol, now: Timestamp, say: Say) -> Option<String> {
    let card = card(spot.book, symbol, now)?;
    Some(say.paragraphs(&[say.card(&card), users(spot, symbol, say)]))
}

/// Lists who uses something, by file.
fn users(spot: &Spot<'_>, symbol: &Symbol, say: Say) -> String {
    let own = match symbol.name {
        Name::File(_) => None,
        _ => names::declaration(spot.book, symbol).map(|(document, _)| document.file().path().to_owned()),
    };
    let uses = names::uses_of(spot.book, symbol);
    let mut users: Vec<_> = uses
        .iter()
        .filter(|(document, found)| !found.declares && own.as_deref() != Some(document.file().path()))
        .map(|(document, _)| (document.kind(), document.key()))
        .collect();
    users.dedup();
    let shown: Vec<_> = users
        .iter()
        .take(SHOWN)
        .map(|(kind, key)| match kind {
            trialbook_model::Kind::Book => say.code(trialbook_language::load::BOOK_FILE),
            _ => format!("{kind} {}", say.code(key)),
        })
        .collect();
    let more = users.len().saturating_sub(SHOWN);
    match (shown.as_slice(), more) {
        ([], _) if own.is_some() => "No other file uses it.".to_owned(),
        ([], _) => "No file uses it.".to_owned(),
        (shown, 0) => format!("Used by {}.", shown.join(", ")),
        (shown, more) => format!("Used by {} and {more} more.", shown.join(", ")),
    }
}

/// Writes the documentation of a key.
pub fn key_text(key: &Key, say: Say) -> String {
    let need = if key.required { "required" } else { "optional" };
    let default = key
        .default
        .map_or(String::new(), |text| format!(", {} unless given", say.code(text.trim_matches('"'))));
    let head = format!("{} ({need}{default})", say.strong(key.name));
    let parts: Vec<_> = alternatives((key.shape)()).iter().filter_map(|shape| expected(*shape)).collect();
    let expected = if parts.is_empty() { String::new() } else { format!("Takes {}.", parts.join(", or ")) };
    say.paragraphs(&[head, prose(key.doc), expected])
}

/// Describes what a place takes.
fn expected(shape: Shape) -> Option<String> {
    Some(match shape {
        Shape::Mapping(mapping) if mapping.keys.is_empty() => match (mapping.others?.names)() {
            Shape::Name(name, _) => format!("a mapping by {}", name.as_str()),
            _ => "a mapping".to_owned(),
        },
        Shape::Mapping(mapping) => {
            let keys: Vec<_> = mapping.keys.iter().map(|key| format!("`{}`", key.name)).collect();
            format!("a mapping with {}", keys.join(", "))
        }
        Shape::List(_) => {
            let items: Vec<_> = alternatives(items_of(shape)).into_iter().filter_map(expected).collect();
            format!("a list, each item {}", items.join(" or "))
        }
        Shape::Words(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.word)).collect();
            words.join(", ")
        }
        Shape::Name(_, Grammar { expected, .. }) | Shape::Text(Grammar { expected, .. }) => {
            expected.to_owned()
        }
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Number(Number::Finite) => "a number".to_owned(),
        Shape::Number(Number::Positive) => "a number above zero".to_owned(),
        Shape::Number(Number::Whole) => "a whole number".to_owned(),
        Shape::Literal { .. } => "a value of the attribute's type".to_owned(),
        Shape::VariantValue => "a value of the flag's type".to_owned(),
        Shape::JsonSchema => "a JSON Schema".to_owned(),
        Shape::Either(_) => return None,
    })
}

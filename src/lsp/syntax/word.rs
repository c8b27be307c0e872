//! What of the language stands at a byte offset of a file.

use super::scope::At;
use trialbook_language::load::Document;
use trialbook_language::load::language::{Key, Shape, Word};
use trialbook_language::load::yaml::Content;
use trialbook_model::span::Span;

/// A piece of the language.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// A key that the language has.
    Key(&'static Key),
    /// A word that the language has, as a value.
    Word(Word),
}

/// Returns the key or the word of the language at a byte offset, its end included, and where it stands.
pub fn word_at(document: &Document, offset: usize) -> Option<(Known, Span)> {
    let mut at = At::root(document)?;
    let holds = |span: Span| span.start <= offset && offset <= span.end;
    loop {
        match (&at.node.content, &at.shape) {
            (Content::Mapping(entries), Shape::Mapping(mapping)) => {
                if let Some(entry) = entries.iter().find(|entry| holds(entry.key_span)) {
                    return mapping.key(&entry.key).map(|key| (Known::Key(key), entry.key_span));
                }
                let entry = entries.iter().find(|entry| holds(entry.value.span))?;
                at = at.entry(entry)?;
            }
            (Content::Sequence(items), Shape::List(_)) => {
                at = at.item(items.iter().find(|item| holds(item.span))?)?;
            }
            (Content::Scalar(scalar), Shape::Words(words)) => {
                let word = words.iter().find(|word| word.word == &*scalar.text)?;
                return holds(at.node.span).then_some((Known::Word(*word), at.node.span));
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::syntax::tests::{document, loaded};

    fn known(path: &str, text: &str) -> Option<&'static str> {
        let offset = text.find('|').expect("a cursor");
        let loaded = loaded(path, &text.replace('|', ""));
        word_at(document(&loaded, path), offset).map(|(word, _)| match word {
            Known::Key(key) => key.name,
            Known::Word(word) => word.word,
        })
    }

    #[test]
    fn a_key_and_a_word_are_known_where_they_stand() {
        assert_eq!(known("x.experiment.yaml", "sched|ule: {start: 2026-01-01}\n"), Some("schedule"));
        assert_eq!(known("x.experiment.yaml", "schedule: {sta|rt: 2026-01-01}\n"), Some("start"));
        assert_eq!(known("x.experiment.yaml", "decision: {outcome: sh|ip}\n"), Some("ship"));
        assert_eq!(known("x.experiment.yaml", "audience: {all: [{country: {i|n: [SE]}}]}\n"), Some("in"));
        assert_eq!(known("x.experiment.yaml", "audience: {all: [{coun|try: {in: [SE]}}]}\n"), None);
        assert_eq!(known("x.experiment.yaml", "variants: eq|ual\n"), Some("equal"));
        assert_eq!(known("x.experiment.yaml", "sched: 1|\n"), None);
    }
}

//! `textDocument/completion`: the keys, words and names that may stand at the cursor.

use jiff::Timestamp;
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTag, CompletionList, CompletionTextEdit, Documentation,
    InsertTextFormat, MarkupContent, MarkupKind, TextEdit,
};

use super::card::card;
use super::client::Client;
use super::hover::{Say, key_text};
use super::names;
use super::position::Lines;
use super::server::Spot;
use super::syntax::typing::{Keys, Typing, alternatives, items_of, typing};
use super::syntax::uses::Symbol;
use super::syntax::values::{names_at, text_at};
use trialbook_language::load::language::{Key, Mapping, Name, Shape, Word, prose};
use trialbook_model::{AttributeType, Kind};

/// How many items one answer has; past that the client asks again as more is typed.
const MOST: usize = 300;

/// Returns what may be typed at a place.
pub fn complete(spot: &Spot<'_>, client: &Client, now: Timestamp) -> CompletionList {
    let none = CompletionList { is_incomplete: false, items: Vec::new() };
    let Some(document) = spot.book.document(&spot.path) else { return none };
    let Some(typing) = typing(document.kind(), document.key(), spot.text, spot.offset) else { return none };
    let mut items = Items { spot, client, now, typing: &typing, found: Vec::new() };
    if let Some(keys) = &typing.keys {
        items.keys(keys);
    } else if let Some(shape) = typing.value {
        for shape in alternatives(shape) {
            items.values(shape);
        }
    }
    let mut found = items.found;
    let is_incomplete = found.len() > MOST;
    if is_incomplete {
        found.sort_by_cached_key(|item| (nearness(&item.label, &typing.typed), item.label.clone()));
        found.truncate(MOST);
    }
    let range = Lines::new(spot.text, client.encoding).range(typing.word);
    for item in &mut found {
        let new_text = item.insert_text.take().unwrap_or_else(|| item.label.clone());
        item.text_edit = Some(CompletionTextEdit::Edit(TextEdit { range, new_text }));
    }
    CompletionList { is_incomplete, items: found }
}

/// How far a label is from what was typed: it begins so, it holds that, it has its letters in this order, or neither.
fn nearness(label: &str, typed: &str) -> u8 {
    let mut letters = label.chars();
    match () {
        () if label.starts_with(typed) => 0,
        () if label.contains(typed) => 1,
        () if typed.chars().all(|c| letters.any(|letter| letter == c)) => 2,
        () => 3,
    }
}

/// The items of one answer.
struct Items<'a> {
    spot: &'a Spot<'a>,
    client: &'a Client,
    now: Timestamp,
    typing: &'a Typing,
    found: Vec<CompletionItem>,
}

impl Items<'_> {
    fn documentation(&self, text: String) -> Option<Documentation> {
        let kind = if self.client.markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
        (!text.is_empty()).then_some(Documentation::MarkupContent(MarkupContent { kind, value: text }))
    }

    fn say(&self) -> Say {
        Say { markdown: self.client.markdown }
    }

    /// The keys that a mapping may still have.
    fn keys(&mut self, keys: &Keys) {
        let Mapping { one_of, branches, .. } = keys.mapping;
        let taken = |name: &str| self.typing.taken.iter().any(|taken| taken == name);
        let decided = one_of.iter().any(|name| taken(name));
        // What another kind has does not belong to the kind that this is by its own word.
        let others: Vec<_> = branches
            .and_then(|branches| {
                let kind = self.typing.kind.as_deref()?;
                let own = branches.branches.iter().find(|branch| branch.kinds.contains(&kind))?;
                Some(branches.others(own).collect())
            })
            .unwrap_or_default();
        let excluded =
            |name: &str| taken(name) || others.contains(&name) || (decided && one_of.contains(&name));
        let fits = |key: &&Key| !excluded(key.name) && self.is_for_attribute(key);
        let fitting: Vec<&Key> = keys.mapping.keys.iter().filter(fits).collect();
        for (index, key) in fitting.into_iter().enumerate() {
            let mut item = self.item(key.name, CompletionItemKind::PROPERTY);
            item.detail = Some(if key.required { "required" } else { "optional" }.to_owned());
            item.documentation = self.documentation(key_text(key, self.say()));
            item.sort_text = Some(format!("{}{index:03}", if key.required { 0 } else { 1 }));
            self.insert_key(&mut item, key.name, (key.shape)());
            self.found.push(item);
        }
        if let (Some(others), false) = (keys.mapping.others, keys.declares) {
            let shape = (others.shape)();
            for name in alternatives((others.names)()) {
                if let Shape::Name(name, _) = name {
                    self.names(name, Some(shape));
                }
            }
        }
    }

    /// Tells whether the attribute that is tested has an operator of this name.
    fn is_for_attribute(&self, key: &Key) -> bool {
        key.only_for.is_empty() || self.attribute_type().is_none_or(|kind| key.only_for.contains(&kind))
    }

    fn attribute_type(&self) -> Option<AttributeType> {
        let name = self.typing.attribute.as_deref()?;
        let book = self.spot.book.workspace.documents().get(Kind::Book, "")?;
        let place = format!("/attributes/{name}/type");
        if text_at(book, &format!("{place}/version")).is_some() {
            return Some(AttributeType::LenientVersion);
        }
        let word = text_at(book, &place)?;
        let types =
            [AttributeType::String, AttributeType::Number, AttributeType::Boolean, AttributeType::Version];
        types.into_iter().find(|kind| kind.as_str() == word)
    }

    fn values(&mut self, shape: Shape) {
        match shape {
            Shape::Words(words) => words.iter().for_each(|word| self.word(*word)),
            Shape::Boolean => self.plain(&["true", "false"], CompletionItemKind::VALUE),
            Shape::Name(name, _) => self.names(name, None),
            Shape::Text(grammar) => self.plain(grammar.examples, CompletionItemKind::VALUE),
            Shape::Literal { .. } => self.attribute_values(),
            Shape::JsonSchema => {}
            Shape::VariantValue => {
                let document = self.spot.book.document(&self.spot.path);
                if document.and_then(|document| text_at(document, "/type")) == Some("boolean") {
                    self.plain(&["true", "false"], CompletionItemKind::VALUE);
                }
            }
            // Something in brackets can be begun in any line.
            Shape::List(_) | Shape::Mapping(_) => self.brackets(shape),
            Shape::Number(_) | Shape::Either(_) => {}
        }
    }

    fn word(&mut self, word: Word) {
        let mut item = self.item(word.word, CompletionItemKind::ENUM_MEMBER);
        item.documentation = self.documentation(prose(word.doc));
        item.sort_text = Some(format!("{:03}", self.found.len()));
        self.found.push(item);
    }

    fn plain(&mut self, texts: &[&str], kind: CompletionItemKind) {
        for text in texts {
            let item = self.item(text, kind);
            self.found.push(item);
        }
    }

    /// The values that the attribute has by its declaration.
    fn attribute_values(&mut self) {
        let Some(attribute) = self.typing.attribute.clone() else { return };
        if self.attribute_type() == Some(AttributeType::Boolean) {
            return self.plain(&["true", "false"], CompletionItemKind::VALUE);
        }
        let Some(book) = self.spot.book.workspace.documents().get(Kind::Book, "") else { return };
        let values: Vec<_> = names_at(book, &format!("/attributes/{attribute}/values"));
        let taken = |value: &&str| !self.typing.taken.iter().any(|taken| taken == value);
        let values: Vec<_> = values.into_iter().filter(taken).collect();
        self.plain(&values, CompletionItemKind::VALUE);
    }

    /// The names of a sort, with a value where they are to be keys.
    fn names(&mut self, name: Name, value: Option<Shape>) {
        let typing = self.typing;
        let owner = match name {
            Name::Variant => typing.flag.as_deref(),
            Name::Measure | Name::Dimension => typing.source.as_deref(),
            _ => Some(""),
        };
        let Some(owner) = owner.filter(|_| name.is_declared()) else { return };
        let here = self.spot.book.document(&self.spot.path);
        for text in names::declared(self.spot.book, name, owner) {
            let itself =
                here.is_some_and(|here| name == Name::File(here.kind()) && here.key() == text.as_str());
            if itself || typing.taken.contains(&text) {
                continue;
            }
            let mut item = self.item(&text, CompletionItemKind::REFERENCE);
            item.detail = Some(name.as_str().to_owned());
            // The text of each costs, and nobody reads three hundred.
            if self.found.len() < MOST {
                let symbol = Symbol { name, owner: owner.into(), text: text.as_str().into() };
                if let Some(card) = card(self.spot.book, &symbol, self.now) {
                    let line = card.line();
                    item.detail = Some(if line.is_empty() { name.as_str().to_owned() } else { line });
                    item.tags = card.archived.then(|| vec![CompletionItemTag::DEPRECATED]);
                    item.documentation = self.documentation(self.say().card(&card));
                }
            }
            if let Some(shape) = value {
                self.insert_key(&mut item, &text, shape);
            }
            self.found.push(item);
        }
    }

    fn brackets(&mut self, shape: Shape) {
        if !self.client.snippets || !self.typing.typed.is_empty() {
            return;
        }
        let (label, text) = match shape {
            Shape::List(_) => ("[…]", "[$0]"),
            _ => ("{…}", "{$0}"),
        };
        let mut item = self.item(label, CompletionItemKind::SNIPPET);
        item.insert_text = Some(text.to_owned());
        item.insert_text_format = Some(InsertTextFormat::SNIPPET);
        self.found.push(item);
    }

    fn item(&self, label: &str, kind: CompletionItemKind) -> CompletionItem {
        CompletionItem { label: label.to_owned(), kind: Some(kind), ..CompletionItem::default() }
    }

    /// Returns what a key inserts: its colon where there is none yet, and a place for its value.
    fn insert_key(&self, item: &mut CompletionItem, key: &str, shape: Shape) {
        if self.typing.has_colon {
            return;
        }
        if !self.client.snippets {
            item.insert_text = Some(format!("{key}: "));
            return;
        }
        let deeper = " ".repeat(self.typing.indent + 2);
        let shape = match alternatives(shape).as_slice() {
            [one] => *one,
            _ => shape,
        };
        let value = match shape {
            Shape::Mapping(_) if self.typing.flow => " {$0}".to_owned(),
            Shape::List(_) if self.typing.flow => " [$0]".to_owned(),
            Shape::Mapping(_) => format!("\n{deeper}$0"),
            Shape::List(_) => match items_of(shape) {
                Shape::Name(..) | Shape::Words(_) => " [$0]".to_owned(),
                _ => format!("\n{deeper}- $0"),
            },
            Shape::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| word.word).collect();
                format!(" ${{1|{}|}}", words.join(","))
            }
            Shape::Boolean => " ${1|true,false|}".to_owned(),
            _ => " $0".to_owned(),
        };
        item.insert_text = Some(format!("{}:{value}", key.replace('$', "\\$")));
        item.insert_text_format = Some(InsertTextFormat::SNIPPET);
        // The indentation is in the text already.
        item.insert_text_mode = Some(lsp_types::InsertTextMode::AS_IS);
    }
}

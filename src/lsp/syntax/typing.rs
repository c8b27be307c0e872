//! What may be typed at a byte offset of a file that need not be YAML yet.
//! A mark is inserted at the cursor and the text is parsed. If it does not parse, open brackets are closed, the text is cut
//! after the cursor, or the lines with the errors are left out. The mark's place in the tree then shows what may be
//! written there.

use super::scope::At;
use trialbook_language::load::language::{List, Mapping, Shape};
use trialbook_language::load::yaml::{self, Content, Node};
use trialbook_model::Kind;
use trialbook_model::span::{SourceFile, Span};

/// What may be typed somewhere.
#[derive(Debug, Clone)]
pub struct Typing {
    /// The bytes of the word around the cursor, without quotes: what a completion replaces.
    pub word: Span,
    /// The part of the word before the cursor.
    pub typed: String,
    /// A key, and the mapping that it would be in.
    pub keys: Option<Keys>,
    /// A value, by its shape.
    pub value: Option<Shape>,
    /// Whether it is in brackets or braces, where what follows is on the same line.
    pub flow: bool,
    /// Whether the word is a key already, with its colon.
    pub has_colon: bool,
    /// The names that the list or the mapping around the cursor has already.
    pub taken: Vec<String>,
    /// The flag whose variants are meant there.
    pub flag: Option<String>,
    /// The source whose measures are meant there.
    pub source: Option<String>,
    /// The attribute that is tested there.
    pub attribute: Option<String>,
    /// The word that selects which kind the mapping is, where kinds differ in their keys.
    pub kind: Option<String>,
    /// The spaces before the first character of the cursor's line that is neither a space nor the `-` of an item.
    pub indent: usize,
}

/// The keys of a mapping that is being typed.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// The mapping.
    pub mapping: Mapping,
    /// Whether the keys that the author chooses are declarations, so that no known name belongs there.
    pub declares: bool,
}

/// Returns what may be typed at an offset of a file of this kind; `None` where nothing that the language knows.
pub fn typing(kind: Kind, key: &str, text: &str, offset: usize) -> Option<Typing> {
    let cursor = Cursor::new(text, offset)?;
    let mark = unused(text)?;
    let mut found = None;
    for inserted in cursor.insertions(mark) {
        let Some(root) = cursor.parsed(&inserted) else { continue };
        let at = At::of_file(kind, key, &root);
        found =
            find(&at, &mark.to_string(), None).filter(|found| found.keys.is_some() || found.value.is_some());
        if found.is_some() {
            break;
        }
    }
    let found = found?;
    let name = |name: Option<&str>| name.filter(|name| !name.contains(mark)).map(str::to_owned);
    Some(Typing {
        word: cursor.word,
        typed: text.get(cursor.word.start..offset.min(text.len())).unwrap_or_default().to_owned(),
        keys: found.keys,
        value: found.value,
        flow: cursor.open.last().is_some(),
        has_colon: cursor.has_colon,
        taken: found.taken,
        flag: name(found.flag.as_deref()),
        source: name(found.source.as_deref()),
        attribute: name(found.attribute.as_deref()),
        kind: name(found.kind.as_deref()),
        indent: cursor.indent,
    })
}

/// Returns a character that stands for the cursor: one of the private use area that the text does not have.
fn unused(text: &str) -> Option<char> {
    ('\u{e000}'..='\u{e0ff}').find(|mark| !text.contains(*mark))
}

/// The text around the cursor.
struct Cursor<'a> {
    text: &'a str,
    word: Span,
    /// Where the cursor's line begins and ends, without its break.
    line: Span,
    has_colon: bool,
    /// Whether nothing but spaces and the `-` of items stands before the word.
    begins: bool,
    indent: usize,
    /// The brackets that are open before the word.
    open: Vec<char>,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str, offset: usize) -> Option<Self> {
        if offset > text.len() || !text.is_char_boundary(offset) {
            return None;
        }
        let (before, after) = text.split_at(offset);
        let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let end = after.find(['\n', '\r']).map_or(text.len(), |at| offset + at);
        let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '%' | '+');
        let head = text.get(start..offset)?;
        let tail = text.get(offset..end)?;
        let mut from = offset - (head.len() - head.trim_end_matches(word).len());
        let to = offset + (tail.len() - tail.trim_start_matches(word).len());
        // The `-` of an item is not part of a word; `-5` is.
        if text.get(from..to)?.starts_with('-') && text.get(start..from)?.trim().is_empty() && to == from + 1
        {
            from = to.min(offset);
        }
        let lead = text.get(start..from)?;
        // In a comment there is nothing to complete.
        if lead.trim_start().starts_with('#') || lead.contains(" #") {
            return None;
        }
        let bare = lead.trim_start_matches([' ', '-', '\t']);
        let colon = text.get(to..end)?.trim_start_matches(['"', '\'']).trim_start();
        Some(Self {
            text,
            word: Span::new(from, to),
            line: Span::new(start, end),
            has_colon: colon.starts_with(':'),
            begins: bare.is_empty() || matches!(bare, "\"" | "'"),
            indent: lead.len() - bare.len(),
            open: open(text.get(..from)?),
        })
    }

    /// Returns what to put in place of the word, likeliest first.
    fn insertions(&self, mark: char) -> Vec<String> {
        let key = || format!("{mark}:");
        if self.begins && !self.has_colon && self.open.is_empty() {
            vec![key(), mark.to_string()]
        } else {
            vec![mark.to_string()]
        }
    }

    /// Returns the tree of the text with something in place of the word, by the least change that makes it one.
    fn parsed(&self, inserted: &str) -> Option<Node> {
        let before = self.text.get(..self.word.start)?;
        let rest = self.text.get(self.word.end..self.line.end)?;
        let after = self.text.get(self.line.end..)?;
        let whole = format!("{before}{inserted}{rest}{after}");
        if let Some(root) = parse(&whole) {
            return Some(root);
        }
        let closed = |line: &str| {
            let mut text = format!("{before}{inserted}{line}");
            let brackets = open(&text);
            text.extend(brackets.iter().rev().map(|open| if *open == '{' { '}' } else { ']' }));
            text
        };
        for line in [rest, ""] {
            let closed = closed(line);
            if let Some(root) = parse(&format!("{closed}{after}")).or_else(|| parse(&closed)) {
                return Some(root);
            }
        }
        let here = before.matches('\n').count();
        without_broken_lines(&whole, here).or_else(|| without_broken_lines(&closed(""), here))
    }
}

fn parse(text: &str) -> Option<Node> {
    yaml::parse(&SourceFile::new("", text)).root
}

/// Returns the tree of a text without the lines that the parser stumbles over; a line of some number is kept.
fn without_broken_lines(text: &str, kept: usize) -> Option<Node> {
    const TRIES: usize = 8;
    let mut lines: Vec<&str> = text.split('\n').collect();
    for _ in 0..TRIES {
        let file = SourceFile::new("", lines.join("\n"));
        let parsed = yaml::parse(&file);
        if parsed.root.is_some() {
            return parsed.root;
        }
        let at = file.position(parsed.findings.last()?.primary.span.start).line - 1;
        // The parser may notice only on the line below.
        let full = |at: &usize| *at != kept && lines.get(*at).is_some_and(|line| !line.trim().is_empty());
        let line = (0..=at.min(lines.len().saturating_sub(1))).rev().find(full)?;
        *lines.get_mut(line)? = "";
    }
    None
}

/// Returns the brackets that are open at the end of a text. Those of a plain scalar in a block do not count.
fn open(text: &str) -> Vec<char> {
    let mut open = Vec::new();
    let mut quote = None;
    // Whether a value may begin here.
    let mut fresh = true;
    let mut before = '\n';
    for c in text.chars() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '#') if before.is_whitespace() => quote = Some('\n'),
            (None, '"' | '\'') if fresh => quote = Some(c),
            (None, '{' | '[') if fresh || !open.is_empty() => open.push(c),
            (None, '}' | ']') => {
                open.pop();
            }
            (None, _) => {}
        }
        fresh = match c {
            '\n' | '{' | '[' => true,
            ',' => !open.is_empty(),
            ' ' => fresh || matches!(before, ':' | '-'),
            '-' => fresh && before.is_whitespace(),
            _ => false,
        };
        before = c;
    }
    open
}

/// What was found at the mark.
#[derive(Default)]
struct Found {
    keys: Option<Keys>,
    value: Option<Shape>,
    taken: Vec<String>,
    flag: Option<String>,
    source: Option<String>,
    attribute: Option<String>,
    kind: Option<String>,
}

fn found(at: &At<'_>) -> Found {
    let own = |name: Option<&str>| name.map(str::to_owned);
    Found {
        flag: own(at.scope.flag),
        source: own(at.scope.source),
        attribute: own(at.scope.attribute),
        ..Found::default()
    }
}

/// Finds the mark below a node. The tree is at most [`yaml::MAX_DEPTH`] deep.
fn find(at: &At<'_>, mark: &str, around: Option<&At<'_>>) -> Option<Found> {
    match &at.node.content {
        Content::Scalar(scalar) if &*scalar.text == mark => {
            let mut found = found(at);
            found.value = Some(at.whole);
            if let Some(around) = around {
                found.taken = names(around.node, mark);
                // A word after the `-` of an item may become the first key of a mapping.
                if let Shape::Mapping(mapping) = at.shape {
                    found.keys = Some(Keys { mapping, declares: false });
                    found.taken = Vec::new();
                }
            }
            Some(found)
        }
        Content::Scalar(_) => None,
        Content::Mapping(entries) => {
            if entries.iter().any(|entry| &*entry.key == mark) {
                let mut found = found(at);
                if let Shape::Mapping(mapping) = at.shape {
                    found.keys = Some(Keys { mapping, declares: at.declares });
                    let tag = mapping.branches.and_then(|branches| at.node.entry(branches.tag));
                    if let Some(Content::Scalar(word)) = tag.map(|entry| &entry.value.content) {
                        found.kind = Some(word.text.to_string());
                    }
                }
                found.taken = names(at.node, mark);
                return Some(found);
            }
            entries.iter().find_map(|entry| find(&at.entry(entry)?, mark, None))
        }
        Content::Sequence(items) => items.iter().find_map(|item| find(&at.item(item)?, mark, Some(at))),
    }
}

/// Returns the names that a list or a mapping has already.
fn names(node: &Node, mark: &str) -> Vec<String> {
    let names: Vec<&str> = match &node.content {
        Content::Scalar(_) => Vec::new(),
        Content::Mapping(entries) => entries.iter().map(|entry| &*entry.key).collect(),
        Content::Sequence(items) => items
            .iter()
            .filter_map(|item| match &item.content {
                Content::Scalar(scalar) => Some(&*scalar.text),
                Content::Sequence(_) | Content::Mapping(_) => None,
            })
            .collect(),
    };
    names.into_iter().filter(|name| *name != mark).map(str::to_owned).collect()
}

/// Returns the shapes that a value may have, none of them with alternatives.
pub fn alternatives(shape: Shape) -> Vec<Shape> {
    match shape {
        Shape::Either(parts) => parts.iter().flat_map(|part| alternatives(part())).collect(),
        other => vec![other],
    }
}

/// Returns the shape of what a list holds; the shape itself where it is none.
pub fn items_of(shape: Shape) -> Shape {
    match shape {
        Shape::List(List { items, .. }) => items(),
        other => other,
    }
}

#[cfg(test)]
mod tests;

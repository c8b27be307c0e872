//! Reading typed syntax from the tree: the one place where a shape becomes findings.

use std::sync::Arc;

use crate::load::MAX_FINDINGS;
use crate::load::advice::Advice;
use crate::load::nearest::nearest;
use crate::load::rules;
use crate::load::syntax::shape::{Branches, Shape};
use crate::load::yaml::{Content, Entry, Node, ScalarNode, Typed};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span, Spanned};

/// Something that a file can hold: how it is read and, from the same declaration, its shape.
///
/// A reader never accepts what the schema of the shape refuses. It may refuse more: a schema cannot require that shares sum to 100 %.
pub trait Syntax: Sized {
    /// Reads a node. `None` where it does not fit; then a finding has the reason.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;

    /// Returns what may stand there.
    fn shape() -> Shape;
}

/// The comment after a key whose value is to be filled in, up to what goes there. Files that the program begins have such blanks.
pub const BLANK: &str = "# fill in: ";

/// Reads one file and collects what is wrong with it.
pub struct Reader<'a> {
    file: &'a Arc<SourceFile>,
    /// The key whose value is being read.
    key: Option<Span>,
    /// Whether what is read is an entry of that value, not the value itself.
    within: bool,
    findings: Vec<Diagnostic>,
}

/// A key that a mapping may have.
pub struct Field {
    pub name: &'static str,
    pub required: bool,
}

impl<'a> Reader<'a> {
    /// Begins to read a file.
    pub fn new(file: &'a Arc<SourceFile>) -> Self {
        Self { file, key: None, within: false, findings: Vec::new() }
    }

    /// Returns what is wrong.
    pub fn into_findings(self) -> Vec<Diagnostic> {
        self.findings
    }

    /// Adds an error at a place.
    pub fn error(
        &mut self,
        rule: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Advice>,
    ) {
        // Where nothing stands, what it is the value of is to be seen.
        let span = match self.key {
            Some(key) if span.start == span.end => key,
            None if span.start == span.end => self.beginning(),
            _ => span,
        };
        let finding = Diagnostic::error(rule, message, self.file, span);
        self.findings.push(help.into().given(finding));
    }

    /// Adds the error that a node is not what was expected there.
    pub fn expected(&mut self, rule: &'static str, node: &Node, expected: &str, help: impl Into<Advice>) {
        let found = describe(node);
        let (place, help) = (self.place(), help.into());
        if let Some(what) = self.blank(node) {
            let span = self.key.filter(|_| !self.within).unwrap_or(node.span);
            return self.error(
                rule,
                span,
                format!("blank{place}: expected {expected}"),
                format!("fill in {what}"),
            );
        }
        let help = match &node.content {
            _ if !help.words().is_empty() => help,
            Content::Scalar(scalar) if !scalar.text.is_empty() && scalar.typed() == Typed::Null => {
                format!("`{}` is no value: write {expected}, or put it in quotes if it is text", scalar.text)
                    .into()
            }
            _ => format!("write {expected}").into(),
        };
        let span = self.head(node);
        self.error(rule, span, format!("expected {expected}{place}, found {found}"), help);
    }

    /// Returns what is to be filled in where a file that was begun by the program has a blank.
    fn blank(&self, node: &Node) -> Option<&'a str> {
        let Content::Scalar(scalar) = &node.content else { return None };
        if scalar.typed() != Typed::Null {
            return None;
        }
        // A value that is not there has no place of its own.
        let from =
            if scalar.text.is_empty() { self.key.filter(|_| !self.within)?.end } else { node.span.end };
        let rest = self.file.text().get(from..)?.lines().next()?;
        let (between, what) = rest.split_once(BLANK)?;
        let empty = between.chars().all(|c| matches!(c, '"' | '\'' | ':' | ' '));
        (empty && !what.trim().is_empty()).then(|| what.trim())
    }

    /// Returns the first line that is not blank.
    fn beginning(&self) -> Span {
        let text = self.file.text();
        let start = text.len() - text.trim_start().len();
        let line = text.trim_start().lines().next().unwrap_or_default();
        Span::new(start, start + line.trim_end().len())
    }

    /// Returns the place of a node; of a list or a mapping over several lines the first one, which shows what it is.
    fn head(&self, node: &Node) -> Span {
        match &node.content {
            Content::Scalar(_) => node.span,
            Content::Sequence(_) | Content::Mapping(_) => {
                let first = self.file.slice(node.span).lines().next().unwrap_or_default().trim_end();
                Span::new(node.span.start, node.span.start + first.len())
            }
        }
    }

    /// Returns the text of the file at a place, quotes included.
    pub fn written(&self, span: Span) -> &'a str {
        self.file.slice(span)
    }

    /// Names the key whose value is being read, as a phrase.
    fn place(&self) -> String {
        match self.key {
            Some(span) => {
                let key = self.file.slice(span).trim_matches(['"', '\'']);
                format!(" {} `{key}`", if self.within { "in" } else { "for" })
            }
            None => String::new(),
        }
    }

    /// Reads the value of an entry.
    pub fn field<T: Syntax>(&mut self, entry: &Entry) -> Option<Spanned<T>> {
        let outer = (self.key.replace(entry.key_span), std::mem::replace(&mut self.within, false));
        let value = self.spanned(&entry.value);
        (self.key, self.within) = outer;
        value
    }

    /// Reads an entry of the value that is being read.
    pub fn item<T: Syntax>(&mut self, node: &Node) -> Option<Spanned<T>> {
        let outer = std::mem::replace(&mut self.within, true);
        let value = self.spanned(node);
        self.within = outer;
        value
    }

    fn spanned<T: Syntax>(&mut self, node: &Node) -> Option<Spanned<T>> {
        Some(Spanned { value: T::read(node, self)?, span: node.span })
    }

    /// Returns the entries of a mapping.
    pub fn mapping<'n>(&mut self, node: &'n Node, what: &str, fields: &[Field]) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Mapping(entries) => Some(entries),
            Content::Scalar(_) | Content::Sequence(_) => {
                let keys = fields.iter().filter(|field| field.required);
                let keys: Vec<_> = keys.map(|field| format!("{}: …", field.name)).collect();
                let help = if keys.is_empty() || keys.len() > 4 {
                    String::new()
                } else {
                    format!("write `{{{}}}`", keys.join(", "))
                };
                self.expected(rules::WRONG_TYPE, node, &format!("a mapping ({what})"), help);
                None
            }
        }
    }

    /// Returns the items of a list.
    pub fn sequence<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(scalar) if scalar.typed() != Typed::Null => {
                // As it is written: without its quotes, `"007"` would be another value.
                let written = self.file.slice(node.span);
                self.expected(rules::WRONG_TYPE, node, "a list", Advice::write(format!("[{written}]")));
                None
            }
            Content::Scalar(_) | Content::Mapping(_) => {
                self.expected(rules::WRONG_TYPE, node, "a list", "");
                None
            }
        }
    }

    /// Returns the text of a scalar that is text; a number or a boolean is one only in quotes.
    pub fn string<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n str> {
        let help = match &node.content {
            Content::Scalar(scalar) => match scalar.typed() {
                Typed::Text(text) => return Some(text),
                Typed::Null => Advice::default(),
                Typed::Boolean(_) | Typed::Number(_) => Advice::quote_if_text(&scalar.text),
            },
            Content::Sequence(_) | Content::Mapping(_) => Advice::default(),
        };
        self.expected(rules::WRONG_TYPE, node, expected, help);
        None
    }

    /// Reports a number that may be read as another one; tells whether it is exact.
    pub fn exact(&mut self, scalar: &ScalarNode, span: Span) -> bool {
        let Some((message, help)) = inexact(scalar) else { return true };
        self.error(rules::BAD_NUMBER, span, message, help);
        false
    }

    /// Returns the text of a scalar that is text, where only certain words are: quotes would not make another one of them.
    pub fn word<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n str> {
        match &node.content {
            Content::Scalar(scalar) if matches!(scalar.typed(), Typed::Text(_)) => Some(&scalar.text),
            _ => {
                self.expected(rules::WRONG_TYPE, node, expected, "");
                None
            }
        }
    }

    /// Returns the source text of a scalar that is not null, whatever its type.
    pub fn text<'n>(&mut self, node: &'n Node, rule: &'static str, expected: &str) -> Option<&'n str> {
        match &node.content {
            Content::Scalar(scalar) if scalar.typed() != Typed::Null => Some(&scalar.text),
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => {
                self.expected(rule, node, expected, "");
                None
            }
        }
    }

    /// Reports that a mapping has no such key, with the nearest one or with what to write instead of a reserved one.
    pub fn unknown(
        &mut self,
        (node, entry): (&Node, &Entry),
        shape: Shape,
        fields: &[Field],
        reserved: &[(&str, &str)],
    ) {
        let key = &*entry.key;
        if let Some((_, advice)) = reserved.iter().find(|(word, _)| *word == key) {
            let message = format!("`{key}` is reserved: it is not supported yet");
            return self.error(rules::RESERVED_WORD, entry.key_span, message, *advice);
        }
        if self.findings.len() > MAX_FINDINGS {
            // It will not be shown: not worth the search for the nearest key.
            return self.error(rules::UNKNOWN_KEY, entry.key_span, "unknown key", "");
        }
        if let Some(above) = self.opened_above(node, entry, shape) {
            let message =
                format!("unknown key `{key}`: it belongs to `{above}`, and is not indented below it");
            let help = format!("indent the line by two spaces more than `{above}`");
            return self.error(rules::UNKNOWN_KEY, entry.key_span, message, help);
        }
        let mut foreign = None;
        let help = match nearest(key, fields.iter().map(|field| field.name)) {
            Some(near) => {
                foreign = key.chars().find(|c| !c.is_ascii());
                Advice::meant(near)
            }
            None => {
                let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
                format!("known here: {}", names.join(", ")).into()
            }
        };
        // It may look just like the key that is meant.
        let foreign = foreign.map(|c| format!(": its `{c}` is U+{:04X}", u32::from(c))).unwrap_or_default();
        self.error(rules::UNKNOWN_KEY, entry.key_span, format!("unknown key `{key}`{foreign}"), help);
    }

    /// Returns the key in whose value an unknown key was meant: the last known one above it, where its value is a block or
    /// nothing, and has the key.
    fn opened_above<'n>(&self, node: &'n Node, entry: &Entry, shape: Shape) -> Option<&'n str> {
        let Shape::Mapping(mapping) = shape else { return None };
        let before = node.entries().iter().take_while(|other| other.key_span != entry.key_span);
        let above = before.filter(|other| mapping.key(&other.key).is_some()).last()?;
        let has_key = |inner: Shape| match inner {
            Shape::Mapping(inner) => inner.key(&entry.key).is_some(),
            Shape::Either(parts) => parts
                .iter()
                .any(|part| matches!(part(), Shape::Mapping(inner) if inner.key(&entry.key).is_some())),
            _ => false,
        };
        let open = match &above.value.content {
            Content::Scalar(scalar) => scalar.plain && scalar.text.is_empty(),
            Content::Mapping(entries) => {
                let block = !self.file.slice(above.value.span).starts_with('{');
                block && entries.iter().all(|inner| inner.key != entry.key)
            }
            Content::Sequence(_) => false,
        };
        let same_column = self.column(entry.key_span) == self.column(above.key_span);
        (open && same_column && has_key((mapping.key(&above.key)?.shape)())).then_some(&*above.key)
    }

    fn column(&self, span: Span) -> usize {
        self.file.position(span.start).column
    }

    /// Reports which required keys are missing, but for those that an unknown key is likely to mean.
    pub fn missing(&mut self, node: &Node, fields: &[Field], what: &str) {
        /// Nobody misspells more keys than this.
        const SEARCHED: usize = 50;
        let known = |key: &str| fields.iter().any(|field| field.name == key);
        let unknown =
            || node.entries().iter().map(|entry| &*entry.key).filter(|key| !known(key)).take(SEARCHED);
        let names = || fields.iter().map(|field| field.name);
        let missing: Vec<_> = fields
            .iter()
            .filter(|field| field.required && node.entry(field.name).is_none())
            .filter(|field| !unknown().any(|key| nearest(key, names()) == Some(field.name)))
            .map(|field| format!("`{}`", field.name))
            .collect();
        let list = match missing.as_slice() {
            [] => return,
            [one] => one.clone(),
            [init @ .., last] => format!("{} and {last}", init.join(", ")),
        };
        // The whole mapping is the place; its first key shows where it begins.
        let start = node.entries().first().map_or(node.span, |entry| entry.key_span);
        let help = match missing.as_slice() {
            [one] => format!("add `{}: …`", one.trim_matches('`')),
            _ => "add them".into(),
        };
        self.error(rules::MISSING_KEY, start, format!("{what} needs {list}"), help);
    }

    /// Reports which keys a thing of its kind lacks, and which are another kind's.
    pub fn of_kind(&mut self, node: &Node, branches: Option<Branches>) {
        let Some(branches) = branches else { return };
        let Some(Content::Scalar(word)) = node.entry(branches.tag).map(|entry| &entry.value.content) else {
            return;
        };
        let Some(branch) = branches.branches.iter().find(|branch| branch.kinds.contains(&&*word.text)) else {
            return;
        };
        let fields: Vec<_> = branch.needs.iter().map(|name| Field { name, required: true }).collect();
        self.missing(node, &fields, branch.what);
        for name in branches.others(branch) {
            let Some(entry) = node.entry(name) else { continue };
            let own: Vec<_> =
                branch.needs.iter().chain(branch.takes).map(|name| format!("`{name}`")).collect();
            let help = match own.as_slice() {
                [] => format!("take `{name}` out"),
                _ => format!("take `{name}` out; {} has {}", branch.what, own.join(", ")),
            };
            self.error(
                rules::UNKNOWN_KEY,
                entry.key_span,
                format!("`{name}` is not for {}", branch.what),
                help,
            );
        }
    }

    /// Reports unless exactly one of several keys is there.
    pub fn exactly_one(&mut self, node: &Node, names: &[&str], what: &str) {
        let given: Vec<_> = node.entries().iter().filter(|entry| names.contains(&&*entry.key)).collect();
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match given.as_slice() {
            [_] => {}
            [] => {
                let start = node.entries().first().map_or(node.span, |entry| entry.key_span);
                self.error(
                    rules::MISSING_KEY,
                    start,
                    format!("{what} needs one of {list}"),
                    "add the one that is meant",
                );
            }
            [first, second, ..] => {
                let message = format!(
                    "{what} has `{}` and `{}`: only one of {list} can be given",
                    first.key, second.key
                );
                self.error(rules::UNKNOWN_KEY, second.key_span, message, "keep the one that is meant");
            }
        }
    }
}

/// Explains why a number may be read as another one, and what to do: its digits are more than 64 bits hold, or it begins with a
/// needless zero. `None` where neither is so.
pub fn inexact(scalar: &ScalarNode) -> Option<(String, String)> {
    let text = &scalar.text;
    if let Some(becomes) = scalar.altered_number() {
        let becomes = format!("{becomes:?}");
        let becomes = becomes.strip_suffix(".0").unwrap_or(&becomes);
        let message =
            format!("`{text}` has more digits than a 64-bit number holds: it would become {becomes}");
        return Some((
            message,
            "write fewer digits; if it is an identifier, it is text: put it in quotes".into(),
        ));
    }
    let Typed::Number(number) = scalar.typed() else { return None };
    // Which was meant, only the author knows: as a number, a postal code is another one, and YAML 1.1 reads octal.
    scalar.is_padded_number().then(|| {
        let message = format!("`{text}` begins with a zero: it would be the number {number}");
        (message, format!("write `{number}` if it is a number, or `\"{text}\"` if it is text"))
    })
}

/// Describes a node, for "expected …, found …".
pub fn describe(node: &Node) -> String {
    match &node.content {
        Content::Sequence(_) => "a list".into(),
        Content::Mapping(_) => "a mapping".into(),
        Content::Scalar(scalar) => match scalar.typed() {
            Typed::Null => "nothing".into(),
            Typed::Boolean(_) => format!("the boolean `{}`", scalar.text),
            Typed::Number(_) => format!("the number `{}`", scalar.text),
            Typed::Text(text) if text.trim().is_empty() => "blank text".into(),
            Typed::Text(text) => {
                let short: String = text.chars().take(60).collect();
                let more = if short.len() < text.len() { "…" } else { "" };
                format!("`{short}{more}`")
            }
        },
    }
}

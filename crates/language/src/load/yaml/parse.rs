//! Events of the parser crate to the tree.

use std::collections::HashSet;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::hint;
use super::removal;
use super::scalar::Typed;
use super::tree::{Comment, Content, Entry, Node, ScalarNode};
use crate::load::rules;
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit, Fix};
use trialbook_model::span::{SourceFile, Span};

/// How deep lists and mappings may be nested.
pub const MAX_DEPTH: usize = 64;

/// How many nodes a file may have.
pub const MAX_NODES: usize = 200_000;

/// A file after parsing.
#[derive(Debug)]
pub struct Parsed {
    /// The tree; `None` where the text is empty or not YAML.
    pub root: Option<Node>,
    /// Whether every value of the tree is the one that the author wrote: no alias or tag stands in for another.
    pub faithful: bool,
    /// The comments, in order.
    pub comments: Vec<Comment>,
    /// What is wrong.
    pub findings: Vec<Diagnostic>,
}

/// Parses a file. Costs time and memory in proportion to its length.
pub fn parse(file: &Arc<SourceFile>) -> Parsed {
    let mut builder = Builder {
        file,
        open: Vec::new(),
        root: None,
        comments: Vec::new(),
        findings: Vec::new(),
        hidden: 0,
        first_hidden: None,
        nodes: 0,
        faithful: true,
    };
    let text = file.text();
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        max_buffered_comment_events: text.len(),
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let step = match next {
            Ok((event, span)) => {
                let span =
                    span.byte_range().map_or(Span::default(), |range| Span::new(range.start, range.end));
                builder.event(event, span)
            }
            Err(error) => {
                let finding = hint::of_error(file, &error);
                builder.findings.push(finding);
                Err(Stop)
            }
        };
        if step.is_err() {
            builder.say_what_is_hidden();
            return Parsed {
                root: None,
                faithful: false,
                comments: builder.comments,
                findings: builder.findings,
            };
        }
    }
    builder.say_what_is_hidden();
    Parsed {
        root: builder.root,
        faithful: builder.faithful,
        comments: builder.comments,
        findings: builder.findings,
    }
}

/// So many findings of one file are made here; the rest is counted in one more. Far fewer are shown.
const MOST_FINDINGS: usize = 20 * crate::load::MAX_FINDINGS;

/// The rest of the file is not worth reading.
struct Stop;

/// A collection whose end has not come.
enum Open {
    Sequence {
        span: Span,
        flow: bool,
        items: Vec<Node>,
    },
    Mapping {
        span: Span,
        flow: bool,
        entries: Vec<Entry>,
        key: Option<(Box<str>, Span)>,
        seen: HashSet<Box<str>>,
        repeated: bool,
    },
}

/// Tells whether a mapping has a key already. A small one is searched; the keys of a large one are kept by hash.
fn is_repeated(key: &str, entries: &[Entry], seen: &mut HashSet<Box<str>>) -> bool {
    const SMALL: usize = 16;
    if entries.len() < SMALL {
        return entries.iter().any(|entry| &*entry.key == key);
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|entry| entry.key.clone()));
    }
    !seen.insert(key.into())
}

/// Tells whether two values read alike, wherever they stand.
fn reads_alike(a: &Node, b: &Node) -> bool {
    match (&a.content, &b.content) {
        (Content::Scalar(a), Content::Scalar(b)) => a == b,
        (Content::Sequence(a), Content::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| reads_alike(a, b))
        }
        (Content::Mapping(a), Content::Mapping(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.key == b.key && reads_alike(&a.value, &b.value))
        }
        _ => false,
    }
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    open: Vec<Open>,
    root: Option<Node>,
    comments: Vec<Comment>,
    findings: Vec<Diagnostic>,
    /// How many more findings there are than are kept, and where the first of them is.
    hidden: usize,
    first_hidden: Option<Span>,
    nodes: usize,
    faithful: bool,
}

impl Builder<'_> {
    /// Adds a finding, or counts it where the file has had enough.
    fn find(&mut self, finding: Diagnostic) {
        if self.findings.len() >= MOST_FINDINGS {
            self.hide(finding.primary.span);
        } else {
            self.findings.push(finding);
        }
    }

    /// Tells whether what is found from here on is not shown: it need not cost more than being counted.
    fn has_enough(&self) -> bool {
        self.findings.len() > crate::load::MAX_FINDINGS
    }

    fn hide(&mut self, span: Span) {
        self.hidden += 1;
        self.first_hidden.get_or_insert(span);
    }

    fn say_what_is_hidden(&mut self) {
        if let Some(span) = self.first_hidden.take() {
            let place =
                trialbook_model::diagnostic::Label { file: Arc::clone(self.file), span, text: String::new() };
            self.findings.push(crate::load::more(self.hidden, &place));
        }
    }

    fn error(&mut self, rule: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.find(Diagnostic::error(rule, message, self.file, span).help(help));
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        if event.is_node() {
            self.count(span)?;
            if event.tag().is_some() {
                // What a tag leaves of the text is not what the author wrote.
                self.faithful = false;
                let before = self.file.slice(Span::new(0, span.start));
                let shown = match before.rfind('!') {
                    Some(at) if span.start == span.end => Span::new(at, span.start),
                    _ => span,
                };
                self.error(
                    rules::UNSUPPORTED_YAML,
                    shown,
                    "a tag (`!…`) is not supported",
                    "leave it out, or put the value in quotes if it is text that begins with `!`",
                );
            }
            if event.anchor_id().is_some_and(|id| id != 0) {
                self.error(
                    rules::UNSUPPORTED_YAML,
                    span,
                    "an anchor (`&…`) is not supported",
                    "write the value out, or put it in quotes if it is text that begins with `&`",
                );
            }
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                self.error(
                    rules::UNSUPPORTED_YAML,
                    span,
                    "a second document in one file",
                    "a file holds one thing: put the second into a file of its own",
                );
                return Err(Stop);
            }
            Event::DocumentStart(_, Some(_)) => self.error(
                rules::UNSUPPORTED_YAML,
                span,
                "a `%YAML` directive is not supported",
                "leave it out: a book is YAML 1.2",
            ),
            Event::Comment(text, _) => self.comments.push(Comment { span, text: text.into() }),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.faithful = false;
                let finding = hint::of_alias(self.file, span);
                self.find(finding);
                self.node(Node {
                    span,
                    content: Content::Scalar(ScalarNode { text: "".into(), plain: false }),
                });
            }
            Event::Scalar(text, style, ..) => {
                let scalar = ScalarNode { text: text.into(), plain: style == ScalarStyle::Plain };
                if let Some(finding) = self.misread(&scalar, span) {
                    self.find(finding);
                }
                self.node(Node { span, content: Content::Scalar(scalar) });
            }
            Event::SequenceStart(style, ..) => {
                self.deeper(span)?;
                let flow = style == StructureStyle::Flow;
                self.open.push(Open::Sequence { span, flow, items: Vec::new() });
            }
            Event::MappingStart(style, ..) => {
                self.deeper(span)?;
                let flow = style == StructureStyle::Flow;
                self.open.push(Open::Mapping {
                    span,
                    flow,
                    entries: Vec::new(),
                    key: None,
                    seen: HashSet::new(),
                    repeated: false,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Anchor(..) => {}
            // The parser's events may grow; what is not understood is refused.
            _ => self.error(
                rules::UNSUPPORTED_YAML,
                span,
                "this part of YAML is not supported",
                "write it in another way",
            ),
        }
        Ok(())
    }

    /// Returns the finding that other tools, or the author, may read a plain scalar as something else.
    fn misread(&self, scalar: &ScalarNode, span: Span) -> Option<Diagnostic> {
        let text = &scalar.text;
        let is_key = matches!(self.open.last(), Some(Open::Mapping { key: None, .. }));
        let warning = |message| Diagnostic::warning(rules::AMBIGUOUS_SCALAR, message, self.file, span);
        match scalar.typed() {
            // A key is text whatever it looks like.
            Typed::Number(number) if !is_key && scalar.is_ambiguous() => {
                let message = format!(
                    "`{text}` is the number {number} here, and something else to tools that read YAML 1.1"
                );
                Some(
                    warning(message)
                        .help(format!("write `{number}` if it is a number, or `\"{text}\"` if it is text")),
                )
            }
            _ if scalar.is_ambiguous() => {
                let message =
                    format!("`{text}` is text here, and something else to tools that read YAML 1.1");
                let quotes = Edit { file: Arc::clone(self.file), span, text: format!("\"{text}\"") };
                let finding = warning(message).help(format!("put it in quotes: `\"{text}\"`"));
                Some(finding.fix("put it in quotes", Applicability::Safe, vec![quotes]))
            }
            _ => None,
        }
    }

    fn count(&mut self, span: Span) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        self.error(
            rules::TOO_LARGE,
            span,
            format!("the file has more than {MAX_NODES} values"),
            "a book's file is written by people: move data out of it",
        );
        Err(Stop)
    }

    fn deeper(&mut self, span: Span) -> Result<(), Stop> {
        if self.open.len() < MAX_DEPTH {
            return Ok(());
        }
        self.error(
            rules::TOO_LARGE,
            span,
            format!("nested more than {MAX_DEPTH} levels deep"),
            "no file of a book needs that: name parts of an audience as segments",
        );
        Err(Stop)
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, node: Node) {
        let file = self.file;
        let enough = self.has_enough();
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, seen, repeated, .. }) => match key.take() {
                Some((key, key_span)) => {
                    if std::mem::take(repeated) {
                        if enough {
                            return;
                        }
                        let first = entries.iter().find(|entry| entry.key == key);
                        if let Some(finding) = self.findings.last_mut()
                            && finding.rule == rules::DUPLICATE_KEY
                            && finding.primary.span == key_span
                            && first.is_some_and(|first| reads_alike(&first.value, &node))
                            && let Some(lines) = removal::of_entry(file, key_span, node.span)
                        {
                            let edit = Edit { file: Arc::clone(file), span: lines, text: String::new() };
                            finding.fix = Some(Fix {
                                title: "remove the second one: it is the same".into(),
                                applicability: Applicability::Safe,
                                edits: vec![edit],
                            });
                        }
                        return;
                    }
                    entries.push(Entry { key, key_span, value: node });
                }
                None => {
                    let (text, span) = match node.content {
                        Content::Scalar(scalar) => (scalar.text, node.span),
                        Content::Sequence(_) | Content::Mapping(_) => {
                            *repeated = true;
                            *key = Some(("".into(), node.span));
                            self.find(
                                Diagnostic::error(
                                    rules::UNSUPPORTED_YAML,
                                    "a key must be text, not a list or a mapping",
                                    file,
                                    node.span,
                                )
                                .help("write `key: value`; text that begins with `{` or `[` needs quotes"),
                            );
                            return;
                        }
                    };
                    let mut finding = None;
                    if &*text == "<<" {
                        finding = Some(
                            Diagnostic::error(rules::UNSUPPORTED_YAML, "a merge key (`<<`) is not supported", file, span)
                                .help("write the values out; what every experiment shares belongs in `defaults` of trialbook.yaml"),
                        );
                        *repeated = true;
                    } else if is_repeated(&text, entries, seen) {
                        // To search for the first costs all the file's length.
                        let entries = if enough { &[] } else { entries.as_slice() };
                        let first =
                            entries.iter().find(|entry| entry.key == text).map(|entry| entry.key_span);
                        let again = Diagnostic::error(
                            rules::DUPLICATE_KEY,
                            format!("`{text}` is given twice"),
                            file,
                            span,
                        )
                        .label("given again")
                        .help("keep one of them");
                        finding = Some(match first {
                            Some(first) => again.related(file, first, "first given here"),
                            None => again,
                        });
                        *repeated = true;
                    }
                    *key = Some((text, span));
                    if let Some(finding) = finding {
                        self.find(finding);
                    }
                }
            },
        }
    }

    fn close(&mut self, end: Span) {
        let node = match self.open.pop() {
            None => return,
            Some(Open::Sequence { span, flow, items }) => {
                let last = items.last().map_or(span.end, |item| item.span.end);
                Node {
                    span: Span::new(span.start, if flow { end.end } else { last }),
                    content: Content::Sequence(items),
                }
            }
            Some(Open::Mapping { span, flow, entries, .. }) => {
                let last =
                    entries.last().map_or(span.end, |entry| entry.value.span.end.max(entry.key_span.end));
                Node {
                    span: Span::new(span.start, if flow { end.end } else { last }),
                    content: Content::Mapping(entries),
                }
            }
        };
        self.node(node);
    }
}

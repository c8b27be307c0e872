//! How a file is laid out: the tree with its notations, for whoever writes it anew.

use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::parse::{MAX_DEPTH, parse};
use super::tree::Comment;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::{SourceFile, Span};

/// A file as it is laid out.
#[derive(Debug)]
pub struct Layout {
    /// The tree; `None` where the file holds nothing but comments.
    pub root: Option<Laid>,
    /// The comments, in order.
    pub comments: Vec<Comment>,
}

/// A node with its notation.
#[derive(Debug)]
pub struct Laid {
    /// Where it stands; empty for a value that is left out.
    pub span: Span,
    /// What it is.
    pub shape: Shape,
}

/// What a node is, and how it is written.
#[derive(Debug)]
pub enum Shape {
    /// A scalar.
    Scalar {
        /// Its notation.
        style: Style,
        /// The text after quotes and escapes are undone.
        text: Box<str>,
    },
    /// A list.
    Sequence {
        /// Whether it stands in brackets.
        flow: bool,
        /// What is in it.
        items: Vec<Laid>,
    },
    /// Keys with values.
    Mapping {
        /// Whether it stands in braces.
        flow: bool,
        /// The keys, which are scalars, with their values.
        entries: Vec<(Laid, Laid)>,
    },
}

/// The notation of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`.
    DoubleQuoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// Returns the layout of a file.
///
/// # Errors
///
/// Where the file is not YAML, or holds what a book has no use for: what is wrong.
pub fn layout(file: &Arc<SourceFile>) -> Result<Layout, Vec<Diagnostic>> {
    let parsed = parse(file);
    if parsed.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(parsed.findings);
    }
    let options = granit_parser::options! {
        max_buffered_comment_events: file.text().len(),
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder { open: Vec::new(), root: None };
    // It was parsed without an error above: there is none now.
    for (event, span) in Parser::new_from_str_with_options(file.text(), options).flatten() {
        builder.event(event, span.byte_range().map_or(Span::default(), |at| Span::new(at.start, at.end)));
    }
    Ok(Layout { root: builder.root, comments: parsed.comments })
}

/// A collection whose end has not come.
struct Open {
    span: Span,
    flow: bool,
    /// Whether it is a mapping: then keys and values take turns.
    mapping: bool,
    nodes: Vec<Laid>,
}

struct Builder {
    open: Vec<Open>,
    root: Option<Laid>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, ..) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                self.node(Laid { span, shape: Shape::Scalar { style, text: text.into() } });
            }
            Event::SequenceStart(style, ..) => self.begin(span, style == StructureStyle::Flow, false),
            Event::MappingStart(style, ..) => self.begin(span, style == StructureStyle::Flow, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => {}
        }
    }

    fn begin(&mut self, span: Span, flow: bool, mapping: bool) {
        self.open.push(Open { span, flow, mapping, nodes: Vec::new() });
    }

    fn end(&mut self, end: Span) {
        let Some(Open { span, flow, mapping, nodes }) = self.open.pop() else { return };
        let last = nodes.last().map_or(span.end, |node| node.span.end);
        let span = Span::new(span.start, if flow { end.end } else { last });
        let shape = if mapping {
            let mut entries = Vec::with_capacity(nodes.len() / 2);
            let mut nodes = nodes.into_iter();
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                entries.push((key, value));
            }
            Shape::Mapping { flow, entries }
        } else {
            Shape::Sequence { flow, items: nodes }
        };
        self.node(Laid { span, shape });
    }

    fn node(&mut self, node: Laid) {
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_and_what_is_left_out_are_told() {
        let file = SourceFile::new("a.yaml", "a: |\n  text\nb:\n- {c: 'd', e}\n");
        let layout = layout(&file).expect("it is YAML");
        let Some(Laid { shape: Shape::Mapping { flow: false, entries }, .. }) = layout.root else {
            panic!("a mapping")
        };
        let (_, literal) = &entries[0];
        assert!(matches!(literal.shape, Shape::Scalar { style: Style::Literal, .. }));
        let Shape::Sequence { flow: false, items } = &entries[1].1.shape else { panic!("a list") };
        let Shape::Mapping { flow: true, entries } = &items[0].shape else { panic!("a mapping in braces") };
        assert_eq!(file.slice(entries[0].1.span), "'d'");
        assert_eq!(file.slice(entries[1].1.span), "", "the value of `e`");
    }

    #[test]
    fn what_a_book_refuses_has_no_layout() {
        assert!(layout(&SourceFile::new("a.yaml", "a: *b\n")).is_err());
        assert!(layout(&SourceFile::new("a.yaml", "a: 1\na: 2\n")).is_err());
        assert!(layout(&SourceFile::new("a.yaml", "# nothing\n")).expect("it is YAML").root.is_none());
    }
}

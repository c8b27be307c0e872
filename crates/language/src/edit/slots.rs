//! Writing the slots of a layer into its file, with everything else left as it is.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::edit::{Replacement, patch};
use crate::load::yaml::{Content, Entry, Node, Parsed, parse};
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{BucketRange, ExperimentKey, Slot};

/// Why the slots of a layer's file cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum WriteSlotsError {
    /// The file is not a layer whose slots can be read.
    #[error("the file is not a layer with readable slots")]
    #[diagnostic(help("`trialbook lint` shows what is wrong"))]
    NotALayer,
    /// The file is laid out so that the edit would change something else.
    #[error("the slots are laid out in a way that cannot be edited without changing something else")]
    #[diagnostic(help("write each slot on a line of its own: `- {{buckets: 0-1999, experiment: KEY}}`"))]
    Layout,
}

/// Returns the text of a layer's file with other slots, in the order given.
///
/// Lines of slots that stay are not touched, and what is new looks like what is there: one flow mapping on a line, unless
/// the first slot is written otherwise. Comments directly above a slot, or after it on its line, go with it. A slot that
/// only grows or shrinks keeps its line. The result is parsed again: nothing but the slots, and the comments of slots that
/// are gone, differs from what was there.
///
/// # Errors
///
/// Where the text is no layer, or is laid out so that nothing can be added without changing something else.
pub fn write_slots(text: &str, slots: &[Slot]) -> Result<String, WriteSlotsError> {
    let before = Parts::read(text).ok_or(WriteSlotsError::NotALayer)?;
    if before.slots() == slots {
        return Ok(text.to_owned());
    }
    let written = before.written(slots).ok_or(WriteSlotsError::Layout)?;
    let after = Parts::read(&written).ok_or(WriteSlotsError::Layout)?;
    if after.slots() == slots && after.keeps(&before) { Ok(written) } else { Err(WriteSlotsError::Layout) }
}

/// A layer's file, taken apart as far as slots need it.
struct Parts<'t> {
    text: &'t str,
    /// The line break of the file.
    newline: &'static str,
    root: Node,
    comments: Vec<String>,
    items: Vec<Item>,
}

/// A slot in the file.
#[derive(Debug, Clone)]
struct Item {
    slot: Slot,
    span: Span,
    buckets: Span,
}

impl<'t> Parts<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let file = SourceFile::new("", text);
        let Parsed { root, comments, findings, .. } = parse(&file);
        let root = root.filter(|root| findings.is_empty() && matches!(root.content, Content::Mapping(_)))?;
        let items = match root.entry("slots").map(|entry| &entry.value.content) {
            None => Vec::new(),
            Some(Content::Sequence(items)) => items.iter().map(Item::read).collect::<Option<_>>()?,
            Some(Content::Scalar(scalar)) if scalar.plain && is_null(&scalar.text) => Vec::new(),
            Some(_) => return None,
        };
        let comments = comments.into_iter().map(|comment| comment.text.into_string()).collect();
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Some(Self { text, newline, root, comments, items })
    }

    fn slots(&self) -> Vec<Slot> {
        self.items.iter().map(|item| item.slot.clone()).collect()
    }

    /// Tells whether everything but the slots, and the comments of those that are gone, is still there.
    fn keeps(&self, before: &Self) -> bool {
        let others = |parts: &Self| -> Vec<(String, Node)> {
            let others = parts.root.entries().iter().filter(|entry| &*entry.key != "slots");
            others.map(|entry| (entry.key.to_string(), bare(&entry.value))).collect()
        };
        let count = |comments: &[String]| {
            let mut counts = BTreeMap::<String, usize>::new();
            comments.iter().for_each(|comment| *counts.entry(comment.clone()).or_default() += 1);
            counts
        };
        let mut lost = count(&before.comments);
        for (comment, kept) in count(&self.comments) {
            let Some(left) = lost.get_mut(&comment).and_then(|before| before.checked_sub(kept)) else {
                return false;
            };
            lost.insert(comment, left);
        }
        let gone = before.items.iter().filter(|item| !self.items.iter().any(|kept| kept.slot == item.slot));
        others(self) == others(before) && (gone.count() > 0 || lost.values().all(|lost| *lost == 0))
    }

    fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    /// Returns the start of the line that an offset is on.
    fn line_start(&self, offset: usize) -> usize {
        self.slice(0..offset).rfind('\n').map_or(0, |at| at + 1)
    }

    /// Returns the start of the line after the one that an offset is on, or the end of the text.
    fn next_line(&self, offset: usize) -> usize {
        self.slice(offset..self.text.len()).find('\n').map_or(self.text.len(), |at| offset + at + 1)
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.slice(node.span.start..self.text.len()).starts_with(['[', '{'])
    }

    /// Tells whether a value is a list in brackets. The span of a list without an indent begins at its first item.
    fn in_brackets(&self, entry: &Entry) -> bool {
        let between = self.slice(entry.key_span.end..entry.value.span.start);
        !between.contains('-') && self.is_flow(&entry.value)
    }

    fn written(&self, slots: &[Slot]) -> Option<String> {
        let flow_file = self.is_flow(&self.root);
        match self.root.entry("slots") {
            None if flow_file => {
                let last = self.root.entries().last()?.value.span.end;
                self.with(last..last, &format!(", slots: {}", flow(slots)))
            }
            None => {
                let margin = self.slice(self.line_start(self.root.span.start)..self.root.span.start);
                let newline = self.newline;
                let first = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { newline };
                let list = self.list(slots, &format!("{margin}  "));
                let end = self.text.len();
                self.with(end..end, &format!("{first}{margin}slots:{newline}{list}{newline}"))
            }
            Some(entry) if self.items.is_empty() && !flow_file => self.filled(entry, slots),
            Some(entry) if self.in_brackets(entry) || flow_file => self.flow_list(entry, slots),
            Some(_) => self.block_list(slots),
        }
    }

    /// Returns the text with a range replaced.
    fn with(&self, range: Range<usize>, new: &str) -> Option<String> {
        patch(self.text, [Replacement::new(Span::new(range.start, range.end), new)])
    }

    /// Returns slots as lines, the last one without its line break.
    fn list(&self, slots: &[Slot], margin: &str) -> String {
        let lines: Vec<_> = slots.iter().map(|slot| format!("{margin}- {}", mapping(slot))).collect();
        lines.join(self.newline)
    }

    /// Returns the text with a list in place of an empty value.
    fn filled(&self, entry: &Entry, slots: &[Slot]) -> Option<String> {
        let line = self.line_start(entry.key_span.start);
        let margin = format!("{}  ", self.slice(line..entry.key_span.start));
        let colon = self.slice(entry.key_span.end..self.text.len()).find(':').map_or(0, |at| at + 1);
        let after_colon = entry.key_span.end + colon;
        let value_end = entry.value.span.end.max(after_colon);
        let next = self.next_line(value_end);
        let rest = self.slice(value_end..next).trim_end_matches(['\n', '\r']);
        let rest = if rest.trim().is_empty() { "" } else { rest };
        let broken = next > value_end && self.slice(value_end..next).ends_with('\n');
        let last = if broken { self.newline } else { "" };
        let list = self.list(slots, &margin);
        self.with(after_colon..next, &format!("{rest}{}{list}{last}", self.newline))
    }

    /// Returns the text with another list in brackets. Comments within the brackets cannot be kept in place.
    fn flow_list(&self, entry: &Entry, slots: &[Slot]) -> Option<String> {
        let span = entry.value.span;
        let (Some(first), Some(last)) = (self.items.first(), self.items.last()) else {
            return self.with(span.start..span.end, &flow(slots));
        };
        let separator = match self.items.get(1) {
            Some(second) => self.slice(first.span.end..second.span.start),
            None => ", ",
        };
        if self.slice(span.start..span.end).contains('#') {
            return None;
        }
        let kept = |slot: &Slot| self.items.iter().find(|item| item.slot == *slot);
        let texts: Vec<_> = slots
            .iter()
            .map(|slot| {
                kept(slot).map_or_else(
                    || mapping(slot),
                    |item| self.slice(item.span.start..item.span.end).to_owned(),
                )
            })
            .collect();
        self.with(first.span.start..last.span.end, &texts.join(separator))
    }

    /// Returns the text with another list of lines that begin with a dash.
    fn block_list(&self, slots: &[Slot]) -> Option<String> {
        let first = self.items.first()?;
        let mut start = self.own_comments(first);
        let begin = start;
        let mut chunks = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let end = self.next_line(item.span.end);
            chunks.push((item, start..end));
            start = end;
        }
        let dash = self.dash(begin..first.span.start)?;
        let margin = self.slice(self.line_start(dash)..dash);
        let in_braces = self.slice(first.span.start..first.span.end).starts_with('{');
        if slots.is_empty() {
            let key = self.root.entry("slots")?.key_span;
            let colon = key.end + self.slice(key.end..begin).find(':')? + 1;
            return self.with(colon..start, &format!(" []{}", self.newline));
        }
        let mut unused: Vec<_> = chunks.iter().filter(|(item, _)| !slots.contains(&item.slot)).collect();
        let mut lines = Vec::with_capacity(slots.len());
        for slot in slots {
            if let Some((_, range)) = chunks.iter().find(|(item, _)| item.slot == *slot) {
                lines.push(self.slice(range.clone()).trim_end_matches(['\n', '\r']).to_owned());
                continue;
            }
            // A slot that grows or shrinks keeps its line, and so its comments.
            let same = |(item, _): &&&(&Item, Range<usize>)| {
                let (old, new) = (item.slot.buckets, slot.buckets);
                item.slot.experiment == slot.experiment
                    && (old.first() == new.first() || old.last() == new.last())
            };
            let resized = unused.iter().find(same).map(|chunk| (chunk.0, chunk.1.clone()));
            lines.push(match resized {
                Some((item, range)) => {
                    unused.retain(|(other, _)| other.span != item.span);
                    let (head, tail) = (range.start..item.buckets.start, item.buckets.end..range.end);
                    let text = format!("{}{}{}", self.slice(head), slot.buckets, self.slice(tail));
                    text.trim_end_matches(['\n', '\r']).to_owned()
                }
                None if in_braces => format!("{margin}- {}", mapping(slot)),
                None => {
                    let newline = self.newline;
                    format!(
                        "{margin}- buckets: {}{newline}{margin}  experiment: {}",
                        slot.buckets, slot.experiment
                    )
                }
            });
        }
        let last = if self.slice(begin..start).ends_with('\n') { self.newline } else { "" };
        self.with(begin..start, &format!("{}{last}", lines.join(self.newline)))
    }

    /// Returns where the comments begin that stand directly above an item; the start of its first line without any.
    fn own_comments(&self, item: &Item) -> usize {
        let mut start = self.line_start(item.span.start);
        // The dash may stand on a line of its own.
        while start > 0 && !self.slice(start..item.span.start).trim_start().starts_with('-') {
            start = self.line_start(start - 1);
        }
        while start > 0 {
            let above = self.line_start(start - 1);
            if !self.slice(above..start).trim_start().starts_with('#') {
                break;
            }
            start = above;
        }
        start
    }

    /// Returns where the first line of a range stands that begins with a dash.
    fn dash(&self, range: Range<usize>) -> Option<usize> {
        let mut start = range.start;
        while start < range.end {
            let line = self.slice(start..range.end);
            let indent = line.len() - line.trim_start_matches(' ').len();
            if line.trim_start_matches(' ').starts_with('-') {
                return Some(start + indent);
            }
            start = self.next_line(start);
        }
        None
    }
}

impl Item {
    fn read(node: &Node) -> Option<Self> {
        let scalar = |key: &str| match &node.entry(key)?.value {
            Node { content: Content::Scalar(scalar), span } => Some((&*scalar.text, *span)),
            _ => None,
        };
        let ((buckets, span), (experiment, _)) = (scalar("buckets")?, scalar("experiment")?);
        let slot = Slot {
            buckets: BucketRange::parse(buckets).ok()?,
            experiment: ExperimentKey::new(experiment).ok()?,
        };
        // Another key would be lost with the slot.
        (node.entries().len() == 2).then_some(Self { slot, span: node.span, buckets: span })
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Returns a slot as a flow mapping.
fn mapping(slot: &Slot) -> String {
    format!("{{buckets: {}, experiment: {}}}", slot.buckets, slot.experiment)
}

/// Returns slots as a flow list.
fn flow(slots: &[Slot]) -> String {
    format!("[{}]", slots.iter().map(mapping).collect::<Vec<_>>().join(", "))
}

/// Returns a node as it reads, wherever it stands.
fn bare(node: &Node) -> Node {
    let content = match &node.content {
        Content::Scalar(scalar) => Content::Scalar(scalar.clone()),
        Content::Sequence(items) => Content::Sequence(items.iter().map(bare).collect()),
        Content::Mapping(entries) => {
            let entry = |entry: &Entry| Entry {
                key: entry.key.clone(),
                key_span: Span::default(),
                value: bare(&entry.value),
            };
            Content::Mapping(entries.iter().map(entry).collect())
        }
    };
    Node { span: Span::default(), content }
}

#[cfg(test)]
mod tests;

//! Comments and blank lines to what they stand by.

use super::scalar::Scalar;
use crate::edit::order::Order;
use crate::load::yaml::{Comment, Laid, Shape};

/// A file, ready to be printed.
pub struct Page<'a> {
    /// Comments about the file, not about its first key.
    pub header: Vec<Remark<'a>>,
    /// Whether a blank line follows them.
    pub apart: bool,
    /// The file.
    pub root: Row<'a>,
}

/// A comment on a line of its own.
pub struct Remark<'a> {
    /// Whether a blank line stands above it.
    pub gap: bool,
    /// The text from `#` on.
    pub text: &'a str,
}

/// A key with its value, or an item of a list.
pub struct Row<'a> {
    /// The comments above it.
    pub lead: Vec<Remark<'a>>,
    /// Whether a blank line stands directly above it.
    pub gap: bool,
    /// The key; `None` for an item.
    pub key: Option<Scalar<'a>>,
    /// The value.
    pub value: Value<'a>,
    /// The comments beside it, in order.
    pub beside: Vec<&'a str>,
}

/// What a row holds.
pub enum Value<'a> {
    /// A scalar.
    Scalar(Scalar<'a>),
    /// A list or a mapping.
    Block(Block<'a>),
}

/// A list or a mapping.
pub struct Block<'a> {
    /// Whether it is a list.
    pub sequence: bool,
    /// Whether it goes in brackets where it fits: there it was, and no comment is in it.
    pub flow: bool,
    /// What is in it.
    pub rows: Vec<Row<'a>>,
    /// The comments below the last row.
    pub end: Vec<Remark<'a>>,
}

/// Returns a file with its comments where they belong and its declared keys in order.
pub fn page<'a>(text: &'a str, root: &Laid, comments: &'a [Comment], order: Order) -> Page<'a> {
    let mut attacher = Attacher { text, comments, next: 0 };
    let mut beside = Vec::new();
    let first = attacher.above(root.span.start, &mut beside);
    let stray = std::mem::take(&mut beside);
    let gap = attacher.blank_above(root.span.start);
    let mut value = attacher.value(root, 0, None, text.len(), order, &mut beside);
    if let Value::Block(block) = &mut value {
        // A file reads from top to bottom.
        block.flow = false;
        while let Some(comment) = attacher.take(text.len()) {
            block.end.push(attacher.remark(comment));
        }
    } else {
        while let Some(comment) = attacher.take(text.len()) {
            beside.push(comment_text(text, comment));
        }
    }
    // Comments at the top: those before the last blank line are about the file, and so are directives to editors.
    let mut header: Vec<_> = stray.into_iter().map(|text| Remark { gap: false, text }).collect();
    header.extend(first);
    let about_first = header.iter().rposition(|remark| remark.gap).map_or(0, |at| at).max(
        header
            .iter()
            .rposition(|remark| remark.text.starts_with("# yaml-language-server:"))
            .map_or(0, |at| at + 1),
    );
    let mut lead = if gap { Vec::new() } else { header.split_off(about_first) };
    let apart = gap || lead.first().is_some_and(|remark| remark.gap);
    if let Some(first) = lead.first_mut() {
        first.gap = false;
    }
    if let Value::Block(block) = &mut value
        && let Some(first) = block.rows.first_mut()
    {
        // They stand by the key that was first, wherever it goes.
        lead.append(&mut first.lead);
        first.lead = lead;
    } else {
        header.append(&mut lead);
    }
    if let Value::Block(block) = &mut value {
        sort(block, order);
    }
    Page { header, apart, root: Row { lead: Vec::new(), gap: false, key: None, value, beside } }
}

/// Puts declared keys into their order.
fn sort(block: &mut Block<'_>, order: Order) {
    if block.sequence {
        return;
    }
    block.rows.sort_by_cached_key(|row| row.key.as_ref().map_or(0, |key| order.rank(key.text())));
}

struct Attacher<'a> {
    text: &'a str,
    comments: &'a [Comment],
    /// The first comment that has no place yet.
    next: usize,
}

fn comment_text<'a>(text: &'a str, comment: &Comment) -> &'a str {
    text.get(comment.span.start..comment.span.end).unwrap_or_default().trim_end()
}

impl<'a> Attacher<'a> {
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn line_start(&self, offset: usize) -> usize {
        self.slice(0, offset).rfind('\n').map_or(0, |at| at + 1)
    }

    /// Tells whether nothing but space stands before an offset on its line.
    fn is_first(&self, offset: usize) -> bool {
        self.slice(self.line_start(offset), offset).trim().is_empty()
    }

    /// Tells whether the line above that of an offset is blank.
    fn blank_above(&self, offset: usize) -> bool {
        let start = self.line_start(offset);
        start > 0 && self.slice(self.line_start(start - 1), start).trim().is_empty()
    }

    fn column(&self, offset: usize) -> usize {
        offset - self.line_start(offset)
    }

    fn peek(&self, before: usize) -> Option<&'a Comment> {
        self.comments.get(self.next).filter(|comment| comment.span.start < before)
    }

    fn take(&mut self, before: usize) -> Option<&'a Comment> {
        let comment = self.peek(before)?;
        self.next += 1;
        Some(comment)
    }

    fn remark(&self, comment: &'a Comment) -> Remark<'a> {
        Remark { gap: self.blank_above(comment.span.start), text: comment_text(self.text, comment) }
    }

    /// Takes the comments above a row. One that shares a line with something goes beside; those after it come
    /// later, so that the order stays.
    fn above(&mut self, before: usize, beside: &mut Vec<&'a str>) -> Vec<Remark<'a>> {
        let mut lead = Vec::new();
        let mut shared = false;
        while let Some(comment) = self.peek(before) {
            let own = self.is_first(comment.span.start);
            if own && shared {
                break;
            }
            self.next += 1;
            if own {
                lead.push(self.remark(comment));
            } else {
                shared = true;
                beside.push(comment_text(self.text, comment));
            }
        }
        lead
    }

    /// Takes every comment before an offset.
    fn all(&mut self, before: usize, beside: &mut Vec<&'a str>) {
        while let Some(comment) = self.take(before) {
            beside.push(comment_text(self.text, comment));
        }
    }

    /// Takes the comments that stand on the same line after an offset.
    fn after(&mut self, end: usize, limit: usize, beside: &mut Vec<&'a str>) {
        while let Some(comment) = self.peek(limit) {
            let start = comment.span.start;
            if start < end || self.is_first(start) || self.slice(end, start).contains('\n') {
                break;
            }
            self.next += 1;
            beside.push(comment_text(self.text, comment));
        }
    }

    /// Reads a value. `holder` is the column of the mapping that holds it; `limit` is where what follows begins.
    fn value(
        &mut self,
        laid: &Laid,
        after_key: usize,
        holder: Option<usize>,
        limit: usize,
        order: Order,
        beside: &mut Vec<&'a str>,
    ) -> Value<'a> {
        let span = laid.span;
        match &laid.shape {
            Shape::Scalar { style, text } => {
                let left_out = span.start == span.end && self.slice(after_key, span.start).trim().is_empty();
                if !left_out || holder.is_none() {
                    self.all(span.end, beside);
                }
                let raw = self.slice(span.start, span.end);
                let scalar = Scalar::new(*style, text, raw, self.slice(after_key, span.start));
                self.after(span.end.max(after_key), limit, beside);
                Value::Scalar(scalar)
            }
            Shape::Sequence { flow: true, .. } | Shape::Mapping { flow: true, .. } => {
                self.all(span.start, beside);
                let mut block = self.block(laid, None, span.end, order, beside);
                if block.rows.is_empty() {
                    beside.extend(block.end.drain(..).map(|remark| remark.text));
                }
                block.flow = !block.has_comments();
                self.after(span.end, limit, beside);
                Value::Block(block)
            }
            Shape::Sequence { .. } | Shape::Mapping { .. } => {
                Value::Block(self.block(laid, Some(holder.unwrap_or(usize::MAX)), limit, order, beside))
            }
        }
    }

    /// Reads a list or a mapping. `holder` is `None` in brackets; else the column of the mapping that holds it.
    fn block(
        &mut self,
        laid: &Laid,
        holder: Option<usize>,
        limit: usize,
        order: Order,
        owner: &mut Vec<&'a str>,
    ) -> Block<'a> {
        let nodes: Vec<(Option<&Laid>, &Laid)> = match &laid.shape {
            Shape::Mapping { entries, .. } => entries.iter().map(|(key, value)| (Some(key), value)).collect(),
            Shape::Sequence { items, .. } => items.iter().map(|item| (None, item)).collect(),
            Shape::Scalar { .. } => Vec::new(),
        };
        let sequence = matches!(laid.shape, Shape::Sequence { .. });
        let start =
            |(key, value): &(Option<&Laid>, &Laid)| key.map_or(value.span.start, |key| key.span.start);
        let column = nodes.first().map_or(0, |first| self.column(self.dash(laid, start(first), sequence)));
        let mut rows = Vec::with_capacity(nodes.len());
        let mut previous = laid.span.start.min(nodes.first().map_or(laid.span.start, |first| {
            // A block's text begins below the line of its dash.
            self.line_start(self.line_start(start(first)).saturating_sub(1))
        }));
        for (index, node) in nodes.iter().enumerate() {
            let begin = start(node);
            let next = nodes.get(index + 1).map_or(limit, start);
            let mut beside = Vec::new();
            // What stands on the line of the owner's key, or of the opening bracket, belongs to the owner.
            if index == 0 && (holder.is_none() || !sequence) {
                self.beside_owner(begin, owner);
            } else if index == 0 {
                let dash = self.dash(laid, begin, true);
                self.beside_owner(dash, owner);
            }
            let (key, value) = node;
            let lead = self.above(begin, &mut beside);
            let gap = holder.is_some()
                && self.blank_above(if key.is_some() { begin } else { self.dash_between(previous, begin) });
            let inner = key.map_or(order.item(), |key| order.at(text_of(key)));
            let (after_key, key) = match key {
                Some(key) => {
                    let Shape::Scalar { style, text } = &key.shape else { continue };
                    let raw = self.slice(key.span.start, key.span.end);
                    (key.span.end, Some(Scalar::new(*style, text, raw, "")))
                }
                None => (previous, None),
            };
            previous = value.span.end;
            let value_holder = if key.is_some() { Some(column) } else { Some(usize::MAX) };
            let mut value = self.value(value, after_key, value_holder, next, inner, &mut beside);
            let mut row_lead = lead;
            if let Value::Block(block) = &mut value {
                sort(block, inner);
                // Nothing can stand between a dash and the key beside it.
                if key.is_none()
                    && beside.is_empty()
                    && !block.flow
                    && let Some(first) = block.rows.first_mut()
                {
                    row_lead.append(&mut first.lead);
                }
            }
            rows.push(Row { lead: row_lead, gap, key, value, beside });
        }
        let mut end = Vec::new();
        // A list may stand at the column of the key that holds it: what follows there is the key's neighbour.
        let least = if holder == Some(column) { column + 1 } else { column };
        while let Some(comment) = self.peek(limit) {
            let at = comment.span.start;
            let ours = match holder {
                None => true,
                Some(_) => self.is_first(at) && self.column(at) >= least,
            };
            if !ours {
                break;
            }
            self.next += 1;
            end.push(self.remark(comment));
        }
        Block { sequence, flow: false, rows, end }
    }

    /// Takes the comments before an offset that share a line with something.
    fn beside_owner(&mut self, before: usize, owner: &mut Vec<&'a str>) {
        while let Some(comment) = self.peek(before) {
            if self.is_first(comment.span.start) {
                break;
            }
            self.next += 1;
            owner.push(comment_text(self.text, comment));
        }
    }

    /// Returns where the first row of a list begins: at its dash.
    fn dash(&self, laid: &Laid, first: usize, sequence: bool) -> usize {
        if !sequence {
            return first;
        }
        let start = laid.span.start;
        let rest = self.slice(start, first);
        if rest.starts_with('-') {
            return start;
        }
        let before = self.slice(self.line_start(first), first);
        let dash = before.trim_end().strip_suffix('-').map(|before| self.line_start(first) + before.len());
        dash.unwrap_or(first)
    }

    /// Returns where the line stands that an item's dash begins, between the item before and its value.
    fn dash_between(&self, from: usize, to: usize) -> usize {
        let mut start = self.line_start(to);
        while !self.slice(start, to).trim_start().starts_with('-') && start > from {
            start = self.line_start(start - 1);
        }
        start
    }
}

fn text_of(laid: &Laid) -> &str {
    match &laid.shape {
        Shape::Scalar { text, .. } => text,
        Shape::Sequence { .. } | Shape::Mapping { .. } => "",
    }
}

impl Block<'_> {
    fn has_comments(&self) -> bool {
        let beside = |row: &Row<'_>| {
            !row.lead.is_empty()
                || !row.beside.is_empty()
                || matches!(&row.value, Value::Block(block) if block.has_comments())
        };
        !self.end.is_empty() || self.rows.iter().any(beside)
    }
}

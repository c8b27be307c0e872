//! A file's parts to its text.

use super::WIDTH;
use super::attach::{Block, Page, Remark, Row, Value};
use super::scalar::Scalar;

/// How far what is inside stands from what holds it.
const STEP: usize = 2;

/// Returns the text of a file.
pub fn print(page: &Page<'_>) -> String {
    let mut printer = Printer { out: String::new() };
    for remark in &page.header {
        printer.remark(remark, 0);
    }
    if page.apart {
        printer.gap();
    }
    match &page.root.value {
        Value::Block(block) if !block.rows.is_empty() => {
            printer.remarks_above(&page.root.beside, 0);
            printer.rows(block, 0);
        }
        _ => printer.row(&page.root, "", 0),
    }
    if let Value::Block(block) = &page.root.value
        && block.rows.is_empty()
    {
        block.end.iter().for_each(|remark| printer.remark(remark, 0));
    }
    printer.out
}

struct Printer {
    out: String,
}

impl Printer {
    fn line(&mut self, indent: usize, text: &str) {
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n(' ', indent));
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Leaves one line blank.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn remark(&mut self, remark: &Remark<'_>, indent: usize) {
        if remark.gap {
            self.gap();
        }
        self.line(indent, remark.text);
    }

    fn remarks_above(&mut self, texts: &[&str], indent: usize) {
        texts.iter().for_each(|text| self.line(indent, text));
    }

    fn rows(&mut self, block: &Block<'_>, indent: usize) {
        for (index, row) in block.rows.iter().enumerate() {
            // A block begins on the line after its key, without a gap.
            for (nth, remark) in row.lead.iter().enumerate() {
                self.remark(&Remark { gap: remark.gap && (index > 0 || nth > 0), text: remark.text }, indent);
            }
            if row.gap && (index > 0 || !row.lead.is_empty()) {
                self.gap();
            }
            let prefix = match &row.key {
                Some(key) => format!("{}:", key.line(false).unwrap_or_default()),
                None => "-".to_owned(),
            };
            self.row(row, &prefix, indent);
        }
        block.end.iter().for_each(|remark| self.remark(remark, indent));
    }

    /// Prints a row that begins with its key or a dash.
    fn row(&mut self, row: &Row<'_>, prefix: &str, indent: usize) {
        // One comment fits beside it: the last one.
        let (above, comment) = match row.beside.split_last() {
            Some((last, above)) => (above, format!(" {last}")),
            None => (&[][..], String::new()),
        };
        self.remarks_above(above, indent);
        let space = if prefix.is_empty() { "" } else { " " };
        match &row.value {
            Value::Scalar(scalar) => match scalar.line(false) {
                Some(text) if text.is_empty() => self.line(indent, &format!("{prefix}{comment}")),
                Some(text) => self.line(indent, &format!("{prefix}{space}{text}{comment}")),
                None => self.several(scalar, prefix, &comment, indent),
            },
            Value::Block(block) => {
                let inline = if block.flow || block.rows.is_empty() { inline(block) } else { None };
                let room = WIDTH.saturating_sub(indent + prefix.chars().count() + 1);
                match inline {
                    Some(text) if block.rows.is_empty() || text.chars().count() <= room => {
                        self.line(indent, &format!("{prefix}{space}{text}{comment}"));
                    }
                    _ if prefix == "-" && comment.is_empty() => self.beside_dash(block, indent),
                    _ => {
                        self.line(indent, &format!("{prefix}{comment}"));
                        self.rows(block, indent + STEP);
                    }
                }
            }
        }
    }

    fn several(&mut self, scalar: &Scalar<'_>, prefix: &str, comment: &str, indent: usize) {
        let lines = scalar.lines(indent + STEP, comment);
        for (index, line) in lines.iter().enumerate() {
            match index {
                0 if prefix.is_empty() => self.line(indent, line),
                0 => self.line(indent, &format!("{prefix} {line}")),
                _ => self.line(0, line),
            }
        }
    }

    /// Prints a list or a mapping whose first row stands beside the dash that holds it.
    fn beside_dash(&mut self, block: &Block<'_>, indent: usize) {
        let start = self.out.len();
        self.rows(block, indent + STEP);
        let dash = start + indent;
        if self.out.get(start..dash + STEP).is_some_and(|margin| margin.bytes().all(|b| b == b' ')) {
            self.out.replace_range(dash..dash + STEP, "- ");
        }
    }
}

/// Returns a list or a mapping in brackets; `None` where something in it takes several lines.
fn inline(block: &Block<'_>) -> Option<String> {
    let mut parts = Vec::with_capacity(block.rows.len());
    for row in &block.rows {
        let value = match &row.value {
            Value::Scalar(scalar) => scalar.line(true)?,
            Value::Block(block) => inline(block)?,
        };
        parts.push(match &row.key {
            Some(key) if value.is_empty() => key.line(true)?,
            Some(key) => format!("{}: {value}", key.line(true)?),
            None => value,
        });
    }
    let parts = parts.join(", ");
    Some(if block.sequence { format!("[{parts}]") } else { format!("{{{parts}}}") })
}

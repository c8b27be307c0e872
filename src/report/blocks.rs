//! A document without a format: its content and weight, not its notation.
//!
//! Every text in it is plain. A renderer escapes all of it, whoever wrote it, so that markup can only
//! come from the structure here.

use super::gauge::Gauge;

/// What a piece of text means to the reader; a renderer may colour it, never rely on the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Something got better, or is as it should be.
    Good,
    /// Something is worse or broken.
    Bad,
    /// Something is not settled, or needs a look.
    Caution,
    /// Less important than its neighbours.
    Quiet,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Inline {
    /// Plain text.
    Text(String),
    /// Text that carries the sentence.
    Strong(String),
    /// A command, a key or an expression, verbatim.
    Code(String),
    /// Text with a meaning.
    Toned(Tone, String),
    /// A place to go to. Where the address is not `https://` or `http://`, only the text is shown.
    Link {
        /// What is read.
        text: String,
        /// Where it leads.
        url: String,
    },
    /// An interval, drawn.
    Gauge(Gauge),
}

impl Inline {
    /// Makes plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Makes text that carries the sentence.
    pub fn strong(text: impl Into<String>) -> Self {
        Self::Strong(text.into())
    }

    /// Makes verbatim text.
    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }
}

impl From<&str> for Inline {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Inline {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A line: pieces that follow each other without anything between them.
pub type Line = Vec<Inline>;

/// Where a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What stands above it; may be empty.
    pub heading: String,
    /// Where its cells stand.
    pub align: Align,
}

/// A table. Each row has one cell for each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Line>>,
}

impl Table {
    /// Makes a table of columns, without rows.
    pub fn new<H: Into<String>>(columns: impl IntoIterator<Item = (H, Align)>) -> Self {
        let columns = columns.into_iter().map(|(heading, align)| Column { heading: heading.into(), align });
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells that lack are empty, cells without a column are left out.
    pub fn push(&mut self, mut cells: Vec<Line>) {
        cells.resize(self.columns.len(), Vec::new());
        self.rows.push(cells);
    }

    /// Returns the columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the rows, each with as many cells as there are columns.
    pub fn rows(&self) -> &[Vec<Line>] {
        &self.rows
    }
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// The message of the part, in a line.
    Heading(Line),
    /// What a smaller part is about, in a line.
    Subheading(Line),
    /// A paragraph.
    Paragraph(Line),
    /// A table.
    Table(Table),
    /// Items of equal weight.
    List(Vec<Line>),
    /// Something that must be seen beside the rest.
    Alert(Line),
    /// Small print.
    Small(Line),
    /// Text with its own line breaks, verbatim.
    Verbatim {
        /// The language, as highlighters name it: letters and digits.
        language: &'static str,
        /// The text.
        text: String,
    },
    /// What only some readers want: folded where the format can.
    Details {
        /// What is folded.
        summary: String,
        /// The contents.
        blocks: Vec<Block>,
    },
}

/// A document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Its parts, in reading order.
    pub blocks: Vec<Block>,
}

impl Page {
    /// Adds a part.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }
}

//! Tables in a terminal: side by side where there is room, without drawings where there is less, and one
//! line per value where there is little.

use anstyle::Style;

use super::layout::{Run, wrap};
use super::{Row, columns, runs};
use crate::report::blocks::{Align, Inline, Line, Table};
use crate::report::clean;

/// The columns between two cells.
const GAP: usize = 2;
/// How narrow a column of text may become before the drawings go.
const NARROW: usize = 14;

pub(super) fn lay_out(table: &Table, width: usize) -> Vec<Row> {
    let full = Grid::new(table, true);
    let plain = Grid::new(table, false);
    full.lines(width).or_else(|| plain.lines(width)).unwrap_or_else(|| stacked(table, width))
}

/// The cells as runs, headings first.
struct Grid {
    aligns: Vec<Align>,
    rows: Vec<Vec<Vec<Run>>>,
}

impl Grid {
    fn new(table: &Table, drawings: bool) -> Self {
        let quiet = Style::new().dimmed();
        let headings =
            table.columns().iter().map(|column| vec![Run::new(clean::one_line(&column.heading), quiet)]);
        let mut rows = vec![headings.collect::<Vec<_>>()];
        for row in table.rows() {
            rows.push(row.iter().map(|cell| cell_runs(cell, drawings)).collect());
        }
        // An empty column shows nothing and takes room.
        let mut aligns: Vec<_> = table.columns().iter().map(|column| column.align).collect();
        for index in (0..aligns.len()).rev() {
            let empty = |row: &Vec<Vec<Run>>| row.get(index).is_none_or(|cell| run_columns(cell) == 0);
            if rows.iter().all(empty) {
                aligns.remove(index);
                rows.iter_mut().for_each(|row| drop((index < row.len()).then(|| row.remove(index))));
            }
        }
        Self { aligns, rows }
    }

    /// Returns the lines, or `None` where even the narrowest columns do not fit.
    fn lines(&self, width: usize) -> Option<Vec<Row>> {
        let widths = self.widths(width)?;
        let mut lines = Vec::new();
        for row in &self.rows {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| wrap(cell, *width, 0)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for index in 0..height {
                let mut line = Vec::new();
                for ((cell, width), align) in cells.iter().zip(&widths).zip(&self.aligns) {
                    if !line.is_empty() {
                        line.push(Run::new(" ".repeat(GAP), Style::new()));
                    }
                    let content = cell.get(index).cloned().unwrap_or_default();
                    let padding = " ".repeat(width.saturating_sub(run_columns(&content)));
                    let padding = Run::new(padding, Style::new());
                    match align {
                        Align::Left => line.extend(content.into_iter().chain([padding])),
                        Align::Right => line.extend([padding].into_iter().chain(content)),
                    }
                }
                lines.push(line);
            }
        }
        Some(lines)
    }

    /// Returns the widths of the columns: those of their contents, the widest columns of text narrowed until all fits.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        let natural = |index: usize| {
            self.rows.iter().filter_map(|row| row.get(index)).map(|cell| run_columns(cell)).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.aligns.len()).map(natural).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let narrowable = |(index, (wide, align)): (usize, (&usize, &Align))| {
                (*align == Align::Left && *wide > NARROW.max(self.longest_word(index)))
                    .then_some((*wide, index))
            };
            let (_, index) = widths.iter().zip(&self.aligns).enumerate().filter_map(narrowable).max()?;
            if let Some(wide) = widths.get_mut(index) {
                *wide -= 1;
            }
        }
        Some(widths)
    }

    /// Returns the columns of the longest word of a column, which is not broken.
    fn longest_word(&self, index: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        let text = |cell: &Vec<Run>| cell.iter().map(|run| run.text.as_str()).collect::<String>();
        cells.flat_map(|cell| text(cell).split(' ').map(columns).collect::<Vec<_>>()).max().unwrap_or(0)
    }
}

fn cell_runs(cell: &Line, drawings: bool) -> Vec<Run> {
    if drawings {
        return runs(cell, Style::new());
    }
    let kept: Line = cell.iter().filter(|inline| !matches!(inline, Inline::Gauge(_))).cloned().collect();
    let mut kept = runs(&kept, Style::new());
    if let Some(first) = kept.first_mut() {
        first.text = first.text.trim_start_matches(' ').to_owned();
    }
    kept
}

fn run_columns(runs: &[Run]) -> usize {
    runs.iter().map(|run| columns(&run.text)).sum()
}

/// Writes each row as its first two cells, and under them each other value with its heading.
fn stacked(table: &Table, width: usize) -> Vec<Row> {
    let mut lines = Vec::new();
    for row in table.rows() {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        let mut title = Vec::new();
        for cell in row.iter().take(2).filter(|cell| !cell.is_empty()) {
            if !title.is_empty() {
                title.push(Run::new(" ", Style::new()));
            }
            title.extend(cell_runs(cell, false));
        }
        lines.extend(wrap(&title, width, 2));
        for (cell, column) in row.iter().zip(table.columns()).skip(2) {
            let value = cell_runs(cell, false);
            if value.is_empty() {
                continue;
            }
            let heading = clean::one_line(&column.heading);
            let label = if heading.is_empty() { "  ".to_owned() } else { format!("  {heading}: ") };
            let mut line = vec![Run::new(label, Style::new().dimmed())];
            line.extend(value);
            lines.extend(wrap(&line, width, 4));
        }
    }
    lines
}

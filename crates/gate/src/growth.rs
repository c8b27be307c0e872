//! How long a text can become.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Value};

/// The most by which one expression may lengthen a column's text.
const MOST_TIMES: u64 = 1 << 10;
/// The most bytes that one expression may add to a text.
const MOST_ADDED: u64 = 1 << 16;

/// The greatest length of a text: so many times the longest column, and so many bytes.
///
/// Engines do not count what an expression needs while it runs: nested replacements of one letter by many fill the
/// memory of the machine (DuckDB 1.5 and 2.0, seen 2026-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    times: u64,
    added: u64,
}

impl Growth {
    /// A column.
    pub const COLUMN: Self = Self { times: 1, added: 0 };

    /// What is not known.
    pub const UNBOUNDED: Self = Self { times: u64::MAX, added: u64::MAX };

    /// A text of so many bytes, and any value that is no text.
    pub fn literal(bytes: usize) -> Self {
        Self { times: 0, added: bytes as u64 }
    }

    /// One after the other.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        Self { times: self.times.saturating_add(other.times), added: self.added.saturating_add(other.added) }
    }

    /// Either of them.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { times: self.times.max(other.times), added: self.added.max(other.added) }
    }

    /// Each byte becomes so many.
    #[must_use]
    pub fn each(self, factor: u64) -> Self {
        Self { times: self.times.saturating_mul(factor), added: self.added.saturating_mul(factor) }
    }

    /// Tells whether a text may become so long.
    pub fn is_bounded(self) -> bool {
        self.times <= MOST_TIMES && self.added <= MOST_ADDED
    }
}

/// Returns by how much `replace(text, from, to)` lengthens its text at most; `None` where that is not written out.
pub fn of_replacement(args: &[FunctionArg]) -> Option<u64> {
    let literal = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.len() as u64),
            _ => None,
        },
        _ => None,
    };
    match args {
        [_, from, to] => Some(literal(to)?.div_ceil(literal(from)?.max(1)).max(1)),
        _ => None,
    }
}

//! One SQL expression of a book, over one row of a source: what it may be made of.

mod fixed;
mod kind;
mod mistake;
mod pattern;

use std::ops::Range;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectNamePart, Spanned, TypedString, UnaryOperator, Value, ValueWithSpan,
};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token};

use crate::growth::{Growth, of_replacement};

pub use kind::Kind;
pub use mistake::mistake;
pub use pattern::Regexes;

/// The longest expression, in bytes.
const LONGEST: usize = 4_000;
/// The deepest expression: how many operators may stand within one another.
const DEEPEST: usize = 200;

/// Functions of one row without side effects, known to the engines under these names.
const FUNCTIONS: &[&str] = &[
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "contains",
    "ends_with",
    "floor",
    "greatest",
    "left",
    "least",
    "length",
    "lower",
    "ltrim",
    "nullif",
    "regexp_matches",
    "replace",
    "right",
    "round",
    "rtrim",
    "sign",
    "starts_with",
    "strpos",
    "substr",
    "trim",
    "upper",
];

/// Why a text is not an expression that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The bytes of the text that it is about; empty at its end where something is missing.
    pub range: Range<usize>,
}

/// A name or a text of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// The name of a column.
    Column(&'a str),
    /// What is in single quotes.
    Text(&'a str),
}

/// Reads one expression, and puts in the place of each name and each text what `replace` makes of it.
///
/// Subqueries, window functions, aggregates and functions outside a list of harmless ones are refused. A text becomes a
/// placeholder, which is printed as it is: whoever prints the expression has to quote.
///
/// # Errors
///
/// What is not one expression, is not allowed, or is longer or deeper than the bounds; and where `replace` refuses a part, with
/// its words.
pub fn expression(
    text: &str,
    replace: &mut dyn FnMut(Part<'_>) -> Result<String, String>,
) -> Result<Expr, ExpressionError> {
    let mut expr = parsed(text)?;
    Reader { text, replace }.expr(&mut expr, 0)?;
    Ok(expr)
}

/// Parses one expression that is not too long.
fn parsed(text: &str) -> Result<Expr, ExpressionError> {
    let refuse = |message: String| Err(ExpressionError { message, range: 0..text.len() });
    if text.len() > LONGEST {
        return refuse(format!("the expression is longer than {LONGEST} bytes"));
    }
    if text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace()) {
        return refuse("the expression holds a control character".into());
    }
    parse(text)
}

/// Returns the bytes of a text that a span is about; all of it where the parser keeps no place.
pub fn range(text: &str, span: Span) -> Range<usize> {
    if span.start.line == 0 {
        return 0..text.len();
    }
    let start = offset(text, span.start);
    start..offset(text, span.end).max(start)
}

fn parse(text: &str) -> Result<Expr, ExpressionError> {
    let dialect = DuckDbDialect {};
    let failed = |error: ParserError| parse_error(text, &error);
    let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(failed)?;
    let expr = parser.parse_expr().map_err(failed)?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(expr);
    }
    let start = offset(text, next.span.start);
    let message = format!("expected the end of the expression, found `{}`", next.token);
    Err(ExpressionError { message, range: start..offset(text, next.span.end).max(start) })
}

/// Returns how long the texts in an expression can become.
fn growth(expr: &Expr) -> Growth {
    let within = |exprs: &[&Expr]| exprs.iter().fold(Growth::literal(0), |most, expr| most.or(growth(expr)));
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Growth::literal(text.len()),
            _ => Growth::literal(0),
        },
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => growth(left).then(growth(right)),
        Expr::BinaryOp { left, right, .. } => within(&[left, right]),
        Expr::Nested(expr) | Expr::UnaryOp { expr, .. } | Expr::Cast { expr, .. } => growth(expr),
        Expr::Trim { expr, .. } | Expr::Substring { expr, .. } => growth(expr),
        Expr::Case { conditions, else_result, .. } => {
            let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
            within(&results.collect::<Vec<_>>())
        }
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else { return Growth::COLUMN };
            let args: Vec<_> = list
                .args
                .iter()
                .filter_map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect();
            match function.name.to_string().to_ascii_lowercase().as_str() {
                "concat" => args.iter().fold(Growth::literal(0), |all, arg| all.then(growth(arg))),
                "replace" => match (of_replacement(&list.args), args.first()) {
                    (Some(factor), Some(text)) => growth(text).each(factor),
                    _ => Growth::UNBOUNDED,
                },
                _ => within(&args),
            }
        }
        _ => Growth::COLUMN,
    }
}

/// Takes the place from the end of the parser's message, which is where it keeps it.
fn parse_error(text: &str, error: &ParserError) -> ExpressionError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.as_str(),
        ParserError::RecursionLimitExceeded => "the expression is nested too deeply",
    };
    let (said, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let location = place.split_once(", Column: ").and_then(|(line, column)| {
        Some(Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    let start = location.map_or(text.len(), |location| offset(text, location));
    let message = said.strip_prefix("Expected: ").map_or_else(
        || said.to_owned(),
        |rest| format!("expected {}", rest.replace("found: EOF", "found the end")),
    );
    ExpressionError { message, range: start..text.len() }
}

/// Returns the byte offset of a line and column, both counted from 1, the column in characters.
fn offset(text: &str, location: Location) -> usize {
    let line = usize::try_from(location.line).unwrap_or(usize::MAX);
    let column = usize::try_from(location.column).unwrap_or(usize::MAX);
    let mut start = 0;
    for line in text.split_inclusive('\n').take(line.saturating_sub(1)) {
        start += line.len();
    }
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// Walks a syntax tree and refuses what it does not know.
struct Reader<'a> {
    text: &'a str,
    replace: &'a mut dyn FnMut(Part<'_>) -> Result<String, String>,
}

impl Reader<'_> {
    fn refuse<T>(&self, span: Span, message: impl Into<String>) -> Result<T, ExpressionError> {
        Err(ExpressionError { message: message.into(), range: range(self.text, span) })
    }

    fn replaced(&mut self, part: Part<'_>, span: Span) -> Result<String, ExpressionError> {
        (self.replace)(part).or_else(|message| self.refuse(span, message))
    }

    fn all<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e mut Expr>,
        depth: usize,
    ) -> Result<(), ExpressionError> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr, depth))
    }

    fn expr(&mut self, expr: &mut Expr, depth: usize) -> Result<(), ExpressionError> {
        if depth > DEEPEST {
            return self.refuse(expr.span(), "the expression is nested too deeply; `IN (…)` may do the same");
        }
        let depth = depth + 1;
        if matches!(expr, Expr::Function(_) | Expr::BinaryOp { op: BinaryOperator::StringConcat, .. })
            && !growth(expr).is_bounded()
        {
            let message = "it joins and replaces texts so often that they could fill the memory; `replace` takes \
                           texts in single quotes as its second and third arguments";
            return self.refuse(expr.span(), message);
        }
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::Value(value) => self.value(value),
            Expr::TypedString(literal) => self.typed(literal),
            Expr::Nested(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner) => self.expr(inner, depth),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.all([&mut **left, &mut **right], depth)
            }
            Expr::BinaryOp { left, right, op } => {
                if !is_plain_operator(&op.to_string()) {
                    let message = format!("the operator `{op}` is not allowed here");
                    return self.refuse(left.span(), message);
                }
                self.all([&mut **left, &mut **right], depth)
            }
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, expr } => {
                apart(expr);
                self.expr(expr, depth)
            }
            Expr::InList { expr, list, .. } => {
                self.expr(expr, depth)?;
                self.all(list, depth)
            }
            Expr::Between { expr, low, high, .. } => self.all([&mut **expr, &mut **low, &mut **high], depth),
            Expr::Like { any: false, expr, pattern, escape_char, .. }
            | Expr::ILike { any: false, expr, pattern, escape_char, .. } => {
                self.all([&mut **expr, &mut **pattern], depth)?;
                self.all(escape_char.as_deref_mut(), depth)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.all(operand.as_deref_mut(), depth)?;
                for CaseWhen { condition, result } in conditions {
                    self.all([condition, result], depth)?;
                }
                self.all(else_result.as_deref_mut(), depth)
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
            } if is_plain_type(data_type) => self.expr(expr, depth),
            Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => self.expr(expr, depth),
            Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => {
                self.expr(expr, depth)
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.expr(expr, depth)?;
                self.all(substring_from.as_deref_mut(), depth)?;
                self.all(substring_for.as_deref_mut(), depth)
            }
            Expr::Function(function) => self.function(function, depth),
            Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => self
                .refuse(expr.span(), "a subquery is not allowed: an expression sees one row of its source"),
            Expr::CompoundIdentifier(_) | Expr::CompoundFieldAccess { .. } => {
                let message = format!("`{expr}` is not a column: write its name without a table");
                self.refuse(expr.span(), message)
            }
            _ => {
                let message = format!("`{expr}` is not allowed in an expression of a book");
                self.refuse(expr.span(), message)
            }
        }
    }

    fn column(&mut self, ident: &mut Ident) -> Result<(), ExpressionError> {
        let value = self.replaced(Part::Column(&ident.value), ident.span)?;
        *ident = Ident { value, quote_style: None, span: ident.span };
        Ok(())
    }

    fn value(&mut self, value: &mut ValueWithSpan) -> Result<(), ExpressionError> {
        match &value.value {
            Value::Number(..) | Value::Boolean(_) | Value::Null => Ok(()),
            Value::SingleQuotedString(text) => {
                let replaced = self.replaced(Part::Text(text), value.span)?;
                value.value = Value::Placeholder(replaced);
                Ok(())
            }
            _ => {
                let message = format!("`{}` is not a plain number or text in single quotes", value.value);
                self.refuse(value.span, message)
            }
        }
    }

    fn typed(&mut self, literal: &mut TypedString) -> Result<(), ExpressionError> {
        if !is_plain_type(&literal.data_type) || literal.uses_odbc_syntax {
            return self.refuse(literal.value.span, "expected a literal such as DATE '2026-11-25'");
        }
        self.value(&mut literal.value)
    }

    fn function(&mut self, function: &mut Function, depth: usize) -> Result<(), ExpressionError> {
        let name = function.name.to_string();
        let known = match function.name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => {
                FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(&ident.value))
            }
            _ => false,
        };
        if !known {
            let message =
                format!("the function `{name}` is not allowed here; there are {}", FUNCTIONS.join(", "));
            return self.refuse(function.name.span(), message);
        }
        let plain = matches!(function.parameters, FunctionArguments::None)
            && function.within_group.is_empty()
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.over.is_none()
            && !function.uses_odbc_syntax;
        match &mut function.args {
            FunctionArguments::List(list)
                if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
            {
                for arg in &mut list.args {
                    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
                        return self
                            .refuse(function.name.span(), format!("`{name}` takes plain expressions only"));
                    };
                    self.expr(expr, depth)?;
                }
                Ok(())
            }
            _ => self.refuse(function.name.span(), format!("`{name}` takes plain expressions only")),
        }
    }
}

/// Puts parentheses around a sign under a sign: printed bare, `- -x` is `--x`, which begins a comment.
pub fn apart(operand: &mut Expr) {
    if matches!(operand, Expr::UnaryOp { .. }) {
        let inner = std::mem::replace(operand, Expr::Value(Value::Null.into()));
        *operand = Expr::Nested(Box::new(inner));
    }
}

/// Comparisons, arithmetic, logic and `||`: operators that every engine reads alike.
fn is_plain_operator(operator: &str) -> bool {
    const PLAIN: &[&str] = &["=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "AND", "OR", "||"];
    PLAIN.contains(&operator)
}

/// Types whose names are words and numbers, so that nothing of them needs quoting.
fn is_plain_type(data_type: &DataType) -> bool {
    const PLAIN: &[&str] = &[
        "BIGINT",
        "BOOLEAN",
        "DATE",
        "DOUBLE",
        "FLOAT",
        "INT",
        "INTEGER",
        "REAL",
        "SMALLINT",
        "TEXT",
        "TIMESTAMP",
        "VARCHAR",
    ];
    let printed = data_type.to_string();
    PLAIN.contains(&printed.as_str())
}

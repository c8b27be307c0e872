//! An expression of a book in the words of an engine: it means the same in all of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Spanned, Value, VisitMut, VisitorMut,
};
use trialbook_gate::{ExpressionError, range};

use super::{Call, CastType, Dialect, Sql};

/// Puts pieces of SQL in the place of what engines write differently, and prints the whole.
///
/// The gate has read the expression: its names and texts are marks, which stand for the pieces.
pub(super) struct Translation<'a> {
    pub(super) text: &'a str,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) pieces: Vec<Sql>,
}

/// Returns the mark of a piece. No text of a book holds a control character.
pub(super) fn mark(number: usize) -> String {
    format!("\u{1}{number}\u{1}")
}

impl Translation<'_> {
    /// Translates an expression and prints it.
    pub(super) fn printed(mut self, mut expr: Expr) -> Result<Sql, ExpressionError> {
        match expr.visit(&mut self) {
            ControlFlow::Break(refusal) => Err(refusal),
            ControlFlow::Continue(()) => Ok(self.print(&expr)),
        }
    }

    fn print(&self, expr: &Expr) -> Sql {
        let printed = expr.to_string();
        let parts = printed.split('\u{1}').enumerate().map(|(i, part)| {
            let piece = part.parse().ok().and_then(|n: usize| self.pieces.get(n));
            if i % 2 == 1 { piece.map_or("", Sql::as_str) } else { part }
        });
        Sql::vouched(parts.collect())
    }

    fn placed(&mut self, piece: Sql) -> Expr {
        self.pieces.push(piece);
        Expr::Value(Value::Placeholder(mark(self.pieces.len() - 1)).into())
    }

    /// Gives the operands of `/` and `%` the meaning that they have in every engine: a division has a fraction, and one by zero
    /// is null. Returns what stands in the place of the whole, where that is no operator.
    fn arithmetic(&mut self, operator: &BinaryOperator, left: &mut Expr, right: &mut Expr) -> Option<Expr> {
        let operand: fn(&dyn Dialect, &Sql) -> Sql = match operator {
            BinaryOperator::Divide => |dialect, operand| dialect.expressions().divided(operand),
            BinaryOperator::Modulo => |dialect, operand| dialect.expressions().reduced(operand),
            _ => return None,
        };
        let dividend = operand(self.dialect, &self.print(left));
        let mut divisor = operand(self.dialect, &self.print(right));
        if !is_never_zero(right) {
            divisor = Sql::fill("nullif({d}, 0)", &[("d", &divisor)]);
        }
        if *operator == BinaryOperator::Modulo
            && let Some(modulo) = self.dialect.expressions().modulo(&dividend, &divisor)
        {
            return Some(self.placed(modulo));
        }
        (*left, *right) = (self.placed(dividend), self.placed(divisor));
        None
    }

    /// Lets no character of a pattern escape another, and gives the operands of `ILIKE` lower case where the engine has
    /// none. Returns whether it has one.
    fn like(
        &mut self,
        text: &mut Expr,
        pattern: &mut Expr,
        escape: &mut Option<Box<Expr>>,
        folded: bool,
    ) -> bool {
        let dialect = self.dialect.expressions();
        if escape.is_none() {
            *escape = dialect.no_escape().map(|none| Box::new(self.placed(none)));
            let plain = dialect.like_pattern(&self.print(pattern));
            *pattern = self.placed(plain);
        }
        if folded && !dialect.has_ilike() {
            for operand in [text, pattern] {
                let lower = Sql::fill("lower({t})", &[("t", &self.print(operand))]);
                *operand = self.placed(lower);
            }
            return false;
        }
        true
    }

    /// Returns the engine's way to call a function; `None` where the call stays as it is.
    fn call(
        &mut self,
        expr: &Expr,
        name: &str,
        arguments: &[&Expr],
    ) -> Result<Option<Expr>, ExpressionError> {
        let arguments: Vec<Sql> = arguments.iter().map(|argument| self.print(argument)).collect();
        match self.dialect.expressions().call(name, &arguments) {
            Call::Same => Ok(None),
            Call::As(call) => Ok(Some(self.placed(call))),
            Call::Refused(why) => {
                let range = range(self.text, expr.span());
                Err(ExpressionError { message: format!("`{name}` {why}"), range })
            }
        }
    }

    fn translated(&mut self, expr: &Expr) -> Result<Option<Expr>, ExpressionError> {
        match expr {
            Expr::Cast { kind, expr: value, data_type, .. } => {
                let Some(to) = plain_type(data_type) else { return Ok(None) };
                let lenient = *kind == CastKind::TryCast;
                let cast = self.dialect.expressions().cast(&self.print(value), to, lenient);
                Ok(Some(self.placed(cast)))
            }
            Expr::Substring { expr: text, substring_from, substring_for, .. } => {
                let parts = [Some(text), substring_from.as_ref(), substring_for.as_ref()];
                let arguments: Vec<&Expr> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
                self.call(expr, "substr", &arguments)
            }
            Expr::Function(function) => {
                self.call(expr, &function.name.to_string().to_ascii_lowercase(), &arguments(function))
            }
            _ => Ok(None),
        }
    }
}

impl VisitorMut for Translation<'_> {
    type Break = ExpressionError;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ExpressionError> {
        match expr {
            Expr::BinaryOp { left, op, right } => {
                if let Some(whole) = self.arithmetic(op, left, right) {
                    *expr = whole;
                }
            }
            Expr::Like { expr: text, pattern, escape_char, .. } => {
                self.like(text, pattern, escape_char, false);
            }
            Expr::ILike { negated, any, expr: text, pattern, escape_char } => {
                if !self.like(text, pattern, escape_char, true) {
                    *expr = Expr::Like {
                        negated: *negated,
                        any: *any,
                        expr: text.clone(),
                        pattern: pattern.clone(),
                        escape_char: escape_char.clone(),
                    };
                }
            }
            _ => match self.translated(expr) {
                Ok(Some(translated)) => *expr = translated,
                Ok(None) => {}
                Err(refusal) => return ControlFlow::Break(refusal),
            },
        }
        ControlFlow::Continue(())
    }
}

/// Returns the arguments of a call that the gate has read: there are no others than plain expressions.
fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let plain = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    plain.collect()
}

/// Tells whether an expression is a number other than 0, or null in its place.
fn is_never_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(digits, _) if digits.parse().is_ok_and(|n: f64| n != 0.0))
        }
        Expr::Function(function) => {
            function.name.to_string().eq_ignore_ascii_case("nullif")
                && matches!(
                    arguments(function).as_slice(),
                    [_, Expr::Value(zero)] if zero.value == Value::Number("0".into(), false)
                )
        }
        _ => false,
    }
}

/// Returns a type to which an expression may cast; `None` for any other, which the gate refuses.
fn plain_type(data_type: &DataType) -> Option<CastType> {
    Some(match data_type.to_string().as_str() {
        "BOOLEAN" => CastType::Boolean,
        "SMALLINT" => CastType::SmallInteger,
        "INT" | "INTEGER" => CastType::Integer,
        "BIGINT" => CastType::BigInteger,
        "FLOAT" | "REAL" => CastType::Real,
        "DOUBLE" => CastType::Double,
        "DATE" => CastType::Date,
        "TIMESTAMP" => CastType::Timestamp,
        "TEXT" | "VARCHAR" => CastType::Text,
        _ => return None,
    })
}

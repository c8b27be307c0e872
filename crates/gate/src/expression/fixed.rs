//! What a condition is whatever the row is.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::kind::{is_null, literal, number};

/// What a condition is on every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Null,
}

/// Returns what a condition is on every row; `None` where that depends on the row, or is not known.
pub(super) fn truth(expr: &Expr) -> Option<Truth> {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    match expr {
        Expr::Nested(inner) => truth(inner),
        Expr::Value(value) => match value.value {
            Value::Boolean(true) => Some(Truth::True),
            Value::Boolean(false) => Some(Truth::False),
            Value::Null => Some(Truth::Null),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => truth(expr).map(|truth| match truth {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Null => Truth::Null,
        }),
        Expr::BinaryOp { left, op: And, right } => match (truth(left), truth(right)) {
            (Some(Truth::False), _) | (_, Some(Truth::False)) => Some(Truth::False),
            // It is null or false, and holds for no row.
            (Some(Truth::Null), _) | (_, Some(Truth::Null)) => Some(Truth::Null),
            (Some(Truth::True), other) | (other, Some(Truth::True)) => other,
            (None, None) => None,
        },
        Expr::BinaryOp { left, op: Or, right } => match (truth(left), truth(right)) {
            (Some(Truth::True), _) | (_, Some(Truth::True)) => Some(Truth::True),
            (Some(left), Some(right)) => {
                Some(if left == Truth::Null || right == Truth::Null { Truth::Null } else { Truth::False })
            }
            _ => None,
        },
        Expr::BinaryOp { left, op, right } => {
            if is_nothing(left) || is_nothing(right) {
                return matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq).then_some(Truth::Null);
            }
            let holds = match (number(left), number(right), literal(left), literal(right)) {
                (Some(a), Some(b), ..) => match op {
                    Eq => a == b,
                    NotEq => a != b,
                    Lt => a < b,
                    LtEq => a <= b,
                    Gt => a > b,
                    GtEq => a >= b,
                    _ => return None,
                },
                (_, _, Some(a), Some(b)) => match op {
                    Eq => a == b,
                    NotEq => a != b,
                    _ => return None,
                },
                _ => return None,
            };
            Some(if holds { Truth::True } else { Truth::False })
        }
        _ => None,
    }
}

/// Tells whether a value is null on every row: NULL, or a division by a zero that is written out.
fn is_nothing(expr: &Expr) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    match expr {
        Expr::Nested(inner) => is_nothing(inner),
        Expr::BinaryOp { op: Divide | Modulo, right, .. } if number(right) == Some(0.0) => true,
        Expr::BinaryOp { left, op: Divide | Modulo | Plus | Minus | Multiply, right } => {
            is_nothing(left) || is_nothing(right)
        }
        other => is_null(other),
    }
}

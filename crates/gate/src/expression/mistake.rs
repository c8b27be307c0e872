//! What is wrong in an expression whatever the data are: an engine refuses it, or no row can fulfil it.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, Spanned, UnaryOperator, Value,
};

use super::fixed::{self, Truth};
use super::kind::{Kind, holds, is_null, literal, number};
use super::pattern::{self, Regexes};
use super::{ExpressionError, Part, expression, parsed, range};
use crate::columns::Columns;

/// Returns why no engine measures anything by a condition on the rows of a source: it is not allowed, is refused by every
/// engine, or no row can fulfil it. `None` where only an engine knows.
pub fn mistake(text: &str, columns: &Columns, regexes: Regexes) -> Option<ExpressionError> {
    let mut unchanged = |part: Part<'_>| match part {
        Part::Column(part) | Part::Text(part) => Ok(part.to_owned()),
    };
    if let Err(refused) = expression(text, &mut unchanged) {
        return Some(refused);
    }
    let expr = parsed(text).ok()?;
    let checker = Checker { text, columns, regexes };
    checker.condition(&expr).and_then(|()| checker.can_hold(&expr)).err()
}

type Checked<T> = Result<T, ExpressionError>;

/// Walks an expression that is allowed, so that it is not deep.
struct Checker<'a> {
    text: &'a str,
    columns: &'a Columns,
    regexes: Regexes,
}

impl Checker<'_> {
    fn refuse<T>(&self, expr: &Expr, message: impl Into<String>) -> Checked<T> {
        Err(ExpressionError { message: message.into(), range: range(self.text, expr.span()) })
    }

    /// A condition that is not true whatever the row is holds for no row.
    fn can_hold(&self, expr: &Expr) -> Checked<()> {
        match fixed::truth(expr) {
            Some(Truth::False | Truth::Null) => self.refuse(expr, format!("no row fulfils `{expr}`")),
            _ => Ok(()),
        }
    }

    /// Checks an expression that must be true or false.
    fn condition(&self, expr: &Expr) -> Checked<()> {
        match (literal(expr), self.kind(expr)?) {
            (Some(text), _) if Kind::Boolean.reads(text) => Ok(()),
            (_, kind @ (Kind::Text | Kind::Time)) => self.refuse(
                expr,
                format!("`{expr}` is {}, not a condition: compare it with something", kind.words()),
            ),
            _ => Ok(()),
        }
    }

    /// Checks an expression whose value must be of a kind, or be read as one.
    fn needs(&self, wanted: Kind, expr: &Expr, by: &str) -> Checked<()> {
        let found = self.kind(expr)?;
        let fits = match (literal(expr), wanted) {
            (Some(text), _) => wanted.reads(text),
            (None, Kind::Text) => matches!(found, Kind::Text | Kind::Unknown) || is_null(expr),
            (None, _) => !matches!(found, Kind::Text | Kind::Time),
        };
        if fits {
            return Ok(());
        }
        self.refuse(expr, format!("`{expr}` is {}, and {by} takes {}", found.words(), wanted.words()))
    }

    /// Checks that a number that is written out has no fraction.
    fn whole(&self, expr: &Expr) -> Checked<()> {
        match number(expr) {
            Some(value) if value.fract() != 0.0 => self.refuse(expr, format!("`{expr}` is no whole number")),
            _ => Ok(()),
        }
    }

    fn kind(&self, expr: &Expr) -> Checked<Kind> {
        match expr {
            Expr::Identifier(name) => self.column(expr, name),
            Expr::Value(value) => Ok(match &value.value {
                Value::Number(..) => Kind::Number,
                Value::Boolean(_) => Kind::Boolean,
                Value::SingleQuotedString(_) => Kind::Text,
                _ => Kind::Unknown,
            }),
            Expr::TypedString(typed) => {
                let kind = Kind::of_type(&typed.data_type);
                match &typed.value.value {
                    Value::SingleQuotedString(text) if !kind.reads(text) => {
                        self.refuse(expr, format!("'{text}' is not {}", kind.words()))
                    }
                    _ => Ok(kind),
                }
            }
            Expr::Nested(inner) => self.kind(inner),
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) | Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => {
                self.condition(inner).map(|()| Kind::Boolean)
            }
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => self.kind(inner).map(|_| Kind::Boolean),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.comparable(left, right).map(|()| Kind::Boolean)
            }
            Expr::BinaryOp { left, op, right } => self.operation(left, op, right),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.condition(expr).map(|()| Kind::Boolean),
            Expr::UnaryOp { expr, .. } => self.needs(Kind::Number, expr, "a sign").map(|()| Kind::Number),
            Expr::InList { expr, list, negated } => {
                for item in list {
                    self.compared(expr, item)?;
                    if *negated && is_null(item) {
                        return self.refuse(item, "`NOT IN` a list with NULL is never true: leave NULL out");
                    }
                }
                Ok(Kind::Boolean)
            }
            Expr::Between { expr: value, low, high, negated } => {
                self.compared(value, low)?;
                self.compared(value, high)?;
                match (number(low), number(high)) {
                    (Some(a), Some(b)) if a > b && !negated => {
                        self.refuse(low, format!("no number is at least {low} and at most {high}"))
                    }
                    _ => Ok(Kind::Boolean),
                }
            }
            Expr::Like { expr, pattern, escape_char, .. }
            | Expr::ILike { expr, pattern, escape_char, .. } => {
                self.quoted(expr, pattern)?;
                self.needs(Kind::Text, expr, "LIKE")?;
                self.needs(Kind::Text, pattern, "LIKE")?;
                match escape_char.as_deref().and_then(literal) {
                    Some(escape) if escape.chars().count() != 1 => {
                        self.refuse(pattern, format!("`ESCAPE '{escape}'` is not one character"))
                    }
                    _ => Ok(Kind::Boolean),
                }
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                for when in conditions {
                    match operand {
                        Some(operand) => self.compared(operand, &when.condition)?,
                        None => self.condition(&when.condition)?,
                    }
                }
                let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
                self.one_kind(&results.collect::<Vec<_>>())
            }
            Expr::Cast { kind, expr: value, data_type, .. } => {
                let wanted = Kind::of_type(data_type);
                let found = self.kind(value)?;
                let never = matches!(
                    (found, wanted),
                    (Kind::Number | Kind::Boolean, Kind::Time) | (Kind::Time, Kind::Number | Kind::Boolean)
                );
                if never && *kind != CastKind::TryCast {
                    let message =
                        format!("`{value}` is {}, and none becomes {}", found.words(), wanted.words());
                    return self.refuse(value, message);
                }
                if *kind != CastKind::TryCast && !holds(data_type, value) {
                    return self.refuse(value, format!("`{value}` is too large for {data_type}"));
                }
                match literal(value) {
                    Some(text) if *kind != CastKind::TryCast && !wanted.reads(text) => {
                        self.refuse(value, format!("'{text}' is not {}", wanted.words()))
                    }
                    _ => Ok(wanted),
                }
            }
            Expr::Floor { field: CeilFloorKind::Scale(_), .. }
            | Expr::Ceil { field: CeilFloorKind::Scale(_), .. } => {
                self.refuse(expr, "`ceil` and `floor` take one value: `round` takes a number of digits")
            }
            Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => {
                self.needs(Kind::Number, expr, "rounding").map(|()| Kind::Number)
            }
            Expr::Trim { expr, .. } => self.needs(Kind::Text, expr, "`trim`").map(|()| Kind::Text),
            Expr::Substring { expr: of, substring_from, substring_for, .. } => {
                self.needs(Kind::Text, of, "`substr`")?;
                if substring_from.is_none() {
                    return self.refuse(
                        expr,
                        "`substr` takes a text, the place of its first character, and a length",
                    );
                }
                for place in [substring_from, substring_for].into_iter().flatten() {
                    self.needs(Kind::Number, place, "a place in a text")?;
                    self.whole(place)?;
                }
                Ok(Kind::Text)
            }
            Expr::Function(function) => self.function(expr, function),
            _ => Ok(Kind::Unknown),
        }
    }

    fn column(&self, expr: &Expr, name: &Ident) -> Checked<Kind> {
        match (self.columns.kind(&name.value), self.columns.all()) {
            (Some(kind), _) => Ok(kind),
            (None, None) => Ok(Kind::Unknown),
            (None, Some(all)) => {
                let all: Vec<_> = all.map(|column| format!("`{column}`")).collect();
                let text = text_in_double_quotes(name);
                let message = text.unwrap_or_else(|| format!("there is no column `{}`", name.value));
                self.refuse(expr, format!("{message}; the source's query has {}", all.join(", ")))
            }
        }
    }

    fn operation(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Checked<Kind> {
        use BinaryOperator::{And, Divide, Eq, Gt, GtEq, Lt, LtEq, Minus, Modulo, Multiply, NotEq, Or, Plus};
        match op {
            And | Or => {
                self.condition(left)?;
                self.condition(right).map(|()| Kind::Boolean)
            }
            Eq | NotEq | Lt | LtEq | Gt | GtEq => {
                if let Some(chained) = [left, right].into_iter().find(|side| is_comparison(side)) {
                    let message = format!("`{chained}` is compared again: join comparisons by AND");
                    return self.refuse(chained, message);
                }
                if is_null(left) || is_null(right) {
                    let other = if is_null(left) { right } else { left };
                    let test = if *op == NotEq { "IS NOT NULL" } else { "IS NULL" };
                    let message = format!("a comparison with NULL is never true: write `{other} {test}`");
                    return self.refuse(left, message);
                }
                self.compared(left, right).map(|()| Kind::Boolean)
            }
            Plus | Minus | Multiply | Divide | Modulo => match (self.kind(left)?, self.kind(right)?) {
                (Kind::Unknown | Kind::Time, _) | (_, Kind::Unknown | Kind::Time) => Ok(Kind::Unknown),
                _ => {
                    let by = format!("`{op}`");
                    self.needs(Kind::Number, left, &by)?;
                    self.needs(Kind::Number, right, &by).map(|()| Kind::Number)
                }
            },
            _ => {
                self.kind(left)?;
                self.kind(right).map(|_| Kind::Text)
            }
        }
    }

    fn compared(&self, left: &Expr, right: &Expr) -> Checked<()> {
        self.quoted(left, right)?;
        self.comparable(left, right)
    }

    /// Refuses a name in double quotes beside what is written without: it is a text that was meant.
    fn quoted(&self, left: &Expr, right: &Expr) -> Checked<()> {
        let Expr::Identifier(name) = right else { return Ok(()) };
        let beside = matches!(left, Expr::Identifier(name) if name.quote_style.is_some());
        match text_in_double_quotes(name) {
            Some(message) if !beside && self.columns.kind(&name.value).is_none() => {
                self.refuse(right, message)
            }
            _ => Ok(()),
        }
    }

    fn comparable(&self, left: &Expr, right: &Expr) -> Checked<()> {
        let (a, b) = (self.kind(left)?, self.kind(right)?);
        for (expr, kind, other) in [(left, a, b), (right, b, a)] {
            let fits = match literal(expr) {
                Some(text) => other.reads(text),
                None => {
                    !matches!((kind, other), (Kind::Text | Kind::Time, Kind::Number)) || is_text(left, right)
                }
            };
            if !fits {
                let message = format!("`{expr}` is {} and is compared with {}", kind.words(), other.words());
                return self.refuse(expr, message);
            }
        }
        Ok(())
    }

    /// Returns the kind of values one of which is taken. A text in quotes among numbers may be one that is never taken.
    fn one_kind(&self, values: &[&Expr]) -> Checked<Kind> {
        let mut found = None;
        for value in values.iter().filter(|value| !is_null(value)) {
            let kind = self.kind(value)?;
            match found {
                None => found = Some((*value, kind)),
                Some((first, before)) => {
                    if !is_text(first, value) {
                        self.comparable(first, value)?;
                    }
                    if before != kind {
                        found = Some((first, Kind::Unknown));
                    }
                }
            }
        }
        Ok(found.map_or(Kind::Unknown, |(_, kind)| kind))
    }

    fn function(&self, whole: &Expr, function: &Function) -> Checked<Kind> {
        let name = function.name.to_string().to_ascii_lowercase();
        let FunctionArguments::List(list) = &function.args else { return Ok(Kind::Unknown) };
        let args: Vec<&Expr> = list
            .args
            .iter()
            .filter_map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect();
        let Some(signature) = SIGNATURES.iter().find(|signature| signature.name == name) else {
            return Ok(Kind::Unknown);
        };
        if !(signature.least..=signature.most).contains(&args.len()) {
            let most = if signature.most == ANY {
                String::new()
            } else {
                format!(" and at most {}", signature.most)
            };
            let message =
                format!("`{name}` takes at least {}{most} values, not {}", signature.least, args.len());
            return self.refuse(whole, message);
        }
        match signature.takes {
            Takes::Kinds(kinds) => {
                for (arg, kind) in args.iter().zip(kinds) {
                    self.needs(*kind, arg, &format!("`{name}`"))?;
                }
            }
            Takes::Alike => return self.one_kind(&args),
            Takes::Anything => {
                for arg in &args {
                    self.kind(arg)?;
                }
            }
        }
        if let ("left" | "right" | "round", Some(count)) = (name.as_str(), args.get(1)) {
            self.whole(count)?;
        }
        if name == "regexp_matches" {
            self.pattern(whole, &args)?;
        }
        Ok(signature.gives)
    }

    /// Checks a regular expression and its options, where they are written out.
    fn pattern(&self, whole: &Expr, args: &[&Expr]) -> Checked<()> {
        let part = |place: usize| args.get(place).and_then(|arg| literal(arg));
        if let Some(pattern) = part(1)
            && let Some(why) = pattern::refused(pattern, self.regexes)
        {
            return self.refuse(whole, format!("`{pattern}` is not a regular expression: {why}"));
        }
        let options = part(2).filter(|_| self.regexes == Regexes::Re2);
        options.and_then(pattern::refused_options).map_or(Ok(()), |why| self.refuse(whole, why))
    }
}

/// Tells whether an expression is a comparison without parentheses around it.
fn is_comparison(expr: &Expr) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(expr, Expr::BinaryOp { op: Eq | NotEq | Lt | LtEq | Gt | GtEq, .. })
}

/// Tells whether two values are compared as texts, because one of them is a text that is written out.
fn is_text(left: &Expr, right: &Expr) -> bool {
    literal(left).is_some() || literal(right).is_some()
}

/// Returns what to say of a name in double quotes that may be meant as a text.
fn text_in_double_quotes(name: &Ident) -> Option<String> {
    let value = &name.value;
    (name.quote_style == Some('"')).then(|| {
        format!(
            "`\"{value}\"` is the name of a column: a text has single quotes, '{}', and a column's name needs none",
            value.replace('\'', "''")
        )
    })
}

/// What a function takes and gives.
struct Signature {
    name: &'static str,
    least: usize,
    most: usize,
    takes: Takes,
    gives: Kind,
}

enum Takes {
    Kinds(&'static [Kind]),
    /// Values of one kind, one of which it gives.
    Alike,
    Anything,
}

const ANY: usize = usize::MAX;

const fn signature(name: &'static str, least: usize, most: usize, takes: Takes, gives: Kind) -> Signature {
    Signature { name, least, most, takes, gives }
}

/// The functions of [`super::FUNCTIONS`] that the parser has no syntax of its own for.
const SIGNATURES: &[Signature] = {
    use Kind::{Boolean, Number, Text, Unknown};
    &[
        signature("abs", 1, 1, Takes::Kinds(&[Number]), Number),
        signature("coalesce", 1, ANY, Takes::Alike, Unknown),
        signature("concat", 1, ANY, Takes::Anything, Text),
        signature("contains", 2, 2, Takes::Kinds(&[Text, Text]), Boolean),
        signature("ends_with", 2, 2, Takes::Kinds(&[Text, Text]), Boolean),
        signature("greatest", 1, ANY, Takes::Alike, Unknown),
        signature("least", 1, ANY, Takes::Alike, Unknown),
        signature("left", 2, 2, Takes::Kinds(&[Text, Number]), Text),
        signature("length", 1, 1, Takes::Kinds(&[Text]), Number),
        signature("lower", 1, 1, Takes::Kinds(&[Text]), Text),
        signature("ltrim", 1, 2, Takes::Kinds(&[Text, Text]), Text),
        signature("nullif", 2, 2, Takes::Alike, Unknown),
        signature("regexp_matches", 2, 3, Takes::Kinds(&[Text, Text, Text]), Boolean),
        signature("replace", 3, 3, Takes::Kinds(&[Text, Text, Text]), Text),
        signature("right", 2, 2, Takes::Kinds(&[Text, Number]), Text),
        signature("round", 1, 2, Takes::Kinds(&[Number, Number]), Number),
        signature("rtrim", 1, 2, Takes::Kinds(&[Text, Text]), Text),
        signature("sign", 1, 1, Takes::Kinds(&[Number]), Number),
        signature("starts_with", 2, 2, Takes::Kinds(&[Text, Text]), Boolean),
        signature("strpos", 2, 2, Takes::Kinds(&[Text, Text]), Number),
        signature("upper", 1, 1, Takes::Kinds(&[Text]), Text),
    ]
};

//! JsonLogic that means the same to every evaluator.
//!
//! JsonLogic coerces: without a guard a missing number is below 10, `true` is 1 in Python, and the JavaScript
//! core fails the whole evaluation on `in` with a number as haystack. So every comparison is preceded by a test
//! of the type, and a test that fails makes the whole comparison false. Tried in November 2026 against
//! `@openfeature/flagd-core` 4.0.1 (json-logic-engine 5.0.7, compiled and interpreted) and
//! `openfeature-flagd-core` 2.0.0 (panzi-json-logic 1.0.1), for every kind of value in place of every other;
//! `tests/parity` keeps trying.
//!
//! - *String*: `cat` with the empty text gives back a string as it is, and a string for everything else.
//!   The empty text comes first because the JavaScript core fails on `cat` of one null.
//! - *Number*: its text begins with a digit or a minus, it is not a string, and `merge` does not take it apart.
//! - *Boolean*: compared strictly, and by its text, because Python says that 1 is true.
//! - *Version*: see [`version`].

use serde_json::{Value, json};

use crate::plan::Condition;
use trialbook_model::{AttributeKey, AttributeType, Bound, Scalar, Test, Version};

/// Returns the variable of a context attribute.
pub(super) fn var(name: &str) -> Value {
    json!({"var": name})
}

/// Returns the test that the value is a string.
pub(super) fn string(x: &Value) -> Value {
    json!({"===": [text(x), x]})
}

fn text(x: &Value) -> Value {
    json!({"cat": ["", x]})
}

fn digits() -> Vec<&'static str> {
    vec!["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
}

fn number(x: &Value) -> Value {
    let first = json!({"substr": [text(x), 0, 1]});
    let begins: Vec<_> = ["-"].into_iter().chain(digits()).collect();
    json!({"and": [
        {"in": [first, begins]},
        {"!==": [text(x), x]},
        {"in": [x, {"merge": [x]}]},
    ]})
}

/// Python writes a boolean with a capital.
fn boolean(x: &Value, value: Option<bool>) -> Value {
    let texts = match value {
        Some(true) => vec!["true", "True"],
        Some(false) => vec!["false", "False"],
        None => vec!["true", "True", "false", "False"],
    };
    let same = match value {
        Some(value) => json!({"===": [x, value]}),
        None => json!({"===": [{"!!": [x]}, x]}),
    };
    json!({"and": [same, {"in": [text(x), texts]}]})
}

/// What may be a version: a string that begins with a digit, without build metadata, of 128 characters at most.
///
/// Both evaluators take off a leading `v`, the JavaScript core trims spaces, and both read build metadata and longer
/// texts; none of that is a version to a book. (Neither is a part of 2^53 or more, which Python would read: there is no
/// cheap guard against that.)
fn version_guard(x: &Value) -> Value {
    json!({"and": [
        string(x),
        {"in": [{"substr": [x, 0, 1]}, digits()]},
        {"!": [{"in": ["+", x]}]},
        {"===": [{"substr": [x, 128, 1]}, ""]},
    ]})
}

/// Hides an expression from flagd's schema, which allows a variable or a constant in `sem_ver` and nothing else:
/// a variable that never exists (evaluators own `$flagd`), with the expression as its default.
fn computed(expression: &Value) -> Value {
    json!({"var": ["$flagd.version", expression]})
}

fn missing_parts(before: &Value) -> Value {
    json!({"if": [{"in": [".", before]}, ".0", ".0.0"]})
}

/// Returns the version in three parts, with build metadata that no comparison reads.
///
/// The JavaScript core knows no `8.10-rc.1` and takes `08` for 8; Python fills up missing parts itself. So:
/// with `+0` behind it a strict three-part version is what it is; otherwise the missing parts go before the
/// first hyphen, or to the end. The loop over positions finds that hyphen: parts are below 2^53, so two of
/// them and a dot are 33 characters at most. What is no version stays none.
fn three_parts(x: &Value) -> Value {
    let strict = json!({"cat": [x, "+0"]});
    let (done, at) = (json!({"var": "accumulator"}), json!({"var": "current"}));
    let before = json!({"substr": [done, 0, at]});
    let positions: Vec<Value> = [x.clone()].into_iter().chain((1..=33).map(|i| json!(i))).collect();
    let at_first_hyphen = json!({"and": [
        {"===": [{"substr": [done, at, 1]}, "-"]},
        {"!": [{"in": ["+", done]}]},
    ]});
    let filled_up = json!({"cat": [before, missing_parts(&before), {"substr": [done, at]}, "+0"]});
    // The first turn takes the text itself: Python does not evaluate the initial value.
    let search = json!({"reduce": [
        positions,
        {"if": [{"===": [done, ""]}, at, at_first_hyphen, filled_up, done]},
        "",
    ]});
    json!({"if": [
        {"!==": [{"sem_ver": [computed(&strict), ">=", "0.0.0-0"]}, null]},
        strict,
        {"in": ["-", x]},
        search,
        {"cat": [x, missing_parts(x), "+0"]},
    ]})
}

fn version(x: &Value, operator: &str, literal: &Version) -> Value {
    let compared = json!({"sem_ver": [computed(&three_parts(x)), operator, literal.normalised()]});
    json!({"and": [version_guard(x), compared]})
}

/// `0.0.0-0` is the least version of all, so comparing with it only asks whether there is one.
fn any_version(x: &Value) -> Value {
    let compared = json!({"sem_ver": [computed(&three_parts(x)), ">=", "0.0.0-0"]});
    json!({"and": [version_guard(x), {"!!": [compared]}]})
}

/// A whole number is written without a fraction, whatever it was in the book.
fn literal(value: f64) -> Value {
    // 2^53: beyond it the whole numbers of the evaluators differ.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

fn compared(x: &Value, operator: &str, bound: &Bound) -> Value {
    match bound {
        Bound::Number(value) => json!({"and": [number(x), {operator: [x, literal(value.get())]}]}),
        Bound::Version(value) => version(x, operator, value),
    }
}

/// Returns the condition, or why flagd cannot express it, as a fragment.
pub(super) fn condition(condition: &Condition) -> Result<Value, String> {
    let each = |parts: &[Condition]| parts.iter().map(self::condition).collect::<Result<Vec<_>, _>>();
    Ok(match condition {
        Condition::All(parts) if parts.is_empty() => json!(true),
        Condition::Any(parts) if parts.is_empty() => json!(false),
        Condition::All(parts) => json!({"and": each(parts)?}),
        Condition::Any(parts) => json!({"or": each(parts)?}),
        Condition::Not(part) => json!({"!": [self::condition(part)?]}),
        Condition::Attribute(key, kind, test) => self::test(key, *kind, test)?,
    })
}

fn test(key: &AttributeKey, kind: AttributeType, test: &Test) -> Result<Value, String> {
    let x = &var(key.as_str());
    Ok(match test {
        Test::Present(true) => match kind {
            AttributeType::String => string(x),
            AttributeType::Number => number(x),
            AttributeType::Boolean => boolean(x, None),
            AttributeType::Version => any_version(x),
        },
        Test::Present(false) => {
            let present = self::test(key, kind, &Test::Present(true))?;
            json!({"!": [present]})
        }
        Test::In(values) => one_of(x, values.iter().collect()),
        Test::AtLeast(bound) => compared(x, ">=", bound),
        Test::Above(bound) => compared(x, ">", bound),
        Test::AtMost(bound) => compared(x, "<=", bound),
        Test::Below(bound) => compared(x, "<", bound),
        // These two refuse what is not a string themselves.
        Test::StartsWith(prefix) => json!({"starts_with": [x, prefix]}),
        Test::EndsWith(suffix) => json!({"ends_with": [x, suffix]}),
        Test::Contains(part) => json!({"and": [string(x), {"in": [part, x]}]}),
        Test::Matches(_) => {
            return Err(format!("flagd has no regular expressions, and `{key}` is matched with one"));
        }
    })
}

fn one_of(x: &Value, values: Vec<&Scalar>) -> Value {
    let each = values.iter().map(|value| match value {
        Scalar::String(text) => json!(text),
        Scalar::Number(number) => literal(number.get()),
        Scalar::Boolean(value) => json!(value),
        Scalar::Version(version) => json!(version.normalised()),
    });
    let literals: Vec<Value> = each.collect();
    let equal = match literals.as_slice() {
        [only] => json!({"===": [x, only]}),
        _ => json!({"in": [x, literals]}),
    };
    match values.as_slice() {
        [] => json!(false),
        [Scalar::Boolean(value)] => boolean(x, Some(*value)),
        [Scalar::Boolean(_), ..] => boolean(x, None),
        [Scalar::Version(only)] => version(x, "=", only),
        [Scalar::Version(_), ..] => {
            let versions = values.iter().filter_map(|value| match value {
                Scalar::Version(literal) => Some(version(x, "=", literal)),
                _ => None,
            });
            json!({"or": versions.collect::<Vec<_>>()})
        }
        // Equality with a string needs no guard: nothing else equals one.
        [Scalar::String(_), ..] => equal,
        [Scalar::Number(_), ..] => json!({"and": [number(x), equal]}),
    }
}

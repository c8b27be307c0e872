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
//! - *Boolean*: compared strictly, and by its text, because in Python 1 is true.
//! - *Version*: see [`three_parts`] and [`four_parts`].

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

/// What may be a version: a string of [`Version::LONGEST`] characters at most that begins with a digit.
///
/// The JavaScript core trims spaces, both take off a leading `v`, and both read longer texts; none of that is a version to a
/// book. Neither is a number of 2^53 or more, which Python would read.
fn version_guard(x: &Value) -> Value {
    json!({"and": [string(x), {"in": [{"substr": [x, 0, 1]}, digits()]}, is_short(x), has_exact_numbers(x)]})
}

/// What may be a version with a leading `v`, with the same limit.
fn lenient_guard(x: &Value) -> Value {
    let first = json!({"in": [{"substr": [without_v(x), 0, 1]}, digits()]});
    json!({"and": [string(x), first, is_short(x), has_exact_numbers(&without_v(x))]})
}

fn is_short(x: &Value) -> Value {
    json!({"===": [{"substr": [x, Version::LONGEST, 1]}, ""]})
}

/// The digits of 2^53, from which on numbers are no longer exact in JavaScript.
const FIRST_INEXACT: &str = "9007199254740992";

/// Returns the test that the numbers of a version, which end at a hyphen, a plus or the end, are below 2^53.
///
/// A text shorter than such a number holds none. In others a loop moves a window of as many characters over the text, with
/// spaces before it: a window without a full stop and a space is a number's last digits. It is too large where another digit
/// follows, or by its digits, which are compared as texts: none is a number with a zero in front. Four numbers below
/// 2^53 end within [`LONGEST_CORE`] characters, and longer ones hold a larger number or are no version.
fn has_exact_numbers(x: &Value) -> Value {
    let width = FIRST_INEXACT.len();
    let short = json!({"===": [{"substr": [x, width - 1, 1]}, ""]});
    let (done, at) = (json!({"var": "accumulator"}), json!({"var": "current"}));
    let window = json!({"substr": [done, at, width]});
    let next = json!({"substr": [done, {"+": [at, width]}, 1]});
    let too_large = json!({"and": [
        {"!": [{"in": [".", window]}]},
        {"!": [{"in": [" ", window]}]},
        {"or": [{"in": [next, digits()]}, {">=": [window, FIRST_INEXACT]}]},
    ]});
    let padded = json!({"cat": [" ".repeat(width), x]});
    let positions: Vec<Value> = [padded].into_iter().chain((0..=LONGEST_CORE).map(|i| json!(i))).collect();
    let search = json!({"reduce": [
        positions,
        {"if": [
            {"===": [done, ""]}, at,
            {"in": [done, ["small", "large"]]}, done,
            too_large, "large",
            {"in": [next, ["-", "+", ""]]}, "small",
            done,
        ]},
        "",
    ]});
    json!({"or": [short, {"===": [search, "small"]}]})
}

fn without_v(x: &Value) -> Value {
    json!({"if": [{"in": [{"substr": [x, 0, 1]}, ["v", "V"]]}, {"substr": [x, 1]}, x]})
}

/// Hides an expression from flagd's schema, which allows a variable or a constant in `sem_ver` and nothing else:
/// a variable that never exists (evaluators own `$flagd`), with the expression as its default.
fn computed(expression: &Value) -> Value {
    json!({"var": ["$flagd.version", expression]})
}

fn missing_parts(before: &Value) -> Value {
    json!({"if": [{"in": [".", before]}, ".0", ".0.0"]})
}

/// Returns what is appended to a text so that nothing but a version with build metadata is read as one: a build where
/// there is none, and one more identifier where there is one. No comparison reads it.
///
/// Behind it the JavaScript core trims nothing and takes no `1.2` or `08` for a version.
fn build(x: &Value) -> Value {
    json!({"if": [{"in": ["+", x]}, ".0", "+0"]})
}

/// Returns the version in three parts, with build metadata.
///
/// The JavaScript core knows no `8.10-rc.1` and takes `08` for 8; Python fills up missing parts itself. So:
/// with [`build`] behind it a strict three-part version is what it is; otherwise the missing parts go before the
/// first hyphen or plus, or to the end. The loop over positions finds that place: parts are below 2^53, so two of
/// them and a dot are 33 characters at most. A full stop before the text marks that it is found, and the last turn takes
/// the mark off. What is no version stays none.
fn three_parts(x: &Value) -> Value {
    let strict = json!({"cat": [x, build(x)]});
    let (done, at) = (json!({"var": "accumulator"}), json!({"var": "current"}));
    let before = json!({"substr": [done, 0, at]});
    let positions: Vec<Value> =
        [x.clone()].into_iter().chain((1..=33).map(|i| json!(i))).chain([json!(0)]).collect();
    let found = json!({"===": [{"substr": [done, 0, 1]}, "."]});
    let filled_up =
        json!({"cat": [".", before, missing_parts(&before), {"substr": [done, at]}, build(&done)]});
    // The first turn takes the text itself: Python does not evaluate the initial value.
    let search = json!({"reduce": [
        positions,
        {"if": [
            {"===": [done, ""]}, at,
            {"===": [at, 0]}, {"if": [found, {"substr": [done, 1]}, ""]},
            found, done,
            {"in": [{"substr": [done, at, 1]}, ["-", "+"]]}, filled_up,
            done,
        ]},
        "",
    ]});
    json!({"if": [
        {"!==": [{"sem_ver": [computed(&strict), ">=", "0.0.0-0"]}, null]},
        strict,
        {"or": [{"in": ["-", x]}, {"in": ["+", x]}]},
        search,
        {"cat": [x, missing_parts(x), "+0"]},
    ]})
}

/// The characters in which the numbers of a version of four parts end at the latest: four parts below 2^53 with a dot after
/// each are 68.
const LONGEST_CORE: usize = 68;

/// Returns a version of up to four numbers as a pre-release that orders as it does: `1.2.3.4-rc.1` as `1.2.3-4.0.rc.1` and
/// `1.2.3.4` as `1.2.3-4.1`, so the number first, and then a release after every pre-release. [`in_order`] is the same for
/// a version that is written down.
///
/// A loop over the positions counts the dots: the first character of what it keeps is how many there were, `8` where the text
/// is no version, and `9` once the numbers have ended and the rest is in place.
fn four_parts(x: &Value) -> Value {
    let (done, at) = (json!({"var": "accumulator"}), json!({"var": "current"}));
    let state = json!({"substr": [done, 0, 1]});
    // What was read so far, without the state, and what comes behind this position.
    let before = json!({"substr": [done, 1, {"-": [at, 1]}]});
    let here = json!({"substr": [done, at, 1]});
    let (from, after) = (json!({"substr": [done, at]}), json!({"substr": [done, {"+": [at, 1]}]}));
    let zeros = json!({"if": [
        {"===": [state, "0"]}, ".0.0-0",
        {"===": [state, "1"]}, ".0-0",
        {"===": [state, "2"]}, "-0",
        "",
    ]});
    let rest = json!({"if": [{"===": [here, "-"]}, {"cat": [".0.", after]}, {"cat": [".1", from]}]});
    let ended = json!({"cat": ["9", before, zeros, rest, build(&from)]});
    let dot = json!({"if": [
        {"===": [state, "0"]}, {"cat": ["1", {"substr": [done, 1]}]},
        {"===": [state, "1"]}, {"cat": ["2", {"substr": [done, 1]}]},
        {"===": [state, "2"]}, {"cat": ["3", before, "-", after]},
        "8",
    ]});
    let positions: Vec<Value> = [json!({"cat": ["0", without_v(x)]})]
        .into_iter()
        .chain((2..=LONGEST_CORE + 1).map(|i| json!(i)))
        .chain([json!(0)])
        .collect();
    json!({"reduce": [
        positions,
        {"if": [
            {"===": [done, ""]}, at,
            {"===": [at, 0]}, {"if": [{"===": [state, "9"]}, {"substr": [done, 1]}, ""]},
            {"in": [state, ["8", "9"]]}, done,
            {"in": [here, ["-", "+", ""]]}, ended,
            {"===": [here, "."]}, dot,
            {"in": [here, digits()]}, done,
            "8",
        ]},
        "",
    ]})
}

/// Returns a version as [`four_parts`] computes it.
fn in_order(version: &Version) -> String {
    let [major, minor, patch, fourth] = version.numbers();
    let rest = if version.is_pre_release() { format!("0.{}", version.pre_release()) } else { "1".into() };
    format!("{major}.{minor}.{patch}-{fourth}.{rest}")
}

/// Returns the version that [`in_order`] wrote; `None` where it wrote none.
pub(super) fn from_order(text: &str) -> Option<Version> {
    let (core, rest) = text.split_once('-')?;
    let (fourth, rest) = rest.split_once('.')?;
    let pre = match rest.split_once('.') {
        Some(("0", pre)) => format!("-{pre}"),
        None if rest == "1" => String::new(),
        _ => return None,
    };
    let version = Version::parse_lenient(&format!("{core}.{fourth}{pre}")).ok()?;
    Version::parse_lenient(&version.normalised()).ok()
}

/// How the texts of an attribute are read as versions.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Strict,
    Lenient,
}

impl Reading {
    fn of(kind: AttributeType) -> Self {
        if kind == AttributeType::LenientVersion { Self::Lenient } else { Self::Strict }
    }

    /// Returns the test that a text may be a version, and the version that evaluators compare.
    fn of_text(self, x: &Value) -> (Value, Value) {
        match self {
            Self::Strict => (version_guard(x), three_parts(x)),
            Self::Lenient => (lenient_guard(x), four_parts(x)),
        }
    }

    fn of_literal(self, version: &Version) -> String {
        match self {
            Self::Strict => version.normalised(),
            Self::Lenient => in_order(version),
        }
    }
}

fn version(x: &Value, reading: Reading, operator: &str, literal: &Version) -> Value {
    let (guard, read) = reading.of_text(x);
    json!({"and": [guard, {"sem_ver": [computed(&read), operator, reading.of_literal(literal)]}]})
}

/// `0.0.0-0` is the least version of all, so comparing with it only asks whether there is one.
fn any_version(x: &Value, reading: Reading) -> Value {
    let (guard, read) = reading.of_text(x);
    json!({"and": [guard, {"!!": [{"sem_ver": [computed(&read), ">=", "0.0.0-0"]}]}]})
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

fn compared(x: &Value, kind: AttributeType, operator: &str, bound: &Bound) -> Value {
    match bound {
        Bound::Number(value) => json!({"and": [number(x), {operator: [x, literal(value.get())]}]}),
        Bound::Version(value) => version(x, Reading::of(kind), operator, value),
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
            AttributeType::Version | AttributeType::LenientVersion => any_version(x, Reading::of(kind)),
        },
        Test::Present(false) => {
            let present = self::test(key, kind, &Test::Present(true))?;
            json!({"!": [present]})
        }
        Test::In(values) => one_of(x, kind, values.iter().collect()),
        Test::AtLeast(bound) => compared(x, kind, ">=", bound),
        Test::Above(bound) => compared(x, kind, ">", bound),
        Test::AtMost(bound) => compared(x, kind, "<=", bound),
        Test::Below(bound) => compared(x, kind, "<", bound),
        // These two refuse what is not a string themselves.
        Test::StartsWith(prefix) => json!({"starts_with": [x, prefix]}),
        Test::EndsWith(suffix) => json!({"ends_with": [x, suffix]}),
        Test::Contains(part) => json!({"and": [string(x), {"in": [part, x]}]}),
        Test::Matches(_) => {
            return Err(format!("flagd has no regular expressions, and `{key}` is matched with one"));
        }
    })
}

fn one_of(x: &Value, kind: AttributeType, values: Vec<&Scalar>) -> Value {
    let each = values.iter().map(|value| match value {
        Scalar::String(text) => json!(text),
        Scalar::Number(number) => literal(number.get()),
        Scalar::Boolean(value) => json!(value),
        Scalar::Version(version) => json!(Reading::of(kind).of_literal(version)),
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
        [Scalar::Version(only)] => version(x, Reading::of(kind), "=", only),
        [Scalar::Version(_), ..] => {
            let versions = values.iter().filter_map(|value| match value {
                Scalar::Version(literal) => Some(version(x, Reading::of(kind), "=", literal)),
                _ => None,
            });
            json!({"or": versions.collect::<Vec<_>>()})
        }
        // Equality with a string needs no guard: nothing else equals one.
        [Scalar::String(_), ..] => equal,
        [Scalar::Number(_), ..] => json!({"and": [number(x), equal]}),
    }
}

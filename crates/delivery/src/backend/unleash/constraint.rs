//! From audiences to constraints: a strategy's constraints all hold, and one of several strategies is enough.
//!
//! A constraint on an attribute that is missing does not hold, and one that is inverted does: the same as for a test and its
//! opposite in a book. Clients give every attribute as a text, so there is no type to guard; a version that does not have three numbers
//! is none to them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::plan::Condition;
use trialbook_model::{AttributeKey, AttributeType, Bound, Number, Scalar, TargetType, Test};

/// Constraints that all hold.
pub(super) type Conjunction = Vec<Value>;

/// The most conjunctions that an audience is taken apart into before the limit on strategies is asked.
const MOST: usize = 1_000;

/// The longest text that a constraint may compare with, in characters (`constraintSchema` of unleash-server 7.5.1).
const LONGEST: usize = 100;

/// The whole numbers that the server takes: it refuses those that a JavaScript number cannot hold exactly.
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// Names that clients fill in themselves, or read before an application's own attributes.
const RESERVED: [&str; 7] =
    ["userId", "sessionId", "remoteAddress", "environment", "appName", "currentTime", "properties"];

/// What holds from an instant on. `DATE_AFTER` would leave out the instant itself.
pub(super) fn from(instant: Timestamp) -> Value {
    date(instant, true)
}

/// What holds before an instant.
pub(super) fn before(instant: Timestamp) -> Value {
    date(instant, false)
}

fn date(instant: Timestamp, inverted: bool) -> Value {
    one("currentTime", "DATE_BEFORE", &instant.to_string(), inverted)
}

/// Returns the context field that holds an attribute, or why it cannot hold one.
pub(super) fn field(key: &AttributeKey) -> Result<&str, String> {
    match key.as_str() {
        name if RESERVED.contains(&name) => {
            Err(format!("`{name}` is a field that Unleash's clients set themselves"))
        }
        name => Ok(name),
    }
}

/// Returns the constraint that a field is one of some texts, in parts of as many values as a constraint may have.
pub(super) fn among<'a>(
    field: &str,
    texts: impl Iterator<Item = &'a str>,
    most: usize,
) -> Result<Vec<Value>, String> {
    let texts = texts.map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.chunks(most.max(1)).map(|part| many(field, "IN", part, false)).collect())
}

/// Returns conjunctions of which one holds exactly for the units of the audience; `most` is how many values a constraint may
/// have.
///
/// # Errors
///
/// Where clients of Unleash cannot ask something, as a fragment.
pub(super) fn alternatives(audience: &Condition, most: usize) -> Result<Vec<Conjunction>, String> {
    expand(audience, false, most.max(1))
}

fn expand(condition: &Condition, inverted: bool, most: usize) -> Result<Vec<Conjunction>, String> {
    match (condition, inverted) {
        (Condition::All(parts), false) | (Condition::Any(parts), true) => {
            let mut product = vec![Conjunction::new()];
            for part in parts {
                let part = expand(part, inverted, most)?;
                product = bounded(product.len() * part.len(), || {
                    let joined = |whole: &Conjunction| -> Vec<Conjunction> {
                        part.iter().map(|more| [whole.as_slice(), more].concat()).collect()
                    };
                    product.iter().flat_map(joined).collect()
                })?;
            }
            Ok(product)
        }
        (Condition::Any(parts), false) | (Condition::All(parts), true) => {
            let mut union = Vec::new();
            for part in parts {
                let part = expand(part, inverted, most)?;
                bounded(union.len() + part.len(), Vec::new)?;
                union.extend(part);
            }
            Ok(union)
        }
        (Condition::Not(part), _) => expand(part, !inverted, most),
        (Condition::Attribute(key, kind, test), false) => {
            Ok(comparisons(key, *kind, test, most)?.into_iter().map(|one| vec![one]).collect())
        }
        (Condition::Attribute(key, kind, test), true) => {
            Ok(vec![comparisons(key, *kind, test, most)?.into_iter().map(opposite).collect()])
        }
    }
}

fn bounded(count: usize, make: impl FnOnce() -> Vec<Conjunction>) -> Result<Vec<Conjunction>, String> {
    if count > MOST {
        return Err(format!(
            "an audience of it is {count} combinations of conditions, and each needs a strategy of its own"
        ));
    }
    Ok(make())
}

fn opposite(mut constraint: Value) -> Value {
    let inverted = constraint.get("inverted").and_then(Value::as_bool).unwrap_or_default();
    if let Some(member) = constraint.get_mut("inverted") {
        *member = json!(!inverted);
    }
    constraint
}

/// Returns constraints of which one holds exactly where the test does.
fn comparisons(
    key: &AttributeKey,
    kind: AttributeType,
    test: &Test,
    most: usize,
) -> Result<Vec<Value>, String> {
    let field = field(key)?;
    if let Some(why) = TargetType::Unleash.cannot_express(kind, test) {
        return Err(format!("{why}, and a condition on `{key}` needs it"));
    }
    let texts = |operator: &str, given: &str| Ok(vec![many(field, operator, &[text(given)?], false)]);
    match test {
        Test::Present(there) => {
            let present = match kind {
                AttributeType::Boolean => vec![many(field, "IN", &["true".into(), "false".into()], false)],
                // Every number is on one side or the other.
                AttributeType::Number => {
                    vec![one(field, "NUM_GTE", "0", false), one(field, "NUM_LT", "0", false)]
                }
                // The least version of all.
                _ => {
                    vec![one(field, "SEMVER_GT", "0.0.0-0", false), one(field, "SEMVER_EQ", "0.0.0-0", false)]
                }
            };
            // What is absent is the opposite of a test in every condition of a plan.
            if *there {
                Ok(present)
            } else {
                Err(format!("the condition on `{key}` has a form that this program does not write"))
            }
        }
        Test::In(values) => {
            let mut listed: Vec<String> = Vec::new();
            let mut each = Vec::new();
            for value in values {
                match value {
                    Scalar::String(given) => listed.push(text(given)?),
                    Scalar::Boolean(given) => listed.push(given.to_string()),
                    Scalar::Number(given) => each.push(one(field, "NUM_EQ", &number(*given)?, false)),
                    Scalar::Version(given) => each.push(one(field, "SEMVER_EQ", &given.normalised(), false)),
                }
            }
            each.extend(listed.chunks(most).map(|part| many(field, "IN", part, false)));
            Ok(each)
        }
        Test::AtLeast(bound) => ordered(field, bound, "GT", true),
        Test::Above(bound) => ordered(field, bound, "GT", false),
        Test::AtMost(bound) => ordered(field, bound, "LT", true),
        Test::Below(bound) => ordered(field, bound, "LT", false),
        Test::StartsWith(given) => texts("STR_STARTS_WITH", given),
        Test::EndsWith(given) => texts("STR_ENDS_WITH", given),
        Test::Contains(given) => texts("STR_CONTAINS", given),
        Test::Matches(_) => Err(format!("`{key}` is matched with a regular expression")),
    }
}

/// The server (7.5.1) takes no comparison of versions that is true of equal ones: that is an alternative of its own.
fn ordered(field: &str, bound: &Bound, order: &str, or_equal: bool) -> Result<Vec<Value>, String> {
    Ok(match bound {
        Bound::Number(given) => {
            let equal = if or_equal { "E" } else { "" };
            vec![one(field, &format!("NUM_{order}{equal}"), &number(*given)?, false)]
        }
        Bound::Version(given) => {
            let given = given.normalised();
            let equal = or_equal.then(|| one(field, "SEMVER_EQ", &given, false));
            std::iter::once(one(field, &format!("SEMVER_{order}"), &given, false)).chain(equal).collect()
        }
    })
}

/// Clients take spaces off both ends of a value and drop an empty one.
fn text(given: &str) -> Result<String, String> {
    if given.is_empty() || given.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}') != given {
        return Err(format!("it compares with {}, and Unleash's clients cut blanks off", Value::from(given)));
    }
    if given.chars().count() > LONGEST {
        return Err(format!("it compares with a text of more than {LONGEST} characters"));
    }
    Ok(given.to_owned())
}

fn number(given: Number) -> Result<String, String> {
    let text = given.get().to_string();
    if given.get().abs() > LARGEST || text.len() > 20 {
        return Err(format!("it compares with the number {text}, which Unleash does not keep exactly"));
    }
    Ok(text)
}

fn one(field: &str, operator: &str, value: &str, inverted: bool) -> Value {
    json!({
        "contextName": field, "operator": operator, "value": value, "values": [], "inverted": inverted,
        "caseInsensitive": false,
    })
}

fn many(field: &str, operator: &str, values: &[String], inverted: bool) -> Value {
    json!({
        "contextName": field, "operator": operator, "values": values, "inverted": inverted,
        "caseInsensitive": false,
    })
}

//! Why a unit is served a default, for the lines of `evaluate`.

use serde::Serialize;
use trialbook_model::resolve::{Candidate, Failing, Passed, Why};
use trialbook_model::targeting::Context;
use trialbook_model::{Attribute, AttributeType, BUCKETS, Predicate, Test};

/// So many values of a condition are written; of more, how many there are.
const VALUES: usize = 10;

/// The longest text of a condition, in characters.
const LONGEST: usize = 300;

/// A value of a context that does not read as its attribute's declared type, as a line of `evaluate` holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unreadable<'a> {
    /// The attribute.
    attribute: &'a str,
    /// Why it counts as missing, in words.
    pub detail: String,
}

/// Returns why a value counts as missing, in words.
pub fn unreadable<'a>(attribute: &'a Attribute, value: &serde_json::Value) -> Unreadable<'a> {
    let given = match value {
        serde_json::Value::String(text) => short(text),
        other => short(&other.to_string()),
    };
    let advice = match (attribute.kind, value.as_str()) {
        (AttributeType::Version, Some(text)) if AttributeType::LenientVersion.version(text).is_some() => {
            " as SemVer has it; declare `type: {version: lenient}` to read it"
        }
        (AttributeType::Version | AttributeType::LenientVersion, Some(_)) => {
            " such as `8.10` or `8.2.0-rc.1`"
        }
        (AttributeType::String, _) => " (it has no quotes)",
        (_, Some(_)) => " (it is text)",
        (_, None) => "",
    };
    let detail = format!("`{given}` is not a {}{advice}", attribute.kind.as_str());
    Unreadable { attribute: attribute.key.as_str(), detail }
}

/// What could have served a unit and did not, as a line of `evaluate` holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassedBy<'a> {
    /// `rule`, `experiment` or `rollout`.
    kind: &'static str,
    /// Its key; of a rule, its number in the flag.
    source: String,
    /// `audience`, `bucket`, `not-started`, `over` or `no-bucket`.
    because: &'static str,
    /// The condition that the context does not meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// The segment in which the condition stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
    /// The unit's bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<u32>,
    /// The reason in words.
    detail: String,
}

/// Returns what passed a unit by, in words.
pub fn passed<'a>(passed: &Passed<'a>, context: &Context) -> PassedBy<'a> {
    let (kind, source) = match passed.what {
        Candidate::Rule(number) => ("rule", number.to_string()),
        Candidate::Experiment(key) => ("experiment", key.to_owned()),
        Candidate::Rollout(key) => ("rollout", key.to_owned()),
    };
    let plain = |because, detail: String| PassedBy {
        kind,
        source: source.clone(),
        because,
        condition: None,
        segment: None,
        bucket: None,
        detail,
    };
    match &passed.why {
        Why::Audience(failing) => {
            let (condition, detail) = unmet(failing, context);
            let segment = failing.segment.map(|key| key.as_str());
            PassedBy { condition: Some(condition), segment, ..plain("audience", detail) }
        }
        Why::Bucket { bucket, has } => {
            let detail = format!(
                "the unit's bucket is {bucket}; {has} of {BUCKETS} buckets are enrolled, not this one"
            );
            PassedBy { bucket: Some(*bucket), ..plain("bucket", detail) }
        }
        Why::Before(start) => plain("not-started", format!("it is not served before {start}")),
        Why::Over => plain("over", "it is concluded or its serving time has ended".to_owned()),
        Why::Empty => plain("no-bucket", "it has no buckets at this time".to_owned()),
    }
}

/// Returns a condition, and why a context does not meet it.
fn unmet(failing: &Failing<'_>, context: &Context) -> (String, String) {
    let condition = short(&phrase(failing.condition));
    let inside = failing.segment.map_or(String::new(), |key| format!(" (in segment `{key}`)"));
    let detail = match failing.condition {
        Predicate::Attribute(attribute, _) => {
            match (context.get(attribute), context.json().get(attribute.as_str())) {
                (Some(value), _) => {
                    format!("`{attribute}` is `{}`, not `{condition}`{inside}", short(&value.to_string()))
                }
                (None, Some(given)) if !given.is_null() => format!(
                    "`{attribute}` is given as `{}`, which is not of its declared type, so it counts as missing; needed: `{condition}`{inside}",
                    short(&given.to_string())
                ),
                (None, _) => {
                    format!("`{attribute}` is missing in the context; needed: `{condition}`{inside}")
                }
            }
        }
        _ => format!("does not match: {condition}{inside}"),
    };
    (condition, detail)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// Writes a condition much as a book does. What is deeper than its first parts is left out.
fn phrase(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Attribute(attribute, test) => format!("{attribute}: {}", asked(test)),
        Predicate::Segment(key) => format!("segment: {key}"),
        Predicate::Not(part) => match &**part {
            part @ (Predicate::Attribute(..) | Predicate::Segment(_)) => format!("not: {{{}}}", phrase(part)),
            _ => "not: {…}".to_owned(),
        },
        Predicate::All(parts) => format!("all: [{}]", listed(parts)),
        Predicate::Any(parts) => format!("any: [{}]", listed(parts)),
    }
}

fn listed(parts: &[Predicate]) -> String {
    let shown = parts.iter().take(VALUES).map(|part| match part {
        Predicate::Attribute(..) | Predicate::Segment(_) => phrase(part),
        Predicate::All(inner) if inner.len() == 1 => match inner.first() {
            Some(inner @ (Predicate::Attribute(..) | Predicate::Segment(_))) => phrase(inner),
            _ => "{…}".to_owned(),
        },
        _ => "{…}".to_owned(),
    });
    with_rest(shown.collect(), parts.len())
}

fn with_rest(mut shown: Vec<String>, all: usize) -> String {
    if all > shown.len() {
        shown.push(format!("and {} more", all - shown.len()));
    }
    shown.join(", ")
}

fn asked(test: &Test) -> String {
    match test {
        Test::In(values) => match values.first() {
            Some(only) if values.len() == 1 => only.to_string(),
            _ => {
                let shown = values.iter().take(VALUES).map(ToString::to_string).collect();
                format!("{{in: [{}]}}", with_rest(shown, values.len()))
            }
        },
        Test::AtLeast(bound) => format!("{{at_least: {bound}}}"),
        Test::Above(bound) => format!("{{above: {bound}}}"),
        Test::AtMost(bound) => format!("{{at_most: {bound}}}"),
        Test::Below(bound) => format!("{{below: {bound}}}"),
        Test::StartsWith(text) => format!("{{starts_with: {text}}}"),
        Test::EndsWith(text) => format!("{{ends_with: {text}}}"),
        Test::Contains(text) => format!("{{contains: {text}}}"),
        Test::Matches(pattern) => format!("{{matches: {}}}", pattern.as_str()),
        Test::Present(present) => format!("{{present: {present}}}"),
    }
}

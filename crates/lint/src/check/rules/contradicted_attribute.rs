//! An attribute whose declaration a sample of contexts contradicts.

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use serde_json::Value;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{AttributeType, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "contradicted-attribute",
    Severity::Warning,
    "crates/lint/src/check/rules/contradicted_attribute.md",
    include_str!("contradicted_attribute.md"),
    check,
);

/// How many undeclared values a finding names.
const NAMED: usize = 5;

fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    let (contradictions, contexts) = context.contradictions();
    for (key, contradiction) in contradictions {
        if contradiction.undeclared > 0 {
            let message = format!(
                "{} of the sample's {contexts} contexts have a value of `{key}` that is not declared",
                contradiction.undeclared
            );
            let mut values: Vec<_> = contradiction.values.iter().collect();
            // The most frequent first; of equals, the least.
            values.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let named: Vec<_> =
                values.iter().take(NAMED).map(|(value, count)| format!("`{value}` ({count})")).collect();
            let more = if values.len() > NAMED || contradiction.has_more_values { ", …" } else { "" };
            let finding = RULE.finding(context, message, (Kind::Book, &"", &format!("/attributes/{key}")));
            let finding = finding.note(format!("not declared: {}{more}", named.join(", ")));
            found.push(
                finding.help("declare the values that occur, or correct the programs that send the others"),
            );
        }
        if contradiction.unreadable > 0 {
            let kind =
                context.book.attributes.get(key).map_or(AttributeType::String, |attribute| attribute.kind);
            let message = format!(
                "{} of the sample's {contexts} contexts have a `{key}` that does not read as a {}, so it counts as missing",
                contradiction.unreadable,
                kind.as_str()
            );
            let finding =
                RULE.finding(context, message, (Kind::Book, &"", &format!("/attributes/{key}/type")));
            let shown = |example: &Value| example.to_string().chars().take(80).collect::<String>();
            let examples: Vec<_> = contradiction.examples.iter().map(shown).collect();
            let finding = finding.note(format!("such as {}", examples.join(", ")));
            found.push(finding.help(advice(kind, &contradiction.examples)));
        }
    }
}

/// Returns what to do about values that do not read as the declared type.
fn advice(kind: AttributeType, examples: &[Value]) -> &'static str {
    let lenient = |value: &Value| {
        value.as_str().is_some_and(|text| AttributeType::LenientVersion.version(text).is_some())
    };
    if kind == AttributeType::Version && examples.iter().any(lenient) {
        return "declare `type: {version: lenient}`, which reads a leading `v` and a fourth number";
    }
    "correct the declared type, or the programs that send other values"
}

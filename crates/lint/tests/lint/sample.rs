//! Samples of contexts that contradict what attributes are declared to be.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use trialbook_language::load::{RawFile, load, read_folder};
use trialbook_lint::check::{self, Given};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Context, Sample};

/// Two experiments on one flag that the declared values of `os` keep apart.
fn book() -> Vec<RawFile> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/books/declared-values");
    read_folder(&root).expect("the book")
}

fn found(files: Vec<RawFile>, contexts: &[Value]) -> Vec<Diagnostic> {
    let loaded = load(files);
    let attributes = &loaded.book.as_ref().expect("a book").attributes;
    let read = |context: &Value| Context::new(context.as_object().expect("an object").clone(), attributes);
    let sample: Sample = contexts.iter().map(read).collect();
    let now: Timestamp = "2026-11-28T00:00:00Z".parse().expect("an instant");
    check::run(&loaded, Given { now, sample: Some(&sample), history: None })
}

fn of<'a>(findings: &'a [Diagnostic], rule: &str) -> Vec<&'a Diagnostic> {
    findings.iter().filter(|finding| finding.rule == rule).collect()
}

fn contexts(values: &[Value]) -> Vec<Value> {
    values.iter().map(|os| json!({"targetingKey": "u", "os": os})).collect()
}

#[test]
fn a_proof_from_declared_values_does_not_hold_against_a_sample() {
    let declared = found(book(), &contexts(&[json!("ios"), json!("android")]));
    assert!(of(&declared, "overlapping-experiments").is_empty(), "{declared:?}");
    assert!(of(&declared, "contradicted-attribute").is_empty());
    let seen = found(book(), &contexts(&[json!("ios"), json!("tvos"), json!("tvos")]));
    let collisions = of(&seen, "overlapping-experiments");
    assert_eq!((collisions.len(), collisions[0].severity), (1, Severity::Error));
    assert_eq!(serde_json::to_value(&collisions[0].witness).expect("JSON"), json!({"os": "tvos"}));
    let counted = "`os: tvos` is not declared, and 2 of the sample's 3 contexts have it";
    assert!(collisions[0].notes.iter().any(|note| note.starts_with(counted)), "{:?}", collisions[0].notes);
}

#[test]
fn what_the_sample_contradicts_is_counted_at_the_attribute() {
    let seen = found(book(), &contexts(&[json!("ios"), json!("web"), json!(7), json!(null), json!("web")]));
    assert!(of(&seen, "overlapping-experiments").is_empty(), "nobody on the web is in both");
    let warnings = of(&seen, "contradicted-attribute");
    let messages: Vec<_> =
        warnings.iter().map(|finding| (finding.message.as_str(), finding.notes[0].as_str())).collect();
    assert_eq!(
        messages,
        [
            (
                "2 of the sample's 5 contexts have a value of `os` that is not declared",
                "not declared: `web` (2)"
            ),
            (
                "1 of the sample's 5 contexts have a `os` that does not read as a string, so it counts as missing",
                "such as 7"
            ),
        ]
    );
    assert!(warnings.iter().all(|finding| finding.severity == Severity::Warning));
    assert_eq!(warnings[0].primary.file.path(), "trialbook.yaml");
}

#[test]
fn a_sample_with_endless_values_opens_the_attribute() {
    let mut values: Vec<_> = (0..500).map(|n| json!(format!("device {n}"))).collect();
    values.push(json!("tvos"));
    let seen = found(book(), &contexts(&values));
    assert_eq!(of(&seen, "overlapping-experiments").len(), 1);
}

#[test]
fn numbers_outside_the_declared_range_are_seen() {
    let mut files = book();
    for file in &mut files {
        let text = String::from_utf8(file.bytes.clone()).expect("UTF-8");
        let text = text
            .replace("os: {type: string, values: [ios, android]}", "age: {type: number, min: 0, max: 120}")
            .replace("audience: {not: {os: ios}, os: {present: true}}", "audience: {age: {at_least: 0}}")
            .replace("audience: {os: {ends_with: os}}", "audience: {age: {above: 120}}");
        file.bytes = text.into_bytes();
    }
    let ages = |ages: &[f64]| ages.iter().map(|age| json!({"age": age})).collect::<Vec<_>>();
    assert!(of(&found(files.clone(), &ages(&[30.0])), "overlapping-experiments").is_empty());
    assert_eq!(of(&found(files, &ages(&[30.0, 999.0])), "overlapping-experiments").len(), 1);
}

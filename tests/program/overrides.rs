//! Overrides of an experiment, from the file to what is served, shown and reported.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

const BOOK: &str = "\
book: shop
entities: {user: {column: user_id}}
attributes: {country: {type: string}, tester: {type: boolean}}
targets: {production: {type: flagd, store: 'file://live.json'}}
";

const FLAG: &str = "\
description: The button.
owner: team
entity: user
type: string
variants: {plain: green, bold: orange}
default: plain
rules: [{when: {country: FI}, serve: plain}]
";

const SEGMENT: &str = "description: Who tests.\naudience: {tester: true}\n";

const EXPERIMENT: &str = "\
title: A bold button
hypothesis: More people see it.
owner: team
flag: button
allocation: 10%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-11-25, end: 2026-12-16}
metrics: {}
";

const OVERRIDES: &str =
    "overrides: [{units: [qa-2, qa-1, qa-3], serve: bold}, {segment: testers, serve: plain}]\n";

/// A book with an experiment that is applied on the day of its start, and `overrides` written into it after that.
fn launched(overrides: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("trialbook.yaml", BOOK),
        ("button.flag.yaml", FLAG),
        ("testers.segment.yaml", SEGMENT),
        ("bold.experiment.yaml", EXPERIMENT),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    apply(&folder, "2026-11-25T09:00:00Z");
    fs::write(folder.path().join("bold.experiment.yaml"), format!("{EXPERIMENT}{overrides}"))
        .expect("a file");
    folder
}

fn run(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    let output = command.current_dir(folder.path()).env("NO_COLOR", "1").args(args).output().expect("a run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

fn apply(folder: &TempDir, at: &str) -> String {
    let (code, shown, said) = run(folder, &["plan", "--at", at, "--out", "p"]);
    assert_eq!(code, 0, "{shown}{said}");
    let (code, applied, said) = run(folder, &["apply", "p", "--at", at]);
    assert_eq!(code, 0, "{applied}{said}");
    shown.replace('\u{a0}', " ")
}

fn served(folder: &TempDir, context: &Value, at: &str) -> [Value; 3] {
    let (code, out, err) =
        run(folder, &["evaluate", "button", "--context", &context.to_string(), "--at", at]);
    assert_eq!(code, 0, "{err}");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    ["served", "reason", "source"].map(|field| answer[field].clone())
}

#[test]
fn named_units_and_a_segment_are_served_a_plain_variant_before_rules_and_draws() {
    let folder = launched(OVERRIDES);
    let forced = |variant: &str| [json!(variant), json!("override"), json!("bold")];
    let (during, before) = ("2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z");
    for at in [during, before] {
        assert_eq!(served(&folder, &json!({"targetingKey": "qa-1"}), at), forced("bold"));
        assert_eq!(served(&folder, &json!({"targetingKey": "qa-3", "country": "FI"}), at), forced("bold"));
        assert_eq!(served(&folder, &json!({"targetingKey": "qa-1", "tester": true}), at), forced("bold"));
        assert_eq!(served(&folder, &json!({"tester": true}), at), forced("plain"));
    }
    let over = "2027-03-01T00:00:00Z";
    assert_eq!(served(&folder, &json!({"targetingKey": "qa-1"}), over)[1], "default");
    assert_ne!(served(&folder, &json!({"targetingKey": "qa-4"}), during)[1], "override");
}

#[test]
fn a_plan_shows_overrides_by_name_and_an_apply_serves_them() {
    let folder = launched(OVERRIDES);
    let shown = apply(&folder, "2026-11-26T09:00:00Z");
    assert!(
        shown.contains("experiment bold: QA override: 3 units get bold (qa-1, qa-2, qa-3); never analysed"),
        "{shown}"
    );
    assert!(
        shown.contains("experiment bold: QA override: segment testers gets plain (tester is true"),
        "{shown}"
    );
    // What is read back from the file is what was written: nothing is left to do, and nothing is drift.
    let (code, shown, said) = run(&folder, &["plan", "--at", "2026-11-26T10:00:00Z", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{shown}{said}");
    fs::write(folder.path().join("bold.experiment.yaml"), EXPERIMENT).expect("a file");
    let shown = apply(&folder, "2026-11-27T09:00:00Z");
    assert!(shown.contains("experiment bold has no QA override any more"), "{shown}");
}

#[test]
fn mistakes_in_overrides_are_found_at_their_places() {
    let many: String = (0..101).map(|n| format!("u{n}, ")).collect();
    for (overrides, place, said) in [
        ("overrides: [{units: [qa-1], serve: blod}]", "10:36", "`blod` is not a variant of this experiment"),
        ("overrides: [{units: [qa-1, qa-1], serve: bold}]", "10:28", "unit `qa-1` has an override already"),
        (
            "overrides: [{units: [qa-1], serve: bold}, {units: [qa-1], serve: plain}]",
            "10:52",
            "unit `qa-1` has an override already",
        ),
        ("overrides: [{units: [], serve: bold}]", "10:21", "the override names no unit"),
        ("overrides: [{units: [17], serve: bold}]", "10:22", "put it in quotes: `\"17\"`"),
        ("overrides: [{segment: testrs, serve: bold}]", "10:23", "did you mean `testers`"),
        ("overrides: [{units: [qa-1], segment: testers, serve: bold}]", "10:", "`segment`"),
        (
            &format!("overrides: [{{units: [{many}], serve: bold}}]"),
            "10:12",
            "the overrides name 101 units, and 100 is the most",
        ),
    ] {
        let folder = launched(&format!("{overrides}\n"));
        let (code, out, _) = run(&folder, &["lint", "--format", "concise"]);
        assert_eq!(code, 1, "{overrides}: {out}");
        let line = out.lines().find(|line| line.contains(&format!("bold.experiment.yaml:{place}")));
        assert!(line.is_some(), "{overrides}: {out}");
        let (_, full, _) = run(&folder, &["lint", "--format", "full"]);
        assert!(full.contains(said), "{overrides}: {full}");
    }
}

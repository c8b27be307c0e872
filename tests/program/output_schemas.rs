//! The published shapes of what commands write: what is written has them, and what is wrong has not.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use jsonschema::Validator;
use serde_json::{Value, json};
use trialbook::artifact::OUTCOME;
use trialbook_analysis::Outcome;

use crate::report::fixture;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn validator(name: &str) -> Validator {
    let path = root().join("schemas").join(format!("{name}.output.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn accepted(validator: &Validator, value: &Value, name: &str) {
    let errors: Vec<_> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

/// Asserts that each value, put at its place, makes the whole wrong.
fn refused(validator: &Validator, value: &Value, wrong: &[(&str, Value)]) {
    for (pointer, put) in wrong {
        let mut other = value.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = put.clone();
        assert!(!validator.is_valid(&other), "{pointer}: {put}");
    }
}

fn run(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
    command.current_dir(folder).args(args).env_remove("TRIALBOOK_BOOK");
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_published_shape_is_a_schema_that_describes_its_keys() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("schemas")).expect("a folder") {
        let path = entry.expect("a file").path();
        if !path.to_string_lossy().ends_with(".output.schema.json") {
            continue;
        }
        let schema: Value = serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
        assert!(jsonschema::meta::is_valid(&schema), "{}", path.display());
        for (key, property) in schema["properties"].as_object().expect("properties") {
            assert!(property["description"].is_string(), "{}: {key}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen} schemas");
}

#[test]
fn an_outcome_has_the_published_shape() {
    let validator = validator("outcome-v1");
    let mut last = Value::Null;
    for (name, outcome) in fixture::all() {
        last = serde_json::from_str(&outcome.to_json().expect("JSON")).expect("JSON");
        accepted(&validator, &last, name);
    }
    refused(
        &validator,
        &last,
        &[
            ("/version", json!(2)),
            ("/verdicts/0/kind", json!("maybe")),
            ("/units/arms/0/units", json!(-1)),
            ("/metrics/0/comparisons/0/judgement", json!("fine")),
            ("/metrics/0/comparisons/0/estimate", json!({})),
            ("/as_of", json!(null)),
            ("/experiment", json!({"key": "x"})),
        ],
    );
}

#[test]
fn an_outcome_of_a_newer_program_with_more_fields_is_read_as_before() {
    for (name, outcome) in fixture::all() {
        let mut value: Value = serde_json::from_str(&outcome.to_json().expect("JSON")).expect("JSON");
        for pointer in
            ["/units", "/book", "/tool", "/experiment", "/queries", "/metrics", "/verdicts", "/quality"]
        {
            match value.pointer_mut(pointer) {
                Some(Value::Array(items)) => {
                    items.iter_mut().for_each(|item| item["added_later"] = json!([1]))
                }
                Some(object) => object["added_later"] = json!("by a newer program"),
                None => panic!("{name}: nothing at {pointer}"),
            }
        }
        value["added_later"] = json!({"by": "a newer program"});
        let digest = Outcome::digest_of(&value).expect("a digest");
        value["digest"] = json!(digest);
        let bytes = serde_json::to_vec(&value).expect("JSON");
        let read: Outcome =
            trialbook::artifact::parse(&bytes, &OUTCOME).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, outcome, "{name}");
    }
}

#[test]
fn the_number_in_the_name_of_a_shape_is_its_version() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("schemas")).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".output.schema.json") else { continue };
        let (_, number) = name.rsplit_once("-v").unwrap_or_else(|| panic!("{name} has no version"));
        let schema: Value = serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
        // A line of `evaluate` is one of thousands, and has no field for it.
        if name != "evaluate-v1" {
            assert_eq!(schema["properties"]["version"]["const"].to_string(), number, "{name}");
        }
        seen += 1;
    }
    assert!(seen >= 10, "{seen} shapes");
}

#[test]
fn a_plan_has_the_published_shape() {
    let validator = validator("plan-v3");
    let folder = tempfile::tempdir().expect("a folder");
    let book = root().join("experiments");
    let out = folder.path().join("plan.json");
    let (book, file) = (book.to_str().expect("text"), out.to_str().expect("text"));
    run(
        folder.path(),
        &["plan", "--book", book, "--target", "production", "--at", "2026-12-02", "--out", file],
    );
    let plan: Value = serde_json::from_str(&fs::read_to_string(&out).expect("it was written")).expect("JSON");
    assert!(plan["actions"].as_array().is_some_and(|actions| actions.len() > 3), "{plan}");
    accepted(&validator, &plan, "the example book's plan");
    refused(
        &validator,
        &plan,
        &[
            ("/version", json!(1)),
            ("/actions/0/kind", json!("destroy")),
            ("/actions/0/digest", json!("md5:00")),
            ("/actions/0/changes/0", json!({})),
            ("/actions/0/changes/0", json!("renamed")),
            ("/actions/0/changes/0", json!({"value": {}})),
            ("/actions/0/desired/entries", json!({})),
            ("/owned", json!(-1)),
        ],
    );
}

#[test]
fn each_line_of_evaluate_has_the_published_shape() {
    let validator = validator("evaluate-v1");
    let folder = tempfile::tempdir().expect("a folder");
    let contexts = folder.path().join("contexts.ndjson");
    let context = |n: usize| {
        format!(
            "{{\"targetingKey\": \"user-{n}\", \"country\": \"SE\", \"employee\": {}}}\n",
            n.is_multiple_of(5)
        )
    };
    fs::write(&contexts, (0..200).map(context).collect::<String>() + "{}\n").expect("it can be written");
    let book = root().join("experiments");
    let (book, contexts) = (book.to_str().expect("text"), contexts.to_str().expect("text"));
    let text =
        run(folder.path(), &["evaluate", "--book", book, "--contexts", contexts, "--at", "2026-12-02"]);
    let mut reasons = std::collections::BTreeSet::new();
    let mut enrolled = Value::Null;
    for line in text.lines() {
        let read: Value = serde_json::from_str(line).expect("JSON");
        accepted(&validator, &read, line);
        reasons.insert(read["reason"].to_string());
        if read["reason"] == "experiment" {
            enrolled = read;
        }
    }
    assert!(reasons.len() >= 3, "{reasons:?}");
    refused(
        &validator,
        &enrolled,
        &[("/reason", json!("luck")), ("/source", json!(null)), ("/bucket", json!(-1)), ("/flag", json!(""))],
    );
}

#[test]
fn a_forecast_has_the_published_shape() {
    let validator = validator("power-v1");
    let book = root().join("experiments");
    let book = book.to_str().expect("text");
    let forecast = |experiment: &str| -> Value {
        let args = ["power", experiment, "--book", book, "--format", "json", "--at", "2026-11-20"];
        serde_json::from_str(&run(&root(), &args)).expect("JSON")
    };
    // Of known traffic, too small with remedies, and without traffic.
    for experiment in ["free-shipping", "sticky-cart", "home-recommendations", "invoice-payment"] {
        accepted(&validator, &forecast(experiment), experiment);
    }
    assert_ne!(forecast("sticky-cart")["remedies"], json!([]));
    let known_in_part = forecast("bold-checkout-button");
    accepted(&validator, &known_in_part, "bold-checkout-button");
    refused(
        &validator,
        &known_in_part,
        &[
            ("/version", json!(2)),
            ("/method", json!("by-eye")),
            ("/audience", json!(1.5)),
            ("/basis", json!({"planet": "earth"})),
            ("/metrics/0/declared", json!(0.07)),
            ("/metrics/0/baseline/origin", json!("guess")),
            ("/need/days", json!(-1)),
            ("/missing/0", json!("luck")),
            ("/remedies", json!([{"prayer": {}}])),
        ],
    );
}

#[test]
fn the_command_prints_every_published_shape() {
    let listed = run(&root(), &["schema"]);
    for entry in fs::read_dir(root().join("schemas")).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let name =
            name.strip_suffix(".schema.json").expect("a schema").trim_end_matches(".output").to_owned();
        assert!(listed.lines().any(|line| line == name), "{name} is not listed");
        assert_eq!(run(&root(), &["schema", &name]), fs::read_to_string(&path).expect("text"), "{name}");
    }
}

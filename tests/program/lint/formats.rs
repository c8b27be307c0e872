//! What the formats have in common: the exit code, the published shapes, the root that paths begin at.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{BOLD, book, lint, one_page, trialbook};

const FORMATS: [&str; 8] = ["full", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown"];

/// Books in which everything, something or nothing is wrong, each with the exit code of a run and of a strict one.
fn books() -> Vec<(TempDir, i32, i32)> {
    let warned = ("employees.segment.yaml", "description: People.\naudience: {employee: true}\n");
    let hostile = BOLD.replace("flag: checkout-button", "\"fl\\e[2Jag|<b>@all\": \"\\u202e\"");
    vec![
        (book(&[]), 0, 0),
        (book(&[warned]), 0, 1),
        (book(&[("bold-button.experiment.yaml", BOLD), ("one-page.experiment.yaml", &one_page())]), 1, 1),
        (book(&[("bold-button.experiment.yaml", &hostile), warned]), 1, 1),
        (broken(), 1, 1),
    ]
}

/// Every file that is wrong in some way of its own, in one book.
fn broken() -> TempDir {
    let folder = book(&[]);
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")).expect("a folder") {
        let entry = entry.expect("a file");
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.path().join("experiments").join(entry.file_name()))
                .expect("a copy");
        }
    }
    folder
}

fn validator(path: &str) -> jsonschema::Validator {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a schema");
    // As in the unit tests: a stray bracket of SARIF's schema, which errata 01 took out.
    let schema: Value =
        serde_json::from_str(&text.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn refused(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_exit_code_is_the_same_whatever_the_format() {
    for (folder, code, strict) in books() {
        for format in FORMATS {
            assert_eq!(lint(&folder, &["--format", format]).0, code, "{format}");
            assert_eq!(lint(&folder, &["--format", format, "--fail-on", "warning"]).0, strict, "{format}");
        }
    }
}

#[test]
fn every_format_can_be_written_in_one_run() {
    let (folder, ..) = books().swap_remove(3);
    let files: Vec<String> = FORMATS.iter().map(|format| format!("--format={format}=out.{format}")).collect();
    let (code, stdout, _) = lint(&folder, &files.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((code, &*stdout), (1, ""));
    for format in FORMATS {
        let (_, alone, _) = lint(&folder, &["--color", "never", "--format", format]);
        let file = fs::read_to_string(folder.path().join(format!("out.{format}"))).expect("it was written");
        assert_eq!(file, alone, "{format}");
        assert!(file.contains("unknown-key"), "{format}");
        assert!(
            !file.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')),
            "{format}: {file:?}"
        );
    }
}

#[test]
fn json_has_the_published_shape_and_another_is_refused() {
    let validator = validator("schemas/lint-v1.output.schema.json");
    for (folder, ..) in books() {
        let (_, stdout, _) = lint(&folder, &["--format", "json"]);
        let read: Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(refused(&validator, &read), Vec::<String>::new());
    }
    let (folder, ..) = books().swap_remove(2);
    let read: Value = serde_json::from_str(&lint(&folder, &["--format", "json"]).1).expect("JSON");
    for (pointer, wrong) in [
        ("/version", json!(2)),
        ("/findings/0/severity", json!("info")),
        ("/findings/0/span/start/line", json!(0)),
        ("/findings/0/witness", json!("SE")),
        ("/findings/0/fingerprint", json!("x")),
        ("/findings/0/related/0/file", json!(null)),
        ("/summary", json!({})),
    ] {
        let mut other = read.clone();
        *other.pointer_mut(pointer).expect("it is there") = wrong;
        assert_ne!(refused(&validator, &other), Vec::<String>::new(), "{pointer}");
    }
}

#[test]
fn sarif_of_every_book_is_sarif_with_a_page_for_each_rule() {
    let validator = validator("tests/sarif/sarif-2.1.0.schema.json");
    for (folder, ..) in books() {
        let read: Value = serde_json::from_str(&lint(&folder, &["--format", "sarif"]).1).expect("JSON");
        assert_eq!(refused(&validator, &read), Vec::<String>::new());
        let run = &read["runs"][0];
        assert_eq!(
            run["tool"]["driver"]["rules"].as_array().expect("rules").len(),
            trialbook_lint::check::RULES.len()
        );
        let mut prints = Vec::new();
        for result in run["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("an index");
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
            prints.push(result["partialFingerprints"]["trialbook/v1"].as_str().expect("text").to_owned());
        }
        let count = prints.len();
        prints.sort();
        prints.dedup();
        assert_eq!(prints.len(), count, "no two results have one fingerprint");
    }
}

#[test]
fn fingerprints_stay_where_lines_move() {
    let prints = |text: &str| {
        let folder =
            book(&[("bold-button.experiment.yaml", text), ("one-page.experiment.yaml", &one_page())]);
        let read: Value = serde_json::from_str(&lint(&folder, &["--format", "sarif"]).1).expect("JSON");
        let results = read["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    let before = prints(BOLD);
    assert_eq!(before.len(), 1);
    assert_eq!(prints(&format!("# A comment.\n\n{BOLD}")), before);
}

#[test]
fn a_collision_carries_its_proof_and_both_places_in_sarif() {
    let (folder, ..) = books().swap_remove(2);
    let read: Value = serde_json::from_str(&lint(&folder, &["--format", "sarif"]).1).expect("JSON");
    let result = &read["runs"][0]["results"][0];
    assert_eq!(result["properties"]["witness"]["country"], "SE");
    let uri = |location: &Value| location["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(uri(&result["locations"][0]), "experiments/one-page.experiment.yaml");
    assert_eq!(uri(&result["relatedLocations"][0]), "experiments/bold-button.experiment.yaml");
}

#[test]
fn ci_servers_read_paths_from_the_root_of_the_repository() {
    let folder = book(&[("bold-button.experiment.yaml", &BOLD.replace("20%", "20"))]);
    for (format, variable) in
        [("gitlab", "CI_PROJECT_DIR"), ("sarif", "GITHUB_WORKSPACE"), ("junit", "CI_PROJECT_DIR")]
    {
        let mut command = trialbook(&folder, &["lint", "--format", format]);
        command.current_dir(folder.path().join("experiments")).env(variable, folder.path());
        let stdout = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
        assert!(stdout.contains("\"experiments/bold-button.experiment.yaml\""), "{format}: {stdout}");
    }
}

#[test]
fn gitlab_has_what_gitlab_asks_for() {
    let (folder, ..) = books().swap_remove(4);
    let read: Value = serde_json::from_str(&lint(&folder, &["--format", "gitlab"]).1).expect("JSON");
    let issues = read.as_array().expect("a list");
    assert!(issues.len() > 50, "{}", issues.len());
    for issue in issues {
        for key in ["/description", "/check_name", "/fingerprint", "/severity", "/location/path"] {
            assert!(
                issue.pointer(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
                "{key}: {issue}"
            );
        }
        assert!(issue.pointer("/location/lines/begin").is_some_and(Value::is_u64), "{issue}");
    }
}

//! Which findings are shown: rules, suppressions, baselines.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{BOLD, book, lint, one_page, trialbook};

const EMPLOYEES: (&str, &str) = (
    "employees.segment.yaml",
    "description: People who work here.\nowner: team-people\naudience: {employee: true}\n",
);

/// An experiment without a guardrail: a warning at a key inside a mapping.
fn unguarded() -> String {
    BOLD.replace("  guardrails: [{metric: refund-rate, margin: 5%}]\n", "")
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).expect("it was written")
}

/// Returns the rules of what is shown, in order.
fn rules(folder: &TempDir, args: &[&str]) -> (i32, Vec<String>) {
    let (code, stdout, _) = lint(folder, &[&["--format", "concise"], args].concat());
    let rule = |line: &str| {
        let (_, rest) = line.split_once('[').expect("a rule in brackets");
        rest.split_once(']').expect("a rule in brackets").0.to_owned()
    };
    (code, stdout.lines().map(rule).collect())
}

fn named(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn rules_are_selected_and_ignored_by_name() {
    let folder = book(&[EMPLOYEES, ("bold-button.experiment.yaml", &unguarded())]);
    assert_eq!(rules(&folder, &[]), (0, named(&["no-guardrail", "unused-segment"])));
    assert_eq!(rules(&folder, &["--select", "no-guardrail"]).1, ["no-guardrail"]);
    assert_eq!(rules(&folder, &["--select", "no-guardrail,unused-segment"]).1.len(), 2);
    assert_eq!(rules(&folder, &["--ignore", "no-guardrail"]).1, ["unused-segment"]);
    assert_eq!(rules(&folder, &["--ignore", "no-guardrail", "--ignore", "unused-segment"]).1.len(), 0);
    assert_eq!(rules(&folder, &["--ignore", "no-guardrail,unused-segment", "--fail-on", "warning"]).0, 0);
    assert_eq!(rules(&folder, &["--select", "no-guardrail", "--fail-on", "warning"]).0, 1);
}

#[test]
fn a_misspelt_rule_and_one_that_cannot_be_ignored_are_refused() {
    let folder = book(&[]);
    let (code, _, stderr) = lint(&folder, &["--select", "no-gardrail"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("did you mean `no-guardrail`?"), "{stderr}");
    for rule in ["overlapping-experiments", "bad-share", "unused-suppression"] {
        let (code, _, stderr) = lint(&folder, &["--ignore", rule]);
        assert_eq!(code, 64);
        assert!(stderr.contains("it cannot be ignored"), "{stderr}");
    }
}

#[test]
fn a_selection_does_not_hide_that_nothing_could_be_judged() {
    let folder = book(&[EMPLOYEES, ("bold-button.experiment.yaml", &BOLD.replace("20%", "20"))]);
    assert_eq!(rules(&folder, &["--select", "unused-segment"]), (1, named(&["bad-share"])));
}

#[test]
fn what_is_suppressed_is_counted_and_not_shown() {
    let ignored = format!("# trialbook: ignore[unused-segment] soon\n{}", EMPLOYEES.1);
    let folder = book(&[(EMPLOYEES.0, &ignored)]);
    let (code, stdout, _) = lint(&folder, &["--fail-on", "warning"]);
    assert_eq!((code, &*stdout), (0, "no findings in 11 files (1 suppressed)\n"));
    let (_, json, _) = lint(&folder, &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["summary"]["suppressed"], 1);
    let (_, stdout, _) = lint(&folder, &["experiments/trialbook.yaml"]);
    assert_eq!(stdout, "no findings in 1 file\n", "what is not looked at is not counted");
}

#[test]
fn a_collision_stays_whatever_a_comment_declares() {
    let ignored = |text: &str| format!("# trialbook: ignore[overlapping-experiments] sure\n{text}");
    let folder = book(&[
        ("bold-button.experiment.yaml", &ignored(BOLD)),
        (
            "one-page.experiment.yaml",
            &one_page().replace("audience:", "# trialbook: ignore[overlapping-experiments] sure\naudience:"),
        ),
    ]);
    let (code, found) = rules(&folder, &[]);
    assert_eq!(code, 1);
    assert_eq!(found, ["bad-suppression", "bad-suppression", "overlapping-experiments"]);
}

#[test]
fn of_several_places_only_the_first_can_be_suppressed() {
    // The finding is about the experiment, which uses the flag; the flag's place belongs to it.
    let flag = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base/checkout-button.flag.yaml"),
    )
    .expect("the small book has it");
    let comment = "# trialbook: ignore[archived-flag-in-use] it comes back";
    let archived = |comment: &str| format!("{flag}archived: true{comment}\n");
    let found = |flag: &str, experiment: &str| {
        let folder =
            book(&[("checkout-button.flag.yaml", flag), ("bold-button.experiment.yaml", experiment)]);
        rules(&folder, &["--select", "archived-flag-in-use,unused-suppression"]).1
    };
    assert_eq!(found(&archived(""), BOLD), ["archived-flag-in-use"]);
    let beside = format!(" {comment}");
    assert_eq!(found(&archived(&beside), BOLD), ["archived-flag-in-use", "unused-suppression"]);
    let ignored = BOLD.replace("flag: checkout-button\n", &format!("flag: checkout-button{beside}\n"));
    assert_eq!(found(&archived(""), &ignored), Vec::<String>::new());
}

#[test]
fn add_ignore_writes_comments_that_hide_what_was_found_and_nothing_else_changes() {
    let crlf = EMPLOYEES.1.replace('\n', "\r\n");
    let folder = book(&[(EMPLOYEES.0, &crlf), ("growth/bold-button.experiment.yaml", &unguarded())]);
    let (code, stdout, stderr) = lint(&folder, &["--add-ignore", "until=2027-01-31 the team moves"]);
    assert_eq!((code, &*stdout), (0, "no findings in 12 files (2 suppressed)\n"));
    assert_eq!(stderr, "wrote 2 suppressions into 2 files\n");
    assert_eq!(
        read(&folder, "experiments/employees.segment.yaml"),
        format!("# trialbook: ignore[unused-segment] until=2027-01-31 the team moves\r\n{crlf}")
    );
    let written = read(&folder, "experiments/growth/bold-button.experiment.yaml");
    let without: String =
        written.lines().filter(|line| !line.contains("ignore")).map(|line| format!("{line}\n")).collect();
    assert_eq!(without, unguarded());
    assert!(
        written.contains("\n  # trialbook: ignore[no-guardrail] until=2027-01-31 the team moves\n  success:"),
        "{written}"
    );

    let (code, _, stderr) = lint(&folder, &["--add-ignore", "until=2027-01-31 the team moves"]);
    assert_eq!((code, &*stderr), (0, "wrote 0 suppressions into 0 files\n"));
    assert_eq!(read(&folder, "experiments/growth/bold-button.experiment.yaml"), written);
    let later = ["lint", "--book", "experiments", "--at", "2027-02-01", "--select", "expired-suppression"];
    let output = trialbook(&folder, &later).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("2 warnings in 12 files\n"), "{output:?}");
}

#[test]
fn add_ignore_refuses_what_cannot_be_suppressed_and_a_reason_that_is_none() {
    let folder =
        book(&[EMPLOYEES, ("bold-button.experiment.yaml", BOLD), ("one-page.experiment.yaml", &one_page())]);
    let (code, stdout, stderr) = lint(&folder, &["--add-ignore", "we know", "--format", "concise"]);
    assert_eq!(code, 1);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(stdout.contains("error[overlapping-experiments]"), "{stdout}");
    assert!(
        stderr.contains("cannot be suppressed: overlapping-experiments at one-page.experiment.yaml:6"),
        "{stderr}"
    );
    assert_eq!(read(&folder, "experiments/one-page.experiment.yaml"), one_page());
    for reason in ["", "a\nb", "until=soon x", "until=2027-01-31"] {
        assert_eq!(lint(&folder, &["--add-ignore", reason]).0, 64, "{reason:?}");
    }
}

#[test]
fn a_baseline_hides_what_is_known_and_what_is_new_counts() {
    let folder = book(&[EMPLOYEES, ("bold-button.experiment.yaml", &unguarded())]);
    let (code, stdout, stderr) = lint(&folder, &["--write-baseline", "lint.baseline.json"]);
    assert_eq!((code, &*stdout), (0, "no findings in 12 files (2 in the baseline)\n"));
    assert_eq!(stderr, "wrote 2 findings to `lint.baseline.json`\n");
    let known = ["--baseline", "lint.baseline.json", "--fail-on", "warning"];
    assert_eq!(rules(&folder, &known), (0, vec![]));

    // Lines move, and one more is found.
    let path = folder.path().join("experiments/bold-button.experiment.yaml");
    fs::write(&path, format!("# moved\n\n{}", unguarded())).expect("it can be written");
    fs::write(folder.path().join("experiments/more.segment.yaml"), EMPLOYEES.1).expect("it can be written");
    let (code, stdout, _) = lint(&folder, &[&known[..], &["--format", "concise"]].concat());
    assert_eq!(code, 1);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(stdout.starts_with("experiments/more.segment.yaml:1:1: warning[unused-segment]"), "{stdout}");
}

#[test]
fn what_is_gone_is_stale_where_it_was_looked_for() {
    let folder = book(&[EMPLOYEES, ("bold-button.experiment.yaml", &unguarded())]);
    let baseline = folder.path().join("experiments/lint.baseline.json");
    let baseline = baseline.to_str().expect("text");
    lint(&folder, &["--write-baseline", baseline]);
    fs::remove_file(folder.path().join("experiments/employees.segment.yaml")).expect("it can be removed");
    let known = ["--baseline", baseline, "--format", "concise"];
    let (code, stdout, _) = lint(&folder, &known);
    assert_eq!(code, 0, "a stale entry is a warning");
    assert_eq!(
        stdout,
        "experiments/lint.baseline.json:5:1: warning[stale-baseline] `unused-segment` finds nothing any more in \
         `employees.segment.yaml` at `description`\n"
    );
    assert_eq!(lint(&folder, &[&known[..], &["--fail-on", "warning"]].concat()).0, 1);
    let (_, stdout, _) = lint(&folder, &[&known[..], &["--ignore", "unused-segment"]].concat());
    assert_eq!(stdout, "", "it was not looked for");
    let (_, stdout, _) = lint(&folder, &[&known[..], &["experiments/bold-button.experiment.yaml"]].concat());
    assert_eq!(stdout, "", "it was not looked at");
    // With an error that leaves no book, nothing is known to be gone.
    fs::write(folder.path().join("experiments/x.segment.yaml"), "x: 1\n").expect("it can be written");
    let (code, stdout, _) = lint(&folder, &known);
    assert_eq!(code, 1);
    assert!(!stdout.contains("stale-baseline"), "{stdout}");
}

#[test]
fn a_baseline_cannot_know_a_collision() {
    let folder = book(&[("bold-button.experiment.yaml", BOLD), ("one-page.experiment.yaml", &one_page())]);
    let (code, stdout, stderr) = lint(&folder, &["--write-baseline", "b.json", "--format", "concise"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("overlapping-experiments"), "{stdout}");
    assert!(stderr.contains("1 finding cannot be in a baseline"), "{stderr}");
    assert_eq!(lint(&folder, &["--baseline", "b.json"]).0, 1);
}

#[test]
fn a_file_that_is_no_baseline_is_refused() {
    let folder = book(&[]);
    let with = |text: &str| {
        fs::write(folder.path().join("b.json"), text).expect("it can be written");
        let (code, _, stderr) = lint(&folder, &["--baseline", "b.json"]);
        (code, stderr)
    };
    assert_eq!(with("{}").0, 4);
    assert_eq!(with(r#"{"version": 1, "findings": []}"#).0, 0);
    let (code, stderr) = with(r#"{"version": 2, "findings": []}"#);
    assert_eq!(code, 4);
    assert!(stderr.contains("version 2") && stderr.contains("help:"), "{stderr}");
    assert_eq!(lint(&folder, &["--baseline", "nowhere.json"]).0, 3);
    assert_eq!(lint(&folder, &["--baseline", "b.json", "--write-baseline", "b.json"]).0, 64);
    assert_eq!(lint(&folder, &["--write-baseline", "b.json", "--select", "too-long"]).0, 64);
    assert_eq!(lint(&folder, &["experiments", "--write-baseline", "b.json"]).0, 64);
}

#[test]
fn a_written_baseline_has_the_published_shape() {
    let folder = book(&[EMPLOYEES, ("bold-button.experiment.yaml", &unguarded())]);
    lint(&folder, &["--write-baseline", "b.json"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema =
        fs::read_to_string(root.join("schemas/baseline-v1.output.schema.json")).expect("it is there");
    let schema = serde_json::from_str(&schema).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut baseline: serde_json::Value = serde_json::from_str(&read(&folder, "b.json")).expect("JSON");
    assert_eq!(baseline["findings"].as_array().expect("a list").len(), 2);
    assert!(validator.is_valid(&baseline));
    baseline["findings"][0]["count"] = 0.into();
    assert!(!validator.is_valid(&baseline));
}

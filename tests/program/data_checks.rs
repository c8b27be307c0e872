//! The checks of the data as a command, the SQL of an analysis, and what its queries cost.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use trialbook_analysis::warehouse::driver::{DUCKDB, Environment, obtain};

/// The library of DuckDB, installed where there is none. Its hash is checked here and not in each process.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let found = obtain(&DUCKDB, &Environment::of_process(), &mut |_| ()).expect("DuckDB");
    found.path.expect("a file")
});

/// A book whose purchases are read from a file, with the ids as they are given.
fn book(root: &Path, fact_id: impl Fn(u32) -> String) {
    let mut exposures = "user_id,at,served\n".to_owned();
    let mut purchases = "user_id,at,amount\n".to_owned();
    for n in 0..400 {
        let arm = if n % 2 == 0 { "on" } else { "off" };
        let hour = n % 24;
        writeln!(exposures, "user-{n},2026-02-02T{hour:02}:00:01Z,button-test.{arm}").expect("a line");
        writeln!(purchases, "{},2026-02-03T{hour:02}:30:0{}Z,{}", fact_id(n), n % 7, n % 5).expect("a line");
    }
    for (path, text) in [
        (
            "trialbook.yaml",
            "book: shop\nentities: {user: {column: user_id}}\nwarehouse: {engine: duckdb, threads: 1}\n\
             targets: {live: {type: flagd, store: \"file://live.json\"}}\n",
        ),
        (
            "button.flag.yaml",
            "description: A button.\nowner: team\nentity: user\ntype: boolean\nvariants: {'off': false, 'on': true}\n\
             default: 'off'\n",
        ),
        (
            "button-test.experiment.yaml",
            "title: A button\nhypothesis: It sells more.\nowner: team\nflag: button\nallocation: 100%\ncontrol: 'off'\n\
             variants: {'off': 50%, 'on': 50%}\nschedule: {start: 2026-02-01, end: 2026-02-03}\n\
             metrics: {success: [{metric: spend, mde: 5%}]}\n",
        ),
        (
            "spend.metric.yaml",
            "description: d\nentity: user\ntype: mean\nsource: purchases\nmeasure: {sum: amount}\nwindow: 2d\n\
             increase_is: good\n",
        ),
        (
            "exposures.source.yaml",
            "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
        ),
        (
            "purchases.source.yaml",
            "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\n\
             measures: {amount: amount}\ncomplete: true\n",
        ),
        ("exposures.csv", exposures.as_str()),
        ("purchases.csv", purchases.as_str()),
    ] {
        std::fs::write(root.join(path), text).expect("a file");
    }
}

fn run(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trialbook"));
    command.current_dir(root).env("NO_COLOR", "1").env_remove("TRIALBOOK_BOOK").args(args);
    command.env("TRIALBOOK_DUCKDB", &*LIBRARY);
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const AS_OF: [&str; 3] = ["button-test", "--as-of", "2026-02-06"];

#[test]
fn data_that_is_whole_passes_and_its_report_has_the_published_shape() {
    let root = tempfile::tempdir().expect("a folder");
    book(root.path(), |n| format!("user-{n}"));
    let output = run(root.path(), &["check-data", AS_OF[0], AS_OF[1], AS_OF[2], "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["version"], &report["failed"]), (&1.into(), &0.into()), "{report:#}");
    let data = &report["experiments"][0];
    assert_eq!(data["experiment"], "button-test");
    assert!(
        data["checks"].as_array().is_some_and(|checks| checks.iter().any(|c| c["kind"] == "sample-ratio"))
    );
    assert_eq!(
        (&data["sources"][0]["rows"], &data["sources"][0]["exposed_units"]),
        (&400.into(), &400.into())
    );
    let schema = run(root.path(), &["schema", "check-data"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let shown = text(&run(root.path(), &["check-data", AS_OF[0], AS_OF[1], AS_OF[2]]).stdout);
    assert!(shown.contains("purchases") && shown.contains("0\u{a0}checks failed"), "{shown}");
}

#[test]
fn a_check_that_fails_ends_with_1_and_names_the_cause() {
    let root = tempfile::tempdir().expect("a folder");
    book(root.path(), |n| format!("USER-{n}"));
    let output = run(root.path(), &["check-data", AS_OF[0], AS_OF[1], AS_OF[2]]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("failed") && shown.contains("capital and small letters"), "{shown}");
    // Ids are personal data.
    assert!(!shown.contains("USER-"), "{shown}");
}

#[test]
fn a_night_without_experiments_has_nothing_to_check() {
    let root = tempfile::tempdir().expect("a folder");
    book(root.path(), |n| format!("user-{n}"));
    let output = run(root.path(), &["check-data", "--as-of", "2025-01-01"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), ""));
    assert!(text(&output.stderr).contains("nothing to check"), "{}", text(&output.stderr));
}

#[test]
fn a_dry_run_prints_the_sql_and_reads_no_row() {
    let root = tempfile::tempdir().expect("a folder");
    book(root.path(), |n| format!("user-{n}"));
    let output = run(root.path(), &["analyze", AS_OF[0], AS_OF[1], AS_OF[2], "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for part in ["-- exposures in exposures\nWITH", "-- 1 metric from purchases\nWITH", "read_csv("] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.trim_end().ends_with(';') && !shown.contains("user-1"), "{shown}");
}

#[test]
fn what_a_query_cost_is_in_the_outcome_and_its_time_only_where_it_is_asked_for() {
    let root = tempfile::tempdir().expect("a folder");
    book(root.path(), |n| format!("user-{n}"));
    let queries = |args: &[&str]| {
        let output = run(
            root.path(),
            &[&["analyze", AS_OF[0], AS_OF[1], AS_OF[2], "--format", "json"], args].concat(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        let outcome: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (outcome["queries"].as_array().expect("queries").clone(), text(&output.stderr))
    };
    let (plain, _) = queries(&[]);
    assert!(!plain.is_empty());
    assert!(plain.iter().all(|query| query["rows"].is_u64() && query["milliseconds"].is_null()), "{plain:?}");
    let (timed, said) = queries(&["--verbose"]);
    assert!(timed.iter().all(|query| query["milliseconds"].is_u64()), "{timed:?}");
    assert!(said.contains("1 metric from purchases: 2\u{a0}rows in "), "{said}");
}

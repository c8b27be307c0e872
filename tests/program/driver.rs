//! The library of the embedded warehouse, seen from the command line: what is said where there is none, and what is
//! refused.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A process that finds no library but what the test gives it, and reaches no tool that downloads.
fn bare(cache: &Path, path: &Path) -> Command {
    // A copy of the program's folder is not needed: nothing lies beside a test's program.
    let mut command = Command::new(env!("CARGO_BIN_EXE_trialbook"));
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", cache)
        .env("XDG_CACHE_HOME", cache)
        .env("NO_COLOR", "1");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Tells whether this machine has a library in a folder that no variable can hide.
fn is_installed_for_everybody(cache: &Path) -> bool {
    let output =
        bare(cache, cache).args(["driver", "list", "--format", "json"]).output().expect("the command runs");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    listed[0]["usable"] == true
}

fn book(root: &Path) {
    for (path, text) in [
        (
            "trialbook.yaml",
            "book: shop\nentities: {user: {column: user_id}}\nwarehouse: {engine: duckdb}\n\
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
             variants: {'off': 50%, 'on': 50%}\nschedule: {start: 2026-02-01, end: 2026-02-15}\n\
             metrics: {success: [{metric: spend, mde: 5%}]}\n",
        ),
        (
            "spend.metric.yaml",
            "description: d\nentity: user\ntype: mean\nsource: events\nmeasure: {sum: amount}\nwindow: 2d\n\
             increase_is: good\n",
        ),
        (
            "events.source.yaml",
            "description: d\nfile: events.csv\ntimestamp: at\nentities: {user: user_id}\n\
             measures: {amount: eur}\n",
        ),
        (
            "exposures.source.yaml",
            "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
        ),
    ] {
        std::fs::write(root.join(path), text).expect("a file");
    }
}

#[test]
fn an_analysis_without_the_library_says_how_to_get_it() {
    let folder = tempfile::tempdir().expect("a folder");
    if is_installed_for_everybody(folder.path()) {
        return;
    }
    book(folder.path());
    let output = bare(folder.path(), folder.path())
        .arg("--book")
        .arg(folder.path())
        .args(["analyze", "button-test"])
        .output()
        .expect("the command runs");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    for part in
        ["trialbook driver install duckdb", "https://registry.npmjs.org/", "SHA-256", "TRIALBOOK_DUCKDB"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_variable_that_names_no_library_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    book(folder.path());
    std::fs::write(folder.path().join("no-library"), "text").expect("a file");
    for named in ["missing", "no-library"] {
        let output = bare(folder.path(), folder.path())
            .env("TRIALBOOK_DUCKDB", folder.path().join(named))
            .arg("--book")
            .arg(folder.path())
            .args(["analyze", "button-test"])
            .output()
            .expect("the command runs");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(6), "{named}: {text}");
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn an_installation_without_tools_says_what_to_download() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        bare(folder.path(), folder.path()).args(["driver", "install", "duckdb"]).output().expect("it runs");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("npm is not installed") && text.contains("curl is not installed"), "{text}");
    assert!(text.contains("https://registry.npmjs.org/"), "{text}");
    let unknown =
        bare(folder.path(), folder.path()).args(["driver", "install", "oracle"]).output().expect("it runs");
    assert_eq!(unknown.status.code(), Some(64), "{}", said(&unknown));
}

/// A registry, or what stands between it and us, may serve something else.
#[cfg(unix)]
#[test]
fn a_package_with_another_hash_is_refused_and_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let npm = folder.path().join("npm");
    std::fs::write(&npm, "#!/bin/sh\necho something else > package.tgz\n").expect("a file");
    std::fs::set_permissions(&npm, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let cache = folder.path().join("cache");
    let output = bare(&cache, folder.path()).args(["driver", "install", "duckdb"]).output().expect("it runs");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("SHA-256"), "{text}");
    let left: Vec<_> = walkdir::WalkDir::new(&cache)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != ".lock")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

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

fn printed(output: &Output) -> String {
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
fn an_analysis_without_the_library_states_how_to_get_it() {
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
    let text = printed(&output);
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
        let text = printed(&output);
        assert_eq!(output.status.code(), Some(6), "{named}: {text}");
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn an_installation_without_tools_states_what_to_download() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        bare(folder.path(), folder.path()).args(["driver", "install", "duckdb"]).output().expect("it runs");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("npm is not installed") && text.contains("curl is not installed"), "{text}");
    assert!(text.contains("https://registry.npmjs.org/"), "{text}");
    let unknown =
        bare(folder.path(), folder.path()).args(["driver", "install", "oracle"]).output().expect("it runs");
    assert_eq!(unknown.status.code(), Some(64), "{}", printed(&unknown));
}

/// Puts a script into a folder of programs.
#[cfg(unix)]
fn script(folder: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

/// A tool that is killed leaves a part of a package. What the next tool downloads is used, and never that part.
#[cfg(unix)]
#[test]
fn a_part_that_a_failed_tool_left_is_not_taken_for_the_package() {
    let folder = tempfile::tempdir().expect("a folder");
    script(folder.path(), "npm", "echo part > duckdb-part.tgz; exit 137");
    script(folder.path(), "curl", "exit 0");
    let cache = folder.path().join("cache");
    let output = bare(&cache, folder.path()).args(["driver", "install", "duckdb"]).output().expect("it runs");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("npm ended with") && text.contains("curl made no archive"), "{text}");
}

/// The library of a system may be too old, or no library at all: the demo installs the one that it knows.
#[cfg(target_os = "linux")]
#[test]
fn the_demo_installs_a_library_where_that_of_the_system_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    script(folder.path(), "npm", "echo the registry was asked >&2; exit 1");
    let library = folder.path().join("system/libduckdb.so");
    std::fs::create_dir_all(library.parent().expect("a folder")).expect("a folder");
    std::fs::write(&library, "no library").expect("a file");
    let demo = |variable: &str, value: &Path| {
        let output = bare(&folder.path().join("cache"), folder.path())
            .env(variable, value)
            .arg("demo")
            .arg(folder.path().join("demo"))
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(6), "{}", printed(&output));
        printed(&output)
    };
    let text = demo("DUCKDB_LIB_DIR", library.parent().expect("a folder"));
    assert!(text.contains("cannot use `") && text.contains("the registry was asked"), "{text}");
    // A file that the user names is used, or nothing is.
    let text = demo("TRIALBOOK_DUCKDB", &library);
    assert!(!text.contains("the registry was asked"), "{text}");
}

/// A registry, or what stands between it and us, may serve something else.
#[cfg(unix)]
#[test]
fn a_package_with_another_hash_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    script(folder.path(), "npm", "echo something else > package.tgz");
    let cache = folder.path().join("cache");
    let output = bare(&cache, folder.path()).args(["driver", "install", "duckdb"]).output().expect("it runs");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("SHA-256"), "{text}");
    let left: Vec<_> = walkdir::WalkDir::new(&cache)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != ".lock")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

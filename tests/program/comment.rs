//! `trialbook report` and `trialbook comment`, run as a user runs them.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::github::server::{GitHub, TOKEN};
use trialbook_analysis::Outcome;

use crate::report::fixture;

/// A git repository with the example book and an outcome beside it.
struct Scene {
    folder: tempfile::TempDir,
    /// The commit that added the experiment.
    added: String,
}

impl Scene {
    fn new(outcome: &Outcome) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = git2::Repository::init(folder.path()).unwrap();
        std::fs::write(folder.path().join("README.md"), "A shop.\n").unwrap();
        commit(&git, "Begin");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments"), &folder.path().join("experiments"));
        let added = commit(&git, "Add the book");
        std::fs::write(folder.path().join("README.md"), "A good shop.\n").unwrap();
        commit(&git, "Praise the shop");
        let scene = Scene { folder, added };
        scene.write(outcome);
        scene
    }

    fn write(&self, outcome: &Outcome) {
        std::fs::write(self.outcome(), outcome.to_json().unwrap()).unwrap();
    }

    fn outcome(&self) -> PathBuf {
        self.folder.path().join("outcome.json")
    }

    /// Runs `trialbook comment` with these further arguments.
    fn comment(&self, github: Option<&GitHub>, arguments: &[&str]) -> Output {
        let mut command = trialbook();
        command.current_dir(self.folder.path().join("experiments"));
        command.args(["comment", "--from"]).arg(self.outcome()).args(arguments);
        if let Some(github) = github {
            command.env("GITHUB_TOKEN", TOKEN).env("GITHUB_API_URL", github.url());
        }
        command.output().unwrap()
    }
}

fn trialbook() -> std::process::Command {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
    let of_github = [
        "GITHUB_TOKEN",
        "GITHUB_API_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_SERVER_URL",
        "GITHUB_EVENT_NAME",
        "GITHUB_EVENT_PATH",
        "GITHUB_RUN_ID",
        "GITHUB_RUN_ATTEMPT",
        "GITHUB_STEP_SUMMARY",
    ];
    for variable in ["TRIALBOOK_BOOK", "NO_COLOR", "CLICOLOR_FORCE"].into_iter().chain(of_github) {
        command.env_remove(variable);
    }
    command
}

fn commit(git: &git2::Repository, message: &str) -> String {
    let mut index = git.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::now("A", "a@acme.test").unwrap();
    let parents: Vec<_> = git.head().ok().map(|head| head.peel_to_commit().unwrap()).into_iter().collect();
    git.commit(Some("HEAD"), &author, &author, message, &tree, &parents.iter().collect::<Vec<_>>())
        .unwrap()
        .to_string()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_comment_goes_to_the_pull_request_that_added_the_file_and_the_next_run_edits_it() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new(&fixture::keep_running());
    github.pull(&scene.added, 482, Some("2026-11-20T10:00:00Z"), &scene.added, "acme/shop");

    let (code, stdout, stderr) = ended(&scene.comment(Some(&github), &[]));
    assert_eq!(
        (code, stdout.as_str()),
        (0, "https://github.com/acme/shop/pull/482#issuecomment-1000\n"),
        "{stderr}"
    );
    let bodies = github.bodies(482);
    assert!(
        bodies[0].starts_with("<!-- trialbook:result:acme-shop:bold-checkout-button news=")
            && bodies[0].contains(" -->\n### ⏳ Keep running"),
        "{bodies:?}"
    );

    scene.write(&fixture::ship());
    assert_eq!(ended(&scene.comment(Some(&github), &[])).0, 0);
    let bodies = github.bodies(482);
    assert_eq!(bodies.len(), 1, "a second comment");
    assert!(bodies[0].contains("### ✅ Ship **bold**"), "{bodies:?}");

    let (_, _, stderr) = ended(&scene.comment(Some(&github), &[]));
    assert!(stderr.contains("up to date already"), "{stderr}");
    // The comment, and a status for each of the two verdicts.
    assert_eq!((github.count("POST"), github.count("PATCH")), (3, 1));
}

#[test]
fn another_pull_request_can_be_named() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new(&fixture::ship());
    assert_eq!(ended(&scene.comment(Some(&github), &["--pr", "7"])).0, 0);
    assert_eq!(github.bodies(7).len(), 1);
}

#[test]
fn a_commit_without_a_pull_request_is_reported_and_nothing_is_written() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new(&fixture::ship());
    github.state().pulls.insert(scene.added.clone(), Vec::new());
    let (code, _, stderr) = ended(&scene.comment(Some(&github), &[]));
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains(&scene.added[..7]) && stderr.contains("--pr N"), "{stderr}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_dry_run_prints_the_comment_and_asks_nobody() {
    let scene = Scene::new(&fixture::ship());
    let (code, stdout, stderr) = ended(&scene.comment(None, &["--dry-run"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.starts_with("<!-- trialbook:result:acme-shop:bold-checkout-button -->\n### ✅ Ship **bold**"),
        "{stdout}"
    );
}

#[test]
fn without_a_token_the_help_states_what_it_needs() {
    let (code, _, stderr) = ended(&Scene::new(&fixture::ship()).comment(None, &[]));
    assert_eq!(code, 6, "{stderr}");
    assert!(stderr.contains("GITHUB_TOKEN"), "{stderr}");
}

#[test]
fn an_outcome_of_another_book_is_refused() {
    let mut outcome = fixture::ship();
    outcome.book.name = "other-shop".into();
    let github = GitHub::of_user("octocat");
    let (code, _, stderr) = ended(&Scene::new(&outcome).comment(Some(&github), &["--pr", "7"]));
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("`other-shop`") && stderr.contains("`acme-shop`"), "{stderr}");
    assert_eq!(github.bodies(7), Vec::<String>::new());
}

#[test]
fn what_is_no_outcome_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcome.json");
    for (content, expected) in [
        ("{\"version\": 99}", "version 99"),
        ("{\"version\": 1}", "is a required property"),
        ("{\"version\": 1,", "line 1"),
        ("[]", "not an outcome"),
        ("", "line 1"),
    ] {
        std::fs::write(&file, content).unwrap();
        for command in [&["report"][..], &["comment", "--dry-run", "--from"]] {
            let (code, stdout, stderr) = ended(&trialbook().args(command).arg(&file).output().unwrap());
            assert_eq!((code, stdout.as_str()), (4, ""), "{content:?}: {stderr}");
            assert!(stderr.contains("outcome.json") && stderr.contains(expected), "{content:?}: {stderr}");
        }
    }
    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(ended(&trialbook().arg("report").arg(&file).output().unwrap()).0, 4);
    let missing = folder.path().join("none.json");
    assert_eq!(ended(&trialbook().arg("report").arg(missing).output().unwrap()).0, 3);
}

#[test]
fn an_outcome_that_is_too_large_or_has_another_shape_is_refused_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.json");
    std::fs::File::create(&large).unwrap().set_len(70 << 20).unwrap();
    let mut files = vec![large];
    if cfg!(unix) {
        files.push("/dev/zero".into());
    }
    for file in files {
        for command in [&["report"][..], &["comment", "--dry-run", "--from"]] {
            let begun = std::time::Instant::now();
            let (code, stdout, stderr) = ended(&trialbook().args(command).arg(&file).output().unwrap());
            assert_eq!((code, stdout.as_str()), (4, ""), "{stderr}");
            // What may be a plan too is read further.
            let largest = if command[0] == "comment" { "64 MiB" } else { "16 MiB" };
            assert!(stderr.contains(&format!("larger than {largest}")), "{stderr}");
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{file:?}");
        }
    }
    let (_, outcome) = fixture::all().into_iter().next().unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&outcome.to_json().unwrap()).unwrap();
    *value.pointer_mut("/verdicts/0/kind").unwrap() = "perhaps".into();
    let file = folder.path().join("outcome.json");
    std::fs::write(&file, value.to_string()).unwrap();
    let (code, _, stderr) = ended(&trialbook().arg("report").arg(&file).output().unwrap());
    assert!(code == 4 && stderr.contains("/verdicts/0/kind"), "{stderr}");
}

#[test]
fn a_report_has_colours_only_where_they_are_wanted() {
    let scene = Scene::new(&fixture::ship());
    let report = |arguments: &[&str]| {
        ended(&trialbook().arg("report").arg(scene.outcome()).args(arguments).output().unwrap()).1
    };
    let plain = report(&[]);
    assert!(plain.starts_with("✅ Ship bold") && !plain.contains('\u{1b}'), "{plain}");
    assert!(report(&["--color", "always"]).contains('\u{1b}'));
    assert!(!plain.contains("SELECT") && report(&["--verbose"]).contains("SELECT"));
    assert!(report(&["--format", "markdown"]).starts_with("### ✅ Ship **bold**"));
    let json = report(&["--format", "json"]);
    assert_eq!(Outcome::from_json(&json).unwrap(), fixture::ship());
}

//! `trialbook lint --against --with`: collisions with other branches and open pull requests.

use super::*;
use crate::github::server::{GitHub, TOKEN};

/// A flag that nothing is tested on yet.
const THING: &str = "description: A new thing.\nowner: team-growth\nsurfaces: [home]\nentity: user\ntype: boolean\n\
                     variants: {on: true, off: false}\ndefault: off\n";

/// An experiment that collides with every other on the flag.
fn rival(key: &str) -> String {
    format!(
        "title: {key}\nhypothesis: It helps.\nowner: team-growth\nsurfaces: [home]\nflag: thing\nallocation: 10%\n\
         control: off\nvariants: equal\nschedule: {{start: 2026-12-01, end: 2026-12-15}}\n\
         metrics: {{success: [{{metric: purchases-per-user, mde: 5%}}], guardrails: [{{metric: active-days, margin: 5%}}]}}\n"
    )
}

#[test]
fn two_branches_that_collide_are_reported_before_either_merges() {
    let book = ExampleBook::new();
    git(&book, &["branch", "-M", "main"]);
    std::fs::write(book.path().join("growth/thing.flag.yaml"), THING).expect("a written file");
    book.commit("a flag");
    let write = |key: &str| {
        std::fs::write(book.path().join(format!("growth/{key}.experiment.yaml")), rival(key))
            .expect("a written file");
        git(&book, &["add", "-A"]);
        git(&book, &["commit", "-q", "-m", key]);
    };
    git(&book, &["switch", "-q", "-c", "theirs"]);
    write("thing-b");
    git(&book, &["switch", "-q", "-c", "mine", "main"]);
    write("thing-a");
    let (code, out, err) = lint(&book, &["--format", "concise"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("overlapping-experiments"), "{out}");
    let (code, out, err) = lint(&book, &["--with", "th*"]);
    assert_eq!(code, 0, "what may never merge blocks nobody\n{out}{err}");
    assert!(out.contains("overlapping-experiments"), "{out}{err}");
    assert!(out.contains("only if `theirs` merges too: Ann wrote its last commit"), "{out}");

    // Whoever writes a commit chooses the name in it.
    let hostile = "\u{1b}[2J\u{202e}##[error]forged ::error::forged\u{9b}31m <a@acme.test>";
    git(&book, &["switch", "-q", "theirs"]);
    git(&book, &["commit", "-q", "--amend", "--no-edit", "--author", hostile]);
    git(&book, &["switch", "-q", "mine"]);
    for format in ["full", "concise", "github", "json", "sarif", "gitlab", "junit", "markdown"] {
        let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
        command.env("GITHUB_ACTIONS", "true").env_remove("GITHUB_WORKSPACE").env_remove("TRIALBOOK_BOOK");
        command.current_dir(book.path()).args(["lint", "--at", NOW, "--against", "main", "--with", "theirs"]);
        let output = command.args(["--format", format]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{format}");
        crate::steering::assert_harmless(&output, format);
    }
}

/// A clone whose change collides with the pull request of somebody else, which the clone does not have.
struct Clone {
    folder: tempfile::TempDir,
    /// The commits of the change and of the other pull request.
    mine: String,
    theirs: String,
}

impl Clone {
    fn new() -> Self {
        let book = ExampleBook::new();
        git(&book, &["branch", "-M", "main"]);
        std::fs::write(book.path().join("growth/thing.flag.yaml"), THING).expect("a written file");
        book.commit("a flag");
        let mut commits = Vec::new();
        for key in ["thing-b", "thing-a"] {
            git(&book, &["switch", "-q", "-c", key, "main"]);
            std::fs::write(book.path().join(format!("growth/{key}.experiment.yaml")), rival(key))
                .expect("a file");
            commits.push(book.commit(key).as_str().to_owned());
        }
        let folder = tempfile::tempdir().expect("a folder");
        let remote = folder.path().join("remote.git");
        let (remote, clone) =
            (remote.display().to_string(), folder.path().join("clone").display().to_string());
        git(&book, &["init", "-q", "--bare", &remote]);
        git(
            &book,
            &[
                "push",
                "-q",
                &remote,
                "main",
                "thing-a",
                "thing-b:refs/pull/12/head",
                "thing-a:refs/pull/13/head",
            ],
        );
        // As from another machine: a clone of a folder has every object of it.
        git(&book, &["clone", "-q", "-b", "thing-a", &format!("file://{remote}"), &clone]);
        let [theirs, mine] = commits.try_into().expect("two commits");
        Self { folder, mine, theirs }
    }

    fn lint(&self, github: &GitHub, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("trialbook").expect("the binary is built");
        for name in ["GITHUB_WORKSPACE", "GITHUB_ACTIONS", "GITHUB_SERVER_URL", "TRIALBOOK_BOOK"] {
            command.env_remove(name);
        }
        command
            .env("GITHUB_TOKEN", TOKEN)
            .env("GITHUB_API_URL", github.url())
            .env("GITHUB_REPOSITORY", "acme/shop");
        command.current_dir(self.folder.path().join("clone"));
        let all = ["lint", "--at", NOW, "--against", "origin/main", "--with-open-pull-requests"];
        let output = command.args(all).args(arguments).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
    }

    fn refs(&self) -> String {
        let git = std::process::Command::new("git")
            .arg("for-each-ref")
            .current_dir(self.folder.path().join("clone"))
            .output();
        String::from_utf8(git.expect("git runs").stdout).expect("UTF-8")
    }
}

#[test]
fn a_collision_with_an_open_pull_request_is_found_and_names_it() {
    let clone = Clone::new();
    let github = GitHub::of_installation("github-actions[bot]");
    github.branch(12, "mona:thing-b", &clone.theirs, true);
    github.branch(13, "ann:thing-a", &clone.mine, true);
    // Closed since it was listed, and into another branch: neither is in the way.
    github.branch(14, "eve:gone", &"a".repeat(40), true);
    github.branch(15, "eve:closed", &clone.theirs, false);
    let before = clone.refs();
    let (code, out, err) = clone.lint(&github, &["--format", "json"]);
    assert_eq!(code, 0, "what may never merge blocks nobody\n{out}{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let findings = json["findings"].as_array().expect("findings");
    let notes = |finding: &serde_json::Value| finding["notes"][0].as_str().unwrap_or_default().to_owned();
    let found: Vec<_> =
        findings.iter().filter(|it| it["rule"] == "overlapping-experiments").map(notes).collect();
    assert_eq!(found.len(), 1, "{out}");
    assert!(found[0].starts_with("only if pull request #12 of mona merges too: "), "{found:?}");
    assert!(err.contains("pull request #14 is left out"), "{err}");
    assert!(!err.contains("#13") && !out.contains("#15"), "{out}{err}");
    assert_eq!(clone.refs(), before, "no ref is written");
    assert_eq!((github.count("GET"), github.count("POST")), (1, 0), "GitHub is only read");
}

#[test]
fn without_a_remote_that_answers_the_open_pull_requests_are_not_simply_left_out() {
    let clone = Clone::new();
    let github = GitHub::of_user("octocat");
    github.branch(12, "mona:thing-b", &clone.theirs, true);
    std::fs::remove_dir_all(clone.folder.path().join("remote.git")).expect("the remote");
    let (code, out, err) = clone.lint(&github, &[]);
    assert!(code == 6 && err.contains("cannot fetch the pull requests from `origin`"), "{code}: {out}{err}");
}

//! `trialbook conclude`: the decision and the flag that serves the winner, on the example book.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::github::server::{Fault, GitHub, TOKEN};
use crate::report::fixture;
use trialbook_analysis::Outcome;

const KEY: &str = "bold-checkout-button";
const EXPERIMENT: &str = "experiments/checkout/bold-checkout-button.experiment.yaml";
const FLAG: &str = "experiments/checkout/checkout-button.flag.yaml";
const NOW: &str = "2026-12-23";

/// A repository with the example book.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Scene(tempfile::tempdir().unwrap());
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments"), &scene.0.path().join("experiments"));
        scene.git(&["init", "-q", "-b", "main"]);
        scene.git(&["add", "-A"]);
        scene.git(&["commit", "-q", "-m", "Begin"]);
        scene
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@acme.test"])
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn outcome(&self, outcome: &Outcome) -> PathBuf {
        let path = self.0.path().join("outcome.json");
        std::fs::write(&path, outcome.to_json().unwrap()).unwrap();
        path
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    fn run(&self, github: Option<&GitHub>, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        command.current_dir(self.0.path()).env_remove("TRIALBOOK_BOOK").env_remove("GITHUB_TOKEN");
        command.args(["--book", "experiments"]).args(arguments);
        if let Some(github) = github {
            command.env("GITHUB_TOKEN", TOKEN).env("GITHUB_API_URL", github.url());
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Concludes the experiment with an outcome.
    fn conclude(&self, outcome: &Outcome, more: &[&str]) -> (i32, String, String) {
        let file = self.outcome(outcome);
        let all = [&["conclude", KEY, "--at", NOW, "--from", file.to_str().unwrap()], more].concat();
        self.run(None, &all)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn a_winner_goes_into_the_flag_and_the_decision_into_the_experiment_and_nothing_else_changes() {
    let scene = Scene::new();
    let (experiment, flag) = (scene.text(EXPERIMENT), scene.text(FLAG));
    let (code, diff, stderr) = scene.conclude(&fixture::ship(), &["--diff"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(
        (scene.text(EXPERIMENT), scene.text(FLAG)),
        (experiment.clone(), flag.clone()),
        "--diff writes nothing"
    );
    assert!(diff.contains("+decision:\n+  outcome: ship\n+  variant: bold\n+  date: 2026-12-23\n"), "{diff}");
    assert!(!diff.lines().any(|line| line.starts_with('-') && !line.starts_with("---")), "{diff}");

    let (code, stdout, stderr) = scene.conclude(&fixture::ship(), &[]);
    assert_eq!((code, stdout.lines().count()), (0, 2), "{stdout}{stderr}");
    assert!(scene.text(EXPERIMENT).starts_with(&experiment), "comments and order stay");
    let served = scene.text(FLAG);
    assert!(served.starts_with(&flag) && served.contains("rules: # first match wins"), "{served}");
    assert!(
        served.ends_with("    serve: bold\n") && served.contains("country: {in: [SE, FI, DK]}"),
        "{served}"
    );
    assert!(stderr.contains("4000 buckets of layer `checkout` are free from 2026-"), "{stderr}");
    let changed = scene.git(&["status", "--porcelain", "--", "experiments"]);
    assert_eq!(changed.lines().count(), 2, "{changed}");
    let (code, stdout, _) = scene.run(None, &["lint", "--at", NOW, "--select", "decision-ships-nothing"]);
    assert_eq!(code, 0, "{stdout}");
    let (code, _, stderr) = scene.run(None, &["fmt", "--check"]);
    assert_eq!(code, 0, "{stderr}");
    // Once more there is nothing to conclude.
    assert_ne!(scene.conclude(&fixture::ship(), &[]).0, 0);
}

#[test]
fn a_roll_back_writes_the_decision_and_leaves_the_flag_as_it_is() {
    let scene = Scene::new();
    let flag = scene.text(FLAG);
    let (code, stdout, stderr) = scene.conclude(&fixture::roll_back(), &[]);
    assert_eq!((code, stdout.lines().count()), (0, 1), "{stderr}");
    assert!(
        scene.text(EXPERIMENT).contains("decision:\n  outcome: roll-back\n  date: 2026-12-23\n  reason: ")
    );
    assert_eq!(scene.text(FLAG), flag);
}

#[test]
fn what_decides_nothing_is_refused_unless_a_person_decides_with_a_reason() {
    let scene = Scene::new();
    let before = scene.text(EXPERIMENT);
    for outcome in [fixture::keep_running(), fixture::invalid(), fixture::untrusted_plan()] {
        let (code, _, stderr) = scene.conclude(&outcome, &[]);
        assert!(code == 4 && stderr.contains("the outcome decides nothing"), "{stderr}");
    }
    let plain = |arguments: &[&str]| scene.run(None, &[&["conclude", KEY, "--at", NOW], arguments].concat());
    assert_eq!(plain(&[]).0, 64);
    assert_eq!(plain(&["--as", "aborted"]).0, 64, "without a reason");
    assert_eq!(plain(&["--as", "ship", "--reason", "We like it."]).0, 64, "without a variant");
    let (code, _, stderr) = plain(&["--as", "ship", "--reason", "x", "--variant", "none"]);
    assert!(code == 3 && stderr.contains("it tests `bold`, `plain`"), "{stderr}");
    let (code, _, stderr) = plain(&["--as", "ship", "--reason", "x", "--variant", "plain"]);
    assert!(code == 4 && stderr.contains("is the control"), "{stderr}");
    let (code, _, stderr) = scene.run(None, &["conclude", "no-such", "--as", "aborted", "--reason", "x"]);
    assert_eq!(code, 3, "{stderr}");
    assert_eq!(scene.text(EXPERIMENT), before);
    let hostile = "x\"\ndecision: {outcome: ship}\n# @all";
    assert_eq!(plain(&["--as", "aborted", "--reason", hostile]).0, 0);
    let (code, _, stderr) = scene.run(None, &["lint", "--at", NOW, "--select", "syntax"]);
    assert_ne!(code, 70, "{stderr}");
    assert!(
        scene.text(EXPERIMENT).contains("outcome: aborted")
            && !scene.text(EXPERIMENT).contains("\ndecision: {")
    );
}

#[test]
fn an_outcome_of_another_experiment_concludes_nothing() {
    let scene = Scene::new();
    let file = scene.outcome(&fixture::ship());
    let (code, _, stderr) =
        scene.run(None, &["conclude", "gift-wrap", "--at", NOW, "--from", file.to_str().unwrap()]);
    assert!(code == 4 && stderr.contains("`bold-checkout-button`"), "{stderr}");
}

#[test]
fn with_a_token_the_conclusion_is_a_pull_request_with_the_evidence_and_the_checkout_stays_as_it_is() {
    let scene = Scene::new();
    let github = GitHub::of_installation("github-actions[bot]");
    let head = scene.git(&["rev-parse", "HEAD"]);
    github.head("main", &head);
    let file = scene.outcome(&fixture::ship());
    let arguments =
        ["conclude", KEY, "--at", NOW, "--from", file.to_str().unwrap(), "--pull-request", "main"];
    let (code, stdout, stderr) = scene.run(Some(&github), &arguments);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("https://github.com/"), "{stdout}");
    assert_eq!(scene.git(&["status", "--porcelain", "--", "experiments"]), "");
    let state = github.state();
    let pull = &state.opened[0];
    assert_eq!(pull["title"], "Conclude bold-checkout-button: ship bold");
    assert_eq!(
        (&pull["head"], &pull["base"]),
        (&"trialbook/conclude-bold-checkout-button".into(), &"main".into())
    );
    assert!(pull["body"].as_str().unwrap().starts_with("### ✅ Ship **bold**"), "{pull}");
    let files: Vec<_> = state.trees[0]["tree"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    assert_eq!(files, [EXPERIMENT, FLAG]);
    drop(state);

    // A branch that has moved on is not overwritten, and a second proposal is refused.
    let (code, _, stderr) = scene.run(Some(&github), &arguments);
    assert!(code == 4 && stderr.contains("Reference already exists"), "{stderr}");
    github.head("main", &"b".repeat(40));
    let (code, _, stderr) = scene.run(Some(&github), &arguments);
    assert!(code == 4 && stderr.contains("the branch `main` is not at"), "{stderr}");
    assert_eq!(github.state().opened.len(), 1);
}

#[test]
fn where_the_pull_request_is_refused_its_branch_is_deleted_or_named() {
    let scene = Scene::new();
    let github = GitHub::of_installation("github-actions[bot]");
    github.head("main", &scene.git(&["rev-parse", "HEAD"]));
    let file = scene.outcome(&fixture::ship());
    let arguments =
        ["conclude", KEY, "--at", NOW, "--from", file.to_str().unwrap(), "--pull-request", "main"];
    let branch = "trialbook/conclude-bold-checkout-button";
    let may_not = || {
        let message = "GitHub Actions is not permitted to create or approve pull requests.";
        Fault::Answer(403, Vec::new(), serde_json::json!({"message": message}))
    };

    github.will("POST /pulls", may_not());
    let (code, _, stderr) = scene.run(Some(&github), &arguments);
    assert!(code == 6 && stderr.contains("not permitted to create"), "{stderr}");
    assert!(!stderr.contains("was pushed"), "{stderr}");
    assert!(!github.state().heads.contains_key(branch));

    github.will("POST /pulls", may_not());
    github.will("DELETE", may_not());
    let (code, _, stderr) = scene.run(Some(&github), &arguments);
    assert!(code == 6 && stderr.contains(&format!("the branch `{branch}` was pushed")), "{stderr}");
    assert!(stderr.contains(&format!("`git push origin --delete {branch}`")), "{stderr}");
    assert!(github.state().heads.contains_key(branch));

    // Where the answer is lost, the pull request may be there: its branch is left alone.
    github.state().heads.remove(branch);
    github.will("POST /pulls", Fault::Done(502));
    let (code, _, stderr) = scene.run(Some(&github), &arguments);
    assert!(code == 6 && stderr.contains("if GitHub shows no pull request for it"), "{stderr}");
    assert!(github.state().heads.contains_key(branch));
}

#[test]
fn a_decision_has_the_date_of_its_outcome_and_is_never_before_it_or_the_start() {
    let scene = Scene::new();
    let outcome = fixture::ship_with_edits();
    let file = scene.outcome(&outcome);
    let from = ["conclude", KEY, "--diff", "--from", file.to_str().unwrap()];
    let day = jiff::civil::date(2026, 12, 23);
    let (code, diff, errors) = scene.run(None, &from);
    assert_eq!(code, 0, "{errors}");
    assert!(diff.contains(&format!("+  date: {day}\n")), "{diff}");
    let before = day.yesterday().unwrap().to_string();
    let (code, _, errors) = scene.run(None, &[&from[..], &["--at", &before]].concat());
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains(&format!("before its outcome, which is of {day}")), "{errors}");
    let by_hand = ["conclude", KEY, "--as", "aborted", "--reason", "A fault.", "--diff", "--at"];
    let (code, _, errors) = scene.run(None, &[&by_hand[..], &["2020-01-01"]].concat());
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("before `bold-checkout-button` starts on 20"), "{errors}");
}

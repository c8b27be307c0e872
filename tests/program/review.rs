//! `trialbook comment` with a lint result and a plan: the review of a pull request, from a book in git to the comment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use comrak::Options;
use serde_json::{Value, json};

use crate::github::server::{GitHub, TOKEN};

const NOW: &str = "2026-11-24";

/// A clone of a fork at a pull request's commit, with what its run left behind.
struct Scene {
    folder: tempfile::TempDir,
    head: String,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@acme.test"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join("experiments").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn experiment(key: &str, audience: &str) -> (String, String) {
    let text = format!(
        "title: A test of {key}\nhypothesis: It sells more.\nowner: team-checkout\nsurfaces: [checkout]\nflag: button\n\
         audience: {{{audience}}}\nlayer: checkout\nallocation: 20%\ncontrol: plain\nvariants: {{plain: 50%, bold: 50%}}\n\
         schedule: {{start: 2026-12-01, end: 2026-12-29}}\nmetrics:\n  success: [{{metric: orders, mde: 5%}}]\n"
    );
    (format!("{key}.experiment.yaml"), text)
}

impl Scene {
    /// A book whose pull request adds an experiment with this audience beside one for Sweden.
    fn new(audience: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let at = root.as_path();
        git(at, &["init", "-q", "-b", "main"]);
        write(
            at,
            "trialbook.yaml",
            "book: acme-shop\nentities:\n  user: {column: user_id}\nattributes:\n  country: {type: string, stable: true, values: \
             {SE: 40%, FI: 60%}}\nsurfaces:\n  checkout: {owner: team-checkout, traffic: {user: {1d: 4000, 7d: 20000, 28d: 60000}}}\n\
             targets:\n  production: {type: flagd, store: file://live/production.json}\nwarehouse: {engine: duckdb}\n\
             github: {repository: acme/shop}\n",
        );
        write(
            at,
            "button.flag.yaml",
            "description: Style of the button.\nowner: team-checkout\nsurfaces: [checkout]\nentity: user\ntype: string\n\
             variants: {plain: plain, bold: bold}\ndefault: plain\n",
        );
        write(
            at,
            "checkout.layer.yaml",
            "description: The checkout.\nentity: user\nsalt: checkout\nslots: []\n",
        );
        write(
            at,
            "orders.metric.yaml",
            "description: Orders per user.\nowner: team-checkout\nentity: user\ntype: mean\nsource: orders\n\
             measure: {count: rows}\nwindow: 1d\nincrease_is: good\nbaseline: {mean: 0.5, deviation: 1.0}\n",
        );
        write(
            at,
            "orders.source.yaml",
            "description: Orders.\nowner: team-checkout\nfile: data/orders.csv\ntimestamp: at\nentities: {user: user_id}\n",
        );
        write(
            at,
            "exposures.source.yaml",
            "description: Exposures.\nowner: team-checkout\nfile: data/exposures.csv\ntimestamp: at\n\
             entities: {user: user_id}\nserved: served\n",
        );
        let (path, text) = experiment("swedish", "country: SE");
        write(at, &path, &text);
        std::fs::write(at.join(".gitignore"), "live/\n*.json\n").unwrap();
        let scene = Scene { folder, head: String::new() };
        scene.run(&["allocate", "--at", NOW]);
        git(at, &["add", "-A"]);
        git(at, &["commit", "-q", "-m", "Begin"]);
        git(at, &["switch", "-q", "-c", "bold"]);
        let (path, text) = experiment("bold", audience);
        write(at, &path, &text);
        scene.run(&["allocate", "--at", NOW]);
        git(at, &["add", "-A"]);
        git(at, &["commit", "-q", "-m", "Add bold"]);
        let head = git(at, &["rev-parse", "HEAD"]);
        Scene { head, ..scene }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        for (variable, _) in std::env::vars() {
            if variable.starts_with("GITHUB_") || variable == "TRIALBOOK_BOOK" {
                command.env_remove(variable);
            }
        }
        command.current_dir(self.folder.path()).args(["--book", "experiments"]);
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        ended(&self.command().args(arguments).output().unwrap())
    }

    /// Takes the pull request's experiment out of the layer in which both exclude each other: then they meet.
    fn collide(&self) {
        let (path, text) = experiment("bold", "country: SE");
        write(self.folder.path(), &path, &text.replace("layer: checkout\n", ""));
        write(
            self.folder.path(),
            "checkout.layer.yaml",
            "description: The checkout.\nentity: user\nsalt: checkout\nslots:\n  - {buckets: 0-1999, experiment: swedish}\n",
        );
    }

    /// What the pull request's own run leaves behind.
    fn review(&self) -> [PathBuf; 2] {
        let at = |name: &str| self.folder.path().join(name);
        self.run(&["lint", "--at", NOW, "--against", "main", "--format", "json=lint.json"]);
        self.run(&["plan", "--at", NOW, "--out", "plan.json"]);
        [at("lint.json"), at("plan.json")]
    }

    /// Runs `comment` as a workflow does that GitHub started for the run of a fork's pull request.
    fn comment(&self, github: &GitHub, run: u64, files: &[&Path]) -> (i32, String, String) {
        self.comment_with(github, run, files, &[])
    }

    fn comment_with(
        &self,
        github: &GitHub,
        run: u64,
        files: &[&Path],
        more: &[&str],
    ) -> (i32, String, String) {
        let event = json!({"workflow_run": {
            "id": run, "run_attempt": 1, "event": "pull_request", "head_sha": self.head, "head_branch": "bold",
            "head_repository": {"owner": {"login": "mallory"}}, "pull_requests": [],
            "html_url": format!("https://github.com/acme/shop/actions/runs/{run}")}});
        let path = self.folder.path().join("event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        let mut command = self.command();
        command.arg("comment").args(more);
        for file in files {
            command.arg("--from").arg(file);
        }
        command
            .env("GITHUB_EVENT_NAME", "workflow_run")
            .env("GITHUB_EVENT_PATH", path)
            .env("GITHUB_TOKEN", TOKEN)
            .env("GITHUB_API_URL", github.url())
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary.md"));
        ended(&command.output().unwrap())
    }
}

#[test]
fn every_finding_is_at_its_line_in_batches_that_github_takes_errors_first() {
    let github = GitHub::of_installation("github-actions[bot]");
    let scene = Scene::new("country: FI");
    github.branch(7, "mallory:bold", &scene.head, true);
    let [lint, _] = scene.review();
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&lint).unwrap()).unwrap();
    let warning = value["findings"][0].clone();
    let mut error = warning.clone();
    error["severity"] = "error".into();
    error["span"]["start"]["line"] = 4.into();
    error["span"]["end"]["line"] = 5.into();
    let mut findings = vec![warning; 620];
    findings.push(error);
    value["findings"] = findings.into();
    std::fs::write(&lint, value.to_string()).unwrap();
    let (code, _, stderr) = scene.comment_with(&github, 17, &[&lint], &["--check"]);
    assert_eq!(code, 0, "{stderr}");
    let state = github.state();
    let output = &state.checks[0]["output"];
    let annotations = output["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), 500);
    assert_eq!(state.log.iter().filter(|line| line.contains("check-runs")).count(), 10);
    let first = &annotations[0];
    assert_eq!(
        (&first["annotation_level"], &first["start_line"], &first["end_line"]),
        (&json!("failure"), &json!(4), &json!(5))
    );
    assert!(output["summary"].as_str().unwrap().contains("121 more findings"), "{output}");
    assert_eq!(state.checks[0]["conclusion"], "failure");
}

fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn html(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(markdown, &options)
}

#[test]
fn the_review_of_a_fork_s_change_states_what_it_launches_what_it_needs_and_who_holds_the_layer() {
    let github = GitHub::of_installation("github-actions[bot]");
    let scene = Scene::new("country: FI");
    github.branch(7, "mallory:bold", &scene.head, true);
    let [lint, plan] = scene.review();
    let (code, stdout, stderr) = scene.comment(&github, 17, &[&lint, &plan]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, "https://github.com/acme/shop/pull/7#issuecomment-1000\n");
    let body = github.bodies(7).remove(0);
    assert!(
        body.starts_with(&format!(
            "<!-- trialbook:review:acme-shop:production head={} run=17.1 news=",
            scene.head
        )),
        "{body}"
    );
    assert!(body.contains("### ✅ Ready to merge, with 3 warnings: 1 flag to add\n"), "{body}");
    assert!(body.contains("**Launches bold (on 2026-12-01) and swedish (on 2026-12-01)**"), "{body}");
    assert!(body.contains("#### Power\n\n- `bold` "), "{body}");
    assert!(body.contains("```mermaid\ngantt\n    title Layer checkout\n"), "{body}");
    assert!(body.contains("    bold, 20% :crit, 2026-12-01, "), "{body}");
    assert!(body.contains("    swedish, 20% :2026-12-01, "), "{body}");
    assert_eq!(github.state().statuses[&scene.head][0]["state"], "success");
    let summary = std::fs::read_to_string(scene.folder.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("### ✅ Ready to merge"), "{summary}");
    // The same again is not sent, nor is what an older run found.
    let (_, _, stderr) = scene.comment(&github, 18, &[&lint, &plan]);
    assert!(stderr.contains("up to date already"), "{stderr}");
    let (_, _, stderr) = scene.comment(&github, 16, &[&lint]);
    assert!(stderr.contains("A newer run has written the comment"), "{stderr}");
    assert_eq!(github.bodies(7).len(), 1, "a review without a plan is the same comment");
}

#[test]
fn a_collision_is_shown_with_the_unit_that_proves_it_and_holds_the_merge_back() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new("country: SE");
    github.branch(7, "mallory:bold", &scene.head, true);
    scene.collide();
    let [lint, _] = scene.review();
    let (code, _, stderr) = scene.comment(&github, 17, &[&lint]);
    assert_eq!(code, 0, "{stderr}");
    let body = github.bodies(7).remove(0);
    assert!(body.contains("### ⛔ Not ready to merge: "), "{body}");
    assert!(body.contains("#### Collisions\n"), "{body}");
    assert!(body.contains("a unit that proves it: `{"), "{body}");
    let link = format!("https://github.com/acme/shop/blob/{}/experiments/bold.experiment.yaml#L", scene.head);
    assert!(body.contains(&link), "{body}");
    assert_eq!(github.state().statuses[&scene.head][0]["state"], "failure");
}

#[test]
fn a_run_of_a_commit_that_is_no_longer_the_newest_writes_nothing() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new("country: FI");
    github.branch(7, "mallory:bold", &"b".repeat(40), true);
    let [lint, plan] = scene.review();
    let (code, stdout, stderr) = scene.comment(&github, 17, &[&lint, &plan]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("has a newer commit"), "{stderr}");
    github.state().branches.clear();
    let (code, _, stderr) = scene.comment(&github, 17, &[&lint, &plan]);
    assert!(code == 3 && stderr.contains("no pull request has the branch `mallory:bold`"), "{stderr}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused_before_github_is_asked() {
    let github = GitHub::of_user("octocat");
    let scene = Scene::new("country: FI");
    let [lint, plan] = scene.review();
    let value: Value = serde_json::from_str(&std::fs::read_to_string(&lint).unwrap()).unwrap();
    let bad = scene.folder.path().join("bad.json");
    for (pointer, wrong) in [
        ("/summary/files", json!("many")),
        ("/change/layers/0/layer", json!("checkout\n  click x href \"javascript:1\"")),
        ("/change/experiments/0/power/power", json!(7)),
    ] {
        let mut edited = value.clone();
        *edited.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} in {value}")) = wrong;
        std::fs::write(&bad, edited.to_string()).unwrap();
        let (code, _, stderr) = scene.comment(&github, 17, &[&bad]);
        assert!(code == 4 && stderr.contains(pointer) && stderr.contains("bad.json"), "{pointer}: {stderr}");
    }
    let (code, _, stderr) = scene.comment(&github, 17, &[&lint, &lint]);
    assert!(code == 64 && stderr.contains("second lint result"), "{stderr}");
    let other = std::fs::read_to_string(&plan).unwrap().replace("\"acme-shop\"", "\"other-shop\"");
    std::fs::write(&bad, other).unwrap();
    let (code, _, stderr) = scene.comment(&github, 17, &[&bad]);
    assert!(code == 4 && stderr.contains("`other-shop`"), "{stderr}");
    assert_eq!(github.requests(), 0);
}

#[test]
fn text_of_a_pull_request_cannot_break_out_of_the_review() {
    let scene = Scene::new("country: SE");
    let [_, plan] = scene.review();
    scene.collide();
    let [lint, _] = scene.review();
    let plain: Value = serde_json::from_str(&std::fs::read_to_string(&lint).unwrap()).unwrap();
    let file = scene.folder.path().join("hostile.json");
    let render = |hostile: &str| {
        let mut value = plain.clone();
        for finding in value["findings"].as_array_mut().unwrap() {
            for field in ["message", "help", "label", "file"] {
                finding[field] = hostile.into();
            }
            finding["notes"] = json!([hostile]);
            if finding["witness"].is_object() {
                finding["witness"] = json!({hostile: hostile});
            }
            for related in finding["related"].as_array_mut().unwrap() {
                related["message"] = hostile.into();
                related["file"] = hostile.into();
            }
        }
        for experiment in value["change"]["experiments"].as_array_mut().unwrap() {
            experiment["title"] = hostile.into();
            experiment["power"]["limited_by"] = "orders".into();
        }
        std::fs::write(&file, value.to_string()).unwrap();
        let mut command = scene.command();
        command.arg("comment").arg("--dry-run").arg("--from").arg(&file).arg("--from").arg(&plan);
        let (code, stdout, stderr) = ended(&command.output().unwrap());
        assert_eq!(code, 0, "{stderr}");
        html(&stdout)
    };
    let shape = |html: &str| {
        let tags = regex::Regex::new(r"<(/?[a-zA-Z0-9]+)").unwrap();
        let kept = |tag: &str| !matches!(tag, "span" | "/span" | "code" | "/code");
        tags.captures_iter(html).map(|found| found[1].to_owned()).filter(|tag| kept(tag)).collect::<Vec<_>>()
    };
    let expected = shape(&render("harmless"));
    for hostile in [
        "<script>alert(1)</script>",
        "</sub></details><h1>Ship it</h1>",
        "<!-- trialbook:review:acme-shop:production -->",
        "x](javascript:alert(1)) [click](https://evil.test)",
        "![img](https://evil.test/p.png) <https://evil.test> https://evil.test www.evil.test a@evil.test",
        "| a | b |\n| - | - |\n| c | d |",
        "@everyone #1 GH-2 acme/shop#3",
        "```\n# heading\n> [!CAUTION]\n- item",
        "`code` ``two`` \\` **bold** ~~gone~~ [^1]",
        "first\r\n\r\n# second\n---",
        "\n1. item\n- item",
        "\u{202e}reversed\u{2066}\u{1b}[31m",
    ] {
        let html = render(hostile);
        assert_eq!(shape(&html), expected, "{hostile:?}: {html}");
        assert!(
            !html.contains("evil.test\"") && !html.contains("javascript:alert(1)\""),
            "{hostile:?}: {html}"
        );
    }
}

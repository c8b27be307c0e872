//! `trialbook clean`: what nobody would notice, with its proof, and nothing else.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::github::server::{GitHub, TOKEN};

const NOW: &str = "2026-11-24";

/// A repository with a book of flags whose tests are over.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Scene(tempfile::tempdir().unwrap());
        scene.write(
            "trialbook.yaml",
            "book: shop\nentities: {user: {column: user_id}}\nattributes: {country: {type: string, stable: true}}\n\
             targets:\n  production: {type: flagd, store: 'file://live/a.json', primary: true}\n  \
             staging: {type: flagd, store: 'file://live/b.json'}\ngithub: {repository: acme/shop}\n",
        );
        scene.flag(
            "footer",
            "default: plain\nrules:\n  - when: {country: SE}\n    serve: plain\nexpires: 2026-06-30\n",
        );
        scene.flag(
            "header",
            "default: plain\nrules:\n  - when: {country: SE}\n    serve: bold\nexpires: 2026-06-30\n",
        );
        scene.flag("button", "default: bold\n");
        scene.experiment("button-bold", "button", "bold", "ship\n  variant: bold");
        scene.experiment("button-huge", "button", "huge", "roll-back");
        scene.git(&["init", "-q", "-b", "main"]);
        scene.git(&["add", "-A"]);
        scene.git(&["commit", "-q", "-m", "Begin"]);
        scene
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join("experiments").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn flag(&self, key: &str, rest: &str) {
        let text = format!(
            "description: Style of the {key}.\nowner: web\nentity: user\ntype: string\nvariants:\n  plain: plain # as it was\n  \
             bold: bold\n  huge: huge\n{rest}"
        );
        self.write(&format!("{key}.flag.yaml"), &text);
    }

    /// An experiment of the spring, with its decision.
    fn experiment(&self, key: &str, flag: &str, variant: &str, decision: &str) {
        let text = format!(
            "title: A test\nhypothesis: It helps.\nowner: web\nflag: {flag}\nallocation: 20%\ncontrol: plain\n\
             variants: {{plain: 50%, {variant}: 50%}}\nschedule: {{start: 2026-02-01, end: 2026-03-01}}\nmetrics: {{}}\n\
             decision:\n  outcome: {decision}\n  date: 2026-03-20\n  reason: It was so.\n"
        );
        self.write(&format!("{key}.experiment.yaml"), &text);
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.path().join("experiments").join(path)).unwrap()
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

    fn run(&self, github: Option<&GitHub>, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialbook"));
        command.current_dir(self.0.path()).env_remove("TRIALBOOK_BOOK").env_remove("GITHUB_TOKEN");
        command.args(["--book", "experiments"]).args(arguments).args(["--at", NOW]);
        if let Some(github) = github {
            command.env("GITHUB_TOKEN", TOKEN).env("GITHUB_API_URL", github.url());
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// What is proposed, and nothing is written.
    fn proposed(&self) -> Value {
        let before = self.git(&["status", "--porcelain"]);
        let (code, stdout, stderr) = self.run(None, &["clean", "--format", "json"]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(self.git(&["status", "--porcelain"]), before);
        serde_json::from_str(&stdout).unwrap()
    }

    /// The variants of a flag that are proposed to go.
    fn variants_of(&self, flag: &str) -> Value {
        let proposed = self.proposed();
        let found = proposed["flags"].as_array().unwrap().iter().find(|one| one["flag"] == flag);
        found.map_or(Value::Null, |one| one["removes"]["variants"]["variants"].clone())
    }
}

#[test]
fn what_nobody_is_served_any_more_is_shown_with_its_proof_and_nothing_is_written() {
    let scene = Scene::new();
    let (code, stdout, stderr) = scene.run(None, &["clean"]);
    assert_eq!(code, 0, "{stderr}");
    let words = stdout.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "1 expired flag to archive, 2 variants to remove",
        "footer expired on 2026-06-30, and everybody is served plain by rule 1 and the default: no other variant can be reached",
        "header expired on 2026-06-30; units get bold (rule 1), plain (the default)",
        "button: huge, plain can no longer be served: button-bold was decided on 2026-03-20 and button-huge was decided",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let changed = |sign: char| {
        let of_file =
            |line: &&str| line.starts_with(sign) && !line.starts_with("---") && !line.starts_with("+++");
        stdout.lines().filter(of_file).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(changed('-'), ["-  plain: plain # as it was", "-  huge: huge"]);
    assert_eq!(changed('+'), ["+archived: true"]);
    assert!(stderr.contains("Nothing was written"), "{stderr}");
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    // A patch that git takes.
    let patch = scene.0.path().join("clean.patch");
    std::fs::write(&patch, stdout.split_at(stdout.find("--- a/").unwrap()).1).unwrap();
    scene.git(&["apply", "--check", "--directory=experiments", patch.to_str().unwrap()]);
}

#[test]
fn what_is_written_lints_and_there_is_nothing_to_clean_twice() {
    let scene = Scene::new();
    let errors = |scene: &Scene| {
        let (_, stdout, _) = scene.run(None, &["lint", "--format", "json"]);
        let json: Value = serde_json::from_str(&stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        findings.iter().filter(|one| one["severity"] == "error").count()
    };
    let before = errors(&scene);
    let (code, _, stderr) = scene.run(None, &["clean", "--write"]);
    assert!(code == 0 && stderr.contains("wrote `button.flag.yaml`"), "{stderr}");
    assert!(scene.text("button.flag.yaml").contains("variants:\n  bold: bold\ndefault: bold\n"));
    assert!(scene.text("footer.flag.yaml").contains("archived: true\n"));
    assert!(!scene.text("header.flag.yaml").contains("archived"));
    assert_eq!(errors(&scene), before);
    assert_eq!(scene.proposed()["flags"], json!([]));
    let (_, stdout, _) = scene.run(None, &["clean", "button"]);
    assert!(stdout.contains("Nothing to clean"), "{stdout}");
}

#[test]
fn what_anything_still_names_or_may_serve_stays() {
    let all = json!(["huge", "plain"]);
    assert_eq!(Scene::new().variants_of("button"), all);
    for (what, edit) in [
        ("a rule", "rules:\n  - when: {country: SE}\n    serve: huge\n"),
        ("another target's default", "in: {staging: {default: huge}}\n"),
        ("another target's rule", "in: {staging: {rules: [{when: {country: SE}, serve: huge}]}}\n"),
        ("a rule behind a kill switch", "enabled: false\nrules:\n  - when: {country: SE}\n    serve: huge\n"),
    ] {
        let scene = Scene::new();
        scene.flag("button", &format!("default: bold\n{edit}"));
        assert_eq!(scene.variants_of("button"), json!(["plain"]), "{what}");
    }
    // A test that is not over, or was decided a short while ago.
    for (what, from, to) in [
        ("running", "decision:\n  outcome: roll-back\n  date: 2026-03-20\n  reason: It was so.\n", ""),
        ("recent", "date: 2026-03-20", "date: 2026-10-20"),
    ] {
        let scene = Scene::new();
        let text = scene.text("button-huge.experiment.yaml").replace(from, to);
        let text = text.replace("start: 2026-02-01, end: 2026-03-01", "start: 2026-09-01, end: 2026-12-01");
        scene.write("button-huge.experiment.yaml", &text);
        assert_eq!(scene.variants_of("button"), Value::Null, "{what}");
    }
    let scene = Scene::new();
    scene.write(
        "huge.rollout.yaml",
        "flag: button\nserve: huge\naudience: {country: SE}\nsteps: [{at: 2026-10-01, share: 10%}, {at: 2026-12-01, share: 100%}]\n",
    );
    assert_eq!(scene.variants_of("button"), json!(["plain"]), "a rollout");
}

#[test]
fn whoever_has_a_value_that_is_not_declared_is_served_too() {
    let scene = Scene::new();
    let book = scene.text("trialbook.yaml");
    let declared = "country: {type: string, stable: true, values: {SE: 50%, FI: 50%}}";
    scene.write("trialbook.yaml", &book.replace("country: {type: string, stable: true}", declared));
    scene.flag(
        "footer",
        "default: plain\nrules:\n  - when: {country: {in: [SE, FI]}}\n    serve: bold\n  - when: {country: {present: false}}\n    \
         serve: bold\nexpires: 2026-06-30\n",
    );
    let proposed = scene.proposed();
    let footer = proposed["flags"].as_array().unwrap().iter().find(|one| one["flag"] == "footer");
    assert!(footer.is_none(), "{footer:?}");
}

#[test]
fn an_expired_flag_that_a_running_test_draws_on_stays() {
    let scene = Scene::new();
    let text = scene.text("button-huge.experiment.yaml").replace("flag: button", "flag: footer");
    let text = text.replace("start: 2026-02-01, end: 2026-03-01", "start: 2026-11-01, end: 2026-12-01");
    let (text, _) = text.split_once("decision:").unwrap();
    scene.write("footer-huge.experiment.yaml", text);
    let proposed = scene.proposed();
    let of_footer = |list: &Value| list.as_array().unwrap().iter().any(|one| one["flag"] == "footer");
    assert!(!of_footer(&proposed["flags"]) && of_footer(&proposed["kept"]), "{proposed}");
}

#[test]
fn a_proposal_has_the_published_shape_and_a_wrong_name_is_an_error() {
    let scene = Scene::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/clean-v1.output.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let proposed = scene.proposed();
    let errors: Vec<_> = validator.iter_errors(&proposed).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?} in {proposed}");
    assert_eq!(proposed["flags"].as_array().unwrap().len(), 2, "{proposed}");
    let mut wrong = proposed.clone();
    wrong["flags"][0]["removes"] = json!({"everything": {}});
    assert!(!validator.is_valid(&wrong));
    let (code, _, stderr) = scene.run(None, &["clean", "buton"]);
    assert!(
        code == 3 && stderr.contains("there is no flag `buton`") && stderr.contains("button"),
        "{stderr}"
    );
    assert_eq!(scene.run(None, &["clean", "--after", "soon"]).0, 64);
}

#[test]
fn with_a_token_it_is_a_pull_request_with_the_proof_and_the_checkout_stays_as_it_is() {
    let scene = Scene::new();
    let github = GitHub::of_installation("github-actions[bot]");
    github.head("main", &scene.git(&["rev-parse", "HEAD"]));
    let (code, stdout, stderr) = scene.run(Some(&github), &["clean", "--pull-request", "main"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("https://github.com/"), "{stdout}");
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    let state = github.state();
    let pull = &state.opened[0];
    assert_eq!(pull["title"], "Clean up flags: 1 expired flag to archive, 2 variants to remove");
    assert_eq!(pull["head"], "trialbook/clean");
    assert!(
        pull["body"].as_str().unwrap().contains("no other variant can be reached in any target"),
        "{pull}"
    );
    let files: Vec<_> = state.trees[0]["tree"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    assert_eq!(files, ["experiments/button.flag.yaml", "experiments/footer.flag.yaml"]);
}

//! The workflows that the documentation shows and that `init` writes, run step by step.

mod runner;

use std::fmt::Write as _;
use std::path::Path;

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use runner::{Event, Forge, Run, git};

use crate::github::server::GitHub;

const EXPERIMENT: &str = "experiments/bold-button.experiment.yaml";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a written file");
}

fn edit(folder: &Path, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(path)).expect("a file");
    assert!(text.contains(from), "{from} is not in {path}");
    write(folder, path, &text.replacen(from, to, 1));
}

/// Returns the workflows that the pages of the documentation show.
fn documented() -> Vec<String> {
    let pages =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).expect("the documentation");
    let mut workflows = Vec::new();
    for page in pages {
        let path = page.expect("an entry").path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        workflows.extend(blocks.filter(|block| block.contains("runs-on:")).map(str::to_owned));
    }
    workflows
}

fn day(days: i64) -> Date {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.checked_add(Span::new().days(days)).expect("a date")
}

/// A book with one experiment that starts so many days from today, and its data.
fn book(folder: &Path, start: i64) {
    let (first, last) = (day(start), day(start + 28));
    write(folder, "README.md", "A shop.\n");
    write(folder, "experiments/.gitignore", "live/\n*.plan\n");
    write(
        folder,
        "experiments/trialbook.yaml",
        "book: acme-shop\nentities:\n  user: {column: user_id}\n\
         targets:\n  production: {type: flagd, store: file://live/production.json}\n\
         warehouse: {engine: duckdb}\ngithub: {repository: acme/shop}\n",
    );
    write(
        folder,
        "experiments/button.flag.yaml",
        "description: Style of the button.\nowner: team-checkout\nentity: user\ntype: string\n\
         variants: {plain: plain, bold: bold}\ndefault: plain\n",
    );
    let experiment = format!(
        "title: A bold button\nhypothesis: A bold button sells more.\nowner: team-checkout\nflag: button\n\
         allocation: 100%\ncontrol: plain\nvariants: {{plain: 50%, bold: 50%}}\n\
         schedule: {{start: {first}, end: {last}}}\nmetrics:\n  success: [{{metric: orders, mde: 50%}}]\n"
    );
    write(folder, EXPERIMENT, &experiment);
    write(
        folder,
        "experiments/orders.metric.yaml",
        "description: Orders per user on the first day.\nowner: team-checkout\nentity: user\ntype: mean\n\
         source: orders\nmeasure: {count: rows}\nwindow: 1d\nincrease_is: good\n",
    );
    write(
        folder,
        "experiments/orders.source.yaml",
        "description: Orders.\nowner: team-checkout\nfile: data/orders.csv\ntimestamp: at\n\
         entities: {user: user_id}\n",
    );
    write(
        folder,
        "experiments/exposures.source.yaml",
        "description: Exposures.\nowner: team-checkout\nfile: data/exposures.csv\ntimestamp: at\n\
         entities: {user: user_id}\nserved: served\n",
    );
    let (mut exposures, mut orders) = ("user_id,at,served\n".to_owned(), "user_id,at\n".to_owned());
    for user in 0..400 {
        let arm = if user % 2 == 0 { "plain" } else { "bold" };
        let _ = writeln!(exposures, "u{user},{first} 08:00:00,bold-button.{arm}");
        if user % 5 == 0 {
            let _ = writeln!(orders, "u{user},{first} 09:00:00");
        }
    }
    write(folder, "experiments/data/exposures.csv", &exposures);
    write(folder, "experiments/data/orders.csv", &orders);
}

fn ran(run: Option<Run>) -> Run {
    let run = run.expect("the job runs");
    assert_eq!(run.code, 0, "{:?}: {}", run.steps.last(), run.output);
    run
}

#[test]
fn the_documented_workflow_reviews_applies_analyses_and_comments() {
    let workflows = documented();
    let [workflow] = workflows.as_slice() else { panic!("{} workflows", workflows.len()) };
    let github = GitHub::of_installation("github-actions[bot]");
    let api = github.url();
    let forge = Forge::new(|folder| book(folder, -3));
    let desk = forge.desk();
    let main = git(&desk, &["rev-parse", "HEAD"]);
    github.pull(&main, 12, Some("2026-11-20T10:00:00Z"), &main, "acme/shop");
    // As the page says, nothing is served at first.
    let empty = git(&desk, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let nothing = git(&desk, &["commit-tree", &empty, "-m", "Nothing is served yet"]);
    git(&desk, &["push", "-q", "origin", &format!("{nothing}:refs/heads/live")]);

    // A pull request that may be merged.
    git(&desk, &["switch", "-q", "-c", "prose"]);
    edit(&desk, "experiments/button.flag.yaml", "Style of the button.", "How the button looks.");
    let prose = forge.push("prose", "Say it better");
    let pull = Event { name: "pull_request", sha: &prose };
    let review = ran(forge.run(workflow, "review", pull, &api));
    assert!(review.steps.contains(&"Lint what the pull request becomes".to_owned()));
    assert!(std::fs::read_to_string(review.temp.join("summary.md")).expect("a summary").contains("button"));
    assert!(forge.run(workflow, "apply", pull, &api).is_none());

    // After the merge it is served, and the launch is recorded.
    git(&desk, &["switch", "-q", "main"]);
    git(&desk, &["merge", "-q", "--ff-only", "prose"]);
    let merged = forge.push("main", "Merge");
    ran(forge.run(workflow, "apply", Event { name: "push", sha: &merged }, &api));
    let served = git(&forge.bare(), &["show", "live:production.json"]);
    assert!(served.contains("bold-button.bold"), "{served}");
    assert_eq!(
        git(&forge.bare(), &["rev-parse", "refs/trialbook/launch/bold-button^{commit}"]),
        merged,
        "the launch is recorded at the forge"
    );
    // Once more: nothing to do, and green.
    ran(forge.run(workflow, "apply", Event { name: "push", sha: &merged }, &api));

    // A pull request that changes the plan after launch is red at the lint.
    git(&desk, &["switch", "-q", "-c", "late"]);
    edit(&desk, EXPERIMENT, "mde: 50%", "mde: 40%");
    let late = forge.push("late", "Another effect");
    let review =
        forge.run(workflow, "review", Event { name: "pull_request", sha: &late }, &api).expect("a run");
    assert_eq!(review.steps.last().map(String::as_str), Some("Lint what the pull request becomes"));
    assert!(review.code == 1 && review.output.contains("::error"), "{}", review.output);
    git(&desk, &["switch", "-q", "main"]);

    // At night, one experiment runs: one comment, on the pull request that brought it.
    let night = Event { name: "schedule", sha: &merged };
    let analyse = ran(forge.run(workflow, "analyse", night, &api));
    let outcome =
        std::fs::read_to_string(analyse.temp.join("outcomes/bold-button.json")).expect("an outcome");
    assert!(outcome.contains("verified"), "{outcome}");
    assert_eq!(github.bodies(12).len(), 1);
    ran(forge.run(workflow, "analyse", night, &api));
    assert_eq!(github.bodies(12).len(), 1, "the next night edits it");
}

#[test]
fn the_nightly_job_is_green_where_nothing_runs() {
    let workflows = documented();
    let github = GitHub::of_installation("github-actions[bot]");
    let forge = Forge::new(|folder| book(folder, 7));
    git(&forge.bare(), &["update-ref", "refs/trialbook/none", "main"]);
    let main = git(&forge.desk(), &["rev-parse", "HEAD"]);
    let run = ran(forge.run(&workflows[0], "analyse", Event { name: "schedule", sha: &main }, &github.url()));
    assert_eq!(run.steps.last().map(String::as_str), Some("Comment"));
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn the_workflow_that_init_writes_runs_as_it_is() {
    let forge = Forge::new(|folder| write(folder, "README.md", "A shop.\n"));
    let desk = forge.desk();
    git(&desk, &["switch", "-q", "-c", "book"]);
    let mut init = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    let output = init.current_dir(&desk).env_remove("TRIALBOOK_BOOK").arg("init").output().expect("a run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What commands make beside the book is not committed.
    write(&desk, "experiments/live/production.json", "{}");
    write(&desk, "experiments/outcomes/a.json", "{}");
    write(&desk, "experiments/production.plan", "{}");
    write(&desk, "experiments/warehouse.duckdb.wal", "");
    let sha = forge.push("book", "Begin a book");
    let tracked = git(&desk, &["ls-files"]);
    assert!(
        !tracked.contains("live/") && !tracked.contains("outcomes") && !tracked.contains("plan\n"),
        "{tracked}"
    );
    assert!(!tracked.contains("duckdb") && tracked.contains("experiments/.gitignore"), "{tracked}");
    let workflow =
        std::fs::read_to_string(desk.join(".github/workflows/experiments.yml")).expect("a workflow");
    assert!(!workflow.contains("FOLDER") && !workflow.contains("RELEASE") && !workflow.contains("PATTERN"));
    assert!(workflow.contains(concat!("TRIALBOOK_VERSION: ", env!("CARGO_PKG_VERSION"))), "{workflow}");
    // The launch refs are fetched where there are none, too.
    let run =
        ran(forge.run(&workflow, "review", Event { name: "pull_request", sha: &sha }, "http://127.0.0.1:1"));
    assert_eq!(run.steps.last().map(String::as_str), Some("Format"));
    assert!(run.steps.contains(&"Lint what the pull request becomes".to_owned()));
    // A change that does not fit is red.
    edit(&desk, "experiments/checkout/checkout-button.flag.yaml", "default: plain", "default: none");
    let sha = forge.push("book", "A mistake");
    let run = forge.run(&workflow, "review", Event { name: "pull_request", sha: &sha }, "http://127.0.0.1:1");
    assert_eq!(run.map(|run| run.code), Some(1));
}

/// Returns a workflow that `init --ci github` has written at the desk.
fn written(forge: &Forge, name: &str) -> String {
    std::fs::read_to_string(forge.desk().join(format!(".github/workflows/trialbook-{name}.yml")))
        .expect("a workflow")
}

#[test]
fn the_workflows_that_init_writes_review_a_fork_s_pull_request_and_comment_it_without_its_code() {
    let forge = Forge::new(|folder| book(folder, 7));
    let desk = forge.desk();
    let github = GitHub::of_installation("github-actions[bot]");
    let init = || {
        let mut init = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
        let output =
            init.current_dir(&desk).env_remove("TRIALBOOK_BOOK").args(["init", "--ci", "github"]).output();
        let output = output.expect("a run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(init().contains("made `.github/workflows/trialbook-comment.yml`"));
    assert!(init().contains("`.github/workflows/trialbook-comment.yml` is left as it is"));
    git(&forge.bare(), &["update-ref", "refs/trialbook/none", "main"]);
    forge.push("main", "Let CI do it");
    for name in ["pull-request", "comment", "apply", "drift", "results"] {
        let text = written(&forge, name);
        assert!(!text.contains("FOLDER") && !text.contains("RELEASE") && !text.contains("PATTERN"), "{text}");
    }

    git(&desk, &["switch", "-q", "-c", "bold"]);
    edit(&desk, EXPERIMENT, "A bold button", "A bolder button");
    let sha = forge.push("bold", "Say it better");
    github.branch(7, "mallory:bold", &sha, true);
    let pull = Event { name: "pull_request", sha: &sha };
    ran(forge.run(&written(&forge, "pull-request"), "review", pull, &github.url()));
    assert!(github.state().log.is_empty(), "the run for a pull request asks GitHub nothing");
    let main = git(&desk, &["rev-parse", "main"]);
    let after = Event { name: "workflow_run", sha: &main };
    ran(forge.run(&written(&forge, "comment"), "comment", after, &github.url()));
    let body = github.bodies(7).remove(0);
    assert!(
        body.contains("### ✅ Ready to merge")
            && body.contains(": 1 flag to add")
            && body.contains("`bold-button`"),
        "{body}"
    );
    assert_eq!(github.state().statuses[&sha][0]["state"], "success");

    // An error is red, and the comment says so.
    edit(&desk, EXPERIMENT, "control: plain", "control: none");
    let sha = forge.push("bold", "A mistake");
    github.branch(7, "mallory:bold", &sha, true);
    let review = forge.run(
        &written(&forge, "pull-request"),
        "review",
        Event { name: "pull_request", sha: &sha },
        &github.url(),
    );
    assert_eq!(review.map(|run| run.code), Some(1));
    ran(forge.run(&written(&forge, "comment"), "comment", after, &github.url()));
    let bodies = github.bodies(7);
    assert!(bodies.len() == 1 && bodies[0].contains("### ⛔ Not ready to merge: "), "{bodies:?}");
    assert_eq!(github.state().statuses[&sha][0]["state"], "failure");
}

#[test]
fn the_workflows_that_init_writes_apply_a_merge_and_comment_its_results() {
    let forge = Forge::new(|folder| book(folder, -3));
    let desk = forge.desk();
    let github = GitHub::of_installation("github-actions[bot]");
    let mut init = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    init.current_dir(&desk).env_remove("TRIALBOOK_BOOK").args(["init", "--ci", "github"]).assert().success();
    let first = git(&desk, &["rev-parse", "HEAD"]);
    git(&forge.bare(), &["update-ref", "refs/trialbook/none", "main"]);
    github.pull(&first, 12, Some("2026-11-20T10:00:00Z"), &first, "acme/shop");
    let main = forge.push("main", "Let CI do it");
    ran(forge.run(&written(&forge, "apply"), "apply", Event { name: "push", sha: &main }, &github.url()));
    assert_eq!(git(&forge.bare(), &["rev-parse", "refs/trialbook/launch/bold-button^{commit}"]), main);
    let night = Event { name: "schedule", sha: &main };
    ran(forge.run(&written(&forge, "results"), "results", night, &github.url()));
    assert_eq!(github.bodies(12).len(), 1);
}

#[test]
fn the_gitlab_file_names_the_book_and_the_version() {
    let forge = Forge::new(|folder| book(folder, 7));
    let mut init = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    init.current_dir(forge.desk())
        .env_remove("TRIALBOOK_BOOK")
        .args(["init", "--ci", "gitlab"])
        .assert()
        .success();
    let text = std::fs::read_to_string(forge.desk().join(".gitlab/trialbook.yml")).expect("a file");
    let file: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(file["variables"]["TRIALBOOK_BOOK"].as_str(), Some("experiments"));
    assert_eq!(file["variables"]["TRIALBOOK_VERSION"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert!(file["trialbook review"]["artifacts"]["reports"]["codequality"].as_str().is_some());
}

//! The story that the demonstration tells, and its tables.

use std::path::Path;

use crate::app::demo::{Generated, Truth};

/// When the experiments are launched: before the first of them begins.
const LAUNCH: &str = "2026-11-01";
/// When they are looked at: the instant at which the example book lints clean.
const TODAY: &str = "2026-12-01";

/// A part of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scene {
    /// A sentence.
    Sentence(String),
    /// A file of the book is shown.
    File(&'static str),
    /// A command is run, and does its work.
    Command(Vec<String>),
    /// A command is run while two experiments collide, and finds it.
    Collision(Vec<String>),
    /// The warehouse is generated.
    Warehouse,
    /// The true effects are shown beside their estimates.
    Truths,
    /// A line is shown as it is.
    Line(String),
}

/// Returns the story of a demonstration in a folder; `program` is what its reader can call the program by, quoted for a shell.
pub fn story(folder: &Path, program: Option<&str>) -> Vec<Scene> {
    let sentence = |text: &str| Scene::Sentence(text.to_owned());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let command = |arguments: &[&str]| Scene::Command(words(arguments));
    let context =
        r#"{"targetingKey": "user-000001", "country": "SE", "platform": "ios", "app_version": "8.4.0"}"#;
    let mut story = vec![
        sentence("A book: flags, experiments, metrics and layers as YAML in a git repository."),
        Scene::Sentence(format!("It is in {}, and this is one of its experiments:", folder.display())),
        Scene::File("checkout/bold-checkout-button.experiment.yaml"),
        sentence(
            "In CI, every pull request is linted. A second test of the same button, open to the same people:",
        ),
        Scene::Collision(words(&["lint", "--at", TODAY])),
        sentence("For other customers it can run. Now nothing collides:"),
        command(&["lint", "--at", TODAY]),
        sentence("After the merge CI plans what will change in the flag back end, and applies exactly that:"),
        command(&["plan", "--at", LAUNCH, "--out", "launch.plan"]),
        command(&["apply", "launch.plan", "--at", LAUNCH]),
        sentence("The flag clients now serve it. Planning again finds nothing to do:"),
        command(&["plan", "--at", LAUNCH, "--detailed-exitcode"]),
        sentence("Who gets what, and why? For one user, the same answer as the client gives:"),
        command(&[
            "evaluate",
            "checkout-button",
            "checkout-flow",
            "--at",
            "2026-11-10",
            "--context",
            context,
        ]),
        sentence("Four weeks pass. People visit, search and buy; the clients write exposures:"),
        Scene::Warehouse,
        sentence(
            "A scheduled job analyses every experiment in the warehouse, by the plan that was frozen at launch:",
        ),
        command(&["analyze", "--as-of", TODAY, "--out", "outcomes"]),
    ];
    for (key, why) in [
        ("bold-checkout-button", "The comment on the pull request that launched the bold button:"),
        ("one-page-checkout", "Not everything that is tried is better. The checkout on one page:"),
        ("home-recommendations", "Some are not finished, and show no effect too early:"),
        ("search-autocomplete", "And one cannot be trusted, however good its numbers look:"),
    ] {
        story.extend([sentence(why), command(&["report", &format!("outcomes/{key}.json")])]);
    }
    story.extend([
        sentence("The data was generated, so here the truth is known:"),
        Scene::Truths,
        sentence("On a pull request this is one comment, which the next run edits. The folder stays, so that you can try more:"),
        Scene::Line(format!("  cd {}", folder.display())),
    ]);
    story.extend(program.map(|program| Scene::Line(format!("  alias trialbook={program}"))));
    for more in [
        "comment --from outcomes/bold-checkout-button.json --dry-run",
        "report outcomes/bold-checkout-button.json --verbose",
        "explain overlapping-experiments",
    ] {
        story.push(Scene::Line(format!("  trialbook {more}")));
    }
    story
}

/// Returns how much was generated.
pub fn generated(generated: &Generated) -> String {
    let Generated { users, events } = generated;
    let all: u64 = events.iter().map(|(_, rows)| rows).sum();
    let counts: Vec<String> =
        events.iter().map(|(table, rows)| format!("{rows} {}", table.replace('_', " "))).collect();
    format!("  {users} users, {all} events: {}", counts.join(", "))
}

/// Returns the true effects beside their estimates, as lines.
pub fn truths(truths: &[Truth]) -> Vec<String> {
    let head =
        format!("  {:<22} {:<22} {:>8} {:>10}   95 % interval", "experiment", "metric", "truth", "estimate");
    let row = |truth: &Truth| {
        let (estimate, interval) = match truth.estimate {
            Some(found) => {
                (percent(found.lift), format!("{} … {}", percent(found.lower), percent(found.upper)))
            }
            None => ("–".to_owned(), "not measured".to_owned()),
        };
        let (experiment, metric) = (truth.experiment, truth.metric);
        format!("  {experiment:<22} {metric:<22} {:>8} {estimate:>10}   {interval}", percent(truth.truth))
    };
    let lost = "  search-autocomplete loses one in seven web units of `popular` before they are counted.";
    std::iter::once(head).chain(truths.iter().map(row)).chain([lost.to_owned()]).collect()
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0).replace('-', "−")
}

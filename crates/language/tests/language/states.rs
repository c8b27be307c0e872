//! What experiments, rollouts and holdouts are doing, to the second: derived from what the book says and from the time.

use jiff::{SignedDuration, Timestamp};
use trialbook_language::load::{RawFile, load};
use trialbook_model::{Book, ExperimentState, HoldoutState, Rollout, RolloutState, Share};

const EXPERIMENT: &str = "
title: A button
hypothesis: It sells more.
owner: team
flag: button
allocation: [{at: 2026-11-25, share: 5%}, {at: 2026-11-27, share: 20%}]
control: 'off'
variants: equal
schedule: {start: 2026-11-25, end: 2026-12-16}
metrics:
  success: [{metric: spend, mde: 5%}]
  guardrails: [{metric: everything, margin: 5%}]
  exploratory: [year]
";

const ROLLOUT: &str = "
flag: button
serve: 'on'
steps: [{at: 2026-11-25, share: 1%}, {at: 2026-11-27, share: 10%}, {at: 2026-12-01, share: 100%}]
";

/// A book in Stockholm, whose midnights are 23:00 UTC in winter.
fn book(experiment: &str, rollout: &str) -> Book {
    let metric = |window: &str| {
        format!(
            "description: A metric.\nentity: user\ntype: mean\nsource: orders\nmeasure: {{sum: amount}}\nwindow: {window}\nincrease_is: good\n"
        )
    };
    let files = [
        (
            "trialbook.yaml",
            "book: shop\ntimezone: Europe/Stockholm\nentities: {user: {column: user_id}}\nsurfaces: {checkout: {}}\n".to_owned(),
        ),
        (
            "button.flag.yaml",
            "description: A button.\nowner: team\nsurfaces: [checkout]\nentity: user\ntype: boolean\nvariants: {'off': false, 'on': true}\ndefault: 'off'\n".to_owned(),
        ),
        ("spend.metric.yaml", metric("7d")),
        ("everything.metric.yaml", metric("open")),
        ("year.metric.yaml", metric("365d")),
        (
            "orders.source.yaml",
            "table: orders\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: amount}\n".to_owned(),
        ),
        ("button.experiment.yaml", experiment.to_owned()),
        ("button.rollout.yaml", rollout.to_owned()),
        (
            "2026-q4.holdout.yaml",
            "description: The quarter.\nshare: 5%\nsurfaces: [checkout]\nschedule: {start: 2026-10-01, end: 2027-01-01}\n".to_owned(),
        ),
    ];
    let files = files.map(|(path, text)| RawFile { path: path.into(), bytes: text.into_bytes() });
    let loaded = load(files.into());
    loaded.book.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The last second before an instant, and the instant.
fn around(text: &str) -> [Timestamp; 2] {
    [at(text) - SignedDuration::from_secs(1), at(text)]
}

fn states(book: &Book, instants: [Timestamp; 2]) -> [ExperimentState; 2] {
    let experiment = book.experiments.values().next().expect("an experiment");
    instants.map(|now| book.state_at(experiment, now))
}

#[test]
fn an_experiment_runs_matures_and_is_overdue_from_the_second_on() {
    use ExperimentState::{Maturing, Overdue, Running, Scheduled};
    let book = book(EXPERIMENT, ROLLOUT);
    assert_eq!(states(&book, around("2026-11-24T23:00:00Z")), [Scheduled, Running]);
    assert_eq!(states(&book, around("2026-12-15T23:00:00Z")), [Running, Maturing]);
    // Seven days, of the success metric: an open window closes at once, and exploration waits for nothing.
    assert_eq!(states(&book, around("2026-12-22T23:00:00Z")), [Maturing, Overdue]);
    assert_eq!(states(&book, [at("2027-06-01T00:00:00Z"), Timestamp::MAX]), [Overdue, Overdue]);
}

#[test]
fn an_experiment_is_served_until_the_grace_is_over_or_it_is_decided() {
    let window = |text: &str| {
        let book = book(text, ROLLOUT);
        let experiment = book.experiments.values().next().expect("an experiment");
        book.serving_window(experiment).map(|window| (window.start(), window.end()))
    };
    let start = at("2026-11-24T23:00:00Z");
    assert_eq!(window(EXPERIMENT), Some((start, at("2027-01-05T23:00:00Z"))));
    let decided = |date: &str| {
        format!("{EXPERIMENT}decision: {{outcome: roll-back, date: {date}, reason: It did not help.}}\n")
    };
    assert_eq!(window(&decided("2026-12-01")), Some((start, at("2026-11-30T23:00:00Z"))));
    assert_eq!(
        window(&decided("2027-03-01")),
        Some((start, at("2027-01-05T23:00:00Z"))),
        "the grace is over by then"
    );
    assert_eq!(window(&decided("2026-11-25")), None, "decided before it began");
    let book = book(&decided("2026-12-01"), ROLLOUT);
    let expected = [ExperimentState::Running, ExperimentState::Concluded];
    assert_eq!(states(&book, around("2026-11-30T23:00:00Z")), expected);
}

#[test]
fn a_ramp_grows_at_its_steps() {
    let book = book(EXPERIMENT, ROLLOUT);
    let experiment = book.experiments.values().next().expect("an experiment");
    let shares =
        |instants: [Timestamp; 2]| instants.map(|now| experiment.allocation.share_at(now).to_string());
    assert_eq!(shares(around("2026-11-24T23:00:00Z")), ["0%", "5%"]);
    assert_eq!(shares(around("2026-11-26T23:00:00Z")), ["5%", "20%"]);
    assert_eq!(experiment.allocation.largest(), Share::from_percent(20).expect("a share"));
}

fn rollout(book: &Book) -> &Rollout {
    book.rollouts.values().next().expect("a rollout")
}

#[test]
fn a_rollout_without_guardrails_steps_by_itself() {
    use RolloutState::{Complete, Scheduled, Stepping};
    let book = book(EXPERIMENT, ROLLOUT);
    let rollout = rollout(&book);
    let state = |instants: [Timestamp; 2]| instants.map(|now| rollout.state_at(now, 0));
    assert_eq!(state(around("2026-11-24T23:00:00Z")), [Scheduled, Stepping]);
    assert_eq!(state(around("2026-11-26T23:00:00Z")), [Stepping, Stepping]);
    assert_eq!(around("2026-11-26T23:00:00Z").map(|now| rollout.served_at(now, 0)), [1, 2]);
    assert_eq!(state(around("2026-11-30T23:00:00Z")), [Stepping, Complete]);
    assert_eq!(rollout.complete_at(), Some(at("2026-11-30T23:00:00Z")));
    assert!(rollout.serving_window().is_endless());
}

#[test]
fn a_rollout_with_guardrails_is_held_until_a_step_is_approved() {
    use RolloutState::{Complete, Held, Scheduled, Stepping};
    let book = book(EXPERIMENT, &format!("{ROLLOUT}guardrails: [{{metric: spend, margin: 2%}}]\n"));
    let rollout = rollout(&book);
    let state = |instants: [Timestamp; 2], approved| instants.map(|now| rollout.state_at(now, approved));
    assert_eq!(state(around("2026-11-24T23:00:00Z"), 0), [Scheduled, Held]);
    assert_eq!(state(around("2026-11-24T23:00:00Z"), 1), [Scheduled, Stepping]);
    assert_eq!(state(around("2026-11-26T23:00:00Z"), 1), [Stepping, Held]);
    assert_eq!(state(around("2026-11-30T23:00:00Z"), 2), [Stepping, Held]);
    assert_eq!(state(around("2026-11-30T23:00:00Z"), 3), [Stepping, Complete]);
    // An approval does not bring a step forward.
    assert_eq!(around("2026-11-26T23:00:00Z").map(|now| rollout.served_at(now, 3)), [1, 2]);
    assert_eq!(rollout.served_at(Timestamp::MAX, 99), 3);
}

#[test]
fn a_holdout_holds_from_its_start_until_its_end() {
    let book = book(EXPERIMENT, ROLLOUT);
    let holdout = book.holdouts.values().next().expect("a holdout");
    let state = |instants: [Timestamp; 2]| instants.map(|now| holdout.state_at(now));
    // Summer time still.
    assert_eq!(state(around("2026-09-30T22:00:00Z")), [HoldoutState::Scheduled, HoldoutState::Holding]);
    assert_eq!(state(around("2026-12-31T23:00:00Z")), [HoldoutState::Holding, HoldoutState::Ended]);
}

#[test]
fn a_holdout_covers_what_starts_on_its_surfaces_while_it_lasts() {
    let covered = |start: &str, end: &str, surfaces: &str| {
        let text = EXPERIMENT
            .replace(
                "allocation: [{at: 2026-11-25, share: 5%}, {at: 2026-11-27, share: 20%}]",
                "allocation: 20%",
            )
            .replace("{start: 2026-11-25, end: 2026-12-16}", &format!("{{start: {start}, end: {end}}}"));
        let book = book(&format!("{text}{surfaces}"), ROLLOUT);
        let experiment = book.experiments.values().next().expect("an experiment");
        book.holdouts_over(experiment).count() == 1
    };
    assert!(covered("2026-10-01", "2026-10-20", ""));
    assert!(!covered("2026-09-30", "2026-10-20", ""), "it was there before the holdout");
    assert!(covered("2026-12-31", "2027-01-20", "surfaces: [checkout]\n"));
    assert!(!covered("2027-01-01", "2027-01-20", ""));
}

//! From a book's files to what a target serves, and what a change of the files means for the people in it.

use std::path::Path;

use jiff::Timestamp;
use trialbook::allocation::Approvals;
use trialbook::load::{RawFile, load};
use trialbook::model::{Book, TargetKey};
use trialbook::plan::{Changes, LaunchInfo, Options, Plan, desired};
use trialbook::target::{Flagd, Memory, Target};

const BOOK: &str = "
book: shop
entities: {user: {column: user_id}, account: {column: account_id, context: account_id}}
attributes:
  country:     {type: string, stable: true}
  app_version: {type: version}
  employee:    {type: boolean}
surfaces: {checkout: {owner: team-checkout}}
targets:
  production: {type: flagd, store: 'file://live/production.json', primary: true, evaluators: [javascript-4]}
";

const FLAG: &str = "
description: Style of the checkout button.
owner: team-checkout
surfaces: [checkout]
entity: user
type: object
variants:
  plain: {colour: green}
  bold:  {colour: orange}
default: plain
rules:
  - when: {segment: employees}
    serve: bold
";

const EXPERIMENT: &str = "
title: A bold checkout button
hypothesis: An orange button makes more visitors finish their purchase.
owner: team-checkout
surfaces: [checkout]
flag: checkout-button
audience: {country: {in: [SE, FI]}, not: {segment: employees}}
layer: checkout
allocation: 20%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-11-25, end: 2026-12-16}
metrics: {success: [{metric: purchases, mde: 2%}]}
";

const LAYER: &str = "
description: Everything that changes the checkout page.
entity: user
salt: checkout-2026
slots:
  - {buckets: 0-1999, experiment: bold-button}
";

const SEGMENT: &str = "description: Who works here.\naudience: {employee: true}\n";

const METRIC: &str = "
description: Purchases.
owner: team-checkout
entity: user
type: mean
source: purchases
measure: {count: rows}
window: 7d
increase_is: good
";

const SOURCE: &str = "
description: Purchases.
table: purchases
timestamp: purchased_at
entities: {user: user_id}
";

/// The book with some of its files in another form; an empty text is no file.
fn book(changed: &[(&str, &str)]) -> Book {
    let files = [
        ("trialbook.yaml", BOOK),
        ("checkout-button.flag.yaml", FLAG),
        ("bold-button.experiment.yaml", EXPERIMENT),
        ("checkout.layer.yaml", LAYER),
        ("employees.segment.yaml", SEGMENT),
        ("purchases.metric.yaml", METRIC),
        ("purchases.source.yaml", SOURCE),
    ];
    let files = files.map(|(path, text)| {
        let text = changed.iter().find(|(other, _)| *other == path).map_or(text, |(_, text)| text);
        RawFile { path: path.into(), bytes: text.as_bytes().to_vec() }
    });
    let loaded = load(files.into_iter().filter(|file| !file.bytes.is_empty()).collect());
    let problems: Vec<_> = loaded.findings.iter().map(|finding| finding.message.clone()).collect();
    loaded.book.unwrap_or_else(|| panic!("no book: {problems:?}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

const NOW: &str = "2026-11-20T00:00:00Z";

fn plan(target: &dyn Target, book: &Book, now: &str) -> Plan {
    let live = target.read().expect("a live state");
    let options = Options { primary: true, ..Options::default() };
    let key = TargetKey::new("production").expect("a key");
    let desired = desired(book, at(now), &Approvals::default());
    Plan::new(key, target.identity().into(), book.name.clone(), None, &live, &desired, at(now), &options)
        .expect("a plan")
}

fn apply(target: &dyn Target, book: &Book, now: &str) {
    let live = target.read().expect("a live state");
    let launch = LaunchInfo { now: at(now), commit: None, digests: [].into() };
    let changes: Changes = plan(target, book, now).changes(&live, &launch);
    target.write(&changes, &live.version).expect("a write");
}

/// What a change of one file means, as the plan says it.
fn consequences(changed: &[(&str, &str)], now: &str) -> Vec<String> {
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    let plan = plan(&target, &book(changed), now);
    plan.actions.iter().flat_map(|action| &action.changes).map(ToString::to_string).collect()
}

#[test]
fn a_book_is_served_as_flagd_reads_it() {
    let state = desired(&book(&[]), at(NOW), &Approvals::default());
    let (key, flag) = state.flags.first_key_value().expect("a flag");
    let file = Flagd::open("shop", "file://live/production.json", Path::new(".")).expect("a store");
    insta::assert_snapshot!(file.render(key, flag).expect("an expressible flag"));
}

#[test]
fn a_first_plan_says_what_begins() {
    let plan = plan(&Memory::new("shop"), &book(&[]), NOW);
    let lines: Vec<_> =
        plan.actions.iter().flat_map(|action| &action.changes).map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(plan.actions.first().expect("an action").launches.len(), 1);
}

#[test]
fn a_grown_allocation_moves_nobody() {
    let slots = LAYER.replace("0-1999", "0-3999");
    let experiment = EXPERIMENT.replace("allocation: 20%", "allocation: 40%");
    let changed =
        [("checkout.layer.yaml", slots.as_str()), ("bold-button.experiment.yaml", experiment.as_str())];
    insta::assert_snapshot!(consequences(&changed, NOW).join("\n"));
}

#[test]
fn changes_are_said_one_by_one() {
    let flag = FLAG
        .replace("plain: {colour: green}", "plain: {colour: blue}\n  round: {colour: green}")
        .replace("default: plain", "default: bold")
        .replace("team-checkout", "team-shop")
        .replace("  - when", "  - when: {country: US}\n    serve: round\n  - when");
    let experiment =
        EXPERIMENT.replace("in: [SE, FI]", "in: [SE]").replace("50%, bold: 50%", "60%, bold: 40%");
    let changed =
        [("checkout-button.flag.yaml", flag.as_str()), ("bold-button.experiment.yaml", experiment.as_str())];
    insta::assert_snapshot!(consequences(&changed, NOW).join("\n"));
}

#[test]
fn the_kill_switch_ends_the_experiment_too() {
    let flag = format!("{FLAG}enabled: false\n");
    insta::assert_snapshot!(consequences(&[("checkout-button.flag.yaml", &flag)], NOW).join("\n"));
}

#[test]
fn an_experiment_is_served_until_its_grace_has_passed_or_it_is_decided() {
    let served = |changed: &[(&str, &str)], now: &str| {
        let state = desired(&book(changed), at(now), &Approvals::default());
        let flag = state.flags.values().next().expect("a flag").clone();
        (flag.experiments().count(), flag.entries.len())
    };
    // Enrolment ends on the 16th; the metric's window and the grace are 21 days more.
    assert_eq!(served(&[], "2027-01-05T23:59:59Z"), (1, 4));
    assert_eq!(served(&[], "2027-01-06T00:00:00Z"), (0, 2));
    let decided = format!(
        "{EXPERIMENT}decision: {{outcome: inconclusive, date: 2026-12-20, reason: No difference.}}\n"
    );
    let decided = [("bold-button.experiment.yaml", decided.as_str())];
    assert_eq!(served(&decided, "2026-12-19T23:59:59Z"), (1, 4));
    assert_eq!(served(&decided, "2026-12-20T00:00:00Z"), (0, 2));
}

#[test]
fn an_archived_flag_is_not_served() {
    let flag = format!("{FLAG}archived: true\n");
    let gone = [("checkout-button.flag.yaml", flag.as_str()), ("bold-button.experiment.yaml", "")];
    let layer = LAYER.replace("slots:\n  - {buckets: 0-1999, experiment: bold-button}", "slots: []");
    let gone = [gone[0], gone[1], ("checkout.layer.yaml", layer.as_str())];
    assert_eq!(consequences(&gone, NOW), ["no longer served"]);
}

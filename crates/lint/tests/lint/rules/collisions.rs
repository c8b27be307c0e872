//! When experiments collide, and when they do not.

use super::{Example, ExampleFile, Shows, findings, listed};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// An experiment on `checkout-button` from 1 to 15 December, served at most until 5 January: a window of 7 days and
/// a grace of 14 follow its end.
const EXPERIMENT: &str = "title: A bold checkout button
hypothesis: A bold button is found sooner.
owner: team-checkout
flag: checkout-button
allocation: 20%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-12-01, end: 2026-12-15}
metrics:
  success: [{metric: purchases-per-user, mde: 2%}]
  guardrails: [{metric: refund-rate, margin: 5%}]
";

const DATES: &str = "start: 2026-12-01, end: 2026-12-15";

fn with(line: &str) -> String {
    format!("{EXPERIMENT}{line}\n")
}

fn found(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let file = |(path, text): &(&str, &str)| ExampleFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
        excerpt: false,
        before: false,
    };
    let files = files.iter().map(file).collect();
    let mut found = findings(&Example { shows: Shows::Fires, files });
    // Who answers for these files, and where they are seen, is not what they are about.
    found.retain(|finding| !["no-owner", "no-surface"].contains(&finding.rule));
    found
}

/// The findings about two experiments `one` and `two` beside other files.
fn pair(one: &str, two: &str, others: &[(&str, &str)]) -> Vec<Diagnostic> {
    found(&[&[("one.experiment.yaml", one), ("two.experiment.yaml", two)], others].concat())
}

#[track_caller]
fn assert_collision<'a>(found: &'a [Diagnostic], rule: &str) -> &'a Diagnostic {
    let [finding] = found else { panic!("not one finding:\n{}", listed(found)) };
    assert_eq!(finding.rule, rule, "{}", listed(found));
    finding
}

#[track_caller]
fn assert_silent(found: &[Diagnostic]) {
    assert!(found.is_empty(), "\n{}", listed(found));
}

#[test]
fn experiments_collide_until_serving_ends_and_not_a_moment_longer() {
    let from = |start: &str| EXPERIMENT.replace(DATES, &format!("start: {start}, end: 2027-02-01"));
    assert_collision(&pair(EXPERIMENT, &from("2027-01-04T23:59:00Z"), &[]), "overlapping-experiments");
    assert_silent(&pair(EXPERIMENT, &from("2027-01-05"), &[]));
}

#[test]
fn a_planned_decision_ends_serving() {
    let decided = with("decision: {outcome: aborted, date: 2026-12-03, reason: The page goes.}");
    assert_collision(&pair(&decided, EXPERIMENT, &[]), "overlapping-experiments");
    let later = EXPERIMENT.replace(DATES, "start: 2026-12-03, end: 2026-12-15");
    assert_silent(&pair(&decided, &later, &[]));
}

#[test]
fn what_is_concluded_is_over() {
    let past = EXPERIMENT.replace(DATES, "start: 2026-10-01, end: 2026-10-15");
    let concluded =
        format!("{past}decision: {{outcome: inconclusive, date: 2026-11-01, reason: No change.}}\n");
    assert_silent(&pair(&concluded, &concluded, &[]));
}

#[test]
fn a_rule_takes_units_away_before_experiments_get_them() {
    let flag = "description: Style of the checkout button.
owner: team-checkout
entity: user
type: string
variants: {plain: green, bold: orange}
default: plain
rules: [{when: {segment: nordic}, serve: bold}]
";
    let segment = "description: Customers in the north.\naudience: {country: {in: [SE, FI]}}\n";
    let (one, two) =
        (with("audience: {country: {in: [SE, US]}}"), with("audience: {country: {in: [SE, FI]}}"));
    let some = two.replace("[SE, FI]}", "[SE, FI]}, age_days: {present: true}");
    let others = [("checkout-button.flag.yaml", flag), ("nordic.segment.yaml", segment)];
    let found = pair(&one, &some, &others);
    assert_collision(&found, "unreachable-experiment");
    let without = [("nordic.segment.yaml", segment)];
    let found = pair(&one, &with("audience: {segment: nordic}"), &without);
    let finding = assert_collision(&found, "overlapping-experiments");
    let witness = finding.witness.as_ref().expect("a witness");
    assert_eq!(witness.get("country"), Some(&serde_json::json!("SE")));
}

#[test]
fn what_cannot_be_decided_is_an_error_that_reports_it() {
    let (one, two) = ("^[ab]*a[ab]{20}$", "^[ab]*b[ab]{20}$");
    let found = of_patterns(one, two);
    let finding = assert_collision(&found, "overlapping-experiments");
    assert!(
        finding.message.starts_with("it is undecided whether two experiments on `checkout-button`"),
        "{}",
        finding.message
    );
    assert!(finding.message.contains("`email`"), "{}", finding.message);
    assert!(finding.witness.is_none() && finding.overlap.is_none());
}

#[test]
fn regular_expressions_collide_where_one_text_matches_both() {
    let found = of_patterns("^[a-f]{9}[0-9]+@", "^([a-f][a-f0-9])+[13579]@[^.]+$");
    let finding = assert_collision(&found, "overlapping-experiments");
    let witness = finding.witness.as_ref().expect("a witness");
    assert_eq!(witness.get("email"), Some(&serde_json::json!("aaaaaaaaa01@a")));
    assert!(of_patterns("^(ab){7}$", "^(ba){7}$").is_empty());
}

/// What is found where two experiments' audiences are each the emails that match a pattern. No target: flagd has none.
fn of_patterns(one: &str, two: &str) -> Vec<Diagnostic> {
    let target = "targets: {production: {type: flagd, store: \"file://live/production.json\"}}\n";
    let book = include_str!("../../../../../tests/rules/base/trialbook.yaml").replace(target, "");
    let matching = |pattern: &str| with(&format!("audience: {{email: {{matches: '{pattern}'}}}}"));
    pair(&matching(one), &matching(two), &[("trialbook.yaml", &book)])
}

#[test]
fn different_layers_do_not_keep_experiments_apart() {
    let layer = |experiment: &str| {
        format!(
            "description: A layer.\nentity: user\nslots: [{{buckets: 0-1999, experiment: {experiment}}}]\n"
        )
    };
    let found = pair(
        &with("layer: left"),
        &with("layer: right"),
        &[("left.layer.yaml", &layer("one")), ("right.layer.yaml", &layer("two"))],
    );
    let finding = assert_collision(&found, "overlapping-experiments");
    let overlap = finding.overlap.expect("everyone is in both audiences");
    assert!((overlap.share - 0.04).abs() < 1e-12, "{overlap:?}");
    assert!(
        finding.notes.iter().any(|note| note.contains("different layers, `left` and `right`")),
        "{:?}",
        finding.notes
    );
}

#[test]
fn two_draws_of_one_salt_are_one_draw() {
    let half = with("salt: shared").replace("20%", "50%");
    let mut found = pair(&with("salt: shared"), &half, &[]);
    assert!(found.iter().any(|finding| finding.rule == "shared-salt"), "{}", listed(&found));
    found.retain(|finding| finding.rule != "shared-salt");
    let finding = assert_collision(&found, "overlapping-experiments");
    let overlap = finding.overlap.expect("everyone is in both audiences");
    assert!((overlap.share - 0.2).abs() < 1e-12, "{overlap:?}");
}

#[test]
fn a_freed_bucket_rests_for_the_quarantine() {
    let layer = |quarantine: &str| {
        format!(
            "description: A layer.\nentity: user\nquarantine: {quarantine}\nslots:\n  \
             - {{buckets: 0-1999, experiment: one}}\n  - {{buckets: 1000-2999, experiment: two}}\n"
        )
    };
    let later = EXPERIMENT.replace(DATES, "start: 2027-01-10, end: 2027-02-01");
    let slots = |quarantine: &str| {
        pair(
            &with("layer: checkout"),
            &format!("{later}layer: checkout\n"),
            &[("checkout.layer.yaml", &layer(quarantine))],
        )
    };
    assert_silent(&slots("0d"));
    assert_silent(&slots("5d"));
    let found = slots("6d");
    let finding = assert_collision(&found, "overlapping-slots");
    assert!(finding.message.contains("buckets 1000-1999"), "{}", finding.message);
    assert!(finding.notes.iter().any(|note| note.contains("rests for 6d")), "{:?}", finding.notes);
}

#[test]
fn each_colliding_pair_is_reported_once() {
    let files: Vec<(String, &str)> = (0..5).map(|i| (format!("e{i}.experiment.yaml"), EXPERIMENT)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(found(&files).iter().filter(|f| f.rule == "overlapping-experiments").count(), 10);
}

#[test]
fn collisions_of_one_flag_are_counted_past_a_number() {
    let experiment = |n: usize| {
        let text = "title: A page\nhypothesis: It helps.\nowner: team-checkout\nflag: footer\nallocation: 20%\ncontrol: plain\n\
             variants: {plain: 50%, bold: 50%}\nschedule: {start: 2026-12-01, end: 2026-12-15}\nmetrics:\n  \
             success: [{metric: purchases-per-user, mde: 2%}]\n  guardrails: [{metric: refund-rate, margin: 5%}]\n";
        ExampleFile {
            path: format!("e{n}.experiment.yaml"),
            text: text.to_owned(),
            excerpt: false,
            before: false,
        }
    };
    let example = Example { shows: Shows::Fires, files: (0..30).map(experiment).collect() };
    let found = findings(&example);
    let of_rule: Vec<_> = found.iter().filter(|finding| finding.rule == "overlapping-experiments").collect();
    // 31 experiments with the base book's own are 465 pairs.
    assert_eq!(of_rule.len(), 201);
    let rest: Vec<_> = of_rule.iter().filter(|finding| finding.message.contains("265 more pairs")).collect();
    assert_eq!(rest.len(), 1, "{:?}", of_rule.last());
    assert!(rest.iter().all(|finding| finding.severity == Severity::Error));
}

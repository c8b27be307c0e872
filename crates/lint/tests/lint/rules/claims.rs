//! Rollouts, layers by day, holdouts and units of two kinds: when they collide, and what is said of it.

use super::{Example, ExampleFile, Shows, findings, listed};
use trialbook_language::load::{self, RawFile};
use trialbook_lint::check::{self, Arrival, Given, History};
use trialbook_model::diagnostic::Diagnostic;

/// An experiment on `start-page` from 1 to 15 December, served at most until 5 January.
const EXPERIMENT: &str = "title: A bold page
hypothesis: It is found sooner.
owner: team-checkout
flag: start-page
allocation: 60%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-12-01, end: 2026-12-15}
metrics:
  success: [{metric: purchases-per-user, mde: 2%}]
  guardrails: [{metric: refund-rate, margin: 5%}]
";

const ROLLOUT: &str = "description: The bold page for everybody.
flag: start-page
serve: bold
steps: [{at: 2026-12-05, share: 10%}, {at: 2026-12-12, share: 100%}]
";

const HOLDOUT: &str = "description: Cumulative effect of the winter.
share: 5%
surfaces: [checkout]
schedule: {start: 2026-11-01, end: 2027-01-01}
";

const FLAG: &str = "description: What is on the start page.
owner: team-checkout
surfaces: [checkout]
entity: user
type: string
variants: {plain: green, bold: orange}
default: plain
";

fn found(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let file = |(path, text): &(&str, &str)| ExampleFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
        excerpt: false,
        before: false,
    };
    findings(&Example { shows: Shows::Fires, files: files.iter().map(file).collect() })
}

/// Returns the findings of one rule.
fn of<'a>(found: &'a [Diagnostic], rule: &str) -> Vec<&'a Diagnostic> {
    found.iter().filter(|finding| finding.rule == rule).collect()
}

#[track_caller]
fn only<'a>(found: &'a [Diagnostic], rule: &str) -> &'a Diagnostic {
    match of(found, rule).as_slice() {
        [finding] => finding,
        _ => panic!("not one `{rule}`:\n{}", listed(found)),
    }
}

#[track_caller]
fn none(found: &[Diagnostic], rule: &str) {
    assert!(of(found, rule).is_empty(), "\n{}", listed(found));
}

#[test]
fn a_rollout_and_an_experiment_collide_with_a_unit_that_both_serve() {
    let found = found(&[("a.experiment.yaml", EXPERIMENT), ("b.rollout.yaml", ROLLOUT)]);
    let finding = only(&found, "overlapping-rollouts");
    assert_eq!(finding.message, "an experiment and a rollout on `start-page` can serve the same unit");
    let overlap = finding.overlap.expect("everyone is in both audiences");
    assert!((overlap.share - 0.6).abs() < 1e-12, "{overlap:?}");
    assert!(finding.notes.iter().any(|note| note.contains("at the latest until 2027-01-05")), "{finding:?}");
    none(&found, "overlapping-experiments");
}

#[test]
fn a_rollout_that_begins_when_an_experiment_is_over_does_not_collide() {
    let rollout =
        |at: &str| ROLLOUT.replace("{at: 2026-12-05, share: 10%}, {at: 2026-12-12,", &format!("{{at: {at},"));
    let with = |at: &str| found(&[("a.experiment.yaml", EXPERIMENT), ("b.rollout.yaml", &rollout(at))]);
    only(&with("2027-01-04T23:59:00Z"), "overlapping-rollouts");
    none(&with("2027-01-05"), "overlapping-rollouts");
}

#[test]
fn a_rollout_never_ends_so_later_experiments_meet_it() {
    let later = EXPERIMENT.replace("2026-12-01, end: 2026-12-15", "2028-12-01, end: 2028-12-15");
    let found = found(&[("a.experiment.yaml", &later), ("b.rollout.yaml", ROLLOUT)]);
    let help = only(&found, "overlapping-rollouts").help.clone().unwrap_or_default();
    assert!(help.contains("rollout `b` is complete on 2026-12-12"), "{help}");
}

#[test]
fn two_rollouts_collide_and_their_order_of_files_does_not_matter() {
    let swedes = format!("{ROLLOUT}audience: {{country: SE}}\n");
    let finns = format!("{ROLLOUT}audience: {{country: FI}}\n");
    only(&found(&[("a.rollout.yaml", &swedes), ("b.rollout.yaml", ROLLOUT)]), "overlapping-rollouts");
    only(&found(&[("a.rollout.yaml", ROLLOUT), ("b.rollout.yaml", &swedes)]), "overlapping-rollouts");
    none(&found(&[("a.rollout.yaml", &swedes), ("b.rollout.yaml", &finns)]), "overlapping-rollouts");
}

#[test]
fn a_unit_goes_from_one_test_to_the_other_by_what_it_may_change_only() {
    let audience = |text: &str| format!("{EXPERIMENT}audience: {text}\n");
    let with = |one: &str, two: &str| {
        found(&[("a.experiment.yaml", &audience(one)), ("b.experiment.yaml", &audience(two))])
    };
    let found = with("{app_version: {below: 9.0.0}}", "{app_version: {at_least: 9.0.0}}");
    let finding = only(&found, "meets-over-time");
    assert!(finding.message.contains("only `app_version` keeps them apart"), "{}", finding.message);
    assert!(finding.witness.is_some());
    let stable = "{country: SE, app_version: {below: 9.0.0}}";
    none(&with(stable, "{country: FI, app_version: {at_least: 9.0.0}}"), "meets-over-time");
    none(&with("{}", "{app_version: {at_least: 9.0.0}}"), "meets-over-time");
}

#[test]
fn tests_of_one_layer_and_tests_one_after_the_other_keep_a_unit() {
    let old = format!("{EXPERIMENT}audience: {{app_version: {{below: 9.0.0}}}}\n");
    let new = format!("{EXPERIMENT}audience: {{app_version: {{at_least: 9.0.0}}}}\n");
    let later = new.replace("2026-12-01, end: 2026-12-15", "2027-01-05, end: 2027-01-15");
    none(&found(&[("a.experiment.yaml", &old), ("b.experiment.yaml", &later)]), "meets-over-time");
    let layer = "description: A layer.\nowner: team-checkout\nentity: user\nslots:\n  - {buckets: 0-2999, experiment: a}\n  \
                 - {buckets: 3000-5999, experiment: b}\n";
    let within = |text: &str| format!("{}layer: pages\n", text.replace("60%", "30%"));
    let found = found(&[
        ("a.experiment.yaml", &within(&old)),
        ("b.experiment.yaml", &within(&new)),
        ("pages.layer.yaml", layer),
    ]);
    assert!(found.is_empty(), "\n{}", listed(&found));
}

/// Three experiments in one layer, with these starts and allocations, and this quarantine.
fn layered(claims: &[(&str, &str, &str)], quarantine: &str, slots: &str) -> Vec<Diagnostic> {
    let files: Vec<(String, String)> = claims
        .iter()
        .enumerate()
        .map(|(n, (start, end, share))| {
            let text = EXPERIMENT
                .replace("2026-12-01, end: 2026-12-15", &format!("{start}, end: {end}"))
                .replace("60%", share);
            (format!("e{n}.experiment.yaml"), format!("{text}layer: pages\n"))
        })
        .collect();
    let layer = format!(
        "description: A layer.\nowner: team-checkout\nentity: user\nquarantine: {quarantine}\nslots: {slots}\n"
    );
    let mut all: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    all.push(("pages.layer.yaml", &layer));
    found(&all)
}

#[test]
fn an_over_booked_layer_states_the_day_the_sum_and_who() {
    let found = layered(
        &[
            ("2026-12-01", "2026-12-15", "50%"),
            ("2026-12-08", "2026-12-15", "40%"),
            ("2026-12-10", "2026-12-15", "30%"),
        ],
        "0d",
        "[]",
    );
    let finding = only(&found, "overbooked-layer");
    assert_eq!(
        finding.message,
        "layer `pages` is over-booked from 2026-12-10: 120.0 % of it is claimed on 2026-12-10"
    );
    assert_eq!(finding.primary.file.path(), "e2.experiment.yaml");
    assert_eq!(finding.notes, ["claimed then: `e0` 50.0 %, `e1` 40.0 % and `e2` 30.0 %"]);
    // `allocate` finds no room for them, so nobody is advised to run it.
    none(&found, "slots-mismatch");
}

#[test]
fn a_layer_is_over_booked_while_freed_buckets_rest() {
    let claims = [("2026-12-01", "2026-12-15", "60%"), ("2027-01-05", "2027-01-19", "60%")];
    none(&layered(&claims, "0d", "[]"), "overbooked-layer");
    let found = layered(&claims, "7d", "[]");
    let finding = only(&found, "overbooked-layer");
    assert!(finding.message.contains("from 2027-01-05"), "{}", finding.message);
    assert!(finding.notes.iter().any(|note| note.contains("rests for 7d")), "{:?}", finding.notes);
}

#[test]
fn what_is_exactly_full_is_not_over_booked() {
    let claims = [("2026-12-01", "2026-12-15", "60%"), ("2026-12-01", "2026-12-15", "40%")];
    let slots = "[{buckets: 0-5999, experiment: e0}, {buckets: 6000-9999, experiment: e1}]";
    let found = layered(&claims, "0d", slots);
    assert!(found.is_empty(), "\n{}", listed(&found));
}

#[test]
fn a_holdout_is_broken_by_a_default_a_wrong_entry_or_a_rule_and_fixed_by_an_entry() {
    let shipped = EXPERIMENT.replace("2026-12-01, end: 2026-12-15", "2026-11-02, end: 2026-11-05")
        + "decision: {outcome: ship, variant: bold, date: 2026-11-18, reason: More purchases.}\n";
    let with = |flag: &str| {
        found(&[
            ("a.experiment.yaml", &shipped),
            ("winter.holdout.yaml", HOLDOUT),
            ("start-page.flag.yaml", flag),
        ])
    };
    let bold = FLAG.replace("default: plain", "default: bold");
    let declared = with(&bold);
    let finding = only(&declared, "broken-holdout");
    let help = finding.help.clone().unwrap_or_default();
    assert!(help.contains("`holdouts: {winter: plain}`"), "{help}");
    only(&with(&format!("{bold}holdouts: {{winter: bold}}\n")), "broken-holdout");
    none(&with(&format!("{bold}holdouts: {{winter: plain}}\n")), "broken-holdout");
    only(&with(&format!("{FLAG}rules: [{{when: {{country: SE}}, serve: bold}}]\n")), "broken-holdout");
    none(
        &with(&format!(
            "{FLAG}rules: [{{when: {{country: SE}}, serve: plain}}, {{when: {{country: SE}}, serve: bold}}]\n"
        )),
        "broken-holdout",
    );
}

#[test]
fn a_holdout_that_is_over_or_began_later_is_not_broken() {
    let shipped = EXPERIMENT.replace("2026-12-01, end: 2026-12-15", "2026-10-02, end: 2026-10-05")
        + "decision: {outcome: ship, variant: bold, date: 2026-10-20, reason: More purchases.}\n";
    let flag = FLAG.replace("default: plain", "default: bold");
    let with = |dates: &str| {
        found(&[
            ("a.experiment.yaml", &shipped),
            ("winter.holdout.yaml", &HOLDOUT.replace("2026-11-01, end: 2027-01-01", dates)),
            ("start-page.flag.yaml", &flag),
        ])
    };
    none(&with("2026-09-01, end: 2026-11-01"), "broken-holdout");
    none(&with("2026-11-01, end: 2027-01-01"), "broken-holdout");
    only(&with("2026-09-01, end: 2027-01-01"), "broken-holdout");
}

#[test]
fn the_share_of_an_audience_that_rules_leave_is_reported() {
    let flag = format!("{FLAG}rules: [{{when: {{country: US}}, serve: plain}}]\n");
    let with = |audience: &str| {
        let experiment = format!("{EXPERIMENT}audience: {audience}\n");
        found(&[("a.experiment.yaml", &experiment), ("start-page.flag.yaml", &flag)])
    };
    let found = with("{country: {in: [FI, US]}}");
    let finding = only(&found, "narrowed-audience");
    assert_eq!(
        finding.message,
        "what comes first on `start-page` leaves 42.9 % of the audience of experiment `a`"
    );
    assert_eq!(finding.notes, ["rule 1 of the flag serves `plain` to 57.1 % of this audience"]);
    none(&with("{}"), "narrowed-audience");
}

#[test]
fn rules_together_can_take_all_units_of_a_later_rule() {
    let rules = "rules:\n  - {when: {country: SE}, serve: plain}\n  - {when: {age_days: {at_least: 5}}, serve: bold}\n  \
                 - {when: {not: {country: SE}, age_days: {present: false}}, serve: plain}\n  \
                 - {when: {any: [{country: SE}, {age_days: {above: 7}}]}, serve: bold}\n";
    let found = found(&[("start-page.flag.yaml", &format!("{FLAG}{rules}"))]);
    let finding = only(&found, "unreachable-rule");
    assert_eq!(finding.message, "rule 4 of `start-page` serves nobody");
}

#[test]
fn tests_that_meet_at_random_are_reported_once_for_each_surface_and_metric() {
    let on = |flag: &str, start: &str, more: &str| {
        let text = EXPERIMENT.replace("flag: start-page", flag).replace("start: 2026-12-01", start);
        RawFile { path: String::new(), bytes: format!("{text}surfaces: [checkout]\n{more}").into_bytes() }
    };
    let base = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/rules/base");
    let mut files = trialbook_language::load::read_folder(&base).expect("the base book can be read");
    files.retain(|file| !file.path.ends_with(".experiment.yaml"));
    let pages = on("flag: start-page", "start: 2026-12-01", "audience: {country: SE}\n");
    files.push(RawFile { path: "a.experiment.yaml".into(), ..pages });
    files.push(RawFile { path: "b.experiment.yaml".into(), ..on("flag: footer", "start: 2026-12-03", "") });
    let loaded = trialbook_language::load::load(files);
    let book = loaded.book.as_ref().expect("a book");
    let found = trialbook_lint::check::random_overlaps(book, super::now());
    let shared: Vec<String> = found.iter().map(|overlap| format!("{:?}", overlap.shared)).collect();
    assert!(shared[0].contains("checkout") && shared[1].contains("purchases-per-user"), "{shared:?}");
    assert_eq!(found.len(), 2);
    for overlap in found {
        // 60 % of the 30 % in Sweden, and of them 60 %; the two ask for 120 % of a layer, so 14 and 12 days grow by a fifth.
        assert!((overlap.in_several - 0.108).abs() < 1e-9 && overlap.exact, "{overlap:?}");
        assert_eq!((overlap.tests, overlap.days.ceil()), (2, 6.0));
        assert_eq!(overlap.worst.to_string(), "2026-12-03T00:00:00Z");
    }
}

/// A layer with a full claim of `footer-links` and room for nobody else.
const LAYER: &str = "description: The page.\nentity: user\nslots:\n  - {buckets: 0-5999, experiment: old}\n";

/// Tells when files came, by what their names hold.
#[derive(Debug)]
struct Files(&'static [(&'static str, Arrival)]);

impl History for Files {
    fn is_committed(&self, _: &str) -> Option<bool> {
        None
    }

    fn arrival(&self, path: &str) -> Arrival {
        let known = self.0.iter().find(|(name, _)| path.contains(name));
        known.map_or(Arrival::Unknown, |(_, arrival)| *arrival)
    }
}

#[test]
fn an_overbooked_layer_is_the_fault_of_who_came_last() {
    let in_layer = |start: &str, end: &str| {
        EXPERIMENT
            .replace("flag:", "layer: page\nflag:")
            .replace("2026-12-01", start)
            .replace("2026-12-15", end)
    };
    // The one that begins first is new: the other has held its slots for long.
    let (new, old) = (in_layer("2026-12-01", "2026-12-15"), in_layer("2026-12-08", "2026-12-22"));
    let layer = LAYER.to_owned();
    let blamed = |layer: &str, history: Option<&dyn History>| {
        let file = |(path, text): (&str, &str)| ExampleFile {
            path: path.to_owned(),
            text: text.to_owned(),
            excerpt: false,
            before: false,
        };
        let files =
            [("page.layer.yaml", layer), ("new.experiment.yaml", &new), ("old.experiment.yaml", &old)];
        let example = Example { shows: Shows::Fires, files: files.map(file).into() };
        let given = Given { now: super::now(), sample: None, history };
        let found = check::run(&load::load(super::book_with(&example)), given);
        only(&found, "overbooked-layer").primary.file.path().to_owned()
    };
    assert_eq!(blamed(&layer, None), "new.experiment.yaml", "it has no slots yet");
    let empty = "description: The page.\nentity: user\nslots: []\n";
    assert_eq!(blamed(empty, None), "old.experiment.yaml", "nothing else is known, and it begins last");
    let at = |second| Arrival::At(jiff::Timestamp::from_second(second).expect("a time"));
    let (first, then) = (at(1_000), at(2_000));
    let by_git: &'static [_] = Box::leak(Box::new([("new.", then), ("old.", first)]));
    assert_eq!(blamed(empty, Some(&Files(by_git))), "new.experiment.yaml");
    let by_change: &'static [_] = Box::leak(Box::new([("new.", Arrival::New), ("old.", first)]));
    assert_eq!(blamed(empty, Some(&Files(by_change))), "new.experiment.yaml");
    let half: &'static [_] = Box::leak(Box::new([("new.", first)]));
    assert_eq!(blamed(empty, Some(&Files(half))), "old.experiment.yaml", "one unknown says nothing");
}

#[test]
fn a_suggested_end_is_one_that_lint_accepts() {
    for (start, end) in
        [("2026-07-01", "2027-03-01"), ("2026-11-25", "2027-08-01"), ("2027-07-01", "2028-03-01")]
    {
        let book = std::fs::read_to_string(
            std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
                .join("tests/rules/base/trialbook.yaml"),
        )
        .expect("the base book can be read")
            + "timezone: Europe/Stockholm\npolicy: {max_duration: 212d}\n";
        let with = |end: &str| {
            let experiment = EXPERIMENT.replace("2026-12-01", start).replace("2026-12-15", end);
            found(&[("trialbook.yaml", &book), ("a.experiment.yaml", &experiment)])
        };
        let found = with(end);
        let help = only(&found, "too-long").help.clone().expect("what to do");
        let suggested = help.split('`').nth(1).and_then(|text| text.strip_prefix("end: ")).expect("an end");
        none(&with(suggested), "too-long");
        let next = suggested.parse::<jiff::civil::Date>().expect("a date").tomorrow().expect("a day");
        only(&with(&next.to_string()), "too-long");
    }
}

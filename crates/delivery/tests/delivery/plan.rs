//! From a book's files to what a target serves, and what a change of the files means for the people in it.

mod shop;

use std::path::Path;

use shop::*;
use trialbook_delivery::backend::{Attached, Backend, Flagd, Memory};
use trialbook_delivery::plan::{self, AdvanceError, Basis, Change, Changes, Options, Plan, Revert, desired};
use trialbook_model::TargetKey;
use trialbook_model::allocation::Approvals;

#[test]
fn a_book_is_served_as_flagd_reads_it() {
    let state = desired(&book(&[]), at(NOW), &Approvals::default());
    let (key, flag) = state.flags.first_key_value().expect("a flag");
    let file = Flagd::open("shop", "file://live/production.json", Path::new(".")).expect("a store");
    insta::assert_snapshot!(file.render(key, flag).expect("an expressible flag"));
}

#[test]
fn a_first_plan_shows_what_begins() {
    let plan = plan(&Memory::new("shop"), &book(&[]), NOW);
    insta::assert_snapshot!(lines(&plan).join("\n"));
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
fn changes_are_reported_one_by_one() {
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
    let archived = r#"{"archived":{"default":"plain","experiments":["bold-button"]}}"#;
    assert_eq!(consequences(&gone, NOW), [archived]);
}

const RELEASED: [(&str, &str); 2] = [("new-button.rollout.yaml", ROLLOUT), ("2026-q4.holdout.yaml", HOLDOUT)];

/// The experiment with a ramp, and the flag with another default than when the holdout began.
fn with_a_ramp() -> (String, String) {
    let ramp = "allocation: [{at: 2026-11-25, share: 5%}, {at: 2026-11-28, share: 20%}]";
    let flag = FLAG.replace("default: plain", "default: bold") + "holdouts: {2026-q4: plain}\n";
    (EXPERIMENT.replace("allocation: 20%", ramp), flag)
}

#[test]
fn a_first_plan_states_whom_rollouts_ramps_and_holdouts_reach() {
    let (experiment, flag) = with_a_ramp();
    let more = [
        RELEASED[0],
        RELEASED[1],
        ("bold-button.experiment.yaml", experiment.as_str()),
        ("checkout-button.flag.yaml", flag.as_str()),
    ];
    insta::assert_snapshot!(lines(&plan(&Memory::new("shop"), &book(&more), NOW)).join("\n"));
    let state = desired(&book(&more), at(NOW), &Approvals::default());
    let (key, flag) = state.flags.first_key_value().expect("a flag");
    let file = Flagd::open("shop", "file://live/production.json", Path::new(".")).expect("a store");
    insta::assert_snapshot!("released", file.render(key, flag).expect("an expressible flag"));
}

#[test]
fn ending_a_holdout_early_brings_its_units_in() {
    let lines = consequences_for(&RELEASED, &RELEASED[..1], "2026-12-02T00:00:00Z");
    insta::assert_snapshot!(lines.join("\n"));
    // When it is over, leaving it out of the book moves nobody.
    let over = consequences_for(&RELEASED, &RELEASED[..1], "2027-01-01T00:00:00Z");
    let nobody = |line: &String| !line.contains("\"enters\":") || line.contains("\"enters\":0.0");
    assert!(over.iter().all(nobody), "{over:?}");
}

#[test]
fn a_rollout_that_shrinks_or_goes_states_who_falls_back() {
    let shrunk = ROLLOUT.replace(", {at: 2026-12-01, share: 100%}", "");
    let now = "2026-12-02T00:00:00Z";
    let shrunk = consequences_for(&RELEASED[..1], &[("new-button.rollout.yaml", &shrunk)], now);
    let other = ROLLOUT.replace("serve: bold", "serve: plain");
    let other = consequences_for(&RELEASED[..1], &[("new-button.rollout.yaml", &other)], now);
    let gone = consequences_for(&RELEASED[..1], &[], now);
    insta::assert_snapshot!([shrunk, other, gone].concat().join("\n"));
}

#[test]
fn a_guarded_rollout_takes_one_due_step_at_a_time() {
    let target = Memory::new("shop");
    let book = book(&[("new-button.rollout.yaml", GUARDED)]);
    let share = |now: &str| {
        let live = target.read().expect("a live state");
        let served = live.state().flags["checkout-button"].rollouts().next().cloned().expect("a rollout");
        let approved = live.approvals(at(now)).into_values().next().expect("an approval");
        (served.enrolment.share_at(at(now)).to_string(), approved.to_string())
    };
    let advance = |now: &str| advanced(&target, &book, now, &["new-button"]);
    assert!(matches!(advance(NOW), Err(AdvanceError::NotLaunched(_))));
    apply(&target, &book, NOW);
    assert_eq!(share("2026-11-26T00:00:00Z"), ("1%".into(), "1%".into()));
    // Its time comes, and nothing happens of itself.
    assert!(plan(&target, &book, "2026-11-27T00:00:00Z").is_empty());
    assert_eq!(share("2026-11-27T00:00:00Z").0, "1%");
    let held = |now: &str| {
        let approved = target.read().expect("a live state").approvals(at(now));
        let held = trialbook_delivery::plan::held(&book, &approved, at(now)).into_iter();
        held.map(|(rollout, step)| format!("{} {}", rollout.key, step.share)).collect::<Vec<_>>()
    };
    assert_eq!(held("2026-11-26T23:59:59Z"), [] as [&str; 0]);
    assert_eq!(held("2026-11-27T00:00:00Z"), ["new-button 10%"]);
    let early = advance("2026-11-26T23:59:59Z").expect_err("not due");
    let due = at("2026-11-27T00:00:00Z");
    assert!(matches!(early, AdvanceError::NotDue { at, .. } if at == due), "{early:?}");

    let step = advance("2026-11-27T00:00:00Z").expect("a due step");
    let two: [String; 2] = lines(&step).try_into().unwrap_or_else(|lines: Vec<_>| panic!("{lines:?}"));
    let rollout = &two[0];
    assert!(
        rollout.starts_with("{\"rollout\":")
            && rollout.contains("\"enters\":0.09")
            && rollout.contains("\"leaves\":0.0"),
        "{rollout}"
    );
    apply_plan(&target, &step, "2026-11-27T00:00:00Z");
    assert_eq!(share("2026-11-27T00:00:00Z"), ("10%".into(), "10%".into()));
    assert_eq!(held("2026-11-27T00:00:00Z"), [] as [&str; 0]);
    assert!(matches!(advance("2026-11-27T00:00:00Z"), Err(AdvanceError::NotDue { .. })));
    let last = advance("2026-12-05T00:00:00Z").expect("a due step");
    apply_plan(&target, &last, "2026-12-05T00:00:00Z");
    assert!(matches!(advance("2026-12-05T00:00:00Z"), Err(AdvanceError::Complete(_))));
    assert!(plan(&target, &book, "2026-12-06T00:00:00Z").is_empty());
}

#[test]
fn a_step_that_is_edited_goes_no_further_than_was_approved() {
    let target = Memory::new("shop");
    apply(&target, &book(&[("new-button.rollout.yaml", GUARDED)]), NOW);
    let hasty = GUARDED.replace("share: 1%", "share: 5%").replace("2026-11-27", "2026-11-26");
    let hasty = book(&[("new-button.rollout.yaml", &hasty)]);
    let plan = plan(&target, &hasty, "2026-11-26T00:00:00Z");
    assert!(plan.is_empty(), "{:?}", lines(&plan));
}

#[test]
fn guardrails_that_come_later_take_nobody_out() {
    let before = [("new-button.rollout.yaml", ROLLOUT)];
    let guarded = [("new-button.rollout.yaml", GUARDED)];
    let lines = consequences_for(&before, &guarded, "2026-11-27T12:00:00Z");
    // Nobody moves now; who would have been reached later is not.
    let [rollout, later] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(rollout.contains(r#""movement":{"enters":0.0,"leaves":0.0,"switches":0.0}"#), "{rollout}");
    assert!(
        later.starts_with(r#"{"at":"2026-12-01T00:00:00Z""#) && later.contains(r#""share":0.9"#),
        "{later}"
    );
}

#[test]
fn a_ramp_that_would_move_whom_it_has_is_distinguished() {
    let (experiment, _) = with_a_ramp();
    let slots = LAYER.replace("0-1999", "2000-3999");
    let before =
        [("bold-button.experiment.yaml", experiment.as_str()), ("checkout.layer.yaml", slots.as_str())];
    let target = Memory::new("shop");
    apply(&target, &book(&before), NOW);
    let grown = experiment.replace("20%}]", "20%}, {at: 2026-12-05, share: 40%}]");
    let disturbed = |slots: &str, now: &str| {
        let layer = LAYER.replace("  - {buckets: 0-1999, experiment: bold-button}", slots);
        let after =
            [("bold-button.experiment.yaml", grown.as_str()), ("checkout.layer.yaml", layer.as_str())];
        let plan = plan(&target, &book(&after), now);
        let disturbs: usize = plan.actions.iter().map(|action| action.disturbs.len()).sum();
        let movement = |change: &Change| match change {
            Change::Allocation { movement, .. } => Some([movement.enters, movement.leaves]),
            _ => None,
        };
        let moved = plan.actions.iter().flat_map(|action| &action.changes).find_map(movement);
        (moved.map(|shares| shares.map(|share| (share * 100.0).round() / 100.0)), disturbs)
    };
    let below =
        "  - {buckets: 0-1999, experiment: bold-button}\n  - {buckets: 2000-3999, experiment: bold-button}";
    let above = "  - {buckets: 2000-5999, experiment: bold-button}";
    let running = "2026-11-26T00:00:00Z";
    assert_eq!(disturbed(above, running), (Some([0.2, 0.0]), 0));
    assert_eq!(disturbed(below, running), (Some([0.2, 0.05]), 1));
    assert_eq!(disturbed(below, NOW).1, 0);
}

#[test]
fn another_id_of_the_unit_draws_whoever_is_in_anew() {
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    let by_device = BOOK
        .replace("user: {column: user_id}", "user: {column: user_id, context: device_id}")
        .replace("  employee:", "  device_id: {type: string}\n  employee:");
    let by_device = book(&[("trialbook.yaml", by_device.as_str())]);
    let disturbed = |now| {
        let plan = plan(&target, &by_device, now);
        plan.actions.iter().map(|action| action.disturbs.len()).sum::<usize>()
    };
    assert_eq!((disturbed(NOW), disturbed("2026-11-26T00:00:00Z")), (0, 1));
}

#[test]
fn a_start_that_is_put_off_takes_out_whoever_is_in() {
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    let disturbed = |start: &str, now| {
        let later = EXPERIMENT.replace("start: 2026-11-25", start);
        let plan = plan(&target, &book(&[("bold-button.experiment.yaml", later.as_str())]), now);
        plan.actions.iter().map(|action| action.disturbs.len()).sum::<usize>()
    };
    let running = "2026-11-26T00:00:00Z";
    assert_eq!((disturbed("start: 2026-12-01", NOW), disturbed("start: 2026-12-01", running)), (0, 1));
    assert_eq!(disturbed("start: 2026-11-24", running), 0);
}

/// How many running experiments a plan disturbs that serves the changed book.
fn disturbed(target: &Memory, changed: &[(&str, &str)], now: &str, revert_drift: bool) -> usize {
    let live = target.read().expect("a live state");
    let revert_drift = if revert_drift { Revert::All } else { Revert::Nothing };
    let options = Options { revert_drift, ..Options::default() };
    let key = TargetKey::new("production").expect("a key");
    let wanted = desired(&book(changed), at(now), &Approvals::default());
    let basis = Basis::new(&key, target.identity(), "shop", &live, &wanted, at(now));
    let plan = Plan::new(&Basis { options: &options, ..basis });
    plan.expect("a plan").actions.iter().map(|action| action.disturbs.len()).sum()
}

const RUNNING: &str = "2026-11-26T00:00:00Z";
const LATER: &str = "2026-11-30T00:00:00Z";

#[test]
fn what_ran_before_the_kill_switch_is_not_drawn_otherwise_after_it() {
    let off = format!("{FLAG}enabled: false\n");
    let off = [("checkout-button.flag.yaml", off.as_str())];
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    assert_eq!(disturbed(&target, &off, RUNNING, false), 0);
    apply(&target, &book(&off), RUNNING);
    let weights = EXPERIMENT.replace("plain: 50%, bold: 50%", "plain: 80%, bold: 20%");
    let weights = [("bold-button.experiment.yaml", weights.as_str())];
    let moved = LAYER.replace("0-1999", "1000-2999");
    let moved = [("checkout.layer.yaml", moved.as_str())];
    let (grown, slots) =
        (EXPERIMENT.replace("allocation: 20%", "allocation: 40%"), LAYER.replace("0-1999", "0-3999"));
    let grown = [("bold-button.experiment.yaml", grown.as_str()), ("checkout.layer.yaml", slots.as_str())];
    let each = |now| [&[][..], &weights, &moved, &grown].map(|book| disturbed(&target, book, now, false));
    assert_eq!(each(LATER), [0, 1, 1, 0]);
    // Another apply while it is off forgets nothing.
    let owner = format!("{}enabled: false\n", FLAG.replace("owner: team-checkout", "owner: team-shop"));
    apply(&target, &book(&[("checkout-button.flag.yaml", &owner)]), LATER);
    assert_eq!(each(LATER), [0, 1, 1, 0]);
    // What grew when it was switched on again must stay as large.
    apply(&target, &book(&grown), LATER);
    assert_eq!(each(LATER), [1, 1, 1, 0]);
}

#[test]
fn what_was_off_before_its_start_or_until_its_end_is_drawn_as_one_likes() {
    let off = format!("{FLAG}enabled: false\n");
    let off = [("checkout-button.flag.yaml", off.as_str())];
    let weights = EXPERIMENT.replace("plain: 50%, bold: 50%", "plain: 80%, bold: 20%");
    let weights = [("bold-button.experiment.yaml", weights.as_str())];
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    apply(&target, &book(&off), "2026-11-21T00:00:00Z");
    assert_eq!(disturbed(&target, &weights, RUNNING, false), 0);
    let remembered = |target: &Memory| {
        let state = target.read().expect("a live state").state();
        let launches = state.flags.into_values().flat_map(|flag| flag.launches.into_values());
        launches.filter(|launch| launch.drawn.is_some()).count()
    };
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    apply(&target, &book(&off), RUNNING);
    assert_eq!(remembered(&target), 1);
    let owner = format!("{}enabled: false\n", FLAG.replace("owner: team-checkout", "owner: team-shop"));
    apply(&target, &book(&[("checkout-button.flag.yaml", &owner)]), "2027-02-01T00:00:00Z");
    assert_eq!(remembered(&target), 0);
}

#[test]
fn of_a_launch_of_an_older_version_what_is_served_is_remembered() {
    let off = format!("{FLAG}enabled: false\n");
    let off = [("checkout-button.flag.yaml", off.as_str())];
    let weights = EXPERIMENT.replace("plain: 50%, bold: 50%", "plain: 80%, bold: 20%");
    let weights = [("bold-button.experiment.yaml", weights.as_str())];
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    let live = target.read().expect("a live state");
    let mut older = Changes { put: live.state().flags, ..Changes::default() };
    for launch in older.put.values_mut().flat_map(|flag| flag.launches.values_mut()) {
        launch.drawn = None;
    }
    target.write(&older, &live.version, &Attached::default()).expect("a write");
    assert_eq!([&[][..], &weights].map(|book| disturbed(&target, book, RUNNING, false)), [0, 1]);
    apply(&target, &book(&off), RUNNING);
    assert_eq!([&[][..], &weights].map(|book| disturbed(&target, book, LATER, false)), [0, 1]);
}

#[test]
fn a_ramp_that_stood_still_while_it_was_off_has_whom_it_had() {
    let (ramp, _) = with_a_ramp();
    let off = format!("{FLAG}enabled: false\n");
    let target = Memory::new("shop");
    apply(&target, &book(&[("bold-button.experiment.yaml", &ramp)]), NOW);
    let off = [("bold-button.experiment.yaml", ramp.as_str()), ("checkout-button.flag.yaml", off.as_str())];
    apply(&target, &book(&off), RUNNING);
    let slower = ramp.replace("2026-11-28", "2026-12-05");
    assert_eq!(disturbed(&target, &[("bold-button.experiment.yaml", &slower)], LATER, false), 0);
    let other = slower.replace("plain: 50%, bold: 50%", "plain: 80%, bold: 20%");
    assert_eq!(disturbed(&target, &[("bold-button.experiment.yaml", &other)], LATER, false), 1);
}

#[test]
fn what_was_changed_by_hand_goes_back_to_what_was_applied_and_to_nothing_else() {
    use plan::{Branch, Serving};
    use trialbook_model::{Share, Split, VariantKey};
    let target = Memory::new("shop");
    apply(&target, &book(&[]), NOW);
    let part = |name, percent| {
        (VariantKey::new(name).expect("a key"), Share::from_percent(percent).expect("a share"))
    };
    target.tamper("checkout-button", |flag| {
        let Serving::Enabled(branches) = &mut flag.serving else { panic!("it is on") };
        for branch in branches {
            if let Branch::Experiment(experiment) = branch {
                experiment.split = Split::new(vec![part("plain", 80), part("bold", 20)]).expect("a split");
            }
        }
    });
    let weights = EXPERIMENT.replace("plain: 50%, bold: 50%", "plain: 60%, bold: 40%");
    let as_by_hand = EXPERIMENT.replace("plain: 50%, bold: 50%", "plain: 80%, bold: 20%");
    let reverted =
        |changed: &str| disturbed(&target, &[("bold-button.experiment.yaml", changed)], RUNNING, true);
    assert_eq!([EXPERIMENT, &weights, &as_by_hand].map(reverted), [0, 1, 1]);
}

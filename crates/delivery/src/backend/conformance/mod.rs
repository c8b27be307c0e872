//! What every target does, whatever it is. A new target adds one line at the end.

mod any;
mod cut_off;
mod state;
mod subject;
mod unleash;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use any::any_flag;
use state::*;
use subject::{InMemory, InStore, Subject};

use super::{Attached, BackendError, Memory};
use crate::plan::{
    ActionKind, Applied, Basis, Change, Changes, FlagState, LiveContent, LiveVersion, Obstacle, Options,
    Plan, PlanFileError, Revert, Serving, StaleReason,
};
use trialbook_model::{LargeChange, TargetKey};

fn nothing_is_there_at_first(subject: &dyn Subject) {
    let live = subject.target().read().expect("a live state");
    assert_eq!((live.version, live.flags.len()), (LiveVersion::Absent, 0));
}

fn what_is_applied_is_what_is_live_and_a_second_apply_does_nothing(subject: &dyn Subject) {
    let desired = state(&[("checkout-button", flag(20)), ("search", flag(100))]);
    let first = plan(subject, &desired, &primary());
    assert_eq!((first.count(ActionKind::Create), first.actions.len()), (2, 2));
    let version = apply(subject, &first, at(600));

    let live = live_state(subject);
    assert!(live.flags.iter().all(|(key, flag)| flag.serves_as(&desired.flags[key])));
    let second = plan(subject, &desired, &primary());
    assert!(second.is_empty() && second.unchanged.len() == 2, "{second:?}");
    assert_eq!(apply(subject, &second, at(700)), version);
    assert_eq!(second.base, version);
}

fn a_write_names_the_version_that_it_replaces(subject: &dyn Subject) {
    let old = serve(subject, &state(&[("a", flag(20))]));
    let new = serve(subject, &state(&[("a", flag(30))]));
    assert_ne!(old, new);
    let changes = Changes { remove: BTreeSet::from([key("a")]), ..Changes::default() };
    for expected in [old, LiveVersion::Absent] {
        let lost = subject.target().write(&changes, &expected, &Attached::default());
        assert!(matches!(lost, Err(BackendError::Conflict { found, .. }) if found == new));
    }
    assert_eq!(live_state(subject).flags.len(), 1);
}

fn what_is_not_ours_is_left_alone(subject: &dyn Subject) {
    subject.plant("theirs");
    let before = subject.target().read().expect("a live state").flags["theirs"].clone();
    assert!(matches!(before.content, LiveContent::Foreign { book: None, .. }));
    serve(subject, &state(&[("a", flag(20))]));
    serve(subject, &state(&[]));
    let live = subject.target().read().expect("a live state");
    assert_eq!(live.flags.into_iter().collect::<Vec<_>>(), [("theirs".to_owned(), before)]);
    assert_eq!(plan(subject, &state(&[]), &primary()).foreign, ["theirs"]);
}

fn a_flag_of_somebody_else_is_taken_over_only_when_told(subject: &dyn Subject) {
    subject.plant("a");
    let desired = state(&[("a", flag(20))]);
    let refused = plan(subject, &desired, &primary());
    assert_eq!((refused.actions.len(), refused.conflicts.len()), (0, 1));
    let adopt = Options { adopt: BTreeSet::from([key("a")]), ..primary() };
    let adopted = plan(subject, &desired, &adopt);
    assert_eq!(adopted.count(ActionKind::Adopt), 1);
    apply(subject, &adopted, at(600));
    assert!(live_state(subject).flags[&key("a")].serves_as(&desired.flags[&key("a")]));
}

fn a_change_by_hand_is_shown_and_stays_until_it_is_reverted(subject: &dyn Subject) {
    let desired = state(&[("a", flag(20)), ("b", flag(20))]);
    serve(subject, &desired);
    subject.tamper("a");
    let shown = plan(subject, &desired, &primary());
    assert!(shown.is_empty());
    let [drift] = shown.drifted.as_slice() else { panic!("one drift: {shown:?}") };
    assert_eq!(drift.flag, "a");
    assert_eq!(drift.changes, [Change::Default { from: variant("plain"), to: variant("bold") }]);

    let reverted = plan(subject, &desired, &Options { revert_drift: Revert::All, ..primary() });
    apply(subject, &reverted, at(700));
    let live = live_state(subject);
    assert!(live.flags[&key("a")].serves_as(&desired.flags[&key("a")]));
    let launches = &live.flags[&key("a")].launches;
    assert_eq!(launches.values().map(|launch| launch.start).collect::<Vec<_>>(), [at(1_000)]);
}

fn what_the_book_no_longer_has_goes(subject: &dyn Subject) {
    serve(subject, &state(&[("a", flag(20)), ("b", flag(20))]));
    let plan = plan(subject, &state(&[("a", flag(20))]), &primary());
    assert_eq!((plan.count(ActionKind::Archive), plan.unchanged.len()), (1, 1));
    apply(subject, &plan, at(700));
    assert_eq!(live_state(subject).flags.keys().collect::<Vec<_>>(), [&key("a")]);
}

fn a_launch_is_recorded_once_and_kept(subject: &dyn Subject) {
    serve(subject, &state(&[("a", flag(20))]));
    let grown = plan(subject, &state(&[("a", flag(50))]), &primary());
    assert!(grown.actions.iter().all(|action| action.launches.is_empty()));
    apply(subject, &grown, at(1_500));
    let live = live_state(subject);
    let launches: Vec<_> = live.flags[&key("a")].launches.iter().collect();
    let [(experiment, launch)] = launches.as_slice() else { panic!("one launch: {launches:?}") };
    assert_eq!(
        (experiment.as_str(), launch.start, launch.commit.as_deref()),
        ("bold-button", at(1_000), Some("9f2e1c7"))
    );
}

fn an_approval_is_recorded_and_kept_until_the_next(subject: &dyn Subject) {
    let approved = || {
        let live = subject.target().read().expect("a live state");
        let shares: Vec<_> = live.approvals(at(9_000)).into_values().map(|share| share.to_string()).collect();
        let flag = live.state().flags[&key("a")].clone();
        (shares, flag.approvals.into_values().map(|approval| approval.at).collect::<Vec<_>>())
    };
    apply(subject, &plan(subject, &state(&[("a", released(1))]), &primary()), at(600));
    assert_eq!(approved(), (vec!["1%".to_owned()], vec![Some(at(600))]));
    let mut renamed = released(1);
    renamed.owner = "team-search".into();
    apply(subject, &plan(subject, &state(&[("a", renamed)]), &primary()), at(700));
    assert_eq!(approved(), (vec!["1%".to_owned()], vec![Some(at(600))]));
    apply(subject, &plan(subject, &state(&[("a", released(10))]), &primary()), at(800));
    assert_eq!(approved(), (vec!["10%".to_owned()], vec![Some(at(800))]));
    // Switched off and on again, it has what it had.
    let off = FlagState { serving: Serving::Disabled, approvals: BTreeMap::new(), ..released(10) };
    apply(subject, &plan(subject, &state(&[("a", off)]), &primary()), at(900));
    assert_eq!(approved(), (vec!["10%".to_owned()], vec![Some(at(800))]));
}

fn what_has_no_guardrails_has_what_it_serves(subject: &dyn Subject) {
    let unguarded = FlagState { approvals: BTreeMap::new(), ..released(10) };
    serve(subject, &state(&[("a", unguarded)]));
    let live = subject.target().read().expect("a live state");
    assert_eq!(live.approvals(at(999)).len(), 0);
    assert_eq!(live.approvals(at(1_000)).values().map(ToString::to_string).collect::<Vec<_>>(), ["10%"]);
}

fn a_plan_that_takes_units_out_of_what_runs_says_which(subject: &dyn Subject) {
    serve(subject, &state(&[("a", flag(20))]));
    let target = subject.target();
    let shrunk = |now| {
        let live = target.read().expect("a live state");
        let desired = state(&[("a", flag(10))]);
        let name = TargetKey::new("production").expect("a key");
        let plan = Plan::new(&Basis::new(&name, target.identity(), "shop", &live, &desired, at(now)));
        plan.expect("a plan").actions.iter().flat_map(|action| &action.disturbs).count()
    };
    assert_eq!((shrunk(999), shrunk(1_000)), (0, 1));
}

fn a_late_launch_begins_when_it_is_applied(subject: &dyn Subject) {
    let plan = plan(subject, &state(&[("a", flag(20))]), &primary());
    apply(subject, &plan, at(1_500));
    let starts =
        live_state(subject).flags[&key("a")].launches.values().map(|launch| launch.start).collect::<Vec<_>>();
    assert_eq!(starts, [at(1_500)]);
}

fn another_target_than_the_primary_launches_nothing(subject: &dyn Subject) {
    let live = subject.target().read().expect("a live state");
    let desired = state(&[("a", flag(20))]);
    let name = TargetKey::new("staging").expect("a key");
    let basis = Basis::new(&name, subject.target().identity(), "shop", &live, &desired, at(500));
    apply(subject, &Plan::new(&Basis { primary: false, ..basis }).expect("a plan"), at(600));
    assert!(live_state(subject).flags[&key("a")].launches.is_empty());
}

fn a_stale_plan_says_what_differs(subject: &dyn Subject) {
    serve(subject, &state(&[("changed", flag(20)), ("gone", flag(20)), ("same", flag(20))]));
    let desired = state(&[("changed", flag(30)), ("new", flag(20)), ("same", flag(20))]);
    let stale = plan(subject, &desired, &primary());
    serve(subject, &state(&[("changed", flag(40)), ("new", flag(20)), ("same", flag(20))]));
    let live = subject.target().read().expect("a live state");
    let again = Plan { identity: "elsewhere".into(), ..plan(subject, &desired, &primary()) };
    let reasons = stale.check_same(&again, &live).expect_err("a stale plan").reasons;
    let identity = subject.target().identity().to_owned();
    assert_eq!(
        reasons,
        [
            StaleReason::Identity { planned: identity, actual: "elsewhere".into() },
            StaleReason::Changed(key("changed")),
            StaleReason::Vanished(key("gone")),
            StaleReason::Appeared(key("new")),
        ]
    );
}

fn a_plan_outlives_changes_to_what_it_does_not_touch(subject: &dyn Subject) {
    serve(subject, &state(&[("a", flag(20))]));
    let planned = plan(subject, &state(&[("a", flag(30))]), &primary());
    subject.plant("theirs");
    let again = plan(subject, &state(&[("a", flag(30))]), &primary());
    let live = subject.target().read().expect("a live state");
    planned.check_same(&again, &live).expect("the same plan");
    apply(subject, &again, at(700));
    let live = subject.target().read().expect("a live state");
    assert!(live.flags.contains_key("theirs"));
}

fn a_plan_reads_back_and_cannot_be_edited(subject: &dyn Subject) {
    let made = plan(subject, &state(&[("a", flag(20))]), &primary());
    let text = made.write().expect("a plan file");
    assert_eq!(Plan::read(&text).expect("a plan"), made);
    assert!(Plan::read(&text.replace("\"orange\"", "\"pink\"")).is_err());
    assert!(Plan::read(&text.replacen("\"version\":3", "\"version\":1", 1)).is_err());
    assert!(Plan::read("{}").is_err() && Plan::read("").is_err());
    assert!(matches!(Plan::read(&without_digest(&text)), Err(PlanFileError::Unsealed)));
}

fn without_digest(text: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    value.as_object_mut().expect("an object").remove("digest").expect("a digest");
    value.to_string()
}

fn the_last_apply_is_written_down(subject: &dyn Subject) {
    let applied = || subject.target().read().expect("a live state").applied;
    assert_eq!(applied(), None);
    serve(subject, &state(&[("a", flag(20))]));
    let first = Some(Applied { commit: Some(COMMIT.to_owned()), at: at(600) });
    assert_eq!(applied(), first);
    // An apply that changes nothing writes nothing.
    apply(subject, &plan(subject, &state(&[("a", flag(20))]), &primary()), at(700));
    assert_eq!(applied(), first);
    apply(subject, &plan(subject, &state(&[]), &primary()), at(800));
    assert_eq!(applied().map(|applied| applied.at), Some(at(800)));
}

fn what_was_seen_running_runs_whatever_the_clock_says(subject: &dyn Subject) {
    serve(subject, &state(&[("a", flag(20)), ("b", flag(20))]));
    apply(subject, &plan(subject, &state(&[("a", flag(20))]), &primary()), at(1_500));
    // Made as of 500, which is before the start at 1,000.
    let behind = plan(subject, &state(&[("a", flag(10))]), &primary());
    assert_eq!(behind.actions.iter().flat_map(|action| &action.disturbs).count(), 1);
    assert!(behind.obstacles().iter().any(|obstacle| matches!(obstacle, Obstacle::ClockBehind(_))));
}

fn a_plan_that_was_applied_is_done(subject: &dyn Subject) {
    let made = plan(subject, &state(&[("a", flag(20))]), &primary());
    let live = || subject.target().read().expect("a live state");
    assert!(!made.is_done(&live()));
    apply(subject, &made, at(600));
    assert!(made.is_done(&live()));
    subject.tamper("a");
    assert!(!made.is_done(&live()));
}

fn a_plan_that_changes_too_much_says_so(subject: &dyn Subject) {
    let policy = LargeChange { share: share(30), at_least: 2 };
    let names = ["a", "b", "c", "d", "e"];
    let all = |percent: u32| state(&names.map(|name| (name, flag(percent))));
    let first = plan(subject, &all(20), &primary());
    assert_eq!(first.larger_than(policy), None);
    apply(subject, &first, at(600));
    let mut one = all(20);
    one.flags.insert(key("a"), flag(30));
    assert_eq!(plan(subject, &one, &primary()).larger_than(policy), None);
    one.flags.remove(&key("b"));
    let too_large =
        plan(subject, &one, &primary()).larger_than(policy).expect("two of five is more than 30 %");
    assert_eq!((too_large.changes, too_large.owned), (2, 5));
}

macro_rules! conforms {
    ($module:ident, $make:expr, $attribute:meta, [$($name:ident),* $(,)?]) => {
        mod $module {
            use super::*;
            $(#[test] #[$attribute] fn $name() { super::$name(&$make); })*
        }
    };
}

macro_rules! targets {
    ($(#[$attribute:meta] $module:ident: $make:expr;)*) => {$(
        conforms!($module, $make, $attribute, [
            nothing_is_there_at_first,
            what_is_applied_is_what_is_live_and_a_second_apply_does_nothing,
            a_write_names_the_version_that_it_replaces,
            what_is_not_ours_is_left_alone,
            a_flag_of_somebody_else_is_taken_over_only_when_told,
            a_change_by_hand_is_shown_and_stays_until_it_is_reverted,
            what_the_book_no_longer_has_goes,
            a_launch_is_recorded_once_and_kept,
            a_late_launch_begins_when_it_is_applied,
            an_approval_is_recorded_and_kept_until_the_next,
            what_has_no_guardrails_has_what_it_serves,
            a_plan_that_takes_units_out_of_what_runs_says_which,
            another_target_than_the_primary_launches_nothing,
            a_stale_plan_says_what_differs,
            a_plan_outlives_changes_to_what_it_does_not_touch,
            a_plan_reads_back_and_cannot_be_edited,
            a_plan_that_changes_too_much_says_so,
            the_last_apply_is_written_down,
            what_was_seen_running_runs_whatever_the_clock_says,
            a_plan_that_was_applied_is_done,
        ]);
    )*};
}

targets! {
    #[cfg(test)] memory: InMemory(Memory::new("shop"));
    #[cfg(test)] flagd_file: InStore::file();
    #[cfg(test)] flagd_git: InStore::git();
    #[cfg(test)] flagd_bucket: InStore::bucket();
    #[ignore = "needs a server: tests/unleash/run"] unleash_server: unleash::OnServer::new();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_flagd_is_given_is_what_it_gives_back(flag in any_flag()) {
        let encoded = super::flagd::encode(&flag).expect("an expressible flag");
        prop_assert_eq!(super::flagd::decode(&encoded).expect("a flag that was just written"), flag.clone());
        prop_assert_eq!(super::flagd::encode(&flag).expect("an expressible flag").to_string(), encoded.to_string());
        let text = serde_json::to_string_pretty(&encoded).expect("JSON");
        let read = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(super::flagd::decode(&read).expect("a flag that was just written"), flag);
    }

    #[test]
    fn any_state_is_applied_once(one in any_flag(), two in any_flag()) {
        let subject = InStore::file();
        let desired = state(&[("one", one), ("two", two)]);
        serve(&subject, &desired);
        prop_assert!(plan(&subject, &desired, &primary()).is_empty());
    }
}

//! States and plans for the tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::subject::Subject;
use crate::backend::Attached;
use crate::plan::{
    Approval, Basis, Branch, Condition, Enrolment, ExperimentBranch, FlagState, LaunchInfo, LiveVersion,
    Options, Plan, RolloutBranch, Serving, State, Unit,
};
use trialbook_model::{
    AttributeKey, AttributeType, BucketRange, EntityKey, ExperimentKey, FlagKey, RolloutKey, Salt, Scalar,
    Schedule, ServedName, Share, Split, TargetKey, Test, VariantKey,
};

/// The commit that every apply of a test is of.
pub(super) const COMMIT: &str = "9f2e1c7c0b44f0b7fd4f9f9a4a3d4ac0b5f3a7de";

pub(super) fn variant(text: &str) -> VariantKey {
    VariantKey::new(text).expect("a variant")
}

pub(super) fn key(text: &str) -> FlagKey {
    FlagKey::new(text).expect("a key")
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a timestamp")
}

pub(super) fn share(percent: u32) -> Share {
    Share::from_percent(percent).expect("a share")
}

/// A flag with a rule and an experiment on `percent` of everybody.
pub(super) fn flag(percent: u32) -> FlagState {
    let experiment = ExperimentKey::new("bold-button").expect("a key");
    let salt = Salt::new("bold-button").expect("a salt");
    let buckets = vec![BucketRange::new(0, percent * 100 - 1).expect("a range")];
    let split = Split::equal(vec![variant("plain"), variant("bold")]).expect("a split");
    let values = [("plain", json!({"colour": "green"})), ("bold", json!({"colour": "orange"}))];
    let mut entries = BTreeMap::new();
    for (name, value) in values {
        entries.insert(ServedName::Plain(variant(name)), value.clone());
        entries.insert(ServedName::Arm(experiment.clone(), variant(name)), value);
    }
    let employee = Condition::Attribute(
        AttributeKey::new("employee").expect("a name"),
        AttributeType::Boolean,
        Test::In(BTreeSet::from([Scalar::Boolean(true)])),
    );
    FlagState {
        book: "shop".into(),
        owner: "team-checkout".into(),
        entity: EntityKey::new("user").expect("a name"),
        unit: Unit::TargetingKey,
        entries,
        default: variant("plain"),
        serving: Serving::Enabled(vec![
            Branch::Rule { when: employee, serve: variant("bold") },
            Branch::Experiment(ExperimentBranch {
                key: experiment,
                window: Schedule::new(at(1_000), at(2_000)).expect("a window"),
                audience: Condition::everyone(),
                enrolment: Enrolment::new(salt.clone(), buckets).expect("an enrolment"),
                except: Vec::new(),
                salt,
                split,
            }),
        ]),
        launches: BTreeMap::new(),
        approvals: BTreeMap::new(),
    }
}

pub(super) fn state(flags: &[(&str, FlagState)]) -> State {
    State { flags: flags.iter().map(|(name, flag)| (key(name), flag.clone())).collect() }
}

pub(super) fn primary() -> Options {
    Options::default()
}

pub(super) fn plan(subject: &dyn Subject, desired: &State, options: &Options) -> Plan {
    let live = subject.target().read().expect("a live state");
    let name = TargetKey::new("production").expect("a key");
    let identity = subject.target().identity();
    let basis = Basis { options, ..Basis::new(&name, identity, "shop", &live, desired, at(500)) };
    Plan::new(&basis).expect("a plan")
}

pub(super) fn apply(subject: &dyn Subject, plan: &Plan, now: Timestamp) -> LiveVersion {
    let target = subject.target();
    let live = target.read().expect("a live state");
    let commit = Some("9f2e1c7".to_owned());
    let head = Some(COMMIT.to_owned());
    let launch = LaunchInfo { now, commit, head, digests: BTreeMap::new(), recorded: BTreeMap::new() };
    target.write(&plan.changes(&live, &launch), &live.version, &Attached::default()).expect("a write")
}

pub(super) fn serve(subject: &dyn Subject, desired: &State) -> LiveVersion {
    apply(subject, &plan(subject, desired, &primary()), at(600))
}

pub(super) fn live_state(subject: &dyn Subject) -> State {
    subject.target().read().expect("a live state").state()
}

/// A flag whose guarded rollout may reach so many percent.
pub(super) fn released(percent: u32) -> FlagState {
    let rollout = RolloutKey::new("new-button").expect("a key");
    let salt = Salt::new("new-button").expect("a salt");
    let buckets = vec![BucketRange::new(0, percent * 100 - 1).expect("a range")];
    let mut state = flag(20);
    state.serving = Serving::Enabled(vec![Branch::Rollout(RolloutBranch {
        key: rollout.clone(),
        start: at(1_000),
        audience: Condition::everyone(),
        enrolment: Enrolment::new(salt, buckets).expect("an enrolment"),
        except: Vec::new(),
        serve: variant("bold"),
    })]);
    state.approvals.insert(rollout, Approval { share: share(percent), at: None, commit: None });
    state
}

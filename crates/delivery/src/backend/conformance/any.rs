//! Any flag that a book can ask a target to serve.

use proptest::prelude::*;
use serde_json::json;

use super::{at, flag, variant};
use crate::plan::{
    Approval, Branch, Condition, Drawn, Enrolment, EnrolmentStep, Exception, ExperimentBranch, FlagState,
    HoldoutBranch, Launch, OverrideBranch, OverrideUnits, RolloutBranch, Serving, Unit,
};
use trialbook_model::allocation::BucketSet;
use trialbook_model::{
    AttributeKey, AttributeType, Bound, BucketRange, Digest, ExperimentKey, HoldoutKey, Number, RolloutKey,
    Salt, Scalar, Schedule, SegmentKey, ServedName, Share, Split, Test, Version,
};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9]{1,6}", "\\PC{1,6}", Just("true".into()), Just("18".into()), Just("8.2.0".into())]
}

fn any_version() -> impl Strategy<Value = Version> {
    "(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})(-(0|[1-9][0-9]|[a-z]{1,3})(\\.rc)?)?"
        .prop_map(|text| Version::parse(&text).expect("a version"))
}

/// Versions of up to four numbers, in normal form.
fn any_lenient_version() -> impl Strategy<Value = Version> {
    (any_version(), 0u64..3).prop_map(|(version, fourth)| {
        let [major, minor, patch, _] = version.numbers();
        let hyphen = if version.is_pre_release() { "-" } else { "" };
        let text = format!("{major}.{minor}.{patch}.{fourth}{hyphen}{}", version.pre_release());
        let version = Version::parse_lenient(&text).expect("a version");
        Version::parse_lenient(&version.normalised()).expect("a version")
    })
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        (-5i32..20).prop_map(f64::from),
        -1e300f64..1e300,
        -1.0f64..1.0,
        Just(9_007_199_254_740_993.0)
    ]
    .prop_map(|value| Number::new(value).expect("a finite number"))
}

fn any_bound(test: fn(Bound) -> Test) -> impl Strategy<Value = (AttributeType, Test)> {
    prop_oneof![
        any_number().prop_map(move |n| (AttributeType::Number, test(Bound::Number(n)))),
        any_version().prop_map(move |v| (AttributeType::Version, test(Bound::Version(v)))),
        any_lenient_version().prop_map(move |v| (AttributeType::LenientVersion, test(Bound::Version(v)))),
    ]
}

/// Conditions in normal form: what [`Condition::of`] makes.
fn any_condition() -> impl Strategy<Value = Condition> {
    use proptest::collection::{btree_set, vec};
    let kinds = [
        AttributeType::String,
        AttributeType::Number,
        AttributeType::Boolean,
        AttributeType::Version,
        AttributeType::LenientVersion,
    ];
    let test = prop_oneof![
        proptest::sample::select(kinds.to_vec()).prop_map(|kind| (kind, Test::Present(true))),
        btree_set(any_text().prop_map(Scalar::String), 1..4)
            .prop_map(|v| (AttributeType::String, Test::In(v))),
        btree_set(any_number().prop_map(Scalar::Number), 1..4)
            .prop_map(|v| (AttributeType::Number, Test::In(v))),
        any::<bool>().prop_map(|v| (AttributeType::Boolean, Test::In([Scalar::Boolean(v)].into()))),
        any_version().prop_map(|v| (AttributeType::Version, Test::In([Scalar::Version(v)].into()))),
        any_lenient_version()
            .prop_map(|v| (AttributeType::LenientVersion, Test::In([Scalar::Version(v)].into()))),
        any_bound(Test::AtLeast),
        any_bound(Test::Above),
        any_bound(Test::AtMost),
        any_bound(Test::Below),
        any_text().prop_map(|text| (AttributeType::String, Test::StartsWith(text))),
        any_text().prop_map(|text| (AttributeType::String, Test::EndsWith(text))),
        any_text().prop_map(|text| (AttributeType::String, Test::Contains(text))),
    ];
    let name = proptest::sample::select(vec!["country", "accumulator", "current", "var", "in", "_x-1"]);
    let leaf = (name, test).prop_map(|(name, (kind, test))| {
        Condition::Attribute(AttributeKey::new(name).expect("a name"), kind, test)
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Condition::All),
            vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|part| Condition::Not(Box::new(part))),
        ]
    })
}

fn any_buckets() -> impl Strategy<Value = Vec<BucketRange>> {
    proptest::collection::btree_set(0u32..10_000, 2..9).prop_map(|cuts| {
        let cuts: Vec<_> = cuts.into_iter().collect();
        cuts.chunks_exact(2).filter_map(|pair| BucketRange::new(pair[0], pair[1])).collect()
    })
}

/// Some buckets, and at times more of them.
fn any_enrolment() -> impl Strategy<Value = Enrolment> {
    let steps = proptest::collection::btree_map(0i64..4_000_000_000, any_buckets(), 0..3);
    (any_buckets(), steps).prop_map(|(first, steps)| {
        let salt = Salt::new("checkout-2026").expect("a salt");
        let enrolment = Enrolment::new(salt, first).expect("ranges in order");
        steps.into_iter().fold(enrolment, |enrolment, (second, more)| {
            let larger: BucketSet = enrolment.largest().iter().copied().chain(more).collect();
            let step = EnrolmentStep { at: at(second), buckets: larger.ranges().to_vec() };
            let steps = enrolment.grows().iter().cloned().chain([step]).collect();
            let first = Enrolment::new(enrolment.salt().clone(), enrolment.buckets().to_vec());
            // A step that adds nothing is none.
            first.and_then(|first| first.growing(steps)).unwrap_or(enrolment)
        })
    })
}

fn any_units() -> impl Strategy<Value = Enrolment> {
    let salt = || Salt::new("2026-q4").expect("a salt");
    any_buckets().prop_map(move |buckets| Enrolment::new(salt(), buckets).expect("ranges in order"))
}

fn any_exceptions() -> impl Strategy<Value = Vec<Exception>> {
    let one = ("[a-z]{1,3}", 0i64..4_000_000_000, any_units()).prop_map(|(holdout, until, units)| {
        Exception { holdout: HoldoutKey::new(holdout).expect("a key"), until: at(until), units }
    });
    proptest::collection::vec(one, 0..3)
}

fn any_branch() -> impl Strategy<Value = Branch> {
    let rule = any_condition().prop_map(|when| Branch::Rule { when, serve: variant("bold") });
    let drawn = || (any_condition(), any_enrolment(), any_exceptions(), 0i64..4_000_000_000, "[a-z]{1,3}");
    let experiment =
        (drawn(), 1u32..999_999).prop_map(|((audience, enrolment, except, start, name), ppm)| {
            let part = |name, ppm| (variant(name), Share::from_ppm(ppm).expect("a share"));
            Branch::Experiment(ExperimentBranch {
                key: ExperimentKey::new(name).expect("a key"),
                window: Schedule::new(at(start), at(start + 86_400)).expect("a window"),
                audience,
                enrolment,
                except,
                salt: Salt::new("s-1").expect("a salt"),
                split: Split::new(vec![part("bold", ppm), part("plain", 1_000_000 - ppm)]).expect("a split"),
            })
        });
    let rollout = drawn().prop_map(|(audience, enrolment, except, start, name)| {
        Branch::Rollout(RolloutBranch {
            key: RolloutKey::new(name).expect("a key"),
            start: at(start),
            audience,
            enrolment,
            except,
            serve: variant("bold"),
        })
    });
    let holdout = (any_units(), 0i64..4_000_000_000, "[a-z]{1,3}").prop_map(|(units, start, name)| {
        Branch::Holdout(HoldoutBranch {
            key: HoldoutKey::new(name).expect("a key"),
            window: Schedule::new(at(start), at(start + 86_400)).expect("a window"),
            units,
            serve: variant("plain"),
        })
    });
    let units = proptest::collection::btree_set("\\PC{1,6}", 1..4).prop_map(OverrideUnits::Units);
    let segment = ("[a-z]{1,3}", any_condition()).prop_map(|(key, audience)| OverrideUnits::Segment {
        key: SegmentKey::new(key).expect("a key"),
        audience,
    });
    let forced =
        (prop_oneof![units, segment], 0i64..4_000_000_000, "[a-z]{1,3}").prop_map(|(who, until, name)| {
            Branch::Override(OverrideBranch {
                experiment: ExperimentKey::new(name).expect("a key"),
                until: at(until),
                who,
                serve: variant("bold"),
            })
        });
    prop_oneof![1 => forced, 2 => rule, 2 => experiment, 2 => rollout, 1 => holdout]
}

fn any_drawn() -> impl Strategy<Value = Option<Drawn>> {
    any_branch().prop_map(|branch| match branch {
        Branch::Experiment(ExperimentBranch { window, enrolment, except, salt, split, .. }) => {
            let unit = Unit::Attribute(AttributeKey::new("account_id").expect("a name"));
            Some(Drawn { unit, window, enrolment, except, salt, split })
        }
        _ => None,
    })
}

pub(super) fn any_flag() -> impl Strategy<Value = FlagState> {
    let serving = prop_oneof![
        1 => Just(Serving::Disabled),
        9 => proptest::collection::vec(any_branch(), 0..4).prop_map(Serving::Enabled),
    ];
    let unit = prop_oneof![
        Just(Unit::TargetingKey),
        Just(Unit::Attribute(AttributeKey::new("account_id").expect("a name"))),
    ];
    (serving, unit, any_text(), any::<bool>(), any_drawn()).prop_map(
        |(serving, unit, text, launched, drawn)| {
            let mut made = FlagState { serving, unit, owner: text.clone(), ..flag(20) };
            made.entries = [("plain", json!({"b": [1, 2.5, null], "a": text})), ("bold", json!(true))]
                .map(|(name, value)| (ServedName::Plain(variant(name)), value))
                .into();
            if launched {
                let launch = Launch {
                    start: at(1_500),
                    commit: Some(text.clone()),
                    digest: Some(Digest::of_bytes(text.as_bytes())),
                    drawn,
                };
                made.launches.insert(ExperimentKey::new("a").expect("a key"), launch);
                let approval = Approval {
                    share: Share::from_ppm(12_300).expect("a share"),
                    at: Some(at(1_500)),
                    commit: Some(text.clone()),
                };
                made.approvals.insert(RolloutKey::new("a").expect("a key"), approval);
            }
            made
        },
    )
}

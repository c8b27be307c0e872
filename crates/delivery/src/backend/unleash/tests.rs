//! What strategies come of, and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::Form;
use super::limits::Limits;
use super::strategy::strategies;
use crate::plan::{
    Branch, Condition, Enrolment, EnrolmentStep, Exception, ExperimentBranch, FlagState, HoldoutBranch,
    LiveContent, RolloutBranch, Serving, Unit,
};
use trialbook_model::{
    AttributeKey, AttributeType, BucketRange, EntityKey, ExperimentKey, HoldoutKey, Number, RolloutKey, Salt,
    Scalar, Schedule, ServedName, Share, Split, Test, VariantKey,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("an instant")
}

fn variant(text: &str) -> VariantKey {
    VariantKey::new(text).expect("a variant")
}

fn enrolment(salt: &str, ranges: &[&str]) -> Enrolment {
    let ranges = ranges.iter().map(|text| BucketRange::parse(text).expect("a range")).collect();
    Enrolment::new(Salt::new(salt).expect("a salt"), ranges).expect("ranges that do not meet")
}

fn experiment(name: &str, enrolment: Enrolment) -> ExperimentBranch {
    ExperimentBranch {
        key: ExperimentKey::new(name).expect("a key"),
        window: Schedule::new(at(1_000), at(2_000)).expect("a window"),
        audience: Condition::everyone(),
        enrolment,
        except: Vec::new(),
        salt: Salt::new(name).expect("a salt"),
        split: Split::equal(vec![variant("plain"), variant("bold")]).expect("a split"),
    }
}

fn flag(branches: Vec<Branch>) -> FlagState {
    let mut entries = BTreeMap::new();
    for name in ["plain", "bold", "round"] {
        entries.insert(ServedName::Plain(variant(name)), json!(name));
        for branch in &branches {
            if let Branch::Experiment(experiment) = branch {
                entries.insert(ServedName::Arm(experiment.key.clone(), variant(name)), json!(name));
            }
        }
    }
    FlagState {
        book: "shop".into(),
        owner: "team".into(),
        entity: EntityKey::new("user").expect("a name"),
        unit: Unit::TargetingKey,
        entries,
        default: variant("plain"),
        serving: Serving::Enabled(branches),
        launches: BTreeMap::new(),
        approvals: BTreeMap::new(),
    }
}

/// Each strategy as its title, its group, its percent and what it serves.
fn shown(made: &[Value]) -> Vec<String> {
    let one = |strategy: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parameters = &strategy["parameters"];
        let variants = strategy["variants"].as_array().expect("variants");
        let served: Vec<_> =
            variants.iter().map(|one| format!("{} {}", text(&one["name"]), one["weight"])).collect();
        format!(
            "{} {}<={}: {}",
            text(&strategy["title"]),
            text(&parameters["groupId"]),
            text(&parameters["rollout"]),
            served.join(", ")
        )
    };
    made.iter().map(one).collect()
}

fn served(branches: Vec<Branch>) -> Result<Vec<String>, String> {
    strategies(&flag(branches), Limits::default()).map(|made| shown(&made))
}

#[test]
fn the_first_units_of_a_draw_are_one_strategy_for_each_step() {
    let step = EnrolmentStep { at: at(1_500), buckets: vec![BucketRange::new(0, 3_999).expect("a range")] };
    let growing = enrolment("bold", &["0-499"]).growing(vec![step]).expect("a growth");
    let made = served(vec![Branch::Experiment(experiment("bold", growing))]).expect("strategies");
    let arms = "bold.bold 500, bold.plain 500";
    assert_eq!(
        made,
        [
            format!("experiment bold layer/bold<=5: {arms}"),
            format!("experiment bold layer/bold<=40: {arms}"),
            "default <=: plain 1000".to_owned(),
        ]
    );
}

#[test]
fn other_ranges_of_a_layer_are_pieces_that_end() {
    let one = experiment("one", enrolment("layer", &["1000-1999", "5000-9999"]));
    let two = experiment("two", enrolment("layer", &["2000-2999"]));
    let made = served(vec![Branch::Experiment(one), Branch::Experiment(two)]).expect("strategies");
    assert_eq!(
        made,
        [
            "nobody layer/layer<=10: plain 1000",
            "experiment one layer/layer<=20: one.bold 500, one.plain 500",
            "nobody layer/layer<=20: plain 1000",
            "experiment two layer/layer<=30: two.bold 500, two.plain 500",
            "nobody layer/layer<=30: plain 1000",
            "nobody layer/layer<=50: plain 1000",
            "experiment one layer/layer<=100: one.bold 500, one.plain 500",
            "default <=: plain 1000",
        ]
    );
}

#[test]
fn the_units_of_a_holdout_are_served_first() {
    let units = enrolment("q4", &["0-499"]);
    let holdout = HoldoutKey::new("q4").expect("a key");
    let except = vec![Exception { holdout: holdout.clone(), until: at(3_000), units: units.clone() }];
    let rollout = RolloutBranch {
        key: RolloutKey::new("new").expect("a key"),
        start: at(1_000),
        audience: Condition::everyone(),
        enrolment: enrolment("new", &["0-9999"]),
        except,
        serve: variant("bold"),
    };
    let window = Schedule::new(at(500), at(3_000)).expect("a window");
    let former = HoldoutBranch { key: holdout, window, units, serve: variant("round") };
    let both = vec![Branch::Rollout(rollout.clone()), Branch::Holdout(former)];
    assert_eq!(
        served(both).expect("strategies"),
        [
            "holdout q4 holdout/q4<=5: round 1000",
            "holdout q4 holdout/q4<=5: plain 1000",
            "rollout new rollout/new<=100: bold 1000",
            "default <=: plain 1000",
        ]
    );
    let covered = experiment("bold", enrolment("bold", &["0-999"]));
    let refused = served(vec![Branch::Experiment(covered), Branch::Rollout(rollout)]).expect_err("a refusal");
    assert!(refused.contains("holdout `q4` keeps units from some"), "{refused}");
}

#[test]
fn what_is_too_fine_is_refused_with_the_nearest() {
    let fine = experiment("bold", enrolment("bold", &["0-3749"]));
    let refused = served(vec![Branch::Experiment(fine)]).expect_err("a refusal");
    assert!(refused.contains("buckets 0-3749") && refused.ends_with("the nearest are 0-3799"), "{refused}");

    let mut thirds = experiment("bold", enrolment("bold", &["0-3999"]));
    let variants = ["plain", "bold", "round"].map(variant);
    thirds.split = Split::equal(variants.to_vec()).expect("a split");
    let refused = served(vec![Branch::Experiment(thirds.clone())]).expect_err("a refusal");
    assert!(refused.ends_with("the nearest is `bold: 33.4%`, `plain: 33.3%`, `round: 33.3%`"), "{refused}");
    let parts = [("plain", 334_000), ("bold", 333_000), ("round", 333_000)];
    let parts = parts.map(|(name, ppm)| (variant(name), Share::from_ppm(ppm).expect("a share")));
    thirds.split = Split::new(parts.to_vec()).expect("a split");
    assert!(served(vec![Branch::Experiment(thirds)]).is_ok());
}

#[test]
fn draws_that_cannot_follow_each_other_are_refused() {
    let layered = Branch::Experiment(experiment("one", enrolment("layer", &["1000-1999"])));
    let own = Branch::Experiment(experiment("two", enrolment("two", &["0-999"])));
    let refused = served(vec![layered.clone(), own.clone()]).expect_err("a refusal");
    assert!(refused.contains("from the middle of a draw"), "{refused}");
    assert!(served(vec![own, layered]).is_ok());
}

fn rule(when: Condition) -> Vec<Branch> {
    vec![Branch::Rule { when, serve: variant("bold") }]
}

fn test(name: &str, kind: AttributeType, test: Test) -> Condition {
    Condition::Attribute(AttributeKey::new(name).expect("a name"), kind, test)
}

fn one_of(texts: impl IntoIterator<Item = String>) -> Condition {
    test("country", AttributeType::String, Test::In(texts.into_iter().map(Scalar::String).collect()))
}

#[test]
fn an_audience_is_a_strategy_for_each_alternative() {
    let number = |value| BTreeSet::from([Scalar::Number(Number::new(value).expect("a number"))]);
    let age = |value| test("age", AttributeType::Number, Test::In(number(value)));
    let any = Condition::Any(vec![one_of(["SE".into()]), age(3.0)]);
    let both = Condition::All(vec![any.clone(), Condition::Not(Box::new(any))]);
    let made = strategies(&flag(rule(both)), Limits::default()).expect("strategies");
    let constraints = |strategy: &Value| {
        let all = strategy["constraints"].as_array().expect("constraints").iter();
        all.map(|one| format!("{} {}", one["contextName"], one["inverted"])).collect::<Vec<_>>().join(", ")
    };
    let inverted = r#""country" true, "age" true"#;
    assert_eq!(
        made.iter().map(constraints).collect::<Vec<_>>(),
        [format!(r#""country" false, {inverted}"#), format!(r#""age" false, {inverted}"#), String::new()]
    );
    // A long list is several constraints: one of them holds, or none.
    let long = one_of((0..600).map(|n| format!("c{n}")));
    assert_eq!(served(rule(long.clone())).expect("strategies").len(), 4);
    assert_eq!(served(rule(Condition::Not(Box::new(long)))).expect("strategies").len(), 2);
}

#[test]
fn what_clients_cannot_ask_or_the_server_does_not_take_is_refused() {
    let number = |value| BTreeSet::from([Scalar::Number(Number::new(value).expect("a number"))]);
    let many = Condition::Any(
        (0..31).map(|n| test(&format!("a{n}"), AttributeType::Boolean, Test::Present(true))).collect(),
    );
    let deep = Condition::All(
        (0..31).map(|n| test(&format!("a{n}"), AttributeType::Boolean, Test::Present(true))).collect(),
    );
    let pair = |n| Condition::Any(vec![one_of([format!("x{n}")]), one_of([format!("y{n}")])]);
    let wide = Condition::All((0..40).map(pair).collect());
    for (refused, why) in [
        (one_of([" SE".into()]), "blanks"),
        (one_of([String::new()]), "blanks"),
        (one_of(["x".repeat(101)]), "100 characters"),
        (test("age", AttributeType::Number, Test::In(number(1e16))), "exactly"),
        (test("country", AttributeType::String, Test::Present(true)), "whether a text is there"),
        (test("app", AttributeType::LenientVersion, Test::Present(true)), "strict semantic versions"),
        (test("userId", AttributeType::Number, Test::In(number(1.0))), "set themselves"),
        (many, "32 strategies"),
        (deep, "31 conditions"),
        (wide, "combinations"),
    ] {
        let error = served(rule(refused)).expect_err("a refusal");
        assert!(error.contains(why), "{error}");
    }
    let mut empty = flag(Vec::new());
    empty.entries.insert(ServedName::Plain(variant("plain")), json!(""));
    assert!(strategies(&empty, Limits::default()).expect_err("a refusal").contains("the empty text"));
    let mut named = flag(Vec::new());
    named.default = variant("10%");
    named.entries.insert(ServedName::Plain(variant("10%")), json!("x"));
    assert!(strategies(&named, Limits::default()).expect_err("a refusal").contains("no name in Unleash"));
}

#[test]
fn what_is_written_is_read_and_what_is_changed_by_hand_is_seen() {
    let state = flag(vec![Branch::Experiment(experiment("bold", enrolment("bold", &["0-3999"])))]);
    let limits = Limits::default();
    let form = Form::encode(&state, limits).expect("a form");
    assert_eq!(form.live("shop", limits).content, LiveContent::Ours(state.clone()));
    assert!(matches!(form.live("other", limits).content, LiveContent::Foreign { .. }));
    assert!(!form.text().contains("trialbook.state"));
    let drifted = |form: &Form| match form.live("shop", limits).content {
        LiveContent::Drifted { state, .. } => state,
        other => panic!("a drift: {other:?}"),
    };
    let mut other = form.clone();
    other.strategies.swap(0, 1);
    assert_eq!(drifted(&other), None);
    let mut off = form.clone();
    off.enabled = false;
    assert_eq!(drifted(&off), None);
    let mut bare = form.clone();
    bare.strategies.remove(0);
    assert_eq!(drifted(&bare), Some(FlagState { serving: Serving::Disabled, ..state }));
}

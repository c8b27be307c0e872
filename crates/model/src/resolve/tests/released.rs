//! Rollouts, holdouts, ramps, and targets that differ.

use super::*;
use crate::{
    Allocation, Connection, Guardrail, Holdout, HoldoutKey, Margin, Override, Rollout, RolloutKey, Step,
    Steps, Surface, Target, TargetKey,
};

fn share(text: &str) -> Share {
    Share::parse(text).expect("a share")
}

fn steps(steps: &[(&str, &str)]) -> Steps {
    let step = |(at, text): &(&str, &str)| Step { at: parsed(at), share: share(text) };
    Steps::new(steps.iter().map(step).collect()).expect("steps")
}

/// Brings Sweden `bold`: a tenth from the 25th of November, everybody from the 10th of December.
fn rollout(guardrails: Vec<Guardrail>) -> Rollout {
    Rollout {
        key: parsed("new-search"),
        description: None,
        owner: "team".into(),
        flag: parsed("button"),
        serve: parsed("bold"),
        audience: is("country", "SE"),
        steps: steps(&[("2026-11-25T00:00:00Z", "10%"), ("2026-12-10T00:00:00Z", "100%")]),
        guardrails,
        salt: parsed("new-search"),
    }
}

/// A fifth of the users of checkout, for the fourth quarter.
fn holdout() -> Holdout {
    Holdout {
        key: parsed("2026-q4"),
        description: String::new(),
        owner: None,
        entity: parsed("user"),
        share: share("20%"),
        surfaces: vec![parsed("checkout")],
        schedule: Schedule::new(parsed("2026-11-01T00:00:00Z"), parsed("2027-01-01T00:00:00Z"))
            .expect("a schedule"),
        metrics: Vec::new(),
        salt: parsed("2026-q4"),
    }
}

/// The flag on the surface that the holdout covers.
fn covered() -> Flag {
    Flag { surfaces: vec![parsed("checkout")], ..flag() }
}

fn grown(flag: Flag, experiments: Vec<Experiment>, rollouts: Vec<Rollout>, holdouts: Vec<Holdout>) -> Book {
    let mut contents = Contents::from(book(super::flag(), Vec::new(), Vec::new()));
    let surface =
        |name: &str| (parsed(name), Surface { key: parsed(name), owner: None, traffic: Default::default() });
    contents.surfaces = [surface("checkout"), surface("search")].into();
    let target = |name: &str, primary, experiments| Target {
        key: parsed(name),
        connection: Connection::Flagd { store: "file://flags.json".into(), evaluators: Vec::new() },
        primary,
        experiments,
    };
    contents.targets = by_key(
        vec![
            target("production", true, true),
            target("staging", false, true),
            target("testing", false, false),
        ],
        |target| &target.key,
    );
    contents.flags = by_key(vec![flag], |flag| &flag.key);
    contents.experiments = by_key(experiments, |experiment| &experiment.key);
    contents.rollouts = by_key(rollouts, |rollout| &rollout.key);
    contents.holdouts = by_key(holdouts, |holdout| &holdout.key);
    Book::new(contents).expect("a book")
}

fn whole(key: &str) -> Experiment {
    Experiment { allocation: Share::ALL.into(), ..experiment(key, None) }
}

// Buckets of `rollout/new-search/…` and `holdout/2026-q4/…`, made with Python's mmh3: user-0 has 519 and 8126, user-1 has
// 9717; user-59 is among the first tenth of the rollout and the first fifth of the holdout.
const REACHED: &str = "user-0";
const LATER: &str = "user-1";
const HELD: &str = "user-59";

#[test]
fn a_rollout_serves_the_plain_variant_to_the_first_buckets_of_its_step() {
    let book = grown(flag(), Vec::new(), vec![rollout(Vec::new())], Vec::new());
    let at = |instant, unit| served(&book, instant, of("SE", unit));
    let (bold, plain) = ((Reason::Rollout, "bold".to_owned()), (Reason::Default, "plain".to_owned()));
    assert_eq!(at("2026-11-24T23:59:59Z", REACHED), plain);
    assert_eq!(at("2026-11-25T00:00:00Z", REACHED), bold);
    assert_eq!(at("2026-12-09T23:59:59Z", LATER), plain);
    assert_eq!(at("2026-12-10T00:00:00Z", LATER), bold);
    assert_eq!(at("2030-01-01T00:00:00Z", REACHED), bold);
    assert_eq!(served(&book, DURING, of("FI", REACHED)), plain);
    assert_eq!(served(&book, DURING, json!({"country": "SE"})), (Reason::NoUnit, "plain".into()));
    assert_eq!(served(&book, DURING, json!({"country": "FI"})), plain);
}

#[test]
fn a_rollout_says_its_key_and_the_bucket() {
    let book = grown(flag(), Vec::new(), vec![rollout(Vec::new())], Vec::new());
    let resolver = Resolver::new(&book, parsed(DURING), HashProfile::Utf8);
    let context = Context::new(of("SE", REACHED).as_object().expect("an object").clone(), &book.attributes);
    assert_eq!(
        serde_json::to_string(&resolver.resolve(&parsed("button"), &context)).expect("serialises"),
        r#"{"flag":"button","variant":"bold","served":"bold","value":"orange","reason":"rollout","source":"new-search","bucket":519}"#
    );
}

#[test]
fn an_experiment_comes_before_a_rollout_whatever_their_keys() {
    let book = grown(flag(), vec![whole("zebra")], vec![rollout(Vec::new())], Vec::new());
    assert_eq!(served(&book, DURING, of("SE", REACHED)).0, Reason::Experiment);
}

#[test]
fn a_guarded_rollout_goes_no_further_than_was_approved() {
    let guardrail = Guardrail { metric: parsed("errors"), margin: Margin::Absolute(0.01) };
    let guarded = rollout(vec![guardrail]);
    let limit = |approvals: Approvals| approvals.limit(&guarded).to_string();
    let of = |text: &str| Approvals::Of([(parsed::<RolloutKey>("new-search"), share(text))].into());
    assert_eq!(limit(Approvals::default()), "10%");
    assert_eq!(limit(of("40%")), "40%");
    assert_eq!(limit(Approvals::Every), "100%");
    let next = |approvals: Approvals| approvals.next(&guarded).map(|step| step.share.to_string());
    assert_eq!(next(Approvals::default()).as_deref(), Some("100%"));
    assert_eq!(next(of("100%")), None);
    let limited = grown(flag(), Vec::new(), vec![rollout(Vec::new())], Vec::new());
    assert_eq!(of("40%").limit(&limited.rollouts["new-search"]).to_string(), "100%", "it has no guardrails");
}

#[test]
fn a_holdout_keeps_its_units_from_what_begins_while_it_lasts() {
    let book = grown(covered(), Vec::new(), vec![rollout(Vec::new())], vec![holdout()]);
    assert_eq!(served(&book, DURING, of("SE", REACHED)), (Reason::Rollout, "bold".into()));
    assert_eq!(served(&book, DURING, of("SE", HELD)), (Reason::Holdout, "plain".into()));
    // Whom nothing would have been served to, nothing is kept from.
    assert_eq!(served(&book, DURING, of("FI", HELD)), (Reason::Default, "plain".into()));
    // Rules come first, and no unit is no draw.
    assert_eq!(served(&book, DURING, of("NO", HELD)), (Reason::Rule, "bold".into()));
    assert_eq!(served(&book, DURING, json!({"country": "SE"})), (Reason::NoUnit, "plain".into()));
    // When it ends, they are served like everybody.
    assert_eq!(served(&book, "2026-12-31T23:59:59Z", of("SE", HELD)).0, Reason::Holdout);
    assert_eq!(served(&book, "2027-01-01T00:00:00Z", of("SE", HELD)).0, Reason::Rollout);
}

#[test]
fn what_began_before_a_holdout_goes_on_for_its_units() {
    let late = Holdout {
        schedule: Schedule::new(parsed("2026-11-25T00:00:01Z"), parsed("2027-01-01T00:00:00Z"))
            .expect("a schedule"),
        ..holdout()
    };
    let book = grown(covered(), Vec::new(), vec![rollout(Vec::new())], vec![late]);
    assert_eq!(served(&book, DURING, of("SE", HELD)).0, Reason::Rollout);
}

#[test]
fn a_holdout_covers_its_surfaces_by_the_flag_or_the_experiment() {
    let on = |flag: Flag, surfaces: Vec<crate::SurfaceKey>| {
        let test = Experiment { surfaces, ..whole("bold") };
        let book = grown(flag, vec![test], Vec::new(), vec![holdout()]);
        served(&book, DURING, of("SE", HELD)).0
    };
    assert_eq!(on(flag(), Vec::new()), Reason::Experiment);
    assert_eq!(on(covered(), Vec::new()), Reason::Holdout);
    assert_eq!(on(flag(), vec![parsed("checkout")]), Reason::Holdout);
    assert_eq!(on(flag(), vec![parsed("search")]), Reason::Experiment);
    let named = Flag { holdouts: [(parsed::<HoldoutKey>("2026-q4"), parsed("plain"))].into(), ..flag() };
    assert_eq!(on(named, Vec::new()), Reason::Holdout);
}

#[test]
fn a_shipped_winner_does_not_reach_a_holdout() {
    let shipped = Flag {
        default: parsed("bold"),
        holdouts: [(parsed::<HoldoutKey>("2026-q4"), parsed("plain"))].into(),
        ..covered()
    };
    let book = grown(shipped, Vec::new(), Vec::new(), vec![holdout()]);
    assert_eq!(served(&book, DURING, of("SE", HELD)), (Reason::Holdout, "plain".into()));
    assert_eq!(served(&book, DURING, of("SE", REACHED)), (Reason::Default, "bold".into()));
    assert_eq!(served(&book, DURING, json!({})), (Reason::NoUnit, "bold".into()));
    assert_eq!(served(&book, "2027-01-01T00:00:00Z", of("SE", HELD)), (Reason::Default, "bold".into()));
    assert_eq!(served(&book, "2027-01-01T00:00:00Z", json!({})), (Reason::Default, "bold".into()));
}

#[test]
fn of_two_holdouts_the_earlier_decides_what_the_default_was() {
    let earlier = Holdout {
        key: parsed("zzz"),
        schedule: Schedule::new(parsed("2026-10-01T00:00:00Z"), parsed("2027-01-01T00:00:00Z"))
            .expect("a schedule"),
        ..holdout()
    };
    let twice = Flag {
        holdouts: [(parsed::<HoldoutKey>("2026-q4"), parsed("bold")), (parsed("zzz"), parsed("plain"))]
            .into(),
        ..covered()
    };
    // Both draw with one salt, so both have the unit.
    let book = grown(twice, Vec::new(), Vec::new(), vec![holdout(), earlier]);
    assert_eq!(served(&book, DURING, of("SE", HELD)), (Reason::Holdout, "plain".into()));
}

#[test]
fn a_ramp_enrols_more_at_its_steps_and_moves_nobody() {
    let ramp = Allocation::Ramp(steps(&[("2026-11-25T00:00:00Z", "1%"), ("2026-11-27T00:00:00Z", "10%")]));
    let book = grown(flag(), vec![Experiment { allocation: ramp, ..whole("bold") }], Vec::new(), Vec::new());
    let enrolled = |at: &str| -> BTreeMap<u32, String> {
        let resolver = Resolver::new(&book, parsed(at), HashProfile::Utf8);
        let unit = |unit: u32| {
            let context = of("SE", &format!("user-{unit}"));
            let context = Context::new(context.as_object().expect("an object").clone(), &book.attributes);
            let resolution = resolver.resolve(&parsed("button"), &context).expect("a served flag");
            (resolution.reason == Reason::Experiment).then(|| (unit, resolution.served.to_string()))
        };
        (0..5_000).filter_map(unit).collect()
    };
    let (small, large) = (enrolled("2026-11-26T23:59:59Z"), enrolled("2026-11-27T00:00:00Z"));
    // Standard deviations are 7 and 21.
    assert!(
        small.len().abs_diff(50) < 35 && large.len().abs_diff(500) < 100,
        "{} {}",
        small.len(),
        large.len()
    );
    assert!(small.iter().all(|(unit, arm)| large.get(unit) == Some(arm)));
}

#[test]
fn a_ramp_takes_the_slots_of_its_layer_in_their_order() {
    // Bucket 4071 of the layer is user-0's, 9571 is user-1's.
    let ramp =
        Allocation::Ramp(steps(&[("2026-11-25T00:00:00Z", "0.01%"), ("2026-11-27T00:00:00Z", "0.02%")]));
    let test = Experiment { allocation: ramp, ..experiment("bold", Some("checkout")) };
    let book = book(flag(), vec![test], vec![layer(&[("9571", "bold"), ("4071", "bold")])]);
    let reason = |at, unit| served(&book, at, of("SE", unit)).0;
    assert_eq!(reason("2026-11-26T00:00:00Z", "user-0"), Reason::Experiment);
    assert_eq!(reason("2026-11-26T00:00:00Z", "user-1"), Reason::Default);
    assert_eq!(reason("2026-11-27T00:00:00Z", "user-1"), Reason::Experiment);
}

#[test]
fn a_target_serves_what_it_overrides_and_perhaps_nothing_that_is_drawn() {
    let staging = Override { default: Some(parsed("bold")), rules: Some(Vec::new()), enabled: None };
    let differs = Flag {
        overrides: [(parsed::<TargetKey>("staging"), staging)].into(),
        holdouts: [(parsed::<HoldoutKey>("2026-q4"), parsed("plain"))].into(),
        ..covered()
    };
    let book = grown(differs, vec![whole("bold")], vec![rollout(Vec::new())], vec![holdout()]);
    let inside = |target: &str, context| served(&book.in_target(&parsed(target)), DURING, context);
    assert_eq!(inside("production", of("NO", HELD)), (Reason::Rule, "bold".into()));
    // Its default is no longer what it was when the holdout began, and it has no rules.
    assert_eq!(inside("staging", of("NO", HELD)), (Reason::Holdout, "plain".into()));
    assert_eq!(inside("staging", of("NO", REACHED)), (Reason::Default, "bold".into()));
    assert_eq!(inside("staging", of("SE", REACHED)).0, Reason::Experiment);
    assert_eq!(inside("testing", of("SE", REACHED)), (Reason::Default, "plain".into()));
    assert_eq!(inside("testing", of("NO", REACHED)), (Reason::Rule, "bold".into()));
    let tested = book.in_target(&parsed("testing"));
    assert!(Book::new(Contents::from(tested.into_owned())).is_ok());
}

#[test]
fn a_book_that_no_target_overrides_is_not_copied() {
    let book = grown(covered(), Vec::new(), vec![rollout(Vec::new())], vec![holdout()]);
    let target: TargetKey = parsed("production");
    assert!(matches!(book.in_target(&target), std::borrow::Cow::Borrowed(_)));
}

//! What is drawn beside experiments: rollouts, holdouts and ramps around [`START`], and what staging serves otherwise.

use std::collections::BTreeMap;

use trialbook_model::allocation::Approvals;
use trialbook_model::{
    Flag, Guardrail, Holdout, HoldoutKey, Margin, Override, Predicate, Rollout, Rule, Schedule, Share, Step,
    Steps, VariantKey,
};

use super::{Random, START, parsed, predicate};

/// What staging serves otherwise of some flags.
pub fn differently(random: &mut Random, i: usize) -> Override {
    Override {
        enabled: [None, Some(false), Some(true)][i / 4 % 3],
        default: (!i.is_multiple_of(8)).then(|| parsed("B")),
        rules: Some(vec![Rule { when: predicate(random, 2), serve: parsed("1-c_d") }]),
    }
}

/// Some flags have another default than when a holdout began, and one keeps two of them.
pub fn former_defaults(i: usize) -> BTreeMap<HoldoutKey, VariantKey> {
    let keys: &[&str] = match i % 7 {
        1 => &["accounts", "quarter"],
        4 => &["quarter"],
        6 => &["over", "quarter", "until-tomorrow"],
        _ => &[],
    };
    keys.iter().zip(["1-c_d", "a", "B"]).map(|(key, variant)| (parsed(key), parsed(variant))).collect()
}

/// Days after [`START`]; a fraction of a second counts as a whole one to an evaluator.
fn day(days: f64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(START * 1_000 + (days * 86_400_000.0) as i64).expect("a timestamp")
}

/// Steps before, at and after the instants that are compared, one of them within a second.
pub fn steps(random: &mut Random, first: f64) -> Steps {
    let later = [0.0, 1.0 - 1.0 / 86_400.0, 1.0 - 0.4 / 86_400.0, 1.0, 2.0];
    let at: Vec<f64> = [first]
        .into_iter()
        .chain(later.into_iter().filter(|days| random.below(2) == 0 && *days > first))
        .collect();
    let ppm = [10_000, 123_400, 300_000, 500_000, 700_000, 1_000_000];
    let step =
        |(days, ppm): (&f64, u32)| Step { at: day(*days), share: Share::from_ppm(ppm).expect("a share") };
    Steps::new(at.iter().zip(ppm).map(step).collect()).expect("steps that grow")
}

/// A rollout on each of some flags, two of them on one; every third is guarded.
pub fn rollout(random: &mut Random, i: usize, flag: &Flag) -> Rollout {
    let guardrail = Guardrail { metric: parsed("errors"), margin: Margin::Absolute(0.01) };
    let key = format!("rollout-{i}");
    Rollout {
        key: parsed(&key),
        description: None,
        owner: "team".into(),
        flag: flag.key.clone(),
        serve: parsed(random.pick(&["a", "B", "1-c_d"])),
        audience: if i.is_multiple_of(2) { Predicate::everyone() } else { predicate(random, 2) },
        steps: steps(random, random_day(i)),
        guardrails: if i.is_multiple_of(3) { vec![guardrail] } else { Vec::new() },
        salt: parsed(if i % 4 == 3 { "shared-salt" } else { &key }),
    }
}

/// Most begin before the instants that are compared, some at one, one later.
fn random_day(i: usize) -> f64 {
    [-0.5, -0.5, -3.0, -1.0 / 86_400.0, -0.5, -0.25][i % 6]
}

/// Of both entities: some that last, one that ends with the second day, and one that is over.
pub fn holdouts() -> [Holdout; 4] {
    [
        holdout("quarter", "user", 20, -2.0, 30.0),
        holdout("until-tomorrow", "user", 30, -20.0, 1.0),
        holdout("over", "user", 50, -30.0, -0.1),
        holdout("accounts", "account", 25, -2.0, 30.0),
    ]
}

fn holdout(key: &str, entity: &str, percent: u32, from: f64, until: f64) -> Holdout {
    Holdout {
        key: parsed(key),
        description: String::new(),
        owner: None,
        entity: parsed(entity),
        share: Share::from_percent(percent).expect("a share"),
        surfaces: vec![parsed("checkout")],
        schedule: Schedule::new(day(from), day(until)).expect("a schedule"),
        metrics: Vec::new(),
        salt: parsed(key),
    }
}

/// How far the guarded rollouts have come: one is at its first step, the others were approved further.
pub fn approvals() -> Approvals {
    let share = |percent| Share::from_percent(percent).expect("a share");
    Approvals::Of(
        [
            (parsed("rollout-3"), share(30)),
            (parsed("rollout-6"), share(100)),
            (parsed("rollout-9"), share(40)),
        ]
        .into(),
    )
}

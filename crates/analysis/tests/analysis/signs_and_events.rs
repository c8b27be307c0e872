//! Control means below and near zero, guardrails with no event or one, and measures that cannot be used.

use std::fmt::Write as _;

use trialbook_analysis::{
    DeclaredEffect, Effect, Estimate, Ground, Judgement, Lift, NonInferiority, Outcome, QualityDetail,
    QualityKind, QualityStatus, Verdict, VerdictKind, WhyNot,
};

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

const RUNNING: &str = "2026-03-06T00:00:00Z";

/// Writes so many units in each arm, with the rows of purchases that a function gives for the arm's units: amount and
/// status.
fn shop(units: usize, plan: &str, rows: impl Fn(bool, usize) -> Vec<(String, &'static str)>) -> Shop {
    let shop = Shop::new();
    shop.write("button-test.experiment.yaml", plan);
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'");
    shop.metric("dearest", "type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'");
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    for on in [false, true] {
        let arm = if on { "on" } else { "off" };
        for unit in 0..units {
            let _ = writeln!(exposures, "{arm}{unit},button-test.{arm},2026-03-02T00:00:00Z,web");
            for (amount, status) in rows(on, unit) {
                let _ = writeln!(purchases, "{arm}{unit},2026-03-02T12:00:00Z,{amount},{status}");
            }
        }
    }
    // Rows late enough that nothing is missing, at either date.
    purchases.push_str("early,2026-03-05T23:00:00Z,1.5,late\nlate,2026-03-12T23:00:00Z,1.5,late\n");
    // Somebody else has a refund, so that a condition on it is no misspelt one.
    purchases.push_str("other,2026-03-05T23:00:00Z,1.5,refunded\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    shop
}

/// Values around a mean with a standard deviation of about 2, the same in each call.
fn around(mean: f64, unit: usize) -> String {
    let mut numbers = Numbers(unit as u64);
    let noise: f64 = (0..4).map(|_| numbers.next(1000) as f64 / 1000.0 - 0.5).sum();
    format!("{:.3}", mean + 3.5 * noise)
}

/// A shop whose arms have these means, and half of whose units refund nothing.
fn profits(plan: &str, control: f64, treatment: f64) -> Outcome {
    let means = move |on, unit| {
        let mean = if on { treatment } else { control };
        let mut rows = vec![(around(mean, 2 * unit + usize::from(on)), "paid")];
        if unit % 2 == 0 {
            rows.push(("2".to_owned(), "refunded"));
        }
        rows
    };
    let shop = shop(600, plan, means);
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'refunded'");
    shop.analyse(HORIZON)
}

fn verdict(outcome: &Outcome) -> &Verdict {
    outcome.verdicts.first().expect("a verdict")
}

fn effect<'a>(outcome: &'a Outcome, key: &str) -> &'a Effect {
    match &metric(outcome, key).comparisons[0].estimate {
        Estimate::Measured(effect) => effect,
        Estimate::NotMeasured(why) => panic!("{key}: {why:?}"),
    }
}

fn lift(effect: &Effect) -> (f64, f64, f64) {
    match &effect.lift {
        Lift::Defined { lift, interval, .. } => (*lift, interval.lower, interval.upper),
        Lift::Undefined(why) => panic!("{why:?}"),
    }
}

#[test]
fn a_loss_that_halves_is_up_and_one_that_grows_is_down() {
    let plan = EXPERIMENT.replace("mde: 5%", "mde: {absolute: 1}");
    for (control, treatment, kind) in [
        (-10.0, -5.0, VerdictKind::Ship),
        (-10.0, -15.0, VerdictKind::RollBack),
        (10.0, 15.0, VerdictKind::Ship),
        (10.0, 5.0, VerdictKind::RollBack),
    ] {
        let outcome = profits(&plan, control, treatment);
        let verdict = verdict(&outcome);
        assert_eq!(verdict.kind, kind, "{control} to {treatment}: {:?}", verdict.reasons);
        let moved = verdict.reasons.iter().find_map(|reason| match reason {
            Ground::MetricBetter { lift, .. } | Ground::MetricWorse { lift, .. } => *lift,
            _ => None,
        });
        assert!(moved.is_some_and(|lift| lift * (treatment - control) > 0.0), "{moved:?}");
        for key in ["spend", "dearest"] {
            let effect = effect(&outcome, key);
            let (lift, low, high) = lift(effect);
            assert!(lift * effect.difference > 0.0 && low < lift && lift < high, "{key} {lift} {low} {high}");
            assert!((lift - effect.difference / effect.control_mean.abs()).abs() < 1e-12);
            assert!(low * high > 0.0);
        }
        let explored = metric(&outcome, "dearest").comparisons[0].judgement;
        let better = if treatment > control { Judgement::Better } else { Judgement::Worse };
        assert_eq!(explored, better);
    }
}

#[test]
fn a_relative_effect_is_ruled_out_alike_on_both_sides_of_zero() {
    let plan = EXPERIMENT.replace("mde: 5%", "mde: 60%");
    for control in [10.0, -10.0] {
        for bad in [false, true] {
            let plan = plan.clone();
            let outcome = {
                let shop = shop(600, &plan, |on, unit| {
                    vec![
                        (around(control, 2 * unit + usize::from(on)), "paid"),
                        ("2".to_owned(), if unit % 2 == 0 { "refunded" } else { "kept" }),
                    ]
                });
                shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'refunded'");
                if bad {
                    shop.write(
                        "spend.metric.yaml",
                        "description: d\nentity: user\nsource: purchases\nwindow: 2d\nincrease_is: bad\n\
                         type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'\n",
                    );
                }
                shop.analyse(HORIZON)
            };
            assert_eq!(verdict(&outcome).kind, VerdictKind::NoEffect, "{control} {bad}");
        }
    }
    // An effect as large as declared is not ruled out, and one beyond it on the wrong side is.
    let kind = |control: f64, treatment: f64| verdict(&profits(&plan, control, treatment)).kind;
    assert_eq!(kind(-10.0, -4.0), VerdictKind::Ship);
    assert_eq!(kind(-10.0, -16.0), VerdictKind::RollBack);
}

#[test]
fn a_share_of_a_control_mean_that_may_be_zero_is_no_effect_and_no_margin() {
    let outcome = profits(EXPERIMENT, 0.05, 0.05);
    let found = verdict(&outcome);
    assert_eq!(found.kind, VerdictKind::Inconclusive);
    let untested =
        |reason: &Ground| matches!(reason, Ground::NotTested { metric } if metric.as_str() == "spend");
    assert!(found.reasons.iter().any(untested), "{:?}", found.reasons);
    let why = match &metric(&outcome, "spend").comparisons[0].declared_effect {
        Some(DeclaredEffect::NotTested(why)) => &why.detail,
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(why, WhyNot::NoShare { setting, standard_error: Some(_), .. } if setting == "mde"),
        "{why:?}"
    );
    for mean in [0.05, -10.0] {
        let plan = EXPERIMENT
            .replace("mde: 5%", "mde: {absolute: 1}")
            .replace("{metric: buyers, margin: {absolute: 0.5}}", "{metric: dearest, margin: 5%}")
            .replace("exploratory: [dearest]", "exploratory: [buyers]");
        let outcome = profits(&plan, mean, mean + 3.0);
        assert_eq!(verdict(&outcome).kind, VerdictKind::NotDecidable, "{mean}");
        match &metric(&outcome, "dearest").comparisons[0].non_inferiority {
            Some(NonInferiority::NotTested(why)) => {
                assert!(
                    matches!(&why.detail, WhyNot::NoShare { setting, .. } if setting == "margin"),
                    "{why:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A shop where spending rises, and so many units of each arm have a refund.
fn refunds(control: usize, treatment: usize, kind: &str) -> Outcome {
    let plan = EXPERIMENT.replace("{absolute: 0.5}", "{absolute: 0.01}");
    let shop = shop(800, &plan, move |on, unit| {
        let mut rows = vec![(around(if on { 12.0 } else { 10.0 }, 2 * unit + usize::from(on)), "paid")];
        if unit < if on { treatment } else { control } {
            rows.push(("2".to_owned(), "refunded"));
        }
        rows
    });
    shop.write(
        "buyers.metric.yaml",
        &format!(
            "description: d\nentity: user\nsource: purchases\nwindow: 2d\nincrease_is: bad\n\
             {kind}\nmeasure: {{count: rows}}\nwhere: status = 'refunded'\n"
        ),
    );
    shop.analyse(HORIZON)
}

#[test]
fn a_guardrail_is_judged_alike_without_an_event_and_with_one() {
    let mut last = 0.0;
    for (control, treatment) in [(0, 0), (0, 1), (1, 0)] {
        for kind in ["type: proportion", "type: proportion\ncovariate: {before: 3d}"] {
            let outcome = refunds(control, treatment, kind);
            assert_eq!(verdict(&outcome).kind, VerdictKind::Ship, "{control} {treatment} {kind}");
            let effect = effect(&outcome, "buyers");
            assert!(effect.interval.lower < 0.0 && effect.interval.upper > 0.0, "{:?}", effect.interval);
            assert!(effect.interval.upper < 0.01 && effect.p_greater > 0.1);
        }
    }
    for treatment in 0..4 {
        let outcome = refunds(0, treatment, "type: proportion");
        match &metric(&outcome, "buyers").comparisons[0].non_inferiority {
            Some(NonInferiority::Tested(test)) => {
                assert!(test.p_value > last, "{treatment}: {} after {last}", test.p_value);
                last = test.p_value;
            }
            other => panic!("{other:?}"),
        }
    }
    // Forty refunds where there were none are harm, by a test that stays valid at every look.
    assert_eq!(verdict(&refunds(0, 40, "type: proportion")).kind, VerdictKind::RollBack);
}

#[test]
fn a_mean_of_events_needs_some_events_on_either_side_of_one() {
    for treatment in [0, 1, 2] {
        let outcome = refunds(0, treatment, "type: mean");
        let verdict = verdict(&outcome);
        assert_eq!(verdict.kind, VerdictKind::NotDecidable, "{treatment}: {:?}", verdict.reasons);
        let named = |reason: &Ground| matches!(reason, Ground::NotMeasured { metric } | Ground::NotTested { metric } if metric.as_str() == "buyers");
        assert!(verdict.reasons.iter().any(named), "{:?}", verdict.reasons);
    }
    assert_eq!(verdict(&refunds(12, 12, "type: mean")).kind, VerdictKind::Inconclusive);
}

/// Analyses while the test runs and at its end: what is wrong is reported from the first day, and nothing is concluded.
#[track_caller]
fn unusable(shop: &Shop, reason: &str, words: &str) {
    for (as_of, kind) in [(RUNNING, VerdictKind::KeepRunning), (HORIZON, VerdictKind::NotDecidable)] {
        let outcome = shop.analyse(as_of);
        assert_eq!(verdict(&outcome).kind, kind, "{:?}", verdict(&outcome).reasons);
        let check = outcome.quality.iter().find(|check| check.kind == QualityKind::UnmeasurableMetric);
        let check = check.unwrap_or_else(|| panic!("{words}: {:?}", outcome.quality));
        assert_eq!(check.status, QualityStatus::Warn);
        let QualityDetail::Unmeasurable { cause, .. } = &check.detail else { panic!("{check:?}") };
        assert!(cause.contains(words), "{cause}");
        if as_of == HORIZON {
            match &metric(&outcome, "spend").comparisons[0].estimate {
                Estimate::NotMeasured(why) => {
                    assert_eq!(why.reason, reason, "{why:?}");
                    let WhyNot::Refused { cause } = &why.detail else { panic!("{why:?}") };
                    assert!(cause.contains(words), "{cause}");
                }
                Estimate::Measured(effect) => panic!("{effect:?}"),
            }
            let named = |reason: &Ground| matches!(reason, Ground::NotMeasured { metric } if metric.as_str() == "spend");
            assert!(verdict(&outcome).reasons.iter().any(named), "{:?}", verdict(&outcome).reasons);
        }
    }
}

/// A shop in which unit 3 of the control has this amount.
fn with_amount(amount: &'static str) -> Shop {
    let shop = shop(60, EXPERIMENT, move |on, unit| {
        let usual = around(if on { 12.0 } else { 10.0 }, 2 * unit + usize::from(on));
        vec![(if unit == 3 && !on { amount.to_owned() } else { usual }, "paid")]
    });
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'paid'");
    shop
}

#[test]
fn text_in_a_measure_is_named_from_the_first_day() {
    unusable(&with_amount("n/a"), "source-unreadable", "holds text, not numbers");
}

#[test]
fn a_measure_that_is_no_finite_number_is_counted_from_the_first_day() {
    for amount in ["nan", "inf", "-inf"] {
        unusable(
            &with_amount(amount),
            "unusable-rows",
            "no number (empty, NaN or infinite) in 1 of the rows that count",
        );
    }
}

#[test]
fn a_cap_that_leaves_nothing_is_named_from_the_first_day() {
    let shop = shop(200, EXPERIMENT, |on, unit| {
        if unit == 5 || on && unit == 6 { vec![("20".to_owned(), "paid")] } else { Vec::new() }
    });
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'\ncap: {quantile: 99%}");
    unusable(&shop, "cap-cuts-all", "too few units have a value for a cap there (above it: 3)");
}

//! Quantiles, of units and of rows, from rows to a verdict: against the same computed the slow way.

use std::fmt::Write as _;

use trialbook_analysis::{Effect, Estimate, Outcome, VerdictKind};
use trialbook_stats::quantile::QuantileRanks;
use trialbook_stats::{Arm, CoMoments, Probability, Quantile, quantile_difference};

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

/// The 90th percentile of what units spend.
const OF_UNITS: &str = "type: quantile\nat: 90%\nmeasure: {sum: amount}\nwhere: status = 'paid'";
/// The 90th percentile of paid orders.
const OF_ROWS: &str = "type: quantile\nat: 90%\nmeasure: {value: amount}\nwhere: status = 'paid'";

/// The paid orders of each unit of an arm.
type Orders = Vec<Vec<f64>>;

/// A shop of so many units in each arm that come over ten days. The orders of a unit are alike; `effect` is added to those of
/// the treatment.
fn shop(units: u64, effect: f64) -> (Shop, [Orders; 2]) {
    let shop = Shop::new();
    let mut numbers = Numbers(3);
    let mut exposures = "user_id,served,at,platform\n".to_owned();
    let mut purchases = "user_id,at,eur,status\n".to_owned();
    let mut drawn = [Vec::new(), Vec::new()];
    for (on, of_arm) in [false, true].into_iter().zip(&mut drawn) {
        let arm = if on { "on" } else { "off" };
        for unit in 0..units {
            let (id, day) = (format!("{arm}{unit}"), 1 + unit % 10);
            let (hour, minute) = (numbers.next(6), 1 + numbers.next(59));
            let at = format!("2026-03-{day:02}T{hour:02}:{minute:02}:00Z");
            let _ = writeln!(exposures, "{id},button-test.{arm},{at},web");
            let habit = numbers.next(1000) as f64 / 50.0;
            let orders: Vec<f64> = (0..numbers.next(6))
                .map(|_| habit + numbers.next(1000) as f64 / 300.0 + if on { effect } else { 0.0 })
                .collect();
            for value in &orders {
                let _ = writeln!(purchases, "{id},2026-03-{day:02}T12:{minute:02}:00Z,{value},paid");
            }
            let _ = writeln!(purchases, "{id},2026-03-{day:02}T{:02}:00:00Z,900,refunded", 14 + hour);
            let _ = writeln!(purchases, "{id},2026-03-{:02}T{:02}:00:00Z,800,paid", day + 2, 7 + hour);
            of_arm.push(orders);
        }
    }
    purchases.push_str("late,2026-03-12T23:00:00Z,1.5,late\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    (shop, drawn)
}

fn ninety() -> Probability {
    Probability::new(0.9).expect("a probability")
}

/// The quantile of units' totals.
fn of_units(arm: &Orders) -> Quantile {
    let totals: Vec<f64> = arm.iter().map(|orders| orders.iter().sum()).collect();
    Quantile::of_values(&totals, ninety(), Arm::Control).expect("a quantile")
}

/// The quantile of all orders, with the error of units.
fn of_rows(arm: &Orders) -> Quantile {
    let mut all: Vec<f64> = arm.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let rank = (all.len() * 9).div_ceil(10);
    let quantile = all[rank - 1];
    let below = |orders: &Vec<f64>| orders.iter().filter(|value| **value <= quantile).count() as f64;
    let pairs: Vec<(f64, f64)> = arm.iter().map(|orders| (below(orders), orders.len() as f64)).collect();
    let moments = CoMoments::of_pairs(&pairs).expect("moments");
    let ranks = QuantileRanks::of_rows(&moments, ninety(), Arm::Control).expect("ranks");
    let value = |rank: u64| all[usize::try_from(rank).expect("a rank") - 1];
    Quantile::from_values(value(ranks.below), value(ranks.at), value(ranks.above)).expect("a quantile")
}

fn effect(outcome: &Outcome) -> &Effect {
    match &metric(outcome, "spend").comparisons[0].estimate {
        Estimate::Measured(effect) => effect,
        Estimate::NotMeasured(why) => panic!("{why:?}"),
    }
}

fn reason(outcome: &Outcome) -> &str {
    match &metric(outcome, "spend").comparisons[0].estimate {
        Estimate::NotMeasured(why) => &why.reason,
        Estimate::Measured(effect) => panic!("{effect:?}"),
    }
}

/// Sorts the values of an arm and reads its quantile off.
type Slowly = fn(&Orders) -> Quantile;

/// A definition, and the same the slow way.
const BOTH: [(&str, Slowly); 2] = [(OF_UNITS, of_units), (OF_ROWS, of_rows)];

#[test]
fn a_quantile_is_that_of_the_sorted_values_with_the_error_of_units() {
    let (shop, [control, treatment]) = shop(500, 4.0);
    for (definition, slow) in BOTH {
        shop.metric("spend", definition);
        let outcome = shop.analyse(HORIZON);
        let (control, treatment) = (slow(&control), slow(&treatment));
        let want = quantile_difference(&control, &treatment).expect("a comparison");
        let got = effect(&outcome);
        // Sums of several orders differ in their last digit.
        let close = |got: f64, want: f64| (got / want - 1.0).abs() < 1e-12;
        assert!(close(got.control_mean, control.value) && close(got.treatment_mean, treatment.value));
        assert!((got.standard_error / want.standard_error() - 1.0).abs() < 1e-12, "{definition}");
        assert_eq!(got.degrees_of_freedom, None);
        assert_eq!(outcome.verdicts[0].kind, VerdictKind::Ship, "{:?}", outcome.verdicts[0].reasons);
        let moments = metric(&outcome, "spend").arms[0].moments.expect("moments");
        assert!(moments.value().is_some_and(|value| close(value, control.value)), "{definition}");
        let n = 500.0_f64;
        let error = (moments.m2 / (n - 1.0) / n).sqrt();
        assert!((error / control.standard_error - 1.0).abs() < 1e-12);
        let again = Outcome::from_json(&serde_json::to_string(&outcome).expect("JSON")).expect("an outcome");
        assert_eq!(again, outcome);
    }
}

#[test]
fn rows_of_the_same_unit_widen_the_interval() {
    let (shop, [control, treatment]) = shop(500, 0.0);
    shop.metric("spend", OF_ROWS);
    let outcome = shop.analyse(HORIZON);
    let naive = |arm: &Orders| {
        let all: Vec<f64> = arm.iter().flatten().copied().collect();
        Quantile::of_values(&all, ninety(), Arm::Control).expect("a quantile")
    };
    let naive = quantile_difference(&naive(&control), &naive(&treatment)).expect("a comparison");
    assert!(effect(&outcome).standard_error > 1.2 * naive.standard_error());
    assert_ne!(outcome.verdicts[0].kind, VerdictKind::Ship);
}

#[test]
fn each_look_has_the_quantile_of_the_units_whose_windows_have_closed() {
    let (shop, [control, treatment]) = shop(600, 0.0);
    let plan = format!("{EXPERIMENT}analysis: {{method: group-sequential, min_duration: 3d}}\n");
    shop.write("button-test.experiment.yaml", &plan);
    for (definition, slow) in BOTH {
        shop.metric("spend", definition);
        let outcome = shop.analyse("2026-03-08T00:00:00Z");
        let looks = metric(&outcome, "spend").comparisons[0].looks.as_ref().expect("looks");
        for (look, days) in looks.path.iter().rev().zip([5, 4]) {
            let early = |arm: &Orders| -> Orders {
                arm.iter().enumerate().filter(|(unit, _)| unit % 10 < days).map(|(_, o)| o.clone()).collect()
            };
            let (control, treatment) = (slow(&early(&control)), slow(&early(&treatment)));
            let want = quantile_difference(&control, &treatment).expect("a comparison");
            assert_eq!(look.units, 120 * days as u64);
            assert!((look.difference - want.difference()).abs() < 1e-12, "{definition} {}", look.at);
            assert!((look.statistic - want.test(0.0).statistic).abs() < 1e-6, "{definition} {}", look.at);
        }
    }
}

#[test]
fn a_large_effect_on_a_quantile_is_shipped_early_and_a_harm_is_reported_at_once() {
    for (effect, kind) in [(12.0, VerdictKind::Ship), (-12.0, VerdictKind::RollBack)] {
        let (shop, _) = shop(800, effect);
        shop.metric("spend", OF_ROWS);
        let plan = format!("{EXPERIMENT}analysis: {{method: group-sequential, min_duration: 3d}}\n");
        shop.write("button-test.experiment.yaml", &plan);
        let outcome = shop.analyse("2026-03-09T00:00:00Z");
        assert_eq!(outcome.verdicts[0].kind, kind, "{:?}", outcome.verdicts[0].reasons);
    }
}

#[test]
fn a_quantile_that_cannot_be_computed_has_its_reason() {
    let (shop, _) = shop(60, 0.0);
    shop.metric("spend", &OF_UNITS.replace("90%", "99.9%"));
    assert_eq!(reason(&shop.analyse(HORIZON)), "too-few-for-quantile");
    shop.metric("spend", &OF_ROWS.replace("'paid'", "'paid' and eur > 1000"));
    assert_eq!(reason(&shop.analyse(HORIZON)), "no-matching-rows");
    // Most units have nothing above this.
    let (shop, _) = self::shop(200, 0.0);
    shop.metric("spend", &OF_UNITS.replace("90%", "40%").replace("'paid'", "'paid' and eur > 15"));
    assert_eq!(reason(&shop.analyse(HORIZON)), "zero-spread");
}

#[test]
fn a_row_without_a_number_is_refused() {
    let (shop, _) = shop(60, 0.0);
    let text = std::fs::read_to_string(shop.root().join("purchases.csv")).expect("purchases");
    shop.write("purchases.csv", &(text + "on1,2026-03-02T12:00:00Z,nan,paid\n"));
    shop.metric("spend", OF_ROWS);
    assert_eq!(reason(&shop.analyse(HORIZON)), "unusable-rows");
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_change_no_bit_of_a_quantile() {
    let (shop, _) = shop(300, 0.5);
    shop.metric("spend", OF_ROWS);
    assert_eq!(shop.analyse_with(HORIZON, Some(1)), shop.analyse_with(HORIZON, Some(4)));
}

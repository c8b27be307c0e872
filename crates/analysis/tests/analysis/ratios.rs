//! Ratios of totals, from rows to a verdict: against the same computed the slow way.

use std::fmt::Write as _;

use trialbook_analysis::{Adjustment, Effect, Estimate, Outcome, VerdictKind, WhyNot};
use trialbook_stats::{CoMoments, ratio_difference};

use crate::shop::{HORIZON, Numbers, Shop, metric};

/// Revenue per order. An order is paid; what is refunded counts in neither part.
const RATIO: &str = "type: ratio\n\
     numerator: {source: purchases, measure: {sum: amount}, where: status = 'paid'}\n\
     denominator: {source: purchases, measure: {count: rows}, where: \"status = 'paid'\"}";

/// The orders of a unit: amounts, and whether they are paid.
type Orders = Vec<(f64, bool)>;

fn ratio_metric(shop: &Shop, rest: &str) {
    shop.write(
        "spend.metric.yaml",
        &format!("description: d\nentity: user\nwindow: 2d\nincrease_is: good\n{rest}\n"),
    );
}

/// A shop of so many units in each arm; `amount` gives the size of an order.
fn shop(units: u64, amount: impl Fn(bool, u64) -> f64) -> (Shop, [Vec<Orders>; 2]) {
    let shop = Shop::new();
    ratio_metric(&shop, RATIO);
    let mut numbers = Numbers(7);
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    let mut drawn = [Vec::new(), Vec::new()];
    for (on, orders) in [false, true].into_iter().zip(&mut drawn) {
        let arm = if on { "on" } else { "off" };
        for unit in 0..units {
            let _ = writeln!(exposures, "{arm}{unit},button-test.{arm},2026-03-02T00:00:00Z,web");
            let mut of_unit = Orders::new();
            for _ in 0..numbers.next(4) {
                let (value, paid) = (amount(on, numbers.next(1000)), numbers.next(5) > 0);
                let status = if paid { "paid" } else { "refunded" };
                let _ = writeln!(purchases, "{arm}{unit},2026-03-02T12:00:00Z,{value},{status}");
                of_unit.push((value, paid));
            }
            // Before the exposure, and after the window: neither part has them.
            let _ = writeln!(purchases, "{arm}{unit},2026-03-01T12:00:00Z,5000,paid");
            let _ = writeln!(purchases, "{arm}{unit},2026-03-04T12:00:00Z,7000,paid");
            orders.push(of_unit);
        }
    }
    purchases.push_str("late,2026-03-12T23:00:00Z,1.5,late\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    (shop, drawn)
}

fn effect(outcome: &Outcome) -> &Effect {
    match &metric(outcome, "spend").comparisons[0].estimate {
        Estimate::Measured(effect) => effect,
        Estimate::NotMeasured(why) => panic!("{why:?}"),
    }
}

fn reason(outcome: &Outcome) -> (&str, &WhyNot) {
    match &metric(outcome, "spend").comparisons[0].estimate {
        Estimate::NotMeasured(why) => (&why.reason, &why.detail),
        Estimate::Measured(effect) => panic!("{effect:?}"),
    }
}

fn totals(arm: &[Orders]) -> CoMoments {
    let of_unit = |orders: &Orders| {
        let paid = orders.iter().filter(|(_, paid)| *paid);
        paid.fold((0.0, 0.0), |(sum, rows), (amount, _)| (sum + amount, rows + 1.0))
    };
    CoMoments::of_pairs(&arm.iter().map(of_unit).collect::<Vec<_>>()).expect("moments")
}

#[test]
fn a_ratio_is_that_of_the_totals_with_the_error_of_units() {
    let (shop, [control, treatment]) =
        shop(400, |on, random| random as f64 / 100.0 + if on { 6.0 } else { 5.0 });
    let outcome = shop.analyse(HORIZON);
    let want = ratio_difference(&totals(&control), &totals(&treatment)).expect("a ratio");
    let got = effect(&outcome);
    for (got, want) in [
        (got.control_mean, want.control_mean()),
        (got.treatment_mean, want.treatment_mean()),
        (got.difference, want.difference()),
        (got.standard_error, want.standard_error()),
        (got.p_greater, want.test(0.0).p_greater),
    ] {
        assert!((got / want - 1.0).abs() < 1e-9, "{got} {want}");
    }
    for (arm, drawn) in metric(&outcome, "spend").arms.iter().zip([&control, &treatment]) {
        let moments = arm.moments.expect("moments");
        assert!(
            (moments.value().expect("a ratio") / (totals(drawn).mean_y() / totals(drawn).mean_x()) - 1.0)
                .abs()
                < 1e-12
        );
    }
    assert_eq!(outcome.verdicts[0].kind, VerdictKind::Ship, "{:?}", outcome.verdicts[0].reasons);
    // The parts are in the outcome, so that it can be computed again.
    let again = Outcome::from_json(&serde_json::to_string(&outcome).expect("JSON")).expect("an outcome");
    assert_eq!(again, outcome);
}

#[test]
fn without_an_effect_on_the_ratio_more_orders_are_none() {
    let (shop, _) = shop(400, |_, random| random as f64 / 100.0 + 5.0);
    let outcome = shop.analyse(HORIZON);
    assert_ne!(outcome.verdicts[0].kind, VerdictKind::Ship);
    assert!(effect(&outcome).p_two_sided > 0.01);
}

#[test]
fn a_covariate_that_is_the_same_for_all_leaves_the_ratio_as_it_is() {
    // Each unit has one order of the same size before.
    let (shop, [control, treatment]) = shop(100, |_, random| random as f64);
    ratio_metric(&shop, &format!("{RATIO}\ncovariate: {{before: 3d}}"));
    let outcome = shop.analyse(HORIZON);
    let want = ratio_difference(&totals(&control), &totals(&treatment)).expect("a ratio");
    let got = effect(&outcome);
    assert!(
        matches!(&got.adjustment, Adjustment::NotPossible(why) if why.reason == "constant-covariate"),
        "{:?}",
        got.adjustment
    );
    assert!((got.standard_error / want.standard_error() - 1.0).abs() < 1e-9);
}

#[test]
fn a_ratio_that_cannot_be_computed_has_its_reason() {
    let (shop, _) = shop(60, |_, random| random as f64);
    let never = RATIO.replace("where: \"status = 'paid'\"", "where: \"status = 'never'\"");
    ratio_metric(&shop, &never);
    assert_eq!(reason(&shop.analyse(HORIZON)).0, "zero-denominator");
    // A numerator that is the denominator never varies.
    let same = RATIO.replace("{sum: amount}", "{count: rows}");
    ratio_metric(&shop, &same);
    assert_eq!(reason(&shop.analyse(HORIZON)).0, "zero-variance");
    // A denominator on both sides of zero.
    let (shop, _) = self::shop(60, |_, random| random as f64 - 500.0);
    let sums = RATIO.replace("{sum: amount}", "{count: rows}").replacen(
        "denominator: {source: purchases, measure: {count: rows}",
        "denominator: {source: purchases, measure: {sum: amount}",
        1,
    );
    ratio_metric(&shop, &sums);
    assert_eq!(reason(&shop.analyse(HORIZON)).0, "uncertain-denominator");
}

#[test]
fn a_denominator_without_a_number_is_refused_as_a_numerator_is() {
    let sums = "type: ratio\nnumerator: {source: purchases, measure: {count: rows}}\n\
                denominator: {source: purchases, measure: {sum: amount}}";
    let (shop, _) = shop(30, |on, random| if on && random < 100 { f64::NAN } else { random as f64 });
    ratio_metric(&shop, sums);
    let outcome = shop.analyse(HORIZON);
    let (reason, detail) = reason(&outcome);
    assert_eq!(reason, "unusable-rows", "{detail:?}");
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_change_no_bit_of_a_ratio() {
    let (shop, _) = shop(200, |on, random| random as f64 / 7.0 + if on { 0.3 } else { 0.1 });
    let one = shop.analyse_with(HORIZON, Some(1));
    assert_eq!(one, shop.analyse_with(HORIZON, Some(4)));
}

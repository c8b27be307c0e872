//! The same data gives the same outcome to the last bit, whatever the threads, and moments as exact as doubles are.

use std::fmt::Write as _;

use trialbook_analysis::VerdictKind;

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

const RUNS: usize = 25;

/// Runs the same analysis many times with one thread and with two, and compares the whole outcomes.
fn json(shop: &Shop) -> String {
    let outcome = |threads| shop.analyse_with(HORIZON, Some(threads)).to_json().expect("JSON");
    let first = outcome(1);
    for run in 0..RUNS {
        for threads in [1, 2] {
            let again = outcome(threads);
            let differs = first.lines().zip(again.lines()).find(|(a, b)| a != b);
            assert_eq!(differs, None, "run {run} with {threads} threads");
            assert_eq!(first, again);
        }
    }
    first
}

/// Writes 8,000 units in two arms, each with some purchases of fractions of every size before and after.
fn busy(events: usize) -> Shop {
    let shop = Shop::new();
    shop.write(
        "button-test.experiment.yaml",
        &EXPERIMENT
            .replace("[dearest]", "[dearest, ever-bought]")
            .replace("{absolute: 0.5}", "{absolute: 0.01}"),
    );
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'refunded'");
    shop.metric("ever-bought", "type: proportion\nmeasure: {count: rows}\ncovariate: {before: 3d}");
    let mut numbers = Numbers(25);
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    for unit in 0..8_000 {
        let arm = if unit % 2 == 0 { "off" } else { "on" };
        let day = 4 + numbers.next(4);
        // Exposed twice within the same second, on two platforms.
        for platform in ["web", "ios"] {
            let _ = writeln!(exposures, "u{unit},button-test.{arm},2026-03-0{day}T12:00:00Z,{platform}");
        }
        for _ in 0..numbers.next(5) {
            let (day, hour) = (1 + numbers.next(9), numbers.next(24));
            let amount =
                (1.0 + numbers.next(1_000_000) as f64 / 7.0) * 10_f64.powi(numbers.next(9) as i32 - 6);
            let _ = writeln!(purchases, "u{unit},2026-03-0{day}T{hour:02}:30:00Z,{amount},paid");
        }
        if unit % 2 == 1 && unit / 2 < events {
            let _ = writeln!(purchases, "u{unit},2026-03-0{day}T18:00:00Z,1.5,refunded");
        }
    }
    purchases.push_str("late,2026-03-12T23:00:00Z,1,paid\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    shop
}

#[test]
fn threads_and_repetition_change_no_bit_of_an_outcome() {
    json(&busy(2));
}

#[test]
fn an_arm_without_events_is_a_proportion_of_zero_in_every_run() {
    let shop = busy(2);
    for threads in [1, 2, 2, 2] {
        let outcome = shop.analyse_with(HORIZON, Some(threads));
        let refunds = metric(&outcome, "buyers");
        let moments: Vec<_> = refunds.arms.iter().filter_map(|arm| arm.moments).collect();
        assert_eq!((moments[0].mean, moments[0].m2), (0.0, 0.0));
        assert_eq!(moments[1].mean, 2.0 / 4000.0);
        assert!(refunds.comparisons[0].estimate.effect().is_some());
        assert_ne!(outcome.verdicts[0].kind, VerdictKind::Invalid);
    }
}

/// The exact sum of doubles: partial sums that do not overlap (Shewchuk 1997).
fn exact_sum(values: &[f64]) -> f64 {
    let mut partials: Vec<f64> = Vec::new();
    for value in values {
        let mut x = *value;
        let mut kept = Vec::new();
        for mut y in partials {
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                kept.push(low);
            }
            x = high;
        }
        kept.push(x);
        partials = kept;
    }
    partials.iter().sum()
}

#[test]
fn a_sum_keeps_the_digits_of_its_largest_value_whatever_cancels() {
    let values: [&[f64]; 6] = [
        &[0.1, 0.2, 0.3, -0.6],
        &[1e17, 1.0, -1e17, 3.0],
        &[-1e-12, 3e-12, 7e-30, -2e-12],
        &[4e44, -4e44, 12.25, 1e-9],
        &[9_007_199_254_740_993.0, 1.0, 1.0, 1.0],
        &[-5.5, -7.25, -1e9, -1e-3],
    ];
    for values in values {
        let shop = Shop::new();
        shop.metric("spend", "type: mean\nmeasure: {sum: amount}");
        shop.exposures(&[
            ("a", "button-test.off", "2026-03-02T00:00:00Z", "web"),
            ("b", "button-test.on", "2026-03-02T00:00:00Z", "web"),
        ]);
        let texts: Vec<String> = values.iter().map(|value| format!("{value:e}")).collect();
        let mut rows: Vec<_> =
            texts.iter().map(|text| ("a", "2026-03-02T12:00:00Z", text.as_str(), "paid")).collect();
        rows.push(("late", "2026-03-12T23:00:00Z", "1.5", "paid"));
        shop.purchases(&rows);
        let outcome = shop.analyse_with(HORIZON, Some(1));
        let mean = metric(&outcome, "spend").arms[0].moments.expect("moments").mean;
        let exact = exact_sum(values);
        let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        assert!((mean - exact).abs() <= 2.0 * f64::EPSILON * largest, "{values:?}: {mean} is not {exact}");
    }
}

#[test]
fn moments_of_a_large_mean_and_of_one_far_value_keep_their_digits() {
    let cases: [(&[f64], f64, f64); 4] = [
        // Values, mean, sum of squared deviations.
        (&[1e8, 1e8 + 0.25, 1e8 - 0.25, 1e8], 1e8, 0.125),
        (&[0.1, 0.1, 0.1], 0.1, 0.0),
        (&[-3.0, -3.0, -3.0, 1e12], (1e12 - 9.0) / 4.0, 0.75 * (1e12 + 3.0) * (1e12 + 3.0)),
        (&[1e-20, 3e-20], 2e-20, 2e-40),
    ];
    for (values, mean, m2) in cases {
        let shop = Shop::new();
        shop.metric("spend", "type: mean\nmeasure: {sum: amount}");
        let units: Vec<String> = (0..values.len()).map(|unit| format!("u{unit}")).collect();
        let mut exposures: Vec<_> = units
            .iter()
            .map(|unit| (unit.as_str(), "button-test.off", "2026-03-02T00:00:00Z", "web"))
            .collect();
        exposures.push(("other", "button-test.on", "2026-03-02T00:00:00Z", "web"));
        shop.exposures(&exposures);
        let texts: Vec<String> = values.iter().map(|value| format!("{value:e}")).collect();
        let mut rows: Vec<_> = units
            .iter()
            .zip(&texts)
            .map(|(unit, text)| (unit.as_str(), "2026-03-02T12:00:00Z", text.as_str(), "paid"))
            .collect();
        rows.push(("late", "2026-03-12T23:00:00Z", "1.5", "paid"));
        shop.purchases(&rows);
        let outcome = shop.analyse_with(HORIZON, Some(1));
        let moments = metric(&outcome, "spend").arms[0].moments.expect("moments");
        assert!((moments.mean - mean).abs() <= 2.0 * f64::EPSILON * mean.abs(), "{values:?}: {moments:?}");
        assert!((moments.m2 - m2).abs() <= 1e-12 * m2, "{values:?}: {moments:?}");
    }
}

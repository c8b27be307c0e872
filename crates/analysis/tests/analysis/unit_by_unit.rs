//! The moments of a query against those computed unit by unit.

use jiff::{SignedDuration, Timestamp};

use crate::shop::{HORIZON, Numbers, Shop, metric};

/// A purchase: unit, when, amount, whether it was paid.
type Purchase = (usize, Timestamp, f64, bool);

/// The value of one unit over `[from, to)`, computed the slow way.
fn spent(unit: usize, purchases: &[Purchase], from: Timestamp, to: Timestamp) -> f64 {
    let counts =
        |purchase: &&Purchase| purchase.0 == unit && from <= purchase.1 && purchase.1 < to && purchase.3;
    purchases.iter().filter(counts).map(|purchase| purchase.2).sum()
}

#[test]
fn moments_equal_those_computed_unit_by_unit() {
    let shop = Shop::new();
    let mut numbers = Numbers(7);
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().expect("an instant");
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let exposed: Vec<Timestamp> =
        (0..300).map(|_| start + SignedDuration::from_secs(numbers.next(10 * 86_400) as i64)).collect();
    let purchases: Vec<Purchase> = (0..6_000)
        .map(|_| {
            let at = start - days(4) + SignedDuration::from_secs(numbers.next(17 * 86_400) as i64);
            // A large offset: plain sums of squares would lose the variance.
            let amount = 1e7 + numbers.next(1_000) as f64 / 100.0;
            (numbers.next(300) as usize, at, amount, numbers.next(3) > 0)
        })
        .collect();
    let names: Vec<String> = (0..300).map(|i| format!("{i:03}")).collect();
    let times: Vec<String> = exposed.iter().map(Timestamp::to_string).collect();
    let rows: Vec<_> = (0..300)
        .map(|i| {
            (
                names[i].as_str(),
                if i % 2 == 0 { "button-test.off" } else { "button-test.on" },
                times[i].as_str(),
                "web",
            )
        })
        .collect();
    shop.exposures(&rows);
    let texts: Vec<_> =
        purchases.iter().map(|p| (names[p.0].as_str(), p.1.to_string(), format!("{:.2}", p.2))).collect();
    let rows: Vec<_> = texts
        .iter()
        .zip(&purchases)
        .map(|((unit, at, eur), p)| (*unit, at.as_str(), eur.as_str(), if p.3 { "paid" } else { "open" }))
        .collect();
    shop.purchases(&rows);
    let outcome = shop.analyse(HORIZON);

    let ys: Vec<f64> = (0..300).map(|i| spent(i, &purchases, exposed[i], exposed[i] + days(2))).collect();
    let xs: Vec<f64> = (0..300).map(|i| spent(i, &purchases, exposed[i] - days(3), exposed[i])).collect();
    let capped = |values: &[f64]| -> (f64, Vec<f64>) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let cap = sorted[(0.9_f64 * 300.0).ceil() as usize - 1];
        (cap, values.iter().map(|value| value.min(cap)).collect())
    };
    let ((cap, ys), (_, xs)) = (capped(&ys), capped(&xs));
    let spend = metric(&outcome, "spend");
    assert_eq!(spend.cap.and_then(|cap| cap.at), Some(cap));
    for (arm, result) in spend.arms.iter().enumerate() {
        let pick = |values: &[f64]| -> Vec<f64> { values.iter().copied().skip(arm).step_by(2).collect() };
        let (y, x) = (pick(&ys), pick(&xs));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (my, mx) = (mean(&y), mean(&x));
        let co = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
            a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum()
        };
        let moments = result.moments.expect("moments");
        let covariate = moments.covariate.expect("a covariate");
        let close =
            |got: f64, want: f64| assert!((got - want).abs() <= 1e-9 * want.abs(), "{got} is not {want}");
        assert_eq!(result.units, 150);
        close(moments.mean, my);
        close(moments.m2, co(&y, my, &y, my));
        close(covariate.mean, mx);
        close(covariate.m2, co(&x, mx, &x, mx));
        assert!((covariate.co - co(&y, my, &x, mx)).abs() <= 1e-9 * (moments.m2 * covariate.m2).sqrt());
    }
}

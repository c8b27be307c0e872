//! Effects over time, against sums by hand.

use std::fmt::Write as _;

use trialbook_analysis::{Outcome, TimeEffects, TimeScale, TimeSpan};

use crate::shop::{Numbers, Shop};

const HORIZON: &str = "2026-03-15T00:00:00Z";

/// A unit: its arm, the day of March on which it was exposed, and what it spent on each of the four days after that.
type Unit = (usize, usize, [f64; 4]);

/// 2,000 units, of which each has a level of its own. `added` is what the treatment adds by the day of the exposure and the number
/// of days since.
fn shop(added: impl Fn(usize, usize) -> f64) -> (Shop, Vec<Unit>) {
    let shop = Shop::new();
    shop.write(
        "spend.metric.yaml",
        "description: d\nentity: user\nsource: purchases\nwindow: 4d\nincrease_is: good\ntype: mean\n\
         measure: {sum: amount}\nwhere: status = 'paid'\n",
    );
    let mut numbers = Numbers(7);
    let mut units = Vec::new();
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    for n in 0..2000 {
        let (arm, day) = (n % 2, 1 + n / 2 % 9);
        let (own, hour, minute) = (numbers.next(300) as f64 / 100.0, 5 + n / 18 % 12, n % 60);
        let served = ["off", "on"][arm];
        let _ =
            writeln!(exposures, "u{n},button-test.{served},2026-03-{day:02}T{hour:02}:{minute:02}:00Z,ios");
        let spent = std::array::from_fn(|since| {
            let added = if arm == 1 { added(day, since) } else { 0.0 };
            let amount = 1.0 + own + numbers.next(200) as f64 / 100.0 + added;
            // At the very minute of the exposure, and days later: whatever is bought then is the first thing of that day.
            let _ = writeln!(
                purchases,
                "u{n},2026-03-{:02}T{hour:02}:{minute:02}:00Z,{amount},paid",
                day + since
            );
            amount
        });
        units.push((arm, day, spent));
    }
    purchases.push_str("other,2026-03-14T23:00:00Z,5,paid\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    (shop, units)
}

/// The difference of the means of both arms, and its standard error, by hand.
fn by_hand(units: &[Unit], value: impl Fn(&Unit) -> Option<f64>) -> (f64, f64) {
    let of = |arm: usize| {
        let values: Vec<f64> = units.iter().filter(|unit| unit.0 == arm).filter_map(&value).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let ((control, a), (treated, b)) = (of(0), of(1));
    (treated - control, (a + b).sqrt())
}

fn over(outcome: &Outcome, by: TimeScale) -> &TimeEffects {
    let wanted = |one: &&TimeEffects| one.metric.as_str() == "spend" && one.by == by;
    outcome.over_time.iter().find(wanted).expect("effects over time")
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn an_effect_that_fades_is_found_by_days_since_the_exposure() {
    let (shop, units) = shop(|_, since| [0.6, 0.5, 0.1, 0.0][since]);
    let outcome = shop.analyse(HORIZON);
    let found = over(&outcome, TimeScale::SinceExposure);
    assert_eq!((found.parts.len(), found.too_small), (4, 0));
    for (since, part) in found.parts.iter().enumerate() {
        let day = 1 + since as u16;
        assert_eq!(part.span, TimeSpan::Days { first: day, last: day });
        assert_eq!(part.units, 2000);
        let (difference, error) = by_hand(&units, |unit| Some(unit.2[since]));
        near(part.effect.difference, difference);
        near(part.effect.standard_error, error);
    }
    let change = found.change.expect("a test");
    let gained = |unit: &Unit| Some(unit.2[2] + unit.2[3] - unit.2[0] - unit.2[1]);
    let (difference, error) = by_hand(&units, gained);
    near(change.estimate, difference);
    near(change.standard_error, error);
    assert!(change.p_adjusted < 1e-6 && change.estimate < 0.0, "{change:?}");
    // Whoever came early has the same effect as whoever came late.
    let by_day = over(&outcome, TimeScale::DayOfExposure);
    assert!(by_day.change.expect("a test").p_adjusted > 0.05, "{by_day:?}");
}

#[test]
fn an_effect_that_grows_is_found_by_the_day_of_the_exposure() {
    let (shop, units) = shop(|day, _| day as f64 / 8.0);
    let outcome = shop.analyse(HORIZON);
    let found = over(&outcome, TimeScale::DayOfExposure);
    // Ten days of enrolment, two at a time.
    assert_eq!((found.parts.len(), found.too_small), (5, 0));
    for (place, part) in found.parts.iter().enumerate() {
        let days = [1 + 2 * place, 2 + 2 * place];
        let from = format!("2026-03-{:02}T00:00:00Z", days[0]).parse().expect("an instant");
        let until = format!("2026-03-{:02}T00:00:00Z", days[1] + 1).parse().expect("an instant");
        assert_eq!(part.span, TimeSpan::Exposed { from, until });
        let spent = |unit: &Unit| days.contains(&unit.1).then(|| unit.2.iter().sum());
        let (difference, error) = by_hand(&units, spent);
        near(part.effect.difference, difference);
        near(part.effect.standard_error, error);
    }
    let change = found.change.expect("a test");
    assert!(change.p_adjusted < 1e-3 && change.estimate > 0.0, "{change:?}");
    let since = over(&outcome, TimeScale::SinceExposure).change.expect("a test");
    assert!(since.p_adjusted > 0.05, "{since:?}");
    // Both tests are corrected for each other.
    near(change.p_adjusted, (2.0 * change.p_value).min(since.p_value.max(change.p_value)));
}

#[test]
fn before_the_horizon_and_without_a_verdict_there_are_none() {
    let (shop, _) = shop(|_, _| 1.0);
    let asked = |outcome: &Outcome| outcome.queries.iter().any(|query| query.name.ends_with(", over time"));
    let there = shop.analyse(HORIZON);
    assert!(asked(&there) && !there.over_time.is_empty());
    let early = shop.analyse("2026-03-14T23:59:59Z");
    assert!(!asked(&early) && early.over_time.is_empty());
    // The purchases end too early: what is there can carry no verdict.
    let purchases = std::fs::read_to_string(shop.root().join("purchases.csv")).expect("a file");
    let is_kept =
        |line: &&str| !["2026-03-12", "2026-03-13", "2026-03-14"].iter().any(|day| line.contains(day));
    let cut: Vec<&str> = purchases.lines().filter(is_kept).collect();
    shop.write("purchases.csv", &cut.join("\n"));
    assert!(shop.analyse(HORIZON).over_time.is_empty());
}

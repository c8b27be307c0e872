//! Effects in parts of the units, against sums by hand.

use std::fmt::Write as _;

use trialbook_analysis::{DimensionEffects, Outcome, VerdictKind};

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop};

/// What was spent by each unit: arm, platform, country, amount.
type Unit = (usize, usize, usize, f64);

/// 2,400 units on two platforms and in four countries, of which the last has few; `effect` is what the treatment adds by platform.
fn shop(effect: [f64; 2]) -> (Shop, Vec<Unit>) {
    let shop = Shop::new();
    shop.write("button-test.experiment.yaml", EXPERIMENT);
    shop.write(
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n\
         dimensions: {country: country, platform: platform}\n",
    );
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'");
    let mut numbers = Numbers(5);
    let mut units = Vec::new();
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform,country\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    for n in 0..2400 {
        let (arm, platform) = (n % 2, n / 2 % 2);
        let country = if n < 24 { 3 } else { n / 4 % 3 };
        let amount = 4.0 + numbers.next(400) as f64 / 100.0 + if arm == 1 { effect[platform] } else { 0.0 };
        let (served, on, country_name) =
            (["off", "on"][arm], ["ios", "web"][platform], ["de", "", "se", "fr"][country]);
        // Exposures that are all at one time of day would be days, and no metric is measured from those.
        let _ = writeln!(
            exposures,
            "u{n},button-test.{served},2026-03-0{}T10:{:02}:00Z,{on},{country_name}",
            1 + n % 9,
            n % 60
        );
        let _ = writeln!(purchases, "u{n},2026-03-{:02}T12:00:00Z,{amount},paid", 2 + n % 9);
        units.push((arm, platform, country, amount));
    }
    // Somebody else buys until the end, so that no data are missing.
    purchases.push_str("other,2026-03-12T23:00:00Z,5,paid\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    (shop, units)
}

/// The difference of the means of both arms, and its variance, by hand.
fn by_hand(units: &[Unit], is_in: impl Fn(&Unit) -> bool) -> (f64, f64) {
    let of = |arm: usize| {
        let values: Vec<f64> =
            units.iter().filter(|unit| unit.0 == arm && is_in(unit)).map(|unit| unit.3).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let ((control, a), (treated, b)) = (of(0), of(1));
    (treated - control, a + b)
}

fn of<'a>(found: &'a [DimensionEffects], metric: &str, dimension: &str) -> &'a DimensionEffects {
    let wanted =
        |one: &&DimensionEffects| one.metric.as_str() == metric && one.dimension.as_str() == dimension;
    found.iter().find(wanted).expect("a metric by a dimension")
}

#[test]
fn effects_of_parts_are_those_of_their_units_and_their_difference_is_found_where_it_is() {
    let (shop, units) = shop([0.0, 1.0]);
    let found = shop.analyse(HORIZON).dimensions;
    let platform = of(&found, "spend", "platform");
    let values: Vec<_> = platform.parts.iter().map(|part| part.value.as_str()).collect();
    assert_eq!(values, ["ios", "web"]);
    let (ios, web) = (by_hand(&units, |unit| unit.1 == 0), by_hand(&units, |unit| unit.1 == 1));
    for (part, (difference, variance)) in platform.parts.iter().zip([ios, web]) {
        assert_eq!(part.units, 1200);
        assert!((part.effect.difference - difference).abs() < 1e-9, "{part:?} is not {difference}");
        assert!((part.effect.standard_error - variance.sqrt()).abs() < 1e-9, "{part:?}");
    }
    // Of two parts, Q is the squared difference of the effects over the sum of their variances.
    let test = platform.heterogeneity.expect("a test");
    assert!((test.q - (web.0 - ios.0).powi(2) / (web.1 + ios.1)).abs() < 1e-6 * test.q, "{test:?}");
    assert!(test.p_adjusted < 1e-6 && test.degrees_of_freedom == 1);
    // The effect is the same in all countries.
    let country = of(&found, "spend", "country");
    assert!(country.heterogeneity.expect("a test").p_adjusted > 0.05, "{country:?}");
    let values: Vec<_> = country.parts.iter().map(|part| part.value.as_str()).collect();
    assert_eq!(values.len(), 3);
    assert!(values.contains(&"") && !values.contains(&"fr"), "{values:?}");
    assert_eq!(country.too_small, 1);
    // Everybody buys: no effect on buyers can be compared, in no part.
    assert!(found.iter().all(|one| one.metric.as_str() == "spend"), "{found:?}");
}

#[test]
fn the_p_values_are_corrected_for_all_comparisons_and_an_effect_that_is_the_same_differs_nowhere() {
    let (shop, _) = shop([1.0, 1.0]);
    let found = shop.analyse(HORIZON).dimensions;
    assert_eq!(found.len(), 2);
    let tests: Vec<_> = found.iter().filter_map(|one| one.heterogeneity).collect();
    let (least, most) = (tests[0].p_value.min(tests[1].p_value), tests[0].p_value.max(tests[1].p_value));
    let adjusted: Vec<f64> = tests.iter().map(|test| test.p_adjusted).collect();
    let expected = (2.0 * least).min(most);
    assert!(adjusted.iter().any(|p| (p - expected).abs() < 1e-12), "{tests:?}");
    assert!(adjusted.iter().all(|p| *p > 0.05), "{tests:?}");
}

#[test]
fn before_the_horizon_with_missing_data_and_with_a_broken_split_there_are_none() {
    let (shop, _) = shop([0.0, 1.0]);
    let asked =
        |outcome: &Outcome| outcome.queries.iter().any(|query| query.name.ends_with(", by dimension"));
    let there = shop.analyse(HORIZON);
    assert!(asked(&there) && !there.dimensions.is_empty());
    // A second before it, with the same data: nothing but the horizon is missing.
    let early = shop.analyse("2026-03-12T23:59:59Z");
    assert_eq!(early.verdicts[0].kind, VerdictKind::KeepRunning);
    assert!(!asked(&early) && early.dimensions.is_empty());
    // The purchases end too early: the parts are measured, and the data can carry no verdict.
    let purchases = std::fs::read_to_string(shop.root().join("purchases.csv")).expect("a file");
    shop.write("purchases.csv", &purchases.replace("other,2026-03-12T23", "other,2026-03-11T23"));
    let missing = shop.analyse(HORIZON);
    assert_eq!(missing.verdicts[0].kind, VerdictKind::Invalid);
    assert!(asked(&missing) && missing.dimensions.is_empty());
    shop.write("purchases.csv", &purchases);
    let text = std::fs::read_to_string(shop.root().join("exposures.csv")).expect("a file");
    let kept: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(n, line)| !line.contains(".on,") || n % 3 > 0)
        .map(|(_, line)| line)
        .collect();
    shop.write("exposures.csv", &kept.join("\n"));
    let outcome = shop.analyse(HORIZON);
    assert!(outcome.split.is_some() && !asked(&outcome) && outcome.dimensions.is_empty());
}

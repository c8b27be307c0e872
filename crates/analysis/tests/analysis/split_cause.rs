//! A broken split in data: the units that explain it are named, from the warehouse on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trialbook_analysis::{BookChange, SplitCause};
use trialbook_model::ExperimentKey;

use crate::shop::{EXPERIMENT, HORIZON, Shop};

/// A hundred units a day and arm over ten days, on two platforms and in three countries. Those that `lost` picks by platform, country
/// hour since the start and number are not written, of the treatment alone.
fn shop(lost: impl Fn(&str, &str, usize, usize) -> bool) -> Shop {
    let shop = Shop::new();
    shop.write("button-test.experiment.yaml", EXPERIMENT);
    shop.write(
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n\
         dimensions: {country: country, platform: platform}\n",
    );
    let mut rows = "user_id,served,at,platform,country\n".to_owned();
    for n in 0..2000 {
        let (arm, unit) = (n % 2, n / 2);
        let (platform, country) = (["web", "ios"][unit % 2], ["de", "se", ""][unit / 2 % 3]);
        // Every hour and platform has its units.
        let hour = unit * 240 / 1000;
        if arm == 1 && lost(platform, country, hour, unit) {
            continue;
        }
        let (day, arm) = (1 + hour / 24, ["off", "on"][arm]);
        let _ = writeln!(
            rows,
            "u{n},button-test.{arm},2026-03-{day:02}T{:02}:30:00Z,{platform},{country}",
            hour % 24
        );
    }
    shop.write("exposures.csv", &rows);
    shop.purchases(&[("u1", "2026-03-12T12:00:00Z", "5", "paid")]);
    shop
}

fn units(cause: &SplitCause) -> ([u64; 2], [u64; 2]) {
    let of = |arms: &[trialbook_analysis::SplitArm]| [arms[0].units, arms[1].units];
    (of(&cause.arms), of(&cause.others))
}

fn conditions(cause: &SplitCause) -> Vec<(&str, &str)> {
    cause.dimensions.iter().map(|(dimension, value)| (dimension.as_str(), value.as_str())).collect()
}

fn change(at: &str) -> BTreeMap<ExperimentKey, Vec<BookChange>> {
    let change = BookChange {
        commit: "c".repeat(40),
        at: at.parse().expect("an instant"),
        subject: "Cache it".to_owned(),
    };
    BTreeMap::from([(ExperimentKey::new("button-test").expect("a key"), vec![change])])
}

#[test]
fn a_dimension_and_a_day_are_named_with_their_units() {
    let shop = shop(|platform, _, hour, unit| platform == "web" && hour >= 72 && unit / 6 % 2 == 0);
    let found = shop.analyse(HORIZON).split.expect("a search");
    let cause = found.cause.clone().expect("a cause");
    assert_eq!(conditions(&cause), [("platform", "web")]);
    assert_eq!(cause.since.map(|at| at.to_string()).as_deref(), Some("2026-03-04T00:00:00Z"));
    assert_eq!((cause.until, cause.short.as_str(), cause.others_even), (None, "on", true));
    // 700 units of each arm from the fourth day on, half of them on the web, of which the treatment loses half.
    let ([off, on], [others_off, others_on]) = units(&cause);
    assert_eq!((off, others_off, others_on), (350, 650, 650));
    assert!((170..=180).contains(&on), "{on}");
    assert!(found.compared > 100 && cause.p_value < 1e-4, "{found:?}");
}

#[test]
fn the_time_since_a_change_of_the_book_is_named_with_the_commit() {
    let lost = |_: &str, country: &str, hour: usize, _: usize| country.is_empty() && hour >= 100;
    let shop = shop(lost);
    let found = shop.analyse_changed(HORIZON, change("2026-03-05T04:00:00Z")).split.expect("a search");
    let cause = found.cause.expect("a cause");
    assert_eq!(conditions(&cause), [("country", "")]);
    assert_eq!(cause.change.as_ref().map(|change| change.subject.as_str()), Some("Cache it"));
    assert_eq!(cause.since.map(|at| at.to_string()).as_deref(), Some("2026-03-05T04:00:00Z"));
    assert!(cause.others_even);
}

#[test]
fn what_is_lost_everywhere_names_nothing_and_an_even_split_is_not_searched() {
    let everywhere = shop(|_, _, _, unit| unit / 6 % 2 == 0);
    let found = everywhere.analyse_changed(HORIZON, change("2026-03-05T04:00:00Z")).split.expect("a search");
    assert_eq!(found.cause, None);
    assert!(found.compared > 100);
    assert_eq!(shop(|_, _, _, _| false).analyse(HORIZON).split, None);
}

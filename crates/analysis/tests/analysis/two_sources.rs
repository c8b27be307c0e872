//! Ratios whose parts come from two sources, and ratios with a covariate: against the same computed the slow way.

use std::fmt::Write as _;

use trialbook_analysis::{
    Adjustment, Effect, Estimate, Judgement, Outcome, QualityKind, QualityStatus, VerdictKind,
};
use trialbook_stats::{CoMoments, RatioMoments, adjusted_ratio_difference, ratio_difference};

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

/// Revenue per visit.
const PER_VISIT: &str = "description: d\nentity: user\nwindow: 2d\nincrease_is: good\ntype: ratio\n\
     numerator: {source: purchases, measure: {sum: amount}, where: status = 'paid'}\n\
     denominator: {source: visits, measure: {count: rows}}\n";

const VISITS: &str = "description: d\nfile: visits.csv\ntimestamp: at\nentities: {user: user_id}\n";

/// What a unit does: revenue and visits within its window, and the same before it.
type Unit = [f64; 4];

/// A shop of so many units in each arm that come over ten days. Units differ in how much they spend for a visit, before as after.
fn shop(units: u64, effect: f64) -> (Shop, [Vec<Unit>; 2]) {
    let shop = Shop::new();
    shop.write("visits.source.yaml", VISITS);
    shop.write("spend.metric.yaml", PER_VISIT);
    let mut numbers = Numbers(5);
    let mut exposures = "user_id,served,at,platform\n".to_owned();
    let mut purchases = "user_id,at,eur,status\n".to_owned();
    let mut visits = "user_id,at\n".to_owned();
    let mut drawn = [Vec::new(), Vec::new()];
    for (on, of_arm) in [false, true].into_iter().zip(&mut drawn) {
        let arm = if on { "on" } else { "off" };
        for unit in 0..units {
            let (id, day) = (format!("{arm}{unit}"), 1 + unit % 10);
            let (hour, minute) = (numbers.next(6), 1 + numbers.next(59));
            let at = format!("2026-03-{day:02}T{hour:02}:{minute:02}:00Z");
            let _ = writeln!(exposures, "{id},button-test.{arm},{at},web");
            let habit = numbers.next(1000) as f64 / 200.0;
            let mut found = [0.0; 4];
            for (place, at) in [(0, day), (2, day - 1)] {
                let at = if at == 0 { "2026-02-28".to_owned() } else { format!("2026-03-{at:02}") };
                let seen = 1 + numbers.next(4);
                for nth in 0..seen {
                    let minute = 10 * nth + numbers.next(10);
                    let _ = writeln!(visits, "{id},{at}T12:{minute:02}:00Z");
                    let moved = if on && place == 0 { effect } else { 0.0 };
                    let value = habit + numbers.next(1000) as f64 / 500.0 + moved;
                    let _ = writeln!(purchases, "{id},{at}T13:{minute:02}:00Z,{value},paid");
                    found[place] += value;
                    found[place + 1] += 1.0;
                }
            }
            // Outside: a refund, and what comes after the window.
            let _ = writeln!(purchases, "{id},2026-03-{day:02}T{:02}:00:00Z,900,refunded", 14 + hour);
            let _ = writeln!(visits, "{id},2026-03-{:02}T{:02}:00:00Z", day + 2, 7 + hour);
            of_arm.push(found);
        }
    }
    purchases.push_str("late,2026-03-12T23:00:00Z,1.5,late\n");
    visits.push_str("late,2026-03-12T23:00:00Z\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    shop.write("visits.csv", &visits);
    (shop, drawn)
}

fn effect(outcome: &Outcome) -> &Effect {
    match &metric(outcome, "spend").comparisons[0].estimate {
        Estimate::Measured(effect) => effect,
        Estimate::NotMeasured(why) => panic!("{why:?}"),
    }
}

fn moments(arm: &[Unit]) -> RatioMoments {
    RatioMoments::of_units(arm).expect("moments")
}

fn plain(arm: &[Unit]) -> CoMoments {
    moments(arm).metric().expect("moments")
}

fn close(got: f64, want: f64) {
    assert!((got / want - 1.0).abs() < 1e-9, "{got} {want}");
}

#[test]
fn a_ratio_of_two_sources_is_that_of_the_totals_with_the_error_of_units() {
    let (shop, [control, treatment]) = shop(300, 0.5);
    let outcome = shop.analyse(HORIZON);
    let want = ratio_difference(&plain(&control), &plain(&treatment)).expect("a ratio");
    let got = effect(&outcome);
    close(got.control_mean, want.control_mean());
    close(got.difference, want.difference());
    close(got.standard_error, want.standard_error());
    assert_eq!(outcome.verdicts[0].kind, VerdictKind::Ship, "{:?}", outcome.verdicts[0].reasons);
    // Both sources are checked, and are in the outcome with the query over both.
    let sources: Vec<&str> = outcome.sources.iter().map(|source| source.source.as_str()).collect();
    assert_eq!(sources, ["purchases", "visits"]);
    assert!(outcome.queries.iter().any(|query| query.name == "1 metric from purchases and visits"));
    let again = Outcome::from_json(&serde_json::to_string(&outcome).expect("JSON")).expect("an outcome");
    assert_eq!(again, outcome);
}

#[test]
fn a_ratio_is_adjusted_by_the_same_ratio_before_the_exposure() {
    let (shop, [control, treatment]) = shop(300, 0.2);
    shop.write("spend.metric.yaml", &format!("{PER_VISIT}covariate: {{before: 3d}}\n"));
    let outcome = shop.analyse(HORIZON);
    let want = adjusted_ratio_difference(&moments(&control), &moments(&treatment)).expect("a ratio");
    let got = effect(&outcome);
    close(got.control_mean, want.control_mean());
    close(got.difference, want.difference());
    close(got.standard_error, want.standard_error());
    let Adjustment::Adjusted { variance_reduction, .. } = got.adjustment else {
        panic!("{:?}", got.adjustment)
    };
    assert!(variance_reduction > 0.3, "{variance_reduction}");
    let plain = ratio_difference(&plain(&control), &plain(&treatment)).expect("a ratio");
    assert!(got.standard_error < 0.9 * plain.standard_error());
    let again = Outcome::from_json(&serde_json::to_string(&outcome).expect("JSON")).expect("an outcome");
    assert_eq!(again, outcome);
}

#[test]
fn each_look_has_the_ratio_of_the_units_whose_windows_have_closed() {
    let (shop, [control, treatment]) = shop(400, 0.0);
    shop.write("spend.metric.yaml", &format!("{PER_VISIT}covariate: {{before: 3d}}\n"));
    let plan = format!("{EXPERIMENT}analysis: {{method: group-sequential, min_duration: 3d}}\n");
    shop.write("button-test.experiment.yaml", &plan);
    let outcome = shop.analyse("2026-03-08T00:00:00Z");
    // Who came by the fifth.
    let early = |arm: &[Unit]| -> Vec<Unit> {
        arm.iter().enumerate().filter(|(unit, _)| unit % 10 < 5).map(|(_, unit)| *unit).collect()
    };
    let (control, treatment) = (moments(&early(&control)), moments(&early(&treatment)));
    let want = adjusted_ratio_difference(&control, &treatment).expect("a ratio");
    let comparison = &metric(&outcome, "spend").comparisons[0];
    assert_eq!(comparison.judgement, Judgement::NotDecided);
    let last = comparison.looks.as_ref().and_then(|looks| looks.path.last()).expect("a look");
    assert_eq!(last.units, 400);
    close(last.difference, want.difference());
    close(effect(&outcome).standard_error, want.standard_error());
}

#[test]
fn where_one_source_has_days_both_are_counted_in_days() {
    let (shop, [control, treatment]) = shop(200, 0.3);
    let text = std::fs::read_to_string(shop.root().join("visits.csv")).expect("visits");
    let days = text.lines().map(|line| line.split_once('T').map_or(line, |(day, _)| day));
    shop.write("visits.csv", &days.fold(String::new(), |all, line| all + line + "\n"));
    shop.write("visits.source.yaml", &format!("{VISITS}granularity: day\n"));
    let outcome = shop.analyse(HORIZON);
    let want = ratio_difference(&plain(&control), &plain(&treatment)).expect("a ratio");
    close(effect(&outcome).difference, want.difference());
    close(effect(&outcome).standard_error, want.standard_error());
    // Parts of a day cannot be compared with days.
    shop.write("spend.metric.yaml", &PER_VISIT.replace("window: 2d", "window: 36h"));
    let Estimate::NotMeasured(why) = &metric(&shop.analyse(HORIZON), "spend").comparisons[0].estimate.clone()
    else {
        panic!("a number")
    };
    assert_eq!(why.reason, "unmeasurable-definition");
}

#[test]
fn what_is_wrong_with_the_source_of_a_denominator_takes_the_ratio_away() {
    let (shop, _) = shop(60, 0.0);
    let text = std::fs::read_to_string(shop.root().join("visits.csv")).expect("visits");
    // All of one arm's visits twice.
    let twice: String =
        text.lines().filter(|line| line.starts_with("on")).fold(text.clone(), |all, line| all + line + "\n");
    shop.write("visits.csv", &twice);
    let outcome = shop.analyse(HORIZON);
    let copies: Vec<_> = outcome.quality.iter().filter(|check| check.kind == QualityKind::Copies).collect();
    assert!(copies.iter().any(|check| check.status == QualityStatus::Fail), "{copies:?}");
    let Estimate::NotMeasured(why) = &metric(&outcome, "spend").comparisons[0].estimate else {
        panic!("a number")
    };
    assert_eq!(why.reason, "copies");
    // A source that is not there is one whichever part needs it.
    std::fs::remove_file(shop.root().join("visits.csv")).expect("a file");
    let outcome = shop.analyse(HORIZON);
    let Estimate::NotMeasured(why) = &metric(&outcome, "spend").comparisons[0].estimate else {
        panic!("a number")
    };
    assert_eq!(why.reason, "source-unreadable");
    assert!(outcome.quality.iter().any(|check| {
        check.kind == QualityKind::DataMissing
            && check.source.as_ref().is_some_and(|source| source.as_str() == "visits")
    }));
}

#[test]
fn a_condition_that_fails_on_a_row_costs_only_its_own_ratio() {
    let (shop, _) = shop(300, 0.0);
    let before = effect(&shop.analyse(HORIZON)).clone();
    let failing = "{count: rows}, where: cast(user_id as integer) = 7}";
    shop.write("dearest.metric.yaml", &PER_VISIT.replace("{count: rows}}", failing));
    let outcome = shop.analyse(HORIZON);
    assert_eq!(*effect(&outcome), before);
    match &metric(&outcome, "dearest").comparisons[0].estimate {
        Estimate::NotMeasured(why) => assert_eq!(why.reason, "unmeasurable-definition"),
        Estimate::Measured(effect) => panic!("{effect:?}"),
    }
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_change_no_bit() {
    let (shop, _) = shop(200, 0.1);
    shop.write("spend.metric.yaml", &format!("{PER_VISIT}covariate: {{before: 3d}}\n"));
    assert_eq!(shop.analyse_with(HORIZON, Some(1)), shop.analyse_with(HORIZON, Some(4)));
}

//! Experiments that may be decided at several looks: who runs the analysis, and when, changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use trialbook_analysis::warehouse::Embedded;
use trialbook_analysis::{
    Estimate, Ground, Judgement, Looked, Outcome, QualityKind, Request, Verdict, VerdictKind, analyse,
};
use trialbook_language::load;
use trialbook_model::ExperimentKey;

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

/// An exposure or a purchase: day of March, minute, and the row's text with the time at `@`.
type Event = (u64, u64, String);

/// What happens in a shop whose units come over ten days.
struct Happenings {
    exposures: Vec<Event>,
    purchases: Vec<Event>,
}

impl Happenings {
    /// So many units come each day and arm, and spend once half a day later: `amount` gives how much, by arm, day and a random
    /// number below 1000.
    fn new(units: u64, amount: impl Fn(bool, u64, u64) -> f64) -> Self {
        let mut numbers = Numbers(11);
        let (mut exposures, mut purchases) = (Vec::new(), Vec::new());
        for day in 1..=10 {
            for unit in 0..units {
                for on in [false, true] {
                    let (arm, minute) = (if on { "on" } else { "off" }, numbers.next(1200));
                    let id = format!("{arm}-{day}-{unit}");
                    exposures.push((day, minute, format!("{id},button-test.{arm},@,web")));
                    let before = numbers.next(1000) as f64 / 100.0;
                    purchases.push((day - 1, minute, format!("{id},@,{before},paid")));
                    let value = amount(on, day, numbers.next(1000)) + before;
                    purchases.push((day, minute + 720, format!("{id},@,{value:.3},paid")));
                }
            }
        }
        // Others buy every day, so that no data are missing.
        purchases.extend((1..20).map(|day| (day, 1430, "other,@,2,paid".to_owned())));
        Self { exposures, purchases }
    }

    /// Writes what has happened before a day.
    fn write(&self, shop: &Shop, before: u64) {
        let text = |header: &str, events: &[Event]| {
            let mut text = format!("{header}\n");
            for (day, minute, row) in events {
                let (day, minute) = (day + minute / 1440, minute % 1440);
                let (date, hour) = if day == 0 {
                    ("2026-02-28".to_owned(), minute)
                } else {
                    (format!("2026-03-{day:02}"), minute)
                };
                if day < before {
                    let at = format!("{date}T{:02}:{:02}:00Z", hour / 60, hour % 60);
                    let _ = writeln!(text, "{}", row.replace('@', &at));
                }
            }
            text
        };
        shop.write("exposures.csv", &text("user_id,served,at,platform", &self.exposures));
        shop.write("purchases.csv", &text("user_id,at,eur,status", &self.purchases));
    }
}

fn plan(analysis: &str) -> String {
    format!("{EXPERIMENT}analysis: {analysis}\n").replace("{absolute: 0.5}", "{absolute: 0.2}")
}

fn shop(analysis: &str, happenings: &Happenings) -> Shop {
    let shop = Shop::new();
    shop.write("button-test.experiment.yaml", &plan(analysis));
    happenings.write(&shop, 40);
    shop
}

fn day(day: u64) -> String {
    format!("2026-03-{day:02}T00:00:00Z")
}

fn verdict(outcome: &Outcome) -> &Verdict {
    outcome.verdicts.first().expect("a verdict")
}

fn looked<'a>(outcome: &'a Outcome, key: &str) -> &'a Looked {
    metric(outcome, key).comparisons[0].looks.as_ref().expect("looks")
}

fn stopped_at(verdict: &Verdict) -> Option<Timestamp> {
    verdict.reasons.iter().find_map(|reason| match reason {
        Ground::StoppedAtLook { at, .. } => Some(*at),
        _ => None,
    })
}

const METHODS: [&str; 4] = [
    "{method: group-sequential, min_duration: 3d}",
    "{method: group-sequential, min_duration: 3d, spending: pocock}",
    "{method: group-sequential, min_duration: 3d, spending: {hwang-shih-decani: -4}}",
    "{method: always-valid, min_duration: 3d, planned_units: 400}",
];

/// What a run shows of the looks, with the last digits left out: they depend on where values were centred.
fn described(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for key in ["spend", "buyers"] {
        for look in &looked(outcome, key).path {
            let interval = look.interval.map(|i| format!("{:.6e} {:.6e}", i.lower, i.upper));
            lines.push(format!(
                "{key} {} {} {:.6e} {interval:?} {:.6} {:?}",
                look.at,
                look.units,
                look.difference,
                look.statistic,
                look.bound.map(|bound| format!("{bound:.6}"))
            ));
        }
    }
    lines
}

#[test]
fn the_outcome_is_the_same_whether_runs_happened_daily_or_once() {
    let mut happenings =
        Happenings::new(30, |on, _, random| random as f64 / 200.0 + if on { 2.0 } else { 0.0 });
    // Units that are seen in the other variant days after they came: until then they count.
    for unit in 0..6 {
        happenings.exposures.push((9, 100 + unit, format!("on-2-{unit},button-test.off,@,web")));
    }
    for method in [METHODS[0], METHODS[2], METHODS[3]] {
        let shop = shop(method, &happenings);
        let once = shop.analyse(HORIZON);
        let mut daily = None;
        for today in 2..=13 {
            happenings.write(&shop, today);
            let outcome = shop.analyse(&day(today));
            if verdict(&outcome).kind != VerdictKind::KeepRunning {
                daily = Some(outcome);
                break;
            }
            // A run in the middle of the day has no look of its own.
            if today == 5 {
                let midday = shop.analyse(&day(today).replace("T00", "T17"));
                assert_eq!(
                    (described(&midday), verdict(&midday).kind),
                    (described(&outcome), VerdictKind::KeepRunning)
                );
            }
        }
        let daily = daily.expect("a decision");
        assert_eq!(verdict(&daily).kind, VerdictKind::Ship, "{method}: {:?}", verdict(&daily).reasons);
        assert_eq!(verdict(&daily).kind, verdict(&once).kind);
        assert_eq!(stopped_at(verdict(&daily)), stopped_at(verdict(&once)), "{method}");
        assert_eq!(described(&daily), described(&once), "{method}");
        assert_eq!(daily.units.arms, once.units.arms, "{method}");
        assert!(stopped_at(verdict(&once)).is_some(), "{method}");
    }
}

#[test]
fn after_an_early_stop_later_data_change_no_verdict() {
    // From the seventh on the treatment ruins everything.
    let happenings = Happenings::new(40, |on, day, random| {
        random as f64 / 200.0
            + if !on {
                0.0
            } else if day < 7 {
                3.0
            } else {
                -8.0
            }
    });
    let shop = shop(METHODS[0], &happenings);
    let stop = shop.analyse(&day(9));
    assert_eq!(verdict(&stop).kind, VerdictKind::Ship, "{:?}", verdict(&stop).reasons);
    let late = shop.analyse("2026-03-18T00:00:00Z");
    assert_eq!(verdict(&late).kind, VerdictKind::Ship);
    assert_eq!(stopped_at(verdict(&late)), stopped_at(verdict(&stop)));
    assert_eq!(described(&late), described(&stop));
    let corrected = looked(&late, "spend").corrected.expect("corrected");
    let Estimate::Measured(effect) = &metric(&late, "spend").comparisons[0].estimate else {
        panic!("an effect")
    };
    assert!(corrected.difference > 0.0 && corrected.difference <= effect.difference, "{corrected:?}");
    assert!(corrected.interval.lower > 0.0 && effect.interval.lower > 0.0);
    assert_eq!(metric(&late, "spend").comparisons[0].judgement, Judgement::Better);
}

#[test]
fn nothing_ships_before_enrolment_has_lasted_as_long_as_the_plan_asks() {
    let happenings = Happenings::new(40, |on, _, random| random as f64 / 200.0 + if on { 4.0 } else { 0.0 });
    for (least, at) in [("1d", 4), ("3d", 6), ("5d", 8)] {
        let shop = shop(
            &format!("{{method: group-sequential, spending: pocock, min_duration: {least}}}"),
            &happenings,
        );
        let outcome = shop.analyse(HORIZON);
        let stopped = stopped_at(verdict(&outcome)).map(|at| at.to_string());
        assert_eq!(stopped, Some(day(at)), "{least}: {:?}", verdict(&outcome).reasons);
    }
    // With the default of a week, and no look between it and the last one but these, the test goes on.
    let shop = shop("{method: group-sequential}", &happenings);
    let outcome = shop.analyse(&day(9));
    assert_eq!(verdict(&outcome).kind, VerdictKind::KeepRunning);
    assert!(looked(&outcome, "spend").met_at.is_some());
    assert_eq!(verdict(&shop.analyse(&day(10))).kind, VerdictKind::Ship);
}

#[test]
fn an_estimate_names_its_look_and_the_units_of_it() {
    let happenings = Happenings::new(40, |on, _, random| random as f64 / 200.0 + if on { 4.0 } else { 0.0 });
    for method in ["group-sequential", "always-valid"] {
        // It is better at an early look, and ships at a later one.
        let shop = shop(&format!("{{method: {method}, min_duration: 5d}}"), &happenings);
        let outcome = shop.analyse(HORIZON);
        let stopped = stopped_at(verdict(&outcome)).expect("an early stop");
        let spend = &metric(&outcome, "spend").comparisons[0];
        let met = looked(&outcome, "spend").met_at.expect("a look");
        assert!(met < stopped, "{method}: {met} {stopped}");
        let look = spend.look.expect("a look");
        assert_eq!((look.at, look.is_earlier), (met, true), "{method}");
        let then = looked(&outcome, "spend").path.last().expect("a look");
        assert_eq!((then.at, then.units), (look.at, look.units), "{method}");
        let counted: u64 = metric(&outcome, "spend").arms.iter().map(|arm| arm.units).sum();
        assert!(
            look.units < counted,
            "{method}: the units of the arms are those of the look that stopped it"
        );
        let others = outcome.metrics.iter().flat_map(|metric| &metric.comparisons);
        for comparison in others.filter(|one| one.looks.as_ref().is_none_or(|looks| looks.met_at.is_none())) {
            let Estimate::Measured(_) = &comparison.estimate else { continue };
            let look = comparison.look.expect("a look");
            assert_eq!((look.at, look.is_earlier), (stopped, false), "{method}");
        }
    }
}

#[test]
fn the_last_look_has_the_estimates_of_a_fixed_horizon() {
    let happenings = Happenings::new(25, |on, _, random| random as f64 / 100.0 + if on { 0.2 } else { 0.0 });
    // A margin that nothing keeps, so that no test ends early.
    let analyse = |method: &str| {
        let shop = shop(method, &happenings);
        let plan = plan(method).replace("{absolute: 0.2}", "{absolute: 0.0001}");
        shop.write("button-test.experiment.yaml", &plan);
        shop.analyse(HORIZON)
    };
    let fixed = analyse("{method: fixed-horizon}");
    for method in [METHODS[0], METHODS[3]] {
        let several = analyse(method);
        for key in ["spend", "buyers", "dearest"] {
            let effect = |outcome: &Outcome| match &metric(outcome, key).comparisons[0].estimate {
                Estimate::Measured(effect) => (effect.difference, effect.standard_error),
                Estimate::NotMeasured(why) => panic!("{key} {method}: {why:?}"),
            };
            let ((a, b), (c, d)) = (effect(&fixed), effect(&several));
            assert!((a - c).abs() < 1e-9 && (b - d).abs() < 1e-9, "{key} {method}: {a} {c}, {b} {d}");
        }
        let arms =
            |outcome: &Outcome| metric(outcome, "spend").arms.iter().map(|arm| arm.units).collect::<Vec<_>>();
        assert_eq!(arms(&fixed), arms(&several));
    }
}

#[test]
fn harm_ends_the_test_at_the_look_that_finds_it() {
    let happenings = Happenings::new(60, |on, _, random| random as f64 / 100.0 - if on { 6.0 } else { 0.0 });
    for method in [METHODS[0], METHODS[3]] {
        let outcome = shop(method, &happenings).analyse(HORIZON);
        assert_eq!(verdict(&outcome).kind, VerdictKind::RollBack);
        assert!(stopped_at(verdict(&outcome)).is_some_and(|at| at.to_string() < day(8)), "{method}");
        assert_eq!(metric(&outcome, "spend").comparisons[0].judgement, Judgement::Worse);
    }
}

#[test]
fn a_broken_split_blocks_every_look() {
    let mut happenings =
        Happenings::new(40, |on, _, random| random as f64 / 200.0 + if on { 4.0 } else { 0.0 });
    // The treatment loses half of its units.
    happenings.exposures.retain(|(_, minute, row)| !row.contains(".on,") || minute % 2 == 0);
    for method in [METHODS[0], METHODS[3]] {
        let shop = shop(method, &happenings);
        for as_of in [&day(8), HORIZON] {
            let outcome = shop.analyse(as_of);
            assert_eq!(verdict(&outcome).kind, VerdictKind::Invalid, "{method} {as_of}");
            let ratio =
                |reason: &Ground| matches!(reason, Ground::Quality { check: QualityKind::SampleRatio, .. });
            assert!(verdict(&outcome).reasons.iter().any(ratio));
        }
    }
}

#[test]
fn an_outcome_with_looks_reads_back_as_itself() {
    let happenings = Happenings::new(25, |on, _, random| random as f64 / 100.0 + if on { 3.0 } else { 0.0 });
    let outcome = shop(METHODS[0], &happenings).analyse(HORIZON);
    let again = Outcome::from_json(&serde_json::to_string(&outcome).expect("JSON")).expect("an outcome");
    assert_eq!(again, outcome);
}

/// Simulated experiments without an effect, all in one book.
const SIMULATED: usize = 80;

#[test]
fn looking_every_day_finds_an_effect_where_there_is_none_as_rarely_as_promised() {
    let shop = Shop::new();
    let mut numbers = Numbers(2026);
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    let methods = ["spending: pocock, method: group-sequential", "method: always-valid, planned_units: 200"];
    for test in 0..SIMULATED {
        let plan = EXPERIMENT
            .replace("  guardrails: [{metric: buyers, margin: {absolute: 0.5}}]\n", "")
            .replace("  exploratory: [dearest]\n", "");
        let method = methods[test % 2];
        let plan = format!("{plan}analysis: {{{method}, min_duration: 0d}}\n");
        shop.write(&format!("aa-{test}.experiment.yaml"), &plan);
        for unit in 0..200 {
            let (arm, day) = (if unit % 2 == 0 { "off" } else { "on" }, 1 + unit / 20);
            let minute = numbers.next(60);
            let _ =
                writeln!(exposures, "u{test}x{unit},aa-{test}.{arm},2026-03-{day:02}T08:{minute:02}:00Z,web");
            let amount = (0..4).map(|_| numbers.next(1000)).sum::<u64>() / 100;
            let _ = writeln!(purchases, "u{test}x{unit},2026-03-{day:02}T12:{minute:02}:00Z,{amount}.5,paid");
        }
    }
    purchases.push_str("late,2026-03-12T23:00:00Z,1.5,paid\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    let outcomes = all(&shop);
    assert_eq!(outcomes.len(), SIMULATED);
    for (method, promised) in [("pocock", 0.025), ("always-valid", 0.025)] {
        let of = outcomes.iter().enumerate().filter(|(place, _)| methods[place % 2].contains(method));
        let ships = of.filter(|(_, outcome)| verdict(outcome).kind == VerdictKind::Ship).count() as f64;
        let (n, expected) = (SIMULATED as f64 / 2.0, SIMULATED as f64 / 2.0 * promised);
        // Looking at each of ten days without a correction finds some 14 % one-sided; three standard errors above the promise
        // is less than half of that.
        let most = expected + 3.0 * (n * promised * (1.0 - promised)).sqrt();
        assert!(ships <= most, "{method}: {ships} of {n}");
    }
    // The method without a correction would have failed here.
    let naive = outcomes
        .iter()
        .filter(|outcome| looked(outcome, "spend").path.iter().any(|look| look.statistic > 1.96));
    assert!(naive.count() as f64 > 0.06 * SIMULATED as f64);
}

/// Analyses all experiments of a shop at the horizon, in order of their numbers.
fn all(shop: &Shop) -> Vec<Outcome> {
    let loaded = load::load(load::read_folder(shop.root()).expect("a book"));
    let book =
        loaded.book.as_ref().unwrap_or_else(|| panic!("{:?}", loaded.findings.first().map(|f| &f.message)));
    let warehouse = Embedded::new(shop.root(), None).installing().open().expect("a warehouse");
    let key = |test| ExperimentKey::new(format!("aa-{test}")).expect("a key");
    let request = Request {
        experiments: (0..SIMULATED).map(key).collect(),
        as_of: HORIZON.parse().expect("an instant"),
        commit: None,
        files: BTreeMap::new(),
        preregistrations: BTreeMap::new(),
        changes: BTreeMap::new(),
    };
    analyse(book, warehouse.as_ref(), &request, &mut |_| ()).expect("outcomes")
}

#[test]
fn units_whose_windows_have_not_closed_are_not_missing() {
    let happenings = Happenings::new(10, |_, _, random| random as f64 / 100.0);
    for method in ["fixed-horizon", "group-sequential", "always-valid"] {
        let shop = shop(&format!("{{method: {method}}}"), &happenings);
        let text = plan(&format!("{{method: {method}}}"));
        let decision = "decision: {outcome: aborted, date: 2026-03-02, reason: A fault.}\n";
        shop.write("button-test.experiment.yaml", &format!("{text}{decision}"));
        let outcome = shop.analyse(HORIZON);
        assert!(outcome.units.total() > 0);
        for comparison in outcome.metrics.iter().flat_map(|metric| &metric.comparisons) {
            let Estimate::NotMeasured(why) = &comparison.estimate else { panic!("{method}: a number") };
            assert!(!["empty-arm", "no-units"].contains(&why.reason.as_str()), "{method}: {why:?}");
        }
    }
}

//! Rows that are not what metrics take them for: days for times, ids of another spelling, copies, conditions that nothing
//! fulfils. None of them may carry a verdict.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use trialbook_analysis::{
    CopiesProblem, Estimate, IdProblem, IdsMeet, Outcome, QualityCheck, QualityDetail, QualityKind,
    QualityStatus, Spelling, VerdictKind,
};

use crate::shop::{HORIZON, Shop, metric};

/// The units of both arms together.
const UNITS: usize = 400;

fn id(unit: usize) -> String {
    format!("{}ab-{unit:04}", 1000 + unit)
}

fn exposed(unit: usize) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_secs((unit * 2_050 + 40_000) as i64)
}

/// A purchase: whose, how long after the exposure in minutes, how much.
type Purchase = (usize, i64, f64);

/// Every third unit buys within hours, a few more with `on`.
fn purchases() -> Vec<Purchase> {
    let buys = |unit: &usize| unit.is_multiple_of(3) || (unit % 2 == 1 && unit.is_multiple_of(5));
    (0..UNITS).filter(buys).map(|unit| (unit, 30 + (unit % 200) as i64, 5.0 + (unit % 7) as f64)).collect()
}

/// A shop whose purchases have their time and unit written so; `extra` is put into their source.
fn shop(
    purchases: &[Purchase],
    extra: &str,
    time: impl Fn(Timestamp) -> String,
    unit: impl Fn(&str) -> String,
) -> Shop {
    let shop = Shop::new();
    let mut text = "user_id,served,at,platform\n".to_owned();
    for n in 0..UNITS {
        let arm = if n % 2 == 0 { "off" } else { "on" };
        let _ = writeln!(text, "{},button-test.{arm},{},web", id(n), exposed(n));
    }
    shop.write("exposures.csv", &text);
    let mut text = "user_id,at,eur,status\n".to_owned();
    for (n, minutes, amount) in purchases {
        let at = exposed(*n) + SignedDuration::from_mins(*minutes);
        let _ = writeln!(text, "{},{},{amount},paid", unit(&id(*n)), time(at));
    }
    // Others buy too, up to the horizon.
    for n in 0..60 {
        let at = "2026-03-01T03:00:00Z".parse::<Timestamp>().expect("an instant")
            + SignedDuration::from_mins(n * 286);
        let _ = writeln!(text, "other-{n},{},1,paid", time(at));
    }
    shop.write("purchases.csv", &text);
    source(&shop, extra);
    shop
}

fn source(shop: &Shop, extra: &str) {
    shop.write(
        "purchases.source.yaml",
        &format!(
            "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {{user: user_id}}\nmeasures: {{amount: eur}}\n{extra}"
        ),
    );
}

fn instant(at: Timestamp) -> String {
    at.to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn same(id: &str) -> String {
    id.to_owned()
}

fn kind(outcome: &Outcome) -> VerdictKind {
    outcome.verdicts.first().expect("a treatment").kind
}

#[track_caller]
fn found(outcome: &Outcome, kind: QualityKind) -> &QualityCheck {
    let check = outcome.quality.iter().find(|check| check.kind == kind);
    check.unwrap_or_else(|| panic!("no {kind:?} in {:#?}", outcome.quality))
}

/// Asserts that a check fails, that nothing is decided, and that no metric of the source has a number.
#[track_caller]
fn refused(outcome: &Outcome, of: QualityKind) -> QualityDetail {
    let check = found(outcome, of);
    assert_eq!(check.status, QualityStatus::Fail, "{check:?}");
    assert_eq!(kind(outcome), VerdictKind::NotDecidable, "{:#?}", outcome.verdicts);
    assert!(metric(outcome, "spend").comparisons.iter().all(|c| c.estimate.effect().is_none()));
    check.detail.clone()
}

fn mean(outcome: &Outcome, key: &str) -> Vec<f64> {
    metric(outcome, key).arms.iter().map(|arm| arm.moments.map_or(f64::NAN, |m| m.mean)).collect()
}

#[test]
fn instants_and_ids_that_meet_pass_and_their_share_is_known() {
    let outcome = shop(&purchases(), "", instant, same).analyse(HORIZON);
    assert!(
        outcome.quality.iter().all(|check| check.kind != QualityKind::DayStamps),
        "{:#?}",
        outcome.quality
    );
    assert_eq!(found(&outcome, QualityKind::UnitIds).status, QualityStatus::Pass);
    assert_eq!(found(&outcome, QualityKind::Copies).status, QualityStatus::Pass);
    let source = outcome.sources.first().expect("a source");
    let buyers = purchases().len() as u64;
    assert_eq!((source.units, source.exposed_units), (Some(buyers + 60), Some(buyers)));
    let arms = source.arms.as_ref().expect("rows near the units");
    assert_eq!(arms.iter().map(|arm| arm.rows).sum::<u64>(), buyers);
    assert_ne!(kind(&outcome), VerdictKind::NotDecidable);
}

#[test]
fn days_that_are_not_declared_carry_no_verdict_in_whatever_zone_they_begin() {
    let bare = shop(&purchases(), "", day, same).analyse(HORIZON);
    let detail = refused(&bare, QualityKind::DayStamps);
    assert!(matches!(detail, QualityDetail::Midnights { .. }), "{detail:?}");
    for midnight in ["%Y-%m-%dT00:00:00Z", "%Y-%m-%d 00:00:00"] {
        let outcome = shop(&purchases(), "", |at| at.strftime(midnight).to_string(), same).analyse(HORIZON);
        let detail = refused(&outcome, QualityKind::DayStamps);
        assert!(matches!(&detail, QualityDetail::Midnights { zone, .. } if zone == "UTC"), "{detail:?}");
    }
    // Midnights of a zone that nothing declares: one time of day for more than a week.
    let elsewhere =
        |at: Timestamp| (at + SignedDuration::from_hours(9)).strftime("%Y-%m-%dT00:00:00+09:00").to_string();
    let outcome = shop(&purchases(), "", elsewhere, same).analyse(HORIZON);
    let detail = refused(&outcome, QualityKind::DayStamps);
    assert!(
        matches!(detail, QualityDetail::OneTimeOfDay { minutes: 900, instants: false, .. }),
        "{detail:?}"
    );
    // What a nightly job does has one time of day as well: the source can say so, and the report mentions it.
    let nightly = shop(&purchases(), "granularity: instant\n", elsewhere, same).analyse(HORIZON);
    let reported = found(&nightly, QualityKind::DayStamps);
    assert_eq!(reported.status, QualityStatus::Warn);
    assert!(matches!(reported.detail, QualityDetail::OneTimeOfDay { instants: true, .. }), "{reported:?}");
    let for_days =
        |estimate: &Estimate| matches!(estimate, Estimate::NotMeasured(why) if why.reason == "day-stamps");
    let spend = metric(&nightly, "spend");
    assert!(!spend.comparisons.iter().any(|comparison| for_days(&comparison.estimate)), "{spend:#?}");
    // Midnights remain days.
    let midnights = shop(&purchases(), "granularity: instant\n", day, same).analyse(HORIZON);
    assert!(matches!(refused(&midnights, QualityKind::DayStamps), QualityDetail::Midnights { .. }));
    // And of one that another source declares.
    let declared = shop(&purchases(), "", elsewhere, same);
    declared.write(
        "views.source.yaml",
        "description: d\nfile: views.csv\ntimestamp: at\nentities: {user: user_id}\ntimezone: Asia/Tokyo\n",
    );
    let detail = refused(&declared.analyse(HORIZON), QualityKind::DayStamps);
    assert!(matches!(&detail, QualityDetail::Midnights { zone, .. } if zone == "Asia/Tokyo"), "{detail:?}");
}

#[test]
fn declared_days_count_the_day_of_exposure_and_keep_it_out_of_the_covariate() {
    let mut rows = purchases();
    // The day before is the covariate's, whatever the hour.
    rows.extend((0..UNITS).filter(|unit| unit.is_multiple_of(4)).map(|unit| (unit, -24 * 60, 2.0)));
    let instants = shop(&rows, "", instant, same).analyse(HORIZON);
    let days = shop(&rows, "granularity: day\n", day, same).analyse(HORIZON);
    assert_eq!(found(&days, QualityKind::DayStamps).status, QualityStatus::Pass);
    assert_eq!(found(&days, QualityKind::DayStamps).detail, QualityDetail::DeclaredDays);
    // Each purchase lies within two days of its exposure, and on the second day at the latest.
    for key in ["buyers", "dearest"] {
        let (with_instants, with_days) = (mean(&instants, key), mean(&days, key));
        assert!(
            with_instants.iter().zip(&with_days).all(|(a, b)| (a - b).abs() < 1e-12),
            "{key}: {with_instants:?} {with_days:?}"
        );
    }
    let covariate = |outcome: &Outcome| {
        let arms = &metric(outcome, "spend").arms;
        arms.iter().map(|arm| arm.moments.and_then(|m| m.covariate).map_or(f64::NAN, |c| c.mean)).sum::<f64>()
    };
    assert!((covariate(&instants) - covariate(&days)).abs() < 1e-12);
    assert!(covariate(&days) > 0.0);
}

#[test]
fn days_begin_in_the_zone_that_the_source_names() {
    // Unit 0 is exposed at 11:06 UTC on the 1st, which is the 2nd at +14: a purchase of the 1st there is before it.
    let row = |date: &'static str| move |_: Timestamp| date.to_owned();
    let spent = |extra: &str, date: &'static str| {
        let outcome = shop(&[(0, 0, 7.0)], extra, row(date), same).analyse(HORIZON);
        mean(&outcome, "dearest").first().copied().expect("an arm") > 0.0
    };
    assert!(spent("granularity: day\n", "2026-03-01"));
    assert!(!spent("granularity: day\ntimezone: Pacific/Kiritimati\n", "2026-03-01"));
    assert!(spent("granularity: day\ntimezone: Pacific/Kiritimati\n", "2026-03-02"));
}

#[test]
fn times_without_an_offset_are_of_the_zone_that_the_source_names() {
    // Half an hour after the exposure, written as clocks in Tokyo show it.
    let local =
        |at: Timestamp| (at + SignedDuration::from_hours(9)).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let plain = mean(&shop(&purchases(), "", instant, same).analyse(HORIZON), "dearest");
    let zoned = mean(&shop(&purchases(), "timezone: Asia/Tokyo\n", local, same).analyse(HORIZON), "dearest");
    assert_eq!(plain, zoned);
}

#[test]
fn a_window_of_part_of_a_day_cannot_be_measured_by_days() {
    let shop = shop(&purchases(), "granularity: day\n", day, same);
    shop.write(
        "spend.metric.yaml",
        "description: d\nentity: user\nsource: purchases\nwindow: 36h\nincrease_is: good\ntype: mean\nmeasure: {sum: amount}\n",
    );
    let outcome = shop.analyse(HORIZON);
    let detail = &found(&outcome, QualityKind::UnmeasurableMetric).detail;
    assert!(matches!(detail, QualityDetail::Unmeasurable { cause, .. } if cause.contains("whole days")));
    assert_eq!(kind(&outcome), VerdictKind::NotDecidable);
}

#[test]
fn ids_of_another_spelling_carry_no_verdict_and_the_difference_is_named() {
    type Respelled = (fn(&str) -> String, Spelling);
    let ways: [Respelled; 5] = [
        (|id| id.to_uppercase(), Spelling::LetterCase),
        (|id| format!("\" {id}\""), Spelling::Around),
        (|id| format!("00{id}"), Spelling::LeadingZeros),
        (|id| id.replace('-', ""), Spelling::Hyphens),
        (|id| format!("user:{id}"), Spelling::Prefix { text: "user:".into() }),
    ];
    for (respell, expected) in ways {
        let outcome = shop(&purchases(), "", instant, respell).analyse(HORIZON);
        let QualityDetail::Ids(ids) = refused(&outcome, QualityKind::UnitIds) else { panic!("ids") };
        let named = match ids.problem {
            Some(IdProblem::Respelled { spelling, .. }) => spelling,
            Some(IdProblem::Affixed { spelling }) => Some(spelling),
            other => panic!("{other:?}"),
        };
        assert_eq!(named.as_ref(), Some(&expected));
        let source = outcome.sources.first().expect("a source");
        assert_eq!(source.spelling, Some(expected));
        assert!(!outcome.examples.is_empty() && outcome.examples.len() <= 3, "{:?}", outcome.examples);
        let json = outcome.to_json().expect("JSON");
        assert!(!json.contains("ab-0") && !json.to_lowercase().contains("ab00"), "an id is in the outcome");
    }
}

#[test]
fn a_part_of_the_ids_in_another_spelling_is_enough_to_refuse() {
    let outcome =
        shop(
            &purchases(),
            "",
            instant,
            |id| {
                if id.ends_with('0') { id.to_uppercase() } else { id.to_owned() }
            },
        );
    let detail = refused(&outcome.analyse(HORIZON), QualityKind::UnitIds);
    let QualityDetail::Ids(IdsMeet { problem: Some(IdProblem::Respelled { .. }), .. }) = detail else {
        panic!("{detail:?}");
    };
}

#[test]
fn rare_events_are_no_broken_join() {
    let outcome = shop(&[(0, 60, 5.0), (1, 60, 5.0)], "", instant, same).analyse(HORIZON);
    assert_eq!(found(&outcome, QualityKind::UnitIds).status, QualityStatus::Pass);
    // Nor is no event at all, of which one cannot know why.
    let outcome = shop(&[], "", instant, same).analyse(HORIZON);
    assert_eq!(found(&outcome, QualityKind::UnitIds).status, QualityStatus::Warn);
}

#[test]
fn copies_in_one_arm_carry_no_verdict_and_a_key_removes_them() {
    let mut rows = purchases();
    let doubled: Vec<Purchase> = rows.iter().filter(|(unit, ..)| unit % 2 == 1).copied().collect();
    rows.extend(doubled.iter().take(40));
    let copied = shop(&rows, "", instant, same);
    let outcome = copied.analyse(HORIZON);
    let QualityDetail::Copies { copies: 40, problem: Some(CopiesProblem::Uneven), arms, .. } =
        refused(&outcome, QualityKind::Copies)
    else {
        panic!("the copies of one arm");
    };
    assert_eq!(
        arms.iter().map(|arm| (arm.variant.as_str(), arm.copies)).collect::<Vec<_>>(),
        [("off", 0), ("on", 40)]
    );
    source(&copied, "key: [user_id, at]\n");
    let keyed = copied.analyse(HORIZON);
    let clean = shop(&purchases(), "", instant, same).analyse(HORIZON);
    assert_eq!(mean(&keyed, "dearest"), mean(&clean, "dearest"));
    assert_eq!(mean(&keyed, "spend"), mean(&clean, "spend"));
    let removed = found(&keyed, QualityKind::Copies);
    assert!(matches!(removed.detail, QualityDetail::Copies { copies: 40, by_key: true, .. }), "{removed:?}");
    assert_ne!(kind(&keyed), VerdictKind::NotDecidable);
}

#[test]
fn a_few_copies_everywhere_are_a_remark_and_many_are_refused() {
    let with = |copies: usize| {
        let mut rows = purchases();
        let further: Vec<Purchase> =
            rows.iter().filter(|(unit, ..)| unit.is_multiple_of(3)).take(copies).copied().collect();
        rows.extend(further);
        shop(&rows, "", instant, same).analyse(HORIZON)
    };
    assert_eq!(found(&with(4), QualityKind::Copies).status, QualityStatus::Warn);
    let detail = refused(&with(40), QualityKind::Copies);
    assert!(matches!(detail, QualityDetail::Copies { problem: Some(CopiesProblem::Many), .. }), "{detail:?}");
}

#[test]
fn a_condition_that_no_row_fulfils_is_named_and_carries_no_verdict() {
    let shop = shop(&purchases(), "", instant, same);
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'settled'");
    let outcome = shop.analyse(HORIZON);
    let check = found(&outcome, QualityKind::Filter);
    assert_eq!(check.status, QualityStatus::Fail);
    assert!(
        matches!(&check.detail, QualityDetail::NoMatch { filter, .. } if filter == "status = 'settled'"),
        "{check:?}"
    );
    assert_eq!(kind(&outcome), VerdictKind::NotDecidable);
    // The other metrics of the source stay.
    assert!(metric(&outcome, "spend").comparisons.iter().all(|c| c.estimate.effect().is_some()));
}

#[test]
fn a_quiet_source_is_late_unless_it_is_declared_complete() {
    let rows: Vec<Purchase> = purchases().into_iter().filter(|(unit, ..)| *unit < 100).collect();
    let early = |at: Timestamp| instant(at.min("2026-03-05T00:00:01Z".parse().expect("an instant")));
    let quiet = shop(&rows, "", early, same);
    let late = quiet.analyse(HORIZON);
    assert_eq!(kind(&late), VerdictKind::Invalid);
    let detail = &found(&late, QualityKind::DataMissing).detail;
    assert!(matches!(detail, QualityDetail::EndsEarly { .. }), "{detail:?}");
    source(&quiet, "complete: true\n");
    let complete = quiet.analyse(HORIZON);
    let check = found(&complete, QualityKind::DataMissing);
    assert!(
        check.status == QualityStatus::Pass && matches!(check.detail, QualityDetail::QuietSince { .. }),
        "{check:?}"
    );
    assert_ne!(kind(&complete), VerdictKind::Invalid);
}

#[test]
fn a_metric_that_cannot_be_measured_is_named_before_the_start() {
    let shop = shop(&purchases(), "", instant, same);
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: stauts = 'paid'");
    let outcome = shop.analyse("2026-02-20T00:00:00Z");
    let check = found(&outcome, QualityKind::UnmeasurableMetric);
    assert_eq!(check.status, QualityStatus::Warn);
    let QualityDetail::Unmeasurable { cause, .. } = &check.detail else { panic!("{check:?}") };
    assert!(cause.contains("stauts"), "{cause}");
    assert_eq!(kind(&outcome), VerdictKind::KeepRunning);
}

#[test]
fn values_that_few_units_have_are_not_shown_and_versions_that_are_none_are_counted() {
    let shop = shop(&purchases(), "", instant, same);
    let book = crate::shop::BOOK.to_owned() + "attributes: {app_version: {type: version}}\n";
    shop.write("trialbook.yaml", &book);
    shop.write(
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n\
         dimensions: {app_version: version}\n",
    );
    let mut text = "user_id,served,at,version\n".to_owned();
    for n in 0..UNITS {
        let arm = if n % 2 == 0 { "off" } else { "on" };
        let version = match n {
            0..9 => "secret-build",
            9..60 => "eight",
            _ => "8.2.0",
        };
        let _ = writeln!(text, "{},button-test.{arm},{},{version}", id(n), exposed(n));
    }
    shop.write("exposures.csv", &text);
    let outcome = shop.analyse(HORIZON);
    let values: Vec<&str> = outcome
        .quality
        .iter()
        .filter_map(|check| check.within.as_ref().map(|(_, value)| value.as_str()))
        .collect();
    assert_eq!(values, ["8.2.0", "eight"]);
    assert!(!outcome.to_json().expect("JSON").contains("secret-build"));
    let unread = found(&outcome, QualityKind::UnreadValues);
    assert!(matches!(unread.detail, QualityDetail::UnreadVersions { units: 60, of: 400, .. }), "{unread:?}");
}

//! What the analysis makes of data: units that count and units that do not, values, and what cannot be measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use trialbook_analysis::warehouse::{Embedded, NewDatabase};
use trialbook_analysis::{
    Estimate, MetricResult, Outcome, QualityCheck, QualityKind, QualityStatus, Reason, Request, VerdictKind,
    analyse,
};
use trialbook_language::load;
use trialbook_model::ExperimentKey;

const BOOK: &str = "
book: shop
entities: {user: {column: user_id}}
surfaces: {checkout: {owner: team}}
targets: {live: {type: flagd, store: \"file://live.json\", primary: true, evaluators: [javascript-4]}}
warehouse: {engine: duckdb}
policy: {quality: {sample_ratio_p: 0.1%, in_two_variants: 20%, outside_schedule: 20%, min_units_per_variant: 2}}
";

const FLAG: &str = "
description: A button.
owner: team
surfaces: [checkout]
entity: user
type: boolean
variants: {off: false, on: true}
default: off
";

pub(crate) const EXPERIMENT: &str = "
title: A button
hypothesis: It sells more.
owner: team
surfaces: [checkout]
flag: button
allocation: 100%
control: off
variants: {off: 50%, on: 50%}
schedule: {start: 2026-03-01, end: 2026-03-11}
metrics:
  success: [{metric: spend, mde: 5%}]
  guardrails: [{metric: buyers, margin: {absolute: 0.5}}]
  exploratory: [dearest]
";

const METRICS: [(&str, &str); 3] = [
    (
        "spend",
        "type: mean\nmeasure: {sum: amount}\nwhere: status = 'paid'\ncap: {quantile: 90%}\ncovariate: {before: 3d}",
    ),
    ("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'paid' and amount > 1"),
    ("dearest", "type: mean\nmeasure: {max: amount}\ncap: {value: 8}"),
];

/// A book on disk with its data.
pub(crate) struct Shop {
    root: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let shop = Self { root: tempfile::tempdir().expect("a folder") };
        shop.write("trialbook.yaml", BOOK);
        shop.write("button.flag.yaml", FLAG);
        shop.write("button-test.experiment.yaml", EXPERIMENT);
        shop.write(
            "exposures.source.yaml",
            "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n\
             dimensions: {platform: platform}\n",
        );
        shop.write(
            "purchases.source.yaml",
            "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: eur}\n",
        );
        for (key, rest) in METRICS {
            shop.metric(key, rest);
        }
        shop
    }

    pub(crate) fn metric(&self, key: &str, rest: &str) {
        let rest = rest.replace("amount > 1", "eur > 1");
        let text = format!(
            "description: d\nentity: user\nsource: purchases\nwindow: 2d\nincrease_is: good\n{rest}\n"
        );
        self.write(&format!("{key}.metric.yaml"), &text);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.path().join(path), text).expect("a file");
    }

    pub(crate) fn exposures(&self, rows: &[(&str, &str, &str, &str)]) {
        let mut text = "user_id,served,at,platform\n".to_owned();
        for (unit, served, at, platform) in rows {
            let _ = writeln!(text, "{unit},{served},{at},{platform}");
        }
        self.write("exposures.csv", &text);
    }

    pub(crate) fn purchases(&self, rows: &[(&str, &str, &str, &str)]) {
        let mut text = "user_id,at,eur,status\n".to_owned();
        for (unit, at, eur, status) in rows {
            let _ = writeln!(text, "{unit},{at},{eur},{status}");
        }
        self.write("purchases.csv", &text);
    }

    pub(crate) fn analyse(&self, as_of: &str) -> Outcome {
        self.analyse_with(as_of, None)
    }

    pub(crate) fn analyse_with(&self, as_of: &str, threads: Option<u32>) -> Outcome {
        let loaded = load::load(load::read_folder(self.root.path()).expect("a book"));
        let findings: Vec<_> = loaded.findings.iter().map(|f| (f.primary.file.path(), &f.message)).collect();
        let book = loaded.book.as_ref().unwrap_or_else(|| panic!("{findings:?}"));
        let embedded = Embedded { threads, ..Embedded::new(self.root.path(), None) };
        let warehouse = embedded.installing().open().expect("a warehouse");
        let request = Request {
            experiments: vec![ExperimentKey::new("button-test").expect("a key")],
            as_of: as_of.parse::<Timestamp>().expect("an instant"),
            commit: None,
            files: BTreeMap::new(),
            preregistrations: BTreeMap::new(),
        };
        let outcomes = analyse(book, warehouse.as_ref(), &request, &mut |_| ()).expect("outcomes");
        outcomes.into_iter().next().expect("one outcome")
    }
}

/// The instant at which everything of the experiment has closed.
pub(crate) const HORIZON: &str = "2026-03-13T00:00:00Z";

pub(crate) fn metric<'a>(outcome: &'a Outcome, key: &str) -> &'a MetricResult {
    outcome.metrics.iter().find(|metric| metric.metric.as_str() == key).expect("a metric")
}

fn arms(outcome: &Outcome) -> Vec<u64> {
    outcome.units.arms.iter().map(|arm| arm.units).collect()
}

fn means(metric: &MetricResult) -> Vec<(u64, f64)> {
    metric.arms.iter().map(|arm| (arm.units, arm.moments.map_or(f64::NAN, |m| m.mean))).collect()
}

#[track_caller]
fn assert_means(metric: &MetricResult, want: [(u64, f64); 2]) {
    for ((units, mean), want) in means(metric).into_iter().zip(want) {
        assert!(units == want.0 && (mean - want.1).abs() < 1e-14, "{units} {mean} is not {want:?}");
    }
}

fn check(outcome: &Outcome, kind: QualityKind) -> &QualityCheck {
    outcome.quality.iter().find(|check| check.kind == kind && check.within.is_none()).expect("a check")
}

fn why(metric: &MetricResult) -> (String, String) {
    match &metric.comparisons.first().expect("a treatment").estimate {
        Estimate::Measured(effect) => panic!("measured: {effect:?}"),
        Estimate::NotMeasured(why) => (why.reason.clone(), why.detail.clone()),
    }
}

const FOUR: [(&str, &str, &str, &str); 4] = [
    ("a", "button-test.off", "2026-03-02T00:00:00Z", "web"),
    ("b", "button-test.off", "2026-03-02T00:00:00Z", "web"),
    ("c", "button-test.on", "2026-03-02T00:00:00Z", "ios"),
    ("d", "button-test.on", "2026-03-02T00:00:00Z", "ios"),
];

#[test]
fn units_in_two_variants_and_outside_the_schedule_are_left_out_and_counted() {
    let shop = Shop::new();
    let mut rows = FOUR.to_vec();
    rows.extend([
        ("two", "button-test.off", "2026-03-02T00:00:00Z", "web"),
        ("two", "button-test.on", "2026-03-03T00:00:00Z", "web"),
        ("early", "button-test.on", "2026-02-28T23:59:59Z", "web"),
        ("early", "button-test.on", "2026-03-02T00:00:00Z", "web"),
        ("late", "button-test.off", "2026-03-11T00:00:00Z", "web"),
        ("first", "button-test.off", "2026-03-01T00:00:00Z", "web"),
        ("gone", "button-test.purple", "2026-03-02T00:00:00Z", "web"),
        ("plain", "off", "2026-03-02T00:00:00Z", "web"),
        ("other", "other-test.on", "2026-03-02T00:00:00Z", "web"),
        ("a", "button-test.off", "2026-03-05T00:00:00Z", "ios"),
        ("", "button-test.off", "2026-03-05T00:00:00Z", "ios"),
        ("when", "button-test.off", "sometime", "ios"),
        ("future", "button-test.off", "2026-03-14T00:00:00Z", "ios"),
    ]);
    shop.exposures(&rows);
    shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    let outcome = shop.analyse(HORIZON);
    assert_eq!(arms(&outcome), [3, 2]);
    let units = &outcome.units;
    assert_eq!((units.in_two_variants, units.outside_schedule, units.unknown_variant), (1, 2, 1));
    assert_eq!(check(&outcome, QualityKind::InTwoVariants).observed, Some(1.0 / 8.0));
    let outside = check(&outcome, QualityKind::OutsideSchedule);
    assert_eq!((outside.observed, outside.status), (Some(2.0 / 8.0), QualityStatus::Fail));
    assert_eq!(check(&outcome, QualityKind::UnusableRows).observed, Some(2.0));
    assert_eq!(outcome.verdicts.first().map(|verdict| verdict.kind), Some(VerdictKind::Invalid));
}

#[test]
fn a_unit_counts_once_its_window_has_closed_and_zero_where_nothing_happened() {
    let shop = Shop::new();
    let mut rows = FOUR.to_vec();
    rows.push(("open", "button-test.on", "2026-03-11T00:00:01Z", "web"));
    shop.exposures(&rows);
    shop.purchases(&[
        ("a", "2026-03-02T00:00:00Z", "5", "paid"),
        ("a", "2026-03-03T23:59:59Z", "2", "paid"),
        ("a", "2026-03-04T00:00:00Z", "100", "paid"),
        ("a", "2026-03-01T23:59:59Z", "100", "paid"),
        ("c", "2026-03-02T12:00:00Z", "0.5", "paid"),
        ("c", "2026-03-02T12:00:00Z", "100", "cancelled"),
        ("x", "2026-03-12T23:00:00Z", "1", "paid"),
    ]);
    // The schedule ends on the 11th, so the window of a unit of the last second closes on the 13th.
    shop.write("button-test.experiment.yaml", &EXPERIMENT.replace("2026-03-11", "2026-03-11T00:00:02Z"));
    let early = shop.analyse("2026-03-13T00:00:00Z");
    assert_eq!(metric(&early, "spend").arms.iter().map(|arm| arm.units).collect::<Vec<_>>(), [2, 2]);
    let outcome = shop.analyse("2026-03-13T00:00:02Z");
    let spend = metric(&outcome, "spend");
    assert_eq!(means(metric(&outcome, "buyers")), [(2, 0.5), (3, 0.0)]);
    // Capped at 90 % of the five values 0, 0, 0, 0.5, 7: the inverted CDF gives the largest.
    assert_means(spend, [(2, 3.5), (3, 0.5 / 3.0)]);
    assert_eq!(spend.cap.and_then(|cap| cap.at), Some(7.0));
    assert_means(metric(&outcome, "dearest"), [(2, 2.5), (3, 8.0 / 3.0)]);
    assert_eq!(metric(&outcome, "dearest").cap.map(|cap| cap.units), Some(1));
}

#[test]
fn a_table_that_is_missing_leaves_its_metrics_without_a_number_and_says_so() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.write(
        "purchases.source.yaml",
        "description: d\ntable: sales.purchases\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: eur}\n",
    );
    let outcome = shop.analyse(HORIZON);
    let (reason, detail) = why(metric(&outcome, "spend"));
    assert_eq!(reason, "source-unreadable");
    assert!(detail.contains("purchases"), "{detail}");
    assert_eq!(check(&outcome, QualityKind::DataMissing).status, QualityStatus::Fail);
    assert_eq!(outcome.verdicts.first().map(|verdict| verdict.kind), Some(VerdictKind::Invalid));
    assert_eq!(outcome.data_until, None);
}

#[test]
fn a_wrong_column_or_filter_is_named() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}\nwhere: stauts = 'paid'");
    let outcome = shop.analyse(HORIZON);
    let (reason, detail) = why(metric(&outcome, "spend"));
    assert!(reason == "source-unreadable" && detail.contains("no column `stauts`"), "{detail}");
    // The other metrics of the source are measured all the same.
    assert_eq!(means(metric(&outcome, "dearest")), [(2, 0.0), (2, 0.0)]);
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}");
    shop.write(
        "purchases.source.yaml",
        "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: status}\n",
    );
    let (_, detail) = why(metric(&shop.analyse(HORIZON), "spend"));
    assert!(detail.contains("`status` holds text, not numbers"), "{detail}");
}

#[test]
fn no_rows_are_no_result() {
    let shop = Shop::new();
    shop.exposures(&[]);
    // An empty CSV file has no types.
    shop.write(
        "purchases.source.yaml",
        "description: d\nsql: SELECT 'a' AS user_id, DATE '2026-03-02' AS day, 1.5 AS eur, 'paid' AS status WHERE 1 = 2\n\
         timestamp: day\nentities: {user: user_id}\nmeasures: {amount: eur}\n",
    );
    let outcome = shop.analyse(HORIZON);
    assert_eq!(arms(&outcome), [0, 0]);
    assert_eq!(check(&outcome, QualityKind::SampleRatio).status, QualityStatus::NotMeasured);
    assert_eq!(why(metric(&outcome, "spend")).0, "empty-arm");
    assert_eq!(outcome.verdicts.first().map(|verdict| verdict.kind), Some(VerdictKind::Invalid));
}

#[test]
fn a_measure_that_is_no_number_is_refused_and_counted() {
    for bad in ["'nan'", "'inf'", "'-inf'", "NULL"] {
        let shop = Shop::new();
        shop.exposures(&FOUR);
        shop.write(
            "purchases.source.yaml",
            &format!(
                "description: d\nsql: SELECT column0 AS user_id, CAST(column1 AS TIMESTAMP) AS day, \
                 CAST(column2 AS DOUBLE) AS eur, 'paid' AS status FROM (VALUES \
                 ('a', '2026-03-02 12:00:00', {bad}), ('b', '2026-03-02 12:00:00', '1.5'), \
                 ('c', '2026-03-12 12:00:00', {bad})) AS v(column0, column1, column2)\n\
                 timestamp: day\nentities: {{user: user_id}}\nmeasures: {{amount: eur}}\n"
            ),
        );
        let outcome = shop.analyse(HORIZON);
        let (reason, detail) = why(metric(&outcome, "spend"));
        assert_eq!(reason, "unusable-rows", "{bad}");
        assert!(detail.starts_with("1 rows"), "{bad}: {detail}");
    }
}

#[test]
fn values_too_large_to_square_are_refused() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[
        ("a", "2026-03-02T12:00:00Z", "1e300", "paid"),
        ("b", "2026-03-12T12:00:00Z", "1.5", "paid"),
    ]);
    assert_eq!(why(metric(&shop.analyse(HORIZON), "spend")).0, "out-of-range");
}

#[test]
fn a_mismatch_is_found_where_it_sits() {
    let shop = Shop::new();
    let names: Vec<String> = (0..400).map(|i| format!("u{i}")).collect();
    let rows: Vec<_> = names
        .iter()
        .enumerate()
        .filter(|(i, _)| i % 4 != 3 || i % 8 != 7)
        .map(|(i, name)| {
            // Half of the web's units in the treatment were lost.
            let served = if i % 2 == 0 { "button-test.off" } else { "button-test.on" };
            let platform = if i % 4 < 2 { "ios" } else { "web" };
            (name.as_str(), served, "2026-03-02T00:00:00Z", platform)
        })
        .collect();
    shop.exposures(&rows);
    shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    let outcome = shop.analyse(HORIZON);
    let parts: Vec<_> = outcome
        .quality
        .iter()
        .filter_map(|check| Some((check.within.as_ref()?.1.as_str(), check.status, check.detail.as_str())))
        .collect();
    assert_eq!(
        parts,
        [
            ("ios", QualityStatus::Pass, "off 100, on 100: 50.0 : 50.0 instead of 50.0 : 50.0"),
            ("web", QualityStatus::Fail, "off 100, on 50: 66.7 : 33.3 instead of 50.0 : 50.0"),
        ]
    );
}

#[test]
fn a_source_that_stops_too_early_is_missing_data() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[("a", "2026-03-11T23:59:59Z", "5", "paid")]);
    let outcome = shop.analyse("2026-06-01T00:00:00Z");
    let missing = check(&outcome, QualityKind::DataMissing);
    assert_eq!(missing.status, QualityStatus::Fail, "{missing:?}");
    shop.purchases(&[("a", "2026-03-12T00:00:00Z", "5", "paid")]);
    assert_eq!(
        check(&shop.analyse("2026-06-01T00:00:00Z"), QualityKind::DataMissing).status,
        QualityStatus::Pass
    );
}

#[test]
fn before_the_start_there_is_nothing_to_say_but_when_it_starts() {
    let shop = Shop::new();
    let outcome = shop.analyse("2026-02-01T00:00:00Z");
    let verdict = outcome.verdicts.first().expect("a verdict");
    assert!(matches!(verdict.reasons.as_slice(), [Reason::NotStarted { .. }]));
    assert_eq!(verdict.kind, VerdictKind::KeepRunning);
}

/// A generator of numbers that look random (SplitMix64), so that the test needs no seed of the machine's.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

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

#[test]
fn every_way_to_write_a_time_is_the_same_instant() {
    for at in ["2026-03-02T00:00:00Z", "2026-03-02 02:00:00+02:00", "2026-03-02 00:00:00", "2026-03-02"] {
        let shop = Shop::new();
        shop.exposures(&[("a", "button-test.off", at, "web"), ("b", "button-test.on", at, "web")]);
        shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
        let outcome = shop.analyse(HORIZON);
        let expected: Timestamp = "2026-03-02T00:00:00Z".parse().expect("an instant");
        assert_eq!(outcome.units.first_exposure, Some(expected), "{at}");
    }
}

#[test]
fn the_queries_of_an_outcome_can_be_run_again() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    let outcome = shop.analyse(HORIZON);
    assert_eq!(outcome.queries.len(), 2);
    for query in &outcome.queries {
        let database = NewDatabase::create(None).expect("a database");
        let rows = database.rows(&query.sql).expect("rows");
        assert!(!rows.is_empty(), "{}", query.sql);
    }
}

/// A sign under a sign prints as the beginning of a comment, behind which a text would be code.
#[test]
fn an_expression_cannot_smuggle_code_through_a_comment() {
    for k in 0..4 {
        let shop = Shop::new();
        shop.exposures(&FOUR);
        shop.purchases(&[
            ("a", "2026-03-02T00:00:00Z", "5", "paid"),
            ("c", "2026-03-12T23:00:00Z", "1", "paid"),
        ]);
        let written = shop.root.path().join("smuggled.csv");
        let smuggled = format!(
            "eur > - -'\\n0) AS w{k}, eur AS m{k} FROM (SELECT 1 AS eur)) SELECT 1; \
             COPY (SELECT 42) TO $${}$$; WITH facts AS (SELECT 1 AS w{k} --'",
            written.display()
        );
        shop.metric("spend", &format!("type: mean\nmeasure: {{sum: amount}}\nwhere: \"{smuggled}\""));
        let outcome = shop.analyse(HORIZON);
        assert!(!written.exists(), "a query wrote a file");
        assert!(!matches!(metric(&outcome, "spend").comparisons[0].estimate, Estimate::Measured(_)));
    }
}

#[test]
fn a_sign_under_a_sign_is_a_number() {
    let plain = Shop::new();
    let signed = Shop::new();
    for (shop, filter) in [(&plain, "eur > 1"), (&signed, "eur > - -1")] {
        shop.exposures(&FOUR);
        shop.purchases(&[
            ("a", "2026-03-02T12:00:00Z", "5", "paid"),
            ("c", "2026-03-12T23:00:00Z", "1", "paid"),
        ]);
        shop.metric("spend", &format!("type: mean\nmeasure: {{sum: amount}}\nwhere: {filter}"));
    }
    let means_of = |shop: &Shop| means(metric(&shop.analyse(HORIZON), "spend"));
    assert_eq!(means_of(&signed), means_of(&plain));
}

/// One event in two hundred units says nothing about a margin of one point; the plain variances would say safe.
#[test]
fn a_guardrail_without_events_is_not_safe_by_having_seen_nothing() {
    let shop = Shop::new();
    let margin = EXPERIMENT.replace("{absolute: 0.5}", "{absolute: 0.01}");
    shop.write("button-test.experiment.yaml", &margin);
    shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: status = 'refunded'");
    let text = std::fs::read_to_string(shop.root.path().join("buyers.metric.yaml")).expect("a metric");
    shop.write("buyers.metric.yaml", &text.replace("increase_is: good", "increase_is: bad"));
    let units: Vec<String> = (0..200).map(|n| format!("unit-{n}")).collect();
    let arm = |n: usize| if n.is_multiple_of(2) { "button-test.off" } else { "button-test.on" };
    let rows: Vec<_> = units
        .iter()
        .enumerate()
        .map(|(n, unit)| (unit.as_str(), arm(n), "2026-03-02T00:00:00Z", "web"))
        .collect();
    shop.exposures(&rows);
    shop.purchases(&[
        ("unit-0", "2026-03-02T12:00:00Z", "5", "refunded"),
        ("unit-9", "2026-03-12T23:00:00Z", "1", "paid"),
    ]);
    let outcome = shop.analyse(HORIZON);
    let guardrail = &metric(&outcome, "buyers").comparisons[0];
    assert!(matches!(guardrail.estimate, Estimate::Measured(_)));
    assert_ne!(guardrail.judgement, trialbook_analysis::Judgement::Safe, "{:?}", guardrail.non_inferiority);
}

#[test]
fn a_test_that_was_given_up_before_its_horizon_stays_inconclusive() {
    let units: Vec<String> = (0..200).map(|n| format!("unit-{n}")).collect();
    let arm = |n: usize| if n.is_multiple_of(2) { "button-test.off" } else { "button-test.on" };
    let spent = |n: usize| if n.is_multiple_of(2) { 2 + n % 3 } else { 10 + n % 3 };
    let amounts: Vec<String> = (0..200).map(|n| spent(n).to_string()).collect();
    let (mut rows, mut bought) = (Vec::new(), vec![("late", "2026-03-12T23:00:00Z", "1", "paid")]);
    for (n, unit) in units.iter().enumerate() {
        rows.push((unit.as_str(), arm(n), "2026-03-02T00:00:00Z", "web"));
        bought.push((unit.as_str(), "2026-03-02T12:00:00Z", amounts[n].as_str(), "paid"));
    }
    let aborted = format!("{EXPERIMENT}decision: {{outcome: aborted, date: 2026-03-05, reason: r}}\n");
    for (plan, expected) in [(EXPERIMENT, VerdictKind::Ship), (aborted.as_str(), VerdictKind::Inconclusive)] {
        let shop = Shop::new();
        shop.write("button-test.experiment.yaml", plan);
        shop.metric("buyers", "type: proportion\nmeasure: {count: rows}\nwhere: eur > 2");
        shop.exposures(&rows);
        shop.purchases(&bought);
        let outcome = shop.analyse("2026-04-01T00:00:00Z");
        assert_eq!(outcome.verdicts.first().map(|verdict| verdict.kind), Some(expected));
    }
}

//! What the analysis makes of data: units that count and units that do not, values, and what cannot be measured.

use jiff::Timestamp;
use trialbook_analysis::warehouse::NewDatabase;
use trialbook_analysis::{
    Estimate, Ground, MetricResult, Outcome, QualityCheck, QualityDetail, QualityKind, QualityStatus,
    VerdictKind, WhyNot,
};

use crate::shop::{EXPERIMENT, HORIZON, Shop, metric};

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

/// Returns why a metric has no number: the word, and the words of whatever refused.
fn why(metric: &MetricResult) -> (String, String) {
    match &metric.comparisons.first().expect("a treatment").estimate {
        Estimate::Measured(effect) => panic!("measured: {effect:?}"),
        Estimate::NotMeasured(why) => match &why.detail {
            WhyNot::Refused { cause } => (why.reason.clone(), cause.clone()),
            other => (why.reason.clone(), format!("{other:?}")),
        },
    }
}

const FOUR: [(&str, &str, &str, &str); 4] = [
    ("a", "button-test.off", "2026-03-02T00:00:00Z", "web"),
    ("b", "button-test.off", "2026-03-02T00:00:00Z", "web"),
    ("c", "button-test.on", "2026-03-02T00:00:00Z", "ios"),
    ("d", "button-test.on", "2026-03-02T00:00:00Z", "ios"),
];

#[test]
fn units_of_overrides_are_left_out_of_everything_and_counted() {
    let shop = Shop::new();
    let overrides = "overrides: [{units: [c, qa, \"o'x\", nobody], serve: on}, {units: [two], serve: off}]\n";
    shop.write("button-test.experiment.yaml", &format!("{EXPERIMENT}{overrides}"));
    let mut rows = FOUR.to_vec();
    rows.extend([
        ("qa", "button-test.on", "2026-02-28T00:00:00Z", "web"),
        ("o'x", "button-test.purple", "2026-03-02T00:00:00Z", "web"),
        ("two", "button-test.off", "2026-03-02T00:00:00Z", "web"),
        ("two", "button-test.on", "2026-03-03T00:00:00Z", "web"),
        ("e", "button-test.on", "2026-03-02T00:00:00Z", "web"),
    ]);
    shop.exposures(&rows);
    shop.purchases(&[("c", "2026-03-03T12:00:00Z", "5", "paid"), ("d", "2026-03-03T12:00:00Z", "7", "paid")]);
    let outcome = shop.analyse(HORIZON);
    assert_eq!(arms(&outcome), [2, 2]);
    let units = &outcome.units;
    let left_out = (units.in_two_variants, units.outside_schedule, units.unknown_variant, units.overridden);
    assert_eq!(left_out, (0, 0, 0, 4));
    assert_means(metric(&outcome, "spend"), [(2, 0.0), (2, 3.5)]);
}

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
fn a_table_that_is_missing_leaves_its_metrics_without_a_number_and_reports_it() {
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
fn a_condition_that_fails_on_a_row_costs_only_its_own_metric() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[("a", "2026-03-02T12:00:00Z", "5", "paid"), ("c", "2026-03-02T12:00:00Z", "4", "7")]);
    let others = shop.analyse(HORIZON);
    for condition in ["CAST(status AS integer) > 0", "CAST(status AS date) > DATE '2026-01-01'"] {
        shop.metric("spend", &format!("type: mean\nmeasure: {{sum: amount}}\nwhere: {condition}"));
        let outcome = shop.analyse(HORIZON);
        let (reason, detail) = why(metric(&outcome, "spend"));
        assert_eq!(reason, "unmeasurable-definition", "{detail}");
        assert!(!detail.contains("paid"), "an outcome quotes no data: {detail}");
        for key in ["dearest", "buyers"] {
            assert_eq!(means(metric(&outcome, key)), means(metric(&others, key)), "{key}");
        }
        let kind = QualityKind::DataMissing;
        assert_eq!(check(&outcome, kind).status, check(&others, kind).status);
    }
}

#[test]
fn a_wrong_column_or_filter_is_named() {
    let shop = Shop::new();
    shop.exposures(&FOUR);
    shop.purchases(&[("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    shop.metric("spend", "type: mean\nmeasure: {sum: amount}\nwhere: stauts = 'paid'");
    let outcome = shop.analyse(HORIZON);
    let (reason, detail) = why(metric(&outcome, "spend"));
    assert!(reason == "unmeasurable-definition" && detail.contains("no column `stauts`"), "{detail}");
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
        assert!(detail.contains(" in 1 of the rows that count"), "{bad}: {detail}");
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
        .filter_map(|check| {
            let QualityDetail::Split { arms } = &check.detail else { return None };
            let units: Vec<_> = arms.iter().map(|arm| (arm.variant.as_str(), arm.units)).collect();
            Some((check.within.as_ref()?.1.as_str(), check.status, units))
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("ios", QualityStatus::Pass, vec![("off", 100), ("on", 100)]),
            ("web", QualityStatus::Fail, vec![("off", 100), ("on", 50)]),
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
fn before_the_start_there_is_nothing_to_report_but_when_it_starts() {
    let shop = Shop::new();
    let outcome = shop.analyse("2026-02-01T00:00:00Z");
    let verdict = outcome.verdicts.first().expect("a verdict");
    assert!(matches!(verdict.reasons.as_slice(), [Ground::NotStarted { .. }]));
    assert_eq!(verdict.kind, VerdictKind::KeepRunning);
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
    shop.purchases(&[("a", "2026-03-02T18:00:00Z", "5", "paid"), ("a", "2026-03-12T12:00:00Z", "5", "paid")]);
    let outcome = shop.analyse(HORIZON);
    // Exposures, the metrics, their effects over time, and the checks of rows and units.
    assert_eq!(outcome.queries.len(), 5);
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
        let written = shop.root().join("smuggled.csv");
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
    let text = std::fs::read_to_string(shop.root().join("buyers.metric.yaml")).expect("a metric");
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

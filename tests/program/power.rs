//! Power before launch: what a forecast says of a book, and whether it is true.

use std::path::Path;

use trialbook::report::terminal::{self, Settings};
use trialbook_decision::power::{Evidence, Forecast, Missing, Remedy, forecast};
use trialbook_language::load::{load, read_folder};
use trialbook_model::{Book, Experiment};
use trialbook_stats::Probability;
use trialbook_stats::decision_rule::{DecisionLevels, ErrorRates, Evidence as PValues, SuccessCorrection};
use trialbook_stats::decision_rule::{TestCounts, decide};
use trialbook_stats::distribution::normal;

mod measured;

/// The small book of the rules, with files laid over it: those of the same name are replaced.
fn book(files: &[(&str, &str)]) -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base");
    let mut all = read_folder(&folder).expect("the small book can be read");
    for (path, text) in files {
        all.retain(|file| file.path != *path);
        all.push(trialbook_language::load::RawFile { path: (*path).into(), bytes: text.as_bytes().to_vec() });
    }
    let loaded = load(all);
    let forecast_text: Vec<_> = loaded.findings.iter().map(|finding| finding.message.clone()).collect();
    loaded.book.unwrap_or_else(|| panic!("{forecast_text:?}"))
}

const TRIALBOOK: &str = "
book: shop
entities: {user: {column: user_id}}
attributes:
  country: {type: string, values: {SE: 30%, FI: 30%, US: 40%}}
  app_version: {type: version}
  employee: {type: boolean}
surfaces: {checkout: {owner: team-checkout, traffic: {user: {1d: 9000, 7d: 42000, 28d: 110000}}}}
targets: {production: {type: flagd, store: \"file://live/production.json\"}}
warehouse: {engine: duckdb}
";

const PURCHASES: &str = "
description: Paid purchases per user in the first week.
entity: user
type: mean
source: purchases
measure: {count: rows}
window: 7d
increase_is: good
covariate: {before: 14d}
baseline: {mean: 0.412, deviation: 0.91, correlation: 0.6}
";

const REFUNDS: &str = "
description: Share of users with a refund in the first week.
entity: user
type: proportion
source: refunds
measure: {count: rows}
window: 7d
increase_is: bad
baseline: {rate: 2%}
";

/// A test of the footer, with what differs from one test here to another.
fn experiment(audience: &str, allocation: &str, variants: &str, metrics: &str) -> String {
    format!(
        "title: More links in the footer\nhypothesis: People find what they look for.\nowner: team-checkout\n\
         surfaces: [checkout]\nflag: footer\naudience: {audience}\nallocation: {allocation}\ncontrol: plain\n\
         variants: {variants}\nschedule: {{start: 2026-12-01, end: 2026-12-15}}\nmetrics: {metrics}\n"
    )
}

const BOTH: &str = "{success: [{metric: purchases-per-user, mde: 5%}], \
                    guardrails: [{metric: refund-rate, margin: {absolute: 0.005}}]}";

fn footer(experiment: &str) -> Book {
    book(&[
        ("trialbook.yaml", TRIALBOOK),
        ("purchases-per-user.metric.yaml", PURCHASES),
        ("refund-rate.metric.yaml", REFUNDS),
        ("footer-links.experiment.yaml", experiment),
    ])
}

fn only(book: &Book) -> &Experiment {
    &book.experiments["footer-links"]
}

fn of(book: &Book) -> Forecast {
    let experiment = only(book);
    forecast(book, experiment, &Evidence::declared(book, experiment))
}

fn forecast_text(book: &Book) -> String {
    let document = trialbook::report::power::document(&of(book), &book.timezone);
    terminal::render(&document, Settings { width: 100, colour: false, details: false })
}

#[test]
fn units_are_the_traffic_of_the_audience_that_is_enrolled() {
    let book = footer(&experiment("{country: SE}", "50%", "{plain: 50%, bold: 50%}", BOTH));
    let forecast = of(&book);
    // Within 14 days, between 7 and 28: 42,000 × 2 to the power that leads to 110,000.
    let power = (110_000.0_f64 / 42_000.0).ln() / 4f64.ln();
    let traffic = 42_000.0 * 2f64.powf(power);
    assert_eq!(forecast.units, Some((traffic * 0.3 * 0.5).floor() as u64));
    assert_eq!(forecast.audience, Some(0.3));
}

#[test]
fn a_ramp_counts_each_step_from_its_day_on() {
    let ramp = "[{at: 2026-12-01, share: 10%}, {at: 2026-12-08, share: 50%}]";
    let book = footer(&experiment("{}", ramp, "{plain: 50%, bold: 50%}", BOTH));
    let power = (110_000.0_f64 / 42_000.0).ln() / 4f64.ln();
    let units = 0.1 * 42_000.0 * 2f64.powf(power) + 0.4 * 42_000.0;
    assert_eq!(of(&book).units, Some(units.floor() as u64));
}

#[test]
fn a_holdout_on_the_surfaces_of_the_experiment_alone_keeps_its_units() {
    let flag = "description: The footer.\nowner: web\nentity: user\ntype: boolean\nvariants: {plain: false, bold: true}\ndefault: plain\n";
    let holdout = "description: The winter.\nshare: 10%\nsurfaces: [checkout]\nschedule: {start: 2026-11-01, end: 2027-02-01}\n";
    let test = experiment("{}", "50%", "{plain: 50%, bold: 50%}", BOTH);
    let files = [
        ("trialbook.yaml", TRIALBOOK),
        ("purchases-per-user.metric.yaml", PURCHASES),
        ("refund-rate.metric.yaml", REFUNDS),
        ("footer.flag.yaml", flag),
        ("footer-links.experiment.yaml", test.as_str()),
    ];
    let units = |book: &Book| of(book).units.expect("known") as f64;
    let (all, left) = (book(&files), book(&[&files[..], &[("winter.holdout.yaml", holdout)]].concat()));
    assert!((units(&left) / units(&all) - 0.9).abs() < 1e-3);
}

#[test]
fn an_audience_of_unknown_share_is_at_most_its_known_part() {
    let audience = "{country: SE, app_version: {at_least: 8.0}}";
    let book = footer(&experiment(audience, "100%", "{plain: 50%, bold: 50%}", BOTH));
    let forecast = of(&book);
    assert_eq!(forecast.audience, Some(0.3));
    assert!(forecast.missing.iter().any(|missing| matches!(missing, Missing::Fewer(_))));
    assert_ne!(forecast.suffices, Some(true), "nobody knows that enough come");
}

#[test]
fn what_nobody_declares_stays_unknown() {
    let bare = PURCHASES.lines().filter(|line| !line.starts_with("baseline")).collect::<Vec<_>>().join("\n");
    let experiment = experiment("{}", "50%", "{plain: 50%, bold: 50%}", BOTH);
    let files = [
        ("purchases-per-user.metric.yaml", bare.as_str()),
        ("footer-links.experiment.yaml", experiment.as_str()),
    ];
    let book = book(&files);
    let forecast = of(&book);
    assert_eq!((forecast.need.as_ref(), forecast.units, forecast.suffices), (None, None, None));
    let missing = |wanted: fn(&Missing) -> bool| forecast.missing.iter().any(wanted);
    assert!(missing(|missing| *missing == Missing::Traffic));
    assert!(missing(|missing| matches!(missing, Missing::Baseline(_))));
    insta::assert_snapshot!("a_forecast_of_what_is_unknown", forecast_text(&book));
}

#[test]
fn where_one_metric_is_unknown_the_others_state_what_is_needed_at_least() {
    let bare = REFUNDS.lines().filter(|line| !line.starts_with("baseline")).collect::<Vec<_>>().join("\n");
    let experiment = experiment("{country: SE}", "50%", "{plain: 50%, bold: 50%}", BOTH);
    let book = book(&[
        ("trialbook.yaml", TRIALBOOK),
        ("purchases-per-user.metric.yaml", PURCHASES),
        ("refund-rate.metric.yaml", &bare),
        ("footer-links.experiment.yaml", &experiment),
    ]);
    let forecast = of(&book);
    assert!(forecast.need.is_some() && !forecast.is_complete());
    assert_eq!(forecast.durations, None, "its days would not be those of the decision");
    assert!(forecast_text(&book).contains("It needs at least "), "{}", forecast_text(&book));
}

#[test]
fn a_forecast_is_reported_with_what_would_help() {
    let book = footer(&experiment("{country: SE}", "50%", "{plain: 80%, bold: 20%}", BOTH));
    assert_eq!(of(&book).suffices, Some(false));
    insta::assert_snapshot!("a_forecast_of_too_few_units", forecast_text(&book));
}

#[test]
fn each_remedy_is_enough() {
    let small = experiment("{}", "20%", "{plain: 50%, bold: 50%}", BOTH);
    let forecast = of(&footer(&small));
    assert_eq!(forecast.suffices, Some(false));
    let mut tried = 0;
    for remedy in &forecast.remedies {
        let fixed = match remedy {
            Remedy::Allocation { share } => {
                let to = format!("allocation: {:.2}%", share * 100.0);
                small.replace("allocation: 20%", &to)
            }
            Remedy::Longer { end, .. } => small.replace("2026-12-15", &end.to_string()[..10]),
            _ => continue,
        };
        tried += 1;
        assert_eq!(of(&footer(&fixed)).suffices, Some(true), "{remedy:?}");
    }
    assert_eq!(tried, 2, "{:?}", forecast.remedies);
}

#[test]
fn a_split_costs_what_the_best_one_saves() {
    let even = of(&footer(&experiment("{}", "50%", "{plain: 50%, bold: 50%}", BOTH)));
    let uneven = of(&footer(&experiment("{}", "50%", "{plain: 80%, bold: 20%}", BOTH)));
    let cost = uneven.split.expect("a split").cost;
    assert!((cost - 1.5625).abs() < 1e-9 && (even.split.expect("a split").cost - 1.0).abs() < 1e-12);
    // Of the mean, the treatment's variance is the control's: the units follow exactly.
    let units = |forecast: &Forecast| forecast.metrics[0].required_units.expect("a need") as f64;
    assert!((units(&uneven) / units(&even) - cost).abs() < 1e-3);
}

/// A generator that needs no crate: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + 1e-17
    }
}

#[test]
fn an_experiment_of_the_needed_size_ships_as_often_as_it_should() {
    let book = footer(&experiment("{}", "50%", "{plain: 50%, bold: 50%}", BOTH));
    let forecast = of(&book);
    let rates = [0.025, 0.2, 0.01].map(|rate| Probability::new(rate).expect("a probability"));
    let rates = ErrorRates::new(rates[0], rates[1], rates[2]).expect("error rates");
    let counts =
        TestCounts { success: 1, guardrails: 1, deterioration_only: 0, quality_tests: 1, treatments: 1 };
    let levels = DecisionLevels::new(counts, rates).expect("levels");
    assert_eq!(forecast.power_per_test, Some(levels.power()));
    // Each test stands out as the plan has it, and the guardrail's against its margin; the metrics are independent.
    let power = Probability::new(levels.power()).expect("a power");
    let success = normal::upper_quantile(levels.success.get()) + normal::quantile(power.get());
    let margin = normal::upper_quantile(levels.guardrail.get()) + normal::quantile(power.get());
    let (mut random, mut ships, rounds) = (Random(7), 0_u32, 20_000_u32);
    for _ in 0..rounds {
        let noise = [random.uniform(), random.uniform()].map(normal::quantile);
        let better = Some(normal::sf(success + noise[0]));
        let not_worse = Some(normal::sf(margin + noise[1]));
        let harm = [Some(normal::cdf(success + noise[0])), Some(normal::sf(noise[1]))];
        let evidence = PValues {
            success: &[better],
            guardrails: &[not_worse],
            deterioration: &harm,
            quality: &[Some(random.uniform())],
        };
        ships += u32::from(decide(evidence, &levels, SuccessCorrection::Bonferroni).rule_2_ships);
    }
    let share = f64::from(ships) / f64::from(rounds);
    // Four standard errors of the simulation; the rule promises at least this power.
    assert!(share > 0.8 - 4.0 * (0.16 / f64::from(rounds)).sqrt() && share < 0.85, "{share}");
}

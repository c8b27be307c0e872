//! Power from the warehouse: made data whose means, deviations, correlations and arrivals are known.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;
use trialbook_stats::distribution::normal;

use super::Random;

const BOOK: &str = "
book: shop
entities: {user: {column: user_id}}
surfaces: {checkout: {owner: team}}
targets: {live: {type: flagd, store: \"file://live.json\", primary: true, evaluators: [javascript-4]}}
warehouse: {engine: duckdb}
";

const EXPERIMENT: &str = "
title: A button
hypothesis: It sells more.
owner: team
surfaces: [checkout]
flag: button
allocation: 50%
control: off
variants: {off: 50%, on: 50%}
schedule: {start: 2026-02-01, end: 2026-02-15}
metrics:
  success: [{metric: spend, mde: 5%}]
  guardrails:
    - {metric: refunders, margin: {absolute: 0.05}}
    - {metric: usual-order, margin: 5%}
";

const FILES: [(&str, &str); 7] = [
    ("trialbook.yaml", BOOK),
    (
        "button.flag.yaml",
        "description: A button.\nowner: team\nsurfaces: [checkout]\nentity: user\ntype: boolean\n\
         variants: {off: false, on: true}\ndefault: off\n",
    ),
    ("button-test.experiment.yaml", EXPERIMENT),
    (
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: at\nentities: {user: user_id}\nserved: served\n",
    ),
    (
        "purchases.source.yaml",
        "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: eur}\n",
    ),
    (
        "spend.metric.yaml",
        "description: d\nentity: user\ntype: mean\nsource: purchases\nmeasure: {sum: amount}\nwhere: kind = 'paid'\n\
         window: 2d\nincrease_is: good\ncovariate: {before: 3d}\nbaseline: {mean: 7, deviation: 2}\n",
    ),
    (
        "refunders.metric.yaml",
        "description: d\nentity: user\ntype: proportion\nsource: purchases\nmeasure: {count: rows}\n\
         where: kind = 'refund'\nwindow: 2d\nincrease_is: bad\n",
    ),
];

const QUANTILE: &str = "
description: d
entity: user
type: quantile
at: 99.99%
source: purchases
measure: {value: amount}
window: 2d
increase_is: good
baseline: {value: 3, deviation: 1}
";

/// The day of which the made units are new, counted from 10 January; each comes again exactly a day later.
const DAYS: u32 = 32;
/// How many are new on a day.
const NEW: u32 = 300;
/// Of those who are new on these days, some visit lies within the two weeks whose windows have closed by 1 February: 16 to
/// 30 January. All others have values that would be seen.
const COUNTED: std::ops::RangeInclusive<u32> = 5..=19;
const MEAN: f64 = 10.0;
const DEVIATION: f64 = 3.0;
const CORRELATION: f64 = 0.6;
const REFUNDS: f64 = 0.2;

/// A book on disk with its data.
struct Shop {
    root: tempfile::TempDir,
    /// What the counted units spent.
    spent: Vec<f64>,
}

impl Shop {
    fn new() -> Self {
        let mut shop = Self { root: tempfile::tempdir().expect("a folder"), spent: Vec::new() };
        for (path, text) in FILES.into_iter().chain([("usual-order.metric.yaml", QUANTILE)]) {
            shop.write(path, text);
        }
        let mut random = Random(11);
        let normal = |random: &mut Random| normal::quantile(random.uniform());
        let start: jiff::Timestamp = "2026-01-10T00:00:00Z".parse().expect("an instant");
        let (mut exposures, mut purchases) =
            ("user_id,served,at\n".to_owned(), "user_id,at,eur,kind\n".to_owned());
        for (day, nth) in (0..DAYS).flat_map(|day| (0..NEW).map(move |nth| (day, nth))) {
            let unit = format!("u{day}-{nth}");
            let first = i64::from(day) * 86_400 + i64::from(nth) * 200;
            let at = |seconds: i64| start + jiff::SignedDuration::from_secs(first + seconds);
            let served = ["button-test.off", "another-test.blue", "plain"][(nth % 3) as usize];
            for visit in [0, 86_400] {
                let _ = writeln!(exposures, "{unit},{served},{}", at(visit));
            }
            let before = normal(&mut random);
            let rest = normal(&mut random) * (1.0 - CORRELATION * CORRELATION).sqrt();
            let spent = MEAN + DEVIATION * (CORRELATION * before + rest);
            let counted = COUNTED.contains(&day);
            let spent = if counted { spent } else { 1000.0 };
            let _ = writeln!(purchases, "{unit},{},{},paid", at(-3_600), 20.0 + 4.0 * before);
            let _ = writeln!(purchases, "{unit},{},{spent},paid", at(90_000));
            if !counted || random.uniform() < REFUNDS {
                let _ = writeln!(purchases, "{unit},{},1,refund", at(91_000));
            }
            if counted {
                shop.spent.push(spent);
            }
        }
        shop.write("exposures.csv", &exposures);
        shop.write("purchases.csv", &purchases);
        shop
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.path().join(path), text).expect("a file");
    }

    fn run(&self, more: &[&str]) -> (Option<i32>, String, String) {
        // The command itself downloads nothing.
        let engine = trialbook_analysis::warehouse::Embedded::new(self.root.path(), None).installing();
        drop(engine.open().expect("the library of DuckDB"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_trialbook"));
        command.arg("--book").arg(self.root.path()).args(["power", "button-test", "--from-warehouse"]);
        let output = command.args(more).output().expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn forecast(&self, more: &[&str]) -> Value {
        let (code, out, shown) = self.run(&[&["--format", "json"], more].concat());
        assert_eq!(code, Some(0), "{shown}");
        serde_json::from_str(&out).expect("JSON")
    }

    /// Returns what is printed, on one line.
    fn shown(&self, more: &[&str]) -> String {
        let (code, out, shown) = self.run(more);
        assert_eq!(code, Some(0), "{shown}");
        out.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{a0}', " ")
    }
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

#[track_caller]
fn assert_near(found: f64, wanted: f64, error: f64) {
    assert!((found - wanted).abs() <= error, "{found} is not within {error} of {wanted}");
}

#[test]
fn what_is_measured_is_what_the_data_was_made_with() {
    let shop = Shop::new();
    let forecast = shop.forecast(&[]);
    // The windows of the two weeks' units close by the start of the experiment, and nobody else counts.
    assert_eq!(forecast["measured"]["from"], "2026-01-16T00:00:00Z");
    assert_eq!(forecast["measured"]["until"], "2026-01-30T00:00:00Z");
    assert_eq!(forecast["measured"]["units"], 4500);
    // Those of each day, and those of the day before, who come again.
    let came: Vec<u64> = forecast["measured"]["traffic"]
        .as_array()
        .expect("points")
        .iter()
        .map(|point| point["units"].as_u64().expect("a count"))
        .collect();
    assert_eq!(came, [600, 2400, 4500]);
    assert_eq!(forecast["basis"], "warehouse");
    assert_eq!(forecast["units"], 2250);

    let n = shop.spent.len() as f64;
    let mean = shop.spent.iter().sum::<f64>() / n;
    let variance = shop.spent.iter().map(|spent| (spent - mean).powi(2)).sum::<f64>() / (n - 1.0);
    assert_eq!(n, 4500.0);
    let spend = "/metrics/0/baseline";
    assert_near(number(&forecast, &format!("{spend}/value")), mean, 1e-9);
    assert_near(number(&forecast, &format!("{spend}/deviation")), variance.sqrt(), 1e-9);
    // Four standard errors about the truth.
    assert_near(mean, MEAN, 4.0 * DEVIATION / n.sqrt());
    assert_near(variance.sqrt(), DEVIATION, 4.0 * DEVIATION / (2.0 * n).sqrt());
    let kept = 1.0 - CORRELATION * CORRELATION;
    assert_near(number(&forecast, &format!("{spend}/kept")), kept, 4.0 * 2.0 * CORRELATION * kept / n.sqrt());
    let rate = number(&forecast, "/metrics/1/baseline/value");
    assert_near(rate, REFUNDS, 4.0 * (REFUNDS * (1.0 - REFUNDS) / n).sqrt());
    let spread = number(&forecast, "/metrics/1/baseline/deviation");
    assert_near(spread, (rate * (1.0 - rate) * n / (n - 1.0)).sqrt(), 1e-9);
    for metric in ["/metrics/0", "/metrics/1"] {
        assert_eq!(forecast.pointer(&format!("{metric}/baseline/origin")), Some(&"warehouse".into()));
    }
}

#[test]
fn whose_numbers_they_are_and_what_is_not_measured_is_reported() {
    let shop = Shop::new();
    let shown = shop.shown(&[]);
    let has = |what: &str| assert!(shown.contains(what), "{what:?} is not in: {shown}");
    has(
        "Measured over 4 500 units: all that exposures saw from 2026-01-16 to 2026-01-30, whatever they were exposed \
         to, on every surface, in every audience and arm; no others. First seen: 600 within 1 day, 2 400 within 7 \
         days and 4 500 within 14 days.",
    );
    has("usual-order is not measured: its declared baseline counts (it has ");
    has("values, which are too few for the error of its quantile)");
    has(
        "As written, about 2 250 units are enrolled by 2026-02-15: in 14 days, 50 % of the units that the warehouse saw",
    );
    has("Whether as many come to the experiment: units of all surfaces are counted");
    // Units of all surfaces may be more or fewer than come: it is neither large enough nor too small.
    assert!(shown.starts_with("button-test needs ") && !shown.contains("is too small"), "{shown}");
    assert_eq!(shop.forecast(&[])["metrics"][2]["baseline"]["origin"], "declared");
}

#[test]
fn the_baseline_of_a_quantile_is_measured() {
    let shop = Shop::new();
    let of_units = QUANTILE.replace("99.99%", "50%").replace("{value: amount}", "{sum: amount}");
    shop.write("usual-order.metric.yaml", &format!("{of_units}where: kind = 'paid'\n"));
    let forecast = shop.forecast(&[]);
    let mut sorted = shop.spent.clone();
    sorted.sort_by(f64::total_cmp);
    let baseline = "/metrics/2/baseline";
    assert_eq!(forecast.pointer(&format!("{baseline}/origin")), Some(&"warehouse".into()));
    assert_near(number(&forecast, &format!("{baseline}/value")), sorted[sorted.len() / 2 - 1], 1e-9);
    // That of a median of normal values is √(π/2) times their own; its estimate is a rough one.
    let median = DEVIATION * (std::f64::consts::PI / 2.0).sqrt();
    assert_near(number(&forecast, &format!("{baseline}/deviation")), median, 0.15 * median);
}

#[test]
fn declared_traffic_of_the_surface_goes_before_that_of_all_exposures() {
    let shop = Shop::new();
    let declared = "{owner: team, traffic: {user: {1d: 9000, 14d: 60000}}}";
    shop.write("trialbook.yaml", &BOOK.replace("{owner: team}", declared));
    let forecast = shop.forecast(&[]);
    assert_eq!((&forecast["units"], &forecast["suffices"]), (&30_000.into(), &true.into()));
    assert_eq!(forecast["measured"]["units"], 4500);
    let shown = shop.shown(&[]);
    assert!(
        shown.contains(
            "Units are counted as declared for checkout, because exposures do not name the surface"
        ),
        "{shown}"
    );
}

#[test]
fn too_little_data_is_reported_and_what_is_declared_counts() {
    let shop = Shop::new();
    for (as_of, why) in [
        ("2026-01-05", "there are no exposures before 2026-01-05"),
        ("2026-01-18", "reach from 2026-01-10 to 2026-01-16, which is less than a week"),
    ] {
        let shown = shop.shown(&["--as-of", as_of]);
        let nothing = "Nothing is measured in exposures, and what the book declares counts: ";
        assert!(shown.contains(nothing) && shown.contains(why), "{shown}");
        let forecast = shop.forecast(&["--as-of", as_of]);
        assert_eq!(forecast["metrics"][0]["baseline"]["value"], 7.0);
        assert_eq!((&forecast["units"], &forecast["metrics"][1]["baseline"]), (&Value::Null, &Value::Null));
    }
    // A week is enough, and is what there is.
    let forecast = shop.forecast(&["--as-of", "2026-01-20"]);
    assert_eq!(forecast["measured"]["from"], "2026-01-10T00:00:00Z");
    assert_eq!(forecast["measured"]["units"], 8 * 300);
}

#[test]
fn data_that_ends_before_the_windows_close_is_not_measured() {
    let shop = Shop::new();
    let forecast = shop.forecast(&["--as-of", "2026-02-20"]);
    // Exposures end on 11 February, and so do the weeks; purchases end an hour later, two days too early.
    assert!(forecast["measured"]["until"].as_str().expect("an instant").starts_with("2026-02-11T"));
    let not = forecast["measured"]["not_measured"].as_array().expect("a list");
    let why = &not[0]["why"];
    assert_eq!((&why["reason"], &why["source"]), (&"stale".into(), &"purchases".into()), "{why}");
    assert!(why["ends"].as_str().expect("an instant").starts_with("2026-02-11T"), "{why}");
    let shown = shop.shown(&["--as-of", "2026-02-20"]);
    assert!(shown.contains("(source `purchases` ends on 2026-02-11"), "{shown}");
    assert_eq!(forecast["metrics"][0]["baseline"]["value"], 7.0);
}

#[test]
fn missing_columns_are_named() {
    let shop = Shop::new();
    let purchases = "description: d\nfile: purchases.csv\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: eur}\n";
    shop.write("purchases.source.yaml", &purchases.replace("eur", "total"));
    let shown = shop.shown(&[]);
    let want = "spend is not measured: its declared baseline counts (source `purchases` cannot be read: it has no column \
                `total`; there are `user_id`, `at`, `eur`, `kind`)";
    assert!(shown.contains(want), "{shown}");
    shop.write("purchases.source.yaml", &purchases.replace("timestamp: at", "timestamp: bought_at"));
    let shown = shop.shown(&[]);
    assert!(
        shown.contains("refunders is not measured, and nothing is declared (source `purchases`"),
        "{shown}"
    );
    shop.write(
        "exposures.source.yaml",
        "description: d\nfile: exposures.csv\ntimestamp: seen_at\nentities: {user: user_id}\nserved: served\n",
    );
    let (code, out, shown) = shop.run(&[]);
    assert!(code != Some(0) && out.is_empty(), "{code:?} {out}");
    assert!(shown.contains("no column `seen_at`") && shown.contains("`exposures`"), "{shown}");
}

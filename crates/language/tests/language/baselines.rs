//! What a book declares to plan with: baselines of metrics, traffic of surfaces and entities.

use std::path::Path;

use trialbook_language::load::{Loaded, RawFile, load, read_folder};
use trialbook_model::{Baseline, Book};

/// The shop, with a file in which one text stands for another.
fn shop(path: &str, from: &str, to: &str) -> Loaded {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/books/shop");
    let mut files = read_folder(&folder).expect("the shop's folder can be read");
    let file: &mut RawFile = files.iter_mut().find(|file| file.path == path).expect("a file of the shop");
    let text = String::from_utf8(file.bytes.clone()).expect("UTF-8");
    assert!(text.contains(from), "{path} holds `{from}`");
    file.bytes = text.replacen(from, to, 1).into_bytes();
    load(files)
}

fn book(loaded: &Loaded) -> &Book {
    let findings: Vec<_> = loaded.findings.iter().map(|finding| &finding.message).collect();
    loaded.book.as_ref().unwrap_or_else(|| panic!("{findings:?}"))
}

/// The only finding: its rule, the text that it points at, its message and its help.
fn listed(loaded: &Loaded) -> String {
    let [finding] = loaded.findings.as_slice() else { panic!("one finding: {:?}", loaded.findings) };
    let span = finding.primary.span;
    let text = &finding.primary.file.text()[span.start..span.end];
    let help = finding.help.as_deref().unwrap_or_default();
    format!("{} at `{text}`: {} [{help}]", finding.rule, finding.message)
}

const MEAN: (&str, &str) = ("purchases-per-user.metric.yaml", "window: 7d");
const SHARE: (&str, &str) = ("refund-rate.metric.yaml", "type: mean");

fn metric((path, at): (&str, &str), line: &str) -> Loaded {
    let kept = if path == SHARE.0 { "type: proportion" } else { at };
    shop(path, at, &format!("{kept}\n{line}"))
}

fn surface(traffic: &str) -> Loaded {
    let to = format!("checkout: {{owner: team-checkout, traffic: {traffic}}}");
    shop("trialbook.yaml", "checkout: {owner: team-checkout}", &to)
}

#[test]
fn a_baseline_fits_its_metrics_type() {
    let loaded =
        metric(MEAN, "covariate: {before: 14d}\nbaseline: {mean: 0.412, deviation: 0.91, correlation: 0.6}");
    let baseline = book(&loaded).metrics["purchases-per-user"].baseline;
    assert_eq!(baseline, Some(Baseline { value: 0.412, deviation: 0.91, correlation: Some(0.6) }));
    let loaded = metric(SHARE, "baseline: {rate: 20%}");
    let baseline = book(&loaded).metrics["refund-rate"].baseline.expect("a baseline");
    assert!((baseline.value - 0.2).abs() < 1e-12 && (baseline.deviation - 0.4).abs() < 1e-12);
}

#[test]
fn a_baseline_that_does_not_fit_is_refused_where_it_stands() {
    let wrong = [
        metric(MEAN, "baseline: {rate: 2%}"),
        metric(MEAN, "baseline: {mean: 0.4}"),
        metric(MEAN, "baseline: {mean: 0.4, deviation: 0}"),
        metric(MEAN, "baseline: {mean: 0.4, rate: 2%, deviation: 1}"),
        metric(MEAN, "covariate: {before: 14d}\nbaseline: {mean: 0.4, deviation: 1, correlation: 1.2}"),
        metric(SHARE, "baseline: {rate: 2%, deviation: 0.1}"),
        metric(SHARE, "baseline: {rate: 100%}"),
        metric(SHARE, "baseline: {rate: 2%, correlation: 0.3}"),
    ];
    insta::assert_snapshot!(wrong.iter().map(|loaded| listed(loaded) + "\n").collect::<String>());
}

#[test]
fn traffic_is_read_in_any_order() {
    let loaded = surface("{user: {28d: 110000, 1d: 9000, 7d: 42000}}");
    let traffic = &book(&loaded).surfaces["checkout"].traffic["user"];
    let points: Vec<_> = traffic.points().iter().map(|point| point.units).collect();
    assert_eq!(points, [9000, 42_000, 110_000]);
    let whole = shop("trialbook.yaml", "{column: user_id}", "{column: user_id, traffic: {1d: 10}}");
    assert!(book(&whole).entities["user"].traffic.is_some());
}

#[test]
fn traffic_that_cannot_be_is_refused_where_it_stands() {
    let wrong = [
        surface("{user: {}}"),
        surface("{user: {0d: 5}}"),
        surface("{user: {1d: 9000, 24h: 9000}}"),
        surface("{user: {1d: 9000, 7d: 8000}}"),
        surface("{user: {1d: 9000, 7d: 70000}}"),
        surface("{user: {1d: 0}}"),
        surface("{users: {1d: 9000}}"),
    ];
    insta::assert_snapshot!(wrong.iter().map(|loaded| listed(loaded) + "\n").collect::<String>());
}

//! A generator of books of any size: valid, without findings, with audiences of every shape.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

/// How many experiments share a layer; each holds 2 % of it.
const PER_LAYER: usize = 40;
const COUNTRIES: [&str; 6] = ["SE", "FI", "DK", "US", "DE", "FR"];

/// The size of a book.
pub struct Size {
    /// Experiments, each on a flag of its own.
    pub experiments: usize,
    /// Flags, at least as many as experiments.
    pub flags: usize,
    /// Metrics.
    pub metrics: usize,
}

/// Returns the instant at which the generated book has no findings.
pub fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().expect("an instant")
}

/// Writes a book to a folder and returns how many files it has.
pub fn write(size: &Size, folder: &Path) -> usize {
    let mut files = 0;
    let mut file = |path: String, text: String| {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder");
        }
        std::fs::write(path, text).expect("a file");
        files += 1;
    };
    file("trialbook.yaml".into(), BOOK.into());
    file("data/exposures.source.yaml".into(), EXPOSURES.into());
    for source in 0..20 {
        file(format!("data/facts-{source}.source.yaml"), facts(source));
    }
    for segment in 0..50 {
        file(format!("segments/segment-{segment}.segment.yaml"), segment_file(segment));
    }
    for metric in 0..size.metrics {
        file(format!("metrics/{}/metric-{metric}.metric.yaml", metric / 100), metric_file(metric));
    }
    for flag in 0..size.flags {
        file(format!("flags/{}/flag-{flag}.flag.yaml", flag / 100), flag_file(flag));
    }
    for n in 0..size.experiments {
        file(format!("experiments/{}/experiment-{n}.experiment.yaml", n / 100), experiment_file(n, size));
    }
    for layer in 0..size.experiments.div_ceil(PER_LAYER) {
        file(format!("layers/layer-{layer}.layer.yaml"), layer_file(layer, size.experiments));
    }
    files
}

const BOOK: &str = r#"book: generated
entities:
  user: {column: user_id}
attributes:
  country:     {type: string, stable: true, values: {SE: 20%, FI: 10%, DK: 10%, US: 30%, DE: 20%, FR: 10%}}
  platform:    {type: string, values: [ios, android, web]}
  app_version: {type: version}
  age_days:    {type: number, min: 0}
  employee:    {type: boolean, stable: true}
surfaces:
  checkout: {owner: team-checkout}
  search: {owner: team-search}
targets:
  production: {type: flagd, store: file://live/production.json, primary: true, evaluators: [javascript-4]}
warehouse: {engine: duckdb, database: warehouse.duckdb}
"#;

const EXPOSURES: &str = "description: Exposures.
table: exposures
timestamp: exposed_at
entities: {user: user_id}
served: served
";

fn facts(source: usize) -> String {
    format!(
        "description: Facts number {source}.\ntable: facts_{source}\ntimestamp: happened_at\n\
         entities: {{user: user_id}}\nmeasures: {{amount: amount}}\n"
    )
}

fn segment_file(n: usize) -> String {
    let country = COUNTRIES[n % COUNTRIES.len()];
    format!(
        "description: Segment number {n}.\nowner: team-{}\naudience:\n  any:\n    - country: {country}\n    \
         - {{age_days: {{below: {}}}, not: {{employee: true}}}}\n",
        n % 30,
        n + 1
    )
}

fn metric_file(n: usize) -> String {
    format!(
        "description: Metric number {n}.\nowner: team-{}\nentity: user\ntype: mean\nsource: facts-{}\n\
         measure: {{sum: amount}}\nwhere: state = 'done' AND amount > {n}\nwindow: 7d\nincrease_is: good\n\
         cap: {{quantile: 99.9%}}\ncovariate: {{before: 14d}}\n",
        n % 300,
        n % 20
    )
}

fn flag_file(n: usize) -> String {
    let mut text = format!(
        "description: Flag number {n}.\nowner: team-{}\nsurfaces: [checkout]\nentity: user\ntype: object\n\
         variants:\n  plain: {{colour: green, size: {n}}}\n  bold: {{colour: orange, size: {n}}}\ndefault: plain\n",
        n % 300
    );
    if n.is_multiple_of(3) {
        text.push_str("rules:\n  - when: {employee: true}\n    serve: bold\n");
    }
    text
}

fn audience(n: usize) -> String {
    let (a, b) = (COUNTRIES[n % 6], COUNTRIES[(n + 1 + n / 6 % 5) % 6]);
    match n % 4 {
        0 => format!("  segment: segment-{}\n", n % 50),
        1 => format!("  country: {{in: [{a}, {b}]}}\n  platform: ios\n"),
        2 => format!("  app_version: {{at_least: 8.{}, below: 9.0.0}}\n  not: {{country: {a}}}\n", n % 20),
        _ => format!(
            "  any:\n    - country: {a}\n    - {{age_days: {{at_least: {}}}, segment: segment-{}}}\n",
            n % 90,
            n % 50
        ),
    }
}

fn experiment_file(n: usize, size: &Size) -> String {
    let metric = |i: usize| (n + i * 7) % size.metrics;
    format!(
        "title: Experiment number {n}\nhypothesis: It will be better.\nowner: team-{}\nsurfaces: [checkout]\n\
         flag: flag-{n}\naudience:\n{}layer: layer-{}\nallocation: 2%\ncontrol: plain\n\
         variants: {{plain: 50%, bold: 50%}}\nschedule: {{start: 2026-11-25, end: 2026-12-16}}\nmetrics:\n  \
         success: [{{metric: metric-{}, mde: 2%}}]\n  guardrails: [{{metric: metric-{}, margin: 3%}}]\n  \
         exploratory: [metric-{}]\n",
        n % 300,
        audience(n),
        n / PER_LAYER,
        metric(0),
        metric(1),
        metric(2),
    )
}

fn layer_file(n: usize, experiments: usize) -> String {
    let mut text = format!("description: Layer number {n}.\nowner: team-{n}\nentity: user\nslots:\n");
    let first = n * PER_LAYER;
    for (slot, experiment) in (first..experiments.min(first + PER_LAYER)).enumerate() {
        let buckets = slot * 200;
        let _ = writeln!(
            text,
            "  - {{buckets: {}-{}, experiment: experiment-{experiment}}}",
            buckets,
            buckets + 199
        );
    }
    text
}

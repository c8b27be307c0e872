//! A small book on disk with its data, for the tests of the analysis.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use trialbook_analysis::warehouse::Embedded;
use trialbook_analysis::{BookChange, MetricResult, Outcome, Request, analyse};
use trialbook_language::load;
use trialbook_model::ExperimentKey;

pub(crate) const BOOK: &str = "
book: shop
entities: {user: {column: user_id}}
surfaces: {checkout: {owner: team}}
targets: {live: {type: flagd, store: \"file://live.json\", primary: true, evaluators: [javascript-4]}}
warehouse: {engine: duckdb}
defaults: {analysis: {method: fixed-horizon}}
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

    pub(crate) fn root(&self) -> &std::path::Path {
        self.root.path()
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
        self.outcome(as_of, threads, BTreeMap::new())
    }

    /// Analyses with changes of the book that git would know.
    pub(crate) fn analyse_changed(
        &self,
        as_of: &str,
        changes: BTreeMap<ExperimentKey, Vec<BookChange>>,
    ) -> Outcome {
        self.outcome(as_of, None, changes)
    }

    fn outcome(
        &self,
        as_of: &str,
        threads: Option<u32>,
        changes: BTreeMap<ExperimentKey, Vec<BookChange>>,
    ) -> Outcome {
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
            changes,
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

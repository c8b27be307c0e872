//! Digests: the same for the same meaning, whatever the spelling; another for every change of what decides.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trialbook_history::{Defaults, Preregistration};
use trialbook_language::load::yaml::{self, Content, Node, Typed};
use trialbook_language::load::{RawFile, load, read_folder};
use trialbook_model::span::SourceFile;
use trialbook_model::{Book, Digest, Method};

fn folder(path: &str) -> Vec<RawFile> {
    read_folder(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path))
        .expect("a folder of the repository")
}

fn book(files: Vec<RawFile>) -> Book {
    let loaded = load(files);
    loaded.book.unwrap_or_else(|| panic!("the book has findings: {:?}", loaded.findings.first()))
}

fn plan(book: &Book, experiment: &str) -> Digest {
    let experiment = book.experiments.get(experiment).expect("an experiment");
    Preregistration::of(book, experiment).expect("JSON").digest().clone()
}

/// What launches of the example book were recorded as when it had one target, no rollout and no holdout.
#[test]
fn what_was_launched_before_the_language_grew_keeps_its_digest() {
    let book = book(folder("experiments"));
    for (experiment, digest) in [
        ("bold-checkout-button", "sha256:7ff5544c69af306c6006809594c19bd2fa9c55cfa84e9e6dd904ce5953d419da"),
        ("one-page-checkout", "sha256:e189f4bd3792e116c34e6a898a01597fa5d30816e7319ebdf46f498768d2812b"),
        ("free-shipping", "sha256:85a009e64c381a7ed4e2c303016848c657a227127a896140006d6bb8ce107719"),
        ("gift-wrap", "sha256:4fb1877ab85022d368ddf327608fe565d0ddf5b0908440c822331fb5c341288c"),
        ("home-recommendations", "sha256:35dd965e691841a4b2ff1459e9ba22f686fc130ba528c2498dbe56202c51c53b"),
        ("semantic-search", "sha256:83910bda6c32b10a50462532feedbc6994812347f982a2d7978420165fdf6e11"),
    ] {
        assert_eq!(plan(&book, experiment).as_str(), digest, "{experiment}");
    }
    // Written with the platform after the country, and recorded so: it is the same plan still.
    let round = book.experiments.get("round-checkout-button").expect("an experiment");
    let recorded = serde_json::from_value::<Digest>(
        "sha256:792c681d9511e4701e168e64c772d43757f65f36ead7f2ebd38b56f9348c3910".into(),
    );
    let registration = Preregistration::of(&book, round).expect("JSON");
    assert!(registration.has_digest(&recorded.expect("a digest")));
    assert!(!registration.has_digest(&plan(&book, "free-shipping")));
}

/// Before group sequential became the default, a plan without a method was recorded as one with a fixed horizon.
#[test]
fn a_launch_without_a_method_keeps_the_method_that_it_was_recorded_with() {
    let method = |analysis: &str| {
        edited("button.experiment.yaml", "metrics:", &format!("analysis: {{{analysis}}}\nmetrics:"))
    };
    let registration = |book: &Book| {
        let experiment = book.experiments.get("button").expect("an experiment");
        Preregistration::of(book, experiment).expect("JSON")
    };
    let (fixed, sequential) = (
        plan(&method("method: fixed-horizon"), "button"),
        plan(&method("method: group-sequential"), "button"),
    );
    let silent = edited("", "", "");
    assert_eq!(silent.experiments["button"].analysis.method, Method::GroupSequential);
    assert_eq!(plan(&silent, "button"), sequential);
    assert_eq!(registration(&silent).defaults_of(&sequential), Some(Defaults::Current));
    assert_eq!(registration(&silent).defaults_of(&fixed), Some(Defaults::Earlier));
    // A method that is declared is never another one, in the experiment or in the book.
    let declared = registration(&method("method: group-sequential"));
    assert_eq!(declared.defaults_of(&fixed), None);
    let by_book =
        edited("trialbook.yaml", "policy:", "defaults: {analysis: {method: group-sequential}}\npolicy:");
    assert_eq!(registration(&by_book).defaults_of(&fixed), None);
    assert_eq!(registration(&by_book).defaults_of(&sequential), Some(Defaults::Current));
    // Whatever else is declared does not declare a method.
    let alpha = registration(&method("alpha: 4%"));
    let both = plan(&method("method: fixed-horizon, alpha: 4%"), "button");
    assert_eq!(alpha.defaults_of(&both), Some(Defaults::Earlier));
    assert_eq!(alpha.defaults_of(&fixed), None);
}

/// What a unit counts for in an open window would change from look to look.
#[test]
fn a_plan_with_an_open_window_has_a_fixed_horizon_by_default_as_it_always_had() {
    let open = edited("average-order.metric.yaml", "window: 7d", "window: open");
    assert_eq!(open.experiments["button"].analysis.method, Method::FixedHorizon);
    let closed = edited("", "", "");
    assert_eq!(closed.experiments["button"].analysis.method, Method::GroupSequential);
}

/// A generator of spellings: xorshift, so that a failure is found again from its seed.
struct Whim(u64);

impl Whim {
    fn pick(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Writes a tree in another spelling: keys in another order, other quotes, comments, other line breaks.
fn spelled(node: &Node, whim: &mut Whim, out: &mut String) {
    let gap = |whim: &mut Whim, out: &mut String| match whim.pick(4) {
        0 => out.push_str(" # a comment: {not, read}\n "),
        1 => out.push_str("\n  "),
        _ => out.push(' '),
    };
    match &node.content {
        Content::Scalar(scalar) => {
            let text = matches!(scalar.typed(), Typed::Text(_));
            if text || !scalar.plain { quoted(&scalar.text, whim, out) } else { out.push_str(&scalar.text) }
        }
        Content::Sequence(items) => {
            out.push('[');
            for item in items {
                gap(whim, out);
                spelled(item, whim, out);
                out.push(',');
            }
            out.push_str(" ]");
        }
        Content::Mapping(entries) => {
            let mut order: Vec<_> = entries.iter().collect();
            for at in (1..order.len()).rev() {
                order.swap(at, whim.pick(at + 1));
            }
            out.push('{');
            for entry in order {
                gap(whim, out);
                quoted(&entry.key, whim, out);
                out.push(':');
                gap(whim, out);
                spelled(&entry.value, whim, out);
                out.push(',');
            }
            out.push_str(" }");
        }
    }
}

fn quoted(text: &str, whim: &mut Whim, out: &mut String) {
    let simple = text.chars().all(|c| !c.is_control());
    if simple && whim.pick(2) == 0 {
        out.push_str(&format!("'{}'", text.replace('\'', "''")));
    } else {
        out.push_str(&serde_json::to_string(text).expect("JSON"));
    }
}

fn respelled(files: &[RawFile], seed: u64) -> Vec<RawFile> {
    let mut whim = Whim(seed | 1);
    let one = |file: &RawFile| {
        let text = String::from_utf8(file.bytes.clone()).expect("UTF-8");
        let source: Arc<SourceFile> = SourceFile::new(file.path.as_str(), text.as_str());
        let mut out = String::from("# Spelled anew.\n");
        spelled(&yaml::parse(&source).root.expect("a tree"), &mut whim, &mut out);
        out.push('\n');
        // The folder does not matter either.
        let path = match file.path.rsplit_once('/') {
            Some((_, name)) if seed.is_multiple_of(2) => format!("elsewhere/{name}"),
            _ => file.path.clone(),
        };
        RawFile { path, bytes: out.into_bytes() }
    };
    files.iter().map(one).collect()
}

#[test]
fn the_spelling_of_a_book_changes_no_digest() {
    for path in ["experiments", "tests/books/shop"] {
        let files = folder(path);
        let plain = book(files.clone());
        let whole = plain.digest().expect("JSON");
        let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
        let run = runner.run(&any::<u64>(), |seed| {
            let anew = book(respelled(&files, seed));
            prop_assert_eq!(anew.digest().expect("JSON"), whole.clone());
            for key in plain.experiments.keys() {
                prop_assert_eq!(plan(&anew, key.as_str()), plan(&plain, key.as_str()), "{}", key);
            }
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

/// A book in which an experiment has everything that may decide about it.
const FULL: &[(&str, &str)] = &[
    (
        "trialbook.yaml",
        "book: shop
timezone: Europe/Stockholm
entities: {account: {column: account_id, context: account_id}}
attributes: {country: {type: string}, employee: {type: boolean}}
surfaces: {checkout: {owner: team}}
targets:
  production: {type: flagd, store: file://live/production.json, primary: true, evaluators: [javascript-4, python-2]}
  staging: {type: flagd, store: file://live/staging.json, experiments: false}
policy: {quality: {min_units_per_variant: 100}, freeze: [{from: 2026-12-20, until: 2027-01-02, reason: holidays}]}
",
    ),
    (
        "button.flag.yaml",
        "description: A button.
owner: team
surfaces: [checkout]
entity: account
type: string
variants: {plain: green, bold: orange}
default: plain
rules: [{when: {employee: true}, serve: bold}]
in:
  staging: {default: bold}
holdouts: {2026-q4: plain}
",
    ),
    (
        "button.experiment.yaml",
        "title: A button
hypothesis: It sells more.
owner: team
flag: button
audience: {segment: nordics, not: {employee: true}}
layer: checkout
allocation: [{at: 2026-11-25, share: 5%}, {at: 2026-11-27, share: 20%}]
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-11-25, end: 2026-12-16}
metrics:
  success: [{metric: average-order, mde: 5%}]
  guardrails: [{metric: slow-orders, margin: 5%}]
",
    ),
    (
        "checkout.layer.yaml",
        "description: The checkout.
entity: account
salt: checkout-2026
slots: [{buckets: 0-1999, experiment: button}]
",
    ),
    ("nordics.segment.yaml", "description: The north.\naudience: {country: {in: [SE, FI]}}\n"),
    (
        "2026-q4.holdout.yaml",
        "description: The quarter.
share: 5%
surfaces: [checkout]
schedule: {start: 2026-10-01, end: 2027-01-01}
",
    ),
    (
        "average-order.metric.yaml",
        "description: Revenue per order.
entity: account
type: ratio
numerator: {source: orders, measure: {sum: amount}, where: amount > 0}
denominator: {source: orders, measure: {count: rows}}
window: 7d
increase_is: good
covariate: {before: 14d}
",
    ),
    (
        "slow-orders.metric.yaml",
        "description: The slowest of twenty.
entity: account
type: quantile
source: orders
measure: {value: seconds}
at: 95%
window: 7d
increase_is: bad
",
    ),
    (
        "orders.source.yaml",
        "description: Orders.
table: orders
timestamp: at
entities: {account: account_id}
measures: {amount: total, seconds: seconds}
",
    ),
];

/// The book, with a text of one of its files replaced.
fn edited(path: &str, from: &str, to: &str) -> Book {
    let mut found = path.is_empty();
    let files = FULL.iter().map(|(name, text)| {
        let here = *name == path;
        assert!(!here || text.contains(from), "`{from}` is not in {path}");
        found |= here;
        let text = if here { text.replacen(from, to, 1) } else { (*text).to_owned() };
        RawFile { path: (*name).into(), bytes: text.into_bytes() }
    });
    let files = files.collect();
    assert!(found, "no file {path}");
    book(files)
}

#[test]
fn every_change_of_what_decides_changes_the_digest_of_the_plan() {
    let plain = edited("", "", "");
    let (before, whole) = (plan(&plain, "button"), plain.digest().expect("JSON"));
    for (path, from, to) in [
        ("button.experiment.yaml", "It sells more", "It sells less"),
        ("button.experiment.yaml", "share: 5%", "share: 6%"),
        ("button.experiment.yaml", "at: 2026-11-27", "at: 2026-11-28"),
        ("button.experiment.yaml", "[{at: 2026-11-25, share: 5%}, {at: 2026-11-27, share: 20%}]", "20%"),
        ("button.experiment.yaml", "{plain: 50%, bold: 50%}", "{plain: 40%, bold: 60%}"),
        ("button.experiment.yaml", "end: 2026-12-16", "end: 2026-12-17"),
        ("button.experiment.yaml", "mde: 5%", "mde: 4%"),
        ("button.experiment.yaml", "margin: 5%", "margin: {absolute: 0.05}"),
        ("button.experiment.yaml", "control: plain", "control: bold"),
        ("button.experiment.yaml", "not: {employee: true}", "not: {employee: false}"),
        ("button.experiment.yaml", "metrics:", "salt: another\nmetrics:"),
        ("button.experiment.yaml", "metrics:", "analysis: {method: fixed-horizon}\nmetrics:"),
        ("button.experiment.yaml", "metrics:", "analysis: {alpha: 4%}\nmetrics:"),
        (
            "button.experiment.yaml",
            "metrics:",
            "analysis: {method: fixed-horizon, multiplicity: holm}\nmetrics:",
        ),
        ("button.flag.yaml", "bold: orange", "bold: red"),
        ("button.flag.yaml", "default: plain", "default: bold"),
        ("button.flag.yaml", "serve: bold", "serve: plain"),
        ("button.flag.yaml", "in:\n  staging", "in:\n  production: {default: bold}\n  staging"),
        ("button.flag.yaml", "in:\n  staging", "in:\n  production: {rules: []}\n  staging"),
        ("checkout.layer.yaml", "checkout-2026", "checkout-2027"),
        ("checkout.layer.yaml", "0-1999", "1-2000"),
        ("nordics.segment.yaml", "[SE, FI]", "[SE]"),
        ("2026-q4.holdout.yaml", "share: 5%", "share: 6%"),
        ("2026-q4.holdout.yaml", "end: 2027-01-01", "end: 2027-01-02"),
        ("2026-q4.holdout.yaml", "share: 5%", "share: 5%\nsalt: another"),
        ("average-order.metric.yaml", "{sum: amount}", "{max: amount}"),
        ("average-order.metric.yaml", "amount > 0", "amount > 1"),
        ("average-order.metric.yaml", "{count: rows}", "{sum: seconds}"),
        ("average-order.metric.yaml", "before: 14d", "before: 7d"),
        ("average-order.metric.yaml", "window: 7d", "window: 8d"),
        ("slow-orders.metric.yaml", "at: 95%", "at: 99%"),
        ("slow-orders.metric.yaml", "{value: seconds}", "{max: seconds}"),
        ("slow-orders.metric.yaml", "increase_is: bad", "increase_is: good"),
        ("trialbook.yaml", "context: account_id", "context: company_id"),
        ("trialbook.yaml", "[javascript-4, python-2]", "[python-2]"),
        ("trialbook.yaml", "min_units_per_variant: 100", "min_units_per_variant: 99"),
        ("trialbook.yaml", "employee: {type: boolean}", "employee: {type: boolean, stable: true}"),
    ] {
        let after = edited(path, from, to);
        assert_ne!(after.digest().expect("JSON"), whole, "the book: {path}: {from} to {to}");
        // Whether an attribute is stable is a promise about people, and not part of the plan.
        let decides = !to.contains("stable");
        assert_eq!(plan(&after, "button") != before, decides, "{path}: {from} to {to}");
    }
}

#[test]
fn what_decides_nothing_changes_the_digest_of_the_book_alone() {
    let plain = edited("", "", "");
    let (before, whole) = (plan(&plain, "button"), plain.digest().expect("JSON"));
    for (path, from, to) in [
        ("button.experiment.yaml", "title: A button", "title: The button"),
        ("button.experiment.yaml", "owner: team", "owner: another"),
        ("button.flag.yaml", "description: A button.", "description: The button."),
        ("button.flag.yaml", "staging: {default: bold}", "staging: {enabled: false}"),
        ("button.flag.yaml", "holdouts: {2026-q4: plain}", "holdouts: {2026-q4: bold}"),
        ("orders.source.yaml", "table: orders", "table: shop_orders"),
        ("orders.source.yaml", "amount: total", "amount: total_eur"),
        ("average-order.metric.yaml", "Revenue per order", "What an order brings"),
        ("2026-q4.holdout.yaml", "The quarter", "The last quarter"),
        ("trialbook.yaml", "2027-01-02", "2027-01-03"),
        ("trialbook.yaml", "live/staging.json", "live/test.json"),
    ] {
        let after = edited(path, from, to);
        assert_eq!(plan(&after, "button"), before, "{path}: {from} to {to}");
        assert_ne!(after.digest().expect("JSON"), whole, "the book: {path}: {from} to {to}");
    }
}

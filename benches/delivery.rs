//! What it costs to plan, apply and evaluate many flags.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]
//!
//! `cargo bench --bench delivery` makes a book of 10,000 flags with an experiment each, in a temporary folder; `-- --flags 1000` another
//! size. It applies all of them to an empty flag file with its journal and log, plans against what is live where 100 of them changed, and
//! plans where every flag's default changed, so that the plan has to find out who moves on each. Then one flag with an experiment is
//! evaluated for many contexts. The median of five runs is printed.

#[path = "generator/mod.rs"]
mod generator;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use trialbook_delivery::backend::{Attached, Backend, Flagd};
use trialbook_delivery::journal::{self, Actor, Apply, Intent};
use trialbook_delivery::plan::{Basis, LaunchInfo, Live, Plan, State, desired};
use trialbook_language::load;
use trialbook_model::allocation::Approvals;
use trialbook_model::capability::HashProfile;
use trialbook_model::targeting::Context;
use trialbook_model::{Book, TargetKey, resolve};

const RUNS: usize = 5;
const CHANGED: usize = 100;
const CONTEXTS: u32 = 100_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = args.iter().position(|arg| arg == "--flags").and_then(|at| args.get(at + 1));
    let flags = value.map_or(10_000, |count| count.parse().expect("a number of flags"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let size = generator::Size { experiments: flags, flags, metrics: flags.div_ceil(5) };
    generator::write(&size, folder.path());
    let loaded = load::load(load::read_folder(folder.path()).expect("the files"));
    let book = loaded.book.as_ref().unwrap_or_else(|| panic!("{:?}", loaded.findings.first()));
    let wanted = desired(book, generator::now(), &Approvals::Every);
    println!("{} flags", wanted.flags.len());

    median("apply to an empty file", || first_apply(book, &wanted));
    let (target, _place) = applied(book, &wanted);
    let live = target.read().expect("what is live");
    let mut some = wanted.clone();
    some.flags.values_mut().take(CHANGED).for_each(|flag| flag.owner.push_str("-other"));
    median("plan, 100 changes", || {
        timed(|| planned(book, &target, &target.read().expect("what is live"), &some))
    });
    let mut all = wanted.clone();
    for flag in all.flags.values_mut() {
        let other =
            flag.entries.keys().map(|name| name.variant()).find(|variant| **variant != flag.default).cloned();
        flag.default = other.expect("a second variant");
    }
    median("plan, who moves on every flag", || timed(|| planned(book, &target, &live, &all)));
    evaluate(book);
}

/// Prints the median of what a work took.
fn median(what: &str, work: impl Fn() -> Duration) {
    let mut runs: Vec<Duration> = (0..RUNS).map(|_| work()).collect();
    runs.sort();
    println!("{what:<32} {:>8.3} s", runs[RUNS / 2].as_secs_f64());
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn planned(book: &Book, target: &Flagd, live: &Live, wanted: &State) -> Plan {
    let name = TargetKey::new("production").expect("a key");
    let basis = Basis {
        attributes: Some(&book.attributes),
        ..Basis::new(&name, target.identity(), &book.name, live, wanted, generator::now())
    };
    Plan::new(&basis).expect("a plan")
}

fn target(book: &Book, folder: &Path) -> Flagd {
    Flagd::open(&book.name, "file://live/production.json", folder).expect("a store")
}

/// Applies everything to an empty file; returns how long that took, with planning, journal and log.
fn first_apply(book: &Book, wanted: &State) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = target(book, folder.path());
    timed(|| apply(book, &target, wanted))
}

fn applied(book: &Book, wanted: &State) -> (Flagd, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = target(book, folder.path());
    apply(book, &target, wanted);
    (target, folder)
}

fn apply(book: &Book, target: &Flagd, wanted: &State) {
    let live = target.read().expect("what is live");
    let plan = planned(book, target, &live, wanted);
    let now = generator::now();
    let launch =
        LaunchInfo { now, commit: None, head: None, digests: BTreeMap::new(), recorded: BTreeMap::new() };
    let digest = plan.digest().expect("a digest");
    let apply = Apply::new(&plan, &digest, Actor::default(), now, "bench").expect("an apply");
    let intent = Intent::new(apply, &live, plan.changes(&live, &launch));
    let begun = journal::write(target, &intent, &live, &Attached::default()).expect("a write");
    begun.finish().expect("a log");
}

/// Prints how long it takes to say what one context is served of one flag that is targeted and split.
fn evaluate(book: &Book) {
    let resolver = resolve::Resolver::new(book, generator::now(), HashProfile::Utf8);
    let experiment = book.experiments.values().next().expect("an experiment");
    let contexts: Vec<Context> = (0..1_000)
        .map(|number| {
            let country = ["SE", "US", "DE"][number % 3];
            let json = json!({
                "targetingKey": format!("user-{number}"), "country": country,
                "platform": "ios", "app_version": "8.4.1", "age_days": number,
            });
            Context::new(json.as_object().cloned().unwrap_or_default(), &book.attributes)
        })
        .collect();
    let took = timed(|| {
        for context in contexts.iter().cycle().take(CONTEXTS as usize) {
            black_box(resolver.resolve(&experiment.flag, context));
        }
    });
    println!("{:<32} {:>8} ns", "evaluate one flag", (took / CONTEXTS).as_nanos());
}

//! What it costs to decide whether two audiences meet, and whether others come to the same answer.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]
//!
//! `cargo bench --bench overlap` decides 2,000 made-up pairs of audiences, and tries the same pairs by
//! naive enumeration: every combination of the values that the audiences name. `-- --pairs N --seed S` takes others.
//!
//! Z3 decides the same pairs in `benches/overlap_z3.py`:
//!
//! ```sh
//! cargo bench --bench overlap -- --write pairs.json
//! python benches/overlap_z3.py pairs.json answers.json      # pip install z3-solver
//! cargo bench --bench overlap -- --against answers.json
//! ```

#[path = "pairs/mod.rs"]
mod pairs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pairs::Pair;
use serde_json::{Map, Value, json};
use trialbook_model::targeting::{Attributes, Context, Overlap, matches, overlap};
use trialbook_model::{AttributeKey, Bound, Scalar, Test};

/// The most contexts that naive enumeration looks at for a pair.
const CONTEXTS: usize = 200_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1));
    let number = |name, default| value_of(name).map_or(default, |text| text.parse().expect("a number"));
    let attributes = pairs::attributes();
    if let Some(file) = value_of("--against") {
        return compare(file, &attributes);
    }
    let pairs = pairs::pairs(number("--pairs", 2_000), number("--seed", 1) as u64);
    if let Some(file) = value_of("--write") {
        let declared: Vec<_> = attributes.values().collect();
        let text = serde_json::to_string(&json!({"attributes": declared, "pairs": pairs})).expect("JSON");
        std::fs::write(file, text).expect("the file can be written");
        return;
    }
    let (ours, time, slowest) = timed(&pairs, |pair| overlap(&pair.a, &pair.b, &attributes));
    let count = |wanted: fn(&Overlap) -> bool| ours.iter().filter(|found| wanted(found)).count();
    println!(
        "{} pairs: {} meet, {} are disjoint, {} undecided",
        pairs.len(),
        count(|found| matches!(found, Overlap::At(_))),
        count(|found| *found == Overlap::Disjoint),
        count(|found| matches!(found, Overlap::Undecided(_)))
    );
    report("trialbook", pairs.len(), time, slowest);
    let (naive, time, slowest) = timed(&pairs, |pair| enumerate(pair, &attributes));
    report("enumeration", pairs.len(), time, slowest);
    let missed = ours.iter().zip(&naive).filter(|(ours, naive)| matches!(ours, Overlap::At(_)) && !**naive);
    println!(
        "enumeration finds no unit for {} of the pairs that meet, and proves nothing of the others",
        missed.count()
    );
}

/// Decides every pair; returns the answers, the CPU time of all and that of the slowest.
fn timed<T>(pairs: &[Pair], decide: impl Fn(&Pair) -> T) -> (Vec<T>, Duration, Duration) {
    let mut slowest = Duration::ZERO;
    let start = cpu();
    let each = |pair| {
        let before = cpu();
        let answer = decide(pair);
        slowest = slowest.max(cpu() - before);
        answer
    };
    let answers = pairs.iter().map(each).collect();
    (answers, cpu() - start, slowest)
}

fn report(name: &str, pairs: usize, time: Duration, slowest: Duration) {
    let each = time.as_secs_f64() * 1e6 / pairs as f64;
    println!(
        "{name:<12} {each:>9.1} µs of CPU for a pair, {:>8.2} ms for the slowest",
        slowest.as_secs_f64() * 1e3
    );
}

/// Returns the CPU time of this process, which other processes do not add to: from `/proc`, in nanoseconds.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok()).expect("nanoseconds");
    Duration::from_nanos(nanoseconds)
}

/// Looks through every combination of the values that the audiences name, and missing ones.
fn enumerate(pair: &Pair, attributes: &Attributes) -> bool {
    let mut values = BTreeMap::<&AttributeKey, BTreeSet<Scalar>>::new();
    for audience in [&pair.a, &pair.b] {
        audience.walk(&mut |key, test| values.entry(key).or_default().extend(named(test)), &mut |_| ());
    }
    let mut contexts: Vec<Map<String, Value>> = vec![Map::new()];
    for (key, values) in values {
        let declared = attributes[key].values.iter().map(|(value, _)| value.clone());
        let values: BTreeSet<Scalar> = values.into_iter().chain(declared).collect();
        contexts = contexts
            .into_iter()
            .flat_map(|context| {
                let with = values.iter().map({
                    let context = context.clone();
                    move |value| {
                        let mut context = context.clone();
                        context.insert(key.to_string(), plain(value));
                        context
                    }
                });
                with.chain([context]).collect::<Vec<_>>()
            })
            .take(CONTEXTS)
            .collect();
    }
    contexts.into_iter().any(|context| {
        let context = Context::new(context, attributes);
        matches(&pair.a, &context) && matches(&pair.b, &context)
    })
}

fn named(test: &Test) -> Vec<Scalar> {
    match test {
        Test::In(set) => set.iter().cloned().collect(),
        Test::AtLeast(bound) | Test::Above(bound) | Test::AtMost(bound) | Test::Below(bound) => match bound {
            Bound::Number(number) => vec![Scalar::Number(*number)],
            Bound::Version(version) => vec![Scalar::Version(version.clone())],
        },
        Test::StartsWith(text) | Test::EndsWith(text) | Test::Contains(text) => {
            vec![Scalar::String(text.clone())]
        }
        Test::Matches(_) | Test::Present(_) => vec![],
    }
}

fn plain(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::String(text) => json!(text),
        Scalar::Number(number) => json!(number.get()),
        Scalar::Boolean(boolean) => json!(boolean),
        Scalar::Version(version) => json!(version.as_str()),
    }
}

/// Compares with what another program answered.
fn compare(file: &str, attributes: &Attributes) {
    let read: Value = serde_json::from_slice(&std::fs::read(file).expect("the answers")).expect("JSON");
    let pairs: Vec<Pair> = serde_json::from_value(read["pairs"].clone()).expect("pairs");
    let answers = read["pairs"].as_array().expect("pairs").iter().map(|pair| pair["meet"].as_bool());
    let (mut same, mut undecided, mut unanswered, mut different) = (0, 0, 0, 0);
    for (pair, answer) in pairs.iter().zip(answers) {
        match (overlap(&pair.a, &pair.b, attributes), answer) {
            (Overlap::Undecided(_), _) => undecided += 1,
            (_, None) => unanswered += 1,
            (found, Some(meet)) if matches!(found, Overlap::At(_)) == meet => same += 1,
            (found, Some(_)) => {
                different += 1;
                println!("{found:?} for {}", serde_json::to_string(pair).expect("JSON"));
            }
        }
    }
    println!(
        "{}: {same} the same, {different} different, {undecided} undecided here, {unanswered} unanswered there",
        read["program"]
    );
    let milliseconds: f64 =
        read["pairs"].as_array().expect("pairs").iter().filter_map(|pair| pair["ms"].as_f64()).sum();
    println!("it took {:.1} µs of CPU for a pair", milliseconds * 1e3 / pairs.len() as f64);
    assert_eq!(different, 0, "one of the two is wrong");
}

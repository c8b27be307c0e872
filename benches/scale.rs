//! What a large book costs: wall time and peak memory of each stage, and its ratio to reading and parsing.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]
//!
//! `cargo bench --bench scale` generates a book of 10,000 experiments, 10,000 flags and
//! 2,000 metrics in a temporary folder; `-- --experiments 20000` another size. Each stage is a process of its
//! own, so that its peak memory is its own; the median of five runs is printed, with the processor time of all threads,
//! which a busy machine disturbs less. Then files are edited as in an editor; `-- --only edits` leaves out the stages, and
//! `-- --keep DIR` writes the book to a folder and leaves it there.

#[path = "edits/mod.rs"]
mod edits;
#[path = "generator/mod.rs"]
mod generator;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use trialbook::app::site::{Site, Sources};
use trialbook::app::status;
use trialbook::report::{self, terminal};
use trialbook_delivery::plan;
use trialbook_language::load;
use trialbook_language::load::discover;
use trialbook_lint::check;
use trialbook_model::allocation::Approvals;
use trialbook_model::capability::HashProfile;
use trialbook_model::span::SourceFile;
use trialbook_model::{resolve, targeting};

const STAGES: [&str; 8] = ["read", "parse", "load", "lint", "plan", "evaluate", "status", "site"];
const RUNS: usize = 5;
const CONTEXTS: usize = 100;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1));
    if let (Some(stage), Some(folder)) = (value_of("--stage"), value_of("--folder")) {
        return run_stage(stage, Path::new(folder));
    }
    let experiments =
        value_of("--experiments").map_or(10_000, |n| n.parse().expect("a number of experiments"));
    let size = generator::Size { experiments, flags: experiments, metrics: experiments.div_ceil(5) };
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = value_of("--keep").map_or(temporary.path(), |folder| Path::new(folder));
    let files = generator::write(&size, folder);
    println!("{experiments} experiments, {} flags, {} metrics: {files} files", size.flags, size.metrics);
    if value_of("--keep").is_some() {
        return;
    }
    if value_of("--only").is_none_or(|only| only != "edits") {
        stages(folder);
    }
    edits::measure(folder, generator::now());
}

/// Runs every stage several times and prints what it costs.
fn stages(folder: &Path) {
    println!(
        "{:<10} {:>8} {:>8} {:>8} {:>9} {:>13}",
        "stage", "seconds", "CPU s", "MB peak", "x read", "x read+parse"
    );
    let (mut read, mut parse) = (None, None);
    for stage in STAGES {
        let mut runs: Vec<Cost> = (0..RUNS).map(|_| measure(stage, folder)).collect();
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let Cost { seconds, megabytes, .. } = runs[RUNS / 2];
        runs.sort_by(|a, b| a.processor.total_cmp(&b.processor));
        let processor = runs[RUNS / 2].processor;
        match stage {
            "read" => read = Some(seconds),
            "parse" => parse = Some(seconds),
            _ => {}
        }
        let times = |base: Option<f64>| base.map_or(String::new(), |base| format!("{:.2}", seconds / base));
        println!(
            "{stage:<10} {seconds:>8.3} {processor:>8.3} {megabytes:>8.0} {:>9} {:>13}",
            times(read),
            times(parse)
        );
    }
    println!("evaluate: {CONTEXTS} contexts over every flag, loading included");
}

/// What a stage costs.
struct Cost {
    seconds: f64,
    /// Seconds of processor time, of all threads together.
    processor: f64,
    /// The most memory that it had.
    megabytes: f64,
}

/// Runs a stage in a process of its own.
fn measure(stage: &str, folder: &Path) -> Cost {
    let program = std::env::current_exe().expect("the path of this program");
    let start = Instant::now();
    let output =
        Command::new(program).args(["--stage", stage, "--folder"]).arg(folder).output().expect("a run");
    let seconds = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{stage}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = printed.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    let [kilobytes, processor] = numbers.try_into().expect("two numbers");
    Cost { seconds, processor, megabytes: kilobytes / 1024.0 }
}

/// Does the work of one stage, then prints the process's peak memory in kilobytes and its processor time in seconds.
fn run_stage(stage: &str, folder: &Path) {
    let files = discover::read_folder(folder).expect("the files");
    match stage {
        "read" => {
            std::hint::black_box(files);
        }
        "parse" => {
            std::hint::black_box(files.into_par_iter().map(parse).collect::<Vec<_>>());
        }
        _ => {
            let loaded = load::load(files);
            run_on_book(stage, folder, &loaded);
            // As the commands do at their end.
            std::mem::forget(loaded);
        }
    }
    println!("{} {}", peak_kilobytes(), processor_seconds());
}

/// Reads a file's text as YAML with spans, and nothing more.
fn parse(file: load::RawFile) -> load::yaml::Parsed {
    let text = String::from_utf8(file.bytes).expect("UTF-8");
    load::yaml::parse(&SourceFile::new(file.path, text))
}

fn run_on_book(stage: &str, folder: &Path, loaded: &load::Loaded) {
    let now = generator::now();
    let book =
        loaded.book.as_ref().unwrap_or_else(|| panic!("the book is wrong: {:?}", loaded.findings.first()));
    match stage {
        "load" => {
            std::hint::black_box(book);
        }
        "lint" => {
            let findings = check::run(loaded, now);
            let first = findings.iter().map(|finding| &finding.message).next();
            assert!(findings.is_empty(), "the generated book has findings: {first:?}");
        }
        "plan" => {
            std::hint::black_box(plan::desired(book, now, &Approvals::Every));
        }
        "evaluate" => {
            let resolver = resolve::Resolver::new(book, now, HashProfile::Utf8);
            let mut served = 0usize;
            for n in 0..CONTEXTS {
                let country = ["SE", "US", "DE"][n % 3];
                let json = json!({
                    "targetingKey": format!("user-{n}"), "country": country,
                    "platform": "ios", "app_version": "8.4.1", "age_days": n,
                });
                let attributes = json.as_object().cloned().unwrap_or_default();
                let context = targeting::Context::new(attributes, &book.attributes);
                served += resolver.flags().filter_map(|flag| resolver.resolve(flag, &context)).count();
            }
            assert_eq!(served, CONTEXTS * book.flags.len());
        }
        "status" => {
            let keys = status::chosen(&status::Filter::default(), book, now).expect("experiments");
            let launches = status::launches(folder, &keys).expect("launches");
            let status = status::Status::new(book, &keys, &launches, &BTreeMap::new(), now);
            let page = report::status::document(&status, None);
            let settings = terminal::Settings { width: 120, colour: false, details: false };
            assert!(terminal::render(&page, settings).lines().count() > book.experiments.len());
        }
        "site" => {
            let keys: Vec<_> = book.experiments.keys().cloned().collect();
            let launches = status::launches(folder, &keys).expect("launches");
            let outcomes = BTreeMap::new();
            let sources =
                Sources { book, loaded, launches: &launches, outcomes: &outcomes, log: None, at: now };
            let out = Pages(tempfile::tempdir().expect("a temporary folder"));
            for folder in report::site::FOLDERS {
                std::fs::create_dir(out.0.path().join(folder)).expect("a folder");
            }
            report::site::write(&Site::new(&sources), &report::site::Options::default(), &out)
                .expect("the pages");
        }
        other => panic!("there is no stage `{other}`"),
    }
}

/// A folder of pages, none of which is larger than a reader on a phone should have to load.
struct Pages(tempfile::TempDir);

impl report::site::Sink for Pages {
    fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
        assert!(text.len() < 1_000_000, "{path} has {} bytes", text.len());
        std::fs::write(self.0.path().join(path), text)
    }
}

/// The high-water mark of the resident set, from the kernel's account of this process.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The processor time of this process so far, from the kernel's account of it: user and system, in ticks of 10 ms.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

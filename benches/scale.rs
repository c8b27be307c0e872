//! What a large book costs: wall time and peak memory of each stage, and its ratio to reading and parsing.
//!
//! `cargo bench --no-default-features --bench scale` generates a book of 10,000 experiments, 10,000 flags and
//! 2,000 metrics in a temporary folder; `-- --experiments 20000` another size. Each stage is a process of its
//! own, so that its peak memory is its own; the median of five runs is printed.

#[path = "generator/mod.rs"]
mod generator;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use trialbook::allocation::Approvals;
use trialbook::load::discover;
use trialbook::model::capability::HashProfile;
use trialbook::span::SourceFile;
use trialbook::{check, load, plan, resolve, targeting};

const STAGES: [&str; 6] = ["read", "parse", "load", "lint", "plan", "evaluate"];
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
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = generator::write(&size, folder.path());
    println!("{experiments} experiments, {} flags, {} metrics: {files} files", size.flags, size.metrics);
    println!("{:<10} {:>10} {:>10} {:>14}", "stage", "seconds", "MB peak", "x read+parse");
    let mut parse_time = None;
    for stage in STAGES {
        let mut runs: Vec<(f64, f64)> = (0..RUNS).map(|_| measure(stage, folder.path())).collect();
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, megabytes) = runs[RUNS / 2];
        if stage == "parse" {
            parse_time = Some(seconds);
        }
        let ratio = parse_time.map_or("".into(), |parse| format!("{:.2}", seconds / parse));
        println!("{stage:<10} {seconds:>10.3} {megabytes:>10.0} {ratio:>14}");
    }
    println!("evaluate: {CONTEXTS} contexts over every flag, loading included");
}

/// Runs a stage in a process of its own and returns its wall time in seconds and its peak memory in megabytes.
fn measure(stage: &str, folder: &Path) -> (f64, f64) {
    let program = std::env::current_exe().expect("the path of this program");
    let start = Instant::now();
    let output =
        Command::new(program).args(["--stage", stage, "--folder"]).arg(folder).output().expect("a run");
    let seconds = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{stage}: {}", String::from_utf8_lossy(&output.stderr));
    let kilobytes: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a peak in kilobytes");
    (seconds, kilobytes / 1024.0)
}

/// Does the work of one stage, then prints the process's peak memory in kilobytes.
fn run_stage(stage: &str, folder: &Path) {
    let files = discover::read_folder(folder).expect("the files");
    match stage {
        "read" => {
            std::hint::black_box(files);
        }
        "parse" => {
            std::hint::black_box(files.into_par_iter().map(parse).collect::<Vec<_>>());
        }
        _ => run_on_book(stage, load::load(files)),
    }
    println!("{}", peak_kilobytes());
}

/// Reads a file's text as YAML with spans, and nothing more.
fn parse(file: load::RawFile) -> load::yaml::Parsed {
    let text = String::from_utf8(file.bytes).expect("UTF-8");
    load::yaml::parse(&SourceFile::new(file.path, text))
}

fn run_on_book(stage: &str, loaded: load::Loaded) {
    let now = generator::now();
    let book =
        loaded.book.as_ref().unwrap_or_else(|| panic!("the book is wrong: {:?}", loaded.findings.first()));
    match stage {
        "load" => {
            std::hint::black_box(book);
        }
        "lint" => {
            let findings = check::run(&loaded, now);
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
        other => panic!("there is no stage `{other}`"),
    }
}

/// The high-water mark of the resident set, from the kernel's account of this process.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

//! What it costs to draw findings: 1,000 of them, with two places each, in one file of 1 MB.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]
//!
//! `cargo bench --bench findings`. The goal for the format for people is less than 100 ms. The median of five runs is printed, with
//! the size of what was written.

use std::time::Instant;

use trialbook::report::findings::{Findings, Format};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::{SourceFile, Span};

const FINDINGS: usize = 1_000;
const BYTES: usize = 1 << 20;
const RUNS: usize = 5;

fn main() {
    let lines =
        |start: &str| format!("  - {{buckets: 0-1999, experiment: {start}}} # a slot like any other\n");
    let mut text = String::from("slots:\n");
    let mut starts = Vec::new();
    while text.len() < BYTES {
        starts.push(text.len() + 4);
        text.push_str(&lines(&format!("experiment-{}", starts.len())));
    }
    let file = SourceFile::new("large.layer.yaml", text);
    let step = starts.len() / (FINDINGS + 1);
    let finding = |n: usize| {
        let at =
            |index: usize| starts.get(index).map_or(Span::default(), |start| Span::new(*start, start + 24));
        Diagnostic::error(
            "overlapping-slots",
            "two experiments hold buckets 0-1999",
            &file,
            at((n + 1) * step),
        )
        .label("served from 2026-12-01 to 2026-12-15")
        .related(&file, at(n * step), "served from 2026-12-08 to 2026-12-22")
        .note("a freed bucket of this layer rests for 7d")
        .help("delete the slot that was added last and run `trialbook allocate`")
    };
    let findings: Vec<Diagnostic> = (0..FINDINGS).map(finding).collect();
    let run = Findings {
        findings: &findings,
        files: 1,
        prefix: "",
        suppressed: 0,
        known: 0,
        fails: Severity::Error,
        rules: &[],
        fingerprints: &[],
        change: None,
        width: None,
    };
    for format in [Format::Full, Format::Concise, Format::Json, Format::Sarif, Format::Junit] {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..RUNS {
            let began = Instant::now();
            bytes = run.render(format).len();
            times.push(began.elapsed());
        }
        times.sort();
        println!("{format:<8} {:>8.1} ms {:>8} KB", times[RUNS / 2].as_secs_f64() * 1_000.0, bytes >> 10);
    }
}

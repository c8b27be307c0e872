//! What it costs to find collisions: a book of which 1 % of the experiments collide, twice as large a one, and every pair.

#![allow(clippy::disallowed_macros, reason = "a benchmark prints its numbers")]
//!
//! `cargo bench --bench collisions` generates a book of 10,000 live experiments, moves one in 200 onto its
//! neighbour's flag, and lints it with the program itself, alone and against a branch without the collisions; `-- --experiments
//! 2000` takes another size. Beside it, a naive comparison of all pairs of some experiments, from which that of all is
//! extrapolated: its cost grows with the square. Processor time is that of all threads, which a busy machine disturbs
//! less than wall time.

#[path = "generator/mod.rs"]
mod generator;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use trialbook_language::load::{self, discover};
use trialbook_model::targeting::{Overlap, meet};

/// One experiment in so many is moved onto its neighbour's flag: of 200 experiments, 2 collide.
const EVERY: usize = 200;
const RUNS: usize = 3;
/// So many experiments are compared pair by pair.
const NAIVE: usize = 400;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1));
    let n = value_of("--experiments").map_or(10_000, |n| n.parse().expect("a number of experiments"));
    println!("{:<34} {:>9} {:>8} {:>8} {:>9}", "", "findings", "wall s", "CPU s", "MB peak");
    let once = measured(n);
    let twice = measured(2 * n);
    println!("twice the book: {:.2} times the processor time", twice / once);
    naive(n);
}

/// Lints a book of so many experiments; returns the processor seconds.
fn measured(n: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let size = generator::Size { experiments: n, flags: n, metrics: n.div_ceil(5) };
    generator::write(&size, folder.path());
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "--message", "A clean book"]);
    let pairs = collide(folder.path(), n);
    let alone = run(folder.path(), &[], pairs);
    print_cost(&format!("lint, {n} experiments"), pairs, &alone);
    let against = run(folder.path(), &["--against", "main"], pairs);
    print_cost(&format!("lint --against, {n} experiments"), pairs, &against);
    alone.processor
}

fn git(folder: &Path, args: &[&str]) {
    let names = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];
    let status = Command::new("git").current_dir(folder).args(names).args(args).status().expect("git runs");
    assert!(status.success(), "git {args:?}");
}

/// Lets one experiment in [`EVERY`] collide with its neighbour; returns how many pairs do.
fn collide(folder: &Path, n: usize) -> usize {
    let mut pairs = 0;
    for first in (0..n.saturating_sub(1)).step_by(EVERY) {
        let second = first + 1;
        let path = folder.join(format!("experiments/{}/experiment-{second}.experiment.yaml", second / 100));
        let text = std::fs::read_to_string(&path).expect("a file");
        let lines = text.lines().filter(|line| !line.starts_with("layer:"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let text = text.replace(&format!("flag: flag-{second}\n"), &format!("flag: flag-{first}\n"));
        let start = text.find("audience:").expect("an audience");
        let end = text.find("allocation:").expect("an allocation");
        std::fs::write(&path, format!("{}{}", &text[..start], &text[end..])).expect("a file");
        for layer in std::fs::read_dir(folder.join("layers")).expect("layers") {
            let layer = layer.expect("a layer").path();
            let text = std::fs::read_to_string(&layer).expect("a file");
            let slot = format!("experiment: experiment-{second}}}");
            if text.contains(&slot) {
                let kept = text.lines().filter(|line| !line.contains(&slot));
                std::fs::write(&layer, kept.map(|line| format!("{line}\n")).collect::<String>())
                    .expect("a file");
            }
        }
        pairs += 1;
    }
    pairs
}

struct Cost {
    wall: f64,
    processor: f64,
    megabytes: f64,
}

/// Returns the median of some runs by processor time.
fn run(folder: &Path, more: &[&str], pairs: usize) -> Cost {
    let mut runs: Vec<Cost> = (0..RUNS).map(|_| run_once(folder, more, pairs)).collect();
    runs.sort_by(|a, b| a.processor.total_cmp(&b.processor));
    runs.swap_remove(RUNS / 2)
}

fn run_once(folder: &Path, more: &[&str], pairs: usize) -> Cost {
    let before = processor_of_children();
    let start = Instant::now();
    let out = tempfile::NamedTempFile::new().expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_trialbook"))
        .args(["lint", "--quiet", "--format", "concise", "--select", "overlapping-experiments"])
        .args(["--at", &generator::now().to_string(), "--book"])
        .arg(folder)
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::from(out.reopen().expect("a file")))
        .spawn()
        .expect("it runs");
    let mut kilobytes = 0;
    while child.try_wait().expect("it can be waited for").is_none() {
        kilobytes = peak_kilobytes(child.id()).unwrap_or(kilobytes);
        std::thread::sleep(Duration::from_millis(5));
    }
    let wall = start.elapsed().as_secs_f64();
    let printed = std::fs::read_to_string(out.path()).expect("text");
    let found = printed.matches("overlapping-experiments").count();
    assert_eq!(found, pairs, "{}", printed.lines().take(5).collect::<Vec<_>>().join("\n"));
    Cost { wall, processor: processor_of_children() - before, megabytes: kilobytes as f64 / 1024.0 }
}

fn print_cost(what: &str, pairs: usize, cost: &Cost) {
    let Cost { wall, processor, megabytes } = cost;
    println!("{what:<34} {pairs:>9} {wall:>8.2} {processor:>8.2} {megabytes:>9.0}");
}

/// Compares every pair of some experiments, whatever their flags, and extrapolates to all of them.
fn naive(n: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let size = generator::Size { experiments: NAIVE, flags: NAIVE, metrics: NAIVE };
    generator::write(&size, folder.path());
    let loaded = load::load(discover::read_folder(folder.path()).expect("files"));
    let book = loaded.book.expect("a book");
    let audiences: Vec<_> = book.experiments.values().map(|e| book.inlined(&e.audience)).collect();
    let start = Instant::now();
    let (mut pairs, mut met) = (0usize, 0usize);
    for (at, a) in audiences.iter().enumerate() {
        for b in audiences.iter().skip(at + 1) {
            pairs += 1;
            met += usize::from(matches!(meet(&[a, b], &book.attributes), Overlap::At(_)));
        }
    }
    let each = start.elapsed().as_secs_f64() / pairs as f64;
    let all = n as f64 * (n as f64 - 1.0) / 2.0;
    println!(
        "all pairs of {NAIVE}: {pairs} in {:.2} s, {met} meet; of {n} it would be {:.0} pairs and {:.0} s (extrapolated)",
        each * pairs as f64,
        all,
        each * all
    );
}

/// The high-water mark of another process's resident set, as long as it runs.
fn peak_kilobytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processor time of the processes that this one has waited for: user and system, in ticks of 10 ms.
fn processor_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

//! Simulates experiments and tabulates what each method finds, covers and costs.
//!
//! `cargo run -p trialbook-stats --release --example calibration -- --experiments 10000 --seed 1 --out
//! docs/calibration.md`. Progress is on standard error; without `--out` the page is on standard output.

#![allow(clippy::disallowed_macros, reason = "an example prints its results")]

mod cell;
mod page;
mod population;
mod rule;

use std::process::ExitCode;

use cell::Cell;
use population::Kind;
use rule::Plan;

struct Options {
    experiments: u32,
    seed: u64,
    out: Option<String>,
}

impl Options {
    fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { experiments: 10_000, seed: 1, out: None };
        let mut args = args;
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
            let number =
                || value.parse::<u64>().map_err(|_| format!("{arg} needs a whole number, not {value}"));
            match arg.as_str() {
                "--experiments" => {
                    options.experiments = u32::try_from(number()?).map_err(|e| e.to_string())?.max(1);
                }
                "--seed" => options.seed = number()?,
                "--out" => options.out = Some(value),
                _ => return Err(format!("{arg} is not known: --experiments N, --seed N, --out FILE")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let Options { experiments, seed, out } = options;
    let kinds = Kind::ALL.iter().flat_map(|kind| {
        [false, true]
            .into_iter()
            .filter(|adjusted| !adjusted || kind.has_covariate())
            .map(|adjusted| (*kind, adjusted))
    });
    let cells: Vec<Cell> = kinds
        .map(|(kind, adjusted)| {
            eprintln!("{}{}", kind.name(), if adjusted { ", adjusted" } else { "" });
            Cell::run(kind, adjusted, experiments, seed)
        })
        .collect();
    eprintln!("the whole decision");
    let rules: Vec<_> = Plan::all().map(|plan| (plan, plan.run(experiments, seed))).collect();
    let page = page::write(&cells, &rules, experiments, seed);
    match out {
        None => print!("{page}"),
        Some(file) => {
            if let Err(error) = std::fs::write(&file, page) {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

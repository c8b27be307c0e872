//! `trialbook demo`: the whole cycle on the example book and generated data, step by step.

mod book;
mod script;
mod truth;
mod warehouse;

use std::path::PathBuf;

pub use script::run;

/// Show the whole cycle on the example book and generated data, step by step
/// Writes a book, lints it, plans and applies it to a flag file, evaluates flags, generates a warehouse with
/// five million events and known effects, analyses it, and prints the comments that pull requests would get. If DuckDB's
/// library is not installed, the first run downloads it and checks its hash. After that the demo needs no network, and
/// it never needs an account. The folder stays, so that you can try more commands in it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to create; it must not exist, or be empty
    #[arg(value_name = "DIR", default_value = "trialbook-demo")]
    dir: PathBuf,
    /// How many users the generated shop has
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    users: u32,
    /// The seed of the generated data; every seed has the same true effects
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

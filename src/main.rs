//! The `trialbook` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    trialbook::cli::main()
}

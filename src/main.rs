//! The `trialbook` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "duckdb-static")]
    trialbook_analysis::warehouse::driver::link_duckdb(trialbook_duckdb_static::driver);
    trialbook::cli::main()
}

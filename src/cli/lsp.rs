//! `trialbook lsp`: the language server, over stdin and stdout.

use std::io::BufReader;

use jiff::tz::TimeZone;

use super::{At, Exit, Failure, sink};
use crate::lsp::{Ending, serve};

/// Run the language server for editors, over stdin and stdout
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Accepted for editors that pass it; the server always uses stdin and stdout
    #[arg(long, hide = true)]
    stdio: bool,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// Serves until the client goes. The exit code is the protocol's: 0 after `shutdown` and `exit`, 1 otherwise.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let at = args.at;
    let now = move || At::or_now(at, &TimeZone::UTC);
    match serve(BufReader::new(std::io::stdin()), sink::protocol(), now)? {
        Ending::Asked => Ok(Exit::Done),
        Ending::Lost => Ok(Exit::Findings),
    }
}

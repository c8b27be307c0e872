//! `trialbook lsp`: the language server, over stdin and stdout.

use std::io::BufReader;

use jiff::tz::TimeZone;

use super::{At, Exit, Failure, sink};
use crate::lsp::{Ending, serve};

/// Serve an editor over stdin and stdout with the Language Server Protocol
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Take no notice: the protocol is spoken over stdin and stdout in any case
    #[arg(long, hide = true)]
    stdio: bool,
    /// The present: a date or an instant; the clock's time when left out
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

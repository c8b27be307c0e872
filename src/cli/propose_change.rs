//! `trialbook propose`: edits of a book's files from stdin, linted, as a branch and a pull request. Agents use it through `mcp`.

use std::io::Read as _;

use super::sink::{self, Text};
use super::{Exit, Failure, Session, failed};
use crate::app::propose::{self, Proposal};
use crate::report::proposal as report;

/// The most bytes of a proposal.
const LARGEST: u64 = 16 << 20;

/// Propose edits of the book's files, read as JSON from stdin, on a new branch
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<super::At>,
}

/// Lints the edits, commits them on a new branch, and opens a pull request where there is a token.
///
/// # Errors
///
/// Where stdin holds no proposal, lint finds errors, or git or GitHub refuses.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::Usage, "stdin is not UTF-8").because(&error))?;
    if text.len() as u64 > LARGEST {
        return Err(Failure::new(
            Exit::Refused,
            format!("the proposal is larger than {} MiB", LARGEST >> 20),
        ));
    }
    let proposal: Proposal = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, "stdin holds no proposal").because(&error).help(
            "an object with `title`, `description`, `base` and `files`, each with `path` and its whole `content`",
        )
    })?;
    let opened = session.open()?;
    let made = propose::make(opened.surroundings(), &proposal, opened.instant(args.at))
        .map_err(|error| failed::of_proposal(&error, &opened))?;
    sink::print(Text::Json(&format!("{:#}\n", report::answer(&made))))?;
    Ok(Exit::Done)
}

//! `trialbook mcp`: tools for agents, over stdin and stdout.

use std::ffi::OsString;
use std::io::BufReader;

use super::{Exit, Failure, Session, sink};
use crate::mcp::{Program, serve};

/// Run a Model Context Protocol server for agents, over stdin and stdout
///
/// Its tools read the book (`lint`, `plan`, `status`, `why`, `evaluate`, `power`, `clean`, `explain`, `schema`) and propose edits
/// (`propose_change`). Edits are linted as they will be after the merge, and refused if they cause errors. They become a commit on a
/// new branch, and a pull request if GITHUB_TOKEN is set. Neither the files on disk nor existing branches change.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Serves until the input ends.
///
/// # Errors
///
/// Where stdin or stdout cannot be used.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if let Some(at) = &args.at {
        at.parse::<super::At>().map_err(|error| {
            Failure::new(Exit::Usage, format!("`--at` cannot be read: {error}"))
                .help("give a date such as `2026-11-25`, or an instant such as `2026-11-25T12:00:00Z`")
        })?;
    }
    let path = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Unreachable, "cannot find this program").because(&error))?;
    // As it is now: a program that answers about one book does not come to answer about another.
    let book = session.start()?;
    let book = std::fs::canonicalize(&book).map_err(|error| {
        Failure::new(Exit::NothingMatched, format!("there is no folder `{}`", book.display())).because(&error)
    })?;
    let global: Vec<OsString> = match session.is_named() {
        true => vec!["--book".into(), book.into_os_string()],
        false => Vec::new(),
    };
    let program = Program { path, global, at: args.at.clone() };
    serve(BufReader::new(std::io::stdin()), sink::protocol(), &program)?;
    Ok(Exit::Done)
}

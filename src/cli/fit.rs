//! `trialbook fit`: the smallest edits that end a collision.

use super::failed::of_history;
use super::lint::output::prefix;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Session};
use crate::app::fit::{self as app, NotFitted, Patch};
use crate::report::{findings, fit as report};
use trialbook_language::load::{suggestion, timezone_of};
use trialbook_lint::fit::FitError;

/// Find the smallest edits that end a collision, or make room in a full layer
///
/// Later starts, smaller shares, a common layer, other slots, conditions that separate audiences: each edit is made in memory and
/// linted as `lint --against` does. It is proposed only if the collision is gone and there is no new error, with its cost for
/// both teams in days. Launched tests are never edited. Nothing is written; `--diff` prints a patch.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment or rollout; when none is named, all collisions of the book
    #[arg(value_name = "EXPERIMENT")]
    experiment: Option<String>,
    /// Print the best edits as one patch, for `git apply`
    #[arg(long, conflicts_with = "format")]
    diff: bool,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    format: Format,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// How ways are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, in a terminal.
    Full,
    /// `fit-v1`.
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors that leave no book, or there is no such experiment.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (root, files) = session.files()?;
    let now = At::or_now(args.at, &timezone_of(&files));
    let named = args.experiment.as_deref();
    if args.diff {
        let Patch { edits, stuck } = app::patch(&root, files, named, now).map_err(|error| failure(&error))?;
        let prefix = prefix(findings::Format::Full, &root);
        for edit in &edits {
            sink::patch(&report::patch(edit, &format!("{prefix}{}", edit.path)))?;
        }
        stuck.iter().for_each(|collision| session.inform(report::stuck(collision)));
        return Ok(if edits.is_empty() && stuck.is_empty() { Exit::Done } else { Exit::Findings });
    }
    let found = app::ways(&root, files, named, now).map_err(|error| failure(&error))?;
    match args.format {
        Format::Json => {
            let text = report::json(&found).map_err(std::io::Error::from)?;
            sink::print(Text::Json(&format!("{text}\n")))?;
        }
        Format::Full => sink::print(Text::Plain(&report::text(&found, named)))?,
    }
    Ok(if found.collisions.is_empty() { Exit::Done } else { Exit::Findings })
}

fn failure(error: &NotFitted) -> Failure {
    match error {
        NotFitted::History(error) => of_history(error),
        NotFitted::Fit(error @ FitError::NoBook) => {
            Failure::of(Exit::Findings, error).help("`trialbook lint` shows them")
        }
        NotFitted::Fit(error @ FitError::Unknown { name, known }) => Failure::of(Exit::NothingMatched, error)
            .help(suggestion(name, known.iter().map(|key| key.as_str()))),
    }
}

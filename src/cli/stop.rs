//! `trialbook stop`: the smallest edit of the book that ends an experiment at once.

use super::sink::{self, Text};
use super::{At, Exit, Failure, Session, failed, write};
use crate::app::stop;
use trialbook_language::edit::difference;

/// Write the decision that stops an experiment at once
///
/// Adds `decision: {outcome: aborted, …}` to the experiment's file and changes nothing else. Commit it, and run
/// `trialbook apply --stop EXPERIMENT`, which applies only the end of this experiment, whatever else has changed in the book.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: String,
    /// The reason, for people who read the file later
    #[arg(long, value_name = "TEXT", default_value = "Stopped in an emergency.")]
    reason: String,
    /// Show the edit as a patch, and write nothing
    #[arg(long)]
    diff: bool,
    /// Use this date or instant as the current time; the experiment ends then
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// Writes the edit.
///
/// # Errors
///
/// Where the book has errors, there is no such experiment, or nothing is left of it to stop.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (_, files) = session.files()?;
    let book = opened.book()?;
    let (now, timezone) = (opened.instant(args.at), opened.timezone());
    let edit = stop::edit(&files, &opened.loaded, book, &args.experiment, &args.reason, now, &timezone)
        .map_err(|error| failed::of(&error, &opened))?;
    if args.diff {
        sink::print(Text::Plain(&difference(&edit.path, &edit.before, &edit.after)))?;
        return Ok(Exit::Done);
    }
    write::output(&opened.root.join(&edit.path), Text::Plain(&edit.after))?;
    session.inform(format_args!(
        "{}: `{}` is concluded as aborted. Commit it, then run `trialbook apply --stop {}`.",
        edit.path, args.experiment, args.experiment
    ));
    Ok(Exit::Done)
}

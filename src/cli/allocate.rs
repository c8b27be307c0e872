//! `trialbook allocate`: writing the layers' slots.

use super::sink::{self, Text};
use super::write::edited_file;
use super::{At, Exit, Failure, Opened, Session, failed};
use crate::app::AppError;
use crate::app::allocate::{NotAllocated, allocate};
use crate::report::allocate as report;
use trialbook_model::Book;

/// Write the layers' slots, so that every experiment has as many buckets as its allocation
///
/// Slots never move. An experiment gets the first free range that is large enough, or else the first free buckets; a grown
/// allocation gets more buckets beside those it has. A bucket is free if no other experiment holds it while
/// both may be served, the layer's quarantine included. So a concluded experiment's slots stay as a record, and others may
/// get the same buckets later. If an experiment does not fit, nothing is written, and the message names which experiment
/// holds which buckets until when.
///
/// Only the slots of the layers' files change: comments, order and style stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiments to allocate; when none is named, all that are in a layer
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,
    /// Write nothing; show what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, an experiment is unknown, a claim cannot be met, or a file cannot be edited.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let now = opened.instant(args.at);
    let edits = allocate(book, &opened.loaded, &args.experiments, now)
        .map_err(|error| failure(error, book, &opened))?;
    if edits.is_empty() {
        session.inform("every experiment in a layer has the buckets that its allocation asks for");
        return Ok(Exit::Done);
    }
    if !args.check {
        for edit in &edits {
            edited_file(&opened.root, &edit.path, &edit.before, &edit.after)?;
        }
    }
    for edit in &edits {
        sink::print(Text::Plain(&report::summary(edit, args.check)))?;
    }
    Ok(if args.check { Exit::Findings } else { Exit::Done })
}

/// Returns how the command ends; of several refusals, each is printed.
fn failure(error: NotAllocated, book: &Book, opened: &Opened) -> Failure {
    match error {
        NotAllocated::NotNamed(name) => failed::of(&AppError::NotNamed(name), opened),
        NotAllocated::NoLayer(key) => {
            let message =
                format!("experiment `{key}` is in no layer: it draws on its own and needs no slots");
            Failure::new(Exit::NothingMatched, message).help("name a layer with `layer: KEY`")
        }
        NotAllocated::Refused(refusals) => {
            for refusal in &refusals {
                let refused = report::refused(refusal, book, &opened.timezone());
                let failure = Failure::new(Exit::Refused, refused.message).help(refused.help);
                refused.holding.into_iter().fold(failure, Failure::detail).report();
            }
            Failure::reported(Exit::Refused)
        }
        NotAllocated::NotWritten { path, cause } => {
            Failure::new(Exit::Refused, format!("cannot write the slots into `{path}`"))
                .because(&cause)
                .advised(&cause)
        }
    }
}

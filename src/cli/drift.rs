//! `trialbook drift`: what somebody changed in a target since the last apply.

use super::report::Format;
use super::{At, Exit, Failure, Session, failed};
use crate::app::drift::Drifted;
use crate::app::plan::{Prepared, Urgency};
use crate::report;
use trialbook_delivery::plan::Options;
use trialbook_model::TargetKey;

/// Show what somebody changed in the flag back end since the last apply
///
/// Only content that an apply writes can drift, and differences in notation do not count. Flags that do not belong to the
/// book are listed and left alone. With `--detailed-exitcode`, exit code 2 means that something differs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target; the primary target when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Exit with 2 if something differs
    #[arg(long)]
    detailed_exitcode: bool,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Reads the target and shows what differs.
///
/// # Errors
///
/// Where the book has errors, or the target or git cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (book, at) = (opened.book()?, opened.instant(args.at));
    let failed = |error| failed::of(&error, &opened);
    let prepared = Prepared::new(&opened.root, &opened.loaded, book, args.target.as_ref(), at, Urgency::None)
        .map_err(failed)?;
    let live = prepared.read().map_err(failed)?;
    let planned = prepared.plan(&live, at, &Options::default()).map_err(failed)?;
    let drifted = Drifted::new(planned, &live);
    let page = || report::plan::drift_page(&drifted, opened.timezone_name());
    super::report::print(&page, &report::plan::drift_rest(), &drifted, args.format)?;
    Ok(if args.detailed_exitcode && !drifted.is_empty() { Exit::Changes } else { Exit::Done })
}

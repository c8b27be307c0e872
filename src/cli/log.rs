//! `trialbook log`: who applied what.

use super::report::Format;
use super::{At, Exit, Failure, Session, failed};
use crate::app::log::Log;
use crate::app::plan::{Prepared, Urgency};
use crate::report;
use trialbook_model::TargetKey;

/// Show who applied what to a flag back end, and how it ended
///
/// Every apply that changes something leaves a record beside the live flags: who, when, which plan, which flags, and the
/// result. On a git branch the record is the branch's history.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target; the primary target when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Show only this many of the last applies
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    last: usize,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Reads the audit log of a target and shows the end of it.
///
/// # Errors
///
/// Where the book has errors, or the log cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (book, now) = (opened.book()?, opened.instant(None::<At>));
    let failed = |error| failed::of(&error, &opened);
    let prepared =
        Prepared::new(&opened.root, &opened.loaded, book, args.target.as_ref(), now, Urgency::Stop)
            .map_err(failed)?;
    let records = prepared.target.records().map_err(|error| failed(error.into()))?;
    let log = Log::new(&prepared, records, args.last);
    let page = || report::plan::log_page(&log, opened.timezone_name());
    super::report::print(&page, &report::plan::log_rest(), &log, args.format)?;
    Ok(Exit::Done)
}

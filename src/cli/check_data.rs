//! `trialbook check-data`: whether the data of experiments can be analysed.

use super::analyze::{self, Scope};
use super::report::{Format, settings};
use super::sink::{self, Text};
use super::{Exit, Failure, Session, failed};
use crate::app::AppError;
use crate::app::analyze::{self as analysis, Analysis, Refusals};
use crate::app::check_data::DataReport;
use crate::report::{calendar::Calendar, markdown, outcome, terminal};
use trialbook_analysis::warehouse::Warehouse as _;

/// Check the data of experiments: ids, times, copies, gaps, and the split of traffic
///
/// These are the checks of `analyze`, without verdicts, for a job that runs after data was loaded. Exits with 1 if a check
/// fails, so that a fault is found while it can be fixed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scope: Scope,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, no experiment matches, or exposures cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let as_of = opened.instant(args.scope.as_of);
    let keys = match analysis::chosen(&args.scope.experiments, book, as_of) {
        // A job that runs every night has nothing to check on a quiet one.
        Err(AppError::NothingRuns) => {
            session.inform(format_args!(
                "no experiment runs or awaits a decision at {}: there is nothing to check",
                Calendar::new(&book.timezone).instant(as_of)
            ));
            return Ok(Exit::Done);
        }
        keys => keys.map_err(|error| failed::of(&error, &opened))?,
    };
    let plans = analyze::planned(&keys, book, as_of, &opened, session)?;
    let (keys, hidden) = analyze::with_all_data(keys, book, &opened.root)?;
    if keys.is_empty() {
        return analyze::ended(hidden, 0, session);
    }
    let warehouse = Refusals::of(analyze::open(book, &opened, args.scope.limits)?);
    let (request, frozen) = analyze::request(keys, plans, as_of);
    let bar = session.progress(0, "reading");
    let mut progress = |what: &str| bar.set_message(format!("reading {what}"));
    let Analysis { outcomes, failures, .. } =
        analysis::analyse(book, &opened.root, &frozen, &warehouse, &request, false, &mut progress);
    bar.finish_and_clear();
    if !outcomes.is_empty() {
        analyze::report_refusals(&warehouse, session);
    }
    let analysed = outcomes.len();
    let report = DataReport::new(&book.name, as_of, warehouse.engine(), outcomes);
    if analysed > 0 {
        let page = || outcome::data_page(&report, &book.timezone);
        match args.format {
            Format::Terminal => {
                sink::print(Text::Styled(&terminal::render(&page(), settings(session.verbose()))))?;
            }
            Format::Markdown => {
                let rest = super::report::rest();
                sink::print(Text::Plain(&markdown::for_pull_request(&page(), &rest)))?;
            }
            Format::Json => {
                let text =
                    serde_json::to_string_pretty(&report).map_err(|error| Failure::of(Exit::Bug, &error))?;
                sink::print(Text::Json(&format!("{text}\n")))?;
            }
        }
    }
    let failures = hidden.into_iter().chain(analyze::of_failures(failures)).collect();
    match analyze::ended(failures, analysed, session)? {
        Exit::Done if report.failed > 0 => Ok(Exit::Findings),
        exit => Ok(exit),
    }
}

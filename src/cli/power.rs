//! `trialbook power`: what an experiment needs, what it can reach, what would help.

use super::analyze::Limits;
use super::report::settings;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, failed};
use crate::app::analyze::Refusals;
use crate::app::power as app;
use crate::report::{power, terminal};
use jiff::Timestamp;
use trialbook_analysis::query::QueryError;
use trialbook_decision::power::{Evidence, Forecast, forecast};
use trialbook_model::{Book, Experiment};

/// Compute how many units and days an experiment needs, which effects its schedule can find, and what would help
///
/// The forecast uses what the book declares: the baselines of metrics, the traffic of surfaces, the shares of
/// attributes. What is not declared is unknown, and is listed. With `--from-warehouse`, baselines are measured over past weeks,
/// and so is traffic if the experiment's surface declares none.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: String,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    format: Format,
    /// Measure baselines over past weeks, and traffic if the experiment's surface declares none, over all units that
    /// were exposed to anything
    #[arg(long)]
    from_warehouse: bool,
    /// Data at or after this time is not read from the warehouse; when left out, the earlier of the experiment's start and the current time
    #[arg(long, value_name = "TIME", requires = "from_warehouse")]
    as_of: Option<At>,
    #[command(flatten)]
    limits: Limits,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// How a forecast is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, in a terminal.
    Full,
    /// `power-v1`.
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, there is no such experiment, or the warehouse cannot be read. An experiment that is too small is
/// no error: lint reports it where it matters.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let experiment = app::experiment(&args.experiment, book).map_err(|error| failed::of(&error, &opened))?;
    let now = opened.instant(args.at);
    let evidence = if args.from_warehouse {
        measured(args, now, &opened, book, experiment, session)?
    } else {
        Evidence::declared(book, experiment)
    };
    if experiment.schedule.start() <= now {
        session.inform(format_args!("`{}` has started: this is what it was planned with", experiment.key));
    }
    show(&forecast(book, experiment, &evidence), args.format, book, session)?;
    Ok(Exit::Done)
}

/// Measures what is known in the warehouse, and shows how far it is.
fn measured(
    args: &Args,
    now: Timestamp,
    opened: &Opened,
    book: &Book,
    experiment: &Experiment,
    session: &Session,
) -> Result<Evidence, Failure> {
    let (_, hidden) = super::analyze::with_all_data(vec![experiment.key.clone()], book, &opened.root)?;
    if let Some((_, failure)) = hidden.into_iter().next() {
        return Err(failure);
    }
    let warehouse = Refusals::of(super::analyze::open(book, opened, args.limits)?);
    let watermark = args.as_of.map(|at| opened.instant(Some(at)));
    let bar = session.progress(0, "reading");
    let mut progress = |what: &str| bar.set_message(format!("reading {what}"));
    let found = app::measured(book, experiment, &warehouse, watermark, now, &mut progress);
    bar.finish_and_clear();
    let evidence = found.map_err(|error| {
        let failure = Failure::of(Exit::Unreachable, &error);
        match &error {
            QueryError::Exposures { cause, .. } => failure.advised(cause),
            QueryError::NoExposures { .. } => failure,
        }
    })?;
    super::analyze::report_refusals(&warehouse, session);
    Ok(evidence)
}

fn show(forecast: &Forecast, format: Format, book: &Book, session: &Session) -> Result<(), Failure> {
    match format {
        Format::Full => {
            let document = power::document(forecast, &book.timezone);
            let text = terminal::render(&document, settings(session.verbose()));
            sink::print(Text::Styled(&text))?;
        }
        Format::Json => {
            let mut text =
                serde_json::to_string_pretty(forecast).map_err(|error| Failure::of(Exit::Bug, &error))?;
            text.push('\n');
            sink::print(Text::Json(&text))?;
        }
    }
    Ok(())
}

//! `trialbook power`: what an experiment needs, what it can reach, what would help.

use super::analyze::Limits;
use super::refusals::Refusals;
use super::report::settings;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session};
use crate::report::{power, terminal};
use trialbook_analysis::query::{QueryError, history};
use trialbook_decision::power::{Evidence, Forecast, Known, NotMeasured, Origin, Seen, forecast};
use trialbook_language::load::suggestion;
use trialbook_model::{Book, Duration, Experiment, ExperimentKey};

/// Say what an experiment needs: units, days, the effect that its schedule can reach, and what would help
///
/// It is planned from what the book declares: the baselines of metrics, the traffic of surfaces, the shares of
/// attributes. What nobody declares stays unknown, and is said. With `--from-warehouse` baselines are those of past weeks,
/// and so is traffic where the experiment's surface declares none.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: String,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    format: Format,
    /// Measure baselines over past weeks, and traffic where the experiment's surface declares none: of every unit that
    /// was exposed to anything
    #[arg(long)]
    from_warehouse: bool,
    /// Nothing at or after it is read from the warehouse; unless given, the start of the experiment, or now before it
    #[arg(long, value_name = "TIME", requires = "from_warehouse")]
    as_of: Option<At>,
    #[command(flatten)]
    limits: Limits,
    /// When now is; now unless given
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// How a forecast is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, in a terminal.
    Full,
    /// The forecast.
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, there is no such experiment, or the warehouse cannot be read. An experiment that is too small is
/// no error: lint says so where it matters.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let experiment = named(&args.experiment, book)?;
    let now = opened.instant(args.at);
    let mut evidence = Evidence::declared(book, experiment);
    if args.from_warehouse {
        measure(args, now, &opened, book, experiment, session, &mut evidence)?;
    }
    if experiment.schedule.start() <= now {
        session.say(format_args!("`{}` has begun: what follows is what it was planned with", experiment.key));
    }
    show(&forecast(book, experiment, &evidence), args.format, book, session)?;
    Ok(Exit::Done)
}

fn named<'a>(name: &str, book: &'a Book) -> Result<&'a Experiment, Failure> {
    book.experiments.get(name).ok_or_else(|| {
        let known = book.experiments.keys().map(ExperimentKey::as_str);
        Failure::new(Exit::NothingMatched, format!("the book has no experiment `{name}`"))
            .help(suggestion(name, known))
    })
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

/// How long before the watermark is measured: as long as the schedule, in whole weeks, between one and four.
fn length(experiment: &Experiment) -> Duration {
    let schedule = experiment.schedule;
    let hours = schedule.end().duration_since(schedule.start()).as_hours();
    let weeks = (1..4).find(|weeks| hours <= 7 * 24 * i64::from(*weeks)).unwrap_or(4);
    Duration::days(7 * weeks)
}

/// Measures what is known in the warehouse; what it cannot measure stays as the book declares it.
///
/// What an experiment's own units did is no part of its plan: unless asked for, nothing after its start is read.
fn measure(
    args: &Args,
    now: jiff::Timestamp,
    opened: &Opened,
    book: &Book,
    experiment: &Experiment,
    session: &Session,
    evidence: &mut Evidence,
) -> Result<(), Failure> {
    let warehouse = Refusals::of(super::analyze::open(book, &opened.root, args.limits)?);
    let watermark =
        args.as_of.map_or_else(|| now.min(experiment.schedule.start()), |at| opened.instant(Some(at)));
    let bar = session.progress(0, "reading");
    let mut progress = |what: &str| bar.set_message(format!("reading {what}"));
    let found = history(book, experiment, watermark, length(experiment), &warehouse, &mut progress);
    bar.finish_and_clear();
    let found = found.map_err(|error| {
        let failure = Failure::of(Exit::Unreachable, &error);
        match &error {
            QueryError::Exposures { cause, .. } => match cause.hint() {
                Some(hint) => failure.help(hint),
                None => failure,
            },
            QueryError::NoExposures { .. } => failure,
        }
    })?;
    warehouse.say(session);
    let mut not_measured = Vec::new();
    for (metric, measured) in found.metrics {
        match measured {
            Ok(baseline) => {
                evidence.baselines.insert(metric, Known { baseline, origin: Origin::Warehouse });
            }
            Err(why) => not_measured.push(NotMeasured { metric, why: why.to_string() }),
        }
    }
    evidence.seen = Some(Seen {
        source: found.source,
        from: found.from,
        until: found.until,
        units: found.units,
        traffic: found.traffic,
        problem: found.too_little.map(|why| why.to_string()),
        not_measured,
    });
    Ok(())
}

//! `trialbook power`: what an experiment needs, what it can reach, what would help.

use std::io::Write as _;

use super::report::settings;
use super::{At, Exit, Failure, Opened, Session};
use crate::load::suggestion;
use crate::model::{Baseline, Book, Duration, Experiment, ExperimentKey};
use crate::power::{Evidence, Forecast, Known, Origin, forecast};
use crate::query::{ArmMoments, history};
use crate::report::{power, terminal};

/// Say what an experiment needs: units, days, the effect that its schedule can reach, and what would help
///
/// It is planned from what the book declares: the baselines of metrics, the traffic of surfaces, the shares of
/// attributes. What nobody declares stays unknown, and is said. With `--from-warehouse` baselines and traffic are those of
/// past weeks.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: String,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    format: Format,
    /// Measure baselines and traffic over past weeks, instead of what the book declares
    #[arg(long)]
    from_warehouse: bool,
    /// Nothing at or after it is read from the warehouse; now unless given
    #[arg(long, value_name = "TIME", requires = "from_warehouse")]
    as_of: Option<At>,
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
    let evidence = if args.from_warehouse {
        measured(args, &opened, book, experiment, session)?
    } else {
        Evidence::declared(book, experiment)
    };
    if experiment.schedule.start() <= opened.instant(args.at) {
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
            anstream::stdout().write_all(text.as_bytes())?;
        }
        Format::Json => {
            let mut text =
                serde_json::to_string_pretty(forecast).map_err(|error| Failure::of(Exit::Bug, &error))?;
            text.push('\n');
            std::io::stdout().write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

/// How long before the watermark is measured: as long as the schedule, in whole weeks, between one and four.
fn length(experiment: &Experiment) -> Duration {
    let schedule = experiment.schedule;
    let days = schedule.end().duration_since(schedule.start()).as_hours() / 24;
    let weeks = u16::try_from(days / 7).unwrap_or(u16::MAX).clamp(1, 4);
    Duration::days(7 * weeks)
}

/// Measures what is known in the warehouse; what it cannot measure stays as the book declares it.
fn measured(
    args: &Args,
    opened: &Opened,
    book: &Book,
    experiment: &Experiment,
    session: &Session,
) -> Result<Evidence, Failure> {
    let warehouse = super::analyze::open(book, &opened.root)?;
    let bar = session.progress(0, "reading");
    let found = history(
        book,
        experiment,
        opened.instant(args.as_of),
        length(experiment),
        warehouse.as_ref(),
        &mut |what: &str| bar.set_message(format!("reading {what}")),
    );
    bar.finish_and_clear();
    let found = found.map_err(|error| Failure::of(Exit::Unreachable, &error))?;
    let mut evidence = Evidence::declared(book, experiment);
    evidence.traffic.clone_from(&found.traffic);
    let mut units = None;
    for (key, measured) in &found.metrics {
        match measured {
            Ok(measured) => {
                if let Some(arm) = measured.arms.first()
                    && let Some(baseline) = baseline(arm)
                {
                    units = units.max(Some(arm.units));
                    evidence.baselines.insert(key.clone(), Known { baseline, origin: Origin::Warehouse });
                }
            }
            Err(why) => session.say(format_args!("{key} is not measured: {why}")),
        }
    }
    session.say(format_args!(
        "measured over {} units, first seen from {} to {}",
        units.unwrap_or_default(),
        found.from,
        found.until
    ));
    Ok(evidence)
}

/// Returns the baseline of units' moments; `None` where there are too few, or they do not vary.
fn baseline(arm: &ArmMoments) -> Option<Baseline> {
    if arm.units < 2 || arm.value.m2 <= 0.0 {
        return None;
    }
    let correlation = arm.covariate.as_ref().and_then(|covariate| {
        let product = arm.value.m2 * covariate.own.m2;
        (product > 0.0).then(|| (covariate.co / product.sqrt()).clamp(-0.999_999, 0.999_999))
    });
    let deviation = (arm.value.m2 / (arm.units - 1) as f64).sqrt();
    Some(Baseline { value: arm.value.mean, deviation, correlation })
}

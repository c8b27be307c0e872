//! `trialbook analyze`: from the warehouse to outcomes.

mod place;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::report::{Format, show};
use super::{At, Exit, Failure, Opened, Session, failed, sink};
use crate::app::analyze::{self, Analysis, Hidden, Launched, Plans, Refusals};
use crate::app::{AppError, outcomes};
use crate::report::{self, calendar::Calendar};
use place::Place;
use trialbook_analysis::warehouse;
use trialbook_analysis::{AnalysisError, Outcome, PastLooks, Request};
use trialbook_model::{Book, ExperimentKey};

/// Analyse experiments: units, checks of the data, effects when the plan allows a look, and a verdict
///
/// The book's warehouse is read, never written. Without `--out` the results are shown; with it they are
/// written as JSON, which `trialbook report` shows and `trialbook comment` posts on the pull request.
///
/// If a plan was changed after launch, the launched plan is analysed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scope: Scope,
    /// Print the SQL that would be run, and run none of it. The engine only checks whether it accepts each query
    #[arg(long, conflicts_with_all = ["out", "format"])]
    dry_run: bool,
    /// Write the outcome as JSON: into a folder, as `EXPERIMENT.json`, if OUTCOME is a folder, ends with `/`, or there are several
    /// outcomes; otherwise into that file. A name that ends with `.json` is always a file, and cannot hold several outcomes
    #[arg(long, value_name = "OUTCOME", conflicts_with = "format")]
    out: Option<PathBuf>,
    /// Compare with this earlier outcome, or with the latest one of each experiment in this folder: looks that come out
    /// differently now, because data came late or were corrected, are reported. When left out, the outcome that `--out` replaces
    #[arg(long, value_name = "OUTCOME", conflicts_with = "dry_run")]
    earlier: Option<PathBuf>,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
    /// Compute an outcome again, from the book at its commit and the data before its watermark, and compare. Exits
    /// with 1 if a number, a check or a verdict differs
    #[arg(long, value_name = "OUTCOME", conflicts_with_all = ["experiments", "as_of", "dry_run", "out", "earlier", "format"])]
    verify: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, no experiment matches, exposures cannot be read, or the outcome cannot be
/// written. A metric that cannot be measured is no error: the outcome has the reason.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if let Some(outcome) = &args.verify {
        return verify::run(outcome, args.scope.limits, session);
    }
    let opened = session.open()?;
    let book = opened.book()?;
    let as_of = opened.instant(args.scope.as_of);
    let failed = |error| failed::of(&error, &opened);
    let keys = match analyze::chosen(&args.scope.experiments, book, as_of) {
        // Whoever collects outcomes every night has none on a quiet one.
        Err(AppError::NothingRuns) if args.out.is_some() => {
            session.inform(format_args!(
                "no experiment runs or awaits a decision at {}: nothing is written",
                Calendar::new(&book.timezone).instant(as_of)
            ));
            return Ok(Exit::Done);
        }
        keys => keys.map_err(failed)?,
    };
    let plans = planned(&keys, book, as_of, &opened, session)?;
    let place = args.out.as_deref().map(|out| Place::new(out, keys.len())).transpose()?;
    let (keys, hidden) = with_all_data(keys, book, &opened.root)?;
    if keys.is_empty() {
        return ended(hidden, 0, session);
    }
    let earlier = args.earlier.as_deref().map(|path| outcomes::latest(path, &keys, as_of));
    let earlier = earlier.transpose().map_err(failed)?;
    let warehouse = Refusals::of(open(book, &opened, args.scope.limits)?);
    let (request, frozen) = request(keys, plans, as_of);
    if args.dry_run {
        return show_queries(book, &frozen, &warehouse, &request, hidden, session);
    }
    let bar = session.progress(0, "reading");
    let mut progress = |what: &str| bar.set_message(format!("reading {what}"));
    let Analysis { outcomes, failures, costs } =
        analyze::analyse(book, &opened.root, &frozen, &warehouse, &request, session.verbose(), &mut progress);
    let failures: Vec<_> = hidden.into_iter().chain(of_failures(failures)).collect();
    bar.finish_and_clear();
    // The report for the terminal shows them itself.
    let shown = place.is_none() && matches!(args.format, Format::Terminal);
    if session.verbose() && !shown {
        costs.iter().for_each(|(name, cost)| session.inform(report::cost::line(name.as_deref(), cost)));
    }
    let documents = &opened.loaded.documents;
    let compared = |mut outcome: Outcome| {
        let earlier = match (&earlier, &place) {
            (Some(earlier), _) => earlier.get(&outcome.experiment.key).cloned(),
            (None, Some(place)) => replaced(place, &outcome, session),
            (None, None) => None,
        };
        outcome.past_looks = earlier.and_then(|earlier| PastLooks::between(&earlier, &outcome));
        analyze::with_releases(outcome, book, documents)
    };
    let outcomes: Vec<_> = outcomes.into_iter().map(compared).collect();
    // What failed reports it itself.
    if !outcomes.is_empty() {
        report_refusals(&warehouse, session);
    }
    // Ids are personal data: they are shown to whoever runs this, and are in no outcome.
    for (source, ids) in outcomes.iter().flat_map(|outcome| &outcome.examples) {
        let (exposed, fact) = (sink::inline(&ids.exposed), sink::inline(&ids.fact));
        session.inform(format_args!(
            "source {source}: the exposures have the id `{exposed}`, the facts have `{fact}`"
        ));
    }
    match place {
        None => outcomes.iter().try_for_each(|outcome| show(outcome, args.format, session))?,
        Some(place) => {
            for outcome in &outcomes {
                let path = place.write(outcome)?;
                session.inform(format_args!("{}: {}", outcome.experiment.key, path.display()));
            }
        }
    }
    ended(failures, outcomes.len(), session)
}

/// Returns the outcome that another one replaces, where it can be read.
fn replaced(place: &Place, outcome: &Outcome, session: &Session) -> Option<Outcome> {
    match place.replaced(outcome)? {
        Ok(earlier) => Some(earlier),
        Err(error) => {
            session.inform(format_args!(
                "`{}` is replaced, and its looks are not compared: {error}",
                place.path(outcome).display()
            ));
            None
        }
    }
}

/// Reads the plans of experiments.
pub(super) fn planned(
    keys: &[ExperimentKey],
    book: &Book,
    as_of: Timestamp,
    opened: &Opened,
    session: &Session,
) -> Result<Plans, Failure> {
    let failed = |error| failed::of(&error, opened);
    let plans = Plans::read(&opened.root, &opened.loaded, book, keys, as_of).map_err(failed)?;
    if let Some((target, error)) = &plans.unread {
        session.inform(format_args!(
            "the target `{target}` cannot be read, so launches are not compared with it: {error}"
        ));
    }
    Ok(plans)
}

/// Returns what is asked of an analysis, and the books of the plans that were changed after launch.
pub(super) fn request(
    experiments: Vec<ExperimentKey>,
    plans: Plans,
    as_of: Timestamp,
) -> (Request, BTreeMap<ExperimentKey, Launched>) {
    let request = Request {
        experiments,
        as_of,
        commit: plans.commit.as_ref().map(|commit| commit.as_str().to_owned()),
        files: plans.files,
        preregistrations: plans.preregistrations,
        changes: BTreeMap::new(),
    };
    (request, plans.frozen)
}

pub(super) fn of_failures(failures: Vec<(ExperimentKey, AnalysisError)>) -> Vec<(ExperimentKey, Failure)> {
    failures.into_iter().map(|(key, error)| (key, failed::of_analysis(&error))).collect()
}

/// Prints the SQL of an analysis, each query with what it is for.
fn show_queries(
    book: &Book,
    frozen: &BTreeMap<ExperimentKey, Launched>,
    warehouse: &Refusals,
    request: &Request,
    hidden: Vec<(ExperimentKey, Failure)>,
    session: &Session,
) -> Result<Exit, Failure> {
    let (queries, failures) = analyze::queries(book, frozen, warehouse, request);
    for (name, sql) in &queries {
        sink::print(sink::Text::Plain(&report::cost::query(name.as_deref(), sql)))?;
    }
    report_refusals(warehouse, session);
    let failures = hidden.into_iter().chain(of_failures(failures)).collect();
    ended(failures, request.experiments.len(), session)
}

/// Which experiments are read from the warehouse, up to when, and what that may take.
#[derive(Debug, clap::Args)]
pub(super) struct Scope {
    /// The experiments; when none is named, all that are running, maturing or overdue
    #[arg(value_name = "EXPERIMENT")]
    pub(super) experiments: Vec<String>,
    /// The watermark: data at or after it is not read; when left out, the current time
    #[arg(long, value_name = "TIME")]
    pub(super) as_of: Option<At>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

/// What reading a warehouse may take.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Limits {
    /// How many seconds one query of the warehouse may take before it is stopped; when left out, what `warehouse: {timeout}`
    /// declares, or 600
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    query_timeout: Option<u32>,
}

/// Experiments with why they are not analysed.
type Refused = Vec<(ExperimentKey, Failure)>;

/// Divides experiments into those of which all data are there, and the others with why they are not analysed.
pub(super) fn with_all_data(
    keys: Vec<ExperimentKey>,
    book: &Book,
    root: &Path,
) -> Result<(Vec<ExperimentKey>, Refused), Failure> {
    let (whole, hidden) = analyze::with_all_data(keys, book, root)
        .map_err(|error| Failure::of(Exit::Refused, &error).advised(&error))?;
    let refused = hidden.into_iter().map(|(key, Hidden { source, first, more })| {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let message = format!("source `{source}`: git has `{first}`{more}, and the checkout leaves that out");
        let failure = Failure::new(Exit::Refused, message)
            .help("show the data with `git sparse-checkout disable`: an experiment is not analysed without all of them");
        (key, failure)
    });
    Ok((whole, refused.collect()))
}

/// Opens the book's warehouse, read-only.
pub(super) fn open(
    book: &Book,
    opened: &Opened,
    limits: Limits,
) -> Result<Box<dyn warehouse::Warehouse>, Failure> {
    open_book(book, &opened.root, limits).map_err(|error| failed::of(&error, opened))
}

fn open_book(book: &Book, root: &Path, limits: Limits) -> Result<Box<dyn warehouse::Warehouse>, AppError> {
    let time_limit = limits.query_timeout.map(|seconds| Duration::from_secs(seconds.into()));
    analyze::open(book, root, time_limit)
}

/// Prints the different messages of an engine that refused queries.
pub(super) fn report_refusals(warehouse: &Refusals, session: &Session) {
    /// The most messages that are shown.
    const SHOWN: usize = 20;
    let messages = warehouse.messages();
    for message in messages.iter().take(SHOWN) {
        session.inform(format_args!("the warehouse refused a query: {message}"));
    }
    if messages.len() > SHOWN {
        session.inform(format_args!("and {} more refusals", messages.len() - SHOWN));
    }
}

/// Prints which experiments could not be analysed, and returns how the command ends: as the first of them.
pub(super) fn ended(
    failures: Vec<(ExperimentKey, Failure)>,
    analysed: usize,
    session: &Session,
) -> Result<Exit, Failure> {
    let mut failures = failures.into_iter();
    let Some((first, failure)) = failures.next() else { return Ok(Exit::Done) };
    let rest: Vec<_> = failures.collect();
    // The same for all of them: the warehouse, and no experiment's fault.
    if analysed == 0 && rest.iter().all(|(_, other)| other.text() == failure.text()) {
        return Err(failure);
    }
    for (key, failure) in
        std::iter::once((&first, &failure)).chain(rest.iter().map(|(key, failure)| (key, failure)))
    {
        session.inform(format_args!("`{key}` was not analysed"));
        failure.report();
    }
    Err(Failure::reported(failure.exit()))
}

//! `trialbook analyze`: from the warehouse to outcomes.

mod place;
mod plans;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::refusals::Refusals;
use super::report::{Format, tell};
use super::{At, Exit, Failure, Session};
use place::Place;
use plans::Plans;
use trialbook_analysis::warehouse::{self, Embedded, WarehouseError};
use trialbook_analysis::{AnalysisError, Outcome, Request, analyse};
use trialbook_language::load::suggestion;
use trialbook_model::{Book, ExperimentKey, ExperimentState, Warehouse};

/// Analyse experiments: units, quality, effects where the plan allows a look, and a verdict
///
/// The warehouse of the book is read, never written. Without `--out` the results are shown; with it they are
/// written as JSON, which `trialbook report` shows and `trialbook comment` brings to the pull request.
///
/// A plan that was changed after launch is analysed as it was launched.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiments; every one that runs, matures or is overdue when none is named
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,
    /// The watermark: nothing at or after it is read; now unless given
    #[arg(long, value_name = "TIME")]
    as_of: Option<At>,
    #[command(flatten)]
    limits: Limits,
    /// Write the outcome as JSON: into a folder as `EXPERIMENT.json` where OUTCOME is a folder, ends with `/` or there are several,
    /// else into that file
    #[arg(long, value_name = "OUTCOME", conflicts_with = "format")]
    out: Option<PathBuf>,
    /// How to show the results
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, no experiment matches, exposures cannot be read, or the outcome cannot be
/// written. A metric that cannot be measured is no error: the outcome says why.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let as_of = opened.instant(args.as_of);
    let keys = match chosen(&args.experiments, book, as_of) {
        // Whoever collects outcomes every night has none on a quiet one.
        Err(_) if args.out.is_some() && args.experiments.is_empty() => {
            session
                .say(format_args!("no experiment runs or awaits a decision at {as_of}: nothing is written"));
            return Ok(Exit::Done);
        }
        keys => keys?,
    };
    let plans = Plans::read(&opened, book, &keys, session)?;
    let keys = computed(keys, args.experiments.is_empty(), &plans, book, session)?;
    let place = args.out.as_deref().map(|out| Place::new(out, keys.len())).transpose()?;
    let warehouse = Refusals::of(open(book, &opened.root, args.limits)?);
    let request = Request {
        experiments: keys,
        as_of,
        commit: plans.commit.as_ref().map(|commit| commit.as_str().to_owned()),
        files: plans.files,
        preregistrations: plans.preregistrations,
    };
    let bar = session.progress(0, "reading");
    let (outcomes, failures) = by_plan(book, &plans.frozen, &warehouse, &request, &mut |what: &str| {
        bar.set_message(format!("reading {what}"));
    });
    bar.finish_and_clear();
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.relative_to(&opened.root)).collect();
    // What failed says it itself.
    if !outcomes.is_empty() {
        warehouse.say(session);
    }
    match place {
        None => outcomes.iter().try_for_each(|outcome| tell(outcome, args.format, session))?,
        Some(place) => {
            for outcome in &outcomes {
                let path = place.write(outcome)?;
                session.say(format_args!("{}: {}", outcome.experiment.key, path.display()));
            }
        }
    }
    told(failures, outcomes.len(), session)
}

/// Returns the experiments that are named or, where none is, those that are not concluded and have begun.
fn chosen(names: &[String], book: &Book, as_of: Timestamp) -> Result<Vec<ExperimentKey>, Failure> {
    if names.is_empty() {
        use ExperimentState::{Maturing, Overdue, Running};
        let active = book
            .experiments
            .values()
            .filter(|experiment| matches!(book.state_at(experiment, as_of), Running | Maturing | Overdue));
        let keys: Vec<_> = active.map(|experiment| experiment.key.clone()).collect();
        if keys.is_empty() {
            return Err(Failure::new(
                Exit::NothingMatched,
                format!("no experiment runs or awaits a decision at {as_of}"),
            )
            .help("name an experiment to analyse it whatever its state"));
        }
        return Ok(keys);
    }
    let mut keys = Vec::new();
    for name in names {
        let Some((key, _)) = book.experiments.get_key_value(name.as_str()) else {
            let known = book.experiments.keys().map(ExperimentKey::as_str);
            return Err(Failure::new(Exit::NothingMatched, format!("the book has no experiment `{name}`"))
                .help(suggestion(name, known)));
        };
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

/// Returns the experiments whose method this version computes. One that is named and is not computed is refused;
/// of those that nobody named it is told, so that one team's plan does not stop the others' results.
fn computed(
    mut keys: Vec<ExperimentKey>,
    unnamed: bool,
    plans: &Plans,
    book: &Book,
    session: &Session,
) -> Result<Vec<ExperimentKey>, Failure> {
    let method = |key: &ExperimentKey| {
        let launched = plans.frozen.get(key).unwrap_or(book);
        launched.experiments.get(key).map(|experiment| experiment.analysis.method)
    };
    let (mut left_out, mut first) = (Vec::new(), None);
    keys.retain(|key| match method(key) {
        Some(method) if !method.is_computed() => {
            first.get_or_insert(AnalysisError::Method { experiment: key.clone(), method });
            left_out.push(format!("{key} ({})", method.as_str()));
            false
        }
        Some(_) | None => true,
    });
    match first {
        Some(error) if !unnamed || keys.is_empty() => {
            Err(Failure::of(Exit::Refused, &error).help(error.hint().unwrap_or_default()))
        }
        Some(_) => {
            session.say(format_args!(
                "left out, by a method that this version does not compute: {}",
                left_out.join(", ")
            ));
            Ok(keys)
        }
        None => Ok(keys),
    }
}

/// What reading a warehouse may take.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Limits {
    /// The seconds that one query of the warehouse may take; then it is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    query_timeout: u32,
}

/// Opens the book's warehouse, read-only.
pub(super) fn open(
    book: &Book,
    root: &Path,
    limits: Limits,
) -> Result<Box<dyn warehouse::Warehouse>, Failure> {
    let Some(warehouse) = &book.warehouse else {
        return Err(Failure::new(Exit::Findings, "the book has no warehouse")
            .help("add `warehouse: {engine: duckdb}` to trialbook.yaml"));
    };
    let Warehouse::Duckdb { database } = warehouse else {
        let why = warehouse.cannot_open().unwrap_or("this version cannot read the book's warehouse");
        return Err(Failure::new(Exit::Refused, why)
            .help("write `engine: duckdb`, and give it the data as files or as a DuckDB database"));
    };
    let time_limit = Duration::from_secs(limits.query_timeout.into());
    let embedded = Embedded { time_limit, ..Embedded::new(root, database.as_deref()) };
    embedded.open().map_err(|error: WarehouseError| {
        let failure = Failure::of(Exit::Unreachable, &error);
        match error.hint() {
            Some(hint) => failure.help(hint),
            None => failure,
        }
    })
}

/// Analyses each experiment by its plan: together where the head's plan holds, alone where it was changed.
///
/// What fails for all together is tried one by one, so that one experiment does not stop the others. Returns what was analysed, in
/// the order of the request, and what failed.
fn by_plan(
    book: &Book,
    frozen: &BTreeMap<ExperimentKey, Book>,
    warehouse: &dyn warehouse::Warehouse,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> (Vec<Outcome>, Vec<(ExperimentKey, Failure)>) {
    let mut analysed = |book: &Book, experiments: Vec<ExperimentKey>| {
        let request = Request { experiments, ..request.clone() };
        analyse(book, warehouse, &request, progress).map_err(|error| {
            let failure = Failure::of(Exit::Unreachable, &error);
            match error.hint() {
                Some(hint) => failure.help(hint),
                None => failure,
            }
        })
    };
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    let together: Vec<_> =
        request.experiments.iter().filter(|key| !frozen.contains_key(*key)).cloned().collect();
    let mut alone: Vec<(&Book, ExperimentKey)> = frozen
        .iter()
        // One that was left out stays out.
        .filter(|(key, _)| request.experiments.contains(key))
        .map(|(key, launched)| (launched, key.clone()))
        .collect();
    let found = if together.is_empty() { Ok(Vec::new()) } else { analysed(book, together.clone()) };
    match found {
        Ok(found) => outcomes.extend(found),
        Err(failure) if together.len() == 1 => {
            failures.extend(together.into_iter().map(|key| (key, failure.clone())));
        }
        Err(_) => alone.extend(together.into_iter().map(|key| (book, key))),
    }
    for (book, key) in alone {
        match analysed(book, vec![key.clone()]) {
            Ok(found) => outcomes.extend(found),
            Err(failure) => failures.push((key, failure)),
        }
    }
    let order = |key: &ExperimentKey| request.experiments.iter().position(|other| other == key);
    outcomes.sort_by_key(|outcome| order(&outcome.experiment.key));
    failures.sort_by_key(|(key, _)| order(key));
    (outcomes, failures)
}

/// Says which experiments could not be analysed, and returns how the command ends: as the first of them.
fn told(
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
        session.say(format_args!("`{key}` was not analysed"));
        failure.report();
    }
    Err(Failure::told(failure.exit()))
}

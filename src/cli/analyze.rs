//! `trialbook analyze`: from the warehouse to outcomes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::refusals::Refusals;
use super::report::{Format, tell};
use super::sink::Text;
use super::{At, Exit, Failure, Opened, Session, write};
use trialbook_analysis::warehouse::{self, Embedded, WarehouseError};
use trialbook_analysis::{AnalysisError, Outcome, Preregistration, PreregistrationStatus, Request, analyse};
use trialbook_history::{self as history, Commit, HistoryError, Registration, Repository};
use trialbook_language::load::suggestion;
use trialbook_model::{Book, Contents, ExperimentKey, ExperimentState, Kind, Warehouse};

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
    /// Write the outcome as JSON: a file for one experiment, or a folder, which gets `EXPERIMENT.json` each
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
    let keys = chosen(&args.experiments, book, as_of)?;
    let plans = Plans::read(&opened, book, &keys)?;
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
    let outcomes = by_plan(book, &plans.frozen, &warehouse, &request, &mut |what: &str| {
        bar.set_message(format!("reading {what}"));
    });
    bar.finish_and_clear();
    // Where the command fails, its error says it.
    let outcomes: Vec<_> = outcomes?.into_iter().map(|outcome| outcome.relative_to(&opened.root)).collect();
    warehouse.say(session);
    match place {
        None => outcomes.iter().try_for_each(|outcome| tell(outcome, args.format, session))?,
        Some(place) => {
            for outcome in &outcomes {
                let path = place.write(outcome)?;
                session.say(format_args!("{}: {}", outcome.experiment.key, path.display()));
            }
        }
    }
    Ok(Exit::Done)
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

/// What git says of the plans.
struct Plans {
    commit: Option<Commit>,
    files: BTreeMap<ExperimentKey, String>,
    preregistrations: BTreeMap<ExperimentKey, Preregistration>,
    /// The launched plans of the experiments that were changed since.
    frozen: BTreeMap<ExperimentKey, Book>,
}

impl Plans {
    fn read(opened: &Opened, book: &Book, keys: &[ExperimentKey]) -> Result<Self, Failure> {
        let git = |error: HistoryError| {
            let failure = Failure::of(Exit::Unreachable, &error);
            match error.help() {
                Some(help) => failure.help(help),
                None => failure,
            }
        };
        let repository = Repository::of_book(&opened.root).map_err(git)?;
        let commit = repository.as_ref().map(Repository::head).transpose().map_err(git)?.flatten();
        let mut plans = Self {
            commit,
            files: BTreeMap::new(),
            preregistrations: BTreeMap::new(),
            frozen: BTreeMap::new(),
        };
        for key in keys {
            let Some(experiment) = book.experiments.get(key) else { continue };
            if let Some(document) = opened.loaded.documents.get(Kind::Experiment, key.as_str()) {
                plans.files.insert(key.clone(), document.file().path().to_owned());
            }
            let registration = history::registration(repository.as_ref(), book, experiment)
                .map_err(|error| Failure::of(Exit::Unreachable, &error))?;
            let now = history::Preregistration::of(book, experiment).ok();
            let digest = now.map(|plan| plan.digest().clone());
            let preregistration = match registration {
                Registration::Verified { launch } => Preregistration {
                    digest,
                    status: PreregistrationStatus::Verified {
                        commit: launch.commit.as_str().to_owned(),
                        at: launch.effective_start,
                    },
                },
                Registration::Deviates { launch, frozen, changed } => {
                    plans.frozen.insert(key.clone(), launched(*frozen, book));
                    let status = PreregistrationStatus::Deviates { what: changed };
                    Preregistration { digest: Some(launch.digest), status }
                }
                Registration::Unverified { reason } => {
                    Preregistration { digest, status: PreregistrationStatus::Unverified { reason } }
                }
            };
            plans.preregistrations.insert(key.clone(), preregistration);
        }
        Ok(plans)
    }
}

/// Returns the launched book with what is read from the head: where the data lie, and decisions.
///
/// Where the head's sources do not fit the launched metrics, the launched ones stay.
fn launched(frozen: Book, head: &Book) -> Book {
    let mut contents = Contents::from(frozen.clone());
    contents.sources = head.sources.clone();
    for (key, experiment) in &mut contents.experiments {
        if let Some(now) = head.experiments.get(key) {
            experiment.owner.clone_from(&now.owner);
            experiment.decision.clone_from(&now.decision);
        }
    }
    Book::new(contents).unwrap_or(frozen)
}

/// Analyses each experiment by its plan: together where the head's plan holds, alone where it was changed.
fn by_plan(
    book: &Book,
    frozen: &BTreeMap<ExperimentKey, Book>,
    warehouse: &dyn warehouse::Warehouse,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Outcome>, Failure> {
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
    let together = request.experiments.iter().filter(|key| !frozen.contains_key(*key)).cloned().collect();
    let mut outcomes = analysed(book, together)?;
    for (key, launched) in frozen {
        outcomes.extend(analysed(launched, vec![key.clone()])?);
    }
    let order = |outcome: &Outcome| request.experiments.iter().position(|key| *key == outcome.experiment.key);
    outcomes.sort_by_key(order);
    Ok(outcomes)
}

/// Where outcomes are written.
enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

impl Place {
    /// A folder that exists is a folder; so is any name for several outcomes, and one that ends in `/`.
    fn new(out: &Path, outcomes: usize) -> Result<Self, Failure> {
        let folder = out.is_dir() || outcomes > 1 || out.as_os_str().to_string_lossy().ends_with('/');
        if !folder {
            return Ok(Self::File(out.to_owned()));
        }
        std::fs::create_dir_all(out).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("cannot make the folder `{}`", out.display()))
                .because(&error)
                .help("several outcomes are written into a folder, one file each")
        })?;
        Ok(Self::Folder(out.to_owned()))
    }

    /// Writes an outcome whole or not at all, and returns where.
    fn write(&self, outcome: &Outcome) -> Result<PathBuf, Failure> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Folder(folder) => folder.join(format!("{}.json", outcome.experiment.key)),
        };
        let text = outcome.to_json().map_err(|error| Failure::of(Exit::Bug, &error))?;
        write::output(&path, Text::Json(&text))?;
        Ok(path)
    }
}

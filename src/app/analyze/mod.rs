//! From the warehouse to outcomes.

mod changes;
mod hidden;
mod plans;
mod refusals;
mod releases;
mod repaired;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{AppError, NotNamed};
use trialbook_analysis::warehouse::{self, Cost, Embedded, Server, WarehouseError, Watched};
use trialbook_analysis::{AnalysisError, Outcome, Request};
use trialbook_model::{Book, ExperimentKey, ExperimentState, Warehouse};

pub use hidden::{Hidden, LeftOut, with_all_data};
pub use plans::{Launched, Plans};
pub use refusals::Refusals;
pub use releases::with_releases;
pub use verify::{Difference, NotVerifiable, Verified, Verifying, compared};

/// What came of analysing experiments.
#[derive(Debug)]
pub struct Analysis {
    /// What was analysed, in the order in which it was asked for. Paths are relative to the book.
    pub outcomes: Vec<Outcome>,
    /// What failed, in the same order.
    pub failures: Vec<(ExperimentKey, AnalysisError)>,
    /// What each query cost, in order, with what it was for where an outcome names it.
    pub costs: Vec<(Option<String>, Cost)>,
}

/// Returns the experiments that are named or, where none is, those that are not concluded and have begun.
///
/// # Errors
///
/// Where a name is no experiment, or none is named and nothing runs.
pub fn chosen(names: &[String], book: &Book, as_of: Timestamp) -> Result<Vec<ExperimentKey>, AppError> {
    if names.is_empty() {
        use ExperimentState::{Maturing, Overdue, Running};
        let active = book
            .experiments
            .values()
            .filter(|experiment| matches!(book.state_at(experiment, as_of), Running | Maturing | Overdue));
        let keys: Vec<_> = active.map(|experiment| experiment.key.clone()).collect();
        return if keys.is_empty() { Err(AppError::NothingRuns) } else { Ok(keys) };
    }
    let mut keys = Vec::new();
    for name in names {
        let Some((key, _)) = book.experiments.get_key_value(name.as_str()) else {
            return Err(AppError::NotNamed(NotNamed::Experiment(name.clone())));
        };
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

/// How long one query may take where the book does not say so.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Opens the book's warehouse, read-only. A time limit is used in place of the book's.
///
/// # Errors
///
/// Where the book has none, or one that cannot be opened.
pub fn open(
    book: &Book,
    root: &Path,
    time_limit: Option<Duration>,
) -> Result<Box<dyn warehouse::Warehouse>, AppError> {
    let warehouse = book.warehouse.as_ref().ok_or(AppError::NoWarehouse)?;
    let limits = warehouse.limits();
    let declared = limits.timeout.map(|timeout| Duration::from_secs(timeout.seconds().unsigned_abs()));
    let time_limit = time_limit.or(declared).unwrap_or(TIMEOUT);
    let opened = match warehouse {
        Warehouse::Duckdb { database, .. } => {
            let default = Embedded::new(root, database.as_deref());
            let memory_mib = limits.memory_mib.unwrap_or(default.memory_mib);
            let (threads, spill_mib) = (limits.threads, limits.spill_mib);
            Embedded { time_limit, memory_mib, threads, spill_mib, ..default }.open()
        }
        Warehouse::Postgres { uri_env, .. } => {
            server(uri_env, time_limit).and_then(|server| server.open_postgres())
        }
        Warehouse::Server { engine, uri_env, .. } => {
            server(uri_env, time_limit).and_then(|server| server.open(*engine))
        }
    };
    opened.map_err(AppError::Warehouse)
}

/// Returns the server whose address an environment variable holds.
fn server(variable: &str, time_limit: Duration) -> Result<Server, WarehouseError> {
    match std::env::var(variable) {
        Ok(uri) if !uri.is_empty() => Ok(Server { uri, variable: variable.to_owned(), time_limit }),
        _ => Err(WarehouseError::NoAddress { variable: variable.to_owned() }),
    }
}

/// Analyses each experiment by its plan: together where the head's plan holds, alone where it was changed.
///
/// What fails for all together is tried one by one, so that one experiment does not stop the others. The outcomes have
/// the rows of each query, and its time where `with_time` asks for it.
pub fn analyse(
    book: &Book,
    root: &Path,
    frozen: &BTreeMap<ExperimentKey, Launched>,
    warehouse: &dyn warehouse::Warehouse,
    request: &Request,
    with_time: bool,
    progress: &mut dyn FnMut(&str),
) -> Analysis {
    let metered = Watched::metered(warehouse);
    let (mut outcomes, failures) = each(book, frozen, &metered, request, progress);
    let broken: Vec<_> = outcomes.iter().filter(|one| one.split.is_some()).collect();
    if !broken.is_empty() {
        let experiments: Vec<_> = broken.iter().map(|outcome| outcome.experiment.key.clone()).collect();
        // Where git cannot be read, the search goes on without it: its result names what was compared.
        let changes =
            changes::since_start(root, book, &experiments, request.commit.as_deref()).unwrap_or_default();
        let experiments: Vec<_> = experiments.into_iter().filter(|key| changes.contains_key(key)).collect();
        if !experiments.is_empty() {
            let request = Request { experiments, changes, ..request.clone() };
            let (again, _) = each(book, frozen, &metered, &request, progress);
            for outcome in again {
                let same = |other: &&mut Outcome| other.experiment.key == outcome.experiment.key;
                if let Some(place) = outcomes.iter_mut().find(same) {
                    *place = outcome;
                }
            }
        }
    }
    let costs = metered.into_notes();
    for query in outcomes.iter_mut().flat_map(|outcome| &mut outcome.queries) {
        query.cost(&costs, with_time);
    }
    let name = |cost: &Cost| {
        let mut queries = outcomes.iter().flat_map(|outcome| &outcome.queries);
        queries.find(|query| query.sql == cost.sql).map(|query| query.name.clone())
    };
    let costs = costs.into_iter().map(|cost| (name(&cost), cost)).collect();
    let outcomes = outcomes.into_iter().map(|outcome| outcome.relative_to(root)).collect();
    Analysis { outcomes, failures, costs }
}

/// What a query is for, where an outcome names it, and its SQL.
pub type NamedQuery = (Option<String>, String);

/// Returns the queries that an analysis would run, in order, each with what it is for where an outcome would name it. The
/// warehouse is asked for columns alone: what would be asked of rows that are there may be missing.
pub fn queries(
    book: &Book,
    frozen: &BTreeMap<ExperimentKey, Launched>,
    warehouse: &dyn warehouse::Warehouse,
    request: &Request,
) -> (Vec<NamedQuery>, Vec<(ExperimentKey, AnalysisError)>) {
    let described = Watched::described(warehouse);
    let (outcomes, failures) = each(book, frozen, &described, request, &mut |_| {});
    let named = |sql: String| {
        let mut queries = outcomes.iter().flat_map(|outcome| &outcome.queries);
        (queries.find(|query| query.sql == sql).map(|query| query.name.clone()), sql)
    };
    (described.into_notes().into_iter().map(named).collect(), failures)
}

/// Analyses each experiment, and returns outcomes and failures in the order of the request.
fn each(
    book: &Book,
    frozen: &BTreeMap<ExperimentKey, Launched>,
    warehouse: &dyn warehouse::Warehouse,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> (Vec<Outcome>, Vec<(ExperimentKey, AnalysisError)>) {
    let mut analysed = |book: &Book, experiments: Vec<ExperimentKey>| {
        let request = Request { experiments, ..request.clone() };
        trialbook_analysis::analyse(book, warehouse, &request, progress)
    };
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    let together: Vec<_> =
        request.experiments.iter().filter(|key| !frozen.contains_key(*key)).cloned().collect();
    let mut alone = Vec::new();
    let found = if together.is_empty() { Ok(Vec::new()) } else { analysed(book, together.clone()) };
    match (found, together.as_slice()) {
        (Ok(found), _) => outcomes.extend(found),
        (Err(error), [only]) => failures.push((only.clone(), error)),
        (Err(_), _) => alone = together,
    }
    for key in alone {
        match analysed(book, vec![key.clone()]) {
            Ok(found) => outcomes.extend(found),
            Err(error) => failures.push((key, error)),
        }
    }
    // One that was left out stays out.
    for (key, launched) in frozen.iter().filter(|(key, _)| request.experiments.contains(key)) {
        let found = analysed(&launched.book, vec![key.clone()]);
        match found.and_then(|found| repaired::measured(found, launched, key, &mut analysed)) {
            Ok(found) => outcomes.extend(found),
            Err(error) => failures.push((key.clone(), error)),
        }
    }
    let order = |key: &ExperimentKey| request.experiments.iter().position(|other| other == key);
    outcomes.sort_by_key(|outcome| order(&outcome.experiment.key));
    failures.sort_by_key(|(key, _)| order(key));
    (outcomes, failures)
}

//! What git and the target record of the plans of experiments.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::app::AppError;
use trialbook_analysis::{Preregistration, PreregistrationStatus};
use trialbook_delivery::backend::{self, BackendError};
use trialbook_history::{self as history, Commit, Defaults, LiveLaunch, Registrar, Registration, Repository};
use trialbook_language::load::Loaded;
use trialbook_model::{
    Bearing, Book, Connection, Contents, ExperimentKey, ForcedVariant, Kind, Metric, MetricKey, PlanChange,
    Schedule, TargetKey,
};

/// A plan as it was launched.
pub struct Launched {
    /// The launched book, with what is read from the head.
    pub book: Book,
    /// The metrics that the book has repaired since: they stand in for launched ones that cannot be measured.
    pub repairs: Vec<Metric>,
}

/// What git and the target record about the plans.
pub struct Plans {
    /// The commit that is checked out.
    pub commit: Option<Commit>,
    /// The experiments' files.
    pub files: BTreeMap<ExperimentKey, String>,
    /// What is known of each plan.
    pub preregistrations: BTreeMap<ExperimentKey, Preregistration>,
    /// The launched plans of the experiments that were changed since.
    pub frozen: BTreeMap<ExperimentKey, Launched>,
    /// The target that could not be read, so that launches are not compared with it.
    pub unread: Option<(TargetKey, BackendError)>,
}

impl Plans {
    /// Reads them. What cannot be read of one experiment is reported with that one.
    ///
    /// # Errors
    ///
    /// Where the repository cannot be opened.
    pub fn read(
        root: &Path,
        loaded: &Loaded,
        book: &Book,
        keys: &[ExperimentKey],
        as_of: Timestamp,
    ) -> Result<Self, AppError> {
        let repository = Repository::of_book(root)?;
        let commit = repository.as_ref().map(Repository::head).transpose()?.flatten();
        let (live, unread) = match live_launches(root, book) {
            Ok(live) => (live, None),
            Err(unread) => (BTreeMap::new(), Some(unread)),
        };
        let mut registrar = Registrar::new(repository.as_ref(), live);
        let mut plans = Self {
            commit,
            files: BTreeMap::new(),
            preregistrations: BTreeMap::new(),
            frozen: BTreeMap::new(),
            unread,
        };
        for key in keys {
            let Some(experiment) = book.experiments.get(key) else { continue };
            if let Some(document) = loaded.documents.get(Kind::Experiment, key.as_str()) {
                plans.files.insert(key.clone(), document.file().path().to_owned());
            }
            let now = history::Preregistration::of(book, experiment).ok();
            let digest = now.as_ref().map(|plan| plan.digest().clone());
            let mut defaults = now.as_ref().map_or(Defaults::Current, |now| registrar.defaults(key, now));
            let preregistration = match registrar.registration(book, experiment, as_of) {
                Registration::Verified { launch, defaults: of_launch } => {
                    defaults = of_launch;
                    let digest = match defaults {
                        Defaults::Current => digest,
                        Defaults::Earlier => Some(launch.digest.clone()),
                    };
                    Preregistration {
                        digest,
                        status: PreregistrationStatus::Verified {
                            commit: launch.commit.as_str().to_owned(),
                            at: launch.effective_start,
                            changes: Vec::new(),
                        },
                    }
                }
                Registration::Changed { launch, frozen, changes } => {
                    let repairs = repairs(&frozen, book, key);
                    let launched = Launched { book: launched(*frozen, book, key, &changes), repairs };
                    plans.frozen.insert(key.clone(), launched);
                    // The launched book has been read with them.
                    defaults = Defaults::Current;
                    let allowed = changes.iter().all(|change| change.bearing == Bearing::Allowed);
                    let status = if allowed {
                        PreregistrationStatus::Verified {
                            commit: launch.commit.as_str().to_owned(),
                            at: launch.effective_start,
                            changes,
                        }
                    } else {
                        PreregistrationStatus::Deviates { changes }
                    };
                    Preregistration { digest: Some(launch.digest), status }
                }
                Registration::Unverified { doubts } => {
                    Preregistration { digest, status: PreregistrationStatus::Unverified { doubts } }
                }
                Registration::Contradicted { doubts } => {
                    Preregistration { digest, status: PreregistrationStatus::Contradicted { doubts } }
                }
            };
            if defaults == Defaults::Earlier {
                let book = defaults.applied(book, key);
                plans.frozen.insert(key.clone(), Launched { book, repairs: Vec::new() });
            }
            plans.preregistrations.insert(key.clone(), preregistration);
        }
        Ok(plans)
    }
}

/// Returns what the primary target records of launches, where it is a file that is here: an analysis needs no token of a back end.
fn live_launches(
    root: &Path,
    book: &Book,
) -> Result<BTreeMap<ExperimentKey, LiveLaunch>, (TargetKey, BackendError)> {
    let Some(declared) = book.primary_target() else { return Ok(BTreeMap::new()) };
    let Connection::Flagd { store, .. } = &declared.connection else { return Ok(BTreeMap::new()) };
    let is_here = store.strip_prefix("file://").is_some_and(|path| root.join(path).exists());
    if !is_here {
        return Ok(BTreeMap::new());
    }
    let live = backend::open(&book.name, declared, root).and_then(|target| target.read());
    let live = live.map_err(|error| (declared.key.clone(), error))?;
    let launches = live.flags.into_values().filter_map(|flag| flag.content.launches().cloned()).flatten();
    Ok(launches
        .map(|(key, launch)| {
            (key, LiveLaunch { start: launch.start, commit: launch.commit, digest: launch.digest })
        })
        .collect())
}

/// Returns the launched book with what is read from the head: where the data lie, the units of overrides, decisions, and an
/// allowed earlier end.
///
/// Where the head's sources do not fit the launched metrics, the launched ones stay.
fn launched(frozen: Book, head: &Book, key: &ExperimentKey, changes: &[PlanChange]) -> Book {
    let mut contents = Contents::from(frozen.clone());
    contents.sources = head.sources.clone();
    for (key, experiment) in &mut contents.experiments {
        if let Some(now) = head.experiments.get(key) {
            experiment.owner.clone_from(&now.owner);
            experiment.decision.clone_from(&now.decision);
            // They are no part of the plan. A segment's units are distinguished by what they were served, not by the analysis.
            let named = |forced: &&ForcedVariant| {
                forced.segment().is_none() && experiment.split.share(&forced.serve).is_some()
            };
            experiment.overrides = now.overrides.iter().filter(named).cloned().collect();
        }
    }
    let ends =
        changes.iter().filter(|change| change.bearing == Bearing::Allowed).find_map(|change| change.end);
    if let (Some(end), Some(experiment)) = (ends, contents.experiments.get_mut(key))
        && let Ok(schedule) = Schedule::new(experiment.schedule.start(), end.now)
    {
        experiment.schedule = schedule;
    }
    Book::new(contents).unwrap_or(frozen)
}

/// Returns the metrics of an experiment that the head defines otherwise than they were launched and declares to be repaired.
fn repairs(frozen: &Book, head: &Book, key: &ExperimentKey) -> Vec<Metric> {
    let Some(experiment) = frozen.experiments.get(key) else { return Vec::new() };
    let repaired = |metric: &MetricKey| {
        let (was, is) = (frozen.metrics.get(metric)?, head.metrics.get(metric)?);
        (is.repair.is_some() && was.repair != is.repair && was.measures_otherwise(is)).then(|| is.clone())
    };
    experiment.metrics.all().filter_map(repaired).collect()
}

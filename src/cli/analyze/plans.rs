//! What git and the target say of the plans of experiments.

use std::collections::BTreeMap;

use crate::cli::{Exit, Failure, Opened, Session};
use trialbook_analysis::{Preregistration, PreregistrationStatus};
use trialbook_delivery::target;
use trialbook_history::{
    self as history, Commit, HistoryError, LiveLaunch, Registrar, Registration, Repository,
};
use trialbook_model::{Backend, Book, Contents, ExperimentKey, Kind};

/// What git and the target say of the plans.
pub(super) struct Plans {
    pub commit: Option<Commit>,
    pub files: BTreeMap<ExperimentKey, String>,
    pub preregistrations: BTreeMap<ExperimentKey, Preregistration>,
    /// The launched plans of the experiments that were changed since.
    pub frozen: BTreeMap<ExperimentKey, Book>,
}

impl Plans {
    /// Reads them. What cannot be read of one experiment is reported with that one.
    pub(super) fn read(
        opened: &Opened,
        book: &Book,
        keys: &[ExperimentKey],
        session: &Session,
    ) -> Result<Self, Failure> {
        let git = |error: HistoryError| {
            let failure = Failure::of(Exit::Unreachable, &error);
            match error.help() {
                Some(help) => failure.help(help),
                None => failure,
            }
        };
        let repository = Repository::of_book(&opened.root).map_err(git)?;
        let commit = repository.as_ref().map(Repository::head).transpose().map_err(git)?.flatten();
        let mut registrar = Registrar::new(repository.as_ref(), live_launches(opened, book, session));
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
            let now = history::Preregistration::of(book, experiment).ok();
            let digest = now.map(|plan| plan.digest().clone());
            let preregistration = match registrar.registration(book, experiment) {
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

/// Returns what the primary target says of launches, where it is a file that is here: an analysis needs no token of a back end.
fn live_launches(opened: &Opened, book: &Book, session: &Session) -> BTreeMap<ExperimentKey, LiveLaunch> {
    let none = BTreeMap::new;
    let Some(declared) = book.primary_target() else { return none() };
    let Backend::Flagd { store, .. } = &declared.backend else { return none() };
    let Some(path) = store.strip_prefix("file://") else { return none() };
    if !opened.root.join(path).exists() {
        return none();
    }
    let live = target::open(&book.name, declared, &opened.root).and_then(|target| target.read());
    match live {
        Ok(live) => {
            let launches =
                live.flags.into_values().filter_map(|flag| flag.content.launches().cloned()).flatten();
            launches
                .map(|(key, launch)| (key, LiveLaunch { commit: launch.commit, digest: launch.digest }))
                .collect()
        }
        Err(error) => {
            session.say(format_args!(
                "the target `{}` cannot be read, so launches are not compared with it: {error}",
                declared.key
            ));
            none()
        }
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

//! Whether an experiment's plan is the one that was launched, by the launch's ref, its commit and the target.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::bearing::Compared;
use super::{Commit, Defaults, HistoryError, Launch, Preregistration, Repository};
use trialbook_language::load;
use trialbook_model::{Bearing, Book, Digest, Experiment, ExperimentKey, LaunchDoubt, PlanChange};

/// How many commits are tried in place of one that is not in this clone.
const STAND_INS: usize = 30;

/// What is known of an experiment's pre-registration.
#[derive(Debug, Clone)]
pub enum Registration {
    /// The plan is the one that was launched.
    Verified {
        /// The recorded launch.
        launch: Launch,
        /// The defaults with which the plan was launched: the analysis follows them.
        defaults: Defaults,
    },
    /// The book differs from the plan that was launched. Analysis follows the launched one.
    Changed {
        /// The recorded launch.
        launch: Launch,
        /// The book at the launch's commit, read with the defaults of the launch.
        frozen: Box<Book>,
        /// The parts that differ, and what each means for the result. They may all be allowed.
        changes: Vec<PlanChange>,
    },
    /// The records of the launch contradict each other or the book, so that nobody knows which plan was launched.
    Contradicted {
        /// How, and what else cannot be checked.
        doubts: Vec<LaunchDoubt>,
    },
    /// It is not known whether the plan was changed.
    Unverified {
        /// Why.
        doubts: Vec<LaunchDoubt>,
    },
}

/// What the primary target records of a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLaunch {
    /// The effective start.
    pub start: Timestamp,
    /// The commit that was applied.
    pub commit: Option<String>,
    /// The digest of the pre-registration.
    pub digest: Option<Digest>,
}

/// What launches are compared with. A book at a commit is read once for all experiments that were launched from it.
#[derive(Debug)]
pub struct Registrar<'a> {
    repository: Option<&'a Repository>,
    live: BTreeMap<ExperimentKey, LiveLaunch>,
    books: BTreeMap<Commit, Result<Option<Book>, LaunchDoubt>>,
}

impl<'a> Registrar<'a> {
    /// Compares with a repository and with the records of the primary target; with nothing where they are not known.
    pub fn new(repository: Option<&'a Repository>, live: BTreeMap<ExperimentKey, LiveLaunch>) -> Self {
        Self { repository, live, books: BTreeMap::new() }
    }

    /// Returns the defaults with which a plan was launched, by any record of it: also where that vouches for nothing, an upgrade
    /// must not change how an experiment is judged.
    pub fn defaults(&self, key: &ExperimentKey, plan: &Preregistration) -> Defaults {
        let recorded = self.repository.and_then(|repository| repository.launch(key).ok().flatten());
        let in_target = self.live.get(key).and_then(|live| live.digest.as_ref());
        let digests = recorded.as_ref().map(|launch| &launch.digest).into_iter().chain(in_target);
        digests.filter_map(|digest| plan.defaults_of(digest)).next().unwrap_or(Defaults::Current)
    }

    /// Finds out whether an experiment's plan is the one that was launched. Changes are weighed as of an instant.
    ///
    /// A ref is a claim: anybody who may push can write one. It holds where the book at its commit has its digest, where the commit
    /// was merged, and where the target agrees. What cannot be read is [`Registration::Unverified`], and what disagrees
    /// [`Registration::Contradicted`], for this experiment alone.
    ///
    /// A commit that is not here, as after a squash merge, is stood in for by one in the history of HEAD with the same digest, but
    /// only where the target confirms that digest: without it a ref could name a commit that nobody can look at.
    pub fn registration(&mut self, book: &Book, experiment: &Experiment, at: Timestamp) -> Registration {
        match self.checked(book, experiment, at) {
            Ok(registration) => registration,
            Err(doubts) if doubts.iter().any(LaunchDoubt::contradicts) => {
                Registration::Contradicted { doubts }
            }
            Err(doubts) => Registration::Unverified { doubts },
        }
    }

    fn checked(
        &mut self,
        book: &Book,
        experiment: &Experiment,
        at: Timestamp,
    ) -> Result<Registration, Vec<LaunchDoubt>> {
        let one = |doubt| vec![doubt];
        let repository = self.repository.ok_or_else(|| one(LaunchDoubt::NoRepository))?;
        let key = &experiment.key;
        let live = self.live.get(key).cloned();
        let now = Preregistration::of(book, experiment).map_err(|_| one(LaunchDoubt::NoDigest))?;
        let recorded = repository.launch(key);
        let recorded = recorded.map_err(|error| one(LaunchDoubt::RefUnreadable { cause: chain(&error) }))?;
        let (launch, by_ref) = match (recorded, &live) {
            (Some(launch), _) => (launch, true),
            (None, None) => return Err(one(LaunchDoubt::NotRecorded)),
            (None, Some(live)) => (live.as_launch(key).ok_or_else(|| one(LaunchDoubt::OnlyInTarget))?, false),
        };
        if !by_ref && let Some(defaults) = now.defaults_of(&launch.digest) {
            return Ok(Registration::Verified { launch, defaults });
        }
        // Without a ref, only what the target records and the book at that commit agree on may explain a difference.
        let other_plan =
            || LaunchDoubt::OtherPlan { target: launch.digest.clone(), book: now.digest().clone() };
        let commit = self.serving(repository, &launch, live.as_ref());
        let frozen = self.book_at(repository, &commit);
        let then = frozen.as_ref().map(|book| {
            let book = book.as_ref()?;
            Preregistration::of(book, book.experiments.get(key)?).ok()
        });
        let doubts = doubts(repository, &launch, &commit, live.as_ref(), &then)?;
        if !doubts.is_empty() {
            let first = (!by_ref).then(other_plan);
            return Err(first.into_iter().chain(doubts).collect());
        }
        if let Some(defaults) = now.defaults_of(&launch.digest) {
            return Ok(Registration::Verified { launch, defaults });
        }
        let no_experiment = || one(LaunchDoubt::NoExperiment { commit: launch.commit.as_str().to_owned() });
        let (Ok(Some(frozen)), Ok(Some(then))) = (frozen, &then) else { return Err(no_experiment()) };
        let old = frozen.experiments.get(key).ok_or_else(no_experiment)?;
        // Both sides are read with the defaults of the launch: what was left out then and is left out now is the same plan, and
        // so is what was left out then and is written out now.
        let defaults = then.defaults_of(&launch.digest).unwrap_or(Defaults::Current);
        let read = |book, experiment| {
            Preregistration::read_with(defaults, book, experiment).map_err(|_| one(LaunchDoubt::NoDigest))
        };
        let compared = Compared { launched: frozen, now: book, old, new: experiment, at };
        let changes = compared.changes(&read(frozen, old)?, &read(book, experiment)?);
        if changes.is_empty() {
            return Ok(Registration::Verified { launch, defaults });
        }
        if !by_ref && changes.iter().any(|change| change.bearing != Bearing::Allowed) {
            return Err(one(other_plan()));
        }
        Ok(Registration::Changed { launch, frozen: Box::new(defaults.applied(frozen, key)), changes })
    }

    /// Returns the launch's commit, or the one that stands in for it where it is not in this clone.
    fn serving(&mut self, repository: &Repository, launch: &Launch, live: Option<&LiveLaunch>) -> Commit {
        let confirmed = live.and_then(|live| live.digest.as_ref()) == Some(&launch.digest);
        if !confirmed || repository.has(&launch.commit) {
            return launch.commit.clone();
        }
        let has_it = |book: &Book| {
            let plan = Preregistration::of(book, book.experiments.get(&launch.experiment)?).ok()?;
            Some(plan.has_digest(&launch.digest))
        };
        let candidates = repository.book_commits(STAND_INS).unwrap_or_default();
        let found = candidates.into_iter().find(|commit| {
            let book = self.book_at(repository, commit).as_ref().ok().and_then(Option::as_ref);
            book.and_then(has_it) == Some(true)
        });
        found.unwrap_or_else(|| launch.commit.clone())
    }

    /// Returns the book at a commit; `None` where it has errors.
    fn book_at(&mut self, repository: &Repository, commit: &Commit) -> &Result<Option<Book>, LaunchDoubt> {
        self.books.entry(commit.clone()).or_insert_with(|| match repository.files_at(commit) {
            Ok(files) => Ok(load::load(files).book),
            Err(HistoryError::Git(error)) if error.code() == git2::ErrorCode::NotFound => {
                Err(LaunchDoubt::CommitMissing { commit: commit.as_str().to_owned() })
            }
            Err(error) => Err(LaunchDoubt::CommitUnreadable {
                commit: commit.as_str().to_owned(),
                cause: chain(&error),
            }),
        })
    }
}

impl LiveLaunch {
    /// Returns the launch as the target records it; `None` where it does not name the commit and the digest.
    fn as_launch(&self, key: &ExperimentKey) -> Option<Launch> {
        let commit = Commit::parse(self.commit.as_deref()?).ok()?;
        let digest = self.digest.clone()?;
        Some(Launch { experiment: key.clone(), commit, effective_start: self.start, digest })
    }
}

/// Returns everything that disagrees about a launch or cannot be read.
///
/// # Errors
///
/// Where nobody can find out whether its commit was merged.
fn doubts(
    repository: &Repository,
    launch: &Launch,
    commit: &Commit,
    live: Option<&LiveLaunch>,
    then: &Result<Option<Preregistration>, &LaunchDoubt>,
) -> Result<Vec<LaunchDoubt>, Vec<LaunchDoubt>> {
    let mut doubts: Vec<LaunchDoubt> = Vec::new();
    let named = || launch.commit.as_str().to_owned();
    match then {
        Err(doubt) => doubts.push((*doubt).clone()),
        Ok(None) => doubts.push(LaunchDoubt::NoExperiment { commit: named() }),
        Ok(Some(then)) if !then.has_digest(&launch.digest) => {
            doubts.push(LaunchDoubt::RefAndCommitDiffer {
                recorded: launch.digest.clone(),
                commit: named(),
                committed: then.digest().clone(),
            });
        }
        Ok(Some(_)) => {}
    }
    if then.is_ok() && !merged(repository, commit).map_err(|doubt| vec![doubt])? {
        doubts.push(LaunchDoubt::NotMerged { commit: named() });
    }
    if let Some(live) = live {
        doubts.extend(disagreement(launch, live, then.as_ref().ok().and_then(Option::as_ref)));
    }
    Ok(doubts)
}

fn merged(repository: &Repository, commit: &Commit) -> Result<bool, LaunchDoubt> {
    let unknown = |error: HistoryError| LaunchDoubt::MergeUnknown {
        commit: commit.as_str().to_owned(),
        cause: chain(&error),
    };
    let merged = repository.is_merged(commit).map_err(unknown)?;
    if !merged && repository.is_shallow() {
        return Err(unknown(HistoryError::Shallow("HEAD".to_owned())));
    }
    Ok(merged)
}

/// Returns how the ref and the target disagree. The target may hold the digest in the form that was recorded before.
fn disagreement(launch: &Launch, live: &LiveLaunch, then: Option<&Preregistration>) -> Option<LaunchDoubt> {
    let same = |digest: &Digest| {
        *digest == launch.digest
            || then.is_some_and(|then| then.has_digest(digest) && then.has_digest(&launch.digest))
    };
    if let Some(digest) = live.digest.as_ref().filter(|digest| !same(digest)) {
        return Some(LaunchDoubt::RefAndTargetDiffer {
            recorded: launch.digest.clone(),
            target: digest.clone(),
        });
    }
    let commit = live.commit.as_deref().filter(|commit| *commit != launch.commit.as_str())?;
    // A target is untrusted: of what it calls a commit only what an id could hold is kept.
    let target = commit.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    Some(LaunchDoubt::CommitsDiffer { recorded: launch.commit.as_str().to_owned(), target })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

//! Whether an experiment's plan is the one that was launched, by what the launch's ref, its commit and the target say.

use std::collections::BTreeMap;

use super::{Commit, HistoryError, Launch, Preregistration, Repository};
use trialbook_language::load;
use trialbook_model::{Book, Digest, Experiment, ExperimentKey};

/// What is known of an experiment's pre-registration.
#[derive(Debug, Clone)]
pub enum Registration {
    /// The plan is the one that was launched.
    Verified {
        /// The recorded launch.
        launch: Launch,
    },
    /// The plan was changed after launch. Analysis follows the one that was launched.
    Deviates {
        /// The recorded launch.
        launch: Launch,
        /// The book at the launch's commit.
        frozen: Box<Book>,
        /// The parts that differ, by name.
        changed: Vec<String>,
    },
    /// It is not known whether the plan was changed.
    Unverified {
        /// Why, as a sentence without a full stop.
        reason: String,
    },
}

/// What the primary target says of a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLaunch {
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
    books: BTreeMap<Commit, Result<Option<Book>, String>>,
}

impl<'a> Registrar<'a> {
    /// Compares with a repository and with what the primary target says; with nothing where that is not known.
    pub fn new(repository: Option<&'a Repository>, live: BTreeMap<ExperimentKey, LiveLaunch>) -> Self {
        Self { repository, live, books: BTreeMap::new() }
    }

    /// Finds out whether an experiment's plan is the one that was launched.
    ///
    /// A ref is a claim: anybody who may push can write one. It holds where the book at its commit has its digest, where the commit
    /// was merged, and where the target says the same. What cannot be read is [`Registration::Unverified`], for this experiment alone.
    pub fn registration(&mut self, book: &Book, experiment: &Experiment) -> Registration {
        match self.checked(book, experiment) {
            Ok(registration) => registration,
            Err(reason) => Registration::Unverified { reason },
        }
    }

    fn checked(&mut self, book: &Book, experiment: &Experiment) -> Result<Registration, String> {
        let repository = self.repository.ok_or("the book is not in a git repository")?;
        let key = &experiment.key;
        let live = self.live.get(key).cloned();
        let Some(launch) = repository.launch(key).map_err(|error| chain(&error))? else {
            return Err(match live {
                Some(_) => format!(
                    "the target says that {key} was launched, and no launch is recorded in this clone"
                ),
                None => format!("no launch of {key} is recorded in this clone"),
            });
        };
        let now = Preregistration::of(book, experiment)
            .map_err(|_| "the plan has a value that cannot be digested")?;
        let frozen = self.book_at(repository, &launch.commit);
        let then = frozen.as_ref().map(|book| {
            let book = book.as_ref()?;
            Preregistration::of(book, book.experiments.get(key)?).ok()
        });
        let mut wrong: Vec<String> = Vec::new();
        match &then {
            Err(error) => wrong.push((*error).clone()),
            Ok(None) => wrong.push(format!(
                "the launch ref names commit {}, and the book there has no valid experiment {key}",
                launch.commit.short()
            )),
            Ok(Some(then)) if !then.has_digest(&launch.digest) => wrong.push(format!(
                "the launch ref and its commit disagree: the ref has digest {}, the book at {} has {}",
                launch.digest.short(),
                launch.commit.short(),
                then.digest().short()
            )),
            Ok(Some(_)) => {}
        }
        if then.is_ok() && !merged(repository, &launch.commit)? {
            wrong.push(format!(
                "the launch ref names commit {}, which is not in the history of HEAD",
                launch.commit.short()
            ));
        }
        if let Some(live) = live {
            wrong.extend(disagreement(&launch, &live, then.as_ref().ok().and_then(Option::as_ref)));
        }
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        if now.has_digest(&launch.digest) {
            return Ok(Registration::Verified { launch });
        }
        let (Ok(Some(frozen)), Ok(Some(then))) = (frozen, &then) else {
            return Err("the book at its launch cannot be read".to_owned());
        };
        let changed = then.differences(&now);
        if changed.is_empty() {
            return Ok(Registration::Verified { launch });
        }
        Ok(Registration::Deviates { launch, frozen: Box::new(frozen.clone()), changed })
    }

    /// Returns the book at a commit; `None` where it has errors.
    fn book_at(&mut self, repository: &Repository, commit: &Commit) -> &Result<Option<Book>, String> {
        self.books.entry(commit.clone()).or_insert_with(|| match repository.files_at(commit) {
            Ok(files) => Ok(load::load(files).book),
            Err(HistoryError::Git(error)) if error.code() == git2::ErrorCode::NotFound => {
                Err(format!("the commit of its launch ({}) is not in this clone", commit.short()))
            }
            Err(error) => Err(format!(
                "the commit of its launch ({}) cannot be read: {}",
                commit.short(),
                chain(&error)
            )),
        })
    }
}

fn merged(repository: &Repository, commit: &Commit) -> Result<bool, String> {
    let failed = |error: HistoryError| {
        format!(
            "cannot check whether the commit of its launch ({}) was merged: {}",
            commit.short(),
            chain(&error)
        )
    };
    let merged = repository.is_merged(commit).map_err(failed)?;
    if !merged && repository.is_shallow() {
        return Err(failed(HistoryError::Shallow("HEAD".to_owned())));
    }
    Ok(merged)
}

/// Returns how the ref and the target disagree. The target may hold the digest in the form that was recorded before.
fn disagreement(launch: &Launch, live: &LiveLaunch, then: Option<&Preregistration>) -> Option<String> {
    let same = |digest: &Digest| {
        *digest == launch.digest
            || then.is_some_and(|then| then.has_digest(digest) && then.has_digest(&launch.digest))
    };
    if let Some(digest) = live.digest.as_ref().filter(|digest| !same(digest)) {
        return Some(format!(
            "the launch ref and the target disagree: the ref has digest {}, the target {}",
            launch.digest.short(),
            digest.short()
        ));
    }
    let commit = live.commit.as_deref().filter(|commit| *commit != launch.commit.as_str())?;
    let shown: String = commit.chars().filter(char::is_ascii_alphanumeric).take(7).collect();
    Some(format!(
        "the launch ref and the target disagree: the ref names commit {}, the target {shown}",
        launch.commit.short()
    ))
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

//! What git knows about what a target served: launches, the last apply, and what would be undone.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::AppError;
use super::plan::Prepared;
use trialbook_delivery::plan::{
    Launch, Live, LiveContent, Past, Relation, Rollback, State, Undone, Unreadable, desired,
};
use trialbook_history::{Commit, Descent, HistoryError, LaunchError, Preregistration, Repository};
use trialbook_language::load;
use trialbook_model::allocation::Approvals;
use trialbook_model::{Book, ExperimentKey, FlagKey};

/// How many of the commits are named that an older book would undo.
const UNDONE: usize = 5;

/// Finds out what git knows about what a target serves and should serve.
///
/// # Errors
///
/// Where git cannot be read at all. A launch that cannot be read concerns its own experiment alone.
pub(super) fn past(
    prepared: &Prepared<'_>,
    live: &Live,
    wanted: &State,
    now: Timestamp,
    uncommitted: bool,
) -> Result<Past, AppError> {
    let Some(repository) = &prepared.repository else {
        let rollback = live.applied.as_ref().and_then(|applied| applied.commit.clone());
        let rollback =
            rollback.map(|live| Rollback { live, relation: Relation::Unknown, undone: Vec::new() });
        return Ok(Past { rollback, ..Past::default() });
    };
    let mut past = Past { uncommitted, ..Past::default() };
    let mut books = Books { prepared, repository, read: BTreeMap::new() };
    if prepared.declared.primary {
        launches(&mut books, live, wanted, now, &mut past)?;
    }
    let lost = |key: &FlagKey| match live.flags.get(key.as_str()).map(|flag| &flag.content) {
        None | Some(LiveContent::Drifted { .. }) => true,
        Some(LiveContent::Ours(_) | LiveContent::Foreign { .. }) => false,
    };
    let applied = live.applied.as_ref().and_then(|applied| Some((applied, applied.commit.as_ref()?)));
    let Some((applied, commit)) = applied else { return Ok(past) };
    let Ok(commit) = Commit::parse(commit) else {
        past.rollback = Some(unknown(commit));
        return Ok(past);
    };
    if wanted.flags.keys().any(lost) {
        past.state = books.state(&commit, applied.at, &Approvals::Of(live.approvals(applied.at)));
    }
    past.rollback = rollback(repository, &commit)?;
    Ok(past)
}

/// Reads what is recorded of the experiments that are wanted.
fn launches(
    books: &mut Books<'_>,
    live: &Live,
    wanted: &State,
    now: Timestamp,
    past: &mut Past,
) -> Result<(), AppError> {
    let passed = live.applied.as_ref().map_or(now, |applied| applied.at.max(now));
    for (flag, state) in &wanted.flags {
        let content = live.flags.get(flag.as_str()).map(|flag| &flag.content);
        for key in state.experiments().map(|branch| &branch.key) {
            let in_target = content.and_then(LiveContent::launches).and_then(|launches| launches.get(key));
            let recorded = match books.repository.launch(key) {
                Ok(Some(recorded)) if in_target.is_none() => match books.recorded(flag, &recorded) {
                    Ok(launch) => Some(launch),
                    Err(reason) => {
                        past.unreadable.insert(key.clone(), reason);
                        None
                    }
                },
                Ok(_) => None,
                Err(LaunchError::History(error)) => return Err(error.into()),
                Err(LaunchError::Form(_) | LaunchError::Broken(_)) if in_target.is_some() => None,
                Err(LaunchError::Form(name)) => {
                    past.unreadable.insert(key.clone(), Unreadable::Ref { name });
                    None
                }
                Err(LaunchError::Broken(file)) => {
                    let name = file.display().to_string();
                    past.unreadable.insert(key.clone(), Unreadable::Ref { name });
                    None
                }
            };
            let launch = in_target.or(recorded.as_ref());
            if launch
                .is_some_and(|launch| launch.start > passed && is_edited(books.prepared.book, key, launch))
            {
                past.edited.insert(key.clone());
            }
            past.launches.extend(recorded.map(|launch| (key.clone(), launch)));
        }
    }
    Ok(())
}

/// Tells whether the plan of an experiment is another than the recorded one.
fn is_edited(book: &Book, key: &ExperimentKey, launch: &Launch) -> bool {
    let registration = book.experiments.get(key).map(|experiment| Preregistration::of(book, experiment));
    match (registration, &launch.digest) {
        (Some(Ok(registration)), Some(digest)) => !registration.has_digest(digest),
        _ => false,
    }
}

/// The book at the commits that matter.
struct Books<'a> {
    prepared: &'a Prepared<'a>,
    repository: &'a Repository,
    /// `None` where the commit is not in this clone, or its book has errors.
    read: BTreeMap<Commit, Option<Book>>,
}

impl Books<'_> {
    fn at(&mut self, commit: &Commit) -> Option<&Book> {
        let repository = self.repository;
        let read = || load::load(repository.files_at(commit).ok()?).book;
        self.read.entry(commit.clone()).or_insert_with(read).as_ref()
    }

    /// Returns what the book wanted served at a commit.
    fn state(&mut self, commit: &Commit, at: Timestamp, approvals: &Approvals) -> Option<State> {
        let target = self.prepared.declared.key.clone();
        self.at(commit).map(|book| desired(&book.in_target(&target), at, approvals))
    }

    /// Returns a launch by its ref, with what the book of its commit drew.
    ///
    /// # Errors
    ///
    /// Where the commit is not here or is not what was launched.
    fn recorded(&mut self, flag: &FlagKey, launch: &trialbook_history::Launch) -> Result<Launch, Unreadable> {
        let (key, commit) = (&launch.experiment, &launch.commit);
        let id = || commit.as_str().to_owned();
        let book = self.at(commit).ok_or_else(|| Unreadable::Commit { commit: id() })?;
        let registration = book.experiments.get(key).map(|experiment| Preregistration::of(book, experiment));
        if !matches!(registration, Some(Ok(plan)) if plan.has_digest(&launch.digest)) {
            return Err(Unreadable::Digest { commit: id() });
        }
        let state = self.state(commit, launch.effective_start, &Approvals::default());
        let drawn = state.as_ref().and_then(|state| state.flags.get(flag)).and_then(|flag| flag.draws(key));
        Ok(Launch {
            start: launch.effective_start,
            commit: Some(commit.as_str().to_owned()),
            digest: Some(launch.digest.clone()),
            drawn,
        })
    }
}

/// A book whose relation to what is served is unknown.
fn unknown(live: &str) -> Rollback {
    Rollback { live: live.to_owned(), relation: Relation::Unknown, undone: Vec::new() }
}

/// Returns what applying the book undoes; `None` where it descends from what is served.
fn rollback(repository: &Repository, live: &Commit) -> Result<Option<Rollback>, HistoryError> {
    // Without a commit nothing descends from what is served.
    let Some(head) = repository.head()? else { return Ok(Some(unknown(live.as_str()))) };
    let relation = match repository.descent(&head, live)? {
        Descent::Descends => return Ok(None),
        Descent::Older => Relation::Older,
        Descent::Diverged => Relation::Diverged,
        Descent::Unknown => Relation::Unknown,
    };
    let undone = match relation {
        Relation::Unknown => Vec::new(),
        Relation::Older | Relation::Diverged => repository.commits_between(&head, live, UNDONE)?,
    };
    let undone = undone.into_iter().map(|one| Undone {
        commit: one.commit.as_str().to_owned(),
        subject: one.text.chars().take(100).collect(),
    });
    Ok(Some(Rollback { live: live.as_str().to_owned(), relation, undone: undone.collect() }))
}

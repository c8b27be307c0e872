//! Why a unit was served a variant at an instant: what decided, since which commit or date, and what changed since.

mod given;
mod history;

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::status::LaunchRecord;
use super::{AppError, NotNamed};
use given::{Decider, at};
use history::Books;
pub(super) use history::concerning;
use trialbook_history::{Described, Repository};
use trialbook_language::load::Loaded;
use trialbook_model::resolve::Reason;
use trialbook_model::{Book, ExperimentKey, FlagKey, VariantKey};

pub use given::{Passed, PassedBecause};

/// What is asked.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The unit's id.
    pub unit: &'a str,
    /// What else is known of it: the attributes of its evaluation context.
    pub context: &'a Map<String, Value>,
    /// The instant that is asked about.
    pub at: Timestamp,
    /// Until when changes are listed.
    pub until: Timestamp,
}

/// Why a unit is served what it is. Serialised, it is what `trialbook why --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The version of this shape.
    pub version: u32,
    /// The book's name.
    pub book: String,
    /// The IANA time zone in which its dates begin.
    pub timezone: String,
    /// Its repository on GitHub, where the book names it.
    pub repository: Option<String>,
    /// The unit's id.
    pub unit: String,
    /// The flag.
    pub flag: FlagKey,
    /// The instant that is asked about.
    pub at: Timestamp,
    /// Until when changes are listed.
    pub until: Timestamp,
    /// What the unit was served then; `None` where the history does not reach back to it.
    pub answer: Option<Period>,
    /// What it was served afterwards, in the order of time: each change with what caused it.
    pub changes: Vec<Period>,
    /// Commits whose book has errors: nothing is applied from them, so that what was before goes on.
    pub broken: Vec<Described>,
    /// Whether the history that was looked at is whole.
    pub complete: bool,
    /// Whether the book has edits that are not committed: they are not looked at.
    pub uncommitted: bool,
    /// Whether a rollout of the flag waits for approvals, of which git knows nothing: its first step is assumed.
    pub unknown_approvals: bool,
}

/// What a unit is served from some instant on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Period {
    /// From when on; `None` where the book is not in a git repository: since ever.
    pub since: Option<Timestamp>,
    /// What brought it.
    pub cause: Cause,
    /// What is served.
    #[serde(flatten)]
    pub given: Given,
}

/// What brought a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// A commit of the book.
    Commit(Described),
    /// A date of the book has come: a start, an end, a step.
    Schedule {
        /// The commit whose book has the date.
        book: Box<Described>,
    },
    /// The files as they are: the book is not in a git repository, or has no commit.
    Files,
}

/// What a unit is served.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "given", rename_all = "kebab-case")]
pub enum Given {
    /// A variant.
    Variant(Box<Served>),
    /// The book has no such flag, or has archived it.
    NoFlag,
}

/// A variant that is served, and what decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Served {
    /// The variant.
    pub variant: VariantKey,
    /// The entry that a target serves: the variant, or `EXPERIMENT.VARIANT`.
    pub served: String,
    /// The value.
    pub value: Value,
    /// What decided.
    pub reason: Reason,
    /// The experiment, the rollout or the holdout that decided; of an override its experiment.
    pub source: Option<String>,
    /// The number of the rule that decided, from 1.
    pub rule: Option<usize>,
    /// The unit's bucket in the draw that decided.
    pub bucket: Option<u32>,
    /// What is asked earlier and did not serve the unit.
    pub passed: Vec<Passed>,
    /// The last commit until then that touched the file of what decided.
    pub written: Option<Described>,
    /// Where an experiment decided: what git records of its launch.
    pub launch: Option<LaunchRecord>,
}

/// The experiments that a unit is in. Serialised, it is what `trialbook why UNIT --experiments --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Enrolments {
    /// The version of this shape.
    pub version: u32,
    /// The book's name.
    pub book: String,
    /// The IANA time zone in which its dates begin.
    pub timezone: String,
    /// The unit's id.
    pub unit: String,
    /// The instant.
    pub at: Timestamp,
    /// The commit whose book is asked; `None` where the files are.
    pub commit: Option<Described>,
    /// The experiments, by flag.
    pub experiments: Vec<Enrolment>,
}

/// An experiment that a unit is in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Enrolment {
    /// Which.
    pub experiment: ExperimentKey,
    /// What people call it.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Its flag.
    pub flag: FlagKey,
    /// The unit's variant.
    pub variant: VariantKey,
    /// The unit's bucket.
    pub bucket: Option<u32>,
    /// What git records of its launch.
    pub launch: LaunchRecord,
}

impl Explained {
    /// The version of the shape.
    pub const VERSION: u32 = 1;
}

/// Explains what a unit is served of a flag, from the history of the book's main line.
///
/// A commit counts from when it was made, in the order of the main line; an apply may have followed later.
///
/// # Errors
///
/// Where git cannot be read, or the book never had the flag.
pub fn explain(
    root: &Path,
    loaded: &Loaded,
    book: &Book,
    flag: &str,
    asked: &Asked<'_>,
) -> Result<Explained, AppError> {
    let unknown = || AppError::NotNamed(NotNamed::Flag(flag.to_owned()));
    let key = FlagKey::new(flag).map_err(|_| unknown())?;
    let repository = Repository::of_book(root)?;
    let books = Books::of_flag(repository.as_ref(), &key)?;
    let mut periods: Vec<Period> = Vec::new();
    let mut unknown_approvals = false;
    let mut passed_then = Vec::new();
    books.each(loaded, |one| {
        let Some(target_book) = one.loaded.book.as_ref() else { return };
        let until = one.until.unwrap_or(asked.until.max(asked.at));
        unknown_approvals |= target_book.rollouts_of(&key).any(trialbook_model::Rollout::is_guarded);
        let then =
            one.since.is_none_or(|since| since <= asked.at) && one.until.is_none_or(|until| asked.at < until);
        if let (true, Given::Variant(served)) = (then, at(target_book, &key, asked, asked.at)) {
            // What is asked before it may change without changing the answer.
            passed_then = served.passed;
        }
        for instant in given::instants(target_book, &key, one.since, until, asked) {
            let mut given = at(target_book, &key, asked, instant);
            let same = |before: &Period| is_same(&before.given, &given);
            if periods.last().is_some_and(same) {
                continue;
            }
            if let Given::Variant(served) = &mut given {
                let decider = Decider::of(served, &key);
                served.written = one
                    .loaded
                    .documents
                    .path_of(decider.kind, &decider.key)
                    .and_then(|path| books.last_touching(path, one.position));
                served.launch = decider.experiment().map(|key| launch_of(repository.as_ref(), &key));
            }
            let cause = match one.commit {
                None => Cause::Files,
                Some(commit) if Some(instant) == one.since => Cause::Commit(commit.clone()),
                Some(commit) => Cause::Schedule { book: Box::new(commit.clone()) },
            };
            // The files say nothing of what was before them.
            let since = Some(instant).filter(|_| one.commit.is_some() || !periods.is_empty());
            periods.push(Period { since, cause, given });
        }
    })?;
    if periods.iter().all(|period| period.given == Given::NoFlag) {
        return Err(unknown());
    }
    let after = periods.partition_point(|period| period.since.is_none_or(|since| since <= asked.at));
    let mut changes = periods.split_off(after);
    changes.retain(|period| period.since.is_some_and(|since| since <= asked.until));
    let mut answer = periods.pop();
    if let Some(Period { given: Given::Variant(served), .. }) = &mut answer {
        served.passed = passed_then;
    }
    Ok(Explained {
        version: Explained::VERSION,
        book: book.name.clone(),
        timezone: book.timezone.clone(),
        repository: book.github.as_ref().map(|github| github.repository.clone()),
        unit: asked.unit.to_owned(),
        flag: key,
        at: asked.at,
        until: asked.until,
        answer,
        changes,
        broken: books.broken(),
        complete: books.complete,
        uncommitted: repository.as_ref().is_some_and(|git| git.book_is_edited().unwrap_or(true)),
        unknown_approvals,
    })
}

/// Tells whether two answers are the same to the unit and for the same reason, wherever their files were touched.
fn is_same(before: &Given, after: &Given) -> bool {
    match (before, after) {
        (Given::NoFlag, Given::NoFlag) => true,
        (Given::Variant(a), Given::Variant(b)) => {
            a.variant == b.variant
                && a.served == b.served
                && a.value == b.value
                && a.reason == b.reason
                && a.source == b.source
                && a.rule == b.rule
        }
        _ => false,
    }
}

fn launch_of(repository: Option<&Repository>, key: &ExperimentKey) -> LaunchRecord {
    let Some(repository) = repository else { return LaunchRecord::NoRepository };
    LaunchRecord::of(repository.launch(key))
}

/// Returns every experiment that a unit is in at an instant, by the book of the main line at that time.
///
/// # Errors
///
/// Where git cannot be read, or its history does not reach back to the instant.
pub fn enrolments(root: &Path, book: &Book, asked: &Asked<'_>) -> Result<Enrolments, AppError> {
    let repository = Repository::of_book(root)?;
    let then = match &repository {
        Some(git) if git.head()?.is_some() => {
            Some(history::book_at(git, asked.at)?.ok_or(AppError::NoBookThen)?)
        }
        _ => None,
    };
    let (commit, then) = match &then {
        Some((commit, then)) => (Some(commit.clone()), then),
        None => (None, book),
    };
    let mut experiments = Vec::new();
    given::each(then, asked, |book, resolution| {
        let source = resolution.source.filter(|_| resolution.reason == Reason::Experiment);
        if let Some(experiment) = source.and_then(|source| book.experiments.get(source)) {
            experiments.push(Enrolment {
                experiment: experiment.key.clone(),
                title: experiment.title.clone(),
                owner: experiment.owner.clone(),
                flag: resolution.flag.clone(),
                variant: resolution.variant.clone(),
                bucket: resolution.bucket,
                launch: launch_of(repository.as_ref(), &experiment.key),
            });
        }
    });
    Ok(Enrolments {
        version: Explained::VERSION,
        book: then.name.clone(),
        timezone: then.timezone.clone(),
        unit: asked.unit.to_owned(),
        at: asked.at,
        commit,
        experiments,
    })
}

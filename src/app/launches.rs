//! Recording launches as git refs, after the target has them.

use jiff::Timestamp;

use super::AppError;
use super::plan::Prepared;
use trialbook_delivery::backend::Reference;
use trialbook_delivery::plan::{self, Changes, Live};
use trialbook_history::{Commit, HistoryError, Launch, LaunchError, Repository};
use trialbook_model::ExperimentKey;

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The launches of these experiments, new or in place of one that had not begun.
    Launches(Vec<ExperimentKey>),
    /// Nothing, because the book is not in a git repository: launches are in the target only.
    NoRepository,
}

/// Launches that the target has and git does not.
#[derive(Debug)]
pub struct NotRecorded {
    /// Which, each with the reason; never empty.
    pub launches: Vec<(ExperimentKey, RecordError)>,
}

/// Why a launch was not recorded.
#[derive(Debug)]
pub enum RecordError {
    /// The target names something that is no commit.
    Commit(HistoryError),
    /// Git could not be read or written, or the ref is not one of trialbook's.
    Git(LaunchError),
    /// Git has another launch of the experiment, which is left as it is.
    Other {
        /// What git has.
        found: Box<Launch>,
        /// What the target has.
        live: Box<Launch>,
    },
}

/// Records the launches that the target knows and git does not: those of this apply, and those of an earlier one that was
/// cut off between the two. A ref of an experiment that had not begun is replaced.
///
/// # Errors
///
/// Where some cannot be recorded, each with its name, after all others are.
pub fn record(prepared: &Prepared<'_>, live: &Live, now: Timestamp) -> Result<Recorded, NotRecorded> {
    if !prepared.declared.primary {
        return Ok(Recorded::Launches(Vec::new()));
    }
    let launches = live.flags.values().filter_map(|flag| flag.content.launches()).flatten();
    let Some(repository) = &prepared.repository else {
        let none = launches.count() == 0;
        return Ok(if none { Recorded::Launches(Vec::new()) } else { Recorded::NoRepository });
    };
    // A start after the last apply was to come when that apply wrote it.
    let written = live.applied.as_ref().map_or(now, |applied| applied.at);
    let (mut recorded, mut failed) = (Vec::new(), Vec::new());
    for (key, launch) in launches {
        match record_one(repository, key, launch, written) {
            Ok(true) => recorded.push(key.clone()),
            Ok(false) => {}
            Err(error) => failed.push((key.clone(), error)),
        }
    }
    if failed.is_empty() { Ok(Recorded::Launches(recorded)) } else { Err(NotRecorded { launches: failed }) }
}

/// Returns the refs of the launches that a write brings with it, for a target that takes them along in the same step. Their
/// objects are in the clone then.
///
/// # Errors
///
/// Where git cannot be read or written, before anything is written to the target.
pub(super) fn references(
    prepared: &Prepared<'_>,
    live: &Live,
    changes: &Changes,
    now: Timestamp,
) -> Result<Vec<Reference>, AppError> {
    let repository = match &prepared.repository {
        Some(repository) if prepared.declared.primary => repository,
        _ => return Ok(Vec::new()),
    };
    let written = live.applied.as_ref().map_or(now, |applied| applied.at);
    let mut references = Vec::new();
    for (key, launch) in changes.put.values().flat_map(|flag| &flag.launches) {
        let failed = |error| AppError::NotRecorded(NotRecorded { launches: vec![(key.clone(), error)] });
        let Some(wanted) = recordable(key, launch).map_err(failed)? else { continue };
        let found = repository.launch(key).map_err(|error| failed(RecordError::Git(error)))?;
        // Another launch that has begun is left as it is: recording it after the write says so.
        if found.as_ref().is_some_and(|found| *found != wanted && found.effective_start <= written) {
            continue;
        }
        let replaces = found.and_then(|_| repository.launch_id(key));
        let object = repository.launch_object(&wanted);
        let (name, id) = object.map_err(|error| failed(RecordError::Git(error)))?;
        references.push(Reference { name, id, replaces });
    }
    Ok(references)
}

/// Returns a launch as git records it; `None` where the target does not say which commit it is of.
fn recordable(key: &ExperimentKey, launch: &plan::Launch) -> Result<Option<Launch>, RecordError> {
    let (Some(commit), Some(digest)) = (&launch.commit, &launch.digest) else { return Ok(None) };
    let commit = Commit::parse(commit).map_err(RecordError::Commit)?;
    let (experiment, effective_start, digest) = (key.clone(), launch.start, digest.clone());
    Ok(Some(Launch { experiment, commit, effective_start, digest }))
}

/// Records one launch; returns whether anything was written.
fn record_one(
    repository: &Repository,
    key: &ExperimentKey,
    launch: &plan::Launch,
    written: Timestamp,
) -> Result<bool, RecordError> {
    let Some(live) = recordable(key, launch)? else { return Ok(false) };
    match repository.launch(key).map_err(RecordError::Git)? {
        None => repository.record_launch(&live).map_err(RecordError::Git),
        Some(found) if found == live => Ok(false),
        Some(found) if found.effective_start > written => {
            repository.replace_launch(&live).map_err(RecordError::Git)?;
            Ok(true)
        }
        Some(found) => Err(RecordError::Other { found: Box::new(found), live: Box::new(live) }),
    }
}

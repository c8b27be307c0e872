//! Recording launches as git refs, after the target has them.

use jiff::Timestamp;

use super::prepared::{Prepared, history_failure};
use super::{Exit, Failure, Session};
use trialbook_delivery::plan::{self, Live};
use trialbook_history::{Commit, Launch, LaunchError, Repository};
use trialbook_model::ExperimentKey;

/// Records the launches that the target knows and git does not: those of this apply, and those of an earlier one that was
/// cut off between the two. A ref of an experiment that had not begun is replaced.
///
/// # Errors
///
/// Where some cannot be recorded, each with its name, after all others are.
pub(super) fn record(
    prepared: &Prepared<'_>,
    live: &Live,
    now: Timestamp,
    session: &Session,
) -> Result<(), Failure> {
    if !prepared.declared.primary {
        return Ok(());
    }
    let launches = live.flags.values().filter_map(|flag| flag.content.launches()).flatten();
    let Some(repository) = &prepared.repository else {
        if launches.count() > 0 {
            session.say("The book is not in a git repository: launches are recorded in the target only.");
        }
        return Ok(());
    };
    // A start after the last apply was to come when that apply wrote it.
    let written = live.applied.as_ref().map_or(now, |applied| applied.at);
    let mut failed = Vec::new();
    for (key, launch) in launches {
        match record_one(repository, key, launch, written) {
            Ok(true) if session.verbose() => session.say(format_args!("Recorded the launch of {key}.")),
            Ok(_) => {}
            Err(failure) => failed.push((key, failure)),
        }
    }
    let others: Vec<String> = failed.iter().skip(1).map(|(key, _)| format!("`{key}`")).collect();
    let Some((key, failure)) = failed.into_iter().next() else { return Ok(()) };
    let message = if others.is_empty() {
        format!("the launch of `{key}` is not recorded in git")
    } else {
        format!("the launches of `{key}`, {} are not recorded in git", others.join(", "))
    };
    Err(failure.within(message).ending_with(Exit::AppliedInPart))
}

/// Records one launch; returns whether anything was written.
fn record_one(
    repository: &Repository,
    key: &ExperimentKey,
    launch: &plan::Launch,
    written: Timestamp,
) -> Result<bool, Failure> {
    let (Some(commit), Some(digest)) = (&launch.commit, &launch.digest) else { return Ok(false) };
    let commit = Commit::parse(commit).map_err(|error| {
        history_failure(&error)
            .help(format!("the target's metadata names it under `trialbook.launch.{key}.commit`"))
    })?;
    let record =
        Launch { experiment: key.clone(), commit, effective_start: launch.start, digest: digest.clone() };
    match repository.launch(key).map_err(|error| failure(&error))? {
        None => repository.record_launch(&record).map_err(|error| failure(&error)),
        Some(found) if found == record => Ok(false),
        Some(found) if found.effective_start > written => {
            repository.replace_launch(&record).map_err(|error| failure(&error))?;
            Ok(true)
        }
        Some(found) => {
            let message = format!(
                "git has a launch of commit {} and digest {}, the target one of commit {} and digest {}",
                found.commit.short(),
                found.digest.short(),
                record.commit.short(),
                record.digest.short()
            );
            Err(Failure::new(Exit::AppliedInPart, message).help(format!(
                "git's record was left as it is; find out which is right, and remove the other: \
                 `git update-ref -d refs/trialbook/launch/{key}`, or the flag's metadata"
            )))
        }
    }
}

fn failure(error: &LaunchError) -> Failure {
    match error {
        LaunchError::History(error) => history_failure(error),
        LaunchError::Form(name) => Failure::of(Exit::AppliedInPart, error)
            .help(format!("remove it with `git update-ref -d {name}`, and apply again")),
    }
}

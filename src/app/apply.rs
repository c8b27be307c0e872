//! Making a target serve what a plan wants.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::plan::{Overrides, Planned, Prepared, Urgency};
use super::{AppError, Recorded, record, references};
use trialbook_delivery::backend::{Attached, BackendError};
use trialbook_delivery::journal::{self, Actor, Apply, Intent, WriteError};
use trialbook_delivery::plan::{LaunchInfo, Live, Plan};
use trialbook_history::Preregistration;
use trialbook_model::{Digest, ExperimentKey};

/// What an apply did.
#[derive(Debug)]
pub struct Applied {
    /// Whether the target was written.
    pub written: bool,
    /// Which launches were recorded.
    pub recorded: Recorded,
}

/// What is to be applied.
pub enum ToApply {
    /// The target serves what a plan file wants already; perhaps its launches are left to record.
    Done,
    /// This plan, which was made now.
    Plan(Box<Planned>),
}

/// Who applies, and what they were shown.
#[derive(Debug)]
pub struct Caller {
    /// Who.
    pub by: Actor,
    /// The digest of the plan file; `None` where the plan was made and shown just now.
    pub approved: Option<Digest>,
    /// A text that no other apply has.
    pub nonce: String,
}

/// Plans again what a file wants, as of its instant and as of now.
///
/// The first shows that the file is what was planned, the second that it still is. Nothing of the file is used beyond that
/// but what was asked for.
///
/// # Errors
///
/// Where the file is of another book, is stale, or was made too far from now; `is_chosen`: somebody chose the instant.
pub fn again(
    given: &Plan,
    prepared: &Prepared<'_>,
    live: &Live,
    now: Timestamp,
    is_chosen: bool,
) -> Result<ToApply, AppError> {
    if given.book != prepared.book.name {
        return Err(AppError::OtherBook { planned: given.book.clone() });
    }
    if given.identity == prepared.target.identity() && given.is_done(live) {
        return Ok(ToApply::Done);
    }
    let then = prepared.plan(live, given.made_at, &given.options)?.plan;
    given.check_same(&then, live).map_err(AppError::Stale)?;
    if given.is_far_from(now) && !is_chosen {
        return Err(AppError::FarFromNow);
    }
    let planned = prepared.plan(live, now, &given.options)?;
    given.check_does(&planned.plan).map_err(AppError::Stale)?;
    Ok(ToApply::Plan(Box::new(planned)))
}

/// Applies a plan that was made now, and records its launches. With [`Urgency::Stop`] the plan is a part of the whole.
///
/// # Errors
///
/// [`AppError::Refused`] where the plan has obstacles that nothing overrides: nothing is written then. Where the target cannot be
/// written, it serves what it did. [`AppError::NotRecorded`] comes after the write: applying again records what is missing.
pub fn apply(
    prepared: &Prepared<'_>,
    planned: &Planned,
    live: &Live,
    now: Timestamp,
    overrides: Overrides,
    urgency: Urgency,
    caller: &Caller,
) -> Result<Applied, AppError> {
    let plan = &planned.plan;
    if !overrides.refused(plan).is_empty() {
        return Err(AppError::Refused);
    }
    let info = LaunchInfo {
        now,
        commit: plan.commit.clone(),
        head: match urgency {
            Urgency::None => prepared.head()?.map(|commit| commit.as_str().to_owned()),
            // The rest of the book is still as of the apply before.
            Urgency::Stop => live.applied.as_ref().and_then(|applied| applied.commit.clone()),
        },
        digests: digests(plan, prepared),
        recorded: planned.launches.clone(),
    };
    let changes = plan.changes(live, &info);
    if changes.is_empty() {
        let recorded = record(prepared, live, now).map_err(AppError::NotRecorded)?;
        return Ok(Applied { written: false, recorded });
    }
    let approved = caller.approved.clone().map_or_else(|| plan.digest(), Ok)?;
    let apply = Apply::new(plan, &approved, caller.by.clone(), now, &caller.nonce)?;
    let intent = Intent::new(apply, live, changes);
    // Where the target keeps a journal, the launches are recorded after the write, and an apply that is cut off in between is
    // finished by another.
    let refs = match prepared.target.journal() {
        Some(_) => Vec::new(),
        None => references(prepared, live, &intent.changes, now)?,
    };
    let attached = Attached { refs: &refs, ..Attached::default() };
    let begun = journal::write(prepared.target.as_ref(), &intent, live, &attached);
    let begun = begun.map_err(|error| match error {
        WriteError::Refused(conflict @ BackendError::Conflict { .. }) => AppError::LostRace(conflict),
        WriteError::Refused(other) => other.into(),
        WriteError::Unanswered(error) => AppError::Unanswered(error),
    })?;
    let recorded = record(prepared, &prepared.read()?, now).map_err(AppError::NotRecorded)?;
    begun.finish()?;
    Ok(Applied { written: true, recorded })
}

/// Returns the digests of the pre-registrations of what the plan launches.
fn digests(plan: &Plan, prepared: &Prepared<'_>) -> BTreeMap<ExperimentKey, Digest> {
    let launched = plan.actions.iter().flat_map(|action| action.launches.iter().chain(&action.refrozen));
    let experiments = launched.filter_map(|key| prepared.book.experiments.get(key));
    let registered = experiments.filter_map(|experiment| {
        let registration = Preregistration::of(prepared.book, experiment).ok()?;
        Some((experiment.key.clone(), registration.digest().clone()))
    });
    registered.collect()
}

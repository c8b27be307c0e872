//! `trialbook apply`: makes a target serve what a plan says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use super::plan::{Prepared, failure, history_failure, print};
use super::report::Format;
use super::{At, Exit, Failure, Opened, Session, exit, sink};
use trialbook_delivery::plan::{LaunchInfo, Live, Plan};
use trialbook_delivery::target::TargetError;
use trialbook_history::{Commit, Launch, LaunchError, Preregistration};
use trialbook_model::{Digest, ExperimentKey, RolloutKey, TargetKey};

/// Make the flag back end serve what a plan says
///
/// With a plan file, exactly that plan is applied, or refused (exit code 4) when the target or the book has changed
/// since. Without one, a plan is made and shown, and asked about; without a terminal that is refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that `trialbook plan --out` wrote
    #[arg(value_name = "PLAN", conflicts_with = "target")]
    plan: Option<PathBuf>,
    /// Plan and apply for this target; the primary one when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Apply more changes at once than the book's policy allows
    #[arg(long)]
    allow_large_change: bool,
    /// Let this rollout take its next step, which must be due: a plan is made, shown and asked about
    #[arg(long, value_name = "ROLLOUT", conflicts_with = "plan")]
    advance: Vec<RolloutKey>,
    /// Record the launches as of then instead of now: for rehearsals, as the demo is one
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// Applies a plan.
///
/// # Errors
///
/// Where the plan is refused, the target cannot be written, or a launch cannot be recorded after the write: running
/// it again records what is missing.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let now = opened.instant(args.at);
    let given = args.plan.as_ref().map(read_plan).transpose()?;
    let target = given.as_ref().map(|plan| &plan.target).or(args.target.as_ref());
    let prepared = Prepared::new(&opened, target, given.as_ref().map_or(now, |plan| plan.made_at))?;
    let plan = match given {
        Some(plan) => plan,
        None => ask(&prepared, &opened, &args.advance, session)?,
    };
    let live = prepared.target.read().map_err(|error| failure(&error))?;
    refuse_unfit(&plan, &prepared, &live, args.allow_large_change)?;
    if let Err(stale) = plan.check_fresh(prepared.target.identity(), &live) {
        return Err(stale_plan(&stale));
    }
    let commit = prepared.commit()?;
    refuse_unverifiable(&plan, &prepared, commit.as_deref())?;
    let info = LaunchInfo { now, commit: commit.clone(), digests: digests(&plan, &prepared) };
    let changes = plan.changes(&live, &info);
    if changes.is_empty() {
        session.say("Nothing to do: the target serves what the book says.");
    } else {
        prepared.target.write(&changes, &live.version).map_err(|error| match error {
            TargetError::Conflict { .. } => stale_plan(&error),
            other => failure(&other),
        })?;
        let changed = plan.actions.len();
        let flags = if changed == 1 { "flag" } else { "flags" };
        session.say(format_args!("Applied: {changed} {flags} of {} changed.", plan.target));
    }
    record_launches(&prepared, session)?;
    Ok(Exit::Done)
}

fn read_plan(path: &PathBuf) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(exit::of_named_file(&error), format!("cannot read the plan `{}`", path.display()))
            .because(&error)
    })?;
    Plan::read(&text).map_err(|error| {
        Failure::of(Exit::Refused, &error).help("plan again with `trialbook plan --out FILE`")
    })
}

/// Makes a plan, shows it and asks; refuses without a terminal.
fn ask(
    prepared: &Prepared<'_>,
    opened: &Opened,
    advance: &[RolloutKey],
    session: &Session,
) -> Result<Plan, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Refused, "there is no terminal to ask on")
            .help("make a plan with `trialbook plan --out FILE`, have it reviewed, and apply that file"));
    }
    let plan = prepared.plan(Default::default(), advance, session)?;
    print(&plan, Format::Terminal, opened, None)?;
    if plan.is_empty() {
        return Ok(plan);
    }
    sink::ask("Apply this? Only `yes` does it: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(plan) } else { Err(Failure::new(Exit::Refused, "not applied")) }
}

/// Refuses a plan that is another book's, does not fit the book as it is now, has conflicts, or is too large.
fn refuse_unfit(
    plan: &Plan,
    prepared: &Prepared<'_>,
    live: &Live,
    allow_large_change: bool,
) -> Result<(), Failure> {
    let book = prepared.book;
    if plan.book != book.name {
        let message = format!("the plan is for the book `{}`, and this is `{}`", plan.book, book.name);
        return Err(Failure::new(Exit::Refused, message).help("apply it in the book that it was made in"));
    }
    if let Some(conflict) = plan.conflicts.first() {
        let message = format!("`{}` is in the target already, and not this book's", conflict.flag);
        return Err(Failure::new(Exit::Refused, message)
            .help(format!("take it over with `trialbook plan --adopt {}`", conflict.flag)));
    }
    if let Some(key) = plan.actions.iter().flat_map(|action| &action.disturbs).next() {
        let message =
            format!("`{key}` is running, and this would take units out of it or give them another variant");
        return Err(Failure::new(Exit::Refused, message).help(
            "end it with a decision and start anew under another key with `previous`; growing with the same weights is safe",
        ));
    }
    let wanted = prepared.desired(live, plan.made_at, &advanced(plan, live))?;
    for action in &plan.actions {
        let digest = wanted.flags.get(&action.flag).map(|flag| flag.digest()).transpose();
        if digest.map_err(|error| Failure::of(Exit::Bug, &error))? != action.digest {
            let message =
                format!("the plan is stale: the book says something else about `{}` by now", action.flag);
            return Err(Failure::new(Exit::Refused, message).help("plan again"));
        }
    }
    match plan.too_large(book.policy.large_change) {
        Some(too_large) if !allow_large_change => {
            Err(Failure::of(Exit::Refused, &too_large).help("if that is meant, say `--allow-large-change`"))
        }
        _ => Ok(()),
    }
}

/// Returns the rollouts that a plan lets go further than the target has approved.
fn advanced(plan: &Plan, live: &Live) -> Vec<RolloutKey> {
    let recorded = live.approvals(plan.made_at);
    let planned = plan.actions.iter().filter_map(|action| action.desired.as_ref());
    let planned = planned.flat_map(|flag| &flag.approvals);
    let further =
        planned.filter(|(key, approval)| recorded.get(*key).is_some_and(|share| approval.share > *share));
    further.map(|(key, _)| key.clone()).collect()
}

/// Refuses to launch from files that are not committed: nobody could ever tell whether their plan was kept.
fn refuse_unverifiable(plan: &Plan, prepared: &Prepared<'_>, commit: Option<&str>) -> Result<(), Failure> {
    let launched = plan.actions.iter().flat_map(|action| &action.launches).next();
    match launched {
        Some(experiment) if commit.is_none() && prepared.repository.is_some() => {
            let message = format!("this would launch `{experiment}` from a book that is not committed");
            Err(Failure::new(Exit::Refused, message)
                .help("commit the book, so that the frozen plan can be found again"))
        }
        _ => Ok(()),
    }
}

fn stale_plan(error: &dyn std::error::Error) -> Failure {
    Failure::of(Exit::Refused, error).help("plan again, and have the new plan reviewed")
}

/// Returns the digests of the pre-registrations of what the plan launches.
fn digests(plan: &Plan, prepared: &Prepared<'_>) -> BTreeMap<ExperimentKey, Digest> {
    let launched = plan.actions.iter().flat_map(|action| &action.launches);
    let experiments = launched.filter_map(|key| prepared.book.experiments.get(key));
    let registered = experiments.filter_map(|experiment| {
        let registration = Preregistration::of(prepared.book, experiment).ok()?;
        Some((experiment.key.clone(), registration.digest().clone()))
    });
    registered.collect()
}

/// Records, as git refs, the launches that the target knows and git does not: those of this apply, and those of an
/// earlier one that was cut off between the two.
fn record_launches(prepared: &Prepared<'_>, session: &Session) -> Result<(), Failure> {
    let live = prepared.target.read().map_err(|error| failure(&error))?;
    let state = live.state();
    let launches = state.flags.values().flat_map(|flag| &flag.launches);
    let Some(repository) = &prepared.repository else {
        if launches.count() > 0 {
            session.say("The book is not in a git repository: launches are recorded in the target only.");
        }
        return Ok(());
    };
    for (key, launch) in launches {
        let (Some(commit), Some(digest)) = (&launch.commit, &launch.digest) else { continue };
        let Ok(commit) = Commit::parse(commit) else { continue };
        let record =
            Launch { experiment: key.clone(), commit, effective_start: launch.start, digest: digest.clone() };
        let recorded = repository.record_launch(&record).map_err(|error| match error {
            LaunchError::History(error) => history_failure(&error),
            form @ LaunchError::Form(_) => Failure::of(Exit::AppliedInPart, &form),
        });
        if recorded.map_err(|failure| failure.ending_with(Exit::AppliedInPart))? && session.verbose() {
            session.say(format_args!("Recorded the launch of {key}."));
        }
    }
    Ok(())
}

//! `trialbook apply`: makes a target serve what a plan says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::PathBuf;

use super::launches::record;
use super::plan::{Overrides, print};
use super::prepared::{Planned, Prepared, failure};
use super::report::Format;
use super::{At, Exit, Failure, Opened, Session, exit, sink};
use crate::report;
use trialbook_delivery::plan::{LaunchInfo, Live, Obstacle, Options, Plan, Stale};
use trialbook_delivery::target::TargetError;
use trialbook_history::Preregistration;
use trialbook_model::{Digest, ExperimentKey, RolloutKey, TargetKey};

/// Make the flag back end serve what a plan says
///
/// With a plan file, exactly that plan is applied, or refused (exit code 4) when the target or the book has changed
/// since: it is planned again, and what comes out is compared with the file. Without one, a plan is made and shown, and
/// asked about; without a terminal that is refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that `trialbook plan --out` wrote
    #[arg(value_name = "PLAN", conflicts_with = "target")]
    plan: Option<PathBuf>,
    /// Plan and apply for this target; the primary one when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    #[command(flatten)]
    overrides: Overrides,
    /// Let this rollout take its next step, which must be due: a plan is made, shown and asked about
    #[arg(long, value_name = "ROLLOUT", conflicts_with = "plan")]
    advance: Vec<RolloutKey>,
    /// Apply as of then instead of now: for rehearsals, as the demo is one, and for a plan that was made long ago
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// The largest plan file that is read.
const LARGEST_PLAN: u64 = 256 << 20;

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
    let prepared = Prepared::new(&opened, target, now)?;
    let live = prepared.read()?;
    let Planned { plan, launches } = match &given {
        Some(given) if is_done(given, &prepared, &live)? => {
            session.say("Nothing to do: the target serves what the plan says already.");
            record(&prepared, &live, now, session)?;
            return Ok(Exit::Done);
        }
        Some(given) => again(given, &prepared, &live, (now, args.at.is_some()), &opened)?,
        None => ask(&prepared, &opened, &live, now, args, session)?,
    };
    refuse(&plan, args, &opened)?;
    let info = LaunchInfo {
        now,
        commit: plan.commit.clone(),
        head: prepared.head()?.map(|commit| commit.as_str().to_owned()),
        digests: digests(&plan, &prepared),
        recorded: launches,
    };
    let changes = plan.changes(&live, &info);
    if changes.is_empty() {
        session.say(report::plan::nothing_to_do(&plan));
    } else {
        prepared.target.write(&changes, &live.version).map_err(|error| match error {
            TargetError::Conflict { .. } => {
                Failure::of(Exit::Refused, &error).help("plan again, and have the new plan reviewed")
            }
            other => failure(&other),
        })?;
        let changed = plan.actions.len();
        let flags = if changed == 1 { "flag" } else { "flags" };
        session.say(format_args!("Applied: {changed} {flags} of {} changed.", plan.target));
    }
    record(&prepared, &prepared.read()?, now, session)?;
    Ok(Exit::Done)
}

fn read_plan(path: &PathBuf) -> Result<Plan, Failure> {
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(LARGEST_PLAN + 1).read_to_string(&mut text));
    read.map_err(|error| {
        Failure::new(exit::of_named_file(&error), format!("cannot read the plan `{}`", path.display()))
            .because(&error)
    })?;
    if text.len() as u64 > LARGEST_PLAN {
        let message = format!("the plan `{}` is larger than {} MiB", path.display(), LARGEST_PLAN >> 20);
        return Err(Failure::new(Exit::Refused, message).help("apply the flags of a book in several targets"));
    }
    Plan::read(&text).map_err(|error| {
        Failure::of(Exit::Refused, &error).help("plan again with `trialbook plan --out FILE`")
    })
}

/// Tells whether a plan of this book was applied already, and perhaps cut off before its launches were recorded.
fn is_done(given: &Plan, prepared: &Prepared<'_>, live: &Live) -> Result<bool, Failure> {
    if given.book != prepared.book.name {
        let message =
            format!("the plan is for the book `{}`, and this is `{}`", given.book, prepared.book.name);
        return Err(Failure::new(Exit::Refused, message).help("apply it in the book that it was made in"));
    }
    Ok(given.identity == prepared.target.identity() && given.is_done(live))
}

/// Plans again what a file says, as of its instant and as of now, and returns the plan of now.
///
/// The first shows that the file is what was planned, the second that it still is. Nothing of the file is used beyond that
/// but what was asked for.
fn again(
    given: &Plan,
    prepared: &Prepared<'_>,
    live: &Live,
    (now, is_chosen): (jiff::Timestamp, bool),
    opened: &Opened,
) -> Result<Planned, Failure> {
    let then = prepared.plan(live, given.made_at, &given.options)?.plan;
    given.check_same(&then, live).map_err(|stale| stale_plan(&stale))?;
    if given.is_far_from(now) && !is_chosen {
        let (message, help) = report::plan::far_from_now(given, now, opened.timezone_name());
        return Err(Failure::new(Exit::Refused, message).help(help));
    }
    let planned = prepared.plan(live, now, &given.options)?;
    given.check_does(&planned.plan).map_err(|stale| stale_plan(&stale))?;
    Ok(planned)
}

fn stale_plan(stale: &Stale) -> Failure {
    Failure::of(Exit::Refused, stale).help("plan again, and have the new plan reviewed")
}

/// Makes a plan, shows it and asks; refuses without a terminal.
fn ask(
    prepared: &Prepared<'_>,
    opened: &Opened,
    live: &Live,
    now: jiff::Timestamp,
    args: &Args,
    session: &Session,
) -> Result<Planned, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Refused, "there is no terminal to ask on")
            .help("make a plan with `trialbook plan --out FILE`, have it reviewed, and apply that file"));
    }
    let options = Options { advance: args.advance.iter().cloned().collect(), ..Options::default() };
    let planned = prepared.plan(live, now, &options)?;
    prepared.tell_held(live, &options, session);
    print(&planned.plan, Format::Terminal, opened, None)?;
    refuse(&planned.plan, args, opened)?;
    if planned.plan.is_empty() {
        return Ok(planned);
    }
    sink::ask("Apply this? Only `yes` does it: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(planned) } else { Err(Failure::new(Exit::Refused, "not applied")) }
}

/// Refuses what the plan that was just made cannot do, or not without an override.
fn refuse(plan: &Plan, args: &Args, opened: &Opened) -> Result<(), Failure> {
    let refused = args.overrides.refused(plan);
    // Whoever says when now is knows that it is before the last apply.
    let chosen = |obstacle: &&Obstacle<'_>| args.at.is_some() && matches!(obstacle, Obstacle::ClockBehind(_));
    match refused.iter().find(|obstacle| !chosen(obstacle)) {
        Some(obstacle) => {
            let (message, help) = report::plan::refusal(obstacle, plan, opened.timezone_name());
            Err(Failure::new(Exit::Refused, message).help(help))
        }
        None => Ok(()),
    }
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

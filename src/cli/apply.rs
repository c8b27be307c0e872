//! `trialbook apply`: makes a target serve what the book declares.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::path::PathBuf;

use super::plan::{Overrides, print};
use super::report::Format;
use super::{At, Exit, Failure, Opened, Session, actor, exit, failed, sink};
use crate::app::apply::{self, Caller, ToApply};
use crate::app::plan::{self as planning, Planned, Prepared};
use crate::app::resume::resume;
use crate::app::{AppError, Recorded, record, stop};
use crate::{artifact, report};
use jiff::Timestamp;
use trialbook_delivery::journal::{Outcome, Settled};
use trialbook_delivery::plan::{Live, Options, Plan};
use trialbook_model::{ExperimentKey, RolloutKey, TargetKey};

/// Apply a plan: make the flag back end serve what the book declares
///
/// With a plan file, applies exactly that plan, or refuses it (exit code 4) if the target or the book has changed
/// since: it plans again, and compares the result with the file. Without a file, makes a plan, shows it and asks; without a
/// terminal it refuses.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that `trialbook plan --out` wrote
    #[arg(value_name = "PLAN", conflicts_with = "target")]
    plan: Option<PathBuf>,
    /// Plan and apply for this target; the primary target when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    #[command(flatten)]
    overrides: Overrides,
    /// Let this rollout take its next step, which must be due; makes a plan, shows it and asks
    #[arg(long, value_name = "ROLLOUT", conflicts_with = "plan")]
    advance: Vec<RolloutKey>,
    /// Apply only the end of this experiment, as `trialbook stop` wrote it: without asking, even if other launches
    /// are in a freeze or the rest of the book would be too large a change
    #[arg(long, value_name = "EXPERIMENT", conflicts_with_all = ["plan", "advance", "rollback"])]
    stop: Option<ExperimentKey>,
    /// Finish an apply that was cut off: find out what it wrote, write the rest, and record its launches
    #[arg(long, conflicts_with_all = ["plan", "advance", "stop", "rollback", "allow_large_change"])]
    resume: bool,
    /// Use this date or instant as the current time: for rehearsals, and for a plan that was made long ago
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
    let (book, now) = (opened.book()?, opened.instant(args.at));
    let given = args.plan.as_deref().map(read_plan).transpose()?;
    let target = given.as_ref().map(|plan| &plan.target).or(args.target.as_ref());
    let failed = |error| failed::of(&error, &opened);
    let urgency = if args.stop.is_some() { planning::Urgency::Stop } else { planning::Urgency::None };
    let prepared = Prepared::new(&opened.root, &opened.loaded, book, target, now, urgency).map_err(failed)?;
    if args.resume {
        return resumed(&prepared, now, args.at.is_some(), &opened, session);
    }
    let live = prepared.read().map_err(failed)?;
    let overrides = planning::Overrides { clock: args.at.is_some(), ..args.overrides.into() };
    let planned = match (&given, &args.stop) {
        (Some(given), _) => match apply::again(given, &prepared, &live, now, args.at.is_some()) {
            Ok(ToApply::Plan(planned)) => *planned,
            Ok(ToApply::Done) => {
                session.inform("Nothing to do: the target already serves the plan.");
                let recorded = record(&prepared, &live, now);
                say(&recorded.map_err(|error| failed(AppError::NotRecorded(error)))?, session);
                return Ok(Exit::Done);
            }
            Err(AppError::FarFromNow) => {
                let (message, help) = report::plan::far_from_now(given, now, opened.timezone_name());
                return Err(Failure::new(Exit::Refused, message).help(help));
            }
            Err(error) => return Err(failed(error)),
        },
        (None, Some(key)) => {
            let mut planned = prepared.plan(&live, now, &Options::default()).map_err(failed)?;
            stop::only(&mut planned.plan, key).map_err(failed)?;
            print(&planned.plan, overrides, Format::Terminal, &opened, None)?;
            planned
        }
        (None, None) => ask(&prepared, &opened, &live, args, overrides, session)?,
    };
    let plan = &planned.plan;
    let approved =
        given.as_ref().map(Plan::digest).transpose().map_err(|error| Failure::of(Exit::Bug, &error))?;
    let by = actor::actor(prepared.repository.as_ref());
    let caller = Caller { by, approved, nonce: actor::nonce() };
    let applied = apply::apply(&prepared, &planned, &live, now, overrides, urgency, &caller);
    let applied = applied.map_err(|error| match error {
        AppError::Refused => refusal(plan, overrides, &opened),
        error => failed(error),
    })?;
    if applied.written {
        let changed = plan.actions.len();
        let flags = if changed == 1 { "flag" } else { "flags" };
        session.inform(format_args!("Applied: {changed} {flags} of {} changed.", plan.target));
    } else {
        session.inform(report::plan::nothing_to_do(plan));
    }
    say(&applied.recorded, session);
    Ok(Exit::Done)
}

/// Finishes what was cut off, and reports what became of it.
fn resumed(
    prepared: &Prepared<'_>,
    now: Timestamp,
    is_chosen: bool,
    opened: &Opened,
    session: &Session,
) -> Result<Exit, Failure> {
    let resumed = resume(prepared, now, is_chosen).map_err(|error| failed::of(&error, opened))?;
    if resumed.settled.is_empty() {
        session.inform("Nothing to resume: no apply was cut off.");
    }
    for settled in &resumed.settled {
        session.inform(report::plan::settled(settled, opened.timezone_name()));
    }
    say(&resumed.recorded, session);
    let finished = |settled: &Settled| matches!(settled.outcome, Outcome::Written | Outcome::Resumed);
    // What somebody wanted and nobody serves must be planned again.
    let is_done = resumed.settled.is_empty() || resumed.settled.iter().any(finished);
    Ok(if is_done { Exit::Done } else { Exit::Refused })
}

/// Reads a plan file, within its bound and held to the published schema.
fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let again = "plan again with `trialbook plan --out FILE`";
    let value = artifact::read::<serde_json::Value>(path, &artifact::PLAN)
        .map_err(|error| exit::of_artifact(&error, path).help(again))?;
    Plan::from_value(value).map_err(|error| Failure::of(Exit::Refused, &error).help(again))
}

fn say(recorded: &Recorded, session: &Session) {
    match recorded {
        Recorded::NoRepository => {
            session.inform("The book is not in a git repository: launches are recorded in the target only.");
        }
        Recorded::Launches(keys) if session.verbose() => {
            keys.iter().for_each(|key| session.inform(format_args!("Recorded the launch of {key}.")));
        }
        Recorded::Launches(_) => {}
    }
}

/// Makes a plan, shows it and asks; refuses without a terminal.
fn ask(
    prepared: &Prepared<'_>,
    opened: &Opened,
    live: &Live,
    args: &Args,
    overrides: planning::Overrides,
    session: &Session,
) -> Result<Planned, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Refused, "there is no terminal to ask on")
            .help("make a plan with `trialbook plan --out FILE`, have it reviewed, and apply that file"));
    }
    let options = Options { advance: args.advance.iter().cloned().collect(), ..Options::default() };
    let planned = prepared.plan(live, prepared.at, &options).map_err(|error| failed::of(&error, opened))?;
    for (rollout, step) in prepared.held(live, &options) {
        session.inform(report::plan::held(rollout, step, opened.timezone_name()));
    }
    print(&planned.plan, overrides, Format::Terminal, opened, None)?;
    if planned.plan.is_empty() {
        return Ok(planned);
    }
    if !overrides.refused(&planned.plan).is_empty() {
        return Err(refusal(&planned.plan, overrides, opened));
    }
    sink::ask("Apply this? Only `yes` does it: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(planned) } else { Err(Failure::new(Exit::Refused, "not applied")) }
}

/// Returns the failure of a plan that cannot be applied: the first thing that is in the way.
fn refusal(plan: &Plan, overrides: planning::Overrides, opened: &Opened) -> Failure {
    match overrides.refused(plan).first() {
        Some(obstacle) => {
            let (message, help) = report::plan::refusal(obstacle, plan, opened.timezone_name());
            Failure::new(Exit::Refused, message).help(help)
        }
        None => failed::of(&AppError::Refused, opened),
    }
}

//! `trialbook plan`: what an apply would change in a target.

mod size;

use std::path::PathBuf;

use super::prepared::Prepared;
use super::report::Format;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, write};
use crate::report;
use crate::report::blocks::{Block, Line};
use trialbook_delivery::plan::{self, Obstacle, Options, Plan, Revert};
use trialbook_model::{FlagKey, RolloutKey, TargetKey};

/// Show what an apply would change in the flag back end
///
/// The plan is bound to what it was made from: when the target or the book has changed by the time it is applied, it
/// is refused. It also shows why an apply would refuse it. With `--detailed-exitcode`, exit code 2 means that there are
/// changes, or that somebody changed the target by hand, and 4 that an apply would refuse the plan.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target; the primary one when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Write the plan to a file, for `trialbook apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End with 2 when there are changes, and with 4 when an apply would refuse them
    #[arg(long)]
    detailed_exitcode: bool,
    /// Make the plan as of then instead of now; `apply` then needs `--at` as well
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// Take over this flag, which somebody else created
    #[arg(long, value_name = "FLAG")]
    adopt: Vec<FlagKey>,
    /// Put back what was changed in the target by hand: these flags, or all of them
    #[arg(long, value_name = "FLAG", num_args = 0..)]
    revert_drift: Option<Vec<FlagKey>>,
    /// Let this rollout take its next step, which must be due
    #[arg(long, value_name = "ROLLOUT")]
    advance: Vec<RolloutKey>,
    #[command(flatten)]
    overrides: Overrides,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// What lets an apply go on where it would refuse.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Overrides {
    /// Allow more changes at once than the book's policy does
    #[arg(long)]
    pub(super) allow_large_change: bool,
    /// Allow a book that does not descend from what is served, which undoes newer changes
    #[arg(long)]
    pub(super) rollback: bool,
}

impl Overrides {
    /// Returns what an apply refuses all the same.
    pub(super) fn refused<'a>(self, plan: &'a Plan) -> Vec<Obstacle<'a>> {
        let allowed = |obstacle: &Obstacle<'_>| match obstacle {
            Obstacle::TooLarge(_) => self.allow_large_change,
            Obstacle::Rollback(_) => self.rollback,
            _ => false,
        };
        plan.obstacles().into_iter().filter(|obstacle| !allowed(obstacle)).collect()
    }
}

/// Makes a plan, shows it, and writes it where it was asked to.
///
/// # Errors
///
/// Where the book has errors, the target cannot be read, or the file cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let at = opened.instant(args.at);
    let options = Options {
        adopt: args.adopt.iter().cloned().collect(),
        revert_drift: match &args.revert_drift {
            None => Revert::Nothing,
            Some(flags) if flags.is_empty() => Revert::All,
            Some(flags) => Revert::Flags(flags.iter().cloned().collect()),
        },
        advance: args.advance.iter().cloned().collect(),
    };
    let prepared = Prepared::new(&opened, args.target.as_ref(), at)?;
    let live = prepared.read()?;
    let plan = prepared.plan(&live, at, &options)?.plan;
    refuse_unknown(&options, &plan)?;
    prepared.tell_held(&live, &options, session);
    if let Some(path) = &args.out {
        let text = plan.write().map_err(|error| Failure::of(Exit::Bug, &error))?;
        write::output(path, Text::Json(&text))?;
    }
    let too_large = size::warning(&prepared, &prepared.desired(&live, at, &options)?, &opened);
    print(&plan, args.format, &opened, too_large)?;
    let refused = !args.overrides.refused(&plan).is_empty();
    if let Some(path) = &args.out {
        let path = path.display();
        session.say(if refused {
            format!("The plan is in {path}, and `trialbook apply {path}` refuses it: see above.")
        } else {
            format!("The plan is in {path}: `trialbook apply {path}` applies exactly this.")
        });
    }
    let differs = !plan.is_empty() || !plan.drifted.is_empty();
    Ok(match (args.detailed_exitcode, refused, differs) {
        (true, true, _) => Exit::Refused,
        (true, false, true) => Exit::Changes,
        _ => Exit::Done,
    })
}

/// Refuses to put back a flag that nobody changed: the name is likely to be another.
fn refuse_unknown(options: &Options, plan: &Plan) -> Result<(), Failure> {
    let plan::Revert::Flags(flags) = &options.revert_drift else { return Ok(()) };
    let drifted: Vec<&str> = plan.drifted.iter().map(|drift| drift.flag.as_str()).collect();
    match flags.iter().find(|flag| !drifted.contains(&flag.as_str())) {
        Some(flag) => {
            let message = format!("`{flag}` was not changed by hand in the target");
            let help = if drifted.is_empty() {
                "no flag was".to_owned()
            } else {
                format!("these were: {}", drifted.join(", "))
            };
            Err(Failure::new(Exit::NothingMatched, message).help(help))
        }
        None => Ok(()),
    }
}

/// Shows a plan on stdout, with a warning at its end.
pub(super) fn print(
    plan: &Plan,
    format: Format,
    opened: &Opened,
    warning: Option<Line>,
) -> Result<(), Failure> {
    let timezone = opened.loaded.book.as_ref().map_or("UTC", |book| book.timezone.as_str());
    let mut document = report::plan::document(plan, timezone);
    document.blocks.extend(warning.map(Block::Alert));
    match format {
        Format::Terminal => {
            let text = report::terminal::render(&document, super::report::settings(false));
            sink::print(Text::Styled(&text))?;
        }
        Format::Markdown => {
            let rest = report::plan::rest();
            sink::print(Text::Plain(&report::markdown::for_pull_request(&document, &rest)))?;
        }
        Format::Json => {
            let text = plan.write().map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(Text::Json(&text))?;
        }
    }
    Ok(())
}

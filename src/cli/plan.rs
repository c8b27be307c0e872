//! `trialbook plan`: what an apply would change in a target.

mod size;

use std::path::PathBuf;

use super::report::Format;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, failed, write};
use crate::app::plan::{self as planning, Prepared};
use crate::app::upgrade::{Upgraded, upgrade};
use crate::report::blocks::{Block, Line};
use crate::{artifact, report};
use trialbook_delivery::plan::{Options, Plan, Revert};
use trialbook_model::{Evaluator, FlagKey, RolloutKey, TargetKey};

/// Show what an apply would change in the flag back end
///
/// The plan also shows why an apply would refuse it. A plan is refused if the target or the book has changed by the time it is
/// applied. With `--detailed-exitcode`, exit code 2 means that there are changes, or that somebody changed the target by hand,
/// and 4 that an apply would refuse the plan.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target; the primary target when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Write the plan to a file, for `trialbook apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 if there are changes, and with 4 if an apply would refuse them
    #[arg(long)]
    detailed_exitcode: bool,
    /// Use this date or instant as the current time; `apply` then needs `--at` too
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// Take over flags that do not belong to the book: these, or all with a key of the book
    #[arg(long, value_name = "FLAG", num_args = 0..)]
    adopt: Option<Vec<FlagKey>>,
    /// Undo changes that were made in the target by hand: of these flags, or of all
    #[arg(long, value_name = "FLAG", num_args = 0..)]
    revert_drift: Option<Vec<FlagKey>>,
    /// Let this rollout take its next step, which must be due
    #[arg(long, value_name = "ROLLOUT")]
    advance: Vec<RolloutKey>,
    /// Before an upgrade of clients: show instead who would be served something else if these evaluators read the live flags
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = super::evaluate::evaluator,
        conflicts_with_all = ["out", "adopt", "revert_drift", "advance", "allow_large_change", "rollback"]
    )]
    evaluators: Vec<Evaluator>,
    #[command(flatten)]
    overrides: Overrides,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// What lets an apply go on where it would refuse.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Overrides {
    /// Allow more changes at once than the book's policy allows
    #[arg(long)]
    pub(super) allow_large_change: bool,
    /// Allow a book that does not descend from what is served, which undoes newer changes
    #[arg(long)]
    pub(super) rollback: bool,
}

impl From<Overrides> for planning::Overrides {
    fn from(overrides: Overrides) -> Self {
        let Overrides { allow_large_change, rollback } = overrides;
        Self { large_change: allow_large_change, rollback, clock: false }
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
    let mut options = Options {
        adopt: args.adopt.iter().flatten().cloned().collect(),
        revert_drift: match &args.revert_drift {
            None => Revert::Nothing,
            Some(flags) if flags.is_empty() => Revert::All,
            Some(flags) => Revert::Flags(flags.iter().cloned().collect()),
        },
        advance: args.advance.iter().cloned().collect(),
    };
    let failed = |error| failed::of(&error, &opened);
    let book = opened.book()?;
    let target = args.target.as_ref();
    let prepared = Prepared::new(&opened.root, &opened.loaded, book, target, at, planning::Urgency::None)
        .map_err(failed)?;
    if !args.evaluators.is_empty() {
        let upgraded = upgrade(&prepared, &args.evaluators, at).map_err(failed)?;
        return shown(&upgraded, args.format, args.detailed_exitcode);
    }
    let live = prepared.read().map_err(failed)?;
    if args.adopt.as_ref().is_some_and(Vec::is_empty) {
        options.adopt = prepared.foreign(&live);
    }
    let plan = prepared.plan(&live, at, &options).map_err(failed)?.plan;
    prepared.check_names(&options, &plan, &live).map_err(failed)?;
    for (rollout, step) in prepared.held(&live, &options) {
        session.inform(report::plan::held(rollout, step, opened.timezone_name()));
    }
    if let Some(path) = &args.out {
        let text = plan.write().map_err(|error| Failure::of(Exit::Bug, &error))?;
        let largest = artifact::PLAN.largest;
        if text.len() as u64 > largest {
            let message = format!("the plan is larger than {} MiB, which no apply reads", largest >> 20);
            let help = "apply without a file at a terminal, or divide the book's flags among several targets";
            return Err(Failure::new(Exit::Refused, message).help(help));
        }
        write::output(path, Text::Json(&text))?;
    }
    let desired = prepared.desired(&live, at, &options).map_err(failed)?;
    let too_large = size::warning(&prepared, &desired, &opened);
    let overrides = planning::Overrides::from(args.overrides);
    print(&plan, overrides, args.format, &opened, too_large)?;
    let refused = !overrides.refused(&plan).is_empty();
    if let Some(path) = &args.out {
        let path = path.display();
        session.inform(if refused {
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

/// Shows what other evaluators would serve.
fn shown(upgraded: &Upgraded, format: Format, detailed_exitcode: bool) -> Result<Exit, Failure> {
    let page = || report::plan::upgrade_page(upgraded);
    super::report::print(&page, &report::plan::upgrade_rest(), upgraded, format)?;
    Ok(if detailed_exitcode && upgraded.moves() { Exit::Changes } else { Exit::Done })
}

/// Shows a plan on stdout, with a warning at its end.
pub(super) fn print(
    plan: &Plan,
    overrides: planning::Overrides,
    format: Format,
    opened: &Opened,
    warning: Option<Line>,
) -> Result<(), Failure> {
    let timezone = opened.loaded.book.as_ref().map_or("UTC", |book| book.timezone.as_str());
    let mut document = report::plan::document(plan, &overrides.refused(plan), timezone);
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

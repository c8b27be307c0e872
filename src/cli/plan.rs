//! `trialbook plan`: what an apply would change in a target.

mod size;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::allocate::day;
use super::report::Format;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, write};
use crate::report;
use crate::report::blocks::{Block, Line};
use trialbook_delivery::plan::{self, AdvanceError, Live, Plan, State};
use trialbook_delivery::target::{self, TargetError};
use trialbook_history::Repository;
use trialbook_language::load::suggestion;
use trialbook_lint::check;
use trialbook_model::allocation::Approvals;
use trialbook_model::diagnostic::Severity;
use trialbook_model::{Book, FlagKey, RolloutKey, Target, TargetKey};

/// Show what an apply would change in the flag back end
///
/// The plan is bound to what it was made from: when the target or the book has changed by the time it is applied, it
/// is refused. Exit code 2 with `--detailed-exitcode` means that there are changes, or that somebody changed the target
/// behind the book's back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The target; the primary one when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Write the plan to a file, for `trialbook apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Make the plan as of then instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// Take over this flag, which somebody else created
    #[arg(long, value_name = "FLAG")]
    adopt: Vec<FlagKey>,
    /// Put back what was changed in the target by hand
    #[arg(long)]
    revert_drift: bool,
    /// Let this rollout take its next step, which must be due
    #[arg(long, value_name = "ROLLOUT")]
    advance: Vec<RolloutKey>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// Makes a plan, shows it, and writes it where it was asked to.
///
/// # Errors
///
/// Where the book has errors, the target cannot be read, or the file cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let at = opened.instant(args.at);
    let options = plan::Options {
        adopt: args.adopt.iter().cloned().collect(),
        revert_drift: args.revert_drift,
        ..Default::default()
    };
    let prepared = Prepared::new(&opened, args.target.as_ref(), at)?;
    let plan = prepared.plan(options, &args.advance, session)?;
    if let Some(path) = &args.out {
        let text = plan.write().map_err(|error| Failure::of(Exit::Bug, &error))?;
        write::output(path, Text::Json(&text))?;
    }
    let live = prepared.target.read().map_err(|error| failure(&error))?;
    let too_large = size::warning(&prepared, &prepared.desired(&live, at, &args.advance)?, &opened);
    print(&plan, args.format, &opened, too_large)?;
    if plan.commit.is_none()
        && plan.actions.iter().any(|action| !action.launches.is_empty())
        && prepared.repository.is_some()
    {
        session.say(
            "The book is not committed: apply refuses to launch experiments from it. Commit, and plan again.",
        );
    }
    if let Some(path) = &args.out {
        session.say(format_args!(
            "The plan is in {}: `trialbook apply {}` applies exactly this.",
            path.display(),
            path.display()
        ));
    }
    let differs = !plan.is_empty() || !plan.drifted.is_empty();
    Ok(if args.detailed_exitcode && differs { Exit::Changes } else { Exit::Done })
}

/// A book without errors, a target, and an instant: what a plan is made from.
pub(super) struct Prepared<'a> {
    pub(super) book: &'a Book,
    /// The book as the target serves it.
    pub(super) served: Cow<'a, Book>,
    pub(super) declared: &'a Target,
    pub(super) target: Box<dyn target::Target>,
    pub(super) repository: Option<Repository>,
    pub(super) at: Timestamp,
}

impl<'a> Prepared<'a> {
    /// Refuses a book with errors: what collides must not be served.
    pub(super) fn new(
        opened: &'a Opened,
        target: Option<&TargetKey>,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        let book = opened.book()?;
        let errors = check::run(&opened.loaded, at).iter().filter(|f| f.severity == Severity::Error).count();
        if errors > 0 {
            return Err(Failure::new(
                Exit::Findings,
                format!(
                    "the book has {errors} {}, so nothing is planned",
                    if errors == 1 { "error" } else { "errors" }
                ),
            )
            .help("`trialbook lint` shows them"));
        }
        let declared = declared_target(book, target)?;
        let target = target::open(&book.name, declared, &opened.root).map_err(|error| failure(&error))?;
        let repository = repository(&opened.root)?;
        let served = book.in_target(&declared.key);
        Ok(Self { book, served, declared, target, repository, at })
    }

    /// Reads the target and compares it with what the book wants, with rollouts at the step that the target has approved,
    /// or at the next one. Says which rollouts wait at a step that is due.
    pub(super) fn plan(
        &self,
        options: plan::Options,
        advance: &[RolloutKey],
        session: &Session,
    ) -> Result<Plan, Failure> {
        let live = self.target.read().map_err(|error| failure(&error))?;
        let options = plan::Options { primary: self.declared.primary, ..options };
        let desired = self.desired(&live, self.at, advance)?;
        let plan = Plan::new(
            self.declared.key.clone(),
            self.target.identity().to_owned(),
            self.book.name.clone(),
            self.commit()?,
            &live,
            &desired,
            self.at,
            &options,
        );
        let plan = plan.map_err(|error| Failure::of(Exit::Bug, &error))?;
        let untouched = |key: &&RolloutKey| {
            let flag = self.served.rollouts.get(*key).map(|rollout| &rollout.flag);
            !plan.actions.iter().any(|action| Some(&action.flag) == flag)
        };
        match advance.iter().find(untouched) {
            Some(key) => {
                let message = format!("rollout `{key}` cannot advance: nothing would change about its flag");
                Err(Failure::new(Exit::Refused, message).help(
                    "the flag is switched off, or was changed by hand in the target (`--revert-drift` puts it back)",
                ))
            }
            None => {
                self.tell_held(&live, advance, session);
                Ok(plan)
            }
        }
    }

    /// Says which rollouts wait at a step that is due: nothing else would, and they wait until somebody lets them go on.
    fn tell_held(&self, live: &Live, advance: &[RolloutKey], session: &Session) {
        let timezone = trialbook_model::timezone(&self.book.timezone).unwrap_or(TimeZone::UTC);
        let mut approved = live.approvals(self.at);
        for key in advance {
            // One that could not advance has been refused before.
            let _ = plan::advance(&self.served, &mut approved, key, self.at);
        }
        for (rollout, step) in plan::held(&self.served, &approved, self.at) {
            let (key, share, due) = (&rollout.key, step.share, day(step.at, &timezone));
            session.say(format_args!(
                "Rollout `{key}` waits at a step of {share} that is due since {due}: look at its guardrails, and approve it \
                 with `--advance {key}`."
            ));
        }
    }

    /// Returns what the target should serve as of an instant, given how far it has approved rollouts.
    ///
    /// # Errors
    ///
    /// Where a rollout that is to take its next step cannot.
    pub(super) fn desired(
        &self,
        live: &Live,
        at: Timestamp,
        advance: &[RolloutKey],
    ) -> Result<State, Failure> {
        let mut approved = live.approvals(at);
        for key in advance {
            plan::advance(&self.served, &mut approved, key, at).map_err(|error| self.not_advanced(&error))?;
        }
        Ok(plan::desired(&self.served, at, &Approvals::Of(approved)))
    }

    fn not_advanced(&self, error: &AdvanceError) -> Failure {
        let exit = match error {
            AdvanceError::Unknown(_) => Exit::NothingMatched,
            _ => Exit::Refused,
        };
        let help = match error {
            AdvanceError::Unknown(_) if !self.declared.experiments => {
                format!("target `{}` serves flags and rules only", self.declared.key)
            }
            AdvanceError::Unknown(key) => {
                suggestion(key.as_str(), self.served.rollouts.keys().map(RolloutKey::as_str))
            }
            AdvanceError::Unguarded(_) | AdvanceError::Complete(_) => {
                "there is nothing to approve".to_owned()
            }
            AdvanceError::NotLaunched(_) => "plan and apply without `--advance` first".to_owned(),
            AdvanceError::NotDue { .. } => {
                "wait for it, or move the step in the rollout's file to an earlier date".to_owned()
            }
        };
        let failure = match error {
            AdvanceError::NotDue { rollout, share, at } => {
                let timezone = trialbook_model::timezone(&self.book.timezone).unwrap_or(TimeZone::UTC);
                let due = day(*at, &timezone);
                Failure::new(exit, format!("the next step of rollout `{rollout}`, {share}, is due on {due}"))
            }
            _ => Failure::of(exit, error),
        };
        failure.help(help)
    }

    /// Returns the commit that the book is at; `None` outside git, before the first commit, and where a file of the
    /// book was edited since: what would be recorded is not what is applied.
    pub(super) fn commit(&self) -> Result<Option<String>, Failure> {
        let Some(repository) = &self.repository else { return Ok(None) };
        let edited = repository.book_is_edited().map_err(|error| history_failure(&error))?;
        let head = repository.head().map_err(|error| history_failure(&error))?;
        Ok(head.filter(|_| !edited).map(|commit| commit.to_string()))
    }
}

pub(super) fn declared_target<'a>(book: &'a Book, key: Option<&TargetKey>) -> Result<&'a Target, Failure> {
    let found = match key {
        Some(key) => book.targets.get(key),
        None => book.primary_target(),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = book.targets.keys().map(TargetKey::as_str).collect();
        let message =
            key.map_or("the book declares no target".to_owned(), |key| format!("there is no target `{key}`"));
        let help = if known.is_empty() {
            "declare one under `targets:`".to_owned()
        } else {
            format!("the book has {}", known.join(", "))
        };
        Failure::new(Exit::NothingMatched, message).help(help)
    })
}

/// Opens the repository around the book, where there is one.
pub(super) fn repository(root: &Path) -> Result<Option<Repository>, Failure> {
    Repository::of_book(root).map_err(|error| history_failure(&error))
}

pub(super) fn history_failure(error: &trialbook_history::HistoryError) -> Failure {
    let failure = Failure::of(Exit::Unreachable, error);
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Says what a target could not do, with the exit code that fits.
pub(super) fn failure(error: &TargetError) -> Failure {
    let exit = match error {
        TargetError::Locked { .. } | TargetError::Conflict { .. } | TargetError::Malformed { .. } => {
            Exit::Refused
        }
        TargetError::Store { .. }
        | TargetError::Unsupported { .. }
        | TargetError::ObjectStore { .. }
        | TargetError::Inexpressible { .. } => Exit::Findings,
        TargetError::Io { .. } => Exit::Unreachable,
    };
    let failure = Failure::of(exit, error);
    match error.hint() {
        Some(hint) => failure.help(hint),
        None => failure,
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

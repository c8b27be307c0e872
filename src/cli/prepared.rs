//! What plans are made from: a book without errors, a target, and what git knows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::allocate::day;
use super::past::past;
use super::{Exit, Failure, Opened, Session};
use trialbook_delivery::plan::{self, AdvanceError, Basis, Live, Options, Plan, State};
use trialbook_delivery::target::{self, TargetError};
use trialbook_history::{Commit, Repository};
use trialbook_language::load::suggestion;
use trialbook_lint::check;
use trialbook_model::allocation::Approvals;
use trialbook_model::diagnostic::Severity;
use trialbook_model::{Book, ExperimentKey, FlagKey, RolloutKey, Target, TargetKey};

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

/// A plan, and the launches that git has and the target has lost.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) launches: BTreeMap<ExperimentKey, plan::Launch>,
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

    /// Reads what the target serves.
    pub(super) fn read(&self) -> Result<Live, Failure> {
        self.target.read().map_err(|error| failure(&error))
    }

    /// Compares what the target serves with what the book wants at an instant, with rollouts at the step that the target has
    /// approved, or at the next one.
    pub(super) fn plan(&self, live: &Live, at: Timestamp, options: &Options) -> Result<Planned, Failure> {
        let desired = self.desired(live, at, options)?;
        let commit = self.commit()?;
        let past = past(self, live, &desired, at, commit.is_none())?;
        let render = |key: &FlagKey, flag: &plan::FlagState| self.target.render(key, flag).ok();
        let plan = Plan::new(&Basis {
            commit: commit.as_deref(),
            primary: self.declared.primary,
            options,
            large_change: Some(self.book.policy.large_change),
            attributes: Some(&self.served.attributes),
            past: &past,
            render: &render,
            ..Basis::new(&self.declared.key, self.target.identity(), &self.book.name, live, &desired, at)
        });
        let plan = plan.map_err(|error| Failure::of(Exit::Bug, &error))?;
        let untouched = |key: &&RolloutKey| {
            let flag = self.served.rollouts.get(*key).map(|rollout| &rollout.flag);
            !plan.actions.iter().any(|action| Some(&action.flag) == flag)
        };
        match options.advance.iter().find(untouched) {
            Some(key) => {
                let message = format!("rollout `{key}` cannot advance: nothing would change about its flag");
                Err(Failure::new(Exit::Refused, message).help(
                    "the flag is switched off, or was changed by hand in the target (`--revert-drift` puts it back)",
                ))
            }
            None => Ok(Planned { plan, launches: past.launches }),
        }
    }

    /// Says which rollouts wait at a step that is due: nothing else would, and they wait until somebody lets them go on.
    pub(super) fn tell_held(&self, live: &Live, options: &Options, session: &Session) {
        let timezone = trialbook_model::timezone(&self.book.timezone).unwrap_or(TimeZone::UTC);
        let mut approved = live.approvals(self.at);
        for key in &options.advance {
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
    pub(super) fn desired(&self, live: &Live, at: Timestamp, options: &Options) -> Result<State, Failure> {
        let mut approved = live.approvals(at);
        for key in &options.advance {
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

    /// Returns the commit that is checked out; `None` outside git and before the first commit.
    pub(super) fn head(&self) -> Result<Option<Commit>, Failure> {
        let Some(repository) = &self.repository else { return Ok(None) };
        repository.head().map_err(|error| history_failure(&error))
    }

    /// Returns the commit that the book is at; `None` outside git, before the first commit, and where a file of the
    /// book was edited since: what would be recorded is not what is applied.
    pub(super) fn commit(&self) -> Result<Option<String>, Failure> {
        let Some(repository) = &self.repository else { return Ok(None) };
        let edited = repository.book_is_edited().map_err(|error| history_failure(&error))?;
        Ok(self.head()?.filter(|_| !edited).map(|commit| commit.to_string()))
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
        TargetError::TooLarge { .. }
        | TargetError::Store { .. }
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

//! What plans are made from: a book without errors, a target, and what git knows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::past::past;
use super::{AppError, NotNamed};
use trialbook_delivery::backend;
use trialbook_delivery::plan::{self, Basis, Live, LiveContent, Obstacle, Options, Plan, Revert, State};
use trialbook_history::{Commit, Repository};
use trialbook_language::load::Loaded;
use trialbook_lint::check;
use trialbook_model::allocation::Approvals;
use trialbook_model::diagnostic::Severity;
use trialbook_model::{Book, ExperimentKey, FlagKey, Rollout, RolloutKey, Step, Target, TargetKey};

/// A book without errors, a target, and an instant: what a plan is made from.
pub struct Prepared<'a> {
    /// The book.
    pub book: &'a Book,
    /// The book as the target serves it.
    pub served: Cow<'a, Book>,
    /// The target as the book declares it.
    pub declared: &'a Target,
    /// The target itself.
    pub target: Box<dyn backend::Backend>,
    /// The repository around the book, where there is one.
    pub repository: Option<Repository>,
    /// When.
    pub at: Timestamp,
}

/// A plan, and the launches that git has and the target has lost.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The launches by their refs.
    pub launches: BTreeMap<ExperimentKey, plan::Launch>,
}

/// Whether a plan is made to end something at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It is not.
    None,
    /// Only an end is applied, so a launch in a freeze elsewhere in the book stops nothing.
    Stop,
}

/// The rule that finds launches in a freeze.
const LAUNCH_IN_FREEZE: &str = "launch-in-freeze";

/// What lets an apply go on where it would refuse.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides {
    /// More changes at once than the book's policy allows.
    pub large_change: bool,
    /// A book that does not descend from what is served, which undoes newer changes.
    pub rollback: bool,
    /// An instant before the last apply: whoever chose it knows.
    pub clock: bool,
}

impl Overrides {
    /// Returns what an apply refuses all the same.
    pub fn refused<'a>(self, plan: &'a Plan) -> Vec<Obstacle<'a>> {
        let allowed = |obstacle: &Obstacle<'_>| match obstacle {
            Obstacle::TooLarge(_) => self.large_change,
            Obstacle::Rollback(_) => self.rollback,
            Obstacle::ClockBehind(_) => self.clock,
            Obstacle::Conflicts(_)
            | Obstacle::Disturbs(_)
            | Obstacle::Unverified(_)
            | Obstacle::Uncommitted(_)
            | Obstacle::Frozen(_) => false,
        };
        plan.obstacles().into_iter().filter(|obstacle| !allowed(obstacle)).collect()
    }
}

impl<'a> Prepared<'a> {
    /// Opens a target of a book; nothing of it is read yet.
    ///
    /// # Errors
    ///
    /// Where the book has errors, because what collides must not be served, the target is not declared, or its store or the
    /// repository cannot be opened.
    pub fn new(
        root: &Path,
        loaded: &Loaded,
        book: &'a Book,
        target: Option<&TargetKey>,
        at: Timestamp,
        urgency: Urgency,
    ) -> Result<Self, AppError> {
        let found = check::run(loaded, at);
        let errors = found.iter().filter(|finding| {
            finding.severity == Severity::Error
                && !(urgency == Urgency::Stop && finding.rule == LAUNCH_IN_FREEZE)
        });
        let errors = errors.count();
        if errors > 0 {
            return Err(AppError::BookErrors(errors));
        }
        let declared = declared_target(book, target)?;
        let target = backend::open(&book.name, declared, root)?;
        let repository = Repository::of_book(root)?;
        let served = book.in_target(&declared.key);
        Ok(Self { book, served, declared, target, repository, at })
    }

    /// Reads what the target serves.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn read(&self) -> Result<Live, AppError> {
        Ok(self.target.read()?)
    }

    /// Compares what the target serves with what the book wants at an instant, with rollouts at the step that the target has
    /// approved, or at the next one.
    ///
    /// # Errors
    ///
    /// Where a rollout that is to take its next step cannot, or git cannot be read.
    pub fn plan(&self, live: &Live, at: Timestamp, options: &Options) -> Result<Planned, AppError> {
        let desired = self.desired(live, at, options)?;
        let commit = self.commit()?;
        let past = past(self, live, &desired, at, commit.is_none())?;
        let render = |key: &FlagKey, flag: &plan::FlagState| self.target.render(key, flag).ok();
        let plan = Plan::new(&Basis {
            commit: commit.as_deref(),
            primary: self.declared.primary,
            options,
            large_change: Some(self.book.policy.large_change),
            freezes: &self.book.policy.freeze,
            attributes: Some(&self.served.attributes),
            past: &past,
            render: &render,
            ..Basis::new(&self.declared.key, self.target.identity(), &self.book.name, live, &desired, at)
        })?;
        // What the target cannot serve is refused before anybody approves it.
        for action in &plan.actions {
            if let Some(wanted) = &action.desired {
                self.target.render(&action.flag, wanted)?;
            }
        }
        let untouched = |key: &&RolloutKey| {
            let flag = self.served.rollouts.get(*key).map(|rollout| &rollout.flag);
            !plan.actions.iter().any(|action| Some(&action.flag) == flag)
        };
        match options.advance.iter().find(untouched) {
            Some(key) => Err(AppError::AdvancesNothing(key.clone())),
            None => Ok(Planned { plan, launches: past.launches }),
        }
    }

    /// Checks that what was asked for by name is there: otherwise the name is likely to be another.
    ///
    /// # Errors
    ///
    /// [`AppError::NotNamed`].
    pub fn check_names(&self, options: &Options, plan: &Plan, live: &Live) -> Result<(), AppError> {
        let content = |flag: &FlagKey| live.flags.get(flag.as_str()).map(|flag| &flag.content);
        let wrong = options.adopt.iter().find_map(|flag| match content(flag) {
            Some(LiveContent::Foreign { .. }) if self.served.flags.contains_key(flag) => None,
            Some(LiveContent::Foreign { .. }) => Some(NotNamed::NotInBook(flag.clone())),
            Some(_) => Some(NotNamed::Ours(flag.clone())),
            None => Some(NotNamed::Adopted(flag.clone())),
        });
        let drifted = |flag: &&FlagKey| plan.drifted.iter().any(|drift| drift.flag == flag.as_str());
        let undrifted = || match &options.revert_drift {
            Revert::Flags(flags) => flags.iter().find(|flag| !drifted(flag)).cloned(),
            Revert::Nothing | Revert::All => None,
        };
        match wrong.or_else(|| undrifted().map(NotNamed::NotDrifted)) {
            Some(name) => Err(AppError::NotNamed(name)),
            None => Ok(()),
        }
    }

    /// Returns the flags of the book that the target has from somebody else.
    pub fn foreign(&self, live: &Live) -> BTreeSet<FlagKey> {
        let is_foreign = |key: &&FlagKey| {
            let content = live.flags.get(key.as_str()).map(|flag| &flag.content);
            matches!(content, Some(LiveContent::Foreign { .. }))
        };
        self.served.flags.keys().filter(is_foreign).cloned().collect()
    }

    /// Returns the rollouts that wait at a step that is due: they wait until somebody lets them go on.
    pub fn held(&self, live: &Live, options: &Options) -> Vec<(&Rollout, &Step)> {
        let mut approved = live.approvals(self.at);
        for key in &options.advance {
            // One that could not advance has been refused before.
            let _ = plan::advance(&self.served, &mut approved, key, self.at);
        }
        plan::held(&self.served, &approved, self.at)
    }

    /// Returns what the target should serve as of an instant, given how far it has approved rollouts.
    ///
    /// # Errors
    ///
    /// Where a rollout that is to take its next step cannot.
    pub fn desired(&self, live: &Live, at: Timestamp, options: &Options) -> Result<State, AppError> {
        let mut approved = live.approvals(at);
        for key in &options.advance {
            plan::advance(&self.served, &mut approved, key, at).map_err(AppError::NotAdvanced)?;
        }
        Ok(plan::desired(&self.served, at, &Approvals::Of(approved)))
    }

    /// Returns the commit that is checked out; `None` outside git and before the first commit.
    pub(super) fn head(&self) -> Result<Option<Commit>, AppError> {
        let Some(repository) = &self.repository else { return Ok(None) };
        Ok(repository.head()?)
    }

    /// Returns the commit that the book is at; `None` outside git, before the first commit, and where a file of the
    /// book was edited since: what would be recorded is not what is applied.
    fn commit(&self) -> Result<Option<String>, AppError> {
        let Some(repository) = &self.repository else { return Ok(None) };
        let edited = repository.book_is_edited()?;
        Ok(self.head()?.filter(|_| !edited).map(|commit| commit.to_string()))
    }
}

/// Returns a target of a book by its key, or the primary one.
///
/// # Errors
///
/// [`AppError::NoTarget`].
pub fn declared_target<'a>(book: &'a Book, key: Option<&TargetKey>) -> Result<&'a Target, AppError> {
    let found = match key {
        Some(key) => book.targets.get(key),
        None => book.primary_target(),
    };
    found.ok_or_else(|| AppError::NoTarget(key.cloned()))
}

//! Why something could not be done, as data. The command line adds exit codes and advice.

use std::path::PathBuf;

use crate::artifact::ArtifactError;
use trialbook_analysis::warehouse::WarehouseError;
use trialbook_delivery::backend::BackendError;
use trialbook_delivery::plan::{AdvanceError, Stale};
use trialbook_history::HistoryError;
use trialbook_model::{Evaluator, ExperimentKey, FlagKey, RolloutKey, TargetKey};

use super::NotRecorded;

/// Why something could not be done.
#[derive(Debug)]
pub enum AppError {
    /// The book has so many errors, and nothing is planned from it.
    BookErrors(usize),
    /// The book declares no such target; `None`: none at all.
    NoTarget(Option<TargetKey>),
    /// An evaluator that was named reads targets of another kind.
    OtherEvaluator {
        /// The target.
        target: TargetKey,
        /// The evaluator.
        evaluator: Evaluator,
    },
    /// A name that was asked for answers to nothing.
    NotNamed(NotNamed),
    /// The target could not be read or written.
    Backend(BackendError),
    /// Somebody else wrote to the target between reading and writing.
    LostRace(BackendError),
    /// The target could not be reached while it was written: it may serve what it did, or what was wanted.
    Unanswered(BackendError),
    /// Git could not be read.
    History(HistoryError),
    /// A rollout cannot take its next step.
    NotAdvanced(AdvanceError),
    /// A rollout takes its next step, and nothing about its flag would change.
    AdvancesNothing(RolloutKey),
    /// A plan file is of another book.
    OtherBook {
        /// The book that the plan is of.
        planned: String,
    },
    /// A plan file is not what would be planned now.
    Stale(Stale),
    /// A plan file was made too long before now, or after it.
    FarFromNow,
    /// The plan that was just made cannot be applied: see its obstacles.
    Refused,
    /// The target was written, and launches could not be recorded in git.
    NotRecorded(NotRecorded),
    /// An experiment's file is not written in lines that a decision can follow.
    NotEdited(String),
    /// The plan does not end the experiment, or changes more about its flag than that.
    NotStopped(ExperimentKey),
    /// The book has no warehouse.
    NoWarehouse,
    /// The warehouse could not be opened.
    Warehouse(WarehouseError),
    /// A stored outcome cannot be used.
    Stored {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: ArtifactError,
    },
    /// The history of the book does not reach back to the instant that is asked about.
    NoBookThen,
    /// No experiment runs or awaits a decision.
    NothingRuns,
    /// Every flag of the book is archived, or it has none.
    ServesNoFlag,
    /// A value of the book cannot be written as JSON: a bug.
    Json(serde_json::Error),
}

/// What answers to no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotNamed {
    /// The book has no such experiment.
    Experiment(String),
    /// The book has no such flag.
    Flag(String),
    /// A flag that is archived, so that no target serves it.
    Archived(FlagKey),
    /// The book has no such rollout.
    Rollout(RolloutKey),
    /// The book has no such surface.
    Surface(String),
    /// The book has no such layer.
    Layer(String),
    /// Nobody of that name answers for an experiment or a surface.
    Team(String),
    /// A flag to take over that the target does not have.
    Adopted(FlagKey),
    /// A flag to take over that is the book's already.
    Ours(FlagKey),
    /// A flag to take over that the book does not have.
    NotInBook(FlagKey),
    /// A flag to put back that nobody changed by hand.
    NotDrifted(FlagKey),
    /// An experiment that is over or concluded, so there is nothing to stop.
    Ended(ExperimentKey),
}

impl From<BackendError> for AppError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<HistoryError> for AppError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

impl From<serde_json::Error> for AppError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

//! What a target should serve, what it serves, and the difference, as plain data.
//!
//! A [`State`] is target-neutral: the flags that a book wants served, every reference resolved. A target
//! reads what is live as [`Live`]; [`Plan::new`] is the difference, bound to what it was made from: an apply plans
//! again and refuses a plan that would not be made now.

mod approval;
mod audience;
mod basis;
mod change;
mod condition;
mod desired;
mod diff;
mod difference;
mod drawn;
mod enrolment;
mod file;
mod fresh;
mod live;
mod movement;
mod obstacle;
mod same;
mod state;

pub use approval::{AdvanceError, advance, held};
pub use audience::{Audience, RuleChange, ServedRule};
pub use basis::{Basis, Options, Past, Revert};
pub use change::{Change, Growth, HeldOut, Served};
pub use condition::Condition;
pub use desired::desired;
pub use diff::{Action, ActionKind, Conflict, Drift, Plan, Unverified};
pub use difference::{Difference, Differences};
pub(crate) use difference::{same, whole};
pub use drawn::Drawn;
pub use enrolment::{Enrolment, Step};
pub use file::{FORMAT, PlanFileError};
pub use fresh::{Changes, LaunchInfo, Stale, StaleReason};
pub use live::{Applied, Live, LiveContent, LiveFlag, LiveVersion, Records};
pub use movement::Movement;
pub use obstacle::{Obstacle, Relation, Rollback, TooLarge, Undone};
pub use state::{
    Approval, Branch, Exception, ExperimentBranch, FlagState, HoldoutBranch, Launch, RolloutBranch, Serving,
    State, Unit,
};

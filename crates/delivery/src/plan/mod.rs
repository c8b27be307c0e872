//! What a target should serve, what it serves, and the difference, as plain data.
//!
//! A [`State`] is target-neutral: the flags that a book wants served, every reference resolved. A target
//! reads what is live as [`Live`]; [`Plan::new`] is the difference, bound to what it was made from: an apply plans
//! again and refuses a plan that would not be made now.

mod approval;
mod audience;
mod basis;
mod change;
mod compare;
mod condition;
mod desired;
mod diff;
mod difference;
mod drawn;
mod draws;
mod enrolment;
mod file;
mod forced;
mod fresh;
mod live;
mod movement;
mod moves;
mod obstacle;
mod same;
mod state;
mod upgrade;

pub use approval::{AdvanceError, advance, held};
pub use audience::{Audience, AudienceChange, ListChange, RuleChange, ServedRule};
pub use basis::{Basis, Options, Past, Revert, Unreadable};
pub use change::{Change, Growth, HeldOut, Ramp, Randomised, Served, SplitChange, Stage};
pub use condition::Condition;
pub use desired::desired;
pub use diff::{Action, ActionKind, Conflict, Drift, Plan, Unverified};
pub use difference::{Difference, Differences, Excerpt};
pub(crate) use difference::{same, whole};
pub use drawn::Drawn;
pub use enrolment::{Enrolment, EnrolmentStep};
pub use file::{FORMAT, PlanFileError};
pub use forced::{OverrideBranch, OverrideShown, OverrideUnits, OverrideWho};
pub use fresh::{Changes, LaunchInfo, PlanPart, Stale, StaleReason};
pub use live::{Applied, DriftReason, Live, LiveContent, LiveFlag, LiveVersion, Records};
pub use movement::Movement;
pub use moves::{Move, Movers, Moves, MovingGroup};
pub use obstacle::{Obstacle, Relation, Rollback, TooLarge, Undone};
pub use state::{
    Approval, Branch, Exception, ExperimentBranch, FlagState, HoldoutBranch, Launch, RolloutBranch, Serving,
    State, Unit,
};
pub use upgrade::{DrawOf, Redrawn, Upgrade, UpgradeMove};

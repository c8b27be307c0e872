//! From the warehouse to the [`Outcome`]: moments, estimates, quality checks, verdicts.
//!
//! What a report needs of other modules is re-exported here.

mod analyse;
mod compared;
mod effect;
mod estimate;
mod horizon;
mod outcome;
mod quality;
pub mod query;
pub mod warehouse;
mod work;

pub use analyse::{AnalysisError, analyse};
pub use effect::{
    Adjustment, Effect, Estimate, Interval, Lift, NonInferiority, NonInferiorityTest, NotMeasured,
};
pub use outcome::{
    ArmMetric, ArmUnits, BookReference, Capping, CovariateMoments, ExperimentReference, MetricComparison,
    MetricKind, MetricMoments, MetricResult, Outcome, OutcomeError, Preregistration, PreregistrationStatus,
    Query, Role, Tool, Units,
};
pub use trialbook_decision::{
    Judgement, Need, QualityCheck, QualityKind, QualityStatus, Reason, Verdict, VerdictKind,
};
pub use work::Request;

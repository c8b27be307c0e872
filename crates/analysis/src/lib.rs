//! From the warehouse to the [`Outcome`]: moments, estimates, quality checks, verdicts.
//!
//! What a report needs of other modules is re-exported here.

mod analyse;
mod arm;
mod compared;
mod effect;
mod estimate;
mod horizon;
mod outcome;
mod over_time;
mod parts;
mod past_looks;
mod quality;
mod sequential;
mod spelling;
mod split_cause;
mod trusted;
pub mod query;
pub mod warehouse;
mod work;

pub use analyse::{AnalysisError, analyse};
pub use effect::{
    Adjustment, DeclaredEffect, Effect, Estimate, Interval, Lift, NonInferiority, NonInferiorityTest,
    NotMeasured, WhyNot,
};
pub use outcome::{
    ArmMetric, ArmUnits, BookReference, Capping, Corrected, CovariateMoments, EstimateLook,
    ExperimentReference, LookShown, Looked, MetricComparison, MetricKind, MetricMoments, MetricResult,
    Outcome, OutcomeError, Preregistration, PreregistrationStatus, QuantileValues, Query, Release,
    ReleasePlace, Role, SourceArm, SourceReport, Tool, Units,
};
pub use over_time::{Change, TimeEffect, TimeEffects, TimeScale, TimeSpan};
pub use parts::{DimensionEffects, Heterogeneity, PartEffect};
pub use past_looks::{Decided, LookValue, MovedDecision, MovedLook, PastLooks};
pub use query::{BookChange, IdExample};
pub use split_cause::{SplitCause, SplitDiagnosis};
pub use trialbook_decision::{
    CopiesOfArm, CopiesProblem, Ground, IdProblem, IdsMeet, Judgement, Need, NoLevels, QualityCheck,
    QualityDetail, QualityKind, QualityStatus, Spelling, SplitArm, Verdict, VerdictKind,
};
pub use work::Request;

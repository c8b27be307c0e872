//! The rule declared before launch, and the verdict it gives for each treatment.
//!
//! The rule is rule 2 of Schultzberg, Ankargren and Frånberg (2024): ship when a success metric is
//! better, every guardrail is non-inferior, no metric is worse and no quality test rejects. Exploratory
//! metrics have no part in it.

mod levels;
pub mod power;
mod quality;
mod rule;
mod verdict;

pub use levels::{LevelsError, NoLevels, levels, spending};
pub use quality::{
    CopiesOfArm, CopiesProblem, IdProblem, IdsMeet, QualityCheck, QualityDetail, QualityKind, QualityStatus,
    Spelling, SplitArm,
};
pub use rule::{Case, GuardrailTest, MetricFinding, Part, Stage, judge, verdict};
pub use verdict::{Ground, Judgement, Need, Verdict, VerdictKind};

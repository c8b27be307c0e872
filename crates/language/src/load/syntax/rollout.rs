//! `*.rollout.yaml`.

use super::audience::Audience;
use super::collection::List;
use super::experiment::GuardrailSyntax;
use super::leaf::Text;
use super::mapping::mapping;
use super::step::StepSyntax;
use trialbook_model::{FlagKey, Salt, VariantKey};

mapping! {
    /// A stepped release of one variant, held by guardrails. The file's stem is its key.
    struct RolloutFile: "a rollout" {
        /// What it releases, and why.
        "description" optional description: Text,
        /// Who answers for it; the flag's owner unless given.
        "owner" optional owner: Text,
        /// The flag whose variant is released.
        "flag" required flag: FlagKey,
        /// The variant that is released.
        "serve" required serve: VariantKey,
        /// Who may be served it; everybody unless given.
        "audience" optional audience: Audience,
        /// When how many of them are. Steps only grow.
        "steps" required steps: List<StepSyntax>,
        /// Metrics that must not get worse. With any, a step is served once it was approved.
        "guardrails" optional guardrails: List<GuardrailSyntax>,
        /// The salt of its draw; the rollout's key unless given.
        "salt" optional salt: Salt,
    }
    reserved {
        "flags" => "a rollout releases one flag's variant: write `flag: KEY`",
        "requires" => "prerequisites are not supported yet; write the condition into `audience`",
    }
}

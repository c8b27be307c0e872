//! A step of a ramp or of a rollout.

use super::mapping::mapping;
use super::moment::When;
use trialbook_model::Share;

mapping! {
    /// A step: from an instant on, this share.
    struct StepSyntax: "a step" {
        /// The first day, or the instant.
        "at" required at: When,
        /// The share of the audience, in whole buckets of 0.01%.
        "share" required share: Share,
    }
}

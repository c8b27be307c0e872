//! `*.layer.yaml`.

use super::collection::List;
use super::leaf::Text;
use super::mapping::mapping;
use trialbook_model::{BucketRange, Duration, EntityKey, ExperimentKey, Salt};

mapping! {
    /// A layer: a hash space of 10,000 buckets whose slots exclude each other. The file's stem is its key.
    struct LayerFile: "a layer" {
        /// What it is for, in prose.
        "description" required description: Text,
        /// Who answers for it.
        "owner" optional owner: Text,
        /// The unit that its draw hashes: an entity of trialbook.yaml.
        "entity" required entity: EntityKey,
        /// The salt of its draw; the layer's key unless given. Never changes while anything runs in the layer.
        "salt" optional salt: Salt,
        /// How long a freed bucket rests; `0d` unless given.
        "quarantine" optional quarantine: Duration = "0d",
        /// Who holds which buckets, sorted by the first one. `trialbook allocate` writes them.
        "slots" optional slots: List<SlotSyntax>,
    }
}

mapping! {
    /// A range of buckets that an experiment holds.
    struct SlotSyntax: "a slot" {
        /// The first and the last bucket, both included, between 0 and 9999.
        "buckets" required buckets: BucketRange,
        /// The experiment that holds them.
        "experiment" required experiment: ExperimentKey,
    }
    reserved {
        "rollout" => "only an experiment can hold buckets today",
        "holdout" => "only an experiment can hold buckets today",
    }
}

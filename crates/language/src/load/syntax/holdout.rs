//! `*.holdout.yaml`.

use super::collection::List;
use super::experiment::ScheduleSyntax;
use super::leaf::Text;
use super::mapping::mapping;
use trialbook_model::{EntityKey, MetricKey, Salt, Share, SurfaceKey};

mapping! {
    /// A share of units kept out of everything that launches on some surfaces. The file's stem is its key.
    struct HoldoutFile: "a holdout" {
        /// What it is to show.
        "description" required description: Text,
        /// Who answers for it.
        "owner" optional owner: Text,
        /// The unit that is held out: an entity of trialbook.yaml; the only one unless given.
        "entity" optional entity: EntityKey,
        /// The share of units that is held out, in whole buckets of 0.01%.
        "share" required share: Share,
        /// The parts of the product that it covers: surfaces of trialbook.yaml.
        "surfaces" required surfaces: List<SurfaceKey>,
        /// While it lasts. What launches on its surfaces within, it covers.
        "schedule" required schedule: ScheduleSyntax,
        /// What is compared between its units and everyone else.
        "metrics" optional metrics: List<MetricKey>,
        /// The salt of its draw; the holdout's key unless given.
        "salt" optional salt: Salt,
    }
}

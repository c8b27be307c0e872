//! What is done to end a collision, and why nothing can be, as data.

use super::Party;
use trialbook_model::Share;
use trialbook_model::allocation::BucketSet;

/// A single thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Start something later, for as long.
    Start {
        /// What.
        party: Party,
        /// When it starts then, as its file has it: a date, or an instant.
        to: String,
        /// When it starts now.
        from: String,
    },
    /// Allocate less to an experiment.
    Allocate {
        /// The experiment.
        experiment: String,
        /// What it gets then.
        to: Share,
        /// What it gets now.
        from: Share,
    },
    /// Put an experiment into a layer.
    Join {
        /// The experiment.
        experiment: String,
        /// The layer.
        layer: String,
    },
    /// Make a layer.
    MakeLayer {
        /// The layer.
        layer: String,
    },
    /// Take an experiment out of its layer.
    Leave {
        /// The experiment.
        experiment: String,
        /// The layer.
        layer: String,
    },
    /// Give experiments buckets of their layer.
    Give {
        /// The buckets, each with its experiment; never none.
        buckets: Vec<(BucketSet, String)>,
    },
    /// Keep the audience of one out of that of another.
    KeepOut {
        /// Whose audience becomes smaller.
        of: Party,
        /// Whose audience is kept out of it.
        whom: Party,
        /// That audience, as its file has it, on one line.
        audience: String,
    },
}

/// Why nothing ends a collision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// It concerns no experiment and no rollout.
    NobodyConcerned,
    /// All that it concerns is launched; never none.
    Launched(Vec<Party>),
    /// Every edit that was tried leaves it, or brings an error.
    NothingFits,
    /// Every edit that ends it brings another warning.
    OnlyWithWarnings,
}

//! Holdouts: a share of units kept out of everything that launches on some surfaces.

use serde::{Deserialize, Serialize};

use super::{EntityKey, HoldoutKey, MetricKey, Salt, Schedule, Share, SurfaceKey};

/// A share of units that is kept out of what launches on some surfaces while it lasts, to measure the effect of it all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holdout {
    /// Its key.
    pub key: HoldoutKey,
    /// What it is to show, in prose.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The unit that its draw hashes; the book's only entity unless given.
    pub entity: EntityKey,
    /// The share of units that is held out, a whole number of buckets above none.
    pub share: Share,
    /// The parts of the product that it covers; at least one.
    pub surfaces: Vec<SurfaceKey>,
    /// While it lasts: what launches on its surfaces within, it covers.
    pub schedule: Schedule,
    /// What is compared between its units and everyone else.
    pub metrics: Vec<MetricKey>,
    /// The salt of its draw, of purpose `holdout`; its key unless given.
    pub salt: Salt,
}

impl Holdout {
    /// Tells whether it covers any of these surfaces.
    pub fn covers(&self, surfaces: &[SurfaceKey]) -> bool {
        surfaces.iter().any(|surface| self.surfaces.contains(surface))
    }
}

//! Overrides of an experiment: variants that named units are served without a draw, so that a test can be tried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{SegmentKey, VariantKey};

/// A variant that some units are served before anything is drawn.
///
/// They are served the plain variant, so that they are never taken for an arm's units, and they are left out of the analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForcedVariant {
    /// Who.
    pub who: ForcedUnits,
    /// What they are served.
    pub serve: VariantKey,
}

/// Who is served a variant without a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForcedUnits {
    /// The units with these ids; never empty.
    Units(BTreeSet<String>),
    /// Whoever is in the segment.
    Segment(SegmentKey),
}

impl ForcedVariant {
    /// The most units that the overrides of an experiment may name, all together.
    pub const MOST_UNITS: usize = 100;

    /// Returns the units that it names; none where it names a segment.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        let named = match &self.who {
            ForcedUnits::Units(units) => Some(units),
            ForcedUnits::Segment(_) => None,
        };
        named.into_iter().flatten().map(String::as_str)
    }

    /// Returns the segment that it names.
    pub fn segment(&self) -> Option<&SegmentKey> {
        match &self.who {
            ForcedUnits::Units(_) => None,
            ForcedUnits::Segment(segment) => Some(segment),
        }
    }
}

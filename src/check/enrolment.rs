//! Which buckets of which draw an experiment enrols.

use crate::model::{BUCKETS, Book, BucketRange, Experiment, Salt};

/// The buckets that an experiment enrols, and the draw that they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Enrolment {
    salt: Salt,
    ranges: Vec<BucketRange>,
}

impl Enrolment {
    /// Returns what an experiment enrols: its slots in its layer, or the first buckets of its own draw.
    pub(super) fn of(book: &Book, experiment: &Experiment) -> Self {
        match experiment.layer.as_ref().and_then(|layer| book.layers.get(layer)) {
            Some(layer) => {
                Self { salt: layer.salt.clone(), ranges: layer.slots_of(&experiment.key).collect() }
            }
            None => {
                let last = experiment.allocation.buckets().and_then(|buckets| buckets.checked_sub(1));
                let ranges = last.and_then(|last| BucketRange::new(0, last)).into_iter().collect();
                Self { salt: experiment.salt.clone(), ranges }
            }
        }
    }

    /// Returns the share of units, between 0 and 1.
    pub(super) fn share(&self) -> f64 {
        share(self.ranges.iter().copied())
    }

    /// Returns the share of units that two enrolments have in common: the product of independent draws, the shared
    /// buckets of one draw.
    pub(super) fn in_both(&self, other: &Self) -> f64 {
        if self.salt != other.salt {
            return self.share() * other.share();
        }
        let shared = self.ranges.iter().flat_map(|a| {
            other
                .ranges
                .iter()
                .filter_map(|b| BucketRange::new(a.first().max(b.first()), a.last().min(b.last())))
        });
        share(shared)
    }
}

fn share(ranges: impl Iterator<Item = BucketRange>) -> f64 {
    f64::from(ranges.map(BucketRange::count).sum::<u32>()) / f64::from(BUCKETS)
}

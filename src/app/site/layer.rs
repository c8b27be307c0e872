//! Who holds which buckets of a layer when, and what is free for how long.

use jiff::Timestamp;
use serde::Serialize;

use trialbook_model::allocation::{BucketSet, resting};
use trialbook_model::{BUCKETS, Book, BucketRange, ExperimentKey, Kind, Layer};

/// A layer as a map of buckets over time.
#[derive(Debug, Serialize)]
pub struct LayerPage<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// Who holds what, in the order of the file. What is long over is not among it.
    pub occupied: Vec<Occupied>,
    /// What is free now, and until when, the largest first.
    pub free: Vec<Free>,
    /// How many buckets are free now.
    pub free_now: u32,
    /// Experiments of the layer that hold no bucket yet and have not ended.
    pub waiting: Vec<ExperimentKey>,
}

/// Buckets that an experiment holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occupied {
    /// Which.
    pub buckets: BucketRange,
    /// Whose they are.
    pub experiment: ExperimentKey,
    /// From when on.
    pub from: Timestamp,
    /// Until when the experiment is served at the latest.
    pub until: Timestamp,
    /// Until when they rest afterwards: the layer's quarantine.
    pub rests_until: Timestamp,
}

/// Buckets that nobody holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Free {
    /// Which.
    pub buckets: BucketRange,
    /// Until somebody holds one of them; `None`: nobody has booked them.
    pub until: Option<Timestamp>,
}

impl<'a> LayerPage<'a> {
    pub(super) fn new(book: &Book, layer: &'a Layer, at: Timestamp) -> Self {
        let occupied: Vec<Occupied> = layer
            .slots
            .iter()
            .filter_map(|slot| {
                let experiment = book.experiments.get(&slot.experiment)?;
                let serving = book.serving_window(experiment)?;
                let rests = resting(book, layer, experiment)?;
                Some(Occupied {
                    buckets: slot.buckets,
                    experiment: slot.experiment.clone(),
                    from: serving.start(),
                    until: serving.end(),
                    rests_until: rests.end(),
                })
            })
            .collect();
        let held: BucketSet = occupied
            .iter()
            .filter(|one| one.from <= at && at < one.rests_until)
            .map(|one| one.buckets)
            .collect();
        let free_set = held.complement();
        let mut free: Vec<Free> =
            free_set.ranges().iter().flat_map(|range| parts(*range, &occupied, at)).collect();
        free.sort_by_key(|free| (std::cmp::Reverse(free.buckets.count()), free.buckets.first()));
        let users = book.uses().of_part(Kind::Layer, layer.key.as_str());
        let members = users.iter().filter_map(|user| book.experiments.get(&*user.key));
        let waits = members.filter(|experiment| {
            let open = experiment.decision.is_none() && at < book.matured_at(experiment);
            open && layer.slots_of(&experiment.key).next().is_none()
        });
        let mut waiting: Vec<_> = waits.map(|experiment| experiment.key.clone()).collect();
        waiting.sort();
        Self { layer, occupied, free, free_now: free_set.count(), waiting }
    }

    /// Returns the share of the layer that is free now.
    pub fn free_share(&self) -> f64 {
        f64::from(self.free_now) / f64::from(BUCKETS)
    }
}

/// Cuts a free range where the time for which it stays free changes.
fn parts(range: BucketRange, occupied: &[Occupied], at: Timestamp) -> Vec<Free> {
    let later: Vec<&Occupied> =
        occupied.iter().filter(|one| one.from > at && one.buckets.meets(range)).collect();
    let mut cuts: Vec<u32> =
        later.iter().flat_map(|one| [one.buckets.first(), one.buckets.last() + 1]).collect();
    cuts.extend([range.first(), range.last() + 1]);
    cuts.retain(|cut| (range.first()..=range.last() + 1).contains(cut));
    cuts.sort_unstable();
    cuts.dedup();
    let mut parts: Vec<Free> = Vec::new();
    for pair in cuts.windows(2) {
        let &[first, end] = pair else { continue };
        let Some(buckets) = BucketRange::new(first, end - 1) else { continue };
        let booked = later.iter().filter(|one| one.buckets.meets(buckets)).map(|one| one.from).min();
        match parts.last_mut() {
            Some(before) if before.until == booked => {
                before.buckets = BucketRange::new(before.buckets.first(), end - 1).unwrap_or(before.buckets);
            }
            _ => parts.push(Free { buckets, until: booked }),
        }
    }
    parts
}

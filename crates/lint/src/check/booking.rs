//! What the experiments of a layer claim of it, day by day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inspection::Inspection;
use super::text::percent;
use trialbook_model::allocation::resting;
use trialbook_model::{BUCKETS, Experiment, ExperimentKey, Kind, Layer};

/// A time without a gap in which more of a layer is claimed than there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overbooked<'a> {
    /// The first instant.
    pub(super) from: Timestamp,
    /// The first instant after it.
    pub(super) until: Timestamp,
    /// When the most is claimed, for the first time.
    pub(super) worst: Timestamp,
    /// How many buckets are claimed then.
    pub(super) buckets: u64,
    /// Who claims how many then, by key.
    pub(super) claims: BTreeMap<&'a ExperimentKey, u64>,
    /// Everybody who claims any in that time.
    pub(super) everyone: BTreeSet<&'a ExperimentKey>,
}

/// Returns when a layer is over-booked, in order; only what lies ahead or lasts.
///
/// An experiment claims what its allocation asks for, or what it holds where that is more, from the start of its serving
/// window until its end and the layer's quarantine after it. A concluded one claims what it holds. Goes over the days on
/// which a claim begins or ends.
pub(super) fn overbooked<'a>(context: &Inspection<'a>, layer: &Layer) -> Vec<Overbooked<'a>> {
    let claims = claims(context, layer);
    let mut turns = BTreeMap::<Timestamp, Vec<(&ExperimentKey, Option<u64>)>>::new();
    for (key, buckets, from, until) in &claims {
        turns.entry(*from).or_default().push((*key, Some(*buckets)));
        turns.entry(*until).or_default().push((*key, None));
    }
    let (mut open, mut sum) = (BTreeMap::<&ExperimentKey, u64>::new(), 0u64);
    let (mut found, mut current) = (Vec::<Overbooked<'a>>::new(), None::<Overbooked<'a>>);
    for (at, changes) in turns {
        for (key, buckets) in changes {
            match buckets {
                Some(buckets) => {
                    open.insert(key, buckets);
                    sum += buckets;
                }
                None => sum -= open.remove(key).unwrap_or(0),
            }
        }
        if sum <= u64::from(BUCKETS) {
            found.extend(current.take().map(|stretch| Overbooked { until: at, ..stretch }));
            continue;
        }
        let stretch = current.get_or_insert_with(|| Overbooked {
            from: at,
            until: at,
            worst: at,
            buckets: 0,
            claims: BTreeMap::new(),
            everyone: BTreeSet::new(),
        });
        stretch.everyone.extend(open.keys().copied());
        if sum > stretch.buckets {
            (stretch.worst, stretch.buckets, stretch.claims) = (at, sum, open.clone());
        }
    }
    found.retain(|stretch| stretch.until > context.now);
    found
}

/// Returns who claims how many buckets of a layer, from when until when.
fn claims<'a>(
    context: &Inspection<'a>,
    layer: &Layer,
) -> Vec<(&'a ExperimentKey, u64, Timestamp, Timestamp)> {
    let mut held = BTreeMap::<&str, u64>::new();
    for slot in &layer.slots {
        *held.entry(slot.experiment.as_str()).or_default() += u64::from(slot.buckets.count());
    }
    let claim = |experiment: &'a Experiment| {
        let held = held.get(experiment.key.as_str()).copied().unwrap_or(0);
        let asked = u64::from(experiment.allocation.buckets().unwrap_or(0));
        let claimed = if experiment.decision.is_none() { held.max(asked) } else { held };
        let window = resting(context.book, layer, experiment).filter(|_| claimed > 0)?;
        Some((&experiment.key, claimed, window.start(), window.end()))
    };
    let users = context.book.uses().of_part(Kind::Layer, layer.key.as_str()).iter();
    let members = users.filter_map(|user| context.book.experiments.get(&*user.key));
    members.filter_map(claim).collect()
}

/// Returns buckets as a share of the layer: `112.5 %`.
#[expect(clippy::cast_precision_loss, reason = "a sum of buckets is far below 2^53")]
pub(super) fn share(buckets: u64) -> String {
    percent(buckets as f64 / f64::from(BUCKETS))
}

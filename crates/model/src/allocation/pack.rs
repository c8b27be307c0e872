//! Packing a layer: which buckets each experiment holds.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::BucketSet;
use crate::{
    Allocation, BUCKETS, Book, BucketRange, Experiment, ExperimentKey, Layer, LayerKey, Schedule, Slot,
};

/// The slots that a layer should have, and how they differ from those it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// Sorted by first bucket; of those that begin with the same bucket, the ones that were there come first.
    pub slots: Vec<Slot>,
    /// One for each experiment whose buckets change, by key.
    pub changes: Vec<SlotChange>,
}

/// What an experiment gains or gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotChange {
    /// Whose buckets change.
    pub experiment: ExperimentKey,
    /// What it gains.
    pub added: BucketSet,
    /// What it gives back; only before its start.
    pub removed: BucketSet,
}

/// Why an experiment cannot have the buckets that its allocation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The layer.
    pub layer: LayerKey,
    /// The experiment.
    pub experiment: ExperimentKey,
    /// What stands in the way.
    pub reason: RefusalReason,
}

/// What stands in the way of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// Too few buckets are free for the whole time in which the experiment may be served.
    NoRoom {
        /// How many more buckets it asks for.
        wanted: u32,
        /// How many it could have.
        free: u32,
        /// Who holds the others at that time, the first to give them back first.
        holders: Vec<Holder>,
        /// The first start at which it fits, with the same length; `None` where it has started, or never fits.
        fits_from: Option<Timestamp>,
    },
    /// It is being served, and its allocation is less than what it holds: units would lose their variant.
    Shrinks {
        /// How many buckets it holds.
        held: u32,
        /// How many its allocation is.
        wanted: u32,
    },
    /// It holds buckets that another one holds while both may be served.
    Shared {
        /// The other one.
        with: ExperimentKey,
        /// The buckets that both hold.
        buckets: BucketSet,
    },
}

/// Who holds buckets of a layer, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub experiment: ExperimentKey,
    /// How many buckets.
    pub buckets: u32,
    /// The first instant at which another may have them: the end of serving, and the layer's quarantine.
    pub until: Timestamp,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, experiment, reason } = self;
        match reason {
            RefusalReason::NoRoom { wanted, free, .. } => write!(
                f,
                "layer `{layer}` has no room for `{experiment}`: it asks for {wanted} more buckets of {BUCKETS}, and {free} are free while it may be served"
            ),
            RefusalReason::Shrinks { held, wanted } => write!(
                f,
                "`{experiment}` is being served and holds {held} buckets of layer `{layer}`: its allocation cannot shrink to {wanted}"
            ),
            RefusalReason::Shared { with, buckets } => write!(
                f,
                "`{experiment}` and `{with}` both hold {buckets} of layer `{layer}` while both may be served"
            ),
        }
    }
}

/// Returns the slots that give every experiment of a layer the buckets that its allocation asks for.
///
/// Slots never move. An experiment that lacks buckets gets the first free range that is large enough, or else the
/// first free buckets; rival claims on two branches so touch the same lines. Free is what nobody holds whose serving
/// window, with the layer's quarantine after it, meets that of the experiment. Earlier starts come first, then keys. An
/// experiment that has not started gives back its last buckets when its allocation shrinks. One whose ramp has begun
/// gets buckets above those it has, because its ramp takes them in their order.
///
/// Only experiments that `chosen` names are given buckets, and none that is concluded or no longer served at `now`. Their
/// slots stay as the record of who was in them: later ones may have the same buckets. Every refusal is listed, and
/// with one nothing is packed.
pub fn pack(
    book: &Book,
    layer: &Layer,
    chosen: &dyn Fn(&Experiment) -> bool,
    now: Timestamp,
) -> Result<Packing, Vec<Refusal>> {
    let mut claims = Claims::new(book, layer, now);
    let mut changes = Vec::new();
    let mut refusals = claims.shared();
    for experiment in claims.order() {
        if !chosen(experiment) {
            continue;
        }
        match claims.settle(experiment) {
            Ok(change) => changes.extend(change),
            Err(reason) => {
                let (layer, experiment) = (layer.key.clone(), experiment.key.clone());
                refusals.push(Refusal { layer, experiment, reason });
            }
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    changes.sort_by(|a, b| a.experiment.cmp(&b.experiment));
    Ok(Packing { slots: slots(layer, &changes), changes })
}

/// Returns a layer's slots with the changes made: ranges that stay are left as they are written.
fn slots(layer: &Layer, changes: &[SlotChange]) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(layer.slots.len() + changes.len());
    for slot in &layer.slots {
        let removed =
            changes.iter().find(|change| change.experiment == slot.experiment).map(|change| &change.removed);
        let kept: BucketSet = [slot.buckets].into_iter().collect();
        let kept = removed.map_or(kept.clone(), |removed| kept.difference(removed));
        slots.extend(kept.ranges().iter().map(|buckets| Slot { buckets: *buckets, ..slot.clone() }));
    }
    for change in changes {
        let added = change.added.ranges().iter();
        slots.extend(added.map(|buckets| Slot { buckets: *buckets, experiment: change.experiment.clone() }));
    }
    slots.sort_by_key(|slot| slot.buckets.first());
    slots
}

/// Who holds what of a layer, and when.
struct Claims<'a> {
    book: &'a Book,
    layer: &'a Layer,
    now: Timestamp,
    held: BTreeMap<&'a ExperimentKey, BucketSet>,
    /// From the start of serving to its end and the quarantine; none for what is never served.
    windows: BTreeMap<&'a ExperimentKey, Schedule>,
}

impl<'a> Claims<'a> {
    fn new(book: &'a Book, layer: &'a Layer, now: Timestamp) -> Self {
        let mut ranges = BTreeMap::<&ExperimentKey, Vec<BucketRange>>::new();
        for slot in &layer.slots {
            ranges.entry(&slot.experiment).or_default().push(slot.buckets);
        }
        let held: BTreeMap<_, BucketSet> =
            ranges.into_iter().map(|(key, ranges)| (key, ranges.into_iter().collect())).collect();
        let members =
            book.experiments.values().filter(|experiment| experiment.layer.as_ref() == Some(&layer.key));
        let holders = held.keys().filter_map(|key| book.experiments.get(*key));
        let windows = members
            .chain(holders)
            .filter_map(|experiment| Some((&experiment.key, resting(book, layer, experiment)?)))
            .collect();
        Self { book, layer, now, held, windows }
    }

    /// Returns the experiments that may be given buckets, in the order in which they are served.
    fn order(&self) -> Vec<&'a Experiment> {
        let open = |experiment: &&Experiment| {
            experiment.layer.as_ref() == Some(&self.layer.key)
                && experiment.decision.is_none()
                && self.book.serving_window(experiment).is_some_and(|window| self.now < window.end())
        };
        let mut order: Vec<_> = self.book.experiments.values().filter(open).collect();
        order.sort_by_key(|experiment| (experiment.schedule.start(), &experiment.key));
        order
    }

    /// Returns the pairs that hold the same buckets while both may be served. Where both are concluded it is over, and no
    /// edit ends it.
    fn shared(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let concluded =
            |key: &ExperimentKey| self.book.experiments.get(key).is_some_and(|e| e.decision.is_some());
        let holders: Vec<_> =
            self.held.iter().filter_map(|(key, held)| Some((*key, held, self.windows.get(*key)?))).collect();
        for (at, (a, held, window)) in holders.iter().enumerate() {
            let rivals = holders.iter().skip(at + 1).filter(|(_, _, other)| window.meets(other));
            for (b, other, _) in rivals.filter(|(b, ..)| !(concluded(a) && concluded(b))) {
                let buckets = held.intersection(other);
                if !buckets.is_empty() {
                    let reason = RefusalReason::Shared { with: (*b).clone(), buckets };
                    let (layer, experiment) = (self.layer.key.clone(), (*a).clone());
                    refusals.push(Refusal { layer, experiment, reason });
                }
            }
        }
        refusals
    }

    /// Gives an experiment the buckets that it lacks, or takes those that it has too many.
    fn settle(&mut self, experiment: &'a Experiment) -> Result<Option<SlotChange>, RefusalReason> {
        let held = self.held.get(&experiment.key).cloned().unwrap_or_default();
        let wanted = experiment.allocation.buckets().unwrap_or(0);
        let change = |added: BucketSet, removed: BucketSet| {
            Some(SlotChange { experiment: experiment.key.clone(), added, removed })
        };
        match held.count().cmp(&wanted) {
            std::cmp::Ordering::Equal => Ok(None),
            std::cmp::Ordering::Greater if experiment.schedule.start() <= self.now => {
                Err(RefusalReason::Shrinks { held: held.count(), wanted })
            }
            std::cmp::Ordering::Greater => {
                let kept = held.take_first(wanted);
                let removed = held.difference(&kept);
                self.held.insert(&experiment.key, kept);
                Ok(change(BucketSet::EMPTY, removed))
            }
            std::cmp::Ordering::Less => {
                let lacking = wanted - held.count();
                let Some(window) = self.windows.get(&experiment.key).copied() else { return Ok(None) };
                let free = self.free(experiment, window);
                let added = first_fit(&free, lacking)
                    .ok_or_else(|| self.no_room(experiment, window, lacking, &free))?;
                self.held.insert(&experiment.key, held.union(&added));
                Ok(change(added, BucketSet::EMPTY))
            }
        }
    }

    /// Returns who else holds buckets in a window.
    fn rivals(
        &self,
        experiment: &'a Experiment,
        window: Schedule,
    ) -> impl Iterator<Item = (&'a ExperimentKey, &BucketSet, Schedule)> {
        let others = self.held.iter().filter(move |(key, _)| **key != &experiment.key);
        others
            .filter_map(|(key, held)| Some((*key, held, *self.windows.get(*key)?)))
            .filter(move |(_, _, other)| other.meets(&window))
    }

    /// Returns the buckets that nobody holds in a window, nor the experiment itself at any time.
    fn free(&self, experiment: &'a Experiment, window: Schedule) -> BucketSet {
        let own = self.held.get(&experiment.key).into_iter();
        let below = own
            .clone()
            .filter(|_| self.ramp_has_begun(experiment))
            .filter_map(|held| held.ranges().last().and_then(|range| BucketRange::new(0, range.last())));
        let taken = self.rivals(experiment, window).map(|(_, held, _)| held).chain(own);
        let taken = taken.flat_map(|held| held.ranges().iter().copied());
        taken.chain(below).collect::<BucketSet>().complement()
    }

    /// Tells whether units are served by the order of the experiment's buckets: others may only come after them.
    fn ramp_has_begun(&self, experiment: &Experiment) -> bool {
        matches!(experiment.allocation, Allocation::Ramp(_)) && experiment.schedule.start() <= self.now
    }

    fn no_room(
        &self,
        experiment: &'a Experiment,
        window: Schedule,
        wanted: u32,
        free: &BucketSet,
    ) -> RefusalReason {
        let holder = |(key, held, window): (&ExperimentKey, &BucketSet, Schedule)| Holder {
            experiment: key.clone(),
            buckets: held.count(),
            until: window.end(),
        };
        let mut holders: Vec<_> = self.rivals(experiment, window).map(holder).collect();
        holders.sort_by(|a, b| (a.until, &a.experiment).cmp(&(b.until, &b.experiment)));
        let fits = |start: Timestamp| {
            let length = window.end().duration_since(window.start());
            let end = start.saturating_add(length).unwrap_or(Timestamp::MAX);
            let moved = Schedule::new(start, end).ok()?;
            (self.free(experiment, moved).count() >= wanted).then_some(start)
        };
        let mut starts: Vec<_> = self.windows.values().map(Schedule::end).collect();
        starts.sort();
        let later = starts.into_iter().filter(|start| *start > window.start());
        let started = window.start() <= self.now;
        let fits_from = if started { None } else { later.into_iter().find_map(fits) };
        RefusalReason::NoRoom { wanted, free: free.count(), holders, fits_from }
    }
}

/// Returns when an experiment's buckets are not another's: while it is served, and the quarantine after it.
pub fn resting(book: &Book, layer: &Layer, experiment: &Experiment) -> Option<Schedule> {
    let window = book.serving_window(experiment)?;
    Schedule::new(window.start(), layer.quarantine.after(window.end())).ok()
}

/// Returns the first free range that is large enough, cut to size, or else the first free buckets.
fn first_fit(free: &BucketSet, wanted: u32) -> Option<BucketSet> {
    let whole = free.ranges().iter().find(|range| range.count() >= wanted);
    let set = whole.map_or_else(|| free.clone(), |range| [*range].into_iter().collect());
    Some(set.take_first(wanted)).filter(|set| set.count() == wanted)
}

#[cfg(test)]
mod tests;

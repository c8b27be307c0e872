//! How changes of a plan after launch affect its result.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Preregistration;
use trialbook_model::allocation::growth;
use trialbook_model::{Bearing, Book, BucketRange, Experiment, ExperimentKey, Layer, MovedEnd, PlanChange};

/// A launched experiment and the same one as the book has it now.
pub(super) struct Compared<'a> {
    pub(super) launched: &'a Book,
    pub(super) now: &'a Book,
    pub(super) old: &'a Experiment,
    pub(super) new: &'a Experiment,
    /// The instant at which both are compared.
    pub(super) at: Timestamp,
}

impl Compared<'_> {
    /// Returns the parts that differ, each with what it means for the result.
    pub(super) fn changes(&self, was: &Preregistration, is: &Preregistration) -> Vec<PlanChange> {
        was.differences(is).iter().map(|part| self.change(part, was.part(part), is.part(part))).collect()
    }

    fn change(&self, part: &str, was: Option<&Value>, is: Option<&Value>) -> PlanChange {
        let decided = self.new.decision.is_some();
        // Once it is decided, nobody is enrolled any more: whatever serves or draws units may move on.
        let unless_decided = |otherwise| if decided { Bearing::Allowed } else { otherwise };
        let bearing = match part {
            "schedule" => return self.schedule(),
            "flag" => self.flag(was, is),
            "allocation" if grown(self.launched, self.now, self.old, self.new, self.until()) => {
                Bearing::Allowed
            }
            "layer" if self.holds_more() => Bearing::Allowed,
            "allocation" | "layer" | "unit" | "evaluators" => unless_decided(Bearing::Untrusted),
            "segments" | "attributes" | "holdouts" => unless_decided(Bearing::Deviation),
            "salt" | "split" => Bearing::Untrusted,
            // The analysis follows the launched plan in all of these. A part that a later form of the plan adds is listed too.
            _ => Bearing::Deviation,
        };
        PlanChange::new(part, bearing)
    }

    /// The instant of comparison, while units are enrolled.
    fn until(&self) -> Timestamp {
        let ends = self.old.schedule.end().min(self.new.schedule.end());
        self.at.min(ends.checked_sub(SignedDuration::from_secs(1)).unwrap_or(ends))
    }

    fn schedule(&self) -> PlanChange {
        let (was, is) = (self.old.schedule, self.new.schedule);
        if was.start() != is.start() {
            return PlanChange::new("schedule", Bearing::Untrusted);
        }
        if is.end() > was.end() {
            return PlanChange::new("schedule", Bearing::Deviation);
        }
        let end = MovedEnd { planned: was.end(), now: is.end() };
        PlanChange { end: Some(end), ..PlanChange::new("schedule", Bearing::Allowed) }
    }

    fn holds_more(&self) -> bool {
        let of = |book: &Book, e: &Experiment| e.layer.as_ref().and_then(|key| book.layers.get(key)).cloned();
        let layers = (of(self.launched, self.old), of(self.now, self.new));
        let holds = matches!(&layers, (Some(a), Some(b)) if holds_more(a, b, &self.old.key));
        holds && keeps_units(self.launched, self.now, self.old, self.new, self.until())
    }

    /// What the tested variants are must not change. What others get may, once it is decided: that is what shipping does.
    fn flag(&self, was: Option<&Value>, is: Option<&Value>) -> Bearing {
        let (Some(was), Some(is)) = (was, is) else { return Bearing::Untrusted };
        let decided = self.new.decision.is_some();
        if ["key", "entity", "type"].iter().any(|part| was.get(part) != is.get(part)) {
            return Bearing::Untrusted;
        }
        let value = |flag: &Value, variant: &str| flag.get("variants").and_then(|v| v.get(variant)).cloned();
        let same = ["rules", "default"].iter().all(|part| was.get(part) == is.get(part));
        let mut bearing = if same || decided { Bearing::Allowed } else { Bearing::Deviation };
        for variant in self.old.split.variants() {
            let of_variant = match (value(was, variant.as_str()), value(is, variant.as_str())) {
                (a, b) if a == b => Bearing::Allowed,
                // What lost is removed from the flag.
                (_, None) if decided => Bearing::Allowed,
                _ if decided => Bearing::Deviation,
                _ => Bearing::Untrusted,
            };
            bearing = bearing.max(of_variant);
        }
        bearing
    }
}

/// Tells whether units are added to a launched experiment and none is taken away, at an instant.
pub fn grown(before: &Book, after: &Book, old: &Experiment, new: &Experiment, at: Timestamp) -> bool {
    let same_draw = old.split == new.split && old.salt == new.salt && old.layer == new.layer;
    same_draw
        && new.allocation.share_at(at) >= old.allocation.share_at(at)
        && new.allocation.largest() >= old.allocation.largest()
        && keeps_units(before, after, old, new, at)
}

/// Tells whether nobody who is enrolled at an instant leaves. A step of a ramp has the first buckets of the slots, so a slot in
/// front of them would put others in the place of who is in.
pub fn keeps_units(before: &Book, after: &Book, old: &Experiment, new: &Experiment, at: Timestamp) -> bool {
    let (was, will) = (growth(before, old), growth(after, new));
    let Some(was) = was.as_ref().and_then(|growth| growth.at(at)) else { return true };
    // Where nobody is enrolled any more, something else than the allocation ends it.
    will.as_ref().and_then(|growth| growth.at(at)).is_none_or(|will| was.difference(will).is_empty())
}

/// Tells whether a layer keeps its draw, and an experiment every bucket that it holds.
pub fn holds_more(old: &Layer, new: &Layer, key: &ExperimentKey) -> bool {
    let held: Vec<BucketRange> = new.slots_of(key).collect();
    let kept = |range: BucketRange| {
        (range.first()..=range.last()).all(|bucket| held.iter().any(|range| range.contains(bucket)))
    };
    old.key == new.key && old.salt == new.salt && old.entity == new.entity && old.slots_of(key).all(kept)
}

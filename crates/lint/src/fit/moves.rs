//! A single change of a book, made in the texts of its files.

use jiff::{Timestamp, Unit};

use super::desk::Desk;
use super::text;
use super::{Party, Step};
use trialbook_language::edit::{value, write_slots};
use trialbook_model::allocation::{BucketSet, RefusalReason, pack};
use trialbook_model::{Allocation, Experiment, Kind, Layer, Share, Slot};

/// A single change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Move {
    /// Let it begin at another time, and last as long.
    Begin(Party, Timestamp),
    /// Let an experiment have as much of a layer as all others leave.
    Shrink(String, String),
    /// Put an experiment into a layer.
    Join(String, String),
    /// Make a layer beside a flag's file: the layer and the flag.
    NewLayer(String, String),
    /// Take an experiment out of its layer.
    Leave(String, String),
    /// Take an experiment's slots out of a layer.
    Free(String, String),
    /// Give every experiment of a layer the slots that it lacks.
    Allocate(String),
    /// Keep the audience of the second out of that of the first.
    Exclude(Party, Party),
}

impl Move {
    /// Makes the change; returns what its reader has to know of it, if anything. `None` where it cannot be made.
    pub(super) fn make(&self, desk: &mut Desk) -> Option<Vec<Step>> {
        match self {
            Self::Begin(party, start) => begin(desk, party, *start),
            Self::Shrink(key, layer) => shrink(desk, key, layer),
            Self::Join(key, layer) => {
                edit(desk, Kind::Experiment, key, |text| text::set(text, "layer", layer, "flag"))?;
                Some(vec![Step::Join { experiment: key.clone(), layer: layer.clone() }])
            }
            Self::NewLayer(layer, flag) => new_layer(desk, layer, flag),
            Self::Leave(key, layer) => {
                edit(desk, Kind::Experiment, key, |text| text::without(text, "layer"))?;
                Some(vec![Step::Leave { experiment: key.clone(), layer: layer.clone() }])
            }
            Self::Free(key, layer) => free(desk, key, layer),
            Self::Allocate(layer) => allocate(desk, layer),
            Self::Exclude(party, other) => exclude(desk, party, other),
        }
    }
}

/// Replaces the text of a part's file.
fn edit(desk: &mut Desk, kind: Kind, key: &str, make: impl Fn(&str) -> Option<String>) -> Option<()> {
    let path = desk.path(kind, key)?;
    let new = make(&desk.text(&path)?)?;
    desk.write(&path, &new);
    Some(())
}

/// Days are those of the book's time zone, so midnight stays midnight where clocks are set.
fn begin(desk: &mut Desk, party: &Party, start: Timestamp) -> Option<Vec<Step>> {
    let (book, zone) = (desk.book(), desk.timezone());
    let (old, times): (Timestamp, Vec<(String, Timestamp)>) = match party.kind {
        Kind::Experiment => {
            let experiment = book.experiments.get(party.key.as_str())?;
            let schedule = experiment.schedule;
            let mut times = vec![
                ("/schedule/start".to_owned(), schedule.start()),
                ("/schedule/end".to_owned(), schedule.end()),
            ];
            if let Allocation::Ramp(steps) = &experiment.allocation {
                times.extend(
                    steps.all().iter().enumerate().map(|(n, s)| (format!("/allocation/{n}/at"), s.at)),
                );
            }
            (schedule.start(), times)
        }
        Kind::Rollout => {
            let steps = &book.rollouts.get(party.key.as_str())?.steps;
            let times = steps.all().iter().enumerate().map(|(n, step)| (format!("/steps/{n}/at"), step.at));
            (steps.first_at(), times.collect())
        }
        _ => return None,
    };
    let (from, to) = (old.to_zoned(zone.clone()), start.to_zoned(zone.clone()));
    let moved = |at: Timestamp| {
        let span = from.until((Unit::Day, &at.to_zoned(zone.clone()))).ok()?;
        Some(to.checked_add(span).ok()?.timestamp())
    };
    let written = |at: Timestamp| {
        let zoned = at.to_zoned(zone.clone());
        let midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == at);
        if midnight { zoned.date().to_string() } else { at.to_string() }
    };
    let values: Option<Vec<(String, String)>> =
        times.into_iter().map(|(pointer, at)| Some((pointer, written(moved(at)?)))).collect();
    let step = Step::Start { party: party.clone(), to: written(start), from: written(old) };
    let values = values?;
    edit(desk, party.kind, &party.key, |text| text::replaced(text, &values))?;
    Some(vec![step])
}

fn shrink(desk: &mut Desk, key: &str, layer: &str) -> Option<Vec<Step>> {
    let book = desk.book();
    let experiment = book.experiments.get(key)?;
    let Allocation::Fixed(old) = experiment.allocation else { return None };
    let own = |other: &Experiment| other.key == experiment.key;
    let layer = book.layers.get(layer)?;
    // What the others claim and do not hold yet is not free either.
    let slots = pack(book, layer, &|other| !own(other), desk.now()).ok()?.slots;
    let refusals = pack(book, &Layer { slots, ..layer.clone() }, &own, desk.now()).err()?;
    let room = refusals.into_iter().find_map(|refusal| match refusal.reason {
        RefusalReason::NoRoom { wanted, free, .. } if refusal.experiment == experiment.key => {
            Some((wanted, free))
        }
        _ => None,
    });
    let (wanted, free) = room?;
    let held = experiment.allocation.buckets()?.checked_sub(wanted)?;
    // Whole percents read best; where there are none, so be it.
    let buckets = held + free;
    let whole = buckets - buckets % 100;
    let new = Share::from_ppm(if whole > 0 { whole } else { buckets } * 100)
        .filter(|share| *share > Share::NONE)?;
    let new_text = new.to_string();
    edit(desk, Kind::Experiment, key, |text| text::set(text, "allocation", &new_text, "flag"))?;
    Some(vec![Step::Allocate { experiment: key.to_owned(), to: new, from: old }])
}

fn new_layer(desk: &mut Desk, layer: &str, flag: &str) -> Option<Vec<Step>> {
    let flag = desk.book().flags.get(flag)?;
    let beside = desk.path(Kind::Flag, flag.key.as_str())?;
    let folder = beside.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let path = format!("{folder}{layer}.layer.yaml");
    if desk.text(&path).is_some() || desk.path(Kind::Layer, layer).is_some() {
        return None;
    }
    let description = value::scalar(&format!("Experiments on `{}`.", flag.key), value::Place::Block);
    let owner = value::scalar(&flag.owner, value::Place::Block);
    let text = format!("description: {description}\nowner: {owner}\nentity: {}\nslots: []\n", flag.entity);
    desk.write(&path, &text);
    Some(vec![Step::MakeLayer { layer: layer.to_owned() }])
}

fn free(desk: &mut Desk, key: &str, layer: &str) -> Option<Vec<Step>> {
    let slots = &desk.book().layers.get(layer)?.slots;
    let kept: Vec<Slot> = slots.iter().filter(|slot| slot.experiment.as_str() != key).cloned().collect();
    if kept.len() < slots.len() {
        edit(desk, Kind::Layer, layer, |text| write_slots(text, &kept).ok())?;
    }
    Some(Vec::new())
}

fn allocate(desk: &mut Desk, layer: &str) -> Option<Vec<Step>> {
    if desk.is_broken() {
        return None;
    }
    let book = desk.book();
    let packing = pack(book, book.layers.get(layer)?, &|_| true, desk.now()).ok()?;
    let buckets: Vec<(BucketSet, String)> = packing
        .changes
        .iter()
        .filter(|change| !change.added.is_empty())
        .map(|change| (change.added.clone(), change.experiment.to_string()))
        .collect();
    edit(desk, Kind::Layer, layer, |text| write_slots(text, &packing.slots).ok())?;
    Some(if buckets.is_empty() { Vec::new() } else { vec![Step::Give { buckets }] })
}

fn exclude(desk: &mut Desk, party: &Party, other: &Party) -> Option<Vec<Step>> {
    let path = desk.path(other.kind, &other.key)?;
    let audience = text::flow_of(&desk.text(&path)?, "audience")?;
    edit(desk, party.kind, &party.key, |text| text::excluded(text, &audience))?;
    Some(vec![Step::KeepOut { of: party.clone(), whom: other.clone(), audience }])
}

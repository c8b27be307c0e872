//! A single change of a book, made in the texts of its files.

use jiff::{Timestamp, Unit};

use super::Party;
use super::desk::Desk;
use super::text;
use trialbook_language::edit::{value, write_slots};
use trialbook_model::allocation::{RefusalReason, pack};
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
    /// Makes the change; returns what it is, as an imperative that may be empty. `None` where it cannot be made.
    pub(super) fn make(&self, desk: &mut Desk) -> Option<String> {
        match self {
            Self::Begin(party, start) => begin(desk, party, *start),
            Self::Shrink(key, layer) => shrink(desk, key, layer),
            Self::Join(key, layer) => {
                edit(desk, Kind::Experiment, key, |text| text::set(text, "layer", layer, "flag"))?;
                Some(format!("put `{key}` into layer `{layer}`"))
            }
            Self::NewLayer(layer, flag) => new_layer(desk, layer, flag),
            Self::Leave(key, layer) => {
                edit(desk, Kind::Experiment, key, |text| text::without(text, "layer"))?;
                Some(format!("take `{key}` out of layer `{layer}`: it meets the others at random"))
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
fn begin(desk: &mut Desk, party: &Party, start: Timestamp) -> Option<String> {
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
    let title = format!("start `{}` on {} instead of {}", party.key, written(start), written(old));
    let values = values?;
    edit(desk, party.kind, &party.key, |text| text::replaced(text, &values))?;
    Some(title)
}

fn shrink(desk: &mut Desk, key: &str, layer: &str) -> Option<String> {
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
    Some(format!("allocate {new} to `{key}` instead of {old}"))
}

fn new_layer(desk: &mut Desk, layer: &str, flag: &str) -> Option<String> {
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
    Some(format!("make a layer `{layer}`"))
}

fn free(desk: &mut Desk, key: &str, layer: &str) -> Option<String> {
    let slots = &desk.book().layers.get(layer)?.slots;
    let kept: Vec<Slot> = slots.iter().filter(|slot| slot.experiment.as_str() != key).cloned().collect();
    if kept.len() < slots.len() {
        edit(desk, Kind::Layer, layer, |text| write_slots(text, &kept).ok())?;
    }
    Some(String::new())
}

fn allocate(desk: &mut Desk, layer: &str) -> Option<String> {
    if desk.is_broken() {
        return None;
    }
    let book = desk.book();
    let packing = pack(book, book.layers.get(layer)?, &|_| true, desk.now()).ok()?;
    let changed: Vec<String> = packing
        .changes
        .iter()
        .filter(|change| !change.added.is_empty())
        .map(|change| format!("{} to `{}`", change.added, change.experiment))
        .collect();
    edit(desk, Kind::Layer, layer, |text| write_slots(text, &packing.slots).ok())?;
    Some(if changed.is_empty() { String::new() } else { format!("give {}", changed.join(" and ")) })
}

fn exclude(desk: &mut Desk, party: &Party, other: &Party) -> Option<String> {
    let path = desk.path(other.kind, &other.key)?;
    let whom = text::flow_of(&desk.text(&path)?, "audience")?;
    edit(desk, party.kind, &party.key, |text| text::excluded(text, &whom))?;
    Some(format!("keep the audience of `{}` out of `{}`: not {whom}", other.key, party.key))
}

//! Which edits are tried on a collision, and why none of them may do.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::desk::Desk;
use super::moves::Move;
use super::{Open, Party, Stuck};
use trialbook_model::allocation::resting;
use trialbook_model::{Experiment, Kind};

/// Of one sort of edit so many are tried: later starts, above all.
const TRIED: usize = 12;

/// Returns the edits to try: of each sort several, the smallest first. Only what is not launched is edited.
pub(super) fn alternatives(desk: &Desk, open: &Open) -> Vec<Vec<Vec<Move>>> {
    let editable: Vec<&Party> = open.parties.iter().filter(|party| is_ahead(desk, party)).collect();
    let mut all = Vec::new();
    match (open.rule, &open.layer) {
        ("slots-mismatch", Some(layer)) => {
            all.push(vec![vec![Move::Allocate(layer.clone())]]);
            in_layer(desk, &editable, layer, &mut all);
        }
        (_, Some(layer)) => in_layer(desk, &editable, layer, &mut all),
        (_, None) => on_flag(desk, open, &editable, &mut all),
    }
    all
}

/// What ends too many claims on a layer, or two on the same buckets.
fn in_layer(desk: &Desk, editable: &[&Party], layer: &str, all: &mut Vec<Vec<Vec<Move>>>) {
    let repacked =
        |key: &str| [Move::Free(key.to_owned(), layer.to_owned()), Move::Allocate(layer.to_owned())];
    let members = || editable.iter().filter(|party| party.kind == Kind::Experiment);
    // Shifting slots costs nobody a day.
    all.extend(members().map(|party| vec![repacked(&party.key).to_vec()]));
    for party in members() {
        let starts = later_starts(desk, party);
        let begin = |start: Timestamp| {
            let mut steps = vec![Move::Begin((*party).clone(), start)];
            steps.extend(repacked(&party.key));
            steps
        };
        all.push(starts.into_iter().map(begin).collect());
    }
    for party in members() {
        let (key, layer) = (party.key.clone(), layer.to_owned());
        let [free, allocate] = repacked(&key);
        all.push(vec![vec![free, Move::Shrink(key, layer), allocate]]);
    }
    for party in members() {
        let (key, layer) = (party.key.clone(), layer.to_owned());
        all.push(vec![vec![Move::Leave(key.clone(), layer.clone()), Move::Free(key, layer)]]);
    }
}

/// What keeps two of a flag apart.
fn on_flag(desk: &Desk, open: &Open, editable: &[&Party], all: &mut Vec<Vec<Vec<Move>>>) {
    let [a, b] = open.parties.as_slice() else { return };
    if a.kind == Kind::Experiment && b.kind == Kind::Experiment {
        joined(desk, a, b, all);
    }
    for party in editable {
        let starts = later_starts(desk, party).into_iter();
        let layer = experiment(desk, party).and_then(|e| e.layer.as_ref()).map(ToString::to_string);
        let begin = |start: Timestamp| {
            let step = Move::Begin((*party).clone(), start);
            let again = layer.iter().map(|layer| {
                let free = Move::Free(party.key.clone(), layer.clone());
                vec![step.clone(), free, Move::Allocate(layer.clone())]
            });
            std::iter::once(vec![step.clone()]).chain(again).collect::<Vec<_>>()
        };
        all.push(starts.flat_map(begin).collect());
    }
    for party in editable {
        let other = if *party == a { b } else { a };
        all.push(vec![vec![Move::Exclude((*party).clone(), other.clone())]]);
    }
}

/// Both in one layer: that of one of them, one that the flag knows already, or a new one. What is launched keeps its draw.
fn joined(desk: &Desk, a: &Party, b: &Party, all: &mut Vec<Vec<Vec<Move>>>) {
    let (Some(one), Some(other)) = (experiment(desk, a), experiment(desk, b)) else { return };
    let book = desk.book();
    let on_flag = book.experiments_of(&one.flag).filter_map(|e| e.layer.as_ref());
    let mut layers: BTreeSet<String> = on_flag.map(ToString::to_string).collect();
    layers.extend([one, other].iter().filter_map(|e| e.layer.as_ref()).map(ToString::to_string));
    let ways = |layer: &str| {
        let mut steps = Vec::new();
        for (party, experiment) in [(a, one), (b, other)] {
            let own = experiment.layer.as_ref().map(ToString::to_string);
            if own.as_deref() == Some(layer) {
                continue;
            }
            if !is_ahead(desk, party) {
                return None;
            }
            steps.extend(own.map(|own| Move::Free(party.key.clone(), own)));
            steps.push(Move::Join(party.key.clone(), layer.to_owned()));
        }
        Some(steps)
    };
    let allocated = |steps: &[Move], layer: &str| {
        let mut with = steps.to_vec();
        with.push(Move::Allocate(layer.to_owned()));
        with
    };
    for layer in &layers {
        let Some(steps) = ways(layer) else { continue };
        all.push(vec![allocated(&steps, layer)]);
        for party in [a, b].into_iter().filter(|party| is_ahead(desk, party)) {
            let mut smaller = steps.clone();
            // The other one's claim first, so that what is left is this one's.
            smaller.push(Move::Shrink(party.key.clone(), layer.clone()));
            all.push(vec![allocated(&smaller, layer)]);
        }
    }
    let name = one.flag.to_string();
    if layers.is_empty()
        && let Some(steps) = ways(&name)
    {
        let mut made = vec![Move::NewLayer(name.clone(), name.clone())];
        made.extend(steps);
        all.push(vec![allocated(&made, &name)]);
        for party in [a, b].into_iter().filter(|party| is_ahead(desk, party)) {
            let mut smaller = made.clone();
            smaller.push(Move::Shrink(party.key.clone(), name.clone()));
            all.push(vec![allocated(&smaller, &name)]);
        }
    }
}

fn experiment<'a>(desk: &'a Desk, party: &Party) -> Option<&'a Experiment> {
    desk.book().experiments.get(party.key.as_str()).filter(|_| party.kind == Kind::Experiment)
}

/// Returns whether it is neither launched nor decided.
fn is_ahead(desk: &Desk, party: &Party) -> bool {
    match (party.kind, experiment(desk, party)) {
        (_, Some(experiment)) => experiment.decision.is_none() && !desk.is_launched(experiment),
        (Kind::Rollout, None) => {
            let rollout = desk.book().rollouts.get(party.key.as_str());
            rollout.is_some_and(|rollout| rollout.steps.first_at() > desk.now())
        }
        _ => false,
    }
}

/// Returns the later instants at which something else on its flag, or in its layer, is over.
fn later_starts(desk: &Desk, party: &Party) -> Vec<Timestamp> {
    let book = desk.book();
    let (start, flag, layer) = match (experiment(desk, party), book.rollouts.get(party.key.as_str())) {
        (Some(e), _) => (e.schedule.start(), &e.flag, e.layer.as_ref().and_then(|key| book.layers.get(key))),
        (None, Some(rollout)) => (rollout.steps.first_at(), &rollout.flag, None),
        (None, None) => return Vec::new(),
    };
    let others = book.experiments_of(flag).filter(|e| e.key.as_str() != party.key);
    let mut ends: BTreeSet<Timestamp> = others.filter_map(|e| Some(book.serving_window(e)?.end())).collect();
    if let Some(layer) = layer {
        let members = book.experiments.values().filter(|e| e.layer.as_ref() == Some(&layer.key));
        let rested = members.filter(|e| e.key.as_str() != party.key);
        ends.extend(rested.filter_map(|e| Some(resting(book, layer, e)?.end())));
    }
    ends.into_iter().filter(|end| *end > start && *end > desk.now()).take(TRIED).collect()
}

/// Returns why nothing ends a collision.
pub(super) fn why_stuck(desk: &Desk, open: &Open) -> Stuck {
    if open.parties.is_empty() {
        Stuck::NobodyConcerned
    } else if open.parties.iter().any(|party| is_ahead(desk, party)) {
        Stuck::NothingFits
    } else {
        Stuck::Launched(open.parties.clone())
    }
}

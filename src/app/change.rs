//! What a change of a book contains, for its reviewers: its experiments, and the layers that they are in.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_decision::power::{Evidence, Forecast, forecast};
use trialbook_history::FileChange;
use trialbook_language::load::Documents;
use trialbook_model::{Book, Experiment, ExperimentKey, Kind, Layer, LayerKey, MetricKey};

/// How many experiments are described, and how many a layer's calendar shows.
const SHOWN: usize = 30;

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The book's name.
    pub book: String,
    /// The book's time zone.
    pub timezone: String,
    /// When it was looked at.
    pub at: Timestamp,
    /// The experiments that the change adds or edits, the new ones first; not all of many.
    pub experiments: Vec<Touched>,
    /// The layers that they are in; not all of many.
    pub layers: Vec<LayerCalendar>,
}

/// An experiment that a change adds or edits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touched {
    /// Its key.
    pub key: ExperimentKey,
    /// Its title.
    pub title: String,
    /// Whether the change adds it.
    pub new: bool,
    /// When enrolment starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// What it can show; `None` where it has a decision or has started, so that nothing is to be planned.
    pub power: Option<Power>,
}

/// What an experiment needs and gets, as far as the book declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// Whether the schedule suffices; `None` where the book does not say enough.
    pub suffices: Option<bool>,
    /// Whether what each deciding metric needs is known.
    pub complete: bool,
    /// The power of the whole decision that is asked for, between 0 and 1.
    pub power: f64,
    /// The units that it needs over all arms.
    pub needed: Option<u64>,
    /// The units that are enrolled by its end.
    pub enrolled: Option<u64>,
    /// The days of enrolment that it needs.
    pub days: Option<u32>,
    /// When the last window of the units that it needs has closed.
    pub decided_on: Option<Timestamp>,
    /// The metric that needs the most.
    pub limited_by: Option<MetricKey>,
}

/// Who holds a layer's buckets when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerCalendar {
    /// The layer.
    pub layer: LayerKey,
    /// The experiments that are not over, by their start; not all of many.
    pub bookings: Vec<Booking>,
    /// How many more there are.
    pub more: usize,
}

/// An experiment in a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booking {
    /// The experiment.
    pub key: ExperimentKey,
    /// The share of the layer that it holds, between 0 and 1; `None` where it holds no slot yet.
    pub share: Option<f64>,
    /// From when it may be served.
    pub start: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Whether the change adds or edits it.
    pub touched: bool,
}

impl Change {
    /// Returns what a change is about, given the book and its files after it.
    pub fn of(book: &Book, documents: &Documents, changes: &[FileChange], now: Timestamp) -> Self {
        let mut touched = Vec::new();
        for change in changes {
            let Some(document) = change.after.as_deref().and_then(|path| documents.by_path(path)) else {
                continue;
            };
            if document.kind() == Kind::Experiment
                && let Some(experiment) = book.experiments.get(document.key())
            {
                touched.push((change.before.is_some(), experiment));
            }
        }
        touched.sort_by_key(|(edited, experiment)| (*edited, &experiment.key));
        let keys: BTreeSet<&ExperimentKey> = touched.iter().map(|(_, experiment)| &experiment.key).collect();
        let concerned: BTreeSet<&LayerKey> =
            touched.iter().filter_map(|(_, experiment)| experiment.layer.as_ref()).collect();
        let layers = concerned.into_iter().filter_map(|key| book.layers.get(key));
        Self {
            book: book.name.clone(),
            timezone: book.timezone.clone(),
            at: now,
            layers: layers.take(SHOWN).map(|layer| calendar(book, layer, &keys, now)).collect(),
            experiments: touched
                .into_iter()
                .take(SHOWN)
                .map(|(edited, experiment)| Touched {
                    key: experiment.key.clone(),
                    title: experiment.title.clone(),
                    new: !edited,
                    start: experiment.schedule.start(),
                    end: experiment.schedule.end(),
                    power: (experiment.decision.is_none() && experiment.schedule.start() > now)
                        .then(|| power(book, experiment)),
                })
                .collect(),
        }
    }
}

fn power(book: &Book, experiment: &Experiment) -> Power {
    let forecast: Forecast = forecast(book, experiment, &Evidence::declared(book, experiment));
    let complete = forecast.is_complete();
    let Forecast { suffices, power, units, need, .. } = forecast;
    Power {
        suffices,
        complete,
        power,
        enrolled: units,
        needed: need.as_ref().map(|need| need.units),
        days: need.as_ref().and_then(|need| need.days),
        decided_on: need.as_ref().and_then(|need| need.decided_on),
        limited_by: need.map(|need| need.limited_by),
    }
}

fn calendar(book: &Book, layer: &Layer, touched: &BTreeSet<&ExperimentKey>, now: Timestamp) -> LayerCalendar {
    let mut bookings: Vec<Booking> = Vec::new();
    for experiment in book.experiments.values().filter(|one| one.layer.as_ref() == Some(&layer.key)) {
        let Some(window) = book.serving_window(experiment).filter(|window| window.end() > now) else {
            continue;
        };
        let buckets: u32 = layer.slots_of(&experiment.key).map(|range| range.count()).sum();
        bookings.push(Booking {
            key: experiment.key.clone(),
            share: (buckets > 0).then(|| f64::from(buckets) / 10_000.0),
            start: window.start(),
            until: window.end(),
            touched: touched.contains(&experiment.key),
        });
    }
    // What the change is about is shown whatever else there is.
    bookings.sort_by_key(|booking| (!booking.touched, booking.start));
    let more = bookings.len().saturating_sub(SHOWN);
    bookings.truncate(SHOWN);
    bookings.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
    LayerCalendar { layer: layer.key.clone(), bookings, more }
}

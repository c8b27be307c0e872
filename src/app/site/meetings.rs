//! Which experiments can have the same unit at the same time, how many such units there are, and how that is known.

use std::collections::HashMap;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use trialbook_model::allocation::{Enrolment, enrolment};
use trialbook_model::targeting::{Overlap, overlap, remainder, share};
use trialbook_model::{
    Book, EntityKey, Experiment, ExperimentKey, ExperimentState, LayerKey, Predicate, Schedule,
};

/// So many experiments are compared with each other at most: those with the largest shares of units.
const MOST: usize = 150;

/// What is known of pairs of experiments that are served at the same time and are not over.
#[derive(Debug, Serialize)]
pub struct Meetings<'a> {
    /// The pairs: those that meet first, the largest share first.
    pub pairs: Vec<Meeting<'a>>,
    /// How many experiments were compared with each other.
    pub compared: usize,
    /// How many others there are, too small to be among the compared ones.
    pub left_out: usize,
    /// The places of the pairs of each experiment.
    #[serde(skip)]
    by_key: HashMap<&'a ExperimentKey, Vec<usize>>,
}

/// Two experiments that are served at the same time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meeting<'a> {
    /// One of them.
    pub a: &'a ExperimentKey,
    /// The other.
    pub b: &'a ExperimentKey,
    /// Whether a unit can be in both.
    #[serde(flatten)]
    pub relation: Relation<'a>,
}

/// Whether a unit can be in two experiments.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "relation", rename_all = "kebab-case")]
pub enum Relation<'a> {
    /// It can, and some context shows it.
    Meet {
        /// The share of the traffic of both that is in both; `None` where attributes do not declare their shares.
        share: Option<f64>,
        /// The share of such units that both draws enrol.
        drawn: f64,
    },
    /// Buckets of one layer keep them apart.
    ApartByLayer {
        /// Which.
        layer: &'a LayerKey,
    },
    /// No context is in both audiences: proved.
    ApartByAudience,
    /// They randomise different units, and a person may be behind one of each.
    OtherUnits {
        /// The entity of the first one.
        of_a: &'a EntityKey,
        /// The entity of the second one.
        of_b: &'a EntityKey,
    },
    /// It could not be decided.
    Undecided {
        /// Why, as a fragment.
        reason: String,
    },
}

/// An experiment with what decides whom it enrols.
struct Side<'a> {
    experiment: &'a Experiment,
    entity: &'a EntityKey,
    window: Schedule,
    enrolment: Enrolment<'a>,
    audience: Predicate,
}

impl<'a> Meetings<'a> {
    pub(super) fn new(book: &'a Book, at: Timestamp) -> Self {
        let open = |experiment: &&Experiment| {
            let served = book.serving_window(experiment).is_some_and(|window| at < window.end());
            served && book.state_at(experiment, at) != ExperimentState::Concluded
        };
        let mut open: Vec<&Experiment> = book.experiments.values().filter(open).collect();
        open.sort_by_key(|experiment| (std::cmp::Reverse(experiment.allocation.largest()), &experiment.key));
        let left_out = open.len().saturating_sub(MOST);
        open.truncate(MOST);
        open.sort_by_key(|experiment| &experiment.key);
        let sides: Vec<Side<'a>> = open.into_iter().filter_map(|one| Side::of(book, one)).collect();
        let mut pairs: Vec<Meeting<'a>> = sides
            .par_iter()
            .enumerate()
            .flat_map_iter(|(place, a)| {
                let later = sides.get(place + 1..).unwrap_or_default().iter();
                later.filter(|b| a.window.meets(&b.window)).map(|b| Meeting {
                    a: &a.experiment.key,
                    b: &b.experiment.key,
                    relation: relation(book, a, b),
                })
            })
            .collect();
        pairs.sort_by(|a, b| {
            weight(&b.relation).total_cmp(&weight(&a.relation)).then((a.a, a.b).cmp(&(b.a, b.b)))
        });
        let mut by_key: HashMap<&ExperimentKey, Vec<usize>> = HashMap::new();
        for (place, pair) in pairs.iter().enumerate() {
            by_key.entry(pair.a).or_default().push(place);
            by_key.entry(pair.b).or_default().push(place);
        }
        Self { pairs, compared: sides.len(), left_out, by_key }
    }

    /// Returns the pairs that an experiment is in.
    pub fn of<'s>(&'s self, key: &ExperimentKey) -> impl Iterator<Item = &'s Meeting<'a>> {
        let places = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.pairs.get(*place))
    }
}

/// What comes first: what is not decided, then what meets most, then what cannot meet.
fn weight(relation: &Relation<'_>) -> f64 {
    match relation {
        Relation::Undecided { .. } => 3.0,
        Relation::Meet { share, drawn } => 1.0 + share.unwrap_or(*drawn),
        Relation::OtherUnits { .. } => 0.5,
        Relation::ApartByAudience | Relation::ApartByLayer { .. } => 0.0,
    }
}

impl<'a> Side<'a> {
    fn of(book: &'a Book, experiment: &'a Experiment) -> Option<Self> {
        let flag = book.flag_of(experiment)?;
        let served = book.primary_target().map(|target| flag.in_target(&target.key));
        let rules = &served.as_ref().map_or(flag, |served| served.as_ref()).rules;
        let earlier: Vec<Predicate> = rules.iter().map(|rule| book.inlined(&rule.when)).collect();
        let earlier: Vec<&Predicate> = earlier.iter().collect();
        Some(Self {
            experiment,
            entity: &flag.entity,
            window: book.serving_window(experiment)?,
            enrolment: enrolment(book, experiment),
            audience: remainder(&book.inlined(&experiment.audience), &earlier),
        })
    }
}

fn relation<'a>(book: &'a Book, a: &Side<'a>, b: &Side<'a>) -> Relation<'a> {
    if a.entity != b.entity {
        return Relation::OtherUnits { of_a: a.entity, of_b: b.entity };
    }
    let drawn = a.enrolment.in_both(&b.enrolment);
    if let (Some(layer), true) = (&a.experiment.layer, a.experiment.layer == b.experiment.layer)
        && drawn <= 0.0
    {
        return Relation::ApartByLayer { layer };
    }
    match overlap(&a.audience, &b.audience, &book.attributes) {
        Overlap::Disjoint => Relation::ApartByAudience,
        Overlap::Undecided(reason) => Relation::Undecided { reason: reason.to_string() },
        Overlap::At(_) => {
            let both = Predicate::All(vec![a.audience.clone(), b.audience.clone()]);
            Relation::Meet { share: share(&both, &book.attributes).map(|share| share * drawn), drawn }
        }
    }
}

//! What is known before the test: of metrics their baselines, of the product its traffic.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Baseline, Book, Experiment, MetricKey, Traffic};

/// Where something is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The book says so.
    Declared,
    /// Past weeks in the warehouse do.
    Warehouse,
}

/// A metric's baseline and where it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// The baseline.
    pub baseline: Baseline,
    /// Where it is from.
    pub origin: Origin,
}

/// What a forecast is made from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// By metric; those that are not here are unknown.
    pub baselines: BTreeMap<MetricKey, Known>,
    /// The units that were measured to come to where the experiment is seen; `None`: what the book declares.
    pub traffic: Option<Traffic>,
}

impl Evidence {
    /// Returns what the book declares about an experiment's metrics.
    pub fn declared(book: &Book, experiment: &Experiment) -> Self {
        let baselines = experiment.metrics.all().filter_map(|key| {
            let baseline = book.metrics.get(key)?.baseline?;
            Some((key.clone(), Known { baseline, origin: Origin::Declared }))
        });
        Self { baselines: baselines.collect(), traffic: None }
    }
}

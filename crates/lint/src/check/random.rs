//! Tests that meet at random: how many units are in several at once, by surface and by success metric.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use trialbook_model::allocation::growth;
use trialbook_model::targeting::share;
use trialbook_model::{BUCKETS, Book, Experiment, LayerKey, MetricKey, SurfaceKey};

/// What tests have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared<'a> {
    /// They change this part of the product.
    Surface(&'a SurfaceKey),
    /// They are to move this metric.
    Metric(&'a MetricKey),
}

/// Tests with something in common that nothing keeps apart: their draws are independent, so some units are in several.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomOverlap<'a> {
    /// What they have in common.
    pub shared: Shared<'a>,
    /// How many tests meet another at random at some time from now on.
    pub tests: usize,
    /// When the most units are in several.
    pub worst: Timestamp,
    /// The expected share of all units that are in two or more then, between 0 and 1. An audience whose share nobody
    /// declares counts as everybody.
    pub in_several: f64,
    /// Whether every audience's share is declared, so that it is no upper bound.
    pub exact: bool,
    /// How many more days of enrolment the tests of that time would need together, if one layer kept them apart.
    pub days: f64,
}

/// A test with the share of all units that it enrols in the end.
#[derive(Clone, Copy)]
struct Test<'a> {
    experiment: &'a Experiment,
    from: Timestamp,
    until: Timestamp,
    audience: Option<f64>,
    allocation: f64,
    days: f64,
}

/// Returns where tests that are served now or later meet at random: surfaces, then success metrics, by key.
pub fn random_overlaps(book: &Book, now: Timestamp) -> Vec<RandomOverlap<'_>> {
    let mut surfaces = BTreeMap::<&SurfaceKey, Vec<Test<'_>>>::new();
    let mut metrics = BTreeMap::<&MetricKey, Vec<Test<'_>>>::new();
    for test in book.experiments.values().filter_map(|experiment| test(book, experiment, now)) {
        let own = &test.experiment.surfaces;
        let flag = book.flag_of(test.experiment).into_iter().flat_map(|flag| &flag.surfaces);
        for surface in own.iter().chain(flag).collect::<BTreeSet<_>>() {
            surfaces.entry(surface).or_default().push(test);
        }
        for success in &test.experiment.metrics.success {
            metrics.entry(&success.metric).or_default().push(test);
        }
    }
    let surfaces = surfaces.into_iter().map(|(key, tests)| (Shared::Surface(key), tests));
    let metrics = metrics.into_iter().map(|(key, tests)| (Shared::Metric(key), tests));
    surfaces.chain(metrics).filter_map(|(shared, tests)| worst(shared, &tests, now)).collect()
}

fn test<'a>(book: &'a Book, experiment: &'a Experiment, now: Timestamp) -> Option<Test<'a>> {
    let growth = growth(book, experiment)?;
    let (from, until) = (growth.window().start(), growth.window().end());
    let schedule = experiment.schedule;
    (until > now).then(|| Test {
        experiment,
        from,
        until,
        audience: share(&book.inlined(&experiment.audience), &book.attributes),
        allocation: f64::from(growth.largest().count()) / f64::from(BUCKETS),
        days: schedule.end().duration_since(schedule.start()).as_secs_f64() / 86_400.0,
    })
}

/// Goes over the times at which a test begins or ends, and returns the one at which the most units are in several.
fn worst<'a>(shared: Shared<'a>, tests: &[Test<'a>], now: Timestamp) -> Option<RandomOverlap<'a>> {
    let mut turns = BTreeMap::<Timestamp, (Vec<usize>, Vec<usize>)>::new();
    for (at, test) in tests.iter().enumerate() {
        turns.entry(test.from.max(now)).or_default().0.push(at);
        turns.entry(test.until).or_default().1.push(at);
    }
    let (mut open, mut meeting) = (BTreeSet::<usize>::new(), BTreeSet::<usize>::new());
    let mut worst: Option<RandomOverlap<'_>> = None;
    for (instant, (begin, end)) in turns {
        end.iter().for_each(|at| {
            open.remove(at);
        });
        open.extend(&begin);
        let served: Vec<&Test<'_>> = open.iter().filter_map(|at| tests.get(*at)).collect();
        let groups = groups(&served);
        // Within one layer nobody meets anybody.
        if begin.is_empty() || groups.len() < 2 {
            continue;
        }
        meeting.extend(&open);
        let in_several = in_several(&groups);
        if worst.as_ref().is_none_or(|worst| in_several > worst.in_several) {
            let exact = served.iter().all(|test| test.audience.is_some());
            let asked: f64 = served.iter().map(|test| test.allocation).sum();
            let days = served.iter().map(|test| test.days).sum::<f64>() * (asked - 1.0).max(0.0);
            worst = Some(RandomOverlap { shared, tests: 0, worst: instant, in_several, exact, days });
        }
    }
    worst.map(|worst| RandomOverlap { tests: meeting.len(), ..worst })
}

/// Returns the share of all units that each draw enrols: the tests of a layer have one draw together.
fn groups(served: &[&Test<'_>]) -> Vec<f64> {
    let (mut layers, mut alone) = (BTreeMap::<&LayerKey, f64>::new(), Vec::new());
    for test in served {
        let enrolled = test.audience.unwrap_or(1.0) * test.allocation;
        match &test.experiment.layer {
            Some(layer) => *layers.entry(layer).or_default() += enrolled,
            None => alone.push(enrolled),
        }
    }
    layers.into_values().chain(alone).map(|share| share.clamp(0.0, 1.0)).collect()
}

/// Returns the probability of two or more of independent events.
fn in_several(events: &[f64]) -> f64 {
    // The probabilities of none and of exactly one so far.
    let (none, one) = events
        .iter()
        .fold((1.0, 0.0), |(none, one): (f64, f64), p| (none * (1.0 - p), one * (1.0 - p) + none * p));
    (1.0 - none - one).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_of_independent_events_are_those_that_are_not_none_or_one() {
        assert!((in_several(&[0.5, 0.2]) - 0.1).abs() < 1e-12);
        assert!((in_several(&[0.5, 0.5, 0.5]) - 0.5).abs() < 1e-12);
        assert_eq!(in_several(&[0.5]), 0.0);
        assert!((in_several(&[1.0, 1.0]) - 1.0).abs() < 1e-12);
    }
}

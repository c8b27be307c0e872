//! What happened: a metric's value per unit, and its centred moments per arm.

mod moments;
mod sql;

use std::collections::BTreeMap;

use super::exposures::Units;
use super::relation::{Readable, SourceError};
use super::{Answer, Asked, Question, arms};
use crate::warehouse::{LARGEST_SUMMAND, Row, Sql, Warehouse};
use trialbook_model::{EntityKey, Experiment, Metric, MetricKey, Source, SourceKey, VariantKey};
use trialbook_stats::significant;

/// A metric of an experiment, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Each arm, in byte order of the variants.
    pub arms: Vec<ArmMoments>,
    /// Where values were cut off, for a metric with a cap that has units.
    pub limit: Option<Limit>,
    /// Rows of covariate windows whose measure is no finite number: where there are any, no arm has a
    /// covariate.
    pub unusable_covariate_rows: u64,
}

/// A metric in one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmMoments {
    /// The variant.
    pub variant: VariantKey,
    /// The units whose windows have closed.
    pub units: u64,
    /// For a proportion: how many of them have something measured.
    pub events: Option<u64>,
    /// How many of them have a value other than 0.
    pub non_zero: u64,
    /// Their moments; for no units, zeros.
    pub value: Centred,
    /// Their covariate's, where the metric has one.
    pub covariate: Option<CentredCovariate>,
}

/// The mean and the sum of squared deviations from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Centred {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations.
    pub m2: f64,
}

/// A covariate's moments and its co-moment with the value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CentredCovariate {
    /// Its own.
    pub own: Centred,
    /// The sum of the products of both deviations.
    pub co: f64,
}

/// Where values were cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The value.
    pub at: f64,
    /// How many units were above it.
    pub units: u64,
}

/// Why a metric has no moments.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotComputed {
    /// Its source cannot be read.
    #[error("source `{source_key}` cannot be read: {message}")]
    Source {
        /// Which.
        source_key: SourceKey,
        /// Why.
        message: String,
    },
    /// The metric is measured on another entity than the experiment randomises.
    #[error("it is measured per `{measured}`, but the experiment randomises `{randomised}`")]
    Entity {
        /// The metric's.
        measured: EntityKey,
        /// The experiment's.
        randomised: EntityKey,
    },
    /// Metrics of its type are declared, but not computed.
    #[error("this version does not compute {what}")]
    Unsupported {
        /// What they are, in the plural.
        what: &'static str,
    },
    /// Rows that count have a measure that is no finite number.
    #[error(
        "{rows} rows that count have no number as measure (empty, NaN or infinite); fix them in the data, or leave \
         them out with `where`"
    )]
    UnusableRows {
        /// How many, in all arms.
        rows: u64,
    },
    /// The cap makes every value the same.
    #[error(
        "its cap cuts every value to {} ({units} units have more): too few units have a value for a cap there",
        significant(*at)
    )]
    CapCutsAll {
        /// The cap's limit.
        at: f64,
        /// How many units were above it, in all arms.
        units: u64,
    },
    /// Values beyond what is added up.
    #[error("the values of {units} units are too large: they must be below {LARGEST_SUMMAND:e}")]
    OutOfRange {
        /// How many, in all arms.
        units: u64,
    },
}

/// Asks what happened, once per source of facts and entity.
pub(super) fn ask(
    question: Question<'_>,
    warehouse: &dyn Warehouse,
    units: &[Units],
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) {
    for units in units {
        let mut by_source = BTreeMap::<&SourceKey, BTreeMap<&MetricKey, (&Metric, Vec<usize>)>>::new();
        for (number, experiment) in numbered(question, units) {
            for key in experiment.metrics.all() {
                let Some(metric) = question.book.metrics.get(key) else { continue };
                if metric.entity != units.entity {
                    let (measured, randomised) = (metric.entity.clone(), units.entity.clone());
                    let why = NotComputed::Entity { measured, randomised };
                    answer.metrics.insert((experiment.key.clone(), key.clone()), Err(why));
                    continue;
                }
                if let Some(what) = metric.kind.not_computed() {
                    let why = NotComputed::Unsupported { what };
                    answer.metrics.insert((experiment.key.clone(), key.clone()), Err(why));
                    continue;
                }
                let source = &metric.kind.measurement().source;
                let (_, users) =
                    by_source.entry(source).or_default().entry(key).or_insert((metric, Vec::new()));
                users.push(number);
            }
        }
        for (key, metrics) in by_source {
            let Some(source) = question.book.sources.get(key) else { continue };
            progress(&format!("{} of `{key}`", counted(metrics.len(), "metric")));
            let reading = Reading { question, warehouse, units, source };
            if let Err(error) = reading.ask(&metrics, answer) {
                let message = error.published();
                for (metric, (_, users)) in &metrics {
                    reading.fail(metric, users, &message, answer);
                }
                answer.sources.insert(key.clone(), Err(error));
            }
        }
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Returns the experiments that randomise these units, with their numbers in the SQL.
fn numbered<'a>(question: Question<'a>, units: &'a Units) -> impl Iterator<Item = (usize, &'a Experiment)> {
    let experiment = move |number: &usize| Some((*number, *question.experiments.get(*number)?));
    units.experiments.iter().filter_map(experiment)
}

struct Reading<'a> {
    question: Question<'a>,
    warehouse: &'a dyn Warehouse,
    units: &'a Units,
    source: &'a Source,
}

impl Reading<'_> {
    fn fail(&self, metric: &MetricKey, users: &[usize], message: &str, answer: &mut Answer) {
        for experiment in users.iter().filter_map(|number| self.question.experiments.get(*number)) {
            let why =
                NotComputed::Source { source_key: self.source.key.clone(), message: message.to_owned() };
            answer.metrics.insert((experiment.key.clone(), metric.clone()), Err(why));
        }
    }

    fn ask(
        &self,
        metrics: &BTreeMap<&MetricKey, (&Metric, Vec<usize>)>,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let readable = Readable::find(self.source, self.warehouse)?;
        let watermark = Sql::integer(self.question.watermark.as_microsecond());
        let state = readable.state(&self.units.entity, &watermark)?;
        answer.sources.insert(self.source.key.clone(), Ok(state));
        let mut builder = sql::Builder::new(self.source, &readable, self.warehouse.dialect());
        let mut asked = Vec::new();
        for (key, (metric, users)) in metrics {
            match builder.add(metric) {
                Ok(()) => asked.push((*metric, users)),
                // One metric's mistake is not the others'.
                Err(error) => self.fail(key, users, &error.published(), answer),
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let sql = builder.finish(&self.units.ctes, &self.units.entity, &watermark)?;
        answer.queries.push(Asked {
            name: format!("{} from {}", counted(asked.len(), "metric"), self.source.key),
            source: self.source.key.clone(),
            sql: sql.to_string(),
        });
        let rows = self.warehouse.select(&sql)?;
        for (position, (metric, users)) in asked.into_iter().enumerate() {
            for number in users {
                let Some(experiment) = self.question.experiments.get(*number) else { continue };
                let measured = collect(&rows, position, *number, experiment, metric)?;
                answer.metrics.insert((experiment.key.clone(), metric.key.clone()), measured);
            }
        }
        Ok(())
    }
}

/// Reads one metric of one experiment out of the result: a row per arm that has units.
fn collect(
    rows: &[Row],
    position: usize,
    number: usize,
    experiment: &Experiment,
    metric: &Metric,
) -> Result<Result<Measured, NotComputed>, SourceError> {
    let (mut unusable, mut unusable_covariate_rows, mut too_large) = (0, 0, 0);
    let mut limit = None::<Limit>;
    let mut found = Vec::new();
    for (arm, variant) in arms(experiment).into_iter().enumerate() {
        let row =
            rows.iter().find(|row| row.count(0) == Some(number as u64) && row.count(1) == Some(arm as u64));
        let read = moments::Read::of(row, position, variant, metric)?;
        unusable += read.unusable_rows;
        unusable_covariate_rows += read.unusable_covariate_rows;
        too_large += read.too_large;
        if let Some((at, units)) = read.limit {
            limit = Some(Limit { at, units: units + limit.map_or(0, |limit| limit.units) });
        }
        found.push(read.moments);
    }
    if unusable > 0 {
        return Ok(Err(NotComputed::UnusableRows { rows: unusable }));
    }
    if too_large > 0 {
        return Ok(Err(NotComputed::OutOfRange { units: too_large }));
    }
    if let Some(Limit { at, units }) = limit.filter(|limit| limit.units > 0)
        && (at == 0.0 || found.iter().all(|arm| arm.units == 0 || arm.value == Centred { mean: at, m2: 0.0 }))
    {
        return Ok(Err(NotComputed::CapCutsAll { at, units }));
    }
    if unusable_covariate_rows > 0 {
        found.iter_mut().for_each(|arm| arm.covariate = None);
    }
    Ok(Ok(Measured { arms: found, limit, unusable_covariate_rows }))
}

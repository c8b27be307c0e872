//! What happened: a metric's value per unit, and its centred moments per arm.

mod looks;
mod measured;
mod moments;
mod pairs;
mod prepared;
mod quantiles;
mod read;
mod refused;
mod sql;

use std::collections::BTreeMap;

use super::exposures::Units;
use super::relation::{Readable, SourceError};
use super::{Answer, Asked, Metrics, Question, arms, copies};
use crate::warehouse::{Row, Sql, Warehouse, WarehouseError};
use trialbook_model::{Experiment, Measure, Metric, MetricKey, MetricType, Source, SourceKey};

pub use measured::{ArmMoments, Centred, CentredCovariate, Limit, Measured, NotComputed};
pub use quantiles::ArmQuantile;
use read::Read;

/// How much is asked of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Its metrics.
    Metrics,
    /// And whether its rows can be trusted: copies, and units that nobody was exposed to.
    WithChecks,
}

/// Asks what happened, once per source of facts and entity.
pub(super) fn ask(
    question: Question<'_>,
    warehouse: &dyn Warehouse,
    units: &[Units],
    extent: Extent,
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) {
    for units in units {
        let mut by_source = BTreeMap::<&SourceKey, Users<'_>>::new();
        for (number, experiment) in numbered(question, units) {
            for key in experiment.metrics.all() {
                let Some(metric) = question.book.metrics.get(key) else { continue };
                if metric.entity != units.entity {
                    let (measured, randomised) = (metric.entity.clone(), units.entity.clone());
                    let why = NotComputed::Entity { measured, randomised };
                    answer.metrics.insert((experiment.key.clone(), key.clone()), Err(why));
                    continue;
                }
                if let Some(what) = question.book.not_computed(metric) {
                    let why = NotComputed::Unsupported { what };
                    answer.metrics.insert((experiment.key.clone(), key.clone()), Err(why));
                    continue;
                }
                // A ratio of two sources is in both.
                for source in metric.kind.sources() {
                    let (_, users) =
                        by_source.entry(source).or_default().entry(key).or_insert((metric, Vec::new()));
                    users.push(number);
                }
            }
        }
        let pairs = pairs::of(&by_source);
        for (key, metrics) in by_source {
            let Some(source) = question.book.sources.get(key) else { continue };
            progress(&format!("{} of `{key}`", counted(metrics.len(), "metric")));
            let reading = Reading { question, warehouse, units, source, extent };
            if let Err(error) = reading.ask(&metrics, answer) {
                let why = NotComputed::Source { source_key: source.key.clone(), message: error.published() };
                for (metric, (_, users)) in &metrics {
                    reading.fail(metric, users, &why, answer);
                }
                answer.sources.insert(key.clone(), Err(error));
            }
        }
        for ((first, second), metrics) in pairs {
            let sources = &question.book.sources;
            let (Some(source), Some(second)) = (sources.get(first), sources.get(second)) else { continue };
            let reading = Reading { question, warehouse, units, source, extent };
            let queries = answer.queries.len();
            if reading.pair(second, &metrics, answer).is_err() {
                // One ratio's mistake is not the others': each is asked for alone.
                answer.queries.truncate(queries);
                for (key, (metric, users)) in &metrics {
                    let alone = Users::from([(*key, (*metric, users.clone()))]);
                    if let Err(error) = reading.pair(second, &alone, answer) {
                        reading.fail(key, users, &reading.undefined(metric, &error), answer);
                    }
                }
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
    extent: Extent,
}

/// A metric that is asked for, with the experiments that use it.
type User<'a> = (&'a Metric, &'a [usize]);

/// Metrics with the experiments that use each.
type Users<'a> = BTreeMap<&'a MetricKey, (&'a Metric, Vec<usize>)>;

impl Reading<'_> {
    fn fail(&self, metric: &MetricKey, users: &[usize], why: &NotComputed, answer: &mut Answer) {
        for experiment in users.iter().filter_map(|number| self.question.experiments.get(*number)) {
            answer.metrics.insert((experiment.key.clone(), metric.clone()), Err(why.clone()));
        }
    }

    /// Returns why one metric of a source that can be read has no number: the problem of its own file, or of the source's.
    fn undefined(&self, metric: &Metric, error: &SourceError) -> NotComputed {
        let (source_key, message) = (self.source.key.clone(), error.published());
        let distinct = metric.kind.measurements().any(|part| matches!(part.measure, Measure::Distinct(_)));
        match error {
            SourceError::Filter { .. }
            | SourceError::PartOfADay { .. }
            | SourceError::Warehouse(WarehouseError::Refused { .. }) => {
                NotComputed::Definition { source_key, message }
            }
            SourceError::NoColumn { .. } if distinct => NotComputed::Definition { source_key, message },
            _ => NotComputed::Source { source_key, message },
        }
    }

    fn ask(&self, metrics: &Users<'_>, answer: &mut Answer) -> Result<(), SourceError> {
        let Question { book, watermark, .. } = self.question;
        let readable = Readable::find(self.source, book, self.warehouse, watermark)?;
        let mut builder = sql::Builder::new(vec![&readable], self.warehouse.dialect());
        let mut prepared = Vec::new();
        for (key, (metric, users)) in metrics {
            match builder.add(metric) {
                Ok(()) => prepared.push((*key, (*metric, users.as_slice()))),
                // One metric's mistake is not the others'.
                Err(error) => self.fail(key, users, &self.undefined(metric, &error), answer),
            }
        }
        self.keep(self.accepted(&readable, builder.metrics()), &mut builder, &mut prepared, answer);
        let queries = answer.queries.len();
        match self.answer(&readable, &builder, &prepared, answer) {
            // An expression that the engine accepts may fail on a row. That, too, is one metric's mistake.
            Err(SourceError::Warehouse(WarehouseError::Refused { .. }))
                if let on_rows = self.evaluated(&readable, builder.metrics())
                    && on_rows.iter().any(Result::is_err) =>
            {
                answer.queries.truncate(queries);
                self.keep(on_rows, &mut builder, &mut prepared, answer);
                self.answer(&readable, &builder, &prepared, answer)
            }
            answered => answered,
        }
    }

    /// Leaves out the metrics that the engine refuses, with its reason.
    fn keep(
        &self,
        accepted: Vec<Result<(), SourceError>>,
        builder: &mut sql::Builder<'_>,
        prepared: &mut Vec<(&MetricKey, User<'_>)>,
        answer: &mut Answer,
    ) {
        builder.keep(&accepted.iter().map(Result::is_ok).collect::<Vec<_>>());
        let mut accepted = accepted.into_iter();
        prepared.retain(|(key, (metric, users))| match accepted.next() {
            Some(Err(error)) => {
                self.fail(key, users, &self.undefined(metric, &error), answer);
                false
            }
            Some(Ok(())) | None => true,
        });
    }

    /// Asks for the state of the source and for its metrics.
    fn answer(
        &self,
        readable: &Readable<'_>,
        builder: &sql::Builder<'_>,
        prepared: &[(&MetricKey, User<'_>)],
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let Question { book, watermark, .. } = self.question;
        let asked: Vec<User<'_>> = prepared.iter().map(|(_, user)| *user).collect();
        let filters = prepared.iter().zip(builder.metrics());
        let filters = filters.filter(|((_, (metric, _)), _)| {
            let numerator = metric.kind.measurement();
            numerator.filter.is_some() && numerator.source == self.source.key
        });
        let filters = filters.filter_map(|((key, _), metric)| Some((*key, metric.filters().next()?.clone())));
        let filters: Vec<_> = filters.collect();
        let state = readable.state(&self.units.entity, book, watermark, &filters)?;
        answer.sources.insert(self.source.key.clone(), Ok(state));
        if asked.is_empty() {
            return Ok(());
        }
        // A ratio of two sources is measured over both.
        let own = asked.iter().enumerate().filter(|(_, (metric, _))| metric.kind.sources().len() == 1);
        let (quantiles, own): (Vec<_>, Vec<_>) =
            own.map(|(at, user)| (at, *user)).partition(|(_, (metric, _))| is_quantile(metric));
        let (own, of_own): (Vec<usize>, Vec<User<'_>>) = own.into_iter().unzip();
        let (quantiles, of_quantiles): (Vec<usize>, Vec<User<'_>>) = quantiles.into_iter().unzip();
        let viewed = |builder, asked| Viewed { sources: vec![self.source], readable, builder, asked };
        let (own, quantiles) = (builder.of(&own), builder.of(&quantiles));
        let (own, quantiles) = (viewed(&own, &of_own), viewed(&quantiles, &of_quantiles));
        let relation = std::slice::from_ref(&readable.relation);
        self.measure(&own, relation, Copied::Counts, answer)?;
        self.quantiles(&quantiles, relation, Copied::Counts, answer)?;
        if self.extent == Extent::WithChecks {
            let near = Near { readable, units: self.units, builder };
            let found = near.copies(self.question, answer)?;
            let identical =
                found.iter().any(|copies| copies.total() > 0) && copies::are_found_by_content(self.source);
            if identical {
                let relation = [without_copies(readable)];
                self.measure(&own, &relation, Copied::LeftOut, answer)?;
                self.quantiles(&quantiles, &relation, Copied::LeftOut, answer)?;
            }
            near.joins(self.question, answer)?;
        }
        Ok(())
    }

    /// Measures metrics over relations of their sources, at the watermark and, with checks, at each look.
    fn measure(
        &self,
        viewed: &Viewed<'_>,
        relations: &[Sql],
        copied: Copied,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        if viewed.asked.is_empty() {
            return Ok(());
        }
        let watermark = viewed.readable.tick_at(self.question.watermark);
        let (ctes, entity) = (&self.units.ctes, &self.units.entity);
        let sql = viewed.builder.finish(relations, ctes, entity, &watermark, &sql::Slices::Arms)?;
        let name = viewed.name(viewed.asked.len(), copied);
        answer.queries.push(Asked { name, source: self.source.key.clone(), sql: sql.to_string() });
        let rows = self.warehouse.select(&sql)?;
        for (position, (metric, users)) in viewed.asked.iter().enumerate() {
            for number in *users {
                let Some(experiment) = self.question.experiments.get(*number) else { continue };
                let measured = collect(&rows, position, *number, experiment, metric)?;
                let metrics = copied.of(&mut answer.metrics, &mut answer.without_copies);
                metrics.insert((experiment.key.clone(), metric.key.clone()), measured);
            }
        }
        if self.extent == Extent::WithChecks { self.look(viewed, relations, copied, answer) } else { Ok(()) }
    }
}

/// Metrics of a source, or of a pair of sources, that are measured.
struct Viewed<'a> {
    /// Their sources.
    sources: Vec<&'a Source>,
    /// The first of them.
    readable: &'a Readable<'a>,
    builder: &'a sql::Builder<'a>,
    /// As the builder has them.
    asked: &'a [User<'a>],
}

impl Viewed<'_> {
    /// Returns what a query about so many of them is called.
    fn name(&self, metrics: usize, copied: Copied) -> String {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.key.as_str()).collect();
        let copies = if copied == Copied::LeftOut { " without copies" } else { "" };
        format!("{} from {}{copies}", counted(metrics, "metric"), sources.join(" and "))
    }
}

/// Whether identical rows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    Counts,
    LeftOut,
}

impl Copied {
    /// Returns what is measured so, of metrics with copies and without.
    fn of<'m>(self, with: &'m mut Metrics, without: &'m mut Metrics) -> &'m mut Metrics {
        if self == Self::LeftOut { without } else { with }
    }
}

fn is_quantile(metric: &Metric) -> bool {
    matches!(metric.kind, MetricType::Quantile { .. })
}

/// Returns the rows of a source with one of each identical rows.
fn without_copies(readable: &Readable<'_>) -> Sql {
    Sql::fill("(SELECT DISTINCT * FROM {relation} AS source_rows)", &[("relation", &readable.relation)])
}

/// The rows of a source that lie near an experiment's units: in the longest window, or in the longest time before
/// exposure, of its metrics.
pub(super) struct Near<'a> {
    pub(super) readable: &'a Readable<'a>,
    pub(super) units: &'a Units,
    builder: &'a sql::Builder<'a>,
}

impl Near<'_> {
    /// Returns the condition on a row `f` of facts and a unit `u`.
    pub(super) fn condition(&self, watermark: &Sql) -> Sql {
        Sql::fill(
            "f.unit = u.unit AND f.t >= u.exposed - {before} AND f.t < {until} AND f.t < {watermark}",
            &[
                ("before", &Sql::integer(self.builder.longest_before())),
                ("until", &self.builder.until(watermark)),
                ("watermark", watermark),
            ],
        )
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
    let mut reads = Vec::new();
    for arm in 0..arms(experiment).len() {
        let row = rows.iter().find(|row| {
            row.count("experiment") == Some(number as u64) && row.count("arm") == Some(arm as u64)
        });
        let read = row.map(|row| Read::of(row, position, metric)).transpose()?;
        reads.push(read.unwrap_or_default());
    }
    measured(&reads, experiment, metric)
}

/// Returns a metric as its arms' rows have it, in the order of the arms.
fn measured(
    reads: &[Read],
    experiment: &Experiment,
    metric: &Metric,
) -> Result<Result<Measured, NotComputed>, SourceError> {
    let (mut unusable, mut unusable_covariate_rows, mut too_large) = (0, 0, 0);
    let mut limit = None::<Limit>;
    let mut found = Vec::new();
    for (read, variant) in reads.iter().zip(arms(experiment)) {
        let arm = read.moments(variant, metric)?;
        let (after, before) = read.unusable_rows(metric);
        unusable += after;
        unusable_covariate_rows += before;
        too_large += read.too_large;
        if let Some((at, units)) = read.limit {
            limit = Some(Limit { at, units: units + limit.map_or(0, |limit| limit.units) });
        }
        found.push(arm);
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
        for arm in &mut found {
            (arm.covariate, arm.covariate_ratio) = (None, None);
        }
    }
    Ok(Ok(Measured { arms: found, limit, unusable_covariate_rows }))
}

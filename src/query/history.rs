//! What was seen before a test: how many units come, and the moments of its metrics among them.

use jiff::Timestamp;

use super::exposures::{Units, source_of};
use super::facts::{self, Measured, NotComputed};
use super::relation::{Readable, SourceError};
use super::{Answer, Asked, QueryError, Question};
use crate::model::{Book, Duration, Experiment, MetricKey, Traffic, TrafficPoint};
use crate::warehouse::{Sql, Warehouse};

/// What was seen in past weeks, before a watermark.
#[derive(Debug)]
pub struct History {
    /// The first instant of the past weeks.
    pub from: Timestamp,
    /// The first instant after them: every window has closed before the watermark.
    pub until: Timestamp,
    /// The different units that were seen; `None` where there were none.
    pub traffic: Option<Traffic>,
    /// The moments of each metric over these units, or why there are none.
    pub metrics: Vec<(MetricKey, Result<Measured, NotComputed>)>,
    /// The queries that were run, in order.
    pub queries: Vec<Asked>,
}

/// The spans for which units are counted, as far as the past weeks reach; in days.
const SPANS: [u16; 5] = [1, 7, 14, 21, 28];

/// Asks what was seen within so much time before a watermark, all metrics' windows left out at its end.
///
/// Every unit in the source of exposures counts, whatever it was exposed to, from when it was first seen within that
/// time. So baselines are those of everybody, not of the experiment's audience.
pub fn history(
    book: &Book,
    experiment: &Experiment,
    watermark: Timestamp,
    length: Duration,
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
) -> Result<History, QueryError> {
    let until = book.longest_deciding_window(experiment).before(watermark);
    let from = length.before(until);
    let asked = [experiment];
    let question = Question { book, experiments: &asked, watermark };
    let entity = book.flag_of(experiment).map(|flag| flag.entity.clone());
    let entity = entity.ok_or_else(|| QueryError::NoExposures {
        entity: String::new(),
        experiment: experiment.key.clone(),
    })?;
    let source = source_of(question, &entity, &[0])?;
    progress(&format!("units in `{}`", source.key));
    let failed = |cause| QueryError::Exposures { source_key: source.key.clone(), cause };
    let mut answer = Answer::default();
    let readable = Readable::find(source, warehouse).map_err(failed)?;
    let ctes = units(&readable, &entity, from, until).map_err(failed)?;
    let sql = counting(&ctes, from);
    answer.queries.push(Asked {
        name: format!("units in {}", source.key),
        source: source.key.clone(),
        sql: sql.to_string(),
    });
    let rows = warehouse.select(&sql).map_err(|error| failed(SourceError::Warehouse(error)))?;
    let row = rows.first().ok_or_else(|| failed(SourceError::Shape))?;
    let mut points = Vec::new();
    for (at, days) in SPANS.into_iter().enumerate() {
        let within = Duration::days(days);
        let units = row.count(at).ok_or_else(|| failed(SourceError::Shape))?;
        if within <= length && units > 0 {
            points.push(TrafficPoint { within, units });
        }
    }
    let units = [Units { entity, experiments: vec![0], ctes }];
    facts::ask(question, warehouse, &units, progress, &mut answer);
    let metrics = std::mem::take(&mut answer.metrics).into_iter();
    Ok(History {
        from,
        until,
        // Chance may make a longer span look a little too rich: then the shorter ones say enough.
        traffic: longest(points),
        metrics: metrics.map(|((_, metric), measured)| (metric, measured)).collect(),
        queries: answer.queries,
    })
}

/// Returns the traffic of the points, without those that do not fit the ones before them.
fn longest(points: Vec<TrafficPoint>) -> Option<Traffic> {
    let mut kept = Vec::new();
    for point in points {
        kept.push(point);
        if Traffic::new(kept.clone()).is_err() {
            kept.pop();
        }
    }
    Traffic::new(kept).ok()
}

/// The common table expressions that end in `units`: all units of one arm, from when they were first seen.
fn units(
    readable: &Readable<'_>,
    entity: &crate::model::EntityKey,
    from: Timestamp,
    until: Timestamp,
) -> Result<Sql, SourceError> {
    Ok(Sql::fill(
        "WITH seen AS (\n  SELECT {unit} AS unit, {time} AS t FROM {relation}\n),\n\
         units AS (\n  SELECT 0 AS experiment, 0 AS arm, unit, min(t) AS exposed FROM seen\n  \
         WHERE unit IS NOT NULL AND t >= {from} AND t < {until}\n  GROUP BY unit\n)",
        &[
            ("unit", &readable.unit(entity)?),
            ("time", &readable.time()?),
            ("relation", &readable.relation),
            ("from", &Sql::integer(from.as_microsecond())),
            ("until", &Sql::integer(until.as_microsecond())),
        ],
    ))
}

/// Counts the units that were seen within each span: one row.
fn counting(ctes: &Sql, from: Timestamp) -> Sql {
    let counts = SPANS.into_iter().map(|days| {
        let end = Sql::integer(Duration::days(days).after(from).as_microsecond());
        Sql::fill("count(*) FILTER (WHERE exposed < {end})", &[("end", &end)])
    });
    Sql::fill("{ctes}\nSELECT {counts} FROM units", &[("ctes", ctes), ("counts", &Sql::join(counts, ", "))])
}

//! The query over one source of facts, for all metrics that read it.

use super::super::relation::{Readable, SourceError};
use super::moments;
use crate::warehouse::{Dialect, LARGEST_SUMMAND, Sql};
use trialbook_model::{Cap, EntityKey, Measure, Metric, MetricType, Source, SourceRole, Window};

/// Collects metrics, then makes the query.
pub(super) struct Builder<'a> {
    source: &'a Source,
    readable: &'a Readable<'a>,
    dialect: &'a dyn Dialect,
    metrics: Vec<Prepared>,
}

/// A metric in SQL: what is taken of each row, which rows count.
pub(super) struct Prepared {
    /// Whether the row counts, before its time is looked at.
    filter: Sql,
    /// The measure, where it has one.
    measure: Option<Sql>,
    take: Take,
    /// Whether the value is 1 where something was measured and 0 elsewhere: a proportion.
    pub(super) positive: bool,
    /// Microseconds after the exposure; `None`: open.
    window: Option<i64>,
    /// Microseconds before the exposure.
    pub(super) before: Option<i64>,
    pub(super) cap: Option<Cap>,
}

#[derive(Clone, Copy)]
enum Take {
    Rows,
    Sum,
    Max,
    Distinct,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Source, readable: &'a Readable<'a>, dialect: &'a dyn Dialect) -> Self {
        Self { source, readable, dialect, metrics: Vec::new() }
    }

    /// Adds a metric of the source.
    pub(super) fn add(&mut self, metric: &Metric) -> Result<(), SourceError> {
        let measurement = metric.kind.measurement();
        let filter = match &measurement.filter {
            Some(text) => self.readable.filter(text)?,
            None => Sql::code("TRUE"),
        };
        let measure = |key| match &self.source.role {
            SourceRole::Facts { measures } => {
                measures.get(key).map(|column| self.readable.measure(column)).transpose()
            }
            SourceRole::Exposures { .. } => Ok(None),
        };
        let (take, measure) = match &measurement.measure {
            Measure::Rows => (Take::Rows, None),
            // Only a quantile takes it, and no quantile comes here.
            Measure::Value(key) | Measure::Sum(key) => (Take::Sum, measure(key)?),
            Measure::Max(key) => (Take::Max, measure(key)?),
            Measure::Distinct(column) => (Take::Distinct, Some(self.readable.plain(column)?)),
        };
        let positive = matches!(metric.kind, MetricType::Proportion(_));
        let window = match metric.window {
            Window::Closed(window) => Some(window.seconds() * 1_000_000),
            Window::Open => None,
        };
        let before = metric.covariate.map(|before| before.seconds() * 1_000_000);
        // A share of units needs no cap: its values are 0 and 1.
        let cap = if positive { None } else { metric.cap };
        self.metrics.push(Prepared { filter, measure, take, positive, window, before, cap });
        Ok(())
    }

    /// Returns the query, given the common table expressions that end in `units`.
    pub(super) fn finish(
        &self,
        units: &Sql,
        entity: &EntityKey,
        watermark: &Sql,
    ) -> Result<Sql, SourceError> {
        let longest_before = self.metrics.iter().filter_map(|m| m.before).max().unwrap_or(0);
        let longest_window = self.metrics.iter().map(|m| m.window).try_fold(0, |a, b| Some(a.max(b?)));
        let until = match longest_window {
            Some(window) => Sql::fill("u.exposed + {w}", &[("w", &Sql::integer(window))]),
            None => watermark.clone(),
        };
        let each = |make: &dyn Fn(usize, &Prepared) -> Sql| {
            Sql::join(self.metrics.iter().enumerate().map(|(k, metric)| make(k, metric)), "")
        };
        Ok(Sql::fill(
            "{units},\n\
             facts AS (\n  SELECT {unit} AS unit, {time} AS t{rows}\n  FROM {relation}\n),\n\
             measured AS (\n  SELECT u.experiment, u.arm, u.unit, min(u.exposed) AS exposed{taken}\n  \
             FROM units u LEFT JOIN facts f ON f.unit = u.unit\n    \
             AND f.t >= u.exposed - {before} AND f.t < {until} AND f.t < {watermark}\n  \
             GROUP BY u.experiment, u.arm, u.unit\n),\n\
             numbers AS MATERIALIZED (\n  SELECT experiment, arm{numbers}\n  FROM measured\n),\n\
             {moments}",
            &[
                ("units", units),
                ("unit", &self.readable.unit(entity)?),
                ("time", &self.readable.time()?),
                ("rows", &each(&row)),
                ("relation", &self.readable.relation),
                ("taken", &each(&|k, metric| taken(k, metric, self.dialect))),
                ("before", &Sql::integer(longest_before)),
                ("until", &until),
                ("watermark", watermark),
                ("numbers", &each(&|k, metric| numbers(k, metric, watermark))),
                ("moments", &moments::sql(&self.metrics, self.dialect)),
            ],
        ))
    }
}

/// Per row of facts: whether it counts, and its measure.
fn row(k: usize, metric: &Prepared) -> Sql {
    let filter =
        Sql::fill(",\n    {filter} AS {w}", &[("filter", &metric.filter), ("w", &Sql::name("w", k))]);
    match &metric.measure {
        None => filter,
        Some(measure) => Sql::fill(
            "{filter}, {measure} AS {m}",
            &[("filter", &filter), ("measure", measure), ("m", &Sql::name("m", k))],
        ),
    }
}

/// Per unit: the value, the covariate, and how many rows of each have no usable measure.
fn taken(k: usize, metric: &Prepared, dialect: &dyn Dialect) -> Sql {
    let after = match metric.window {
        Some(window) => Sql::fill(
            "f.{w} AND f.t >= u.exposed AND f.t < u.exposed + {window}",
            &[("w", &Sql::name("w", k)), ("window", &Sql::integer(window))],
        ),
        None => Sql::fill("f.{w} AND f.t >= u.exposed", &[("w", &Sql::name("w", k))]),
    };
    let mut sql = vec![aggregate(k, metric, &after, ("y", "b"), dialect)];
    if let Some(before) = metric.before {
        let before = Sql::fill(
            "f.{w} AND f.t >= u.exposed - {before} AND f.t < u.exposed",
            &[("w", &Sql::name("w", k)), ("before", &Sql::integer(before))],
        );
        sql.push(aggregate(k, metric, &before, ("x", "bx"), dialect));
    }
    Sql::join(sql, "")
}

fn aggregate(
    k: usize,
    metric: &Prepared,
    rows: &Sql,
    (name, bad): (&'static str, &'static str),
    dialect: &dyn Dialect,
) -> Sql {
    let m = Sql::name("m", k);
    let filled = |template| Sql::fill(template, &[("m", &m), ("rows", rows)]);
    let value = match metric.take {
        Take::Rows => filled("CAST(count(*) FILTER (WHERE {rows}) AS DOUBLE)"),
        Take::Sum => dialect.sum(&filled("f.{m}"), rows),
        Take::Max => filled("coalesce(max(f.{m}) FILTER (WHERE {rows}), 0)"),
        Take::Distinct => filled("CAST(count(DISTINCT f.{m}) FILTER (WHERE {rows}) AS DOUBLE)"),
    };
    let unusable = match metric.take {
        Take::Rows | Take::Distinct => Sql::integer(0),
        Take::Sum | Take::Max => {
            Sql::fill("count(*) FILTER (WHERE {rows} AND f.{m} IS NULL)", &[("m", &m), ("rows", rows)])
        }
    };
    Sql::fill(
        ",\n    {value} AS {name}, {unusable} AS {bad}",
        &[
            ("value", &value),
            ("name", &Sql::name(name, k)),
            ("unusable", &unusable),
            ("bad", &Sql::name(bad, k)),
        ],
    )
}

/// Per unit: whether its window has closed; if so the value, null where it is too large to be summed.
fn numbers(k: usize, metric: &Prepared, watermark: &Sql) -> Sql {
    let closed = match metric.window {
        Some(window) => Sql::fill(
            "exposed + {window} <= {watermark}",
            &[("window", &Sql::integer(window)), ("watermark", watermark)],
        ),
        None => Sql::code("TRUE"),
    };
    let number = |raw: &Sql| {
        let template = if metric.positive {
            "CASE WHEN {closed} THEN CASE WHEN {raw} > 0 THEN CAST(1 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END END"
        } else {
            // An infinite sum fails the comparison.
            "CASE WHEN {closed} AND abs({raw}) < {limit} THEN {raw} END"
        };
        Sql::fill(template, &[("closed", &closed), ("raw", raw), ("limit", &Sql::float(LARGEST_SUMMAND))])
    };
    let (y, x) = (Sql::name("y", k), Sql::name("x", k));
    let (covariate, unusable) = match metric.before {
        Some(_) => (Sql::fill(", {n} AS {x}", &[("n", &number(&x)), ("x", &x)]), Sql::name("bx", k)),
        None => (Sql::code(""), Sql::integer(0)),
    };
    let out = if metric.positive {
        Sql::code("FALSE")
    } else {
        let limit = Sql::float(LARGEST_SUMMAND);
        let beyond = |raw: &Sql| Sql::fill("NOT (abs({raw}) < {limit})", &[("raw", raw), ("limit", &limit)]);
        match metric.before {
            Some(_) => Sql::fill("({y} OR {x})", &[("y", &beyond(&y)), ("x", &beyond(&x))]),
            None => beyond(&y),
        }
    };
    Sql::fill(
        ",\n    {closed} AS {c}, {number} AS {y}{covariate}, {b} AS {b}, {unusable} AS {bx}, {out} AS {o}",
        &[
            ("closed", &closed),
            ("c", &Sql::name("c", k)),
            ("number", &number(&y)),
            ("y", &y),
            ("covariate", &covariate),
            ("b", &Sql::name("b", k)),
            ("unusable", &unusable),
            ("bx", &Sql::name("bx", k)),
            ("out", &out),
            ("o", &Sql::name("o", k)),
        ],
    )
}

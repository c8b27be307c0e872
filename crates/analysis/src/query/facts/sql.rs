//! The query over one source of facts, for all metrics that read it.

use super::super::relation::{Readable, SourceError};
use crate::warehouse::{Dialect, Sql};
use trialbook_model::{Cap, EntityKey, Measure, Metric, MetricType, Source, SourceRole, Window};

/// Columns of the result per metric, after the experiment and the arm: units, unusable rows, unusable
/// covariate rows, units out of range; shift, mean and variance of the value; the same of the covariate; their
/// covariance; the limit of the cap, units above it.
pub(super) const WIDTH: usize = 13;

/// Collects metrics, then makes the query.
pub(super) struct Builder<'a> {
    source: &'a Source,
    readable: &'a Readable<'a>,
    dialect: &'a dyn Dialect,
    metrics: Vec<Prepared>,
}

/// A metric in SQL: what is taken of each row, which rows count.
struct Prepared {
    /// Whether the row counts, before its time is looked at.
    filter: Sql,
    /// The measure, where it has one.
    measure: Option<Sql>,
    take: Take,
    positive: bool,
    /// Microseconds after the exposure; `None`: open.
    window: Option<i64>,
    /// Microseconds before the exposure.
    before: Option<i64>,
    cap: Option<Cap>,
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
             limits AS (\n  SELECT experiment{limits}\n  FROM numbers GROUP BY experiment\n),\n\
             centred AS (\n  SELECT n.experiment, n.arm{centred}\n  \
             FROM numbers n JOIN limits l ON l.experiment = n.experiment\n)\n\
             SELECT experiment, arm{moments}\nFROM centred GROUP BY experiment, arm ORDER BY experiment, arm",
            &[
                ("units", units),
                ("unit", &self.readable.unit(entity)?),
                ("time", &self.readable.time()?),
                ("rows", &each(&row)),
                ("relation", &self.readable.relation),
                ("taken", &each(&taken)),
                ("before", &Sql::integer(longest_before)),
                ("until", &until),
                ("watermark", watermark),
                ("numbers", &each(&|k, metric| numbers(k, metric, watermark))),
                ("limits", &each(&|k, metric| self.limits(k, metric))),
                ("centred", &each(&centred)),
                ("moments", &each(&|k, metric| self.moments(k, metric))),
            ],
        ))
    }

    /// Per experiment: a typical value to shift by, so that no digits are lost to a large mean, and the cap's
    /// limit over all arms together.
    fn limits(&self, k: usize, metric: &Prepared) -> Sql {
        let mut sql = Vec::new();
        for (raw, limit, shift) in [("y", "l", "s"), ("x", "lx", "sx")] {
            if raw == "x" && metric.before.is_none() {
                continue;
            }
            let value = Sql::name(raw, k);
            let at = match metric.cap {
                None => Sql::code("CAST(NULL AS DOUBLE)"),
                Some(Cap::Value(value)) => Sql::float(value),
                Some(Cap::Quantile(share)) => self.dialect.quantile(&value, share.fraction()),
            };
            sql.push(Sql::fill(
                ",\n    {at} AS {limit}, coalesce({mean}, 0) AS {shift}",
                &[
                    ("at", &at),
                    ("limit", &Sql::name(limit, k)),
                    ("mean", &self.dialect.mean(&value)),
                    ("shift", &Sql::name(shift, k)),
                ],
            ));
        }
        Sql::join(sql, "")
    }

    fn moments(&self, k: usize, metric: &Prepared) -> Sql {
        let (y, x) = (Sql::name("y", k), Sql::name("x", k));
        let covariate = if metric.before.is_some() {
            Sql::fill(
                "min({s}), {mean}, var_pop({x}), covar_pop({y}, {x})",
                &[("s", &Sql::name("sx", k)), ("mean", &self.dialect.mean(&x)), ("x", &x), ("y", &y)],
            )
        } else {
            Sql::join((0..4).map(|_| Sql::code("CAST(NULL AS DOUBLE)")), ", ")
        };
        Sql::fill(
            ",\n  count(*) FILTER (WHERE {c}), CAST(coalesce(sum({b}) FILTER (WHERE {c}), 0) AS BIGINT), \
             CAST(coalesce(sum({bx}) FILTER (WHERE {c}), 0) AS BIGINT), count(*) FILTER (WHERE {c} AND {o}), \
             min({s}), {mean}, var_pop({y}), {covariate}, min({l}), count(*) FILTER (WHERE {a})",
            &[
                ("c", &Sql::name("c", k)),
                ("b", &Sql::name("b", k)),
                ("bx", &Sql::name("bx", k)),
                ("o", &Sql::name("o", k)),
                ("s", &Sql::name("s", k)),
                ("mean", &self.dialect.mean(&y)),
                ("y", &y),
                ("covariate", &covariate),
                ("l", &Sql::name("l", k)),
                ("a", &Sql::name("a", k)),
            ],
        )
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
fn taken(k: usize, metric: &Prepared) -> Sql {
    let after = match metric.window {
        Some(window) => Sql::fill(
            "f.{w} AND f.t >= u.exposed AND f.t < u.exposed + {window}",
            &[("w", &Sql::name("w", k)), ("window", &Sql::integer(window))],
        ),
        None => Sql::fill("f.{w} AND f.t >= u.exposed", &[("w", &Sql::name("w", k))]),
    };
    let mut sql = vec![aggregate(k, metric, &after, "y", "b")];
    if let Some(before) = metric.before {
        let before = Sql::fill(
            "f.{w} AND f.t >= u.exposed - {before} AND f.t < u.exposed",
            &[("w", &Sql::name("w", k)), ("before", &Sql::integer(before))],
        );
        sql.push(aggregate(k, metric, &before, "x", "bx"));
    }
    Sql::join(sql, "")
}

fn aggregate(k: usize, metric: &Prepared, rows: &Sql, name: &'static str, bad: &'static str) -> Sql {
    let template = match metric.take {
        Take::Rows => "CAST(count(*) FILTER (WHERE {rows}) AS DOUBLE)",
        Take::Sum => "coalesce(sum(f.{m}) FILTER (WHERE {rows}), 0)",
        Take::Max => "coalesce(max(f.{m}) FILTER (WHERE {rows}), 0)",
        Take::Distinct => "CAST(count(DISTINCT f.{m}) FILTER (WHERE {rows}) AS DOUBLE)",
    };
    let m = Sql::name("m", k);
    let value = Sql::fill(template, &[("m", &m), ("rows", rows)]);
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

/// Per unit: whether its window has closed; if so the value, null where its square could not be held.
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
            // 1e150 squared still is a double; an infinite sum fails the comparison.
            "CASE WHEN {closed} AND abs({raw}) < 1e150 THEN {raw} END"
        };
        Sql::fill(template, &[("closed", &closed), ("raw", raw)])
    };
    let (y, x) = (Sql::name("y", k), Sql::name("x", k));
    let (covariate, unusable) = match metric.before {
        Some(_) => (Sql::fill(", {n} AS {x}", &[("n", &number(&x)), ("x", &x)]), Sql::name("bx", k)),
        None => (Sql::code(""), Sql::integer(0)),
    };
    let out = if metric.positive {
        Sql::code("FALSE")
    } else {
        let beyond = |raw: &Sql| Sql::fill("NOT (abs({raw}) < 1e150)", &[("raw", raw)]);
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

/// Per unit: the capped value and covariate, less the typical value.
fn centred(k: usize, metric: &Prepared) -> Sql {
    let capped = |raw: &'static str, limit: &'static str, shift: &'static str| {
        let template = if metric.cap.is_some() {
            ", CASE WHEN n.{y} > l.{limit} THEN l.{limit} ELSE n.{y} END - l.{shift} AS {y}, l.{shift}"
        } else {
            ", n.{y} - l.{shift} AS {y}, l.{shift}"
        };
        Sql::fill(
            template,
            &[("y", &Sql::name(raw, k)), ("limit", &Sql::name(limit, k)), ("shift", &Sql::name(shift, k))],
        )
    };
    let covariate = if metric.before.is_some() { capped("x", "lx", "sx") } else { Sql::code("") };
    let above = if metric.cap.is_some() { "n.{y} > l.{l}" } else { "FALSE" };
    Sql::fill(
        ",\n    n.{c}, n.{b}, n.{bx}, n.{o}, l.{l}{value}{covariate}, {above} AS {a}",
        &[
            ("c", &Sql::name("c", k)),
            ("b", &Sql::name("b", k)),
            ("bx", &Sql::name("bx", k)),
            ("o", &Sql::name("o", k)),
            ("l", &Sql::name("l", k)),
            ("value", &capped("y", "l", "s")),
            ("covariate", &covariate),
            ("above", &Sql::fill(above, &[("y", &Sql::name("y", k)), ("l", &Sql::name("l", k))])),
            ("a", &Sql::name("a", k)),
        ],
    )
}

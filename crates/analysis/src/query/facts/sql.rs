//! The query over a source of facts, for all metrics that read it; or over two, for ratios that divide one by the other.

use super::super::relation::{Readable, SourceError};
use super::moments;
use super::prepared::{Part, Prepared, Take, carried, numbers, row, taken};
use crate::warehouse::{Dialect, Sql};
use trialbook_model::{
    Cap, Duration, EntityKey, Measure, Measurement, Metric, MetricType, SourceRole, Window,
};

/// Collects metrics, then makes the query.
pub(super) struct Builder<'a> {
    /// The sources, one or two, which count windows alike.
    sides: Vec<&'a Readable<'a>>,
    dialect: &'a dyn Dialect,
    metrics: Vec<Prepared>,
}

/// Metrics that are looked at alike.
pub(super) struct Alike {
    /// Their window, in what the source's times are counted in.
    pub(super) window: i64,
    /// Whether their values differ from look to look, because their caps do.
    pub(super) by_look: bool,
    pub(super) positions: Vec<usize>,
}

/// Which units a row of the result is about.
pub(super) enum Slices<'s> {
    /// All of an arm.
    Arms,
    /// Those of an arm that begin to count, and leave, with the same looks.
    Periods(&'s Entry),
    /// Those of an arm that count at a look, of these.
    Looks(&'s Entry, Vec<Vec<Sql>>),
}

/// When a unit begins to count, as a whole number over its `exposed`, and when a look is late enough for that.
pub(super) struct Entry {
    pub(super) at: Sql,
    /// Over `n.entry` and the look's `entered`.
    pub(super) reached: Sql,
    /// Over `exposed`: whether the window has closed before the watermark.
    pub(super) closed: Sql,
}

impl<'a> Builder<'a> {
    pub(super) fn new(sides: Vec<&'a Readable<'a>>, dialect: &'a dyn Dialect) -> Self {
        Self { sides, dialect, metrics: Vec::new() }
    }

    /// Adds a metric of the sources, or the parts of it that they have.
    pub(super) fn add(&mut self, metric: &Metric) -> Result<(), SourceError> {
        let mut parts = Vec::new();
        for measurement in metric.kind.measurements() {
            let side = self.sides.iter().position(|side| side.source.key == measurement.source);
            parts.extend(side.map(|side| self.part(side, measurement)).transpose()?);
        }
        let mut parts = parts.into_iter();
        let Some(part) = parts.next() else { return Err(SourceError::Shape) };
        let denominator = parts.next();
        let positive = matches!(metric.kind, MetricType::Proportion(_));
        let window = match metric.window {
            Window::Closed(window) => Some(self.ticks(window)?),
            Window::Open => None,
        };
        let before = metric.covariate.map(|before| self.ticks(before)).transpose()?;
        // A share of units needs no cap: its values are 0 and 1.
        let cap = if positive { None } else { metric.cap };
        self.metrics.push(Prepared { part, denominator, positive, window, before, cap });
        Ok(())
    }

    fn part(&self, side: usize, measurement: &Measurement) -> Result<Part, SourceError> {
        let readable = self.sides.get(side).ok_or(SourceError::Shape)?;
        let filter = match &measurement.filter {
            Some(text) => readable.filter(text)?,
            None => Sql::code("TRUE"),
        };
        let measure = |key| match &readable.source.role {
            SourceRole::Facts { measures } => {
                measures.get(key).map(|column| readable.measure(column)).transpose()
            }
            SourceRole::Exposures { .. } => Ok(None),
        };
        let (take, measure) = match &measurement.measure {
            Measure::Rows => (Take::Rows, None),
            Measure::Value(key) => (Take::Each, measure(key)?),
            Measure::Sum(key) => (Take::Sum, measure(key)?),
            Measure::Max(key) => (Take::Max, measure(key)?),
            Measure::Distinct(column) => (Take::Distinct, Some(readable.plain(column)?)),
        };
        Ok(Part { side, filter, measure, take })
    }

    /// Tells whether windows are counted in days.
    fn by_day(&self) -> bool {
        self.sides.iter().any(|side| side.by_day())
    }

    /// Returns the metrics that were added, in order.
    pub(super) fn metrics(&self) -> &[Prepared] {
        &self.metrics
    }

    /// Keeps those of its metrics whose place holds `true`.
    pub(super) fn keep(&mut self, chosen: &[bool]) {
        let mut chosen = chosen.iter();
        self.metrics.retain(|_| chosen.next() == Some(&true));
    }

    /// Returns the metrics in groups, as positions: those of a group have the same window, and have their caps at a
    /// quantile or elsewhere alike. Metrics with an open window are in none.
    pub(super) fn alike(&self) -> Vec<Alike> {
        let mut groups: Vec<Alike> = Vec::new();
        for (position, metric) in self.metrics.iter().enumerate() {
            let Some(window) = metric.window else { continue };
            let by_look = matches!(metric.cap, Some(Cap::Quantile(_)));
            match groups.iter_mut().find(|group| group.window == window && group.by_look == by_look) {
                Some(group) => group.positions.push(position),
                None => groups.push(Alike { window, by_look, positions: vec![position] }),
            }
        }
        groups
    }

    /// Returns one with these of its metrics.
    pub(super) fn of(&self, positions: &[usize]) -> Self {
        let metrics = positions.iter().filter_map(|position| self.metrics.get(*position).cloned()).collect();
        Self { sides: self.sides.clone(), dialect: self.dialect, metrics }
    }

    /// Returns a duration in what the source's times are counted in.
    fn ticks(&self, duration: Duration) -> Result<i64, SourceError> {
        const DAY: i64 = 86_400;
        match (self.by_day(), duration.seconds() % DAY) {
            (false, _) => Ok(duration.seconds() * 1_000_000),
            (true, 0) => Ok(duration.seconds() / DAY),
            (true, _) => Err(SourceError::PartOfADay { duration }),
        }
    }

    /// Returns the longest time before exposure that a metric looks at.
    pub(super) fn longest_before(&self) -> i64 {
        self.metrics.iter().filter_map(|m| m.before).max().unwrap_or(0)
    }

    /// Returns the end of the longest window of a unit `u`, given the watermark.
    pub(super) fn until(&self, watermark: &Sql) -> Sql {
        let longest = self.metrics.iter().map(|m| m.window).try_fold(0, |a, b| Some(a.max(b?)));
        match longest {
            Some(window) => Sql::fill("u.exposed + {w}", &[("w", &Sql::integer(window))]),
            None => watermark.clone(),
        }
    }

    /// Returns the query over relations of the sources, given the common table expressions that end in `units`.
    pub(super) fn finish(
        &self,
        relations: &[Sql],
        units: &Sql,
        entity: &EntityKey,
        watermark: &Sql,
        slices: &Slices<'_>,
    ) -> Result<Sql, SourceError> {
        let numbers = self.numbers(relations, units, entity, watermark, slices)?;
        let moments = moments::sql(&self.metrics, slices.keys(), self.dialect);
        Ok(Sql::fill("{numbers},\n{moments}", &[("numbers", &numbers), ("moments", &moments)]))
    }

    /// Returns the common table expressions that end in `numbers`, which has a row per experiment and unit, or of each look
    /// that it counts at.
    pub(super) fn numbers(
        &self,
        relations: &[Sql],
        units: &Sql,
        entity: &EntityKey,
        watermark: &Sql,
        slices: &Slices<'_>,
    ) -> Result<Sql, SourceError> {
        let entry = slices.entry();
        let nothing = Sql::code("");
        let when = |template| {
            entry.map_or_else(
                || nothing.clone(),
                |entry| Sql::fill(template, &[("e", &entry.at), ("c", &entry.closed)]),
            )
        };
        let (prepared, by_look) = match slices {
            Slices::Arms | Slices::Periods(_) => ("numbers", nothing.clone()),
            // A unit counts anew at each look, because caps differ, or quantiles.
            Slices::Looks(entry, looks) => (
                "entered_numbers",
                Sql::fill(
                    ",\n{looks},\n\
                     numbers AS (\n  SELECT n.*, k.look FROM entered_numbers n JOIN looks k ON k.experiment = n.experiment\n    \
                     AND {reached} AND (n.leave IS NULL OR n.leave >= k.day)\n)",
                    &[
                        (
                            "looks",
                            &self.dialect.table("looks", &["experiment", "look", "entered", "day"], looks),
                        ),
                        ("reached", &entry.reached),
                    ],
                ),
            ),
        };
        let first = self.sides.first().ok_or(SourceError::Shape)?;
        let facts = self.sides.iter().zip(relations).enumerate();
        let facts = facts
            .map(|(side, (readable, relation))| self.facts(side, readable, relation, entity))
            .collect::<Result<Vec<_>, _>>()?;
        let left = when(", min(u.leave) AS leave");
        // The rows of each unit that some of the metrics are about.
        let rows = self.metrics.iter().any(|metric| matches!(metric.part.take, Take::Each));
        let rows = Sql::code(if rows { ", unit, exposed" } else { "" });
        Ok(Sql::fill(
            "{units},\n{facts},\n\
             members AS (SELECT experiment, arm, unit, {exposed} AS exposed{leave} FROM units),\n\
             {measured},\n\
             {name} AS {once}(\n  SELECT experiment, arm{rows}{entry}{numbers}\n  FROM measured{where}\n){by_look}",
            &[
                ("units", units),
                ("facts", &Sql::join(facts, ",\n")),
                ("exposed", &first.tick_of(&Sql::code("exposed"))),
                ("measured", &self.measured(&left, watermark)),
                ("once", &self.dialect.computed_once()),
                ("numbers", &self.each(&|k, metric| numbers(k, metric, watermark, self.dialect))),
                ("leave", &when(", leave")),
                ("rows", &rows),
                ("entry", &when(", {e} AS entry, leave")),
                ("where", &when(" WHERE {c}")),
                ("name", &Sql::code(prepared)),
                ("by_look", &by_look),
            ],
        ))
    }

    fn each(&self, make: &dyn Fn(usize, &Prepared) -> Sql) -> Sql {
        Sql::join(self.metrics.iter().enumerate().map(|(k, metric)| make(k, metric)), "")
    }

    /// The rows of a source: unit, time, and what the metrics take of them.
    fn facts(
        &self,
        side: usize,
        readable: &Readable<'_>,
        relation: &Sql,
        entity: &EntityKey,
    ) -> Result<Sql, SourceError> {
        let times = readable.times()?;
        Ok(Sql::fill(
            "{name} AS (\n  SELECT unit, {tick} AS t{carried}\n  \
             FROM (SELECT {unit} AS unit, {raw}{rows}\n  FROM {relation} AS source_rows) AS raw_rows\n)",
            &[
                ("name", &facts_of(side)),
                ("unit", &readable.unit(entity)?),
                ("tick", &times.tick),
                ("raw", &times.raw),
                ("carried", &self.each(&|k, metric| carried(k, metric, side))),
                ("rows", &self.each(&|k, metric| row(k, metric, side))),
                ("relation", relation),
            ],
        ))
    }

    /// What is taken of each unit: a row per unit, whether it has rows in the sources or none.
    fn measured(&self, left: &Sql, watermark: &Sql) -> Sql {
        let of_side = |name: Sql, side: usize, kept: &Sql| {
            Sql::fill(
                "{name} AS (\n  SELECT u.experiment, u.arm, u.unit{kept}{taken}\n  \
                 FROM members u LEFT JOIN {facts} f ON f.unit = u.unit\n    \
                 AND f.t >= u.exposed - {before} AND f.t < {until} AND f.t < {watermark}\n  \
                 GROUP BY u.experiment, u.arm, u.unit\n)",
                &[
                    ("name", &name),
                    ("kept", kept),
                    ("taken", &self.each(&|k, metric| taken(k, metric, side, self.dialect))),
                    ("facts", &facts_of(side)),
                    ("before", &Sql::integer(self.longest_before())),
                    ("until", &self.until(watermark)),
                    ("watermark", watermark),
                ],
            )
        };
        let kept = Sql::fill(", min(u.exposed) AS exposed{left}", &[("left", left)]);
        if self.sides.len() < 2 {
            return of_side(Sql::code("measured"), 0, &kept);
        }
        let names = |k: usize, metric: &Prepared| {
            let aggregates = metric.aggregates().into_iter().filter(|taken| taken.part.side == 1);
            let names = aggregates.map(|taken| {
                let (value, unusable) = (Sql::name(taken.names.value, k), Sql::name(taken.names.unusable, k));
                Sql::fill(", b.{v}, b.{u}", &[("v", &value), ("u", &unusable)])
            });
            Sql::join(names, "")
        };
        Sql::fill(
            "{first},\n{second},\nmeasured AS (\n  SELECT a.*{names}\n  FROM first_part a JOIN second_part b\n    \
             ON b.experiment = a.experiment AND b.arm = a.arm AND b.unit = a.unit\n)",
            &[
                ("first", &of_side(Sql::code("first_part"), 0, &kept)),
                ("second", &of_side(Sql::code("second_part"), 1, &Sql::code(""))),
                ("names", &self.each(&names)),
            ],
        )
    }
}

impl Slices<'_> {
    /// Returns by what units are put together.
    pub(super) fn keys(&self) -> moments::Keys {
        match self {
            Slices::Arms => moments::Keys::ARMS,
            Slices::Periods(_) => moments::Keys::PERIODS,
            Slices::Looks(..) => moments::Keys::LOOKS,
        }
    }

    fn entry(&self) -> Option<&Entry> {
        match self {
            Slices::Arms => None,
            Slices::Periods(entry) | Slices::Looks(entry, _) => Some(entry),
        }
    }
}

/// The name of the rows of a source.
fn facts_of(side: usize) -> Sql {
    Sql::code(if side == 0 { "facts" } else { "facts_second" })
}

//! What happened in parts of an experiment's units: those with each value of each dimension.
//!
//! Each part is asked for like an experiment of its own, so that one pass over a source serves all parts of all experiments.

use std::collections::BTreeMap;

use super::exposures::Units;
use super::facts::{self, Measured, NotComputed};
use super::{Answer, Metrics, Question, split};
use crate::warehouse::{Sql, Warehouse};
use trialbook_model::{DimensionKey, Experiment, ExperimentKey, MetricKey};

/// The moments of the deciding metrics in one part of the units.
#[derive(Debug, Clone, PartialEq)]
pub struct PartMoments {
    /// The dimension.
    pub dimension: DimensionKey,
    /// The value at the first exposure; empty where there was none.
    pub value: String,
    /// What was measured, or why nothing was.
    pub metrics: BTreeMap<MetricKey, Result<Measured, NotComputed>>,
}

/// A part that is asked for.
struct Part<'a> {
    /// The number of its experiment in the SQL.
    parent: usize,
    experiment: &'a Experiment,
    /// The place of its dimension in the SQL.
    place: usize,
    dimension: DimensionKey,
    value: String,
}

/// Asks for the parts of the experiments whose effects are shown: every deciding window has closed, and the split is sound.
pub(super) fn ask(
    question: Question<'_>,
    units: &[Units],
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) {
    for units in units {
        let parts: Vec<Part<'_>> =
            units.experiments.iter().flat_map(|number| of_experiment(question, *number, answer)).collect();
        if parts.is_empty() {
            continue;
        }
        let named = |(n, part): (usize, &Part<'_>)| {
            let mut experiment = part.experiment.clone();
            experiment.key = ExperimentKey::new(format!("part-{n}")).ok()?;
            experiment.metrics.exploratory.clear();
            Some(experiment)
        };
        let Some(asked) = parts.iter().enumerate().map(named).collect::<Option<Vec<Experiment>>>() else {
            continue;
        };
        let members = members(units, &parts, warehouse);
        let divided = Divided { units, asked: &asked, members, suffix: "by dimension" };
        let mut found = divided.ask(question, warehouse, progress, answer);
        for (part, asked) in parts.into_iter().zip(&asked) {
            let metrics = asked.metrics.deciding().filter_map(|metric| {
                let measured = found.remove(&(asked.key.clone(), metric.clone()))?;
                Some((metric.clone(), measured))
            });
            let moments =
                PartMoments { dimension: part.dimension, value: part.value, metrics: metrics.collect() };
            answer.parts.entry(part.experiment.key.clone()).or_default().push(moments);
        }
    }
}

/// Units that are divided, each part of which is asked for like an experiment of its own.
pub(super) struct Divided<'a> {
    /// Whom they are divided from.
    pub units: &'a Units,
    /// The parts, in the order of their numbers in the SQL.
    pub asked: &'a [Experiment],
    /// The common table expressions that end in `units`: a row for each part that a unit is in.
    pub members: Sql,
    /// What the names of the queries end in.
    pub suffix: &'static str,
}

impl Divided<'_> {
    /// Measures the metrics of each part; the queries become part of the answer.
    pub fn ask(
        self,
        question: Question<'_>,
        warehouse: &dyn Warehouse,
        progress: &mut dyn FnMut(&str),
        answer: &mut Answer,
    ) -> Metrics {
        let divided = Units {
            entity: self.units.entity.clone(),
            experiments: (0..self.asked.len()).collect(),
            classified: self.units.classified.clone(),
            named: self.members.clone(),
            ctes: self.members,
        };
        let experiments: Vec<&Experiment> = self.asked.iter().collect();
        let question = Question { experiments: &experiments, ..question };
        let mut found = Answer::default();
        facts::ask(question, warehouse, &[divided], facts::Extent::Metrics, progress, &mut found);
        for query in &mut found.queries {
            query.name = format!("{}, {}", query.name, self.suffix);
        }
        answer.queries.append(&mut found.queries);
        found.metrics
    }
}

/// Tells whether effects in parts of an experiment's units are shown: every deciding window has closed, and the split is sound.
pub(super) fn is_shown(question: Question<'_>, experiment: &Experiment, answer: &Answer) -> bool {
    let closes = question.book.matured_at(experiment);
    let ended_early = experiment.decision.as_ref().is_some_and(|decision| decision.date < closes);
    let exposures = answer.exposures.get(&experiment.key);
    question.watermark >= closes
        && !ended_early
        && exposures.is_some_and(|exposures| !split::is_uneven(question, experiment, exposures))
}

/// Returns the parts of an experiment, dimension by dimension; none of a dimension with a single value.
fn of_experiment<'a>(question: Question<'a>, number: usize, answer: &Answer) -> Vec<Part<'a>> {
    let Some(experiment) = question.experiments.get(number).copied() else { return Vec::new() };
    let Some(exposures) = answer.exposures.get(&experiment.key) else { return Vec::new() };
    if !is_shown(question, experiment, answer) {
        return Vec::new();
    }
    let dimensions = exposures.largest_parts().into_iter().filter(|(_, _, parts)| parts.len() > 1);
    dimensions
        .flat_map(|(place, dimension, parts)| {
            parts.into_iter().map(move |part| Part {
                parent: number,
                experiment,
                place,
                dimension: dimension.clone(),
                value: part.value.clone(),
            })
        })
        .collect()
}

/// Returns the common table expressions that end in `units`: a row for each part that a unit is in.
fn members(units: &Units, parts: &[Part<'_>], warehouse: &dyn Warehouse) -> Sql {
    let dialect = warehouse.dialect();
    let rows: Vec<Vec<Sql>> = parts
        .iter()
        .enumerate()
        .map(|(n, part)| {
            vec![
                Sql::integer(n as i64),
                Sql::integer(part.parent as i64),
                Sql::integer(part.place as i64),
                dialect.text(&part.value),
            ]
        })
        .collect();
    let mut places: Vec<usize> = parts.iter().map(|part| part.place).collect();
    places.sort_unstable();
    places.dedup();
    let of_dimension = |place: usize| {
        Sql::fill(
            "SELECT p.part AS experiment, c.arm, c.unit, c.exposed\n  \
             FROM classified c JOIN parts p ON p.parent = c.experiment AND p.place = {place} AND p.held = c.{d}\n  \
             WHERE c.state = 3",
            &[("place", &Sql::integer(place as i64)), ("d", &Sql::name("d", place))],
        )
    };
    let members = Sql::join(places.into_iter().map(of_dimension), "\n  UNION ALL\n  ");
    Sql::fill(
        "{classified},\n{parts},\nunits AS (\n  {members}\n)",
        &[
            ("classified", &units.classified),
            ("parts", &dialect.table("parts", &["part", "parent", "place", "held"], &rows)),
            ("members", &members),
        ],
    )
}

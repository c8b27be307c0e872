//! Who was exposed: the first exposure of each unit to each experiment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::relation::{Readable, SourceError};
use super::{Answer, Asked, QueryError, Question, arms, looks, split};
use crate::warehouse::{Dialect, Row, Sql, Warehouse};
use trialbook_model::{
    Assignment, ColumnName, DimensionKey, EntityKey, Experiment, Source, SourceKey, SourceRole, VariantKey,
};

/// Who was exposed to an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposures {
    /// The source that records it.
    pub source: Option<SourceKey>,
    /// All units.
    pub overall: Counts,
    /// The same, per value of each dimension at the first exposure, in order of the values.
    pub by_dimension: Vec<DimensionCount>,
    /// The first exposure of an analysed unit.
    pub first: Option<Timestamp>,
    /// The last first exposure of an analysed unit.
    pub last: Option<Timestamp>,
}

/// How many units were analysed and how many were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// The analysed units of each arm, in byte order of the variants; arms without units too.
    pub arms: Vec<ArmCount>,
    /// Units seen in two variants.
    pub in_two_variants: u64,
    /// Units first exposed outside the schedule.
    pub outside_schedule: u64,
    /// Units exposed to a variant that the experiment does not have, whatever else they saw.
    pub unknown_variant: u64,
    /// Units that an override of the experiment names, whatever else they saw.
    pub overridden: u64,
}

impl Exposures {
    /// The most dimensions by which units are divided, in byte order.
    const MOST_DIMENSIONS: usize = 6;
    /// The most values of a dimension that are parts, those with most units first.
    const MOST_VALUES: usize = 20;
    /// Values with fewer units are no parts: a value that few have can reveal who they are.
    const LEAST_UNITS: u64 = 10;

    /// Returns the dimensions with their largest parts, and the place of each dimension in the SQL.
    pub(super) fn largest_parts(&self) -> Vec<(usize, &DimensionKey, Vec<&DimensionCount>)> {
        let groups = self.by_dimension.chunk_by(|a, b| a.dimension == b.dimension).enumerate();
        groups
            .take(Self::MOST_DIMENSIONS)
            .filter_map(|(place, group)| {
                let units = |part: &DimensionCount| part.counts.analysed();
                let mut parts: Vec<_> =
                    group.iter().filter(|part| units(part) >= Self::LEAST_UNITS).collect();
                parts.sort_by(|a, b| units(b).cmp(&units(a)).then_with(|| a.value.cmp(&b.value)));
                parts.truncate(Self::MOST_VALUES);
                Some((place, &group.first()?.dimension, parts))
            })
            .collect()
    }
}

impl Counts {
    /// Returns the analysed units of all arms.
    pub fn analysed(&self) -> u64 {
        self.arms.iter().map(|arm| arm.units).sum()
    }
}

/// The units of an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmCount {
    /// The variant.
    pub variant: VariantKey,
    /// Its units.
    pub units: u64,
}

/// The units that had a value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionCount {
    /// The dimension.
    pub dimension: DimensionKey,
    /// The value; empty where there was none.
    pub value: String,
    /// Its units.
    pub counts: Counts,
}

/// The common table expressions that end in `units`: one row per experiment and analysed unit, with its arm
/// and the time of its first exposure. Its experiments have the numbers of the question.
#[derive(Debug)]
pub(super) struct Units {
    pub(super) entity: EntityKey,
    pub(super) experiments: Vec<usize>,
    pub(super) ctes: Sql,
    /// Those of them that end in `classified`: a row per experiment and unit, with why it counts or not and its dimensions.
    pub(super) classified: Sql,
    /// Those of them that end in `named`: a row per exposure to an experiment, before units are classified.
    pub(super) named: Sql,
}

/// Asks who was exposed, once per source of exposures and entity.
pub(super) fn ask(
    question: Question<'_>,
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) -> Result<Vec<Units>, QueryError> {
    let mut by_entity = BTreeMap::<EntityKey, Vec<usize>>::new();
    for (number, experiment) in question.experiments.iter().enumerate() {
        if let Some(flag) = question.book.flag_of(experiment) {
            by_entity.entry(flag.entity.clone()).or_default().push(number);
        }
    }
    let mut result = Vec::new();
    for (entity, experiments) in by_entity {
        let source = source_of(question, &entity, &experiments)?;
        progress(&format!("exposures in `{}`", source.key));
        let failed = |cause| QueryError::Exposures { source_key: source.key.clone(), cause };
        let reading = Reading { question, entity: &entity, experiments: &experiments };
        let (named, classified, mut found) = reading.ask(source, warehouse, answer).map_err(failed)?;
        for (number, exposures) in found.iter_mut() {
            if let Some(experiment) = question.experiments.get(*number) {
                answer.exposures.insert(experiment.key.clone(), std::mem::take(exposures));
            }
        }
        let ctes = counted(&classified);
        let units = Units { entity, experiments, ctes, classified, named };
        looks::exposures(question, &units, source, warehouse, answer).map_err(failed)?;
        split::ask(question, &units, &source.key, warehouse, answer).map_err(failed)?;
        result.push(units);
    }
    Ok(result)
}

/// Returns the source of an entity's exposures: the first one in byte order.
pub(super) fn source_of<'a>(
    question: Question<'a>,
    entity: &EntityKey,
    experiments: &[usize],
) -> Result<&'a Source, QueryError> {
    let mut sources = question.book.sources.values();
    let fits = |source: &&Source| {
        matches!(source.role, SourceRole::Exposures { .. }) && source.entities.contains_key(entity)
    };
    let experiment = experiments.first().and_then(|number| question.experiments.get(*number));
    sources.find(fits).ok_or_else(|| QueryError::NoExposures {
        entity: entity.to_string(),
        experiment: experiment.map_or_else(|| unreachable!("an entity has an experiment"), |e| e.key.clone()),
    })
}

struct Reading<'a> {
    question: Question<'a>,
    entity: &'a EntityKey,
    experiments: &'a [usize],
}

impl Reading<'_> {
    fn ask(
        &self,
        source: &Source,
        warehouse: &dyn Warehouse,
        answer: &mut Answer,
    ) -> Result<(Sql, Sql, BTreeMap<usize, Exposures>), SourceError> {
        let Question { book, watermark: before, .. } = self.question;
        let readable = Readable::find(source, book, warehouse, before)?;
        let watermark = Sql::integer(before.as_microsecond());
        let state = readable.state(self.entity, book, before, &[])?;
        answer.sources.insert(source.key.clone(), Ok(state));
        let SourceRole::Exposures { assignment, dimensions } = &source.role else {
            return Err(SourceError::Shape);
        };
        let named = self.named(&readable, assignment, dimensions, &watermark, warehouse)?;
        let classified = classified(&named, dimensions.len(), warehouse.dialect());
        let sql = counting(&counted(&classified), dimensions.len());
        answer.queries.push(Asked {
            name: format!("exposures in {}", source.key),
            source: source.key.clone(),
            sql: sql.to_string(),
        });
        let rows = warehouse.select(&sql)?;
        let names: Vec<&DimensionKey> = dimensions.keys().collect();
        let mut found = self.collect(&rows, &names)?;
        found.values_mut().for_each(|exposures| exposures.source = Some(source.key.clone()));
        Ok((named, classified, found))
    }

    fn named(
        &self,
        readable: &Readable<'_>,
        assignment: &Assignment,
        dimensions: &BTreeMap<DimensionKey, ColumnName>,
        watermark: &Sql,
        warehouse: &dyn Warehouse,
    ) -> Result<Sql, SourceError> {
        let dialect = warehouse.dialect();
        let times = readable.times()?;
        let (name, variant) = match assignment {
            Assignment::Served(column) => {
                let served = readable.text(column)?;
                // A name without a dot is no experiment's: the part after it is then null.
                dialect.around_dot(&served)
            }
            Assignment::Pair { experiment, variant } => (readable.text(experiment)?, readable.text(variant)?),
        };
        let mut values = Vec::new();
        let mut known = Vec::new();
        let mut overridden = Vec::new();
        for number in self.experiments {
            let Some(experiment) = self.question.experiments.get(*number) else { continue };
            let n = Sql::integer(*number as i64);
            values.push(vec![
                n.clone(),
                dialect.text(experiment.key.as_str()),
                Sql::integer(experiment.schedule.start().as_microsecond()),
                Sql::integer(experiment.schedule.end().as_microsecond()),
            ]);
            for unit in experiment.forced_units() {
                overridden.push(vec![n.clone(), dialect.text(unit)]);
            }
            for (arm, variant) in arms(experiment).iter().enumerate() {
                known.push(vec![n.clone(), Sql::integer(arm as i64), dialect.text(variant.as_str())]);
            }
        }
        let mut columns = Vec::new();
        for (number, column) in dimensions.values().enumerate() {
            let text = readable.text(column)?;
            columns.push(Sql::fill(", {c} AS {d}", &[("c", &text), ("d", &Sql::name("d", number))]));
        }
        let carried = |template: &'static str| {
            Sql::join((0..dimensions.len()).map(|i| Sql::fill(template, &[("d", &Sql::name("d", i))])), "")
        };
        // A list of values is never empty: no experiment has the number -1.
        if overridden.is_empty() {
            overridden.push(vec![Sql::integer(-1), dialect.text("")]);
        }
        // Each column of `named` has its name: some engines keep the table's before it in a join of three.
        Ok(Sql::fill(
            "WITH {plans},\n{known},\n{overridden},\n\
             exposed_rows AS (\n  SELECT unit, {time} AS t, name, variant{named}\n  \
             FROM (SELECT {unit} AS unit, {raw}, {name} AS name, {variant} AS variant{columns}\n  \
             FROM {relation} AS source_rows) AS raw_rows\n),\n\
             named AS (\n  SELECT p.experiment AS experiment, p.starts AS starts, p.ends AS ends, r.unit AS unit, r.t AS t, k.arm AS arm{carried}\n  \
             FROM exposed_rows r JOIN plans p ON r.name = p.name\n  \
             LEFT JOIN known k ON k.experiment = p.experiment AND k.variant = r.variant\n  \
             WHERE r.variant IS NOT NULL AND r.unit IS NOT NULL AND r.t IS NOT NULL AND r.t < {watermark}\n)",
            &[
                ("plans", &dialect.table("plans", &["experiment", "name", "starts", "ends"], &values)),
                ("known", &dialect.table("known", &["experiment", "arm", "variant"], &known)),
                ("overridden", &dialect.table("overridden", &["experiment", "unit"], &overridden)),
                ("unit", &readable.unit(self.entity)?),
                ("time", &times.instant),
                ("raw", &times.raw),
                ("named", &carried(", {d}")),
                ("name", &name),
                ("variant", &variant),
                ("columns", &Sql::join(columns, "")),
                ("relation", &readable.relation),
                ("carried", &carried(", coalesce(r.{d}, '') AS {d}")),
                ("watermark", watermark),
            ],
        ))
    }

    fn collect(
        &self,
        rows: &[Row],
        dimensions: &[&DimensionKey],
    ) -> Result<BTreeMap<usize, Exposures>, SourceError> {
        let empty = |number: &usize| {
            let overall = self.question.experiments.get(*number).map(|e| no_units(e)).unwrap_or_default();
            (*number, Exposures { overall, ..Exposures::default() })
        };
        let mut found: BTreeMap<usize, Exposures> = self.experiments.iter().map(empty).collect();
        let mut parts = BTreeMap::<(usize, usize, String), Counts>::new();
        for row in rows {
            let count = |column: &str| row.count(column).ok_or(SourceError::Shape);
            let number = usize::try_from(count("experiment")?).map_err(|_| SourceError::Shape)?;
            let (Some(exposures), Some(experiment)) =
                (found.get_mut(&number), self.question.experiments.get(number))
            else {
                return Err(SourceError::Shape);
            };
            let tally = Tally {
                state: count("state")?,
                arm: row.count("arm"),
                units: count("units")?,
                strangers: count("strangers")?,
            };
            let part = usize::try_from(count("part")?).map_err(|_| SourceError::Shape)?;
            if part == 0 {
                tally.add(&mut exposures.overall);
                if tally.state == 3 {
                    let time = |column: &str| {
                        row.integer(column).and_then(|us| Timestamp::from_microsecond(us).ok())
                    };
                    exposures.first = [exposures.first, time("first_exposure")].into_iter().flatten().min();
                    exposures.last = exposures.last.max(time("last_exposure"));
                }
            } else {
                let value = row.text(&format!("d{}", part - 1)).unwrap_or_default().to_owned();
                tally.add(parts.entry((number, part - 1, value)).or_insert_with(|| no_units(experiment)));
            }
        }
        for ((number, dimension, value), counts) in parts {
            if let (Some(exposures), Some(dimension)) = (found.get_mut(&number), dimensions.get(dimension)) {
                let dimension = (*dimension).clone();
                exposures.by_dimension.push(DimensionCount { dimension, value, counts });
            }
        }
        Ok(found)
    }
}

fn no_units(experiment: &Experiment) -> Counts {
    let arms = arms(experiment).into_iter().map(|variant| ArmCount { variant: variant.clone(), units: 0 });
    Counts { arms: arms.collect(), ..Counts::default() }
}

/// A row of the counting query.
struct Tally {
    state: u64,
    arm: Option<u64>,
    units: u64,
    strangers: u64,
}

impl Tally {
    fn add(&self, counts: &mut Counts) {
        if self.state == 4 {
            counts.overridden += self.units;
            return;
        }
        counts.unknown_variant += self.strangers;
        let arm = self.arm.and_then(|arm| usize::try_from(arm).ok());
        match self.state {
            1 => counts.in_two_variants += self.units,
            2 => counts.outside_schedule += self.units,
            3 => {
                if let Some(arm) = arm.and_then(|arm| counts.arms.get_mut(arm)) {
                    arm.units += self.units;
                }
            }
            _ => {}
        }
    }
}

/// Returns the common table expressions that end in `units`, given those that end in `classified`.
fn counted(classified: &Sql) -> Sql {
    Sql::fill(
        "{classified},\nunits AS (SELECT experiment, arm, unit, exposed FROM classified WHERE state = 3)",
        &[("classified", classified)],
    )
}

/// Returns the common table expressions that end in `classified`, given those that end in `named`.
fn classified(named: &Sql, dimensions: usize, dialect: &dyn Dialect) -> Sql {
    let first = |i| {
        let d = Sql::name("d", i);
        let value = dialect.earliest(&d, &Sql::code("t"), &Sql::code("arm IS NOT NULL"));
        Sql::fill(", {value} AS {d}", &[("value", &value), ("d", &d)])
    };
    Sql::fill(
        "{named},\n\
         firsts AS (\n  SELECT experiment, starts, ends, unit, min(arm) AS arm, max(arm) AS other,\n    \
         min(CASE WHEN arm IS NOT NULL THEN t END) AS exposed,\n    \
         max(CASE WHEN arm IS NULL THEN 1 ELSE 0 END) AS stranger{first}\n  \
         FROM named GROUP BY experiment, starts, ends, unit\n),\n\
         classified AS (\n  SELECT f.*, CASE WHEN o.unit IS NOT NULL THEN 4 WHEN exposed IS NULL THEN 0 WHEN arm <> other THEN 1\n    \
         WHEN exposed < starts OR exposed >= ends THEN 2 ELSE 3 END AS state\n  \
         FROM firsts f LEFT JOIN overridden o ON o.experiment = f.experiment AND o.unit = f.unit\n)",
        &[("named", named), ("first", &Sql::join((0..dimensions).map(first), ""))],
    )
}

/// Counts units overall (`part` 0) and by each dimension (`part` is its number, from 1).
fn counting(ctes: &Sql, dimensions: usize) -> Sql {
    let names = |from: &'static str| {
        Sql::join((0..dimensions).map(|i| Sql::fill(from, &[("d", &Sql::name("d", i))])), "")
    };
    let part = Sql::join(
        (0..dimensions).map(|i| {
            Sql::fill(
                " WHEN grouping({d}) = 0 THEN {n}",
                &[("d", &Sql::name("d", i)), ("n", &Sql::integer(i as i64 + 1))],
            )
        }),
        "",
    );
    let part = if dimensions == 0 {
        Sql::integer(0)
    } else {
        Sql::fill("CASE{part} ELSE 0 END", &[("part", &part)])
    };
    Sql::fill(
        "{ctes}\nSELECT experiment, state, arm, {part} AS part, count(*) AS units,\n  \
         min(exposed) AS first_exposure, max(exposed) AS last_exposure,\n  \
         sum(stranger) AS strangers{names}\n\
         FROM classified\nGROUP BY GROUPING SETS ((experiment, state, arm){sets})\n\
         ORDER BY experiment, part, state, arm{names}",
        &[
            ("ctes", ctes),
            ("part", &part),
            ("names", &names(", {d}")),
            ("sets", &names(", (experiment, state, arm, {d})")),
        ],
    )
}

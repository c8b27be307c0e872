//! How the units of a source of facts meet those that were exposed: whether their ids are written alike.

use std::collections::BTreeMap;

use super::facts::Near;
use super::relation::SourceError;
use super::{Answer, Asked, Question};
use crate::spelling::common;
use crate::warehouse::{Dialect, Row, Sql};
use trialbook_decision::Spelling;

/// How the units of a source of facts meet those of an experiment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Joined {
    /// Different units with a row in the experiment's time.
    pub in_source: u64,
    /// How many of them are units of the experiment.
    pub exposed: u64,
    /// Units of the experiment without a row of their own, of which the source has rows under another spelling.
    pub respelled: u64,
    /// Units of the experiment with rows under their own spelling and under another.
    pub mixed: u64,
    /// How ids differ, where that is known.
    pub spelling: Option<Spelling>,
    /// At most three ids as both sides write them. Ids are personal data: these are for the terminal of the person who
    /// runs the analysis, and for nobody else.
    pub examples: Vec<IdExample>,
}

/// A unit's id as the exposures write it, and as the facts do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdExample {
    /// In the exposures.
    pub exposed: String,
    /// In the facts.
    pub fact: String,
}

/// So many ids are looked for inside others, and the source's ids are compared with each.
const TRIED: i64 = 50;
/// Shorter ids occur inside others by chance.
const SHORTEST: i64 = 3;
/// How many examples are shown.
const EXAMPLES: usize = 3;

impl Near<'_> {
    /// Asks how many of the source's units are an experiment's.
    pub(super) fn joins(&self, question: Question<'_>, answer: &mut Answer) -> Result<(), SourceError> {
        let source = &self.readable.source.key;
        let ids = self.ids(question)?;
        let sql = counting(&ids);
        let name = format!("units in {source}");
        answer.queries.push(Asked { name, source: source.clone(), sql: sql.to_string() });
        let rows = self.readable.warehouse.select(&sql)?;
        for number in &self.units.experiments {
            let Some(experiment) = question.experiments.get(*number) else { continue };
            let row = rows.iter().find(|row| row.count("experiment") == Some(*number as u64));
            let Some(row) = row else { continue };
            let count = |name: &str| row.count(name).ok_or(SourceError::Shape);
            let mut joined = Joined {
                in_source: count("in_source")?,
                exposed: count("exposed")?,
                respelled: count("respelled")?,
                mixed: count("mixed")?,
                ..Joined::default()
            };
            if joined.respelled + joined.mixed > 0 {
                joined.examples = self.pairs(&respelled(&ids, *number))?;
            } else if joined.exposed.saturating_mul(100) < joined.in_source {
                joined.examples = self.pairs(&contained(&ids, *number, self.readable.warehouse.dialect()))?;
            }
            joined.spelling = common(&joined.examples);
            joined.examples.truncate(EXAMPLES);
            answer.joins.insert((experiment.key.clone(), source.clone()), joined);
        }
        Ok(())
    }

    fn pairs(&self, sql: &Sql) -> Result<Vec<IdExample>, SourceError> {
        let rows = self.readable.warehouse.select(sql)?;
        let pair = |row: &Row| {
            let text = |name: &str| row.text(name).map(str::to_owned).ok_or(SourceError::Shape);
            Ok(IdExample { exposed: text("exposed_id")?, fact: text("fact_id")? })
        };
        rows.iter().map(pair).collect()
    }

    /// The common table expressions that end in `ids`, the different units with a row in the experiments' time; `bare`
    /// beside each.
    fn ids(&self, question: Question<'_>) -> Result<Sql, SourceError> {
        let readable = self.readable;
        let dialect = readable.warehouse.dialect();
        let times = readable.times()?;
        let begun = question.experiments.iter().map(|experiment| experiment.schedule.start()).min();
        let from = readable.tick_at(begun.unwrap_or(question.watermark));
        Ok(Sql::fill(
            "{units},\nids AS (\n  SELECT unit, {bare} AS bare FROM (\n    SELECT DISTINCT unit FROM \
             (SELECT unit, {tick} AS t FROM (SELECT {unit} AS unit, {raw} FROM {relation} AS source_rows) AS raw_rows) \
             AS timed_rows\n    \
             WHERE unit IS NOT NULL AND t >= {from} AND t < {watermark}\n  ) AS seen\n),\n\
             members AS (SELECT experiment, unit, {bare} AS bare FROM units)",
            &[
                ("units", &self.units.ctes),
                ("bare", &dialect.bare_id(&Sql::code("unit"))),
                ("tick", &times.tick),
                ("unit", &readable.unit(&self.units.entity)?),
                ("raw", &times.raw),
                ("relation", &readable.original),
                ("from", &from),
                ("watermark", &readable.tick_at(question.watermark)),
            ],
        ))
    }
}

/// Further expressions: `alone`, the units of which no other unit of the experiment is another spelling; and `lost`, the
/// source's units that are none of the experiment's, one for each bare id.
const LOST: &str = "{ids},\n\
     alone AS (\n  SELECT experiment, bare, min(unit) AS unit FROM members WHERE bare IS NOT NULL\n  \
     GROUP BY experiment, bare HAVING count(*) = 1\n),\n\
     lost AS (\n  SELECT a.experiment, a.unit, min(i.unit) AS other\n  \
     FROM alone a JOIN ids i ON i.bare = a.bare AND i.unit <> a.unit\n  GROUP BY a.experiment, a.unit\n)";

fn counting(ids: &Sql) -> Sql {
    let lost = Sql::fill(LOST, &[("ids", ids)]);
    Sql::fill(
        "{lost},\n\
         met AS (SELECT m.experiment, m.unit FROM members m JOIN ids i ON i.unit = m.unit),\n\
         found AS (\n  SELECT l.experiment, l.unit, k.unit IS NOT NULL AS mixed\n  \
         FROM lost l LEFT JOIN met k ON k.experiment = l.experiment AND k.unit = l.unit\n)\n\
         SELECT e.experiment, (SELECT count(*) FROM ids) AS in_source,\n  \
         (SELECT count(*) FROM met k WHERE k.experiment = e.experiment) AS exposed,\n  \
         (SELECT count(*) FROM found f WHERE f.experiment = e.experiment AND NOT f.mixed) AS respelled,\n  \
         (SELECT count(*) FROM found f WHERE f.experiment = e.experiment AND f.mixed) AS mixed\n\
         FROM (SELECT DISTINCT experiment FROM members) e ORDER BY e.experiment",
        &[("lost", &lost)],
    )
}

/// Returns units of an experiment with another spelling in the source.
fn respelled(ids: &Sql, number: usize) -> Sql {
    let lost = Sql::fill(LOST, &[("ids", ids)]);
    Sql::fill(
        "{lost}\nSELECT unit AS exposed_id, other AS fact_id FROM lost WHERE experiment = {n} ORDER BY unit LIMIT {most}",
        &[("lost", &lost), ("n", &Sql::integer(number as i64)), ("most", &Sql::integer(TRIED))],
    )
}

/// Returns units of an experiment whose id begins or ends one of the source, or the other way round.
fn contained(ids: &Sql, number: usize, dialect: &dyn Dialect) -> Sql {
    Sql::fill(
        "{ids},\n\
         tried AS (\n  SELECT unit FROM members WHERE experiment = {n} AND length(unit) >= {shortest}\n  \
         ORDER BY unit LIMIT {most}\n)\n\
         SELECT t.unit AS exposed_id, min(i.unit) AS fact_id FROM tried t JOIN ids i\n  \
         ON length(i.unit) >= {shortest} AND i.unit <> t.unit AND {alike}\n\
         GROUP BY t.unit ORDER BY t.unit",
        &[
            ("ids", ids),
            ("n", &Sql::integer(number as i64)),
            ("shortest", &Sql::integer(SHORTEST)),
            ("alike", &dialect.is_at_an_end(&Sql::code("t.unit"), &Sql::code("i.unit"))),
            ("most", &Sql::integer(TRIED)),
        ],
    )
}

/// Returns the most frequent of some values; of several the least.
pub(crate) fn most_frequent<T: Ord + Clone>(values: impl IntoIterator<Item = T>) -> Option<(T, usize)> {
    let mut counts = BTreeMap::<T, usize>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count)
}

//! Rows that are there more than once.

use super::facts::Near;
use super::relation::SourceError;
use super::{Answer, Asked, Question, arms};
use crate::warehouse::Sql;
use trialbook_model::{Granularity, Source, VariantKey};

/// The rows of a source near an experiment's units, and the copies among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Copies {
    /// Whether copies are recognised by a declared key; else they are identical in every column.
    pub by_key: bool,
    /// Each arm, in byte order of the variants.
    pub arms: Vec<ArmRows>,
}

impl Copies {
    /// Returns the copies in all arms.
    pub fn total(&self) -> u64 {
        self.arms.iter().map(|arm| arm.copies).sum()
    }

    /// Returns the rows in all arms, copies included.
    pub fn rows(&self) -> u64 {
        self.arms.iter().map(|arm| arm.rows).sum()
    }
}

/// The rows of an arm's units, and the copies among them.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmRows {
    /// The variant.
    pub variant: VariantKey,
    /// Units with a row.
    pub units: u64,
    /// Their rows, copies included.
    pub rows: u64,
    /// Rows beyond the first of each kind.
    pub copies: u64,
    /// Units with a copy.
    pub with_copies: u64,
    /// The sums over units of the squares of rows, of the squares of copies, and of their products.
    pub squares: [f64; 3],
}

/// Tells whether identical rows of a source are copies: it names no key that tells them apart, and its times are
/// instants. Two purchases on one day may well look alike.
pub(super) fn are_found_by_content(source: &Source) -> bool {
    source.identity.is_empty() && source.granularity == Granularity::Instant
}

impl Near<'_> {
    /// Counts copies by key where the source has one, else identical rows; nothing where neither tells.
    pub(super) fn copies(
        &self,
        question: Question<'_>,
        answer: &mut Answer,
    ) -> Result<Vec<Copies>, SourceError> {
        let source = self.readable.source;
        let by_key = !source.identity.is_empty();
        if !by_key && !are_found_by_content(source) {
            return Ok(Vec::new());
        }
        let sql = self.copies_query(question, by_key)?;
        answer.queries.push(Asked {
            name: format!("copies in {}", source.key),
            source: source.key.clone(),
            sql: sql.to_string(),
        });
        let rows = self.readable.warehouse.select(&sql)?;
        let mut found = Vec::new();
        for number in &self.units.experiments {
            let Some(experiment) = question.experiments.get(*number) else { continue };
            let arm = |(arm, variant): (usize, &VariantKey)| {
                let row = rows.iter().find(|row| {
                    row.count("experiment") == Some(*number as u64) && row.count("arm") == Some(arm as u64)
                });
                let count = |name: &str| row.map_or(Some(0), |row| row.count(name)).ok_or(SourceError::Shape);
                let sum = |name: &str| row.and_then(|row| row.number(name)).unwrap_or(0.0);
                Ok(ArmRows {
                    variant: variant.clone(),
                    units: count("units")?,
                    rows: count("n")?,
                    copies: count("copies")?,
                    with_copies: count("with_copies")?,
                    squares: [sum("rows_squared"), sum("copies_squared"), sum("products")],
                })
            };
            let arms =
                arms(experiment).into_iter().enumerate().map(arm).collect::<Result<_, SourceError>>()?;
            let copies = Copies { by_key, arms };
            found.push(copies.clone());
            answer.copies.insert((experiment.key.clone(), source.key.clone()), copies);
        }
        Ok(found)
    }

    fn copies_query(&self, question: Question<'_>, by_key: bool) -> Result<Sql, SourceError> {
        let readable = self.readable;
        let dialect = readable.warehouse.dialect();
        let times = readable.times()?;
        let watermark = readable.tick_at(question.watermark);
        let print = if by_key {
            let key = readable.key()?;
            let known = key.iter().map(|column| Sql::fill("{c} IS NOT NULL", &[("c", column)]));
            Sql::fill(
                "CASE WHEN {known} THEN {print} END",
                &[("known", &Sql::join(known, " AND ")), ("print", &dialect.fingerprint(&key))],
            )
        } else {
            dialect.fingerprint(&readable.all())
        };
        Ok(Sql::fill(
            "{units},\nfacts AS (\n  SELECT unit, {tick} AS t, print\n  \
             FROM (SELECT {unit} AS unit, {raw}, {print} AS print FROM {relation} AS source_rows) AS raw_rows\n),\n\
             members AS (SELECT experiment, arm, unit, {exposed} AS exposed FROM units),\n\
             alike AS (\n  SELECT u.experiment, u.arm, u.unit, f.print, count(*) AS n\n  \
             FROM members u JOIN facts f ON {near}\n  GROUP BY u.experiment, u.arm, u.unit, f.print\n),\n\
             per_unit AS (\n  SELECT experiment, arm, unit, CAST(sum(n) AS BIGINT) AS n,\n    \
             CAST(sum(CASE WHEN print IS NULL THEN 0 ELSE n - 1 END) AS BIGINT) AS copies\n  \
             FROM alike GROUP BY experiment, arm, unit\n)\n\
             SELECT experiment, arm, count(*) AS units, CAST(sum(n) AS BIGINT) AS n, \
             CAST(sum(copies) AS BIGINT) AS copies, count(CASE WHEN copies > 0 THEN 1 END) AS with_copies,\n  \
             {rows_squared} AS rows_squared, {copies_squared} AS copies_squared, {products} AS products\n\
             FROM per_unit GROUP BY experiment, arm ORDER BY experiment, arm",
            &[
                ("units", &self.units.ctes),
                ("tick", &times.tick),
                ("unit", &readable.unit(&self.units.entity)?),
                ("raw", &times.raw),
                ("print", &print),
                ("relation", &readable.original),
                ("exposed", &readable.tick_of(&Sql::code("exposed"))),
                ("near", &self.condition(&watermark)),
                ("rows_squared", &dialect.double(&Sql::code("sum(n * n)"))),
                ("copies_squared", &dialect.double(&Sql::code("sum(copies * copies)"))),
                ("products", &dialect.double(&Sql::code("sum(n * copies)"))),
            ],
        ))
    }
}

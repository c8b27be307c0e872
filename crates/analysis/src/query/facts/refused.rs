//! Which metrics of a source the engine refuses: for what their expressions are, or for what a row holds.

use super::Reading;
use super::prepared::Prepared;
use crate::query::relation::{Readable, SourceError};
use crate::warehouse::Sql;

/// How much of the source an expression is tried on.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// On no row: names and types are checked, and nothing is read.
    None,
    /// On every row.
    All,
}

impl Reading<'_> {
    /// Asks the engine whether it accepts each metric's expressions: all in one query, and one by one only where it
    /// refuses that.
    pub(super) fn accepted(
        &self,
        readable: &Readable<'_>,
        metrics: &[Prepared],
    ) -> Vec<Result<(), SourceError>> {
        self.tried(readable, metrics, Rows::None)
    }

    /// Asks the engine whether each metric's expressions have a value on every row, as [`Self::accepted`] does. A cast
    /// of a text that is no number is accepted, and fails on the row that has it.
    pub(super) fn evaluated(
        &self,
        readable: &Readable<'_>,
        metrics: &[Prepared],
    ) -> Vec<Result<(), SourceError>> {
        self.tried(readable, metrics, Rows::All)
    }

    fn tried(
        &self,
        readable: &Readable<'_>,
        metrics: &[Prepared],
        rows: Rows,
    ) -> Vec<Result<(), SourceError>> {
        match self.try_on(readable, metrics, rows) {
            Ok(()) => metrics.iter().map(|_| Ok(())).collect(),
            Err(_) => metrics
                .iter()
                .map(|metric| self.try_on(readable, std::slice::from_ref(metric), rows))
                .collect(),
        }
    }

    fn try_on(&self, readable: &Readable<'_>, metrics: &[Prepared], rows: Rows) -> Result<(), SourceError> {
        let filters = metrics.iter().flat_map(Prepared::filters).enumerate();
        let columns = filters.map(|(k, filter)| {
            let column = match rows {
                Rows::None => ", CASE WHEN {filter} THEN 1 END AS {name}",
                Rows::All => ", count(CASE WHEN {filter} THEN 1 END) AS {name}",
            };
            Sql::fill(column, &[("filter", filter), ("name", &Sql::name("counts", k))])
        });
        let columns = Sql::join(columns, "");
        let query = match rows {
            Rows::None => "SELECT 1 AS one{columns} FROM {relation} AS source_rows LIMIT 0",
            Rows::All => "SELECT count(*) AS n{columns} FROM {relation} AS source_rows",
        };
        let sql = Sql::fill(query, &[("columns", &columns), ("relation", &readable.relation)]);
        if !metrics.is_empty() {
            self.warehouse.select(&sql)?;
        }
        Ok(())
    }
}

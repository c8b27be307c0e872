//! A source of the book as something to select from, with the columns it really has.

use jiff::Timestamp;
use trialbook_gate::not_a_table;

use crate::warehouse::{
    Column, ColumnType, ExpressionError, SelectError, Sql, Warehouse, WarehouseError, expression, select,
};
use trialbook_model::{ColumnName, EntityKey, Relation, Source};

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The table's name.
    #[error("`{0}` is not a table's name: one to three names with dots between them")]
    TableName(String),
    /// The table's name is that of a file, or of the engine's catalogue.
    #[error("`{name}` {why}")]
    NotATable {
        /// The name.
        name: String,
        /// Why, to be read after the name.
        why: &'static str,
    },
    /// The SELECT.
    #[error("its `sql` cannot be used")]
    Select(#[source] SelectError),
    /// The warehouse.
    #[error("the warehouse has no answer")]
    Warehouse(#[from] WarehouseError),
    /// A column that the source names is not there.
    #[error("it has no column `{column}`; there are {known}")]
    NoColumn {
        /// Which.
        column: String,
        /// Those that there are.
        known: String,
    },
    /// A column holds what it cannot be used for.
    #[error("its column `{column}` holds {found}, not {expected}")]
    ColumnType {
        /// Which.
        column: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A metric's `where`.
    #[error("`where: {text}` cannot be used (at character {at})")]
    Filter {
        /// The whole expression.
        text: String,
        /// Where in it, counted in characters from 1.
        at: usize,
        /// Why.
        #[source]
        cause: ExpressionError,
    },
    /// The warehouse returned rows of another shape than was asked for.
    #[error("the warehouse returned rows that were not asked for")]
    Shape,
}

impl SourceError {
    /// Returns the error and its causes in one line for an outcome, which may be published: without the engine's own
    /// words, which can quote data.
    pub fn published(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let engine = cause
                .downcast_ref::<WarehouseError>()
                .or_else(|| cause.downcast_ref::<Box<WarehouseError>>().map(|boxed| &**boxed));
            match engine {
                Some(error) => text = format!("{text}: {}", error.published()),
                None => text = format!("{text}: {cause}"),
            }
            source = cause.source();
        }
        text
    }

    /// Returns what to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Warehouse(error) => error.hint(),
            Self::ColumnType { expected: UNIT, .. } => {
                Some("an id that is read as a fraction may be written differently in another source: cast it")
            }
            Self::ColumnType { expected: TIME, .. } => {
                Some("cast it to a timestamp in the warehouse, or use `sql:`")
            }
            _ => None,
        }
    }
}

const UNIT: &str = "ids (text or whole numbers)";
const TIME: &str = "timestamps";
const MEASURE: &str = "numbers";

/// How far a source reaches, and what of it cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceState {
    /// Its rows.
    pub rows: u64,
    /// Rows without a unit: anonymous events, which belong to nobody.
    pub without_unit: u64,
    /// Rows without a usable time.
    pub without_time: u64,
    /// The last time before the watermark; `None` where there is no row before it.
    pub until: Option<Timestamp>,
}

/// A source that can be selected from.
#[derive(Debug)]
pub(super) struct Readable<'a> {
    source: &'a Source,
    pub(super) relation: Sql,
    columns: Vec<Column>,
    warehouse: &'a dyn Warehouse,
}

impl std::fmt::Debug for dyn Warehouse + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "warehouse speaking {:?}", self.dialect())
    }
}

impl<'a> Readable<'a> {
    /// Finds a source in the warehouse and reads its columns.
    pub(super) fn find(source: &'a Source, warehouse: &'a dyn Warehouse) -> Result<Self, SourceError> {
        let relation = match &source.relation {
            Relation::Table(name) => table(name, warehouse)?,
            Relation::Sql(text) => {
                select(text, &mut |pattern| warehouse.paths(pattern)).map_err(SourceError::Select)?
            }
            Relation::File(pattern) => {
                // Times too, so that one that cannot be read is counted and not the end of the analysis.
                let text = source.entities.values().chain([&source.timestamp]);
                warehouse.files(pattern, &text.map(ColumnName::as_str).collect::<Vec<_>>())?
            }
        };
        let columns = warehouse.columns(&relation)?;
        Ok(Self { source, relation, columns, warehouse })
    }

    fn column(&self, name: &str) -> Result<(Sql, &ColumnType), SourceError> {
        let exact = self.columns.iter().find(|column| column.name == name);
        let folded = || self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        let Some(column) = exact.or_else(folded) else {
            let known: Vec<String> = self.columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(SourceError::NoColumn { column: name.to_owned(), known: known.join(", ") });
        };
        Ok((self.warehouse.dialect().identifier(&column.name), &column.kind))
    }

    fn wrong(name: &str, kind: &ColumnType, expected: &'static str) -> SourceError {
        SourceError::ColumnType { column: name.to_owned(), found: kind.describe().to_owned(), expected }
    }

    /// Returns a column as text.
    pub(super) fn text(&self, name: &ColumnName) -> Result<Sql, SourceError> {
        let (column, _) = self.column(name.as_str())?;
        Ok(self.warehouse.dialect().as_text(&column))
    }

    /// Returns a column as it is.
    pub(super) fn plain(&self, name: &ColumnName) -> Result<Sql, SourceError> {
        Ok(self.column(name.as_str())?.0)
    }

    /// Returns the unit's id as text, null where it is empty.
    ///
    /// Fractions are refused: 1 and 1.0 are one number and two texts.
    pub(super) fn unit(&self, entity: &EntityKey) -> Result<Sql, SourceError> {
        let name = self.source.entities.get(entity).map_or(entity.as_str(), ColumnName::as_str);
        let (column, kind) = self.column(name)?;
        if !matches!(kind, ColumnType::Text | ColumnType::Integer) {
            return Err(Self::wrong(name, kind, UNIT));
        }
        let text = self.warehouse.dialect().as_text(&column);
        Ok(Sql::fill("NULLIF({t}, '')", &[("t", &text)]))
    }

    /// Returns the row's time in microseconds since 1970, UTC.
    pub(super) fn time(&self) -> Result<Sql, SourceError> {
        let name = self.source.timestamp.as_str();
        let (column, kind) = self.column(name)?;
        let time = self.warehouse.dialect().microseconds(&column, kind);
        time.ok_or_else(|| Self::wrong(name, kind, TIME))
    }

    /// Returns a measure as a double, null where it is no finite number.
    pub(super) fn measure(&self, name: &ColumnName) -> Result<Sql, SourceError> {
        let (column, kind) = self.column(name.as_str())?;
        let number = self.warehouse.dialect().finite(&column, kind);
        number.ok_or_else(|| Self::wrong(name.as_str(), kind, MEASURE))
    }

    /// Returns a metric's `where`.
    pub(super) fn filter(&self, text: &str) -> Result<Sql, SourceError> {
        expression(text, &self.columns, self.warehouse.dialect()).map_err(|cause| {
            let at = text.get(..cause.range.start).map_or(0, |before| before.chars().count()) + 1;
            SourceError::Filter { text: text.to_owned(), at, cause }
        })
    }

    /// Returns the query of the source's state before a watermark.
    pub(super) fn state_query(&self, entity: &EntityKey, watermark: &Sql) -> Result<Sql, SourceError> {
        Ok(Sql::fill(
            "SELECT count(*), count(*) FILTER (WHERE unit IS NULL), count(*) FILTER (WHERE t IS NULL), \
             max(t) FILTER (WHERE t < {watermark})\n\
             FROM (SELECT {unit} AS unit, {time} AS t FROM {relation})",
            &[
                ("watermark", watermark),
                ("unit", &self.unit(entity)?),
                ("time", &self.time()?),
                ("relation", &self.relation),
            ],
        ))
    }

    /// Asks for the source's state.
    pub(super) fn state(&self, entity: &EntityKey, watermark: &Sql) -> Result<SourceState, SourceError> {
        let rows = self.warehouse.select(&self.state_query(entity, watermark)?)?;
        let row = rows.first().ok_or(SourceError::Shape)?;
        let count = |at| row.count(at).ok_or(SourceError::Shape);
        Ok(SourceState {
            rows: count(0)?,
            without_unit: count(1)?,
            without_time: count(2)?,
            until: row.integer(3).and_then(|us| Timestamp::from_microsecond(us).ok()),
        })
    }
}

/// Returns a table's name, each part quoted.
fn table(name: &str, warehouse: &dyn Warehouse) -> Result<Sql, SourceError> {
    let parts: Vec<&str> = name.split('.').collect();
    let plain =
        |part: &&str| !part.is_empty() && !part.contains(['"', '`']) && !part.contains(char::is_control);
    if parts.len() > 3 || !parts.iter().all(plain) {
        return Err(SourceError::TableName(name.to_owned()));
    }
    let quoted: Vec<_> = parts.iter().map(|part| (*part, true)).collect();
    if let Some(why) = not_a_table(&quoted) {
        return Err(SourceError::NotATable { name: name.to_owned(), why });
    }
    Ok(Sql::join(parts.iter().map(|part| warehouse.dialect().identifier(part)), "."))
}

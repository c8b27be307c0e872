//! A source of the book as something to select from, with the columns it really has.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use trialbook_gate::not_a_table;

use super::clock::{Clock, DAY, day_of};

use crate::warehouse::{
    Column, ColumnType, ExpressionError, SelectError, Sql, Warehouse, WarehouseError, expression, select,
};
use trialbook_model::{Book, ColumnName, Duration, EntityKey, Granularity, Relation, Source, timezone};

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
    /// A metric counts in parts of days, and the source's times are days.
    #[error("its times are days, which cannot be compared with {duration}: write whole days, such as `1d`")]
    PartOfADay {
        /// The window or the time before exposure.
        duration: Duration,
    },
    /// The warehouse returned rows of another shape than was asked for.
    #[error("the warehouse returned rows that the query does not select")]
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
}

impl miette::Diagnostic for SourceError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = match self {
            Self::Warehouse(error) => return error.help(),
            Self::ColumnType { expected: UNIT, .. } => {
                "an id that is read as a fraction may be written differently in another source: cast it"
            }
            Self::ColumnType { expected: TIME, .. } => {
                "cast it to a timestamp in the warehouse, or use `sql:`"
            }
            _ => return None,
        };
        Some(Box::new(help))
    }
}

const UNIT: &str = "ids (text or whole numbers)";
const TIME: &str = "timestamps";
const MEASURE: &str = "numbers";

/// A source that can be selected from.
#[derive(Debug)]
pub(super) struct Readable<'a> {
    pub(super) source: &'a Source,
    /// Its rows, copies by its key left out.
    pub(super) relation: Sql,
    /// Its rows as they are.
    pub(super) original: Sql,
    columns: Vec<Column>,
    pub(super) warehouse: &'a dyn Warehouse,
    /// The zone of times without an offset; `None`: UTC.
    zone: Option<Clock>,
    /// The zone in which days begin.
    days: Clock,
    /// What windows are counted in.
    granularity: Granularity,
}

/// How the rows of a source give their times.
pub(super) struct Times {
    /// The columns `us` and `zoned` of a row: its time as it reads in UTC, in microseconds since 1970, and whether it has
    /// an offset.
    pub(super) raw: Sql,
    /// Over these: the instant, in microseconds since 1970; of a day its first.
    pub(super) instant: Sql,
    /// Over these: what windows are counted in, the instant or, where times are days, the number of the day.
    pub(super) tick: Sql,
}

impl std::fmt::Debug for dyn Warehouse + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "warehouse speaking {:?}", self.dialect())
    }
}

impl<'a> Readable<'a> {
    /// Finds a source in the warehouse and reads its columns.
    pub(super) fn find(
        source: &'a Source,
        book: &Book,
        warehouse: &'a dyn Warehouse,
        watermark: Timestamp,
    ) -> Result<Self, SourceError> {
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
        // `load` refuses a zone that there is not.
        let named = |name: &str| Clock::new(&timezone(name).unwrap_or(TimeZone::UTC), watermark);
        let zone = source.timezone.as_deref().map(named);
        let days = zone.clone().unwrap_or_else(|| named(&book.timezone));
        let original = relation.clone();
        let granularity = source.granularity;
        let mut readable = Self { source, relation, original, columns, warehouse, zone, days, granularity };
        if !source.identity.is_empty() {
            readable.relation = readable.without_copies()?;
        }
        Ok(readable)
    }

    /// Returns the rows of which each has another key: of those with the same key the first by time, and then by all its
    /// columns. Rows whose key has a null are kept.
    fn without_copies(&self) -> Result<Sql, SourceError> {
        let dialect = self.warehouse.dialect();
        let all = || Sql::join(self.columns.iter().map(|column| dialect.identifier(&column.name)), ", ");
        let key = self.key()?;
        let missing = key.iter().map(|column| Sql::fill("{c} IS NULL", &[("c", column)]));
        let (time, _) = self.column(self.source.timestamp.as_str())?;
        Ok(Sql::fill(
            "(SELECT {all} FROM (SELECT {all}, row_number() OVER (PARTITION BY {key} ORDER BY {time}, {all}) \
             AS trialbook_copy FROM {relation} AS source_rows) AS numbered WHERE trialbook_copy = 1 OR {missing})",
            &[
                ("all", &all()),
                ("key", &Sql::join(key.iter().cloned(), ", ")),
                ("time", &time),
                ("relation", &self.original),
                ("missing", &Sql::join(missing, " OR ")),
            ],
        ))
    }

    /// Returns the columns of the source's key.
    pub(super) fn key(&self) -> Result<Vec<Sql>, SourceError> {
        self.source.identity.iter().map(|name| Ok(self.column(name.as_str())?.0)).collect()
    }

    /// Returns all columns, each quoted.
    pub(super) fn all(&self) -> Vec<Sql> {
        self.columns.iter().map(|column| self.warehouse.dialect().identifier(&column.name)).collect()
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
        let (column, kind) = self.column(name.as_str())?;
        Ok(self.warehouse.dialect().as_text(&column, kind))
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
        let text = self.warehouse.dialect().as_text(&column, kind);
        Ok(Sql::fill("NULLIF({t}, '')", &[("t", &text)]))
    }

    /// Returns how the rows give their times.
    pub(super) fn times(&self) -> Result<Times, SourceError> {
        let name = self.source.timestamp.as_str();
        let (column, kind) = self.column(name)?;
        let dialect = self.warehouse.dialect();
        let us = dialect.microseconds(&column, kind).ok_or_else(|| Self::wrong(name, kind, TIME))?;
        let of_days = self.source.granularity == Granularity::Day;
        let zoned = match kind {
            ColumnType::Instant => Sql::code("TRUE"),
            // Only where it matters: it costs a regular expression per row.
            ColumnType::Text if of_days || self.zone.is_some() => dialect.has_offset(&column),
            _ => Sql::code("FALSE"),
        };
        let raw = Sql::fill("{us} AS us, {zoned} AS zoned", &[("us", &us), ("zoned", &zoned)]);
        let us = Sql::code("us");
        if of_days {
            let local =
                Sql::fill("CASE WHEN zoned THEN {local} ELSE us END", &[("local", &self.days.local(&us))]);
            let tick = day_of(&local, dialect);
            let midnight = Sql::fill("({day} * {length})", &[("day", &tick), ("length", &Sql::integer(DAY))]);
            return Ok(Times { raw, instant: self.days.instant(&midnight), tick });
        }
        let instant = match &self.zone {
            Some(zone) => Sql::fill("CASE WHEN zoned THEN us ELSE {utc} END", &[("utc", &zone.instant(&us))]),
            None => us,
        };
        let tick = if self.by_day() { day_of(&self.days.local(&instant), dialect) } else { instant.clone() };
        Ok(Times { raw, tick, instant })
    }

    /// Tells whether windows are counted in days.
    pub(super) fn by_day(&self) -> bool {
        self.granularity == Granularity::Day
    }

    /// Makes two sources count windows in the same: in days of the same zone where the times of one are days.
    pub(super) fn count_alike(&mut self, other: &mut Self) {
        let days = [&*self, &*other].into_iter().find(|one| one.by_day()).map(|one| one.days.clone());
        let Some(days) = days else { return };
        for one in [self, other] {
            (one.granularity, one.days) = (Granularity::Day, days.clone());
        }
    }

    /// Returns an instant in what windows are counted in, as SQL over its microseconds.
    pub(super) fn tick_of(&self, instant: &Sql) -> Sql {
        if self.by_day() {
            day_of(&self.days.local(instant), self.warehouse.dialect())
        } else {
            instant.clone()
        }
    }

    /// Returns an instant in what windows are counted in.
    pub(super) fn tick_at(&self, instant: Timestamp) -> Sql {
        Sql::integer(if self.by_day() { self.days.day(instant) } else { instant.as_microsecond() })
    }

    /// Returns the zone in which its days begin.
    pub(super) fn days(&self) -> &Clock {
        &self.days
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
    Ok(Sql::join(parts.iter().map(|part| warehouse.dialect().table_part(part)), "."))
}

//! How an engine wants its SQL.

use super::{ColumnType, FileFormat, Sql};

/// Values from here on are not added up: three whole numbers of 128 bits do not hold their sums.
pub const LARGEST_SUMMAND: f64 = 1e45;

/// What differs between engines in the SQL of this program.
///
/// What is written elsewhere is the same in every engine: `CASE`, `CAST` to `BIGINT`, joins, common table expressions,
/// grouping sets and window functions. Every subquery in `FROM` has a name.
pub trait Dialect: std::fmt::Debug {
    /// Returns a name, quoted.
    fn identifier(&self, name: &str) -> Sql;

    /// Returns a part of a table's name as a book writes it, quoted.
    fn table_part(&self, name: &str) -> Sql {
        self.identifier(name)
    }

    /// Returns a text, escaped.
    fn text(&self, text: &str) -> Sql;

    /// Returns a number as a double.
    fn double(&self, expression: &Sql) -> Sql;

    /// Returns a finite number as a double; anything else is null.
    fn float(&self, value: f64) -> Sql {
        self.double(&Sql::number(value))
    }

    /// Returns a value of a column of this type as text, which is ordered by its bytes.
    fn as_text(&self, expression: &Sql, kind: &ColumnType) -> Sql;

    /// Returns the part of a text before its first dot, and the part after it, null where there is no dot.
    fn around_dot(&self, text: &Sql) -> (Sql, Sql);

    /// Tells whether one of two texts begins or ends with the other.
    fn is_at_an_end(&self, a: &Sql, b: &Sql) -> Sql;

    /// Returns an instant as microseconds since 1970 in UTC, null where it is none. `None` where a column of
    /// this type holds no instants.
    fn microseconds(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql>;

    /// Tells whether a text that is a time has an offset.
    fn has_offset(&self, text: &Sql) -> Sql;

    /// Returns a whole number that differs where rows differ, as good as certainly: a hash of their columns.
    fn fingerprint(&self, columns: &[Sql]) -> Sql;

    /// Returns a unit's id without what other spellings of it have: letter case, spaces, quotes and braces around it,
    /// hyphens, an ending `.0`, leading zeros. Null where nothing is left.
    fn bare_id(&self, id: &Sql) -> Sql;

    /// Returns a number as a double, null where it is not finite. `None` where a column of this type holds no
    /// numbers.
    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql>;

    /// Returns the remainder of whole numbers, with the sign of the first.
    fn remainder(&self, dividend: &Sql, divisor: &Sql) -> Sql;

    /// Returns the sum of doubles over the rows that a condition selects; 0 over none.
    ///
    /// The same rows give the same bits, in whatever order and by however many threads they are added. Values
    /// from [`LARGEST_SUMMAND`] on make it infinite.
    fn sum(&self, expression: &Sql, rows: &Sql) -> Sql;

    /// Returns the sum of doubles between -1 and 1 over all rows, as [`Dialect::sum`] does, null over none.
    ///
    /// Each is rounded to a multiple of 2⁻⁶², which is for values one of which is near 1.
    fn sum_of_fractions(&self, expression: &Sql) -> Sql;

    /// Returns the quantile over rows by the inverted CDF: the least value that at least this share of the
    /// values does not exceed.
    fn quantile(&self, expression: &Sql, share: f64) -> Sql;

    /// Returns the text of the first of the rows that a condition selects, by a number and then by the text itself.
    fn earliest(&self, text: &Sql, time: &Sql, rows: &Sql) -> Sql;

    /// Returns a common table expression of rows that are written out: its name, its columns, its rows.
    fn table(&self, name: &'static str, columns: &[&'static str], rows: &[Vec<Sql>]) -> Sql {
        Sql::values(name, columns, rows)
    }

    /// Returns what stands between the name of a common table expression and its query, so that it is computed once.
    fn computed_once(&self) -> Sql {
        Sql::code("MATERIALIZED ")
    }

    /// Returns the relation of data files, given by absolute path; the columns in `text` are read as text. `None` where
    /// the engine reads no files.
    fn files(&self, format: FileFormat, paths: &[String], text: &[&str]) -> Option<Sql>;

    /// Returns what differs in an expression of a book.
    fn expressions(&self) -> &dyn Expressions;
}

/// A type to which an expression of a book may cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastType {
    /// True or false.
    Boolean,
    /// A whole number of 16 bits.
    SmallInteger,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    BigInteger,
    /// A floating-point number of 32 bits.
    Real,
    /// A floating-point number of 64 bits.
    Double,
    /// A date.
    Date,
    /// A date and a time without a zone.
    Timestamp,
    /// Text.
    Text,
}

/// How a function of a book's expression is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// As it stands.
    Same,
    /// So.
    As(Sql),
    /// Not at all, and why: a lower-case fragment to be read after the function's name.
    Refused(&'static str),
}

/// What differs between engines in the expressions of a book: they mean the same in all of them.
///
/// What is returned names each operand once, so that nesting does not make it long.
pub trait Expressions {
    /// Returns an operand of a division, which has a fraction.
    fn divided(&self, operand: &Sql) -> Sql;

    /// Returns an operand of `%`.
    fn reduced(&self, operand: &Sql) -> Sql;

    /// Returns a cast; a lenient one is null where the value cannot be converted.
    fn cast(&self, value: &Sql, to: CastType, lenient: bool) -> Sql;

    /// Returns the call of a function, in lower case.
    fn call(&self, function: &str, arguments: &[Sql]) -> Call;

    /// Returns the remainder of two operands that [`Expressions::reduced`] returned, where it is not written `%`.
    fn modulo(&self, _dividend: &Sql, _divisor: &Sql) -> Option<Sql> {
        None
    }

    /// Returns the pattern of `LIKE` as one in which no character escapes another.
    fn like_pattern(&self, pattern: &Sql) -> Sql {
        pattern.clone()
    }

    /// Tells whether there is `ILIKE`. Elsewhere both sides are compared in lower case.
    fn has_ilike(&self) -> bool {
        true
    }

    /// Returns what stands after `ESCAPE` so that no character of a pattern escapes another; `None` where none does.
    fn no_escape(&self) -> Option<Sql>;
}

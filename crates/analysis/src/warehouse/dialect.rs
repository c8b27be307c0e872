//! How an engine wants its SQL.

use super::{ColumnType, FileFormat, Sql};

/// Values from here on are not added up: three whole numbers of 128 bits do not hold their sums.
pub const LARGEST_SUMMAND: f64 = 1e45;

/// What differs between engines in the SQL of this program.
pub trait Dialect: std::fmt::Debug {
    /// Returns a name, quoted.
    fn identifier(&self, name: &str) -> Sql;

    /// Returns a text, escaped.
    fn text(&self, text: &str) -> Sql;

    /// Returns an expression as text.
    fn as_text(&self, expression: &Sql) -> Sql;

    /// Returns an instant as microseconds since 1970 in UTC, null where it is none. `None` where a column of
    /// this type holds no instants.
    fn microseconds(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql>;

    /// Returns a number as a double, null where it is not finite. `None` where a column of this type holds no
    /// numbers.
    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql>;

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

    /// Returns the relation of data files, given by absolute path; the columns in `text` are read as text.
    fn files(&self, format: FileFormat, paths: &[String], text: &[&str]) -> Sql;
}

/// DuckDB 2.0.
#[derive(Debug, Clone, Copy, Default)]
pub struct DuckDbDialect;

impl DuckDbDialect {
    fn quoted(text: &str, quote: char) -> String {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push(quote);
        for c in text.chars() {
            if c == quote {
                quoted.push(quote);
            }
            quoted.push(c);
        }
        quoted.push(quote);
        quoted
    }
}

impl Dialect for DuckDbDialect {
    fn identifier(&self, name: &str) -> Sql {
        Sql::vouched(Self::quoted(name, '"'))
    }

    fn text(&self, text: &str) -> Sql {
        // A backslash is itself in a plain literal.
        Sql::vouched(Self::quoted(text, '\''))
    }

    fn as_text(&self, expression: &Sql) -> Sql {
        Sql::fill("CAST({e} AS VARCHAR)", &[("e", expression)])
    }

    fn microseconds(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        let template = match kind {
            ColumnType::Timestamp | ColumnType::Instant => "CASE WHEN isfinite({e}) THEN epoch_us({e}) END",
            ColumnType::Date => "CASE WHEN isfinite({e}) THEN epoch_us(CAST({e} AS TIMESTAMP)) END",
            // By way of an instant, because a cast to TIMESTAMP drops the offset; trimmed, because a bare
            // TRY_CAST of a CSV file's column is pushed into the reader, which fails on what cannot be cast
            // (both DuckDB 2.0, seen 2026-11).
            // Tests: text_with_an_offset_is_the_instant_it_says, a_time_that_cannot_be_read_is_null.
            ColumnType::Text => {
                "CASE WHEN isfinite(TRY_CAST(trim({e}) AS TIMESTAMPTZ)) \
                 THEN epoch_us(TRY_CAST(trim({e}) AS TIMESTAMPTZ)) END"
            }
            ColumnType::Integer | ColumnType::Fraction | ColumnType::Boolean | ColumnType::Other(_) => {
                return None;
            }
        };
        Some(Sql::fill(template, &[("e", expression)]))
    }

    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        match kind {
            ColumnType::Integer | ColumnType::Boolean => {
                Some(Sql::fill("CAST({e} AS DOUBLE)", &[("e", expression)]))
            }
            ColumnType::Fraction => Some(Sql::fill(
                "CASE WHEN isfinite(CAST({e} AS DOUBLE)) THEN CAST({e} AS DOUBLE) END",
                &[("e", expression)],
            )),
            _ => None,
        }
    }

    fn sum(&self, expression: &Sql, rows: &Sql) -> Sql {
        // A sum of doubles depends on their order, which threads change. So each is cut into three whole numbers
        // of at most 100 bits (multiples of 2^50, 2^-50 and 2^-150), whose sums are exact in any order.
        let limb = |template| {
            let piece = Sql::fill(
                template,
                &[
                    ("e", expression),
                    ("low", &Sql::float(2_f64.powi(50))),
                    ("high", &Sql::float(2_f64.powi(100))),
                ],
            );
            Sql::fill(
                "CAST(coalesce(sum(CASE WHEN abs({e}) < {limit} THEN CAST({piece} AS HUGEINT) END) \
                 FILTER (WHERE {rows}), 0) AS DOUBLE)",
                &[
                    ("e", expression),
                    ("limit", &Sql::float(LARGEST_SUMMAND)),
                    ("piece", &piece),
                    ("rows", rows),
                ],
            )
        };
        Sql::fill(
            "CASE WHEN count(*) FILTER (WHERE {rows} AND NOT (abs({e}) < {limit})) > 0 \
             THEN CAST('inf' AS DOUBLE)\n    ELSE {high} * {unit}\n    + {middle} / {unit}\n    \
             + {low} / {least} END",
            &[
                ("rows", rows),
                ("e", expression),
                ("limit", &Sql::float(LARGEST_SUMMAND)),
                ("high", &limb("trunc({e} / {low})")),
                ("middle", &limb("trunc({e} * {low}) - trunc({e} / {low}) * {high}")),
                ("low", &limb("({e} * {low} - trunc({e} * {low})) * {high}")),
                ("unit", &Sql::float(2_f64.powi(50))),
                ("least", &Sql::float(2_f64.powi(150))),
            ],
        )
    }

    fn sum_of_fractions(&self, expression: &Sql) -> Sql {
        Sql::fill(
            "CAST(sum(CAST(round({e} * {scale}) AS BIGINT)) AS DOUBLE) / {scale}",
            &[("e", expression), ("scale", &Sql::float(2_f64.powi(62)))],
        )
    }

    fn quantile(&self, expression: &Sql, share: f64) -> Sql {
        Sql::fill("quantile_disc({e}, {q})", &[("e", expression), ("q", &Sql::float(share))])
    }

    fn files(&self, format: FileFormat, paths: &[String], text: &[&str]) -> Sql {
        let list = Sql::join(paths.iter().map(|path| self.text(path)), ", ");
        match format {
            FileFormat::Parquet => {
                Sql::fill("read_parquet([{files}], union_by_name = true)", &[("files", &list)])
            }
            FileFormat::Csv => {
                let types =
                    text.iter().map(|column| Sql::fill("{c}: 'VARCHAR'", &[("c", &self.text(column))]));
                let types = Sql::join(types, ", ");
                let template = if text.is_empty() {
                    "read_csv([{files}], header = true, sample_size = -1, union_by_name = true)"
                } else {
                    "read_csv([{files}], header = true, sample_size = -1, union_by_name = true, types = {{types}})"
                };
                Sql::fill(template, &[("files", &list), ("types", &types)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_their_quotes() {
        let dialect = DuckDbDialect;
        assert_eq!(dialect.identifier(r#"a"; DROP TABLE x; --"#).as_str(), r#""a""; DROP TABLE x; --""#);
        assert_eq!(dialect.text(r"it's \' so").as_str(), r"'it''s \'' so'");
    }

    #[test]
    fn a_number_is_no_timestamp_and_a_text_no_measure() {
        let column = Sql::code("c");
        assert_eq!(DuckDbDialect.microseconds(&column, &ColumnType::Integer), None);
        assert_eq!(DuckDbDialect.finite(&column, &ColumnType::Text), None);
    }
}

//! The SQL of DuckDB.

use crate::warehouse::dialect::{Call, CastType, Expressions};
use crate::warehouse::{ColumnType, Dialect, FileFormat, LARGEST_SUMMAND, Sql, quoted};

/// DuckDB 1.5 and 2.0.
#[derive(Debug, Clone, Copy, Default)]
pub struct DuckDbDialect;

impl DuckDbDialect {
    /// Returns the relation of NDJSON files whose columns and types are known, in this engine's words for them.
    pub(super) fn objects(&self, paths: &[String], columns: &[(String, String)]) -> Sql {
        let list = Sql::join(paths.iter().map(|path| self.text(path)), ", ");
        let columns = columns.iter().map(|(name, kind)| {
            Sql::fill("{c}: {type}", &[("c", &self.text(name)), ("type", &self.text(kind))])
        });
        Sql::fill(
            "read_json([{files}], format = 'newline_delimited', records = true, columns = {{columns}})",
            &[("files", &list), ("columns", &Sql::join(columns, ", "))],
        )
    }
}

impl Dialect for DuckDbDialect {
    fn identifier(&self, name: &str) -> Sql {
        quoted(name, '"')
    }

    fn text(&self, text: &str) -> Sql {
        // A backslash is itself in a plain literal.
        quoted(text, '\'')
    }

    fn double(&self, expression: &Sql) -> Sql {
        Sql::fill("CAST({e} AS DOUBLE)", &[("e", expression)])
    }

    fn as_text(&self, expression: &Sql, _: &ColumnType) -> Sql {
        Sql::fill("CAST({e} AS VARCHAR)", &[("e", expression)])
    }

    fn around_dot(&self, text: &Sql) -> (Sql, Sql) {
        (
            Sql::fill("split_part({s}, '.', 1)", &[("s", text)]),
            Sql::fill(
                "CASE WHEN strpos({s}, '.') > 0 THEN substr({s}, strpos({s}, '.') + 1) END",
                &[("s", text)],
            ),
        )
    }

    fn is_at_an_end(&self, a: &Sql, b: &Sql) -> Sql {
        Sql::fill(
            "(ends_with({b}, {a}) OR starts_with({b}, {a}) OR ends_with({a}, {b}) OR starts_with({a}, {b}))",
            &[("a", a), ("b", b)],
        )
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

    fn has_offset(&self, text: &Sql) -> Sql {
        // After a time of day, so that the day of a date is none.
        Sql::fill(
            "coalesce(regexp_matches({e}, ':[0-9]{2}.*([zZ]|UTC|[+-][0-9]{2}(:?[0-9]{2})?) *$'), FALSE)",
            &[("e", &self.as_text(text, &ColumnType::Text))],
        )
    }

    fn fingerprint(&self, columns: &[Sql]) -> Sql {
        Sql::fill("hash({columns})", &[("columns", &Sql::join(columns.iter().cloned(), ", "))])
    }

    fn bare_id(&self, id: &Sql) -> Sql {
        Sql::fill(
            "NULLIF(ltrim(regexp_replace(replace(lower(trim({e}, {around})), '-', ''), '[.]0+$', ''), '0'), '')",
            &[("e", id), ("around", &self.text(" \t\r\n\"'{}"))],
        )
    }

    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        match kind {
            ColumnType::Integer | ColumnType::Boolean => Some(self.double(expression)),
            ColumnType::Fraction => {
                Some(Sql::fill("CASE WHEN isfinite({e}) THEN {e} END", &[("e", &self.double(expression))]))
            }
            _ => None,
        }
    }

    fn remainder(&self, dividend: &Sql, divisor: &Sql) -> Sql {
        Sql::fill("({a} % {b})", &[("a", dividend), ("b", divisor)])
    }

    fn sum(&self, expression: &Sql, rows: &Sql) -> Sql {
        // A sum of doubles depends on their order, which threads change. So each is cut into three whole numbers
        // of at most 100 bits (multiples of 2^50, 2^-50 and 2^-150), whose sums are exact in any order.
        let limb = |template| {
            let piece = Sql::fill(
                template,
                &[
                    ("e", expression),
                    ("low", &self.float(2_f64.powi(50))),
                    ("high", &self.float(2_f64.powi(100))),
                ],
            );
            Sql::fill(
                "CAST(coalesce(sum(CASE WHEN abs({e}) < {limit} THEN CAST({piece} AS HUGEINT) END) \
                 FILTER (WHERE {rows}), 0) AS DOUBLE)",
                &[
                    ("e", expression),
                    ("limit", &self.float(LARGEST_SUMMAND)),
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
                ("limit", &self.float(LARGEST_SUMMAND)),
                ("high", &limb("trunc({e} / {low})")),
                ("middle", &limb("trunc({e} * {low}) - trunc({e} / {low}) * {high}")),
                ("low", &limb("({e} * {low} - trunc({e} * {low})) * {high}")),
                ("unit", &self.float(2_f64.powi(50))),
                ("least", &self.float(2_f64.powi(150))),
            ],
        )
    }

    fn sum_of_fractions(&self, expression: &Sql) -> Sql {
        Sql::fill(
            "CAST(sum(CAST(round({e} * {scale}) AS BIGINT)) AS DOUBLE) / {scale}",
            &[("e", expression), ("scale", &self.float(2_f64.powi(62)))],
        )
    }

    fn quantile(&self, expression: &Sql, share: f64) -> Sql {
        Sql::fill("quantile_disc({e}, {q})", &[("e", expression), ("q", &self.float(share))])
    }

    fn earliest(&self, text: &Sql, time: &Sql, rows: &Sql) -> Sql {
        Sql::fill(
            "arg_min({e}, ROW({t}, {e})) FILTER (WHERE {rows})",
            &[("e", text), ("t", time), ("rows", rows)],
        )
    }

    fn files(&self, format: FileFormat, paths: &[String], text: &[&str]) -> Option<Sql> {
        let list = Sql::join(paths.iter().map(|path| self.text(path)), ", ");
        Some(match format {
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
            // JSON has no times: a text that looks like one stays a text, with its offset. Every object is looked at, because a key may
            // come late or hold another type there.
            FileFormat::Ndjson => Sql::fill(
                "read_json([{files}], format = 'newline_delimited', records = true, sample_size = -1, maximum_depth = 2, \
                 convert_strings_to_integers = false, dateformat = '-', timestampformat = '-', union_by_name = true)",
                &[("files", &list)],
            ),
        })
    }

    fn expressions(&self) -> &dyn Expressions {
        self
    }
}

impl Expressions for DuckDbDialect {
    fn divided(&self, operand: &Sql) -> Sql {
        operand.clone()
    }

    fn reduced(&self, operand: &Sql) -> Sql {
        operand.clone()
    }

    fn cast(&self, value: &Sql, to: CastType, lenient: bool) -> Sql {
        let name = match to {
            CastType::Boolean => "BOOLEAN",
            CastType::SmallInteger => "SMALLINT",
            CastType::Integer => "INTEGER",
            CastType::BigInteger => "BIGINT",
            CastType::Real => "FLOAT",
            CastType::Double => "DOUBLE",
            CastType::Date => "DATE",
            CastType::Timestamp => "TIMESTAMP",
            CastType::Text => "VARCHAR",
        };
        let template = if lenient { "TRY_CAST({e} AS {type})" } else { "CAST({e} AS {type})" };
        Sql::fill(template, &[("e", value), ("type", &Sql::code(name))])
    }

    fn call(&self, _: &str, _: &[Sql]) -> Call {
        Call::Same
    }

    fn no_escape(&self) -> Option<Sql> {
        None
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

    #[test]
    fn a_double_reads_back_as_itself_and_never_as_a_decimal() {
        assert_eq!(DuckDbDialect.float(0.1).as_str(), "CAST(1e-1 AS DOUBLE)");
        assert_eq!(DuckDbDialect.float(f64::NAN).as_str(), "CAST(NULL AS DOUBLE)");
    }
}

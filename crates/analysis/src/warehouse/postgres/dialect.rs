//! The SQL of PostgreSQL 12 and later, in a session with standard strings, ISO dates and UTC.

use crate::warehouse::dialect::{Call, CastType, Expressions};
use crate::warehouse::{ColumnType, Dialect, FileFormat, LARGEST_SUMMAND, Sql, quoted};

/// PostgreSQL.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresDialect;

/// A text that PostgreSQL reads as a date or an instant, the whole of it as the first group: no cast of what matches
/// fails, so the days of each month are written out.
const TIME: &str = "'^((?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))\
|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)\
(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?(?: *(?:Z|z|UTC|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?)?)$'";

/// A text that is a number, which fits a double; not a number and the infinities are doubles too.
const NUMBER: &str = "'^([+-]?(?:(?:[0-9]{1,200}[.]?[0-9]{0,200}|[.][0-9]{1,200})(?:[eE][+-]?[0-9]{1,2})?|[iI]nf(?:inity)?)|[nN]a[nN])$'";

/// A text that is a finite number.
const FINITE: &str = "'^([+-]?(?:[0-9]{1,200}[.]?[0-9]{0,200}|[.][0-9]{1,200})(?:[eE][+-]?[0-9]{1,2})?)$'";

/// The whole number nearest to a text's number, halves away from zero; null where it is not between two bounds. The text stands
/// there once, so that nesting does not multiply it.
const WITHIN: &str = "CAST(nullif(nullif(greatest(least(round(CAST({t} AS NUMERIC)), {above}), {below}), {above}), {below}) AS {type})";

/// A text that is true or false.
const BOOLEAN: &str = "'^(t|T|true|True|TRUE|f|F|false|False|FALSE|y|yes|n|no|1|0)$'";

/// Returns the text that a pattern finds in another one without spaces around it; null where it finds none.
fn found(text: &Sql, pattern: &'static str) -> Sql {
    Sql::fill("substring(btrim({e}) FROM {p})", &[("e", text), ("p", &Sql::code(pattern))])
}

/// Returns a number as a numeric that has the digits of its shortest text: a cast keeps 15 digits of a double.
/// Test: `a_sum_of_doubles_loses_no_digits`.
fn exact(number: &Sql) -> Sql {
    Sql::fill("CAST(CAST({e} AS TEXT) AS NUMERIC)", &[("e", number)])
}

impl Dialect for PostgresDialect {
    fn identifier(&self, name: &str) -> Sql {
        quoted(name, '"')
    }

    fn text(&self, text: &str) -> Sql {
        // A backslash is itself: the session has standard_conforming_strings.
        quoted(text, '\'')
    }

    fn double(&self, expression: &Sql) -> Sql {
        Sql::fill("CAST({e} AS DOUBLE PRECISION)", &[("e", expression)])
    }

    fn as_text(&self, expression: &Sql, kind: &ColumnType) -> Sql {
        let template = match kind {
            // A whole number that has a fraction's type is written with one, as by other engines.
            ColumnType::Fraction => {
                "regexp_replace(CAST({e} AS TEXT), '^(-?[0-9]+)$', '\\1.0') COLLATE \"C\""
            }
            _ => "CAST({e} AS TEXT) COLLATE \"C\"",
        };
        Sql::fill(template, &[("e", expression)])
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
            "(right({b}, length({a})) = {a} OR left({b}, length({a})) = {a} \
             OR right({a}, length({b})) = {b} OR left({a}, length({b})) = {b})",
            &[("a", a), ("b", b)],
        )
    }

    fn microseconds(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        const OF: &str = "CAST(extract(epoch FROM {e}) * 1000000 AS BIGINT)";
        let of = |instant: &Sql| Sql::fill(OF, &[("e", instant)]);
        Some(match kind {
            ColumnType::Timestamp | ColumnType::Instant | ColumnType::Date => Sql::fill(
                "CASE WHEN isfinite({e}) THEN {us} END",
                &[("e", expression), ("us", &of(expression))],
            ),
            ColumnType::Text => of(&Sql::fill(
                "CAST({found} AS TIMESTAMP WITH TIME ZONE)",
                &[("found", &found(expression, TIME))],
            )),
            ColumnType::Integer | ColumnType::Fraction | ColumnType::Boolean | ColumnType::Other(_) => {
                return None;
            }
        })
    }

    fn has_offset(&self, text: &Sql) -> Sql {
        // After a time of day, so that the day of a date is none.
        Sql::fill(
            "coalesce(CAST({e} AS TEXT) ~ ':[0-9]{2}.*([zZ]|UTC|[+-][0-9]{2}(:?[0-9]{2})?) *$', FALSE)",
            &[("e", text)],
        )
    }

    fn fingerprint(&self, columns: &[Sql]) -> Sql {
        let columns = Sql::join(columns.iter().cloned(), ", ");
        Sql::fill("hashtextextended(CAST(ROW({columns}) AS TEXT), 0)", &[("columns", &columns)])
    }

    fn bare_id(&self, id: &Sql) -> Sql {
        Sql::fill(
            "NULLIF(ltrim(regexp_replace(replace(lower(btrim({e}, {around})), '-', ''), '[.]0+$', ''), '0'), '')",
            &[("e", id), ("around", &self.text(" \t\r\n\"'{}"))],
        )
    }

    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        match kind {
            ColumnType::Integer => Some(self.double(expression)),
            ColumnType::Boolean => Some(self.double(&Sql::fill("CAST({e} AS INT)", &[("e", expression)]))),
            // NaN is greater than infinity here.
            ColumnType::Fraction => Some(Sql::fill(
                "CASE WHEN abs({e}) < CAST('Infinity' AS DOUBLE PRECISION) THEN {e} END",
                &[("e", &self.double(expression))],
            )),
            _ => None,
        }
    }

    fn remainder(&self, dividend: &Sql, divisor: &Sql) -> Sql {
        Sql::fill("({a} % {b})", &[("a", dividend), ("b", divisor)])
    }

    fn sum(&self, expression: &Sql, rows: &Sql) -> Sql {
        // A sum of doubles depends on their order; one of numerics does not.
        Sql::fill(
            "CASE WHEN count(CASE WHEN {rows} AND NOT (abs({e}) < {limit}) THEN 1 END) > 0 \
             THEN CAST('Infinity' AS DOUBLE PRECISION)\n    ELSE CAST(coalesce(sum(CASE WHEN {rows} \
             AND abs({e}) < {limit} THEN {exact} END), 0) AS DOUBLE PRECISION) END",
            &[
                ("rows", rows),
                ("e", expression),
                ("limit", &self.float(LARGEST_SUMMAND)),
                ("exact", &exact(expression)),
            ],
        )
    }

    fn sum_of_fractions(&self, expression: &Sql) -> Sql {
        // Each is cast once: a sum of whole numbers is a numeric, which is exact in any order.
        Sql::fill(
            "CAST(sum(CAST({e} * {scale} AS BIGINT)) AS DOUBLE PRECISION) / {scale}",
            &[("e", expression), ("scale", &self.float(2_f64.powi(62)))],
        )
    }

    fn quantile(&self, expression: &Sql, share: f64) -> Sql {
        Sql::fill(
            "percentile_disc({q}) WITHIN GROUP (ORDER BY {e})",
            &[("e", expression), ("q", &self.float(share))],
        )
    }

    fn earliest(&self, text: &Sql, time: &Sql, rows: &Sql) -> Sql {
        Sql::fill(
            "(array_agg({e} ORDER BY {t}, {e}) FILTER (WHERE {rows}))[1]",
            &[("e", text), ("t", time), ("rows", rows)],
        )
    }

    fn files(&self, _: FileFormat, _: &[String], _: &[&str]) -> Option<Sql> {
        None
    }

    fn expressions(&self) -> &dyn Expressions {
        self
    }
}

impl Expressions for PostgresDialect {
    fn divided(&self, operand: &Sql) -> Sql {
        // Whole numbers would be divided without a fraction.
        self.double(operand)
    }

    fn reduced(&self, operand: &Sql) -> Sql {
        // Doubles have no remainder here.
        Sql::fill("CAST({e} AS NUMERIC)", &[("e", operand)])
    }

    fn cast(&self, value: &Sql, to: CastType, lenient: bool) -> Sql {
        let (name, pattern) = match to {
            CastType::Boolean => ("BOOLEAN", BOOLEAN),
            CastType::SmallInteger => ("SMALLINT", FINITE),
            CastType::Integer => ("INTEGER", FINITE),
            CastType::BigInteger => ("BIGINT", FINITE),
            CastType::Real => ("REAL", NUMBER),
            CastType::Double => ("DOUBLE PRECISION", NUMBER),
            CastType::Date => ("DATE", TIME),
            CastType::Timestamp => ("TIMESTAMP", TIME),
            CastType::Text => return Sql::fill("CAST({e} AS TEXT)", &[("e", value)]),
        };
        let name = Sql::code(name);
        if !lenient {
            return Sql::fill("CAST({e} AS {type})", &[("e", value), ("type", &name)]);
        }
        let text = found(&Sql::fill("CAST({e} AS TEXT)", &[("e", value)]), pattern);
        let whole = |above, below| {
            let (above, below) = (Sql::code(above), Sql::code(below));
            Sql::fill(WITHIN, &[("t", &text), ("above", &above), ("below", &below), ("type", &name)])
        };
        let template = match to {
            CastType::SmallInteger => return whole("32768", "-32769"),
            CastType::Integer => return whole("2147483648", "-2147483649"),
            CastType::BigInteger => return whole("9223372036854775808", "-9223372036854775809"),
            CastType::Timestamp | CastType::Date => "CAST(CAST({t} AS TIMESTAMP WITH TIME ZONE) AS {type})",
            _ => "CAST({t} AS {type})",
        };
        Sql::fill(template, &[("t", &text), ("type", &name)])
    }

    fn call(&self, function: &str, arguments: &[Sql]) -> Call {
        let as_of = |template, named: &[(&str, &Sql)]| Call::As(Sql::fill(template, named));
        match (function, arguments) {
            ("contains", [text, part]) => as_of("(strpos({t}, {p}) > 0)", &[("t", text), ("p", part)]),
            ("ends_with", [text, end]) => {
                as_of("starts_with(reverse({t}), reverse({e}))", &[("t", text), ("e", end)])
            }
            ("regexp_matches", [text, pattern]) => as_of("({t} ~ {p})", &[("t", text), ("p", pattern)]),
            // Of doubles it rounds half to even, and to whole numbers alone.
            ("round", [number]) => as_of("round(CAST({n} AS NUMERIC))", &[("n", number)]),
            ("round", [number, places]) => {
                as_of("round(CAST({n} AS NUMERIC), {p})", &[("n", number), ("p", places)])
            }
            ("substr", [_, from, ..]) if from.as_str().parse().is_ok_and(|from: u32| from > 0) => Call::Same,
            // Others count from the end there.
            ("substr", _) => {
                Call::Refused("takes a whole number above 0 as its second argument on this engine")
            }
            ("contains" | "ends_with" | "regexp_matches" | "round", _) => {
                Call::Refused("does not have so many arguments on this engine")
            }
            _ => Call::Same,
        }
    }

    fn no_escape(&self) -> Option<Sql> {
        Some(Sql::code("''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::{Column, expression};

    fn read(text: &str) -> String {
        let columns = [("status", ColumnType::Text), ("load_ms", ColumnType::Integer)]
            .map(|(name, kind)| Column { name: name.into(), kind });
        match expression(text, &columns, &PostgresDialect) {
            Ok(sql) => sql.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn expressions_mean_what_they_mean_elsewhere() {
        for (text, printed) in [
            (
                "load_ms / 1000 > 1.5",
                r#"(CAST("load_ms" AS DOUBLE PRECISION) / CAST(1000 AS DOUBLE PRECISION) > 1.5)"#,
            ),
            ("status LIKE 'a%'", r#"("status" LIKE 'a%' ESCAPE '')"#),
            ("contains(status, 'a')", r#"((strpos("status", 'a') > 0))"#),
            ("regexp_matches(lower(status), '^a')", r#"((lower("status") ~ '^a'))"#),
            ("load_ms::double > 1", r#"(CAST("load_ms" AS DOUBLE PRECISION) > 1)"#),
            ("substr(status, 1, 2) = 'ab'", r#"(SUBSTR("status", 1, 2) = 'ab')"#),
            (
                "substr(status, -2) = 'ab'",
                "`substr` takes a whole number above 0 as its second argument on this engine",
            ),
        ] {
            assert_eq!(read(text), printed, "{text}");
        }
    }

    #[test]
    fn nesting_does_not_make_an_expression_long() {
        let nested =
            (0..20).fold("status".to_owned(), |text, _| format!("TRY_CAST(ends_with({text}, 'a') AS TEXT)"));
        let printed = read(&format!("{nested} = 'true'"));
        assert!(printed.len() < 20 * 200, "{}", printed.len());
        assert_eq!(printed.matches("reverse(").count(), 40);
    }
}

//! The queries of this program.

use super::{Rows, TIME, Text, Words};
use crate::warehouse::dialect::Expressions;
use crate::warehouse::{ColumnType, Dialect, FileFormat, LARGEST_SUMMAND, Sql, quoted};

/// After a time of day, so that the day of a date is no offset.
const OFFSET: &str = ":[0-9]{2}.*([zZ]|UTC|[+-][0-9]{2}(:?[0-9]{2})?) *$";
/// What stands around an id in some spellings.
const AROUND: [&str; 2] = ["^[ \t\r\n\"'{}]+", "[ \t\r\n\"'{}]+$"];
/// The largest finite double.
const LARGEST: f64 = f64::MAX;
/// A sum that is too large. Any number from [`LARGEST_SUMMAND`] on would do, and not every engine can write infinity.
const TOO_LARGE: f64 = 1e300;

impl Dialect for Words {
    fn identifier(&self, name: &str) -> Sql {
        if self.names_escape {
            quoted(&name.replace('\\', "\\\\"), self.quote)
        } else {
            quoted(name, self.quote)
        }
    }

    fn table_part(&self, name: &str) -> Sql {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.folds_up && name.chars().all(plain) {
            self.identifier(&name.to_ascii_uppercase())
        } else {
            self.identifier(name)
        }
    }

    fn text(&self, text: &str) -> Sql {
        match self.text {
            Text::Plain => quoted(text, '\''),
            Text::Backslash => quoted(&text.replace('\\', "\\\\"), '\''),
            Text::Escaped(quote) => {
                let escaped = text.replace('\\', "\\\\").replace('\'', quote);
                // A text in these quotes stands on one line.
                let escaped = escaped.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
                Sql::vouched(format!("'{escaped}'"))
            }
        }
    }

    fn double(&self, expression: &Sql) -> Sql {
        self.cast_to(expression, self.types.double)
    }

    fn float(&self, value: f64) -> Sql {
        // As text: a number with an exponent is a decimal in some engines, and too large for one.
        if value.is_finite() {
            self.double(&self.text(&format!("{value:e}")))
        } else {
            self.double(&Sql::code("NULL"))
        }
    }

    fn as_text(&self, expression: &Sql, kind: &ColumnType) -> Sql {
        match kind {
            ColumnType::Boolean => {
                Sql::fill("CASE WHEN {e} THEN 'true' WHEN NOT {e} THEN 'false' END", &[("e", expression)])
            }
            _ => self.cast_to(expression, self.types.text),
        }
    }

    fn around_dot(&self, text: &Sql) -> (Sql, Sql) {
        let at = self.position(text, &Sql::code("'.'"));
        let pieces = [("s", text), ("at", &at)];
        (
            Sql::fill("CASE WHEN {at} > 0 THEN substr({s}, 1, {at} - 1) ELSE {s} END", &pieces),
            Sql::fill("CASE WHEN {at} > 0 THEN substr({s}, {at} + 1) END", &pieces),
        )
    }

    fn is_at_an_end(&self, a: &Sql, b: &Sql) -> Sql {
        let of = |long: &Sql, short: &Sql| {
            Sql::fill(
                "(length({l}) >= length({s}) AND (substr({l}, 1, length({s})) = {s} \
                 OR substr({l}, length({l}) - length({s}) + 1) = {s}))",
                &[("l", long), ("s", short)],
            )
        };
        Sql::fill("({a} OR {b})", &[("a", &of(b, a)), ("b", &of(a, b))])
    }

    fn microseconds(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        let of = |template, e: &Sql| Some(Sql::fill(template, &[("e", e)]));
        match kind {
            ColumnType::Timestamp => of(self.microseconds.timestamp, expression),
            ColumnType::Instant => of(self.microseconds.instant, expression),
            ColumnType::Date => of(self.microseconds.date, expression),
            ColumnType::Text => {
                of(self.microseconds.text, &Sql::fill("trim({t})", &[("t", &self.found(expression, TIME))]))
            }
            ColumnType::Integer | ColumnType::Fraction | ColumnType::Boolean | ColumnType::Other(_) => None,
        }
    }

    fn has_offset(&self, text: &Sql) -> Sql {
        Sql::fill("coalesce({m}, FALSE)", &[("m", &self.of_text(self.matches, text, OFFSET))])
    }

    fn fingerprint(&self, columns: &[Sql]) -> Sql {
        if !self.fingerprint.contains("{seed}") {
            return Sql::fill(self.fingerprint, &[("columns", &Sql::join(columns.iter().cloned(), ", "))]);
        }
        let chained =
            |seed: Sql, column: &Sql| Sql::fill(self.fingerprint, &[("e", column), ("seed", &seed)]);
        columns.iter().fold(Sql::integer(0), chained)
    }

    fn bare_id(&self, id: &Sql) -> Sql {
        let bare = AROUND.iter().fold(id.clone(), |text, around| self.of_text(self.without, &text, around));
        let bare = Sql::fill("replace(lower({t}), '-', '')", &[("t", &bare)]);
        let bare = ["[.]0+$", "^0+"].iter().fold(bare, |text, part| self.of_text(self.without, &text, part));
        Sql::fill("NULLIF({t}, '')", &[("t", &bare)])
    }

    fn finite(&self, expression: &Sql, kind: &ColumnType) -> Option<Sql> {
        match kind {
            ColumnType::Integer => Some(self.double(expression)),
            ColumnType::Boolean => {
                let number = Sql::fill("CASE WHEN {e} THEN 1 WHEN NOT {e} THEN 0 END", &[("e", expression)]);
                Some(self.double(&number))
            }
            // What is not a number is greater than any here, or compares with none.
            ColumnType::Fraction => Some(Sql::fill(
                "CASE WHEN abs({e}) <= {largest} THEN {e} END",
                &[("e", &self.double(expression)), ("largest", &self.float(LARGEST))],
            )),
            _ => None,
        }
    }

    fn remainder(&self, dividend: &Sql, divisor: &Sql) -> Sql {
        Sql::fill(self.remainder, &[("a", dividend), ("b", divisor)])
    }

    fn sum(&self, expression: &Sql, rows: &Sql) -> Sql {
        // A sum of doubles depends on their order. So each is cut into three whole numbers (multiples of 2^50, 2^-50 and 2^-125), whose
        // sums are exact in any order, and leave room for as many rows as there may be.
        let power = |exponent| self.float(2_f64.powi(exponent));
        let limb = |piece: &Sql| {
            let sum = Sql::fill(
                "coalesce(sum(CASE WHEN {rows} AND abs({e}) < {limit} THEN {piece} END), 0)",
                &[
                    ("e", expression),
                    ("rows", rows),
                    ("limit", &self.float(LARGEST_SUMMAND)),
                    ("piece", &self.cast_to(piece, self.types.whole)),
                ],
            );
            self.double(&sum)
        };
        let (unit, least) = (power(50), power(125));
        let high = self.truncated(&Sql::fill("({e} / {unit})", &[("e", expression), ("unit", &unit)]));
        let scaled = Sql::fill("({e} * {unit})", &[("e", expression), ("unit", &unit)]);
        let whole = self.truncated(&scaled);
        let middle = Sql::fill(
            "({whole} - {high} * {square})",
            &[("whole", &whole), ("high", &high), ("square", &power(100))],
        );
        let low = Sql::fill(
            "(({scaled} - {whole}) * {rest})",
            &[("scaled", &scaled), ("whole", &whole), ("rest", &power(75))],
        );
        Sql::fill(
            "CASE WHEN count(CASE WHEN {rows} AND NOT (abs({e}) < {limit}) THEN 1 END) > 0 THEN {too_large}\n    \
             ELSE {high} * {unit}\n    + {middle} / {unit}\n    + {low} / {least} END",
            &[
                ("rows", rows),
                ("e", expression),
                ("limit", &self.float(LARGEST_SUMMAND)),
                ("too_large", &self.float(TOO_LARGE)),
                ("high", &limb(&high)),
                ("middle", &limb(&middle)),
                ("low", &limb(&self.truncated(&low))),
                ("unit", &unit),
                ("least", &least),
            ],
        )
    }

    fn sum_of_fractions(&self, expression: &Sql) -> Sql {
        let scale = self.float(2_f64.powi(62));
        let scaled = Sql::fill("({e} * {scale})", &[("e", expression), ("scale", &scale)]);
        let sum = Sql::fill("sum({w})", &[("w", &self.cast_to(&self.truncated(&scaled), self.types.whole))]);
        Sql::fill("{sum} / {scale}", &[("sum", &self.double(&sum)), ("scale", &scale)])
    }

    fn quantile(&self, expression: &Sql, share: f64) -> Sql {
        // A plain number: some engines take nothing else here.
        let share = Sql::vouched(format!("{share}"));
        Sql::fill(self.quantile, &[("e", expression), ("q", &share)])
    }

    fn earliest(&self, text: &Sql, time: &Sql, rows: &Sql) -> Sql {
        // The time stands before the text, with as many digits for every instant of the calendar.
        let first = Sql::fill(
            "min(CASE WHEN {rows} THEN concat({time}, {text}) END)",
            &[
                ("rows", rows),
                (
                    "time",
                    &self.cast_to(&Sql::fill("({t} + 2000000000000000000)", &[("t", time)]), self.types.text),
                ),
                ("text", text),
            ],
        );
        Sql::fill("substr({first}, 20)", &[("first", &first)])
    }

    fn table(&self, name: &'static str, columns: &[&'static str], rows: &[Vec<Sql>]) -> Sql {
        let name = Sql::code(name);
        let listed = || Sql::join(columns.iter().copied().map(Sql::code), ", ");
        let plain = |row: &Vec<Sql>| Sql::fill("({row})", &[("row", &Sql::join(row.iter().cloned(), ", "))]);
        let named = |row: &Vec<Sql>| {
            let value = |(value, column): (&Sql, &'static str)| {
                Sql::fill("{value} AS {column}", &[("value", value), ("column", &Sql::code(column))])
            };
            Sql::join(row.iter().zip(columns.iter().copied()).map(value), ", ")
        };
        match self.rows {
            Rows::Values => Sql::fill(
                "{name} AS (SELECT * FROM (VALUES {rows}) AS given({columns}))",
                &[
                    ("name", &name),
                    ("rows", &Sql::join(rows.iter().map(plain), ", ")),
                    ("columns", &listed()),
                ],
            ),
            Rows::Union => {
                let selects = rows.iter().map(|row| Sql::fill("SELECT {row}", &[("row", &named(row))]));
                Sql::fill(
                    "{name} AS ({rows})",
                    &[("name", &name), ("rows", &Sql::join(selects, " UNION ALL "))],
                )
            }
            Rows::Structures => {
                let structures = rows.iter().enumerate().map(|(at, row)| {
                    // The first gives the names.
                    let fields = if at == 0 { named(row) } else { Sql::join(row.iter().cloned(), ", ") };
                    Sql::fill("STRUCT({fields})", &[("fields", &fields)])
                });
                Sql::fill(
                    "{name} AS (SELECT * FROM UNNEST([{rows}]))",
                    &[("name", &name), ("rows", &Sql::join(structures, ", "))],
                )
            }
        }
    }

    fn computed_once(&self) -> Sql {
        Sql::code("")
    }

    fn files(&self, _: FileFormat, _: &[String], _: &[&str]) -> Option<Sql> {
        None
    }

    fn expressions(&self) -> &dyn Expressions {
        self
    }
}

//! The expressions of a book: they mean the same as in every other engine.

use super::{TIME, Words};
use crate::warehouse::dialect::{Call, CastType, Expressions};
use crate::warehouse::{Dialect, Sql};

/// The date at the beginning of such a text.
const DATE: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
/// A text that is a number which fits a double.
const NUMBER: &str = "^ *([+-]?(([0-9]{1,200}[.]?[0-9]{0,200}|[.][0-9]{1,200})([eE][+-]?[0-9]{1,2})?|[iI]nf(inity)?)|[nN]a[nN]) *$";
/// A text that is a finite number.
const FINITE: &str = "^ *[+-]?([0-9]{1,200}[.]?[0-9]{0,200}|[.][0-9]{1,200})([eE][+-]?[0-9]{1,2})? *$";

impl Words {
    /// Returns a cast that is null where the value cannot be converted, and that means the same in every engine: each has texts
    /// of its own that it takes for numbers or dates.
    fn lenient(&self, value: &Sql, to: CastType) -> Sql {
        let text = self.cast_to(value, self.types.text);
        let name = self.type_name(to);
        let whole = |above, below| {
            // The text stands there once, so that nesting does not multiply it.
            Sql::fill(
                "CAST(nullif(nullif(greatest(least({n}, {above}), {below}), {above}), {below}) AS {type})",
                &[
                    (
                        "n",
                        &self.round(
                            &self.try_cast_to(&self.found(&text, FINITE), self.types.decimal),
                            &Sql::integer(0),
                        ),
                    ),
                    ("above", &self.cast_to(&Sql::code(above), self.types.decimal)),
                    ("below", &self.cast_to(&Sql::code(below), self.types.decimal)),
                    ("type", &Sql::code(name)),
                ],
            )
        };
        match to {
            CastType::Boolean => Sql::fill(
                "CASE lower(trim({t})) WHEN 'true' THEN TRUE WHEN 't' THEN TRUE WHEN 'yes' THEN TRUE WHEN 'y' THEN TRUE \
                 WHEN '1' THEN TRUE WHEN 'false' THEN FALSE WHEN 'f' THEN FALSE WHEN 'no' THEN FALSE WHEN 'n' THEN FALSE \
                 WHEN '0' THEN FALSE END",
                &[("t", &text)],
            ),
            CastType::SmallInteger => whole("'32768'", "'-32769'"),
            CastType::Integer => whole("'2147483648'", "'-2147483649'"),
            CastType::BigInteger => whole("'9223372036854775808'", "'-9223372036854775809'"),
            CastType::Real | CastType::Double => {
                let trimmed = Sql::fill("trim({t})", &[("t", &self.found(&text, NUMBER))]);
                self.try_cast_to(&trimmed, name)
            }
            CastType::Date => {
                let date = self.found(&self.found(&text, TIME), DATE);
                Sql::fill(self.try_date, &[("e", &date)])
            }
            CastType::Timestamp => {
                let trimmed = Sql::fill("trim({t})", &[("t", &self.found(&text, TIME))]);
                self.try_cast_to(&trimmed, name)
            }
            CastType::Text => text,
        }
    }

    fn type_name(&self, to: CastType) -> &'static str {
        match to {
            CastType::Boolean => self.types.boolean,
            CastType::SmallInteger => self.types.small,
            CastType::Integer => self.types.integer,
            CastType::BigInteger => self.types.big,
            CastType::Real => self.types.real,
            CastType::Double => self.types.double,
            CastType::Date => self.types.date,
            CastType::Timestamp => self.types.timestamp,
            CastType::Text => self.types.text,
        }
    }
}

impl Expressions for Words {
    fn divided(&self, operand: &Sql) -> Sql {
        // Whole numbers would be divided without a fraction in some engines.
        self.double(operand)
    }

    fn reduced(&self, operand: &Sql) -> Sql {
        Sql::fill(self.reduced, &[("e", operand)])
    }

    fn modulo(&self, dividend: &Sql, divisor: &Sql) -> Option<Sql> {
        (!self.remainder.contains('%')).then(|| self.remainder(dividend, divisor))
    }

    fn cast(&self, value: &Sql, to: CastType, lenient: bool) -> Sql {
        if lenient { self.lenient(value, to) } else { self.cast_to(value, self.type_name(to)) }
    }

    fn call(&self, function: &str, arguments: &[Sql]) -> Call {
        let filled = |template, pieces: &[(&str, &Sql)]| Call::As(Sql::fill(template, pieces));
        let whole = |number: &Sql| number.as_str().parse::<u32>().ok();
        let left_out = |number: &Sql| number.as_str().strip_prefix('-')?.parse::<u32>().ok();
        let [greatest, least] = self.extremes;
        let list = || Sql::join(arguments.iter().cloned(), ", ");
        match (function, arguments) {
            ("contains", [text, part]) => filled("({at} > 0)", &[("at", &self.position(text, part))]),
            ("strpos", [text, part]) => Call::As(self.position(text, part)),
            ("starts_with", [text, part]) => filled("({at} = 1)", &[("at", &self.position(text, part))]),
            // The end of a text is the beginning of its reverse.
            ("ends_with", [text, part]) => {
                let reversed = |text| Sql::fill("reverse({t})", &[("t", text)]);
                filled("({at} = 1)", &[("at", &self.position(&reversed(text), &reversed(part)))])
            }
            ("regexp_matches", [text, pattern]) => filled(self.matches, &[("t", text), ("p", pattern)]),
            ("left", [text, length]) if whole(length).is_some() => {
                filled("substr({t}, 1, {n})", &[("t", text), ("n", length)])
            }
            ("right", [text, length]) if whole(length).is_some() => {
                let reversed = Sql::fill("reverse({t})", &[("t", text)]);
                filled("reverse(substr({t}, 1, {n}))", &[("t", &reversed), ("n", length)])
            }
            // All but so many characters.
            ("left", [text, length]) if left_out(length).is_some_and(|n| n < 1_000) => {
                let end = format!(".{{0,{}}}$", left_out(length).unwrap_or_default());
                Call::As(self.of_text(self.without, text, &end))
            }
            ("right", [text, length]) if left_out(length).is_some() => {
                let from = i64::from(left_out(length).unwrap_or_default()) + 1;
                filled("substr({t}, {from})", &[("t", text), ("from", &Sql::integer(from))])
            }
            ("left" | "right", _) => {
                Call::Refused("takes a whole number as its second argument on this engine")
            }
            ("substr", [text, from]) if whole(from).is_some_and(|from| from > 0) => {
                filled("substr({t}, {from})", &[("t", text), ("from", from)])
            }
            ("substr", [text, from, length])
                if whole(from).is_some_and(|from| from > 0) && whole(length).is_some() =>
            {
                filled("substr({t}, {from}, {n})", &[("t", text), ("from", from), ("n", length)])
            }
            ("substr", _) => Call::Refused(
                "takes a whole number above 0 as its second argument, and one as its third, on this engine",
            ),
            ("round", [number]) => Call::As(self.round(number, &Sql::integer(0))),
            ("round", [number, places]) => Call::As(self.round(number, places)),
            ("greatest", [_, ..]) => filled(greatest, &[("list", &list())]),
            ("least", [_, ..]) => filled(least, &[("list", &list())]),
            // Nulls are passed over; elsewhere one makes the whole null.
            ("concat", [_, ..]) => {
                let text =
                    |part| Sql::fill("coalesce({t}, '')", &[("t", &self.cast_to(part, self.types.text))]);
                filled("({all})", &[("all", &Sql::join(arguments.iter().map(text), " || "))])
            }
            ("trim" | "ltrim" | "rtrim", [_, _, ..]) => {
                Call::Refused("takes one argument on this engine: it removes spaces")
            }
            ("contains" | "strpos" | "starts_with" | "ends_with" | "regexp_matches" | "round", _) => {
                Call::Refused("does not have so many arguments on this engine")
            }
            _ => Call::Same,
        }
    }

    fn no_escape(&self) -> Option<Sql> {
        None
    }

    fn like_pattern(&self, pattern: &Sql) -> Sql {
        if !self.like_escapes {
            return pattern.clone();
        }
        let (one, two) = (self.text("\\"), self.text("\\\\"));
        Sql::fill("replace({p}, {one}, {two})", &[("p", pattern), ("one", &one), ("two", &two)])
    }

    fn has_ilike(&self) -> bool {
        self.ilike
    }
}

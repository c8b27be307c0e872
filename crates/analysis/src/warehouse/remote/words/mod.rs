//! A dialect as a table of templates: what the engines behind [`super::Remote`] have in common is written once, here.
//!
//! Regular expressions hold no backslash and no group that must be remembered, so that every engine reads them alike.

mod dialect;
mod expressions;

use crate::warehouse::{Dialect, Sql};

/// A text that is a date or a time in ISO 8601, perhaps with an offset.
const TIME: &str = "^ *[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?( *(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)? *$";

/// How texts are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    /// A backslash is itself.
    Plain,
    /// A backslash escapes, and two quotes are one.
    Backslash,
    /// A backslash escapes quotes too; this is a quote.
    Escaped(&'static str),
}

/// How rows that are written out become a common table expression.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows {
    /// `VALUES` in `FROM`.
    Values,
    /// A SELECT for each.
    Union,
    /// An array of structures.
    Structures,
}

/// The names of types.
#[derive(Debug)]
pub(super) struct Types {
    pub boolean: &'static str,
    pub small: &'static str,
    pub integer: &'static str,
    pub big: &'static str,
    pub real: &'static str,
    pub double: &'static str,
    pub date: &'static str,
    pub timestamp: &'static str,
    pub text: &'static str,
    /// Whole numbers of 38 digits or more, whose sums are exact or an error.
    pub whole: &'static str,
    /// Decimals with nine digits after the point.
    pub decimal: &'static str,
}

/// Instants in microseconds since 1970, of `{e}`.
#[derive(Debug)]
pub(super) struct Microseconds {
    /// A date and a time without a zone, taken as UTC.
    pub timestamp: &'static str,
    pub instant: &'static str,
    pub date: &'static str,
    /// A text that looks like a time; null where it is none, such as 30 February.
    pub text: &'static str,
}

/// A dialect in templates. `{e}` is an expression, `{t}` a text, `{p}` a part of it or a regular expression.
#[derive(Debug)]
pub(super) struct Words {
    /// What stands around a name.
    pub quote: char,
    /// Whether a backslash in a name escapes.
    pub names_escape: bool,
    /// Whether a table's name in lower case means the one in upper case.
    pub folds_up: bool,
    pub text: Text,
    pub rows: Rows,
    pub types: Types,
    pub microseconds: Microseconds,
    /// Where `{p}` begins in `{t}`, from 1; 0 where it does not.
    pub position: &'static str,
    /// Whether `{t}` has a part that the regular expression `{p}` matches.
    pub matches: &'static str,
    /// The part of `{t}` that the regular expression `{p}` matches; null or empty where none does.
    pub found: &'static str,
    /// Whether groups of a regular expression are written so that they are not remembered.
    pub unremembered: bool,
    /// `{t}` without what the regular expression `{p}` matches.
    pub without: &'static str,
    /// A hash of `{columns}`; or of `{e}` and the hash `{seed}` of the columns before it.
    pub fingerprint: &'static str,
    /// A double without its fraction.
    pub truncated: &'static str,
    /// The remainder of `{a}` by `{b}`.
    pub remainder: &'static str,
    /// A number as one that has a remainder.
    pub reduced: &'static str,
    /// The least value of `{e}` that at least the share `{q}` of them does not exceed.
    pub quantile: &'static str,
    /// `{e}` as a type, null where it cannot be converted.
    pub try_cast: &'static str,
    /// The date that the text `{e}` is; null where there is no such day.
    pub try_date: &'static str,
    /// A number rounded half away from zero, to `{places}` digits.
    pub rounded: &'static str,
    /// The greatest and the least of `{list}`, nulls passed over.
    pub extremes: [&'static str; 2],
    /// Whether a backslash in a pattern of `LIKE` escapes.
    pub like_escapes: bool,
    /// Whether there is `ILIKE`.
    pub ilike: bool,
}

impl Words {
    fn pattern(&self, pattern: &str) -> Sql {
        if self.unremembered { self.text(&pattern.replace('(', "(?:")) } else { self.text(pattern) }
    }

    fn of_text(&self, template: &'static str, text: &Sql, pattern: &str) -> Sql {
        Sql::fill(template, &[("t", text), ("p", &self.pattern(pattern))])
    }

    fn found(&self, text: &Sql, pattern: &str) -> Sql {
        Sql::fill("NULLIF({found}, '')", &[("found", &self.of_text(self.found, text, pattern))])
    }

    fn position(&self, text: &Sql, part: &Sql) -> Sql {
        Sql::fill(self.position, &[("t", text), ("p", part)])
    }

    fn truncated(&self, number: &Sql) -> Sql {
        Sql::fill(self.truncated, &[("e", number)])
    }

    fn cast_to(&self, value: &Sql, name: &'static str) -> Sql {
        Sql::fill("CAST({e} AS {type})", &[("e", value), ("type", &Sql::code(name))])
    }

    fn try_cast_to(&self, value: &Sql, name: &'static str) -> Sql {
        Sql::fill(self.try_cast, &[("e", value), ("type", &Sql::code(name))])
    }

    fn round(&self, number: &Sql, places: &Sql) -> Sql {
        Sql::fill(self.rounded, &[("n", number), ("places", places)])
    }
}

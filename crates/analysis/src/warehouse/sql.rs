//! SQL that cannot hold text from outside unescaped.

use std::fmt;

/// A piece of SQL.
///
/// It is made of text that stands in this program's source, of numbers, and of what a
/// [`super::Dialect`] quotes or [`super::expression`] parses; never of other text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sql(String);

impl Sql {
    /// SQL that stands in this program's source.
    pub fn code(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// SQL that this module's neighbours have quoted, escaped or printed from a syntax tree.
    pub(super) fn vouched(text: String) -> Self {
        Self(text)
    }

    /// A name of this program's own, such as `y3`.
    pub fn name(prefix: &'static str, number: usize) -> Self {
        Self(format!("{prefix}{number}"))
    }

    /// A whole number.
    pub fn integer(value: i64) -> Self {
        // In parentheses, so that a minus sign never meets another one and starts a comment.
        Self(if value < 0 { format!("({value})") } else { value.to_string() })
    }

    /// A finite number with an exponent, of whatever type an engine takes that for; anything else is null.
    pub(super) fn number(value: f64) -> Self {
        if value.is_finite() { Self(format!("{value:e}")) } else { Self::code("NULL") }
    }

    /// A common table expression of rows that are written out, in standard SQL.
    pub(super) fn values(name: &'static str, columns: &[&'static str], rows: &[Vec<Self>]) -> Self {
        let rows: Vec<String> =
            rows.iter().map(|row| format!("({})", Self::join(row.iter().cloned(), ", "))).collect();
        Self(format!("{name}({}) AS (VALUES {})", columns.join(", "), rows.join(", ")))
    }

    /// Puts pieces into the places `{name}` of a text that stands in this program's source.
    ///
    /// What is put in is not searched again. A place without a piece stays, and no engine accepts it.
    pub fn fill(template: &'static str, pieces: &[(&str, &Sql)]) -> Self {
        let mut filled = String::with_capacity(template.len() * 2);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let named = after.split_once('}').and_then(|(name, tail)| {
                let (_, piece) = pieces.iter().find(|(known, _)| *known == name)?;
                Some((piece, tail))
            });
            match named {
                Some((piece, tail)) => {
                    filled.push_str(&piece.0);
                    rest = tail;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Self(filled)
    }

    /// Puts a text that stands in this program's source between pieces.
    pub fn join(pieces: impl IntoIterator<Item = Sql>, between: &'static str) -> Self {
        let pieces: Vec<String> = pieces.into_iter().map(|piece| piece.0).collect();
        Self(pieces.join(between))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a text in quotes, those in it doubled.
pub(super) fn quoted(text: &str, quote: char) -> Sql {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        if c == quote {
            quoted.push(quote);
        }
        quoted.push(c);
    }
    quoted.push(quote);
    Sql(quoted)
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_searched_again() {
        let sly = Sql::vouched("'{b}'".into());
        let filled = Sql::fill("SELECT {a}, {b}, {a} {", &[("a", &sly), ("b", &Sql::integer(-1))]);
        assert_eq!(filled.as_str(), "SELECT '{b}', (-1), '{b}' {");
    }

    #[test]
    fn rows_are_written_out_with_the_names_of_their_columns() {
        let rows = [vec![Sql::integer(0), Sql::code("'a'")], vec![Sql::integer(-1), Sql::code("'b'")]];
        let table = Sql::values("known", &["n", "v"], &rows);
        assert_eq!(table.as_str(), "known(n, v) AS (VALUES (0, 'a'), ((-1), 'b'))");
    }
}

//! One SQL expression of a book: checked against what is allowed, and written out again.

use trialbook_gate::{Part, expression as read};

use super::statement::is_one_statement;
use super::translation::{Translation, mark};
use super::{Column, Dialect, Sql};

pub use trialbook_gate::ExpressionError;

/// Reads one expression over a relation's columns and prints it in a dialect.
///
/// Names are the columns, in any case, and nothing else; texts and names are quoted anew, and what engines write differently is written as this one does. What is refused, and why, is
/// documented at [`trialbook_gate::expression`].
pub fn expression(text: &str, columns: &[Column], dialect: &dyn Dialect) -> Result<Sql, ExpressionError> {
    let mut pieces: Vec<Sql> = Vec::new();
    // Every text and name becomes a mark that stands for a quoted piece, for the tree's own printing does not escape all of
    // them (sqlparser 0.63 leaves a quote after a backslash alone; read 2026-11. Test: `a_text_cannot_end_its_quotes`).
    let expr = read(text, &mut |part| {
        pieces.push(match part {
            Part::Column(name) => dialect.identifier(column(name, columns)?),
            Part::Text(text) => dialect.text(text),
        });
        Ok(mark(pieces.len() - 1))
    })?;
    let printed = Translation { text, dialect, pieces }.printed(expr)?;
    let printed = Sql::fill("({e})", &[("e", &printed)]);
    if is_one_statement(printed.as_str()) {
        Ok(printed)
    } else {
        let message = "the expression would print as a comment or a second statement".to_owned();
        Err(ExpressionError { message, range: 0..text.len() })
    }
}

fn column<'a>(name: &str, columns: &'a [Column]) -> Result<&'a str, String> {
    let exact = columns.iter().find(|column| column.name == name);
    let folded = || columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    exact.or_else(folded).map(|column| column.name.as_str()).ok_or_else(|| {
        let known: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
        format!("there is no column `{name}` in the source; it has {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnType, DuckDbDialect};
    use super::*;

    fn read(text: &str) -> Result<String, ExpressionError> {
        let columns = ["status", "Total EUR", "load_ms", "viewed_at"]
            .map(|name| Column { name: name.into(), kind: ColumnType::Text });
        expression(text, &columns, &DuckDbDialect).map(|sql| sql.to_string())
    }

    #[test]
    fn columns_are_quoted_and_texts_escaped() {
        for (text, printed) in [
            ("status = 'paid'", r#"("status" = 'paid')"#),
            ("STATUS in ('a', 'it''s')", r#"("status" IN ('a', 'it''s'))"#),
            (r#""Total EUR" >= 1.5 or load_ms is null"#, r#"("Total EUR" >= 1.5 OR "load_ms" IS NULL)"#),
            ("not (load_ms between 1 and 2)", r#"(NOT ("load_ms" BETWEEN 1 AND 2))"#),
            ("lower(status) like 'p%'", r#"(lower("status") LIKE 'p%')"#),
            ("viewed_at >= DATE '2026-11-25'", r#"("viewed_at" >= DATE '2026-11-25')"#),
            ("CAST(load_ms AS BIGINT) % 2 = 0 -- even", r#"(CAST("load_ms" AS BIGINT) % 2 = 0)"#),
            (
                "case when status = 'x' then true else false end",
                r#"(CASE WHEN "status" = 'x' THEN true ELSE false END)"#,
            ),
        ] {
            assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn a_division_by_zero_is_null_and_reads_as_itself_again() {
        for (text, printed) in [
            ("load_ms / status > 1", r#"("load_ms" / nullif("status", 0) > 1)"#),
            ("load_ms / 10 > 1", r#"("load_ms" / 10 > 1)"#),
            ("load_ms % 0 = 1", r#"("load_ms" % nullif(0, 0) = 1)"#),
            ("load_ms / (status / 2) = 1", r#"("load_ms" / nullif(("status" / 2), 0) = 1)"#),
            ("load_ms / NULLIF(status, 0) = 1", r#"("load_ms" / NULLIF("status", 0) = 1)"#),
        ] {
            assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
            assert_eq!(read(printed), Ok(format!("({printed})")), "{text}");
        }
    }

    #[test]
    fn casts_are_to_the_engines_types_and_read_as_themselves_again() {
        for (text, printed) in [
            ("status::double > 1", r#"(CAST("status" AS DOUBLE) > 1)"#),
            ("TRY_CAST(status AS text) = ''", r#"(TRY_CAST("status" AS VARCHAR) = '')"#),
            ("CAST(CAST(status AS INT) AS REAL) > 1", r#"(CAST(CAST("status" AS INTEGER) AS FLOAT) > 1)"#),
        ] {
            assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
            assert_eq!(read(printed), Ok(format!("({printed})")), "{text}");
        }
    }

    #[test]
    fn a_sign_under_a_sign_begins_no_comment() {
        assert_eq!(read("load_ms > - -1").as_deref(), Ok(r#"("load_ms" > -(-1))"#));
        assert_eq!(read("load_ms > - - -load_ms").as_deref(), Ok(r#"("load_ms" > -(-(-"load_ms")))"#));
        let injected =
            read("load_ms > - -'\n-1) AS w1, (SELECT 1) AS m1 --'").expect("a harmless expression");
        assert!(injected.contains("-(-'"), "{injected}");
        assert!(is_one_statement(&injected), "{injected}");
    }

    #[test]
    fn a_text_cannot_end_its_quotes() {
        for (text, printed) in [
            (r"status = 'a\'' OR 1=1 --'", r#"("status" = 'a\'' OR 1=1 --')"#),
            ("status = 'a'''''", r#"("status" = 'a''''')"#),
            ("status = '\u{2019}; {0}'", "(\"status\" = '\u{2019}; {0}')"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_harmless_expression_is_refused_at_its_place() {
        for (text, at, why) in [
            ("status = 'paid'; DROP TABLE x", "; DROP TABLE x", "expected the end"),
            ("status = ", "", "expected an expression"),
            ("status = 'open", "'open", "Unterminated"),
            ("stauts = 1", "stauts", "no column `stauts`"),
            ("load_ms > (SELECT 1)", "SELECT 1)", "subquery"),
            ("status IN (SELECT 1)", "", "subquery"),
            ("read_text('/etc/passwd') = ''", "read_text", "the function `read_text`"),
            ("sum(load_ms) > 1", "sum", "the function `sum`"),
            ("other.status = 1", "other", "without a table"),
            ("status = $1", "$1", "not a plain number"),
            ("status = E'a'", "", ""),
            ("lower(status) OVER () = 'a'", "lower", "plain expressions"),
            ("status COLLATE nocase = 'a'", "", ""),
            ("status ~ 'a'", "status", "operator"),
            ("CAST(status AS STRUCT(a INT)) = 1", "", ""),
            ("", "", "expected an expression"),
        ] {
            let error = read(text).expect_err(text);
            let marked = text.get(error.range.start..).expect("a place in the text");
            assert!(marked.starts_with(at), "{text}: marks `{marked}`: {error}");
            assert!(error.range.end <= text.len(), "{text}: {error:?}");
            assert!(error.message.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn long_and_deep_expressions_are_refused_not_overflowed() {
        assert!(read(&format!("status = '{}'", "a".repeat(5_000))).is_err());
        let (chain, nested) = ("status OR ".repeat(390) + "status", "(".repeat(1_900));
        assert!(read(&chain).expect_err("deep").message.contains("deeply"));
        assert!(read(&nested).expect_err("deep").message.contains("deeply"));
    }

    #[test]
    fn a_place_counts_characters_and_lines() {
        let text = "status = 'ö'\n  AND stauts";
        let error = read(text).expect_err("no such column");
        assert_eq!(text.get(error.range), Some("stauts"));
    }

    #[test]
    fn texts_cannot_grow_without_bound() {
        let nested =
            |n: usize| (0..n).fold("status".to_owned(), |e, _| format!("replace({e}, 'a', 'aaaaaaaaaa')"));
        assert!(read(&format!("{} = 'a'", nested(3))).is_ok());
        for grown in [
            format!("{} = 'a'", nested(4)),
            format!("length({}) > 1", nested(20)),
            format!("CASE WHEN true THEN {} END = 'a'", nested(9)),
            format!("status IN ('a', {})", nested(9)),
            format!("status LIKE {}", nested(9)),
            format!("status BETWEEN 'a' AND {}", nested(9)),
            format!("upper({}) = 'a'", nested(9)),
            format!("{} IS NULL", nested(9)),
            format!("CASE WHEN {} = 'a' THEN true END", nested(9)),
            "replace(status, 'a', status) = 'a'".to_owned(),
            "replace('a', status, concat(status, status)) = 'a'".to_owned(),
        ] {
            assert!(read(&grown).is_err(), "{grown}");
        }
    }
}

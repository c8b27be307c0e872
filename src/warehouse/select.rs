//! One SELECT of a book (`sql:` in a source): parsed, and printed anew.

use sqlparser::ast::{Query, SetExpr, Statement};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Sql;

/// The longest SELECT, in bytes.
const LONGEST: usize = 20_000;

/// Why a text is not one SELECT that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Not SQL.
    #[error("{0}")]
    Syntax(String),
    /// Several statements, or none.
    #[error("expected one SELECT, found {0} statements")]
    Statements(usize),
    /// A statement that does something.
    #[error("expected a SELECT, found `{0}`")]
    NotASelect(String),
    /// A literal that cannot be printed faithfully.
    #[error(
        "{0} is not supported here: write texts in single quotes, without quotes and backslashes in them"
    )]
    Literal(String),
    /// Too long to be read with confidence.
    #[error("the SELECT is longer than {LONGEST} bytes")]
    TooLong,
}

/// Reads a text as exactly one SELECT (with CTEs, joins and unions as it likes), and returns it in
/// parentheses, printed from its syntax tree. Comments are gone.
pub fn select(text: &str) -> Result<Sql, SelectError> {
    if text.len() > LONGEST {
        return Err(SelectError::TooLong);
    }
    let dialect = DuckDbDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize();
    tokens.map_err(|error| SelectError::Syntax(error.to_string()))?.iter().try_for_each(faithful)?;
    let statements =
        Parser::parse_sql(&dialect, text).map_err(|error| SelectError::Syntax(error.to_string()))?;
    match statements.as_slice() {
        [Statement::Query(query)] if reads_only(query) => Ok(Sql::vouched(format!("({query})"))),
        [other] => Err(SelectError::NotASelect(
            other.to_string().split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        )),
        several => Err(SelectError::Statements(several.len())),
    }
}

/// Refuses the literals that sqlparser prints otherwise than it reads them, or that engines read differently.
fn faithful(token: &Token) -> Result<(), SelectError> {
    let odd = match token {
        Token::Word(word) => word.quote_style.is_some() && word.value.contains(['"', '`', '\\']),
        Token::SingleQuotedString(text) => text.contains(['\'', '\\', '\0']),
        Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::HexStringLiteral(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_) => true,
        _ => false,
    };
    if odd { Err(SelectError::Literal(format!("`{token}`"))) } else { Ok(()) }
}

fn reads_only(query: &Query) -> bool {
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
    query.locks.is_empty()
        && query.pipe_operators.is_empty()
        && query.for_clause.is_none()
        && ctes.into_iter().all(|cte| reads_only(&cte.query))
        && set_reads_only(&query.body)
}

fn set_reads_only(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => reads_only(query),
        SetExpr::SetOperation { left, right, .. } => set_reads_only(left) && set_reads_only(right),
        SetExpr::Values(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_select_is_printed_from_its_tree() {
        let sql = select("-- exposures\nselect unit, 'a.b' as served from t where x = 1 -- ) ; drop")
            .expect("a SELECT");
        assert_eq!(sql.as_str(), "(SELECT unit, 'a.b' AS served FROM t WHERE x = 1)");
        for text in [
            "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2;",
            "SELECT * FROM read_csv('data/a.csv', header = true)",
        ] {
            assert!(select(text).is_ok(), "{text}: {:?}", select(text));
        }
    }

    #[test]
    fn what_is_not_one_select_is_refused() {
        for text in [
            "",
            "SELECT 1; SELECT 2",
            "DROP TABLE t",
            "COPY (SELECT 1) TO 'x.csv'",
            "ATTACH 'x.duckdb'",
            "SELECT 1 INTO t",
            "WITH a AS (INSERT INTO t VALUES (1) RETURNING x) SELECT * FROM a",
            "INSERT INTO t SELECT 1",
            "SELECT",
            "SELECT 'a",
            r"SELECT 'a\'' OR 1=1 --'",
            "SELECT $$a$$",
            "SELECT * FROM t FOR UPDATE",
            "PRAGMA database_list",
        ] {
            assert!(select(text).is_err(), "{text}: {:?}", select(text));
        }
    }
}

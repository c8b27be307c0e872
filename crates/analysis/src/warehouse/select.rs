//! One SELECT of a book (`sql:` in a source): parsed, and written out again.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, Expr, FunctionArg, FunctionArgExpr, ObjectNamePart, Statement, TableFactor, Value, VisitMut,
    VisitorMut,
};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use trialbook_gate::{self as gate, Refusal, apart, is_faithful, is_file_reader};

use super::statement::is_one_statement;
use super::{Sql, WarehouseError};

/// The longest SELECT, in bytes.
const LONGEST: usize = 20_000;

/// Why a text is not one SELECT that can be used.
#[derive(Debug, thiserror::Error)]
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
    /// It names or calls what a book may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A literal that cannot be printed faithfully.
    #[error(
        "{0} is not supported here: write texts in single quotes, without quotes and backslashes in them"
    )]
    Literal(String),
    /// A file that it reads.
    #[error("the file `{pattern}` cannot be read")]
    File {
        /// As the SELECT names it.
        pattern: String,
        /// Why.
        #[source]
        cause: Box<WarehouseError>,
    },
    /// Too long to be read with confidence.
    #[error("the SELECT is longer than {LONGEST} bytes")]
    TooLong,
}

/// Reads a text as exactly one SELECT (with CTEs, joins and unions as it likes), and returns it in
/// parentheses, printed from its syntax tree. Comments are gone.
///
/// Files that it reads with `read_csv` or `read_parquet` are resolved by `files`, which returns absolute paths.
pub fn select(
    text: &str,
    files: &mut dyn FnMut(&str) -> Result<Vec<String>, WarehouseError>,
) -> Result<Sql, SelectError> {
    if text.len() > LONGEST {
        return Err(SelectError::TooLong);
    }
    let dialect = DuckDbDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize();
    tokens.map_err(|error| SelectError::Syntax(error.to_string()))?.iter().try_for_each(faithful)?;
    let mut statements =
        Parser::parse_sql(&dialect, text).map_err(|error| SelectError::Syntax(error.to_string()))?;
    match statements.as_mut_slice() {
        [Statement::Query(query)] => {
            gate::check(query)?;
            if let ControlFlow::Break(error) = query.visit(&mut Files { resolve: files }) {
                return Err(error);
            }
            let printed = query.to_string();
            reads_as_printed(&printed)?;
            Ok(Sql::vouched(format!("({printed})")))
        }
        [other] => {
            let words = other.to_string();
            Err(SelectError::NotASelect(words.split_whitespace().take(3).collect::<Vec<_>>().join(" ")))
        }
        several => Err(SelectError::Statements(several.len())),
    }
}

/// Holds what was printed against the same rules as what was read, and tells whether it would print as itself again. The
/// engine reads the printed text, so nothing that printing could have changed may get past the gate.
fn reads_as_printed(printed: &str) -> Result<(), SelectError> {
    let changed = || SelectError::Syntax("it would not reach the engine as it was read".into());
    if !is_one_statement(printed) {
        return Err(changed());
    }
    let again = Parser::parse_sql(&DuckDbDialect {}, printed).map_err(|_| changed())?;
    let [Statement::Query(query)] = again.as_slice() else { return Err(changed()) };
    gate::check_resolved(query)?;
    if query.to_string() == printed { Ok(()) } else { Err(changed()) }
}

/// Puts absolute paths in the place of those that a SELECT names, which are relative to the book.
struct Files<'a> {
    resolve: &'a mut dyn FnMut(&str) -> Result<Vec<String>, WarehouseError>,
}

impl VisitorMut for Files<'_> {
    type Break = SelectError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SelectError> {
        if let Expr::UnaryOp { expr: operand, .. } = expr {
            apart(operand);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<SelectError> {
        let (name, args) = match table {
            TableFactor::Table { name, args: Some(args), .. } => (&*name, &mut args.args),
            TableFactor::Function { name, args, .. } => (&*name, args),
            _ => return ControlFlow::Continue(()),
        };
        let reads = match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => is_file_reader(&ident.value.to_ascii_lowercase()),
            _ => false,
        };
        if !reads {
            return ControlFlow::Continue(());
        }
        // The gate let pass one text or one list of texts, and options, some of which are written `a = b`.
        let files = args.iter_mut().find_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr @ (Expr::Array(_) | Expr::Value(_)))) => {
                Some(expr)
            }
            _ => None,
        });
        let Some(first) = files else { return ControlFlow::Continue(()) };
        let named: Vec<String> = match &*first {
            Expr::Array(array) => array.elem.iter().filter_map(literal).collect(),
            one => Vec::from_iter(literal(one)),
        };
        let mut paths = Vec::new();
        for pattern in named {
            match (self.resolve)(&pattern) {
                Ok(found) => paths.extend(found),
                Err(cause) => {
                    return ControlFlow::Break(SelectError::File { pattern, cause: Box::new(cause) });
                }
            }
        }
        if let Some(odd) = paths.iter().find(|path| path.contains(['\'', '\\'])) {
            return ControlFlow::Break(SelectError::Literal(format!("`{odd}`")));
        }
        if !paths.is_empty() {
            let text = |path: String| Expr::Value(Value::SingleQuotedString(path).into());
            *first = Expr::Array(Array { elem: paths.into_iter().map(text).collect(), named: false });
        }
        ControlFlow::Continue(())
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Refuses the literals that sqlparser prints otherwise than it reads them, or that engines read differently.
fn faithful(token: &Token) -> Result<(), SelectError> {
    if is_faithful(token) { Ok(()) } else { Err(SelectError::Literal(format!("`{token}`"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sql, SelectError> {
        select(text, &mut |pattern| Ok(vec![format!("/book/{pattern}")]))
    }

    #[test]
    fn nothing_that_is_printed_otherwise_than_it_is_read_reaches_the_engine() {
        for wrong in [
            "SELECT *, CAST('a' AS bpchar('1)) AS €$$ FROM purchases); COPY (SELECT $b$x$b$ AS a) TO $b$w.duckdb$b$; \
             SELECT * FROM (SELECT ((SELECT 1 AS €$$')) AS x FROM purchases",
            "SELECT CAST('a' AS bpchar('1)) AS zz, ((SELECT length(version())')) AS x",
            "SELECT 1 AS €$$, $$ AS b",
            "SELECT a$$b FROM t",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let sql = read("SELECT * FROM \"read_csv\"('a.csv')").map(|sql| sql.as_str().to_owned());
        assert!(sql.is_err() || sql.is_ok_and(|sql| sql.contains("/book/a.csv")));
    }

    #[test]
    fn files_are_found_in_the_book() {
        for (text, printed) in [
            (
                "SELECT * FROM read_csv('a.csv', header = true) AS t",
                "read_csv(['/book/a.csv'], header = true)",
            ),
            (
                "SELECT x FROM (SELECT 1 AS x FROM READ_PARQUET(['a.parquet', 'b.parquet']))",
                "(['/book/a.parquet', '/book/b.parquet'])",
            ),
        ] {
            let sql = read(text).expect(text);
            assert!(sql.as_str().contains(printed), "{sql}");
        }
        let refused = select("SELECT * FROM read_csv('lost.csv')", &mut |_| {
            Err(WarehouseError::NoDatabase { path: String::new() })
        });
        assert!(matches!(refused, Err(SelectError::File { .. })));
    }

    #[test]
    fn one_select_is_printed_from_its_tree() {
        let sql = read("-- exposures\nselect unit, 'a.b' as served from t where x = 1 -- ) ; drop")
            .expect("a SELECT");
        assert_eq!(sql.as_str(), "(SELECT unit, 'a.b' AS served FROM t WHERE x = 1)");
        for text in [
            "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2;",
            "SELECT * FROM read_csv('data/a.csv', header = true)",
        ] {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
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
            "SELECT * FROM enable_profiling(save_location := 'x')",
            "SELECT * FROM enable_logging(storage_path := 'x')",
            "SELECT * FROM 'a.csv'",
            "SELECT getenv('HOME')",
            "PRAGMA database_list",
        ] {
            assert!(read(text).is_err(), "{text}: {:?}", read(text));
        }
    }
}

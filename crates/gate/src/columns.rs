//! The columns of a source, as far as its file declares them.

use sqlparser::ast::{Expr, SelectItem, SetExpr, Statement};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;

use crate::expression::Kind;

/// What is known of a source's columns without asking an engine. By default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    known: Vec<(String, Kind)>,
    /// Whether there are no others.
    complete: bool,
}

impl Columns {
    /// Returns the columns of a SELECT that names each of them; nothing is known of one with a `*` or of what is no SELECT.
    pub fn of_select(sql: &str) -> Self {
        let Ok(statements) = Parser::parse_sql(&DuckDbDialect {}, sql) else { return Self::default() };
        let [Statement::Query(query)] = statements.as_slice() else { return Self::default() };
        let mut body = &*query.body;
        let select = loop {
            match body {
                SetExpr::Select(select) => break select,
                SetExpr::SetOperation { left, .. } => body = left,
                SetExpr::Query(query) => body = &query.body,
                _ => return Self::default(),
            }
        };
        let known: Option<Vec<_>> = select.projection.iter().map(column).collect();
        known.map_or_else(Self::default, |known| Self { known, complete: true })
    }

    /// Adds that a column is there and what it holds, or tells what one that is there holds where that was not known.
    pub fn hold(&mut self, name: &str, kind: Kind) {
        match self.known.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, held)) if *held == Kind::Unknown => *held = kind,
            Some(_) => {}
            None => self.known.push((name.to_owned(), kind)),
        }
    }

    /// Returns what a column holds; `None` where it is not known to be there.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }

    /// Returns the names of all columns; `None` where there may be others.
    pub fn all(&self) -> Option<impl Iterator<Item = &str>> {
        self.complete.then(|| self.known.iter().map(|(name, _)| name.as_str()))
    }
}

/// Returns the name of what a SELECT gives, and its kind; `None` where the engine makes the name, or there are several.
fn column(item: &SelectItem) -> Option<(String, Kind)> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some((name.value.clone(), Kind::Unknown)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => {
            Some((names.last()?.value.clone(), Kind::Unknown))
        }
        SelectItem::ExprWithAlias { expr, alias } => {
            let kind = match expr {
                Expr::Cast { data_type, .. } => Kind::of_type(data_type),
                _ => Kind::Unknown,
            };
            Some((alias.value.clone(), kind))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_select_that_names_its_columns_has_no_others() {
        let columns = Columns::of_select(
            "WITH a AS (SELECT * FROM t) SELECT a.user_id, at AS \"When\", CAST(x AS DOUBLE) AS amount, y::text AS y \
             FROM a UNION ALL SELECT * FROM b",
        );
        let all: Vec<_> = columns.all().expect("all are named").collect();
        assert_eq!(all, ["user_id", "When", "amount", "y"]);
        assert_eq!(columns.kind("AMOUNT"), Some(Kind::Number));
        assert_eq!(columns.kind("y"), Some(Kind::Text));
        assert_eq!(columns.kind("when"), Some(Kind::Unknown));
        assert_eq!(columns.kind("status"), None);
    }

    #[test]
    fn a_star_a_made_name_or_no_select_leaves_the_columns_open() {
        for sql in
            ["SELECT * FROM t", "SELECT t.*, 1 AS x FROM t", "SELECT count(*) FROM t", "VALUES (1)", "SELECT"]
        {
            assert!(Columns::of_select(sql).all().is_none(), "{sql}");
        }
    }

    #[test]
    fn what_a_source_says_of_a_column_adds_to_its_select() {
        let mut columns = Columns::of_select("SELECT user_id, amount FROM t");
        columns.hold("Amount", Kind::Number);
        assert_eq!(columns.kind("amount"), Some(Kind::Number));
        let mut open = Columns::default();
        open.hold("amount", Kind::Number);
        assert!(open.all().is_none());
        assert_eq!(open.kind("amount"), Some(Kind::Number));
    }
}

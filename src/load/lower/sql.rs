//! SQL that a book holds: parsed, never run here.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, Statement, Visit, Visitor};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// The most tokens that SQL in a book may have: what bounds the depth of its tree.
const MAX_TOKENS: usize = 2000;

/// Tells why text is not one SQL expression without a query inside; `None` where it is.
pub(super) fn not_an_expression(text: &str) -> Option<String> {
    let mut parser = match bounded(text) {
        Ok(parser) => parser,
        Err(problem) => return Some(problem),
    };
    let expression = match parser.parse_expr() {
        Ok(expression) => expression,
        Err(error) => return Some(reason(&error)),
    };
    match parser.peek_token().token {
        Token::EOF => {}
        Token::SemiColon => return Some("a semicolon ends it: it must be one expression".into()),
        token => return Some(format!("it must be one expression, and `{token}` follows it")),
    }
    if expression.visit(&mut NoQuery).is_break() {
        return Some("a query inside it: an expression may use only the source's columns".into());
    }
    None
}

/// Tells why text is not one SELECT; `None` where it is.
pub(super) fn not_a_select(text: &str) -> Option<String> {
    let mut parser = match bounded(text) {
        Ok(parser) => parser,
        Err(problem) => return Some(problem),
    };
    match parser.peek_token().token {
        Token::Word(word) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH) => {}
        _ => return Some("it must begin with SELECT or WITH".into()),
    }
    let statements = match parser.parse_statements() {
        Ok(statements) => statements,
        Err(error) => return Some(reason(&error)),
    };
    match statements.as_slice() {
        [Statement::Query(query)] if query.visit(&mut OnlyReads).is_break() => {
            Some("it must only read".into())
        }
        [Statement::Query(_)] => None,
        [_] => Some("it must be a SELECT".into()),
        _ => Some("it must be one statement".into()),
    }
}

fn bounded(text: &str) -> Result<Parser<'static>, String> {
    static DIALECT: DuckDbDialect = DuckDbDialect {};
    // A token is at least a byte, so text this long is refused before it costs anything.
    if text.len() > 64 * MAX_TOKENS {
        return Err(format!("it is longer than {} bytes", 64 * MAX_TOKENS));
    }
    let tokens =
        Tokenizer::new(&DIALECT, text).tokenize_with_location().map_err(|error| error.to_string())?;
    let count = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if count > MAX_TOKENS {
        return Err(format!("it has more than {MAX_TOKENS} words and signs"));
    }
    Ok(Parser::new(&DIALECT).with_tokens_with_locations(tokens))
}

fn reason(error: &sqlparser::parser::ParserError) -> String {
    use sqlparser::parser::ParserError;
    match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "it is nested too deep".into(),
    }
}

/// Stops at any query.
struct NoQuery;

impl Visitor for NoQuery {
    type Break = ();
    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Stops at a statement inside a query, such as an INSERT in a common table expression.
struct OnlyReads;

impl Visitor for OnlyReads {
    type Break = ();
    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_expression_over_columns() {
        for good in [
            "status = 'paid'",
            "amount > 0 and country in ('SE', 'FI')",
            "ts::date >= date '2026-01-01'",
            "a like '%;%'",
        ] {
            assert_eq!(not_an_expression(good), None, "{good}");
        }
        for bad in [
            "",
            "status = 'paid'; drop table x",
            "a = 1 b",
            "exists (select 1)",
            "a in (select b from c)",
            "(select max(x) from y) > 1",
            "a = ",
            "1 --\n; select 2",
            "'open",
            "a = 1) or (1 = 1",
        ] {
            assert!(not_an_expression(bad).is_some(), "{bad}");
        }
        assert!(not_an_expression(&format!("a{}", "+a".repeat(5000))).is_some());
        assert_eq!(not_an_expression(&format!("a{}", "+a".repeat(999))), None);
        assert!(not_an_expression(&"(".repeat(1500)).is_some());
        assert!(not_an_expression(&"not ".repeat(1500)).is_some());
    }

    #[test]
    fn a_source_is_one_select() {
        for good in ["select * from t", "with a as (select 1 as x) select x from a", "select 1;"] {
            assert_eq!(not_a_select(good), None, "{good}");
        }
        for bad in
            ["", "drop table t", "select 1; select 2", "insert into t select 1", "copy t to 'x'", "(select 1"]
        {
            assert!(not_a_select(bad).is_some(), "{bad}");
        }
    }
}

//! SQL that a book holds: parsed, never run here.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, Statement, Visit, Visitor};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};
use trialbook_gate as gate;

use trialbook_model::span::{SourceFile, Span};

/// The most tokens that SQL in a book may have: what bounds the depth of its tree.
const MAX_TOKENS: usize = 2000;

/// Why SQL of a book cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The byte of the text where it shows; `None`: all of it is meant.
    at: Option<usize>,
}

impl Problem {
    fn whole(message: impl Into<String>) -> Option<Self> {
        Some(Self { message: message.into(), at: None })
    }

    /// Returns the word that is meant, where the text stands in the file as it is read; else all of it.
    pub fn span(&self, file: &SourceFile, whole: Span, text: &str) -> Span {
        let there = file.slice(whole);
        let lead = usize::from(there.len() == text.len() + 2);
        let Some(at) = self.at.filter(|_| there.get(lead..there.len() - lead) == Some(text)) else {
            return whole;
        };
        let start = text.floor_char_boundary(at.min(text.len()));
        let (before, after) = text.split_at(start);
        let word =
            after.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ';')).unwrap_or(after.len());
        let word = word.max(after.chars().next().map_or(0, char::len_utf8));
        if after.trim().is_empty() {
            // Something is missing: its last word shows after what.
            let before = before.trim_end();
            let last = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
            let span = Span::new(whole.start + lead + last, whole.start + lead + before.len().max(last));
            return if span.start == span.end { whole } else { span };
        }
        Span::new(whole.start + lead + start, whole.start + lead + start + word)
    }
}

/// Tells why text is not one SQL expression without a query inside; `None` where it is.
pub(super) fn not_an_expression(text: &str) -> Option<Problem> {
    let mut parser = match bounded(text) {
        Ok(parser) => parser,
        Err(problem) => return Some(problem),
    };
    let expression = match parser.parse_expr() {
        Ok(expression) => expression,
        Err(error) => return Some(reason(text, &error)),
    };
    let next = parser.peek_token();
    let at = Some(offset(text, next.span.start.line, next.span.start.column));
    match next.token {
        Token::EOF => {}
        Token::SemiColon => {
            return Some(Problem { message: "a semicolon ends it: it must be one expression".into(), at });
        }
        token => {
            return Some(Problem {
                message: format!("it must be one expression, and `{token}` follows it"),
                at,
            });
        }
    }
    if expression.visit(&mut NoQuery).is_break() {
        return Problem::whole("a query inside it: an expression may use only the source's columns");
    }
    None
}

/// Tells why text is not one SELECT; `None` where it is.
pub(super) fn not_a_select(text: &str) -> Option<Problem> {
    let mut parser = match bounded(text) {
        Ok(parser) => parser,
        Err(problem) => return Some(problem),
    };
    let tokens = Tokenizer::new(&DuckDbDialect {}, text).tokenize().unwrap_or_default();
    if let Some(odd) = tokens.iter().find(|token| !gate::is_faithful(token)) {
        return Problem::whole(format!(
            "`{odd}` is not read in the same way by every engine: write it without"
        ));
    }
    match parser.peek_token().token {
        Token::Word(word) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH) => {}
        _ => return Some(Problem { message: "it must begin with SELECT or WITH".into(), at: Some(0) }),
    }
    let statements = match parser.parse_statements() {
        Ok(statements) => statements,
        Err(error) => return Some(reason(text, &error)),
    };
    match statements.as_slice() {
        [Statement::Query(query)] => gate::check(query).err().map(|refusal| Problem {
            at: refusal.at.map(|(line, column)| offset(text, line, column)),
            message: refusal.message,
        }),
        [_] => Problem::whole("it must be a SELECT"),
        _ => Problem::whole("it must be one statement"),
    }
}

fn bounded(text: &str) -> Result<Parser<'static>, Problem> {
    static DIALECT: DuckDbDialect = DuckDbDialect {};
    let whole = |message: String| Problem { message, at: None };
    // A token is at least a byte, so text this long is refused before it costs anything.
    if text.len() > 64 * MAX_TOKENS {
        return Err(whole(format!("it is longer than {} bytes", 64 * MAX_TOKENS)));
    }
    let tokens = Tokenizer::new(&DIALECT, text).tokenize_with_location().map_err(|error| {
        problem_at(text, &error.message, Some((error.location.line, error.location.column)))
    })?;
    let count = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
    if count > MAX_TOKENS {
        return Err(whole(format!("it has more than {MAX_TOKENS} words and signs")));
    }
    Ok(Parser::new(&DIALECT).with_tokens_with_locations(tokens))
}

/// Takes the place from the end of the parser's message, which is where it keeps it.
fn reason(text: &str, error: &ParserError) -> Problem {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => "it is nested too deep",
    };
    let (message, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let place = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?)));
    problem_at(text, message, place)
}

/// Returns the parser's message in the words of this program.
fn problem_at(text: &str, message: &str, place: Option<(u64, u64)>) -> Problem {
    let at = place.map(|(line, column)| offset(text, line, column));
    let message = match message.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found: ")) {
        Some((expected, "EOF")) => {
            return Problem {
                message: format!("expected {}, found its end", sign(expected)),
                at: Some(text.len()),
            };
        }
        Some((expected, found)) => format!("expected {}, found `{found}`", sign(expected)),
        None => {
            let mut chars = message.chars();
            let first = chars.next().map(|c| c.to_ascii_lowercase());
            first.into_iter().chain(chars).collect()
        }
    };
    Problem { message, at }
}

/// Puts a sign into quotes, so that it is not read as the sentence's own.
fn sign(expected: &str) -> String {
    if expected.len() <= 2 { format!("`{expected}`") } else { expected.to_owned() }
}

/// Returns the byte offset of a line and column, both counted from 1, the column in characters.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let number = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    if line == 0 {
        return text.len();
    }
    let start: usize = text.split_inclusive('\n').take(number(line)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(number(column)).map_or(rest.len(), |(at, _)| at)
}

/// Stops at any query.
struct NoQuery;

impl Visitor for NoQuery {
    type Break = ();
    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
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
        for bad in [
            "select * from enable_profiling(save_location := 'x')",
            "select * from enable_logging(storage_path := 'x')",
            "select * from read_text('.git/config')",
            "select * from 'a.csv'",
            "select getenv('HOME')",
        ] {
            assert!(not_a_select(bad).is_some(), "{bad}");
        }
        for bad in
            ["", "drop table t", "select 1; select 2", "insert into t select 1", "copy t to 'x'", "(select 1"]
        {
            assert!(not_a_select(bad).is_some(), "{bad}");
        }
    }
}

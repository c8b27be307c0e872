//! The last look at SQL before an engine sees it.

use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

/// Tells whether a text is at most one statement and holds no comment.
///
/// What this program prints never has either. A text that does has smuggled them in: an engine would run the first
/// statements of several, and a comment hides what stands behind it.
pub(super) fn is_one_statement(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&DuckDbDialect {}, sql).tokenize() else { return false };
    !tokens.iter().any(|token| {
        matches!(
            token,
            Token::SemiColon
                | Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_further_statements_are_seen_outside_of_texts_alone() {
        for fine in ["SELECT 1", "SELECT '--; /*' AS \"a;b--\"", "SELECT 1 - -1"] {
            assert!(is_one_statement(fine), "{fine}");
        }
        for wrong in ["SELECT 1; SELECT 2", "SELECT 1;", "SELECT --1", "SELECT /* 1 */ 2", "SELECT 'open"] {
            assert!(!is_one_statement(wrong), "{wrong}");
        }
    }
}

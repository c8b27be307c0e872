//! The words and signs that engines read as sqlparser does.

use sqlparser::tokenizer::Token;

/// Tells whether engines read a token as it is read here, and whether it is printed as it is read.
///
/// Everything that can begin a text another way than with one `'` is refused: DuckDB reads `€$$` as a name where sqlparser
/// reads a sign and the beginning of a text, and what one takes for a text the other would run.
pub fn is_faithful(token: &Token) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_some() => !word.value.contains(['"', '`', '\\', '\0']),
        Token::Word(word) => word.value.chars().all(|c| c.is_alphanumeric() || c == '_'),
        Token::SingleQuotedString(text) => !text.contains(['\'', '\\', '\0']),
        Token::Number(..) | Token::Whitespace(_) | Token::EOF => true,
        other => other.to_string().chars().all(|c| c.is_ascii_punctuation() && !"'\"`$\\".contains(c)),
    }
}

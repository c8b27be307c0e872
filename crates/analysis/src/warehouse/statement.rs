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
                // An engine may read these as parts of names, and run what looks like a text here.
                | Token::Char(_)
                | Token::DollarQuotedString(_)
                | Token::Placeholder(_)
                | Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_))
        )
    })
}

/// Functions that read or write what no source declares, of all engines. A lock of the configuration does not stop all of them:
/// DuckDB 1.5 lets a SELECT `FROM enable_logging(storage_path := …)` write files.
/// Test: `no_function_writes_files_or_reads_settings`.
const NEVER: &[&str] = &[
    "copy_database",
    "current_setting",
    "dblink",
    "dblink_exec",
    "disable_logging",
    "disable_profiling",
    "duckdb_logs",
    "duckdb_secrets",
    "duckdb_settings",
    "enable_logging",
    "enable_profile",
    "enable_profiling",
    "error",
    "export_database",
    "force_checkpoint",
    "checkpoint",
    "getenv",
    "getvariable",
    "glob",
    "import_database",
    "lo_export",
    "lo_import",
    "nextval",
    "pg_ls_dir",
    "pg_notify",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_reload_conf",
    "pg_sleep",
    "pg_stat_file",
    "pg_terminate_backend",
    "query",
    "query_table",
    "query_to_xml",
    "read_blob",
    "read_text",
    "set_config",
    "set_log_storage",
    "setval",
    "sniff_csv",
    "truncate_duckdb_logs",
    "write_log",
];

/// Returns a function in a text that is never called, wherever the text came from: the last look before an engine.
pub(super) fn forbidden_call(sql: &str) -> Option<&'static str> {
    let tokens = Tokenizer::new(&DuckDbDialect {}, sql).tokenize().ok()?;
    let mut tokens = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).peekable();
    while let Some(token) = tokens.next() {
        let Token::Word(word) = token else { continue };
        if tokens.peek() == Some(&&Token::LParen) {
            let name = word.value.to_ascii_lowercase();
            if let Some(known) = NEVER.iter().find(|known| **known == name) {
                return Some(known);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_further_statements_are_seen_outside_of_texts_alone() {
        for fine in ["SELECT 1", "SELECT '--; /*' AS \"a;b--\"", "SELECT 1 - -1"] {
            assert!(is_one_statement(fine), "{fine}");
        }
        for wrong in [
            "SELECT 1; SELECT 2",
            "SELECT 1;",
            "SELECT --1",
            "SELECT /* 1 */ 2",
            "SELECT 'open",
            "SELECT 1 AS €$$; $$",
        ] {
            assert!(!is_one_statement(wrong), "{wrong}");
        }
    }
}

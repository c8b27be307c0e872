//! Reads text as SQL of a book: as an expression and as a SELECT, by what prints it for an engine, and as a metric's condition and a
//! source by what lints it. What is printed must read as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trialbook_analysis::warehouse::{Column, ColumnType, DuckDbDialect, Sql, expression, select};
use trialbook_fuzz::{BOOK, FILES, file, hold};
use trialbook_language::load::load;

fuzz_target!(|text: &str| {
    let columns = ["status", "Total EUR", "load_ms", "a\"b", "c'd", "日本"]
        .map(|name| Column { name: name.into(), kind: ColumnType::Text });
    match expression(text, &columns, &DuckDbDialect) {
        Ok(printed) => {
            let again = expression(printed.as_str(), &columns, &DuckDbDialect);
            if let Ok(again) = again {
                // Each reading puts one pair of parentheses around it.
                assert_eq!(format!("({printed})"), again.as_str());
            } else {
                assert!(printed.as_str().len() > 3_000 || text.len() > 400, "{printed}: {again:?}");
            }
        }
        Err(error) => {
            assert!(!error.message.is_empty());
            assert!(text.get(error.range.clone()).is_some(), "{error:?}");
        }
    }
    let read = |text: &str| select(text, &mut |pattern| Ok(vec![format!("/book/{pattern}")]));
    if let Ok(printed) = read(text) {
        statement(&printed);
    }
    // JSON's texts are YAML's too.
    let quoted = serde_json::to_string(text).expect("a text");
    let mut files: Vec<_> = FILES.iter().map(|(path, text)| file(path, *text)).collect();
    files.push(file("trialbook.yaml", BOOK));
    let source = format!("sql: {quoted}\ntimestamp: at\nentities: {{user: id}}\nmeasures: {{x: {quoted}}}\n");
    files.push(file("fuzzed.source.yaml", source));
    let metric = "description: D.\nentity: user\ntype: mean\nsource: events\nmeasure: {sum: amount}\nwindow: 7d\n\
                  increase_is: good\nwhere: ";
    files.push(file("fuzzed.metric.yaml", format!("{metric}{quoted}\n")));
    let loaded = load(files);
    hold(&loaded, &loaded.findings);
});

/// A SELECT that is printed is one statement, and no text of it ends early.
fn statement(printed: &Sql) {
    let inner = printed.as_str().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    assert!(inner.is_some_and(|text| !text.trim().is_empty()), "{printed}");
    let mut open = None;
    for c in printed.as_str().chars() {
        match open {
            Some(quote) if c == quote => open = None,
            None if c == '\'' || c == '"' => open = Some(c),
            None => assert!(c != ';', "{printed}"),
            Some(_) => {}
        }
    }
    assert_eq!(open, None, "{printed}");
}

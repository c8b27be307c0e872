//! What queries cost, and their text.

use super::number::{NBSP, count, counted};
use trialbook_analysis::warehouse::Cost;

/// What a query without a name of its own looks at.
const STATE: &str = "the state of a source";

/// Returns what a query cost, in a line.
pub fn line(name: Option<&str>, cost: &Cost) -> String {
    let name = name.unwrap_or(STATE);
    let rows = cost.rows.map_or("refused".to_owned(), |rows| counted(rows, "row", "rows"));
    let time = u64::try_from(cost.took.as_millis()).unwrap_or(u64::MAX);
    format!("{name}: {rows} in {}{NBSP}ms", count(time))
}

/// Returns a query as a statement, below a comment that names what it is for.
pub fn query(name: Option<&str>, sql: &str) -> String {
    // A name is one line: the keys of sources are.
    format!("-- {}\n{sql};\n\n", name.unwrap_or(STATE))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_cost_is_a_line_and_a_query_a_statement() {
        let cost = Cost { sql: String::new(), rows: Some(1), took: Duration::from_millis(1234) };
        assert_eq!(
            line(Some("2 metrics from purchases"), &cost),
            "2 metrics from purchases: 1\u{a0}row in 1\u{202f}234\u{a0}ms"
        );
        assert_eq!(
            line(None, &Cost { rows: None, ..cost }),
            "the state of a source: refused in 1\u{202f}234\u{a0}ms"
        );
        assert_eq!(query(None, "SELECT 1"), "-- the state of a source\nSELECT 1;\n\n");
    }
}

//! A table that no database holds.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Relation, Source, Warehouse};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "table-without-database",
    Severity::Error,
    "crates/lint/src/check/rules/table_without_database.md",
    include_str!("table_without_database.md"),
    &[Each::Source(check)],
);

/// Without a warehouse nothing is read, and another engine has its tables where it is reached.
fn check(context: &Inspection<'_>, source: &Source, found: &mut Vec<Diagnostic>) {
    let Relation::Table(table) = &source.relation else { return };
    let Some(Warehouse::Duckdb { database: None, .. }) = context.book.warehouse else { return };
    let message = format!("source `{}` reads table `{table}`, and the warehouse has no database", source.key);
    let finding = RULE.finding(context, message, (Kind::Source, &source.key, "/table"));
    let finding =
        context.relate(finding, (Kind::Book, &context.book.name, "/warehouse"), "no `database:` here");
    found.push(finding.help(
        "name the DuckDB file that holds it (`warehouse: {engine: duckdb, database: data.duckdb}`), or read a file in \
         its place (`file: data/FILE.parquet`)",
    ));
}

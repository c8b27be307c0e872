//! A file that the warehouse cannot read.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Relation, Source};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "file-outside-warehouse",
    Severity::Error,
    "crates/lint/src/check/rules/file_outside_warehouse.md",
    include_str!("file_outside_warehouse.md"),
    &[Each::Source(check)],
);

fn check(context: &Inspection<'_>, source: &Source, found: &mut Vec<Diagnostic>) {
    let Relation::File(file) = &source.relation else { return };
    let Some(warehouse) = context.book.warehouse.as_ref().filter(|warehouse| !warehouse.reads_files()) else {
        return;
    };
    let engine = warehouse.engine();
    let message = format!("source `{}` reads the file `{file}`, and the warehouse is `{engine}`", source.key);
    let finding = RULE.finding(context, message, (Kind::Source, &source.key, "/file"));
    let place = (Kind::Book, &context.book.name as &dyn std::fmt::Display, "/warehouse/engine");
    let finding = context.relate(finding, place, "it reads tables of its server");
    found.push(finding.help(
        "load the file into a table and name that (`table: NAME`), or read files with `warehouse: {engine: duckdb}`",
    ));
}

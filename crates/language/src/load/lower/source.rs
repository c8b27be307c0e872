//! Sources, and which of them hold an entity's exposures.

use std::collections::BTreeMap;

use super::declarations::{Declarations, Index};
use super::sink::Sink;
use super::sql;
use crate::load::documents::Documents;
use crate::load::rules;
use crate::load::syntax::source::{Columns, SourceFile};
use crate::load::syntax::{Emptiness, List, Map};
use trialbook_gate::{Misplaced, misplaced, not_a_table};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{Assignment, ColumnName, Granularity, Kind, Relation, Source, SourceKey, SourceRole};

/// Tells whether a source records who was served what.
pub(super) fn holds_exposures(file: &SourceFile) -> bool {
    file.experiment.is_some() || file.variant.is_some() || file.served.is_some()
}

/// Lowers a source.
pub(super) fn lower(
    key: &str,
    file: &SourceFile,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Option<Source> {
    for (entity, _) in file.entities.iter().flat_map(|entities| &entities.value.0) {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
    }
    if let Some(entities) = &file.entities
        && entities.value.0.is_empty()
    {
        sink.error(
            rules::MISSING_KEY,
            entities.span,
            "a source needs the column of at least one entity",
            "write `user: user_id`",
        );
    }
    let relation = relation(file, sink);
    let role = role(file, sink);
    if let Some(name) = &file.timezone {
        super::book::named_timezone(name, sink);
    }
    let key_columns = key_columns(file, sink);
    Some(Source {
        key: SourceKey::new(key).ok()?,
        description: file.description.as_ref().map_or_else(String::new, |text| text.value.0.clone()),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        relation: relation?,
        timestamp: file.timestamp.as_ref()?.value.clone(),
        granularity: file.granularity.as_ref().map(|granularity| granularity.value).unwrap_or_default(),
        declares_instants: file.granularity.as_ref().is_some_and(|said| said.value == Granularity::Instant),
        timezone: file.timezone.as_ref().map(|name| name.value.0.clone()),
        identity: key_columns,
        complete: file.complete.as_ref().is_some_and(|complete| complete.value),
        entities: columns(file.entities.as_ref())?,
        role: role?,
    })
}

fn columns<K: Ord + Clone>(map: Option<&Spanned<Map<K, ColumnName>>>) -> Option<BTreeMap<K, ColumnName>> {
    let entries = map.into_iter().flat_map(|map| &map.value.0);
    entries.map(|(key, column)| Some((key.value.clone(), column.as_ref()?.value.clone()))).collect()
}

/// Returns the columns that identify a row.
fn key_columns(file: &SourceFile, sink: &mut Sink<'_>) -> Vec<ColumnName> {
    let Some(key) = &file.key else { return Vec::new() };
    if holds_exposures(file) {
        sink.error(
            rules::UNKNOWN_KEY,
            key.span,
            "`key` is for facts, and this source holds exposures",
            "leave it out: of exposures only a unit's first one counts, so copies do no harm",
        );
    }
    match &key.value {
        Columns::One(column) => vec![column.clone()],
        Columns::Several(List(columns, Emptiness::Filled)) => {
            columns.iter().map(|column| column.value.clone()).collect()
        }
        Columns::Several(List(_, Emptiness::Empty)) => {
            let help = "name the column that identifies a row, such as `event_id`, or leave `key` out";
            sink.error(rules::MISSING_KEY, key.span, "`key` names no column", help);
            Vec::new()
        }
    }
}

fn relation(file: &SourceFile, sink: &mut Sink<'_>) -> Option<Relation> {
    if let Some(table) = &file.table {
        let parts = table.value.0.split('.').count();
        let clean = table
            .value
            .0
            .split('.')
            .all(|part| !part.trim().is_empty() && !part.chars().any(char::is_control));
        if parts > 3 || !clean {
            let message = format!("`{}` is not a table's name", table.value.0);
            sink.error(
                rules::BAD_KEY,
                table.span,
                message,
                "write `table`, `schema.table` or `catalogue.schema.table`",
            );
        } else if let Some(why) =
            not_a_table(&table.value.0.split('.').map(|part| (part, true)).collect::<Vec<_>>())
        {
            let message = format!("the table `{}` {why}", table.value.0);
            sink.error(
                rules::BAD_KEY,
                table.span,
                message,
                "name a table of the warehouse; files are named by `file:`",
            );
        }
        return Some(Relation::Table(table.value.0.clone()));
    }
    if let Some(path) = &file.file {
        data_file(&path.value.0, path.span, sink);
        return Some(Relation::File(path.value.0.clone()));
    }
    let query = file.sql.as_ref()?;
    if let Some(problem) = sql::not_a_select(&query.value.0) {
        let span = problem.span(sink.file(), query.span, &query.value.0);
        let message = format!("this is not one SELECT: {}", problem.message);
        let help = "write one `SELECT … FROM …`, or name a `table` or a `file`";
        sink.error(rules::BAD_SQL, span, message, help);
    }
    Some(Relation::Sql(query.value.0.clone()))
}

/// Reports data files that are never read, whatever is there.
fn data_file(path: &str, span: Span, sink: &mut Sink<'_>) {
    match misplaced(path) {
        Some(Misplaced::Hidden) => {
            let message = format!("`{path}` leads into a hidden file or folder, which is never read");
            let help = "move the data to a folder whose name does not begin with a dot";
            sink.error(rules::BAD_TARGET, span, message, help);
        }
        Some(Misplaced::Outside) => not_in_the_book("the file", path, rules::BAD_TARGET, span, sink),
        None => relative_path(path, "the file", rules::BAD_TARGET, span, sink),
    }
}

/// Reports a path that is absolute or leads out of the book.
pub(super) fn relative_path(path: &str, what: &str, rule: &'static str, span: Span, sink: &mut Sink<'_>) {
    let windows = path.contains('\\') || path.as_bytes().get(1) == Some(&b':');
    let leaves = path.split('/').any(|part| part == "..");
    let control = path.chars().any(char::is_control);
    if path.is_empty() || path.starts_with('/') || windows || leaves || control {
        not_in_the_book(what, path, rule, span, sink);
    }
}

fn not_in_the_book(what: &str, path: &str, rule: &'static str, span: Span, sink: &mut Sink<'_>) {
    let message = format!("{what} must be in the book: `{path}` is not a path relative to its root");
    let help = "write it from the book's root, with `/` between folders and without `..`";
    sink.error(rule, span, message, help);
}

fn role(file: &SourceFile, sink: &mut Sink<'_>) -> Option<SourceRole> {
    if !holds_exposures(file) {
        if let Some(dimensions) = &file.dimensions {
            let message =
                "`dimensions` are for exposures, and this source has no `experiment`, `variant` or `served`";
            sink.error(
                rules::UNKNOWN_KEY,
                dimensions.span,
                message,
                "remove them, or declare which column names the arm",
            );
        }
        return Some(SourceRole::Facts { measures: columns(file.measures.as_ref())? });
    }
    if let Some(measures) = &file.measures {
        let help = "put the facts into a source of their own";
        sink.error(
            rules::UNKNOWN_KEY,
            measures.span,
            "`measures` are for facts, and this source holds exposures",
            help,
        );
    }
    let assignment = match (&file.served, &file.experiment, &file.variant) {
        (Some(served), None, None) => Assignment::Served(served.value.clone()),
        (None, Some(experiment), Some(variant)) => {
            Assignment::Pair { experiment: experiment.value.clone(), variant: variant.value.clone() }
        }
        (Some(served), ..) => {
            let message = "the arm is named twice: by `served`, and by `experiment` or `variant`";
            sink.error(
                rules::UNKNOWN_KEY,
                served.span,
                message,
                "keep `served`, or `experiment` and `variant`",
            );
            return None;
        }
        (None, Some(experiment), None) => {
            sink.error(
                rules::MISSING_KEY,
                experiment.span,
                "`experiment` needs `variant`",
                "add `variant: …`, the column with the arm's variant",
            );
            return None;
        }
        (None, None, variant) => {
            let span = variant.as_ref().map_or(Span::default(), |variant| variant.span);
            sink.error(
                rules::MISSING_KEY,
                span,
                "`variant` needs `experiment`",
                "add `experiment: …`, the column with the experiment's key",
            );
            return None;
        }
    };
    Some(SourceRole::Exposures { assignment, dimensions: columns(file.dimensions.as_ref())? })
}

/// Reports which entities that are randomised have no source of exposures, or more than one.
///
/// Only where the book has a warehouse: without one nothing is analysed. One unreadable source might be the
/// one that is missing, so then missing ones are not reported.
pub(super) fn exposures(documents: &Documents, index: &Index<'_>) -> Vec<Diagnostic> {
    let Some(book) = index.book.filter(|book| book.warehouse.is_some()) else { return Vec::new() };
    let mut sources = BTreeMap::<&str, Vec<(&str, Span)>>::new();
    let readable = index.sources.iter().all(|(_, file)| file.is_some());
    for (key, file) in index.sources.iter() {
        let Some(file) = file.filter(|file| holds_exposures(file)) else { continue };
        for (entity, _) in file.entities.iter().flat_map(|entities| &entities.value.0) {
            sources.entry(entity.value.as_str()).or_default().push((key, entity.span));
        }
    }
    let mut randomised = BTreeMap::<&str, &str>::new();
    for (key, experiment) in index.experiments.iter() {
        let flag = experiment.and_then(|experiment| experiment.flag.as_ref());
        let flag = flag.and_then(|flag| index.flags.get(flag.value.as_str()));
        if let Some(entity) = flag.and_then(|flag| flag.entity.as_ref()) {
            let first = randomised.entry(entity.value.as_str()).or_insert(key);
            *first = (*first).min(key);
        }
    }
    let mut findings = Vec::new();
    for (entity, experiment) in randomised {
        let mut found = sources.remove(entity).unwrap_or_default();
        found.sort_unstable();
        match found.as_slice() {
            [_] => {}
            [] if readable => {
                let place = documents.place(Kind::Book, "", "/warehouse");
                let span = book.warehouse.as_ref().map_or(place.span, |warehouse| warehouse.span);
                let message =
                    format!("no source holds the exposures of `{entity}`, which `{experiment}` randomises");
                let help =
                    format!("add a source with `served`, `timestamp` and `entities: {{{entity}: COLUMN}}`");
                findings
                    .push(Diagnostic::error(rules::EXPOSURE_SOURCES, message, &place.file, span).help(help));
            }
            [] => {}
            [(first, first_span), rest @ ..] => {
                for (source, span) in rest {
                    let Some(document) = documents.get(Kind::Source, source) else { continue };
                    let message =
                        format!("a second source of exposures for `{entity}`: an exposure would count twice");
                    let finding = Diagnostic::error(rules::EXPOSURE_SOURCES, message, document.file(), *span)
                        .help("keep one, or join them in one source with `sql: SELECT … UNION ALL …`");
                    findings.push(match documents.get(Kind::Source, first) {
                        Some(document) => finding.related(document.file(), *first_span, "the first"),
                        None => finding,
                    });
                }
            }
        }
    }
    findings
}

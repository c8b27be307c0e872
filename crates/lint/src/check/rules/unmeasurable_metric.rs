//! A metric that no data can give a number to, as its file and its source's already show.

use std::ops::Range;

use trialbook_gate::{Columns, Kind as Value, Regexes, mistake};

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::Span;
use trialbook_model::{
    Assignment, Cap, ColumnName, Duration, ExperimentState, Granularity, Kind, Measure, Measurement, Metric,
    MetricType, Relation, Source, SourceRole, Warehouse, Window,
};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unmeasurable-metric",
    Severity::Error,
    "crates/lint/src/check/rules/unmeasurable_metric.md",
    include_str!("unmeasurable_metric.md"),
    &[Each::Metric(metric), Each::Source(source)],
);

/// How a change of a running metric gets through review.
const REPAIR: &str = "an experiment that runs measures by it: say in the metric's `repair:` why nothing was ever measured, \
                      and the change passes review as a deviation that the report lists";

fn metric(context: &Inspection<'_>, metric: &Metric, found: &mut Vec<Diagnostic>) {
    let before = found.len();
    let parts: &[&str] = match metric.kind {
        MetricType::Ratio { .. } => &["/numerator", "/denominator"],
        _ => &[""],
    };
    for (measurement, part) in metric.kind.measurements().zip(parts) {
        let Some(source) = context.book.sources.get(&measurement.source) else { continue };
        found.extend(condition(context, metric, measurement, source, part));
        found.extend(distinct(context, metric, measurement, source, part));
    }
    let mut sources = metric.kind.measurements().filter_map(|part| context.book.sources.get(&part.source));
    found.extend(sources.find_map(|source| parts_of_days(context, metric, source)));
    found.extend(cut_to_nothing(context, metric));
    if context.book.experiments.values().any(|experiment| {
        experiment.metrics.all().any(|key| *key == metric.key)
            && !matches!(
                context.book.state_at(experiment, context.now),
                ExperimentState::Scheduled | ExperimentState::Concluded
            )
    }) {
        for finding in &mut found[before..] {
            finding.notes.push(REPAIR.to_owned());
        }
    }
}

/// A `where` that every engine refuses, or that no row fulfils.
fn condition(
    context: &Inspection<'_>,
    metric: &Metric,
    measurement: &Measurement,
    source: &Source,
    part: &str,
) -> Option<Diagnostic> {
    let text = measurement.filter.as_deref()?;
    let regexes = match context.book.warehouse {
        None | Some(Warehouse::Duckdb { .. }) => Regexes::Re2,
        Some(_) => Regexes::Other,
    };
    let wrong = mistake(text, &columns(source), regexes)?;
    let message = format!("metric `{}` cannot be measured: {}", metric.key, wrong.message);
    let mut finding = RULE.finding(context, message, (Kind::Metric, &metric.key, &format!("{part}/where")));
    let there = finding.primary.file.slice(finding.primary.span).to_owned();
    if let Some(span) = within(finding.primary.span, &there, text, wrong.range) {
        finding.primary.span = span;
    }
    Some(finding.help(
        "write one condition on the columns of a row, such as `status = 'paid'`; `docs/data.md` lists what it may use",
    ))
}

/// Returns the place of a part of a text, where the file has the text as it is read, plain or in quotes.
fn within(whole: Span, there: &str, text: &str, range: Range<usize>) -> Option<Span> {
    let lead = usize::from(there.len() == text.len() + 2);
    (there.get(lead..there.len() - lead) == Some(text) && !range.is_empty())
        .then(|| Span::new(whole.start + lead + range.start, whole.start + lead + range.end))
}

/// A `distinct` of a column that the source's query does not give.
fn distinct(
    context: &Inspection<'_>,
    metric: &Metric,
    measurement: &Measurement,
    source: &Source,
    part: &str,
) -> Option<Diagnostic> {
    let Measure::Distinct(column) = &measurement.measure else { return None };
    let message = format!("metric `{}` cannot be measured: {}", metric.key, missing(column, source)?);
    let place = format!("{part}/measure/distinct");
    let finding = RULE.finding(context, message, (Kind::Metric, &metric.key, &place));
    let query = (Kind::Source, &source.key as &dyn std::fmt::Display, "/sql");
    Some(context.relate(finding, query, "the source's query").help("name a column that the query gives"))
}

/// Parts of days, where the times of the source are days.
fn parts_of_days(context: &Inspection<'_>, metric: &Metric, source: &Source) -> Option<Diagnostic> {
    if source.granularity != Granularity::Day {
        return None;
    }
    let window = match metric.window {
        Window::Closed(window) => Some(window),
        Window::Open => None,
    };
    let whole = |duration: &Duration| duration.as_days().fract() == 0.0;
    let parts = [(window, "/window"), (metric.covariate, "/covariate/before")];
    let (duration, place) =
        parts.into_iter().find_map(|(duration, place)| Some((duration.filter(|d| !whole(d))?, place)))?;
    let message = format!(
        "metric `{}` cannot be measured: the times of source `{}` are days, and {duration} is no number of days",
        metric.key, source.key
    );
    let finding = RULE.finding(context, message, (Kind::Metric, &metric.key, place));
    let days = (Kind::Source, &source.key as &dyn std::fmt::Display, "/granularity");
    Some(context.relate(finding, days, "days for times").help("write whole days, such as `1d`"))
}

/// A cap below which nearly every unit is zero, by the metric's own baseline.
fn cut_to_nothing(context: &Inspection<'_>, metric: &Metric) -> Option<Diagnostic> {
    let (MetricType::Proportion(_), Some(Cap::Quantile(share)), Some(baseline)) =
        (&metric.kind, metric.cap, metric.baseline)
    else {
        return None;
    };
    if baseline.value > 1.0 - share.fraction() {
        return None;
    }
    let message = format!(
        "metric `{}` cannot be measured: its cap at {share} cuts every value to zero, because no more than that share of \
         units is above zero by its baseline",
        metric.key
    );
    let finding = RULE.finding(context, message, (Kind::Metric, &metric.key, "/cap"));
    let rate = (Kind::Metric, &metric.key as &dyn std::fmt::Display, "/baseline");
    Some(
        context
            .relate(finding, rate, "the share of units above zero")
            .help("leave the cap out: a share has no extremes"),
    )
}

/// The columns that a source names and its query does not give, and measures of what is no number.
fn source(context: &Inspection<'_>, source: &Source, found: &mut Vec<Diagnostic>) {
    let mut check = |column: &ColumnName, place: String| {
        let Some(why) = missing(column, source) else { return };
        let message = format!("source `{}` cannot be read: {why}", source.key);
        let finding = RULE.finding(context, message, (Kind::Source, &source.key, &place));
        found.push(finding.help("give the column in the query's SELECT, or name one that it gives"));
    };
    check(&source.timestamp, "/timestamp".to_owned());
    for (entity, column) in &source.entities {
        check(column, format!("/entities/{entity}"));
    }
    for column in &source.identity {
        check(column, "/key".to_owned());
    }
    match &source.role {
        SourceRole::Exposures { assignment, dimensions } => {
            match assignment {
                Assignment::Served(served) => check(served, "/served".to_owned()),
                Assignment::Pair { experiment, variant } => {
                    check(experiment, "/experiment".to_owned());
                    check(variant, "/variant".to_owned());
                }
            }
            for (dimension, column) in dimensions {
                check(column, format!("/dimensions/{dimension}"));
            }
        }
        SourceRole::Facts { measures } => {
            for (measure, column) in measures {
                check(column, format!("/measures/{measure}"));
            }
            let given = declared(source);
            for (measure, column) in measures {
                let what = match given.kind(column.as_str()) {
                    _ if *column == source.timestamp => "a time: it is the source's `timestamp`",
                    Some(Value::Text) => "a text",
                    Some(Value::Time) => "a time",
                    _ => continue,
                };
                let message = format!(
                    "measure `{measure}` of source `{}` cannot be measured: its column `{column}` holds {what}",
                    source.key
                );
                let place = format!("/measures/{measure}");
                let finding = RULE.finding(context, message, (Kind::Source, &source.key, &place));
                found.push(finding.help("name a column of numbers, or of true and false"));
            }
        }
    }
}

/// Returns why a column is not there; `None` where it is, or may be.
fn missing(column: &ColumnName, source: &Source) -> Option<String> {
    let given = declared(source);
    if given.kind(column.as_str()).is_some() {
        return None;
    }
    let all: Vec<_> = given.all()?.map(|name| format!("`{name}`")).collect();
    Some(format!("its query gives no column `{column}`, only {}", all.join(", ")))
}

/// Returns the columns that a source's query gives.
fn declared(source: &Source) -> Columns {
    match &source.relation {
        Relation::Sql(sql) => Columns::of_select(sql),
        Relation::Table(_) | Relation::File(_) => Columns::default(),
    }
}

/// Returns what is known of a source's columns: by its query, and by what it uses them for.
fn columns(source: &Source) -> Columns {
    let mut columns = declared(source);
    if columns.all().is_some() {
        // One that is used and not given has a finding of its own.
        if let SourceRole::Facts { measures } = &source.role {
            let given: Vec<_> =
                measures.values().filter(|column| columns.kind(column.as_str()).is_some()).collect();
            given.into_iter().for_each(|column| columns.hold(column.as_str(), Value::Number));
        }
        return columns;
    }
    columns.hold(source.timestamp.as_str(), Value::Unknown);
    for column in source.entities.values().chain(&source.identity) {
        columns.hold(column.as_str(), Value::Unknown);
    }
    if let SourceRole::Facts { measures } = &source.role {
        measures.values().for_each(|column| columns.hold(column.as_str(), Value::Number));
    }
    columns
}

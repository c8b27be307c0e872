//! Metrics: what they are, who uses them, how they moved.

use std::collections::BTreeMap;
use std::io;

use maud::{Markup, html};
use rayon::prelude::*;
use serde::Serialize;

use super::shell::Shell;
use super::{Out, ROWS, links, lists, words};
use crate::app::site::{Look, MetricLook, Site};
use crate::report::calendar::duration;
use crate::report::clean;
use crate::report::number::{count, shortened, signed_percent};
use trialbook_analysis::Judgement;
use trialbook_model::{Cap, Direction, Duration, Kind, Measure, Measurement, Metric, MetricType, Window};

/// A metric as one experiment saw it last.
#[derive(Serialize)]
struct Moved<'s> {
    experiment: &'s str,
    #[serde(flatten)]
    look: &'s MetricLook,
}

#[derive(Serialize)]
struct Values<'s> {
    metric: &'s Metric,
    used_by: Vec<(Kind, String)>,
    movements: &'s [Moved<'s>],
}

/// Writes the list of metrics and the page of each.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let site = out.site;
    let moved = movements(site);
    let all: Vec<&Metric> = site.book.metrics.values().collect();
    let pages = all.len().div_ceil(ROWS).max(1);
    for page in 0..pages {
        let part = all.get(page * ROWS..(page * ROWS + ROWS).min(all.len())).unwrap_or_default();
        let stem = lists::paged("metrics", page);
        let main = html! {
            h1 { "Metrics" }
            (lists::pager("metrics", page, pages))
            (lists::filter("metrics"))
            div.scroll tabindex="0" { table data-filtered="metrics" {
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Description" } th scope="col" { "Owner" }
                    th.number scope="col" { "Used by" } th.number scope="col" { "Measured" } } }
                tbody { @for metric in part { tr {
                    @let key = metric.key.as_str();
                    th scope="row" { (words::link(Kind::Metric, key, "")) }
                    td { (shortened(&metric.description, 120)) }
                    td { @if let Some(owner) = &metric.owner { (clean::one_line(owner)) } }
                    td.number { (count(lists::users(site, Kind::Metric, key).len() as u64)) }
                    td.number { (count(moved.get(key).map_or(0, Vec::len) as u64)) }
                } } }
            } }
        };
        let keys: Vec<&str> = part.iter().map(|metric| metric.key.as_str()).collect();
        let shell = Shell { stem: &stem, title: "Metrics", within: "metrics.html", feeds: None };
        out.page(&shell, &main, &keys)?;
    }
    all.par_iter().try_for_each(|metric| {
        let moved = moved.get(metric.key.as_str()).map(Vec::as_slice).unwrap_or_default();
        one(out, metric, moved)
    })
}

/// Returns how each metric moved at the last look of each experiment.
fn movements<'s>(site: &'s Site<'_>) -> BTreeMap<&'s str, Vec<Moved<'s>>> {
    let mut moved: BTreeMap<&str, Vec<Moved<'_>>> = BTreeMap::new();
    for page in &site.experiments {
        for look in page.looks.last().into_iter().flat_map(|look: &Look| &look.metrics) {
            let experiment = page.status.key.as_str();
            moved.entry(look.metric.as_str()).or_default().push(Moved { experiment, look });
        }
    }
    moved
}

fn one(out: &Out<'_>, metric: &Metric, moved: &[Moved<'_>]) -> io::Result<()> {
    let site = out.site;
    let key = metric.key.as_str();
    let stem = links::stem(Kind::Metric, key);
    let users = lists::users(site, Kind::Metric, key);
    let status = |experiment: &str| site.experiment(experiment).map(|page| &page.status);
    let main = html! {
        p.eyebrow { "Metric" }
        h1 { code { (key) } }
        (words::prose(&metric.description))
        (definition(metric))
        h2 { "Movements" }
        @if moved.is_empty() { p.quiet { "No outcome with a number was given to this site." } } @else {
            p { "At the last look of each experiment, relative to its control. Of many comparisons some look large by chance." }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Experiment" } th scope="col" { "Treatment" } th.number scope="col" { "Change" }
                    th.number scope="col" { "Interval" } th scope="col" { "Says" } th scope="col" { "State" } } }
                tbody { @for one in moved { tr {
                    th scope="row" { (words::link(Kind::Experiment, one.experiment, "../")) }
                    td { (clean::one_line(one.look.treatment.as_str())) }
                    td.number { (signed_percent(one.look.movement.lift, 2)) }
                    td.number { (signed_percent(one.look.movement.lower, 2)) " to " (signed_percent(one.look.movement.upper, 2)) }
                    td { (judgement(one.look.judgement)) }
                    td { @if let Some(status) = status(one.experiment) { (words::state(status)) } }
                } } }
            } }
        }
        h2 { "Used by" }
        (lists::uses(&users))
        h2 { "History" }
        (words::file(site, Kind::Metric, key))
        (words::history(site, &site.history_of(Kind::Metric, key)))
    };
    let shell = Shell { stem: &stem, title: key, within: "metrics.html", feeds: None };
    out.page(&shell, &main, &Values { metric, used_by: users, movements: moved })
}

fn definition(metric: &Metric) -> Markup {
    let of = |measurement: &Measurement| {
        html! {
            (measured(&measurement.measure)) " of " code { (clean::one_line(measurement.source.as_str())) }
            @if let Some(filter) = &measurement.filter { " where " code { (shortened(filter, 300)) } }
        }
    };
    html! { dl {
        dt { "Kind" } dd { @match &metric.kind {
            MetricType::Mean(one) => { "mean per " (metric.entity.as_str()) ": " (of(one)) },
            MetricType::Proportion(one) => { "share of those with any: " (of(one)) },
            MetricType::Ratio { numerator, denominator } => { (of(numerator)) ", divided by " (of(denominator)) },
            MetricType::Quantile { measurement, at } => { "quantile " (at) ": " (of(measurement)) },
        } }
        dt { "Window" } dd { (window(Some(metric.window), duration)) " after the first exposure" }
        dt { "Better is" } dd { @match metric.direction { Direction::IncreaseIsGood => "more", Direction::IncreaseIsBad => "less" } }
        @if let Some(cap) = metric.cap {
            dt { "Cut off at" } dd { @match cap { Cap::Quantile(share) => { "quantile " (share) }, Cap::Value(value) => (value) } }
        }
        @if let Some(before) = metric.covariate { dt { "Covariate" } dd { "the same, " (duration(before)) " before exposure" } }
        @if let Some(owner) = &metric.owner { dt { "Owner" } dd { (clean::one_line(owner)) } }
    } }
}

fn measured(measure: &Measure) -> String {
    let value = serde_json::to_value(measure).unwrap_or_default();
    let text = match &value {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Object(fields) => {
            let parts = fields.iter().map(|(word, of)| format!("{word} {}", of.as_str().unwrap_or_default()));
            parts.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    clean::one_line(&text)
}

/// Words a window.
pub(super) fn window(window: Option<Window>, duration: fn(Duration) -> String) -> String {
    match window {
        Some(Window::Closed(length)) => duration(length),
        Some(Window::Open) => "everything so far".to_owned(),
        None => String::new(),
    }
}

const fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Better => "better",
        Judgement::Worse => "worse",
        Judgement::Safe => "within its margin",
        Judgement::NotSafe => "not shown to be within its margin",
        Judgement::NoDifference => "no difference shown",
        Judgement::NotDecided => "not decided",
        Judgement::NotMeasured => "not measured",
    }
}

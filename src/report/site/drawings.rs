//! Drawings as SVG: how much runs over time, who holds which buckets, how an effect developed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::links::{self, Group};
use crate::app::site::{LayerPage, Look, Movement, Site};
use crate::app::status::ExperimentStatus;
use crate::report::calendar::Calendar;
use crate::report::clean;
use crate::report::number::{counted, percent, signed_percent};
use trialbook_model::{BUCKETS, ExperimentState, Kind, MetricKey, VariantKey};

/// How many days before and after now a line of density shows.
const DAYS: i64 = 90;
/// How many points such a line has.
const POINTS: i64 = 60;

/// Draws, for each group, how many experiments are served over time.
pub(super) fn densities(
    site: &Site<'_>,
    group: Group,
    groups: &BTreeMap<Option<&str>, Vec<&ExperimentStatus>>,
) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let instant = |point: i64| {
        let hours = 24 * (2 * DAYS * point / POINTS - DAYS);
        site.at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(site.at)
    };
    let instants: Vec<Timestamp> = (0..=POINTS).map(instant).collect();
    let served = |statuses: &[&ExperimentStatus]| -> Vec<usize> {
        let at = |instant: &Timestamp| {
            let within = |status: &&&ExperimentStatus| {
                let until =
                    if status.state == ExperimentState::Concluded { status.end } else { status.matured };
                status.since <= *instant && *instant < until
            };
            statuses.iter().filter(within).count()
        };
        instants.iter().map(at).collect()
    };
    let lines: Vec<_> = groups.iter().map(|(name, statuses)| (name, statuses, served(statuses))).collect();
    let highest = lines.iter().flat_map(|(_, _, served)| served).copied().max().unwrap_or(1).max(1);
    html! {
        p.quiet { "From " (calendar.day(*instants.first().unwrap_or(&site.at))) " to "
            (calendar.day(*instants.last().unwrap_or(&site.at))) "; the line in the middle is today." }
        ul.densities { @for (name, statuses, served) in &lines { li {
            span.name { @match name {
                Some(name) => a href=(links::group(group, name)) { (clean::one_line(name)) },
                None => { "No " (group.as_str()) },
            } }
            svg viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true" {
                path d=(area(served, highest)) {}
                line.today x1="30" x2="30" y1="0" y2="20" {}
            }
            @let overdue = statuses.iter().filter(|status| status.state == ExperimentState::Overdue).count();
            @let running = statuses.iter().filter(|status| status.state == ExperimentState::Running).count();
            span { (running) " running"
                @if overdue > 0 { ", " strong.bad { (overdue) " overdue" } } }
        } } }
    }
}

/// Returns the outline of an area below a line of counts.
#[expect(clippy::cast_precision_loss, reason = "counts of experiments are far below 2^53")]
fn area(served: &[usize], highest: usize) -> String {
    let mut path = "M0 20".to_owned();
    for (at, many) in served.iter().enumerate() {
        let _ = write!(path, "L{at} {:.1}", 19.0 - 18.0 * *many as f64 / highest as f64);
    }
    let _ = write!(path, "L{} 20Z", served.len().saturating_sub(1));
    path
}

/// The most slots that a map draws.
const SLOTS: usize = 400;

/// Draws a layer as a map: buckets downwards, time from left to right.
pub(super) fn layer_map(site: &Site<'_>, page: &LayerPage<'_>, up: &str) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let days = |days: i64| site.at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(site.at);
    let (from, until) = (days(-60), days(90));
    let place = |instant: Timestamp| {
        let all = until.duration_since(from).as_secs_f64();
        (instant.duration_since(from).as_secs_f64() / all * 100.0).clamp(0.0, 100.0)
    };
    let height = 320.0;
    let row = |bucket: u32| f64::from(bucket) / f64::from(BUCKETS) * height;
    let shown: Vec<_> =
        page.occupied.iter().filter(|one| one.from < until && from < one.rests_until).collect();
    let x = |instant: Timestamp| format!("{:.2}%", place(instant));
    let width = |start: Timestamp, end: Timestamp| format!("{:.2}%", (place(end) - place(start)).max(0.0));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Map of buckets over time" { div.stretch {
            svg.map width="100%" height=(height + 24.0) {
                rect.free x="0" y="0" width="100%" height=(height) {}
                @for one in shown.iter().take(SLOTS) {
                    @let top = row(one.buckets.first());
                    @let high = (row(one.buckets.last() + 1) - top).max(1.0);
                    @let status = site.experiment(one.experiment.as_str()).map(|page| &page.status);
                    a href={ (up) (links::part(Kind::Experiment, one.experiment.as_str())) }
                        class={ "bar " (status.map_or("over", |status| status.state.as_str())) } {
                        title { (one.experiment) ", buckets " (one.buckets) ", " (calendar.day(one.from)) " to "
                            (calendar.day(one.until)) }
                        @if one.rests_until > one.until {
                            rect.quarantine x=(x(one.until)) width=(width(one.until, one.rests_until)) y=(top) height=(high) {}
                        }
                        rect.enrol x=(x(one.from)) width=(width(one.from, one.until)) y=(top) height=(high) {}
                        @if high >= 14.0 {
                            text x=(x(one.from)) dx="6" y=(top + high.min(24.0) / 2.0 + 5.0) { (one.experiment) " · " (one.buckets) }
                        }
                    }
                }
                line.today x1=(x(site.at)) x2=(x(site.at)) y1="0" y2=(height) {}
                text.axis x="0" dx="2" y=(height + 17.0) { (calendar.day(from)) }
                text.axis x=(x(site.at)) text-anchor="middle" y=(height + 17.0) { "today" }
                text.axis x="100%" dx="-2" text-anchor="end" y=(height + 17.0) { (calendar.day(until)) }
            }
        } }
    }
}

/// Draws how the effect on a metric developed over the looks, with its intervals; nothing where there is no number.
pub(super) fn development(
    site: &Site<'_>,
    looks: &[Look],
    metric: &MetricKey,
    treatment: &VariantKey,
) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let points: Vec<(Timestamp, Movement)> = looks
        .iter()
        .filter_map(|look| {
            let found =
                look.metrics.iter().find(|one| one.metric == *metric && one.treatment == *treatment)?;
            Some((look.as_of, found.movement))
        })
        .filter(|(_, movement)| movement.lower.is_finite() && movement.upper.is_finite())
        .collect();
    let ends = points.iter().flat_map(|(_, movement)| [movement.lower, movement.upper]).chain([0.0]);
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
    if points.is_empty() || high <= low {
        return html! {};
    }
    let (width, height) = (640.0, 150.0);
    let y = |value: f64| 14.0 + (high - value) / (high - low) * (height - 40.0);
    #[expect(clippy::cast_precision_loss, reason = "looks are few")]
    let x = |at: usize| {
        if points.len() == 1 {
            width / 2.0
        } else {
            70.0 + at as f64 / (points.len() - 1) as f64 * (width - 110.0)
        }
    };
    html! {
        figure {
            figcaption { code { (metric.as_str()) } " of " strong { (clean::one_line(treatment.as_str())) }
                ", relative to the control, over " (counted(points.len() as u64, "look", "looks")) }
            svg.development viewBox={ "0 0 " (width) " " (height) } aria-hidden="true" {
                line.zero x1="60" x2=(width) y1=(y(0.0)) y2=(y(0.0)) {}
                text.axis x="54" y=(y(0.0) + 4.0) text-anchor="end" { "0" }
                text.axis x="54" y=(y(high) + 4.0) text-anchor="end" { (signed_percent(high, 1)) }
                @if low < 0.0 { text.axis x="54" y=(y(low) + 4.0) text-anchor="end" { (signed_percent(low, 1)) } }
                @for (at, (as_of, movement)) in points.iter().enumerate() {
                    line.interval x1=(x(at)) x2=(x(at)) y1=(y(movement.lower)) y2=(y(movement.upper)) {}
                    circle cx=(x(at)) cy=(y(movement.lift)) r="4" {}
                    @if at == 0 || at + 1 == points.len() {
                        text.axis x=(x(at)) y=(height - 4.0) text-anchor="middle" { (calendar.day(*as_of)) }
                    }
                }
            }
            p.hidden { @for (as_of, movement) in &points {
                (calendar.day(*as_of)) ": " (signed_percent(movement.lift, 2)) ", interval "
                (signed_percent(movement.lower, 2)) " to " (signed_percent(movement.upper, 2)) ". "
            } }
        }
    }
}

/// Draws a share as a bar.
pub(super) fn share(part: f64) -> Markup {
    let part = part.clamp(0.0, 1.0);
    html! {
        svg.share width="120" height="12" aria-hidden="true" {
            rect.all width="120" height="12" rx="3" {}
            rect.part width={ (format!("{:.1}", part * 120.0)) } height="12" rx="3" {}
        }
        " " (percent(part, 0))
    }
}

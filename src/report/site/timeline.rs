//! The calendar: lanes of bars over time, drawn as SVG whose horizontal places are shares of its width, so that it can be stretched.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::links;
use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use crate::report::calendar::Calendar;
use crate::report::clean;
use crate::report::number::{counted, shortened};
use crate::report::status::decided;
use trialbook_model::{Book, DecisionOutcome, ExperimentState, Kind, Schedule};

/// How high a row of bars is, in pixels.
const ROW: usize = 24;
/// How high the head with the months is.
const HEAD: usize = 26;
/// The share of the width that a character of a label takes, in percent, where the drawing is narrowest.
const CHARACTER: f64 = 0.9;
/// How many days before and after now are shown at most.
const DAYS: i64 = 120;
/// How many days are shown at least.
const FEWEST_DAYS: i64 = 28;

/// A lane of the calendar.
pub(super) struct Lane<'a> {
    /// What stands above it.
    pub(super) name: String,
    /// Its page.
    pub(super) page: Option<String>,
    /// What is in it.
    pub(super) bars: Vec<Bar<'a>>,
}

/// Something that lasts.
pub(super) struct Bar<'a> {
    class: &'static str,
    label: String,
    title: String,
    page: Option<String>,
    filter: Vec<&'a str>,
    from: Timestamp,
    /// The end of enrolment.
    enrolled: Timestamp,
    until: Timestamp,
}

impl<'a> Bar<'a> {
    /// Makes the bar of an experiment: enrolment, and then what is still served.
    pub(super) fn of(status: &'a ExperimentStatus, book: &Book, calendar: &Calendar) -> Option<Self> {
        let experiment = book.experiments.get(&status.key)?;
        let window = book.serving_window(experiment)?;
        let until = match status.state {
            // The grace is no plan.
            ExperimentState::Concluded => window.end(),
            _ => status.matured.max(status.end).min(window.end()),
        };
        let (class, ending) = match (status.state, status.decision) {
            (ExperimentState::Concluded, Some(outcome)) => (class_of(outcome), decided(outcome)),
            (state, _) => (state.as_str(), state.as_str()),
        };
        let key = clean::one_line(status.key.as_str());
        let title = format!(
            "{} · {ending} · {} to {}",
            shortened(&status.title, 100),
            calendar.day(status.since),
            calendar.day(until)
        );
        let mut filter =
            vec![status.key.as_str(), status.title.as_str(), status.owner.as_str(), status.state.as_str()];
        filter.extend(status.surfaces.iter().map(|surface| surface.as_str()));
        filter.extend(status.layer.iter().map(|layer| layer.as_str()));
        Some(Self {
            class,
            label: format!("{key} · {ending}"),
            title,
            page: Some(links::part(Kind::Experiment, status.key.as_str())),
            filter,
            from: status.since.min(until),
            enrolled: status.end.min(until),
            until,
        })
    }

    /// Makes the bar of something that is no experiment.
    pub(super) fn other(class: &'static str, label: String, window: Schedule) -> Self {
        let title = label.clone();
        let (from, until) = (window.start(), window.end());
        Self { class, label, title, page: None, filter: Vec::new(), from, enrolled: until, until }
    }
}

const fn class_of(outcome: DecisionOutcome) -> &'static str {
    match outcome {
        DecisionOutcome::Ship => "shipped",
        DecisionOutcome::RollBack => "rolled-back",
        DecisionOutcome::Inconclusive | DecisionOutcome::Aborted => "over",
    }
}

/// The time that a calendar shows.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    from: Timestamp,
    until: Timestamp,
}

impl Scale {
    /// Shows all bars as far as they are within some months of now.
    pub(super) fn of(lanes: &[Lane<'_>], now: Timestamp) -> Self {
        let days = |days: i64| jiff::SignedDuration::from_hours(24 * days);
        let at = |days_from_now: i64| now.checked_add(days(days_from_now)).unwrap_or(now);
        let bars = lanes.iter().flat_map(|lane| &lane.bars);
        let (mut from, mut until) = (at(-FEWEST_DAYS / 2), at(FEWEST_DAYS / 2));
        for bar in bars {
            from = from.min(bar.from.max(at(-DAYS)));
            until = until.max(bar.until.min(at(DAYS)));
        }
        let margin = jiff::SignedDuration::from_hours(48);
        Self {
            from: from.checked_sub(margin).unwrap_or(from),
            until: until.checked_add(margin).unwrap_or(until),
        }
    }

    /// Returns where an instant is, in percent of the width.
    fn place(self, instant: Timestamp) -> f64 {
        let all = self.until.duration_since(self.from).as_secs_f64();
        (instant.duration_since(self.from).as_secs_f64() / all * 100.0).clamp(0.0, 100.0)
    }

    fn shows(self, bar: &Bar<'_>) -> bool {
        bar.from < self.until && self.from < bar.until
    }

    /// Returns the first days of the months that are shown.
    fn months(self, zone: &TimeZone) -> Vec<(Date, f64)> {
        let mut months = Vec::new();
        let mut day = self.from.to_zoned(zone.clone()).date().first_of_month();
        for _ in 0..24 {
            let Ok(instant) = day.to_zoned(zone.clone()) else { break };
            if instant.timestamp() >= self.until {
                break;
            }
            if instant.timestamp() >= self.from {
                months.push((day, self.place(instant.timestamp())));
            }
            match day.checked_add(jiff::Span::new().months(1)) {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        months
    }
}

/// A bar with its row.
struct Placed<'b, 'a> {
    bar: &'b Bar<'a>,
    row: usize,
    from: f64,
    enrolled: f64,
    until: f64,
    /// Whether its label ends where the bar ends: there is no room to its right.
    to_the_left: bool,
}

/// Packs the bars of a lane into as few rows as their labels allow.
fn pack<'b, 'a>(bars: &'b [Bar<'a>], scale: Scale) -> (Vec<Placed<'b, 'a>>, usize) {
    let mut shown: Vec<&Bar<'_>> = bars.iter().filter(|bar| scale.shows(bar)).collect();
    shown.sort_by_key(|bar| (bar.from, bar.until));
    let mut rows: Vec<f64> = Vec::new();
    let mut placed = Vec::new();
    for bar in shown {
        let [from, enrolled, until] = [bar.from, bar.enrolled, bar.until].map(|instant| scale.place(instant));
        #[expect(clippy::cast_precision_loss, reason = "a label is short")]
        let label = bar.label.chars().count() as f64 * CHARACTER;
        let to_the_left = from + label > 100.0;
        let (left, right) =
            if to_the_left { (from.min(until - label), until) } else { (from, until.max(from + label)) };
        let row = rows.iter().position(|end| *end <= left).unwrap_or(rows.len());
        match rows.get_mut(row) {
            Some(end) => *end = right + 0.4,
            None => rows.push(right + 0.4),
        }
        placed.push(Placed { bar, row, from, enrolled, until, to_the_left });
    }
    (placed, rows.len())
}

/// Draws the lanes one below the other, on one scale.
pub(super) fn draw(site: &Site<'_>, lanes: &[Lane<'_>], up: &str, what: &str) -> Markup {
    let scale = Scale::of(lanes, site.at);
    let calendar = Calendar::new(&site.book.timezone);
    html! {
        div.calendar-tools.script {
            label for="filter" { "Filter" }
            input id="filter" type="search" autocomplete="off" data-filter="calendar";
            span role="group" aria-label="Zoom" {
                button type="button" data-zoom="out" { "−" span.hidden { " Zoom out" } }
                button type="button" data-zoom="reset" { "1:1" span.hidden { " Original size" } }
                button type="button" data-zoom="in" { "+" span.hidden { " Zoom in" } }
            }
            span.quiet { "Keys: " kbd { "/" } " filter, " kbd { "+" } " " kbd { "−" } " zoom, " kbd { "0" } " original size" }
        }
        div.scroll.calendar tabindex="0" role="region" aria-label=(what) {
            div.stretch {
                (head(site, scale))
                @for lane in lanes {
                    @let (placed, rows) = pack(&lane.bars, scale);
                    @if rows > 0 {
                        section.lane {
                            h3 { @match &lane.page {
                                Some(page) => a href={ (up) (page) } { (lane.name) },
                                None => (lane.name),
                            } }
                            (self::lane(site, &placed, rows, scale, up))
                        }
                    }
                }
            }
        }
        (legend(site, &calendar))
    }
}

/// Draws the months and today.
fn head(site: &Site<'_>, scale: Scale) -> Markup {
    let zone = trialbook_model::timezone(&site.book.timezone).unwrap_or(TimeZone::UTC);
    html! {
        svg.head width="100%" height=(HEAD) aria-hidden="true" {
            @for (day, place) in scale.months(&zone) {
                line x1=(percent(place)) x2=(percent(place)) y1="0" y2=(HEAD) {}
                @if place < 94.0 { text x=(percent(place)) dx="4" y="16" { (day.strftime("%b %Y")) } }
            }
            line.today x1=(percent(scale.place(site.at))) x2=(percent(scale.place(site.at))) y1="0" y2=(HEAD) {}
        }
    }
}

fn lane(site: &Site<'_>, placed: &[Placed<'_, '_>], rows: usize, scale: Scale, up: &str) -> Markup {
    let height = rows * ROW + 4;
    let zone = trialbook_model::timezone(&site.book.timezone).unwrap_or(TimeZone::UTC);
    html! {
        svg.lane width="100%" height=(height) {
            @for freeze in &site.book.policy.freeze {
                @let [from, until] = [freeze.from, freeze.until].map(|instant| scale.place(instant));
                @if until > from {
                    rect.freeze x=(percent(from)) width=(percent(until - from)) y="0" height=(height) {}
                }
            }
            @for (_, place) in scale.months(&zone) {
                line x1=(percent(place)) x2=(percent(place)) y1="0" y2=(height) {}
            }
            @for one in placed { (bar(one, up)) }
            line.today x1=(percent(scale.place(site.at))) x2=(percent(scale.place(site.at))) y1="0" y2=(height) aria-hidden="true" {}
        }
    }
}

fn bar(one: &Placed<'_, '_>, up: &str) -> Markup {
    let top = one.row * ROW + 3;
    let width = (one.until - one.from).max(0.3);
    let body = html! {
        title { (one.bar.title) }
        rect.rest x=(percent(one.from)) width=(percent(width)) y=(top) height=(ROW - 5) rx="3" {}
        @if one.enrolled > one.from {
            rect.enrol x=(percent(one.from)) width=(percent(one.enrolled - one.from)) y=(top) height=(ROW - 5) rx="3" {}
        }
        @if one.to_the_left {
            text x=(percent(one.until)) dx="-6" y=(top + 14) text-anchor="end" { (one.bar.label) }
        } @else {
            text x=(percent(one.from)) dx="6" y=(top + 14) { (one.bar.label) }
        }
    };
    let filter = clean::one_line(&one.bar.filter.join(" ")).to_lowercase();
    match &one.bar.page {
        Some(page) => {
            html! { a href={ (up) (page) } class={ "bar " (one.bar.class) } data-text=(filter) { (body) } }
        }
        None => html! { g class={ "bar " (one.bar.class) } { (body) } },
    }
}

/// Explains the colours in words, and the freezes with their dates.
fn legend(site: &Site<'_>, calendar: &Calendar) -> Markup {
    const WORDS: [(&str, &str); 7] = [
        ("scheduled", "scheduled"),
        ("running", "running"),
        ("maturing", "maturing: enrolment is over"),
        ("overdue", "overdue: decide"),
        ("shipped", "shipped"),
        ("rolled-back", "rolled back"),
        ("over", "inconclusive or aborted"),
    ];
    html! {
        ul.legend aria-label="Colours" {
            @for (class, text) in WORDS { li class=(class) { span.swatch aria-hidden="true" {} (text) } }
        }
        @let ahead: Vec<_> = site.book.policy.freeze.iter().filter(|freeze| freeze.until > site.at).collect();
        @if !ahead.is_empty() {
            p {
                "Nothing is launched in " (counted(ahead.len() as u64, "freeze", "freezes")) " (shaded): "
                @for (at, freeze) in ahead.iter().enumerate() {
                    @if at > 0 { "; " }
                    (calendar.day(freeze.from)) " to " (calendar.day(freeze.until)) ", " (shortened(&freeze.reason, 100))
                }
                "."
            }
        }
    }
}

/// Writes a share of the width.
fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

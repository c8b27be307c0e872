//! The page of an experiment.

use std::io;

use maud::{Markup, html};
use serde::Serialize;

use super::shell::Shell;
use super::{Out, drawings, links, words};
use crate::app::site::{ExperimentPage, Meeting, Relation, Site};
use crate::app::status::LaunchRecord;
use crate::report::calendar::{Calendar, duration};
use crate::report::clean;
use crate::report::html as blocks;
use crate::report::number::{count, exact_percent, percent, shortened};
use crate::report::outcome;
use crate::report::status::{decided, next};
use trialbook_model::{Allocation, Bearing, Kind, Margin, MinimumEffect};

/// The most experiments that are listed as met.
const MEETINGS: usize = 30;

#[derive(Serialize)]
struct Values<'v> {
    version: u32,
    #[serde(flatten)]
    page: &'v ExperimentPage<'v>,
    meetings: Vec<&'v Meeting<'v>>,
}

/// Writes it.
pub(super) fn write(out: &Out<'_>, page: &ExperimentPage<'_>) -> io::Result<()> {
    let site = out.site;
    let status = &page.status;
    let calendar = Calendar::new(&site.book.timezone);
    let stem = links::stem(Kind::Experiment, status.key.as_str());
    let meetings: Vec<&Meeting<'_>> = site.meetings.of(&status.key).collect();
    let main = html! {
        p.eyebrow { "Experiment " code { (status.key.as_str()) } }
        h1 { (clean::one_line(&status.title)) }
        p.lead {
            (words::state(status)) " "
            @if let Some(decision) = &page.plan.decision {
                (decided(decision.outcome)) " on " (calendar.day(decision.date))
                @if let Some(variant) = &decision.variant { ", " strong { (clean::one_line(variant.as_str())) } }
            } @else {
                (next(status, site.at, &calendar))
            }
        }
        (facts(site, page, &calendar))
        h2 { "Hypothesis" }
        (words::prose(&page.plan.hypothesis))
        @if let Some(decision) = &page.plan.decision { h2 { "Decision" } (words::prose(&decision.reason)) }
        (results(site, page, &calendar))
        (plan_of(site, page))
        (meets(page, &meetings, site))
        h2 { "History" }
        (launch(page, &calendar))
        (words::file(site, Kind::Experiment, status.key.as_str()))
        (words::history(site, &page.history))
    };
    let shell = Shell { stem: &stem, title: &status.title, within: "experiments.html", feeds: None };
    out.page(
        &shell,
        &main,
        &Values { version: 1, page, meetings: meetings.into_iter().take(MEETINGS).collect() },
    )
}

fn facts(site: &Site<'_>, page: &ExperimentPage<'_>, calendar: &Calendar) -> Markup {
    let (status, plan) = (&page.status, page.plan);
    html! { dl {
        dt { "Team" } dd { a href={ "../" (links::group(links::Group::Team, &status.owner)) } { (clean::one_line(&status.owner)) } }
        @if !status.surfaces.is_empty() {
            dt { "Surface" } dd { @for (at, surface) in status.surfaces.iter().enumerate() {
                @if at > 0 { ", " }
                a href={ "../" (links::group(links::Group::Surface, surface.as_str())) } { (surface.as_str()) }
            } }
        }
        dt { "Flag" } dd { (words::link(Kind::Flag, status.flag.as_str(), "../")) }
        dt { "Layer" } dd { @match &status.layer {
            Some(layer) => (words::link(Kind::Layer, layer.as_str(), "../")),
            None => "none: a draw of its own, meeting others at random",
        } }
        dt { "Enrolment" } dd { (calendar.instant(plan.schedule.start())) " to " (calendar.instant(plan.schedule.end())) }
        dt { "Last window closes" } dd { (calendar.instant(status.matured)) }
        dt { "Audience" } dd { (words::audience(site, &plan.audience, "../")) }
        @if let Some(left) = page.left {
            dt { "Left of it" }
            dd class=(if left < 0.5 { "caution" } else { "" }) { (percent(left, 0)) ", after overrides, the flag's rules and holdouts" }
        }
        dt { "Share of it" } dd { @match &plan.allocation {
            Allocation::Fixed(share) => (share),
            Allocation::Ramp(steps) => { @for (at, step) in steps.all().iter().enumerate() {
                @if at > 0 { ", " } (step.share) " from " (calendar.day(step.at))
            } }
        } }
        dt { "Variants" } dd { @for (at, variant) in plan.split.variants().enumerate() {
            @if at > 0 { ", " }
            code { (clean::one_line(variant.as_str())) }
            @if let Some(share) = plan.split.share(variant) { " " (share) }
            @if *variant == plan.control { " (control)" }
        } }
        @if let Some(counted) = &status.counted {
            dt { "Units so far" } dd { (count(counted.units)) ", by " (calendar.day(counted.as_of)) }
        }
        @if let Some(previous) = &plan.previous {
            dt { "Repeats" } dd { (words::link(Kind::Experiment, previous.as_str(), "../")) }
        }
    } }
}

fn plan_of(site: &Site<'_>, page: &ExperimentPage<'_>) -> Markup {
    let plan = page.plan;
    let window = |key: &trialbook_model::MetricKey| site.book.metrics.get(key).map(|metric| metric.window);
    html! {
        h2 { "Plan" }
        p { "Method " code { (plan.analysis.method.as_str()) } ", level " (exact_percent(plan.analysis.alpha.fraction()))
            ", power " (exact_percent(plan.analysis.power.fraction())) "." }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Metric" } th scope="col" { "Role" } th scope="col" { "Declared" } th scope="col" { "Window" } } }
            tbody {
                @for one in &plan.metrics.success { tr {
                    th scope="row" { (words::link(Kind::Metric, one.metric.as_str(), "../")) } td { "success" }
                    td { "smallest effect " @match one.mde { MinimumEffect::Relative(share) => (share), MinimumEffect::Absolute(by) => (by) } }
                    td { (window_of(window(&one.metric))) }
                } }
                @for one in &plan.metrics.guardrails { tr {
                    th scope="row" { (words::link(Kind::Metric, one.metric.as_str(), "../")) } td { "guardrail" }
                    td { "at most " @match one.margin { Margin::Relative(share) => (share), Margin::Absolute(by) => (by) } " worse" }
                    td { (window_of(window(&one.metric))) }
                } }
                @for metric in &plan.metrics.exploratory { tr {
                    th scope="row" { (words::link(Kind::Metric, metric.as_str(), "../")) } td { "exploratory" } td { "decides nothing" }
                    td { (window_of(window(metric))) }
                } }
            }
        } }
    }
}

fn window_of(window: Option<trialbook_model::Window>) -> String {
    super::metrics::window(window, duration)
}

fn results(site: &Site<'_>, page: &ExperimentPage<'_>, calendar: &Calendar) -> Markup {
    let mut shown: Vec<_> =
        page.looks.iter().flat_map(|look| &look.metrics).filter(|look| look.decides).collect();
    shown.sort_by_key(|look| (&look.metric, &look.treatment));
    shown.dedup_by_key(|look| (&look.metric, &look.treatment));
    html! {
        h2 { "Results" }
        @match page.outcome {
            None => p.quiet { "No outcome of it was given to this site." },
            Some(outcome) => {
                (blocks::render(&outcome::document(outcome), 3))
                @if page.looks.len() > 1 { @for look in shown { (drawings::development(site, &page.looks, &look.metric, &look.treatment)) } }
                @if page.looks.len() > 1 {
                    h3 { "Looks" }
                    ol { @for look in &page.looks { li {
                        (calendar.day(look.as_of)) ": " (count(look.units)) " units"
                        @for one in &look.verdicts { "; " (clean::one_line(one.treatment.as_str())) ": " (outcome::verdict(one.verdict)) }
                    } } }
                }
            }
        }
        @if !page.changes.is_empty() {
            h3 { "Changes of the plan since launch" }
            ul { @for change in &page.changes { li {
                (shortened(&change.part, 100)) ": "
                @match change.bearing {
                    Bearing::Allowed => "allowed",
                    Bearing::Deviation => strong.caution { "a deviation: the result is that of the launched plan" },
                    Bearing::Untrusted => strong.bad { "may have moved units: do not use the results" },
                }
            } } }
        }
    }
}

fn meets(page: &ExperimentPage<'_>, meetings: &[&Meeting<'_>], site: &Site<'_>) -> Markup {
    let key = &page.status.key;
    let other = |meeting: &Meeting<'_>| {
        if meeting.a == key { meeting.b.as_str().to_owned() } else { meeting.a.as_str().to_owned() }
    };
    let meet: Vec<_> = meetings.iter().filter(|one| one.relation.can_meet()).collect();
    let apart: Vec<_> = meetings.iter().filter(|one| !one.relation.can_meet()).collect();
    let item = |meeting: &Meeting<'_>| {
        html! { li {
            (words::link(Kind::Experiment, &other(meeting), "../")) ": " (super::overlap::relation(&meeting.relation, "../"))
        } }
    };
    html! {
        h2 { "Meets" }
        @if meetings.is_empty() {
            p.quiet { "No other experiment of those that are compared is served at the same time." }
        } @else {
            p { (count(meet.len() as u64)) " of the experiments that are served at the same time can have the same unit, " (count(apart.len() as u64)) " cannot." }
            ul { @for meeting in meet.iter().take(MEETINGS) { (item(meeting)) } }
            @if meet.len() > MEETINGS { p.quiet { "and " (count((meet.len() - MEETINGS) as u64)) " more" } }
            @if !apart.is_empty() {
                details {
                    summary { "Why it cannot meet the others" }
                    ul { @for meeting in apart.iter().take(MEETINGS) { (item(meeting)) } }
                    @if apart.len() > MEETINGS { p.quiet { "and " (count((apart.len() - MEETINGS) as u64)) " more" } }
                }
            }
        }
        @if site.meetings.left_out > 0 { p.quiet { "Only the " (site.meetings.compared) " experiments with the largest shares are compared." } }
    }
}

fn launch(page: &ExperimentPage<'_>, calendar: &Calendar) -> Markup {
    html! { @match &page.status.launch {
        LaunchRecord::Recorded { commit, at } => p { "Launched " (calendar.instant(*at)) " from commit " code { (commit.chars().take(7).collect::<String>()) } "." },
        LaunchRecord::None => p.quiet { "No launch is recorded in the clone that this site was made from." },
        LaunchRecord::Unreadable { reason } => p.caution { "Its launch is unknown: " (clean::one_line(reason)) "." },
        LaunchRecord::NoRepository => "",
    } }
}

impl Relation<'_> {
    /// Tells whether a unit can be in both, as far as is known.
    fn can_meet(&self) -> bool {
        !matches!(self, Relation::ApartByLayer { .. } | Relation::ApartByAudience)
    }
}

//! The first page, and the pages of teams, surfaces and layers: what needs somebody, what comes next, and the calendar.

use std::collections::BTreeMap;
use std::io;

use maud::{Markup, html};
use rayon::prelude::*;

use super::links::{self, Group};
use super::shell::{Shell, up};
use super::timeline::{self, Bar, Lane};
use super::{Columns, Out, drawings, feeds, lists, words};
use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use crate::report::calendar::Calendar;
use crate::report::clean;
use crate::report::number::{count, counted, shortened};
use crate::report::status;
use trialbook_model::{ExperimentState, Schedule};

/// A calendar has at most so many bars; where there are more, each lane is a line with a page of its own.
const BARS: usize = 400;

/// How many days ahead what comes next is listed.
const AHEAD: i64 = 14;

/// The most that is listed of what needs somebody, and of what comes next.
const LISTED: usize = 40;

/// Writes the calendars: by team on the first page, by surface and by layer on others.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    for group in Group::ALL {
        let page = group.calendar();
        let stem = page.trim_end_matches(".html");
        let groups = groups(out.site, group);
        let statuses: Vec<&ExperimentStatus> = out.site.statuses(|_| true);
        let main = html! {
            h1 { (clean::one_line(&out.site.book.name)) ": who tests what" }
            (summary(&statuses))
            @if group == Group::Team { (urgent(out.site, &statuses, "")) }
            h2 id="calendar" { "Calendar by " (group.as_str()) }
            p { "By "
                @for (at, other) in Group::ALL.into_iter().enumerate() {
                    @if at > 0 { " · " }
                    @if other == group { strong { (other.as_str()) } } @else { a href={ (other.calendar()) "#calendar" } { (other.as_str()) } }
                }
            }
            (calendar(out.site, group, &groups))
        };
        let shell = Shell { stem, title: "Calendar", within: "index.html", feeds: Some("events") };
        out.page(&shell, &main, &Columns::of(&statuses))?;
    }
    Ok(())
}

/// Writes the page of each group, with its feeds.
pub(super) fn group(out: &Out<'_>, group: Group) -> io::Result<()> {
    if group == Group::Layer {
        // The layers have pages with their maps.
        return Ok(());
    }
    let groups: Vec<_> = groups(out.site, group).into_iter().collect();
    groups.par_iter().try_for_each(|(name, statuses)| {
        let Some(name) = name else { return Ok(()) };
        let stem = links::group_stem(group, name);
        let title = format!("{} {}", capital(group.as_str()), clean::one_line(name));
        let main = html! {
            h1 { (title) }
            (summary(statuses))
            (urgent(out.site, statuses, up(&stem)))
            h2 { "Calendar" }
            (bars(out.site, statuses, up(&stem)))
            h2 { "Experiments" }
            @let shown: Vec<_> = statuses.iter().copied().take(super::ROWS).collect();
            (lists::table(out.site, &shown, up(&stem)))
            @if statuses.len() > shown.len() {
                p { "The first " (count(shown.len() as u64)) " of " (count(statuses.len() as u64)) ": "
                    a href={ (up(&stem)) "experiments.html" } { "all experiments" } "." }
            }
        };
        let shell = Shell { stem: &stem, title: &title, within: "index.html", feeds: Some(&stem) };
        out.page(&shell, &main, &Columns::of(statuses))?;
        feeds::of(out, &stem, &title, statuses)
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the experiments by group; `None`: in none.
fn groups<'s>(site: &'s Site<'_>, group: Group) -> BTreeMap<Option<&'s str>, Vec<&'s ExperimentStatus>> {
    let mut groups: BTreeMap<Option<&str>, Vec<&ExperimentStatus>> = BTreeMap::new();
    for page in &site.experiments {
        let status = &page.status;
        let names: Vec<&str> = match group {
            Group::Team => vec![status.owner.as_str()],
            Group::Surface => status.surfaces.iter().map(|surface| surface.as_str()).collect(),
            Group::Layer => status.layer.iter().map(|layer| layer.as_str()).collect(),
        };
        if names.is_empty() {
            groups.entry(None).or_default().push(status);
        }
        for name in names {
            groups.entry(Some(name)).or_default().push(status);
        }
    }
    groups
}

/// Counts experiments by state.
fn summary(statuses: &[&ExperimentStatus]) -> Markup {
    use ExperimentState::{Concluded, Maturing, Overdue, Running, Scheduled};
    html! {
        ul.counts { @for state in [Running, Maturing, Overdue, Scheduled, Concluded] {
            @let many = statuses.iter().filter(|status| status.state == state).count();
            li class=(if many > 0 { state.as_str() } else { "none" }) { strong { (count(many as u64)) } " " (state.as_str()) }
        } }
    }
}

/// Lists what waits for a decision, and what comes next.
fn urgent(site: &Site<'_>, statuses: &[&ExperimentStatus], up: &str) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let at = |status: &ExperimentStatus| status.next.as_ref().map(|next| next.at());
    let mut waiting: Vec<_> = statuses.iter().filter(|status| status.waits_for_decision()).collect();
    waiting.sort_by_key(|status| (status.state != ExperimentState::Overdue, at(status)));
    let until = site.at.checked_add(jiff::SignedDuration::from_hours(24 * AHEAD)).unwrap_or(site.at);
    let is_soon = |status: &&&ExperimentStatus| {
        !status.waits_for_decision() && at(status).is_some_and(|at| site.at < at && at <= until)
    };
    let mut soon: Vec<_> = statuses.iter().filter(is_soon).collect();
    soon.sort_by_key(|status| at(status));
    let item = |status: &ExperimentStatus| {
        html! { li {
            (words::link(trialbook_model::Kind::Experiment, status.key.as_str(), up)) " — "
            (status::next(status, site.at, &calendar)) span.quiet { " · " (shortened(&status.owner, 60)) }
        } }
    };
    html! {
        div.columns {
            section {
                h2 { "Needs a decision" }
                @if waiting.is_empty() { p.quiet { "Nothing waits for a decision." } }
                ul { @for status in waiting.iter().take(LISTED) { (item(status)) } }
                (more(waiting.len()))
            }
            section {
                h2 { "Next " (counted(AHEAD.unsigned_abs(), "day", "days")) }
                @if soon.is_empty() { p.quiet { "Nothing begins or ends." } }
                ul { @for status in soon.iter().take(LISTED) { (item(status)) } }
                (more(soon.len()))
            }
        }
    }
}

fn more(all: usize) -> Markup {
    html! { @if all > LISTED { p.quiet { "and " (count((all - LISTED) as u64)) " more" } } }
}

/// Draws a lane for each group; where that is too much, a line for each.
fn calendar(
    site: &Site<'_>,
    group: Group,
    groups: &BTreeMap<Option<&str>, Vec<&ExperimentStatus>>,
) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let all: usize = groups.values().map(Vec::len).sum();
    if all > BARS {
        return html! {
            p { "Each line shows how many experiments are served, over time; its name leads to its own calendar." }
            (drawings::densities(site, group, groups))
        };
    }
    let mut lanes: Vec<Lane<'_>> = others(site);
    for (name, statuses) in groups {
        let bars = statuses.iter().filter_map(|status| Bar::of(status, site.book, &calendar)).collect();
        let (name, page) = match name {
            Some(name) => (clean::one_line(name), Some(links::group(group, name))),
            None => (format!("No {}", group.as_str()), None),
        };
        lanes.push(Lane { name, page, bars });
    }
    timeline::draw(site, &lanes, "", &format!("Calendar by {}", group.as_str()))
}

/// Draws the experiments of one group.
pub(super) fn bars(site: &Site<'_>, statuses: &[&ExperimentStatus], up: &str) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    let mut shown: Vec<_> = statuses.to_vec();
    // What is over longest is left out first.
    shown.sort_by_key(|status| std::cmp::Reverse(status.end));
    shown.truncate(BARS);
    let bars = shown.iter().filter_map(|status| Bar::of(status, site.book, &calendar)).collect();
    let lanes = [Lane { name: "Experiments".to_owned(), page: None, bars }];
    html! {
        (timeline::draw(site, &lanes, up, "Calendar"))
        @if statuses.len() > BARS { p.quiet { "The " (count(BARS as u64)) " that end last are drawn." } }
    }
}

/// Returns the lanes of holdouts and rollouts.
fn others<'a>(site: &Site<'_>) -> Vec<Lane<'a>> {
    let holdouts = site.book.holdouts.values().map(|holdout| {
        let label = format!("holdout {} · {}", clean::one_line(holdout.key.as_str()), holdout.share);
        Bar::other("holdout", label, holdout.schedule)
    });
    let rollouts = site.book.rollouts.values().filter_map(|rollout| {
        let label =
            format!("rollout {} · to {}", clean::one_line(rollout.key.as_str()), rollout.steps.largest());
        let end = rollout.steps.last_at().checked_add(jiff::SignedDuration::from_hours(24)).ok()?;
        Some(Bar::other("rollout", label, Schedule::new(rollout.steps.first_at(), end).ok()?))
    });
    let lane = |name: &str, bars: Vec<Bar<'a>>| Lane { name: name.to_owned(), page: None, bars };
    vec![lane("Holdouts", holdouts.collect()), lane("Rollouts", rollouts.collect())]
}

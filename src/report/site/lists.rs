//! Tables of experiments and of segments, a page at a time.

use std::io;

use maud::{Markup, html};

use super::shell::{Shell, up};
use super::{Columns, Out, ROWS, words};
use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use crate::report::calendar::Calendar;
use crate::report::clean;
use crate::report::number::{count, shortened};
use crate::report::status;
use trialbook_model::Kind;

/// Returns the name of a page of a list, without its ending; the first is the list's own.
pub(super) fn paged(stem: &str, page: usize) -> String {
    if page == 0 { stem.to_owned() } else { format!("{stem}-{}", page + 1) }
}

/// Writes the way to the other pages of a list.
pub(super) fn pager(stem: &str, page: usize, pages: usize) -> Markup {
    html! { @if pages > 1 { nav aria-label="Parts of this list" { ul.pager { @for other in 0..pages {
        li { a href={ (paged(stem, other)) ".html" } aria-current=[(other == page).then_some("page")] { (other + 1) } }
    } } } } }
}

/// Writes the list of all experiments: what is not concluded first, the most urgent first.
pub(super) fn experiments(out: &Out<'_>) -> io::Result<()> {
    let mut all = out.site.statuses(|_| true);
    all.sort_by_key(|one| (one.decision.is_some(), one.next.as_ref().map(|next| next.at()), &one.key));
    let pages = all.len().div_ceil(ROWS).max(1);
    for page in 0..pages {
        let part = all.get(page * ROWS..(page * ROWS + ROWS).min(all.len())).unwrap_or_default();
        let stem = paged("experiments", page);
        let main = html! {
            h1 { "Experiments" }
            (pager("experiments", page, pages))
            (table(out.site, part, up(&stem)))
            (pager("experiments", page, pages))
        };
        let shell =
            Shell { stem: &stem, title: "Experiments", within: "experiments.html", feeds: Some("events") };
        out.page(&shell, &main, &Columns::of(part))?;
    }
    Ok(())
}

/// Writes a table of experiments.
pub(super) fn table(site: &Site<'_>, statuses: &[&ExperimentStatus], up: &str) -> Markup {
    let calendar = Calendar::new(&site.book.timezone);
    html! {
        (filter("experiments"))
        div.scroll tabindex="0" { table data-filtered="experiments" {
            thead { tr {
                th scope="col" { "Experiment" } th scope="col" { "State" } th scope="col" { "Since" }
                th scope="col" { "Next" } th.number scope="col" { "Units" } th scope="col" { "Team" }
                th scope="col" { "Surface" }
            } }
            tbody { @for status in statuses { tr {
                th scope="row" { (words::link(Kind::Experiment, status.key.as_str(), up)) br; span.quiet { (shortened(&status.title, 90)) } }
                td { (words::state(status)) }
                td { (calendar.day(status.since)) }
                td { (status::next(status, site.at, &calendar)) }
                td.number { @if let Some(counted) = &status.counted { (count(counted.units)) } }
                td { (clean::one_line(&status.owner)) }
                td { @for (at, surface) in status.surfaces.iter().enumerate() { @if at > 0 { ", " } (surface.as_str()) } }
            } } }
        } }
    }
}

/// Writes a field that hides the rows that do not match; it is there only where scripts run.
pub(super) fn filter(what: &str) -> Markup {
    html! { p.script { label { "Filter " (what) " " input type="search" autocomplete="off" data-filter=(what); } } }
}

/// Writes the segments with who uses them.
pub(super) fn segments(out: &Out<'_>) -> io::Result<()> {
    let site = out.site;
    let main = html! {
        h1 { "Segments" }
        @if site.book.segments.is_empty() { p.quiet { "The book has none." } } @else {
            (filter("segments"))
            div.scroll tabindex="0" { table data-filtered="segments" {
                thead { tr { th scope="col" { "Segment" } th scope="col" { "Who" } th scope="col" { "Used by" } } }
                tbody { @for segment in site.book.segments.values() { tr {
                    @let users = users(site, Kind::Segment, segment.key.as_str());
                    th scope="row" { (words::link(Kind::Segment, segment.key.as_str(), "")) }
                    td { (words::audience(site, &segment.audience, "")) }
                    td { (count(users.len() as u64)) }
                } } }
            } }
        }
    };
    let keys: Vec<_> = site.book.segments.values().collect();
    let shell = Shell { stem: "segments", title: "Segments", within: "segments.html", feeds: None };
    out.page(&shell, &main, &keys)?;
    for segment in site.book.segments.values() {
        let key = segment.key.as_str();
        let stem = super::links::stem(Kind::Segment, key);
        let users = users(site, Kind::Segment, key);
        let main = html! {
            h1 { "Segment " (clean::one_line(key)) }
            (words::prose(&segment.description))
            h2 { "Who" }
            p { (words::audience(site, &segment.audience, "../")) }
            h2 { "Used by" }
            (uses(&users))
            h2 { "History" }
            (words::file(site, Kind::Segment, key))
            (words::history(site, &site.history_of(Kind::Segment, key)))
        };
        let shell = Shell { stem: &stem, title: key, within: "segments.html", feeds: None };
        out.page(&shell, &main, segment)?;
    }
    Ok(())
}

/// The most users of a part that are listed.
const USERS: usize = 400;

/// Returns who names a part, by kind and key.
pub(super) fn users(site: &Site<'_>, kind: Kind, key: &str) -> Vec<(Kind, String)> {
    let named = site.book.uses().of_part(kind, key).iter();
    let mut users: Vec<(Kind, String)> = named.map(|user| (user.kind, user.key.to_string())).collect();
    users.sort();
    users.dedup();
    users
}

/// Lists who names a part. Called from a page one folder down.
pub(super) fn uses(users: &[(Kind, String)]) -> Markup {
    html! {
        @if users.is_empty() { p.quiet { "Nobody." } }
        ul { @for (kind, key) in users.iter().take(USERS) { li {
            (kind.as_str()) " "
            @match kind {
                Kind::Flag | Kind::Experiment | Kind::Layer | Kind::Segment | Kind::Metric => (words::link(*kind, key, "../")),
                _ => code { (clean::one_line(key)) },
            }
        } } }
        @if users.len() > USERS { p.quiet { "and " (count((users.len() - USERS) as u64)) " more" } }
    }
}

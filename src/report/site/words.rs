//! Pieces that several pages have: states, links to parts, audiences in words, commits.

use maud::{Markup, html};

use super::links;
use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use crate::report::clean;
use crate::report::number::{exact_percent, shortened};
use crate::report::plan;
use crate::report::status::decided;
use trialbook_history::Described;
use trialbook_model::targeting::share;
use trialbook_model::{ExperimentState, Kind, Predicate};

/// The most commits of a file that are listed.
const COMMITS: usize = 50;

/// So deep parts of an audience are written; what is deeper is left out.
const DEEPEST: usize = 12;

/// Writes the key of a part as a link to its page.
pub(super) fn link(kind: Kind, key: &str, up: &str) -> Markup {
    html! { a href={ (up) (links::part(kind, key)) } { (clean::one_line(key)) } }
}

/// Writes a state, and how it ended.
pub(super) fn state(status: &ExperimentStatus) -> Markup {
    let word = status.state.as_str();
    match (status.state, status.decision) {
        (ExperimentState::Concluded, Some(outcome)) => {
            html! { span.state.concluded { (word) ": " (decided(outcome)) } }
        }
        _ => html! { span class={ "state " (word) } { (word) } },
    }
}

/// Writes prose with its paragraphs.
pub(super) fn prose(text: &str) -> Markup {
    let text = clean::lines(text);
    html! { @for part in text.split("\n\n").filter(|part| !part.trim().is_empty()) { p.prose { (part.trim()) } } }
}

/// Writes an audience in words, with the share of traffic where attributes declare it.
pub(super) fn audience(site: &Site<'_>, audience: &Predicate, up: &str) -> Markup {
    let part = share(&site.book.inlined(audience), &site.book.attributes);
    html! {
        (predicate(audience, up, 0, false))
        @if let Some(part) = part.filter(|_| !audience.is_everyone()) {
            " (" (exact_percent((part * 1e4).round() / 1e4)) " of traffic)"
        }
    }
}

fn predicate(audience: &Predicate, up: &str, depth: usize, within: bool) -> Markup {
    if depth > DEEPEST {
        return html! { "…" };
    }
    let joined = |parts: &[Predicate], by: &str| {
        let many = within && parts.len() > 1;
        html! {
            @if many { "(" }
            @for (at, part) in parts.iter().enumerate() {
                @if at > 0 { (by) }
                (predicate(part, up, depth + 1, true))
            }
            @if many { ")" }
        }
    };
    match audience {
        Predicate::All(parts) if parts.is_empty() => html! { "everybody" },
        Predicate::Any(parts) if parts.is_empty() => html! { "nobody" },
        Predicate::All(parts) => joined(parts, " and "),
        Predicate::Any(parts) => joined(parts, " or "),
        Predicate::Not(part) => html! { "not (" (predicate(part, up, depth + 1, false)) ")" },
        Predicate::Segment(key) => html! { "in segment " (link(Kind::Segment, key.as_str(), up)) },
        Predicate::Attribute(key, test) => {
            html! { code { (key.as_str()) } " " (shortened(&plan::of_test(test), 300)) }
        }
    }
}

/// Writes the commits of a file, the newest first.
pub(super) fn history(site: &Site<'_>, commits: &[Described]) -> Markup {
    let calendar = crate::report::calendar::Calendar::new(&site.book.timezone);
    html! {
        @if commits.is_empty() {
            p.quiet { "No commit of it is known here." }
        } @else {
            ol.history { @for commit in commits.iter().take(COMMITS) {
                li { (calendar.day(commit.at)) " " (self::commit(site, commit)) }
            } }
            @if commits.len() > COMMITS { p.quiet { "and " (commits.len() - COMMITS) " older ones" } }
        }
    }
}

/// Writes a commit with its pull request, as links where the book names its repository.
pub(super) fn commit(site: &Site<'_>, commit: &Described) -> Markup {
    let base = site.book.github.as_ref().map(|github| format!("https://github.com/{}", github.repository));
    let base = base.and_then(|base| crate::report::escape::destination(&base));
    html! {
        @match &base {
            Some(base) => a href={ (base) "/commit/" (commit.commit.as_str()) } rel="noreferrer" { code { (commit.commit.short()) } },
            None => code { (commit.commit.short()) },
        }
        " " (shortened(&commit.subject, 120)) span.quiet { " by " (commit.author) }
        @if let (Some(number), Some(base)) = (commit.pull_request, &base) {
            " · " a href={ (base) "/pull/" (number) } rel="noreferrer" { "pull request #" (number) }
        }
    }
}

/// Writes where the file of a part is.
pub(super) fn file(site: &Site<'_>, kind: Kind, key: &str) -> Markup {
    html! { @if let Some(path) = site.path_of(kind, key) { p { "File: " code { (clean::one_line(path)) } } } }
}

//! Who meets whom: pairs of experiments, how much they have in common, and how that is known.

use std::io;

use maud::{Markup, html};

use super::shell::Shell;
use super::{Out, lists, words};
use crate::app::site::{Meeting, Relation};
use crate::report::clean;
use crate::report::number::{count, percent};
use trialbook_model::Kind;

/// The most pairs that are listed of each sort.
const PAIRS: usize = 400;

/// Writes the page.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let meetings = &out.site.meetings;
    let apart = |meeting: &&Meeting<'_>| {
        matches!(meeting.relation, Relation::ApartByAudience | Relation::ApartByLayer { .. })
    };
    let cannot: Vec<_> = meetings.pairs.iter().filter(apart).collect();
    let can: Vec<_> = meetings.pairs.iter().filter(|meeting| !apart(meeting)).collect();
    let main = html! {
        h1 { "Overlap" }
        p {
            "Pairs of experiments that are served at the same time and are not over: "
            strong { (count(can.len() as u64)) } " can have the same unit, " strong { (count(cannot.len() as u64)) } " cannot. "
            "Most pairs that meet do no harm: each meets the other in all its arms alike."
        }
        @if meetings.left_out > 0 {
            p.caution { "Only the " (count(meetings.compared as u64)) " experiments with the largest shares are compared; "
                (count(meetings.left_out as u64)) " others are not." }
        }
        h2 { "Can meet" }
        (table(&can, "pairs that meet"))
        h2 { "Cannot meet" }
        (table(&cannot, "pairs that cannot meet"))
    };
    let shell = Shell { stem: "overlap", title: "Overlap", within: "overlap.html", feeds: None };
    let shown: Vec<_> = can.iter().take(PAIRS).chain(cannot.iter().take(PAIRS)).collect();
    out.page(&shell, &main, &shown)
}

fn table(pairs: &[&Meeting<'_>], what: &str) -> Markup {
    html! {
        @if pairs.is_empty() { p.quiet { "None." } } @else {
            (lists::filter(what))
            div.scroll tabindex="0" { table data-filtered=(what) {
                thead { tr { th scope="col" { "Experiment" } th scope="col" { "Experiment" } th scope="col" { "Together" } } }
                tbody { @for pair in pairs.iter().take(PAIRS) { tr {
                    td { (words::link(Kind::Experiment, pair.a.as_str(), "")) }
                    td { (words::link(Kind::Experiment, pair.b.as_str(), "")) }
                    td { (relation(&pair.relation, "")) }
                } } }
            } }
            @if pairs.len() > PAIRS { p.quiet { "and " (count((pairs.len() - PAIRS) as u64)) " more" } }
        }
    }
}

/// Words whether two experiments can have the same unit.
pub(super) fn relation(relation: &Relation<'_>, up: &str) -> Markup {
    match relation {
        Relation::Meet { share: Some(share), .. } => {
            html! { (small(*share)) " of traffic is in both (from the declared shares of attributes)" }
        }
        Relation::Meet { share: None, drawn } => {
            html! { (small(*drawn)) " of the units in both audiences; how many those are is not declared" }
        }
        Relation::ApartByLayer { layer } => {
            html! { "kept apart by the buckets of layer " (words::link(Kind::Layer, layer.as_str(), up)) }
        }
        Relation::ApartByAudience => html! { "no context is in both audiences (proved)" },
        Relation::OtherUnits { of_a, of_b } => {
            html! { "different units (" (of_a.as_str()) " and " (of_b.as_str()) "): they meet where one belongs to the other" }
        }
        Relation::Undecided { reason } => {
            html! { strong.caution { "undecided" } ": " (clean::one_line(reason)) }
        }
    }
}

/// Writes a share with the digits that it needs.
fn small(share: f64) -> String {
    if share > 0.0 && share < 0.0005 {
        "less than 0.05\u{a0}%".to_owned()
    } else {
        percent(share, if share < 0.1 { 2 } else { 0 })
    }
}

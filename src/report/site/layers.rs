//! Layers: who holds which buckets when, what is free, and for how long.

use std::io;

use maud::html;
use rayon::prelude::*;
use serde::Serialize;

use super::shell::Shell;
use super::{Out, drawings, links, lists, words};
use crate::app::site::LayerPage;
use crate::app::status::ExperimentStatus;
use crate::report::calendar::{Calendar, duration};
use crate::report::clean;
use crate::report::number::{count, percent};
use trialbook_model::{BUCKETS, Kind};

/// The most free ranges that are listed.
const FREE: usize = 20;

#[derive(Serialize)]
struct Summary<'v> {
    layer: &'v str,
    free_now: u32,
    waiting: usize,
}

impl<'v> Summary<'v> {
    fn of(page: &'v LayerPage<'_>) -> Self {
        Self { layer: page.layer.key.as_str(), free_now: page.free_now, waiting: page.waiting.len() }
    }
}

/// Writes the list of layers, and the page of each with its feeds.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let site = out.site;
    let main = html! {
        h1 { "Layers" }
        p { "Experiments of one layer never have the same unit: each holds buckets of its own." }
        @if site.layers.is_empty() { p.quiet { "The book has none." } } @else {
            (lists::filter("layers"))
            div.scroll tabindex="0" { table data-filtered="layers" {
                thead { tr { th scope="col" { "Layer" } th scope="col" { "Free now" } th scope="col" { "Owner" } th.number scope="col" { "Waiting" } } }
                tbody { @for page in &site.layers { tr {
                    th scope="row" { (words::link(Kind::Layer, page.layer.key.as_str(), "")) }
                    td { (drawings::share(page.free_share())) }
                    td { @if let Some(owner) = &page.layer.owner { (clean::one_line(owner)) } }
                    td.number { (count(page.waiting.len() as u64)) }
                } } }
            } }
        }
    };
    let rows: Vec<Summary<'_>> = site.layers.iter().map(Summary::of).collect();
    let shell = Shell { stem: "layers", title: "Layers", within: "layers.html", feeds: None };
    out.page(&shell, &main, &rows)?;
    site.layers.par_iter().try_for_each(|page| one(out, page))
}

fn one(out: &Out<'_>, page: &LayerPage<'_>) -> io::Result<()> {
    let site = out.site;
    let calendar = Calendar::new(&site.book.timezone);
    let key = page.layer.key.as_str();
    let stem = links::stem(Kind::Layer, key);
    let members: Vec<&ExperimentStatus> =
        site.statuses(|status| status.layer.as_ref() == Some(&page.layer.key));
    let title = format!("Layer {key}");
    let main = html! {
        h1 { (title) }
        (words::prose(&page.layer.description))
        p {
            strong { (percent(page.free_share(), 0)) } " of " (count(BUCKETS.into())) " buckets are free now. "
            "A freed bucket rests for " (duration(page.layer.quarantine)) "."
        }
        h2 { "Buckets over time" }
        p.quiet { "Buckets from the top, 0, to the bottom, 9 999; dotted: at rest after an experiment." }
        (drawings::layer_map(site, page, "../"))
        h2 { "Free space" }
        @if page.free.is_empty() { p { "Nothing is free now." } } @else {
            table {
                thead { tr { th scope="col" { "Buckets" } th.number scope="col" { "Share" } th scope="col" { "Free" } } }
                tbody { @for free in page.free.iter().take(FREE) { tr {
                    th scope="row" { (free.buckets) }
                    td.number { (percent(f64::from(free.buckets.count()) / f64::from(BUCKETS), 1)) }
                    td { @match free.until { Some(until) => { "until " (calendar.day(until)) }, None => "not booked" } }
                } } }
            }
        }
        @if !page.waiting.is_empty() {
            h2 { "Waiting for buckets" }
            ul { @for key in &page.waiting { li { (words::link(Kind::Experiment, key.as_str(), "../")) } } }
            p.quiet { code { "trialbook allocate" } " gives them buckets." }
        }
        h2 { "Experiments" }
        @let shown: Vec<_> = members.iter().copied().take(super::ROWS).collect();
        (lists::table(site, &shown, "../"))
        h2 { "History" }
        (words::file(site, Kind::Layer, key))
        (words::history(site, &site.history_of(Kind::Layer, key)))
    };
    let shell = Shell { stem: &stem, title: &title, within: "layers.html", feeds: Some(&stem) };
    out.page(&shell, &main, page)?;
    super::feeds::of(out, &stem, &title, &members)
}

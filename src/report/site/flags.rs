//! Flags: who answers for them, whom they serve what, when they should be gone.

use std::io;

use maud::{Markup, html};
use rayon::prelude::*;

use super::shell::Shell;
use super::{Out, ROWS, links, lists, words};
use crate::app::site::Site;
use crate::report::calendar::Calendar;
use crate::report::clean;
use crate::report::number::shortened;
use trialbook_model::{Flag, Kind};

/// The most rules and variants that are listed of a flag.
const LISTED: usize = 100;

/// The longest value that is shown, in characters.
const VALUE: usize = 400;

/// Writes the list of flags and the page of each.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let site = out.site;
    let calendar = Calendar::new(&site.book.timezone);
    let all: Vec<&Flag> = site.book.flags.values().collect();
    let pages = all.len().div_ceil(ROWS).max(1);
    for page in 0..pages {
        let part = all.get(page * ROWS..(page * ROWS + ROWS).min(all.len())).unwrap_or_default();
        let stem = lists::paged("flags", page);
        let main = html! {
            h1 { "Flags" }
            (lists::pager("flags", page, pages))
            (lists::filter("flags"))
            div.scroll tabindex="0" { table data-filtered="flags" {
                thead { tr { th scope="col" { "Flag" } th scope="col" { "What it decides" } th scope="col" { "Default" } th scope="col" { "Owner" }
                    th scope="col" { "Expires" } th scope="col" { "Last change" } } }
                tbody { @for flag in part { tr {
                    th scope="row" { (words::link(Kind::Flag, flag.key.as_str(), "")) (condition(flag)) }
                    td { (shortened(&flag.description, 100)) }
                    td { code { (clean::one_line(flag.default.as_str())) } }
                    td { (clean::one_line(&flag.owner)) }
                    td { (expires(site, flag, &calendar)) }
                    td { @if let Some(last) = site.history_of(Kind::Flag, flag.key.as_str()).first() { (calendar.day(last.at)) } }
                } } }
            } }
        };
        let keys: Vec<&str> = part.iter().map(|flag| flag.key.as_str()).collect();
        let shell = Shell { stem: &stem, title: "Flags", within: "flags.html", feeds: None };
        out.page(&shell, &main, &keys)?;
    }
    all.par_iter().try_for_each(|flag| one(out, flag, &calendar))
}

fn condition(flag: &Flag) -> Markup {
    html! {
        @if flag.archived { " " span.state.over { "archived" } } @else if !flag.enabled { " " span.state.overdue { "switched off" } }
    }
}

fn expires(site: &Site<'_>, flag: &Flag, calendar: &Calendar) -> Markup {
    html! { @if let Some(at) = flag.expires {
        @if at <= site.at { strong.bad { "expired " (calendar.day(at)) } } @else { (calendar.day(at)) }
    } }
}

fn one(out: &Out<'_>, flag: &Flag, calendar: &Calendar) -> io::Result<()> {
    let site = out.site;
    let key = flag.key.as_str();
    let stem = links::stem(Kind::Flag, key);
    let main = html! {
        p.eyebrow { "Flag" }
        h1 { code { (clean::one_line(key)) } (condition(flag)) }
        (words::prose(&flag.description))
        dl {
            dt { "Owner" } dd { (clean::one_line(&flag.owner)) }
            @if !flag.surfaces.is_empty() {
                dt { "Surface" } dd { @for (at, surface) in flag.surfaces.iter().enumerate() { @if at > 0 { ", " } (surface.as_str()) } }
            }
            dt { "Default" } dd { code { (clean::one_line(flag.default.as_str())) } }
            @if flag.expires.is_some() { dt { "Expires" } dd { (expires(site, flag, calendar)) } }
        }
        h2 { "Who gets what" }
        (order(site, flag))
        h2 { "Variants" }
        div.scroll tabindex="0" { table {
            thead { tr { th scope="col" { "Variant" } th scope="col" { "Value" } } }
            tbody { @for (variant, value) in flag.variants.iter().take(LISTED) { tr {
                th scope="row" { code { (clean::one_line(variant.as_str())) } }
                td { code { (shortened(&value.to_string(), VALUE)) } }
            } } }
        } }
        @if !flag.overrides.is_empty() {
            h2 { "Served differently" }
            ul { @for (target, differently) in &flag.overrides { li {
                "in " code { (target.as_str()) } ": "
                @if differently.enabled == Some(false) { "switched off; " }
                @if let Some(default) = &differently.default { "default " code { (clean::one_line(default.as_str())) } "; " }
                @if let Some(rules) = &differently.rules { (rules.len()) " rules of its own" }
            } } }
        }
        h2 { "History" }
        (words::file(site, Kind::Flag, key))
        (words::history(site, &site.history_of(Kind::Flag, key)))
    };
    let shell = Shell { stem: &stem, title: key, within: "flags.html", feeds: None };
    out.page(&shell, &main, flag)
}

/// Lists what is asked, in its order.
fn order(site: &Site<'_>, flag: &Flag) -> Markup {
    html! {
        @if !flag.enabled { p.caution { "Switched off: everybody gets the default." } }
        ol {
            @for rule in flag.rules.iter().take(LISTED) { li {
                "rule: " (words::audience(site, &rule.when, "../")) " gets " code { (clean::one_line(rule.serve.as_str())) }
            } }
            @if flag.rules.len() > LISTED { li.quiet { (flag.rules.len() - LISTED) " more rules" } }
            @for experiment in site.book.experiments_of(&flag.key) { li {
                "experiment " (words::link(Kind::Experiment, experiment.key.as_str(), "../"))
                @if let Some(page) = site.experiment(experiment.key.as_str()) { " " (words::state(&page.status)) }
                ": " (experiment.allocation.largest()) " of " (words::audience(site, &experiment.audience, "../"))
            } }
            @for rollout in site.book.rollouts_of(&flag.key) { li {
                "rollout " code { (rollout.key.as_str()) } " of " code { (clean::one_line(rollout.serve.as_str())) }
                ", up to " (rollout.steps.largest()) ": " (words::audience(site, &rollout.audience, "../"))
            } }
            li { "everybody else gets " code { (clean::one_line(flag.default.as_str())) } }
        }
    }
}

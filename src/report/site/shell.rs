//! What every page has: the head, the way to the other pages, the foot.

use maud::{DOCTYPE, Markup, html};

use crate::app::site::Site;
use crate::report::calendar::Calendar;
use crate::report::clean;

/// The pages that every page leads to, with what they are called.
const PAGES: [(&str, &str); 9] = [
    ("index.html", "Calendar"),
    ("experiments.html", "Experiments"),
    ("layers.html", "Layers"),
    ("overlap.html", "Overlap"),
    ("metrics.html", "Metrics"),
    ("flags.html", "Flags"),
    ("segments.html", "Segments"),
    ("learning.html", "Learning"),
    ("search.html", "Search"),
];

/// Only what stands beside the page is loaded: no text of a book can bring a script or a request of its own.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'";

/// A page before it is written.
pub(super) struct Shell<'a> {
    /// Its path, without the ending.
    pub(super) stem: &'a str,
    /// What stands in the tab.
    pub(super) title: &'a str,
    /// The page of the menu that it belongs to.
    pub(super) within: &'a str,
    /// The feeds of what it shows, without their endings.
    pub(super) feeds: Option<&'a str>,
}

impl Shell<'_> {
    /// Writes the whole page.
    pub(super) fn write(&self, site: &Site<'_>, main: &Markup) -> String {
        let up = up(self.stem);
        let calendar = Calendar::new(&site.book.timezone);
        let name = clean::one_line(&site.book.name);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content="trialbook";
                    title { (clean::one_line(self.title)) " · " (name) }
                    link rel="stylesheet" href={ (up) "site.css" };
                    @if let Some(feeds) = self.feeds {
                        link rel="alternate" type="application/rss+xml" title="Events" href={ (up) (feeds) ".xml" };
                    }
                    link rel="alternate" type="application/json" href={ (up) (self.stem) ".json" };
                    script defer src={ (up) "site.js" } {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header {
                        p.brand { a href={ (up) "index.html" } { (name) } }
                        nav aria-label="Pages" { ul {
                            @for (path, text) in PAGES {
                                li { a href={ (up) (path) } aria-current=[(path == self.within).then_some("page")] { (text) } }
                            }
                        } }
                    }
                    main id="main" { (main) }
                    footer {
                        p {
                            "As of " (calendar.instant(site.at)) " (" (site.book.timezone) ")"
                            @if let Some(commit) = &site.commit { ", commit " code { (commit.commit.short()) } }
                            ". "
                            a href={ (up) (self.stem) ".json" } { "This page as JSON" }
                            @if let Some(feeds) = self.feeds {
                                " · " a href={ (up) (feeds) ".xml" } { "RSS" }
                                " · " a href={ (up) (feeds) ".ics" } { "Calendar file (ICS)" }
                            }
                        }
                    }
                }
            }
        };
        page.into_string()
    }
}

/// Returns the way from a page to the folder of the site.
pub(super) fn up(stem: &str) -> &'static str {
    if stem.contains('/') { "../" } else { "" }
}

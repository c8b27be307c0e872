//! The pages that a team looks at: static HTML that works from a folder, without a network and without scripts.

mod drawings;
mod experiment;
mod feeds;
mod flags;
mod layers;
mod learning;
mod links;
mod lists;
mod metrics;
mod overlap;
mod overview;
mod search;
mod shell;
mod timeline;
mod words;

use std::io;

use rayon::prelude::*;
use serde::Serialize;

use crate::app::site::Site;
use crate::app::status::ExperimentStatus;
use links::Group;
use shell::Shell;

/// So many rows stand on one page of a list.
const ROWS: usize = 400;

/// The folders of the site.
pub const FOLDERS: [&str; 7] = ["experiment", "flag", "layer", "metric", "segment", "surface", "team"];

/// Takes a file of the site: its path, relative to the site's folder, and its text.
pub trait Sink: Sync {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    fn write(&self, path: &str, text: &str) -> io::Result<()>;
}

/// How the site is written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address under which it will be found, with a final slash: for the links of feeds, which a reader opens elsewhere.
    pub url: Option<String>,
}

/// Writes every page of a site.
///
/// # Errors
///
/// The first one of the sink.
pub fn write(site: &Site<'_>, options: &Options, sink: &dyn Sink) -> io::Result<()> {
    let out = Out { site, options, sink };
    out.sink.write("site.css", include_str!("site.css"))?;
    out.sink.write("site.js", include_str!("site.js"))?;
    overview::write(&out)?;
    lists::experiments(&out)?;
    layers::write(&out)?;
    overlap::write(&out)?;
    metrics::write(&out)?;
    flags::write(&out)?;
    lists::segments(&out)?;
    learning::write(&out)?;
    search::write(&out)?;
    feeds::of(&out, "events", "All events", &site.statuses(|_| true))?;
    for group in Group::ALL {
        overview::group(&out, group)?;
    }
    site.experiments.par_iter().try_for_each(|page| experiment::write(&out, page))
}

/// What every part of the site needs in order to be written.
struct Out<'a> {
    site: &'a Site<'a>,
    options: &'a Options,
    sink: &'a dyn Sink,
}

impl Out<'_> {
    /// Writes a page, and its values as JSON beside it.
    fn page<T: Serialize>(&self, shell: &Shell<'_>, main: &maud::Markup, values: &T) -> io::Result<()> {
        self.sink.write(&format!("{}.html", shell.stem), &shell.write(self.site, main))?;
        let text = serde_json::to_string(values).map_err(io::Error::from)?;
        self.sink.write(&format!("{}.json", shell.stem), &text)
    }
}

/// Statuses as columns: a list of thousands stays small.
#[derive(Serialize)]
struct Columns<'a> {
    key: Vec<&'a str>,
    title: Vec<&'a str>,
    owner: Vec<&'a str>,
    state: Vec<&'static str>,
    start: Vec<i64>,
    end: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(statuses: &[&'a ExperimentStatus]) -> Self {
        let all = || statuses.iter();
        Self {
            key: all().map(|status| status.key.as_str()).collect(),
            title: all().map(|status| status.title.as_str()).collect(),
            owner: all().map(|status| status.owner.as_str()).collect(),
            state: all().map(|status| status.state.as_str()).collect(),
            start: all().map(|status| status.since.as_second()).collect(),
            end: all().map(|status| status.end.as_second()).collect(),
        }
    }
}

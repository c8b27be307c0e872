//! Search over everything: columns of keys and titles, deflated, which a script unpacks; without scripts the lists lead on.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use maud::html;
use serde::Serialize;

use super::shell::Shell;
use super::{Out, links};
use crate::report::clean;
use crate::report::number::count;
use trialbook_model::Kind;

/// What can be found, as columns.
#[derive(Default, Serialize)]
struct Index {
    kind: Vec<&'static str>,
    key: Vec<String>,
    text: Vec<String>,
    owner: Vec<String>,
    state: Vec<&'static str>,
    /// Where the page is not `KIND/KEY.html`.
    page: Vec<String>,
}

impl Index {
    fn add(&mut self, kind: Kind, key: &str, text: &str, owner: &str, state: &'static str) {
        let page = links::part(kind, key);
        let plain = format!("{}/{key}.html", kind.as_str());
        self.kind.push(kind.as_str());
        self.key.push(clean::one_line(key));
        self.text.push(clean::one_line(text));
        self.owner.push(clean::one_line(owner));
        self.state.push(state);
        self.page.push(if page == plain { String::new() } else { page });
    }
}

#[derive(Serialize)]
struct Size {
    parts: usize,
}

/// Writes the page and its data.
pub(super) fn write(out: &Out<'_>) -> io::Result<()> {
    let book = out.site.book;
    let mut index = Index::default();
    for page in &out.site.experiments {
        let status = &page.status;
        index.add(Kind::Experiment, status.key.as_str(), &status.title, &status.owner, status.state.as_str());
    }
    for flag in book.flags.values() {
        index.add(Kind::Flag, flag.key.as_str(), &flag.description, &flag.owner, "");
    }
    for metric in book.metrics.values() {
        let owner = metric.owner.as_deref().unwrap_or_default();
        index.add(Kind::Metric, metric.key.as_str(), &metric.description, owner, "");
    }
    for segment in book.segments.values() {
        index.add(Kind::Segment, segment.key.as_str(), &segment.description, "", "");
    }
    for layer in book.layers.values() {
        let owner = layer.owner.as_deref().unwrap_or_default();
        index.add(Kind::Layer, layer.key.as_str(), &layer.description, owner, "");
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&serde_json::to_vec(&index).map_err(io::Error::from)?)?;
    let packed = BASE64_STANDARD.encode(encoder.finish()?);
    // A script, because a page that is opened from a folder may not fetch a file.
    out.sink.write("search-data.js", &format!("window.trialbook=\"{packed}\";\n"))?;
    let main = html! {
        h1 { "Search" }
        p.script {
            label for="search" { "Experiments, flags, metrics, segments and layers, by key, title or owner" }
            br;
            input.wide id="search" type="search" autocomplete="off" data-search="";
        }
        p id="found" role="status" {}
        ul.found id="results" {}
        noscript { p {
            "Search needs a script. Without one, look through the lists: "
            a href="experiments.html" { "experiments" } ", " a href="flags.html" { "flags" } ", " a href="metrics.html" { "metrics" } ", "
            a href="segments.html" { "segments" } ", " a href="layers.html" { "layers" } "."
        } }
        p.quiet { (count(index.key.len() as u64)) " parts of the book can be found." }
        script defer src="search-data.js" {}
    };
    let shell = Shell { stem: "search", title: "Search", within: "search.html", feeds: None };
    out.page(&shell, &main, &Size { parts: index.key.len() })
}

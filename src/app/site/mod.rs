//! The content of the pages, as values: what is tested, where, on whom, and with what result.

mod experiment;
mod folder;
mod layer;
mod learning;
mod meetings;
mod publish;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use rayon::prelude::*;

use super::outcomes::Outcomes;
use super::status::{ExperimentStatus, LaunchRecord};
use trialbook_history::{Described, Log};
use trialbook_language::load::Loaded;
use trialbook_model::{Book, ExperimentKey, Kind};

pub use experiment::{ExperimentPage, Look, MetricLook, Movement};
pub use layer::{Free, LayerPage, Occupied};
pub use learning::{Learning, Row, Shrinkage, ShrunkEffect};
pub use meetings::{Meeting, Meetings, Relation};
pub use publish::{Publication, SiteError, publish};

/// What the pages are made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The book.
    pub book: &'a Book,
    /// Its files.
    pub loaded: &'a Loaded,
    /// What git records of launches.
    pub launches: &'a BTreeMap<ExperimentKey, LaunchRecord>,
    /// The outcomes that were stored.
    pub outcomes: &'a Outcomes,
    /// The commits that changed the book; `None` outside git.
    pub log: Option<&'a Log>,
    /// The present.
    pub at: Timestamp,
}

/// The book as the pages show it.
#[derive(Debug)]
pub struct Site<'a> {
    /// The book.
    pub book: &'a Book,
    /// The present.
    pub at: Timestamp,
    /// The newest commit that changed the book.
    pub commit: Option<Described>,
    /// The experiments, by key.
    pub experiments: Vec<ExperimentPage<'a>>,
    /// The layers, by key.
    pub layers: Vec<LayerPage<'a>>,
    /// Which experiments can meet.
    pub meetings: Meetings<'a>,
    /// What was learned.
    pub learning: Learning,
    files: Files<'a>,
}

impl<'a> Site<'a> {
    /// Puts the pages' values together.
    pub fn new(sources: &Sources<'a>) -> Self {
        let files = Files::new(sources);
        let book = sources.book;
        let experiments: Vec<_> = book
            .experiments
            .par_iter()
            .map(|(_, experiment)| ExperimentPage::new(sources, experiment, &files))
            .collect();
        let layers =
            book.layers.par_iter().map(|(_, layer)| LayerPage::new(book, layer, sources.at)).collect();
        let learning = Learning::new(book, &experiments, sources.log, sources.at);
        let commit = sources.log.and_then(|log| log.commits.first()).map(|logged| logged.commit.clone());
        let meetings = Meetings::new(book, sources.at);
        Self { book, at: sources.at, commit, experiments, layers, meetings, learning, files }
    }

    /// Returns an experiment's page.
    pub fn experiment(&self, key: &str) -> Option<&ExperimentPage<'a>> {
        let found = self.experiments.binary_search_by(|page| page.status.key.as_str().cmp(key)).ok()?;
        self.experiments.get(found)
    }

    /// Returns the path of a part's file, from the book's folder.
    pub fn path_of(&self, kind: Kind, key: &str) -> Option<&'a str> {
        self.files.path_of(kind, key)
    }

    /// Returns the commits that touched a part's file, the newest first.
    pub fn history_of(&self, kind: Kind, key: &str) -> Vec<Described> {
        self.files.path_of(kind, key).map(|path| self.files.history_of(path)).unwrap_or_default()
    }

    /// Returns the states of some experiments, in their order.
    pub fn statuses(&self, wanted: impl Fn(&ExperimentStatus) -> bool) -> Vec<&ExperimentStatus> {
        self.experiments.iter().map(|page| &page.status).filter(|status| wanted(status)).collect()
    }
}

/// Which commits touched which file.
#[derive(Debug)]
struct Files<'a> {
    loaded: &'a Loaded,
    log: Option<&'a Log>,
    /// By the name of the file, which it keeps where it moves between folders: places in the log, the newest first.
    touched: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Files<'a> {
    fn new(sources: &Sources<'a>) -> Self {
        let mut touched: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, logged) in sources.log.iter().flat_map(|log| log.commits.iter().enumerate()) {
            for file in &logged.touched {
                if let Some(name) = Path::new(&file.path).file_name().and_then(|name| name.to_str()) {
                    let places = touched.entry(name).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
        }
        Self { loaded: sources.loaded, log: sources.log, touched }
    }

    fn path_of(&self, kind: Kind, key: &str) -> Option<&'a str> {
        self.loaded.documents.path_of(kind, key)
    }

    fn history_of(&self, path: &str) -> Vec<Described> {
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
        let places = self.touched.get(name).map(Vec::as_slice).unwrap_or_default();
        let logged = places.iter().filter_map(|place| self.log?.commits.get(*place));
        logged.map(|logged| logged.commit.clone()).collect()
    }
}

//! The book at the commits that may have changed what a flag serves.

use std::cell::RefCell;
use std::path::Path;

use jiff::Timestamp;

use crate::app::AppError;
use trialbook_history::{Described, HistoryError, Logged, Repository};
use trialbook_language::load::{self, Loaded};
use trialbook_model::{Book, FlagKey};

/// How many commits of the main line are looked at.
const LOOKED_AT: usize = 20_000;

/// How many books are read at most: of the newest commits that concern the flag.
const READ: usize = 200;

/// The book at the commits that concern a flag, the oldest first.
pub(super) struct Books<'a> {
    repository: Option<&'a Repository>,
    log: Vec<Logged>,
    /// The places in the log, which is newest first, of what concerns the flag.
    concerning: Vec<usize>,
    broken: RefCell<Vec<Described>>,
    /// Whether that is the whole history.
    pub(super) complete: bool,
}

/// A book, and from when until when it was the book.
pub(super) struct Stretch<'b> {
    /// What was read.
    pub(super) loaded: &'b Loaded,
    /// Its commit; `None` where the files are read as they are.
    pub(super) commit: Option<&'b Described>,
    /// Its place in the log.
    pub(super) position: usize,
    /// From when on.
    pub(super) since: Option<Timestamp>,
    /// Until when; `None`: up to now.
    pub(super) until: Option<Timestamp>,
}

impl<'a> Books<'a> {
    /// Finds the commits that concern a flag.
    pub(super) fn of_flag(repository: Option<&'a Repository>, flag: &FlagKey) -> Result<Self, HistoryError> {
        let Some(git) = repository else {
            let (log, concerning) = (Vec::new(), Vec::new());
            return Ok(Self { repository, log, concerning, broken: RefCell::default(), complete: true });
        };
        let log = git.log(LOOKED_AT)?;
        let mut concerning = concerning(git, &log.commits, flag);
        let complete = log.complete && concerning.len() <= READ;
        concerning.truncate(READ);
        concerning.reverse();
        Ok(Self { repository, log: log.commits, concerning, broken: RefCell::default(), complete })
    }

    /// Gives each book to a function, the oldest first. A book with errors is passed over: nothing is applied from it.
    pub(super) fn each(&self, files: &Loaded, mut take: impl FnMut(&Stretch<'_>)) -> Result<(), AppError> {
        let Some(git) = self.repository.filter(|_| !self.concerning.is_empty()) else {
            take(&Stretch { loaded: files, commit: None, position: 0, since: None, until: None });
            return Ok(());
        };
        let mut before: Option<(Loaded, usize)> = None;
        for position in &self.concerning {
            let Some(logged) = self.log.get(*position) else { continue };
            let loaded = load::load(git.files_at(&logged.commit.commit)?);
            if loaded.book.is_none() {
                self.broken.borrow_mut().push(logged.commit.clone());
                continue;
            }
            if let Some((loaded, at)) = before.replace((loaded, *position)) {
                self.give(&loaded, at, Some(logged.commit.at), &mut take);
            }
        }
        if let Some((loaded, at)) = before {
            self.give(&loaded, at, None, &mut take);
        }
        Ok(())
    }

    fn give(
        &self,
        loaded: &Loaded,
        position: usize,
        until: Option<Timestamp>,
        take: &mut impl FnMut(&Stretch<'_>),
    ) {
        let commit = self.log.get(position).map(|logged| &logged.commit);
        let since = commit.map(|commit| commit.at);
        take(&Stretch { loaded, commit, position, since, until });
    }

    /// Returns the commits whose books have errors, the oldest first.
    pub(super) fn broken(&self) -> Vec<Described> {
        self.broken.borrow().clone()
    }

    /// Returns the newest commit, not after that of a place in the log, that touched a file; a file that moved between folders keeps
    /// its name.
    pub(super) fn last_touching(&self, path: &str, position: usize) -> Option<Described> {
        let name = Path::new(path).file_name()?;
        let touches = |logged: &&Logged| {
            let mut touched = logged.touched.iter();
            touched.any(|file| Path::new(&file.path).file_name() == Some(name))
        };
        self.log.get(position..)?.iter().find(touches).map(|logged| logged.commit.clone())
    }
}

/// Returns the places of the commits that may change what a flag serves: those that touch a file that names it, the layer or
/// holdout or segment files that it may depend on, or the book itself.
pub(in crate::app) fn concerning(git: &Repository, log: &[Logged], flag: &FlagKey) -> Vec<usize> {
    let names = |path: &str, kind: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.strip_suffix(".yaml").is_some_and(|stem| stem.ends_with(&format!(".{kind}")))
    };
    let stem = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.split('.').next().unwrap_or(name).to_owned()
    };
    let own = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.strip_suffix(".flag.yaml") == Some(flag.as_str())
    };
    let parts = ["flag", "experiment", "rollout"];
    let mut claimants: Vec<String> = Vec::new();
    let mut found: Vec<(usize, bool)> = Vec::new();
    for (place, logged) in log.iter().enumerate() {
        let mut concerns = false;
        let mut layers = false;
        for touched in &logged.touched {
            let path = touched.path.as_str();
            let is_part = parts.iter().any(|kind| names(path, kind));
            if is_part && (own(path) || git.mentions(touched, &[flag.as_str()])) {
                concerns = true;
                if names(path, "experiment") {
                    claimants.push(stem(path));
                }
            }
            let shared = ["segment", "holdout"].iter().any(|kind| names(path, kind));
            concerns |= shared || path.rsplit('/').next() == Some(load::BOOK_FILE);
            layers |= names(path, "layer");
        }
        if concerns || layers {
            found.push((place, concerns));
        }
    }
    let claimants: Vec<&str> = claimants.iter().map(String::as_str).collect();
    let by_layer = |place: usize| {
        let touched = log.get(place).into_iter().flat_map(|logged| &logged.touched);
        touched.filter(|one| names(&one.path, "layer")).any(|one| git.mentions(one, &claimants))
    };
    found
        .into_iter()
        .filter(|(place, concerns)| *concerns || by_layer(*place))
        .map(|(place, _)| place)
        .collect()
}

/// Returns the book of the main line at an instant with its commit: the newest one without errors that was there.
pub(super) fn book_at(git: &Repository, at: Timestamp) -> Result<Option<(Described, Book)>, HistoryError> {
    let log = git.log(LOOKED_AT)?;
    for logged in log.commits.into_iter().filter(|logged| logged.commit.at <= at) {
        if let Some(book) = load::load(git.files_at(&logged.commit.commit)?).book {
            return Ok(Some((logged.commit, book)));
        }
    }
    Ok(None)
}

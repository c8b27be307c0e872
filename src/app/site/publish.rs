//! Writing the pages: from the book, git and the stored outcomes to a folder.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::folder::Folder;
use super::{Site, Sources};
use crate::app::outcomes::{self, Outcomes};
use crate::app::{AppError, status};
use crate::report::site::{self as pages, Options};
use trialbook_history::Repository;
use trialbook_language::load::Loaded;
use trialbook_model::{Book, ExperimentKey};

/// The most commits whose changes are shown.
const COMMITS: usize = 5_000;

/// What a site is written from, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The book's folder.
    pub root: &'a Path,
    /// What was read from it.
    pub loaded: &'a Loaded,
    /// The book.
    pub book: &'a Book,
    /// The folder of stored outcomes.
    pub outcomes: Option<&'a Path>,
    /// The folder to write to.
    pub out: &'a Path,
    /// How it is written.
    pub options: &'a Options,
    /// The present.
    pub at: Timestamp,
}

/// Why a site is not written.
#[derive(Debug)]
pub enum SiteError {
    /// Git or an outcome could not be read.
    App(AppError),
    /// The folder holds files that are no site.
    OtherFiles,
    /// The folder cannot be written.
    Unwritable(io::Error),
}

impl<E: Into<AppError>> From<E> for SiteError {
    fn from(error: E) -> Self {
        Self::App(error.into())
    }
}

/// Writes a site. What an earlier run wrote into the folder is replaced.
///
/// # Errors
///
/// Where git or an outcome cannot be read, or the folder holds something else or cannot be written.
pub fn publish(publication: Publication<'_>) -> Result<(), SiteError> {
    let Publication { root, loaded, book, outcomes, out, options, at } = publication;
    let keys: Vec<ExperimentKey> = book.experiments.keys().cloned().collect();
    let launches = status::launches(root, &keys)?;
    let stored = match outcomes {
        Some(folder) => outcomes::read(folder, |name| book.experiments.contains_key(name))?,
        None => Outcomes::new(),
    };
    let repository = Repository::of_book(root)?;
    let log = repository.as_ref().map(|git| git.log(COMMITS)).transpose()?;
    let sources = Sources { book, loaded, launches: &launches, outcomes: &stored, log: log.as_ref(), at };
    let folder = Folder::prepare(out)?;
    let written = pages::write(&Site::new(&sources), options, &folder).and_then(|()| folder.finish());
    // As everywhere, what was read is not taken apart: the process ends.
    std::mem::forget(stored);
    written.map_err(SiteError::Unwritable)
}

//! `trialbook site`: the pages that a team looks at.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{At, Exit, Failure, Session, failed};
use crate::app::outcomes::{self, Outcomes};
use crate::app::site::{Site, Sources};
use crate::app::status;
use crate::report::site::{self, Options, Sink};
use trialbook_history::Repository;
use trialbook_model::ExperimentKey;

/// Write static pages for everybody: who tests what, where, on whom, with which metrics, and with what result
///
/// The pages need no server, no network and no scripts: open `index.html` in the folder, or publish the folder. They are a calendar,
/// layers, overlap between experiments, a page for each experiment, metric, flag, segment and layer, learning, search, feeds, and
/// each page's values as JSON. History and launches come from git, results from stored outcomes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to; it must be new, empty, or one that this command wrote
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A folder of outcomes, as `trialbook analyze --out FOLDER/` writes them, or with one such folder for each night
    #[arg(long, value_name = "FOLDER")]
    outcomes: Option<PathBuf>,
    /// The address at which the pages are published, for the links in feeds
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<String>,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

fn address(text: &str) -> Result<String, String> {
    let wrong = || "expected an address such as https://acme.github.io/experiments/".to_owned();
    let parsed = url::Url::parse(text).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.query().is_some() || parsed.fragment().is_some()
    {
        return Err(wrong());
    }
    let text = parsed.to_string();
    Ok(if text.ends_with('/') { text } else { format!("{text}/") })
}

/// The name of the file that lists what this command wrote into a folder, so that it may replace that.
const MARK: &str = ".trialbook-site";

/// The most commits whose changes are shown.
const COMMITS: usize = 5_000;

/// Writes the site.
///
/// # Errors
///
/// Where the book has errors, git or an outcome cannot be read, or the folder holds something else.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (book, at) = (opened.book()?, opened.instant(args.at));
    let failed = |error| failed::of(&error, &opened);
    let keys: Vec<ExperimentKey> = book.experiments.keys().cloned().collect();
    let launches = status::launches(&opened.root, &keys).map_err(failed)?;
    let stored = match &args.outcomes {
        Some(folder) => outcomes::read(folder, |name| book.experiments.contains_key(name)).map_err(failed)?,
        None => Outcomes::new(),
    };
    let repository = Repository::of_book(&opened.root).map_err(|error| failed(error.into()))?;
    let log =
        repository.as_ref().map(|git| git.log(COMMITS)).transpose().map_err(|error| failed(error.into()))?;
    let sources = Sources {
        book,
        loaded: &opened.loaded,
        launches: &launches,
        outcomes: &stored,
        log: log.as_ref(),
        at,
    };
    let folder = Folder::prepare(&args.out)?;
    let options = Options { url: args.url.clone() };
    site::write(&Site::new(&sources), &options, &folder)
        .and_then(|()| folder.finish())
        .map_err(|error| unwritable(&args.out, &error))?;
    session.inform(format_args!("{}: open it in a browser", args.out.join("index.html").display()));
    // As everywhere, what was read is not taken apart: the process ends.
    std::mem::forget((opened.loaded, stored));
    Ok(Exit::Done)
}

/// The folder of the site.
struct Folder<'a> {
    path: &'a Path,
    /// What lies in it of this command: files and folders.
    written: Mutex<BTreeSet<String>>,
}

impl<'a> Folder<'a> {
    /// Makes the folder, and removes what an earlier run of this command wrote there: pages of parts that are gone must not stay.
    fn prepare(path: &'a Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| unwritable(path, &error);
        let is_empty = match std::fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed(error)),
        };
        if !is_empty {
            let listed = std::fs::read_to_string(path.join(MARK)).map_err(|_| {
                Failure::new(Exit::Refused, format!("`{}` holds files that are no site", path.display()))
                    .help("name a new folder: nothing was written")
            })?;
            // A name of this command lies in the folder itself.
            let own = |name: &&str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
            for name in listed.lines().filter(own) {
                let owned = path.join(name);
                let gone = match std::fs::symlink_metadata(&owned) {
                    Ok(found) if found.is_dir() => std::fs::remove_dir_all(&owned),
                    Ok(_) => std::fs::remove_file(&owned),
                    Err(_) => Ok(()),
                };
                gone.map_err(failed)?;
            }
        }
        for name in site::FOLDERS {
            std::fs::create_dir_all(path.join(name)).map_err(failed)?;
        }
        let written = Mutex::new(site::FOLDERS.iter().map(|name| (*name).to_owned()).collect());
        let folder = Self { path, written };
        folder.finish().map_err(failed)?;
        Ok(folder)
    }

    /// Notes what was written, so that the next run can replace it.
    fn finish(&self) -> io::Result<()> {
        let written = self.written.lock().map_err(|_| io::Error::other("a page was not written"))?;
        let names: Vec<&str> = written.iter().map(String::as_str).collect();
        std::fs::write(self.path.join(MARK), names.join("\n") + "\n")
    }
}

impl Sink for Folder<'_> {
    fn write(&self, path: &str, text: &str) -> io::Result<()> {
        if !path.contains('/')
            && let Ok(mut written) = self.written.lock()
        {
            written.insert(path.to_owned());
        }
        // The folder is this command's own and is made anew: tens of thousands of files need no sync each.
        std::fs::write(self.path.join(path), text)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("cannot write the site to `{}`", path.display())).because(error)
}

//! `trialbook import`: a book from the flags that are served already.

use std::path::{Path, PathBuf};

use super::init::refuse_filled;
use super::write::new_file;
use super::{Exit, Failure, Session, failed};
use crate::app::import::{About, book};
use crate::app::init::{GITIGNORE, name_of};
use crate::report;
use trialbook_delivery::backend::flagd;
use trialbook_delivery::import;
use trialbook_model::Evaluator;

/// Create a book from the flags that you serve already
///
/// Reads a flag file, and writes a book that serves the same. Nothing live is touched: the book gets a copy of a file in
/// `live/production.json`; a store stays as it is until `trialbook plan --adopt` takes over its flags. Flags that a book cannot
/// express are left alone, and named with the reason.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The kind of the flag file
    #[arg(long, value_name = "KIND")]
    from: From,
    /// The flag file, or its store: `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `az://CONTAINER/PATH`, `git://REMOTE/BRANCH/PATH`
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The book's folder; created if it does not exist
    #[arg(value_name = "DIR", default_value = "experiments")]
    folder: PathBuf,
    /// The owner of the flags
    #[arg(long, value_name = "TEAM")]
    owner: String,
    /// The evaluator that serves the flags
    #[arg(long, value_name = "NAME", default_value = "javascript-4", value_parser = super::evaluate::evaluator_of_flagd)]
    evaluator: Evaluator,
}

/// What wrote the flags.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum From {
    /// A flag file of flagd.
    Flagd,
}

/// Where a book keeps a copy of the file that it was begun from.
const COPY: &str = "live/production.json";

/// Begins a book from what is live.
///
/// # Errors
///
/// Where the source cannot be read or is no flag file, the folder is filled, or it cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let folder = std::path::absolute(&args.folder)?;
    refuse_filled(&folder, &args.folder)?;
    let From::Flagd = args.from;
    let source = Source::new(&args.source, &folder)?;
    let bytes = flagd::read(&source.read, &source.root).map_err(|error| failed::of_backend(&error))?;
    let Some(bytes) = bytes else {
        return Err(Failure::new(Exit::NothingMatched, format!("there is nothing at `{}`", args.source)));
    };
    let unreadable = || Failure::new(Exit::Refused, format!("`{}` is not a flag file of flagd", args.source));
    let text = std::str::from_utf8(&bytes).map_err(|error| unreadable().because(&error))?;
    let imported = import::flagd::import(text).map_err(|error| unreadable().because(&error))?;
    let name = name_of(&folder);
    let about = About { book: &name, owner: &args.owner, store: &source.store, evaluator: args.evaluator };
    let begun = book(imported, &about);
    for (path, text) in &begun.files {
        new_file(&folder.join(path), text)?;
    }
    if source.is_copied {
        new_file(&folder.join(COPY), text)?;
    }
    let ignored = folder.join(".gitignore");
    if ignored.symlink_metadata().is_err() {
        new_file(&ignored, GITIGNORE)?;
    }
    let total = begun.flags + begun.left.len();
    session.inform(format_args!(
        "made a book in `{}` with {} of {total} flags",
        args.folder.display(),
        begun.flags
    ));
    for (flag, reason) in &begun.left {
        session.warn(format_args!("`{flag}` is left alone: {}", report::import::not_imported(reason)));
    }
    if source.is_copied {
        session.inform(format_args!(
            "`{COPY}` is a copy of `{}`: write where the flags are served from into `store:` of trialbook.yaml",
            args.source
        ));
    }
    session.inform("next:");
    session.inform(format_args!("  cd {}", args.folder.display()));
    session.inform("  trialbook lint                       checks the book");
    session.inform("  git add --all && git commit          an experiment is launched from a commit");
    session.inform("  trialbook plan --adopt               shows what taking the flags over would replace");
    Ok(Exit::Done)
}

/// Where the flags are.
struct Source {
    /// The store, as the book names it.
    store: String,
    /// The store, as it is read.
    read: String,
    /// The folder that it is read from: the book's, or what there is of the way to it.
    root: PathBuf,
    /// Whether the book's store is a copy of a file that is somewhere else.
    is_copied: bool,
}

impl Source {
    /// Takes a store as it is. A book's files are in the book, so a file elsewhere is copied into it.
    fn new(source: &str, folder: &Path) -> Result<Self, Failure> {
        let there = folder.ancestors().find_map(|above| std::fs::canonicalize(above).ok());
        let root = there.unwrap_or_else(|| folder.to_owned());
        if source.contains("://") {
            return Ok(Self { store: source.to_owned(), read: source.to_owned(), root, is_copied: false });
        }
        let file = std::fs::canonicalize(source).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("cannot read `{source}`")).because(&error)
        })?;
        let file = file.to_str().ok_or_else(|| {
            let message = format!("the path of `{source}` is not UTF-8");
            Failure::new(Exit::Usage, message).help("rename it, or one of its folders")
        })?;
        Ok(Self { store: format!("file://{COPY}"), read: format!("file://{file}"), root, is_copied: true })
    }
}

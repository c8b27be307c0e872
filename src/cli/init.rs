//! `trialbook init`: a book to begin with.

use std::path::{Path, PathBuf};

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::write::new_file;
use super::{At, Exit, Failure, Session};
use crate::app::init::{self as app, repository_of};
use trialbook_language::load::BOOK_FILE;

/// Create a book: a flag, an experiment, its metrics and their sources, and a workflow that lints it
///
/// With `--ci` the workflows do more: they review each change, apply it after the merge, and post the results as comments. In a
/// repository that has a book already, only the workflows are written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The book's folder; created if it does not exist
    #[arg(value_name = "DIR", default_value = "experiments")]
    folder: PathBuf,
    /// Use this date or instant as the current time; the experiment starts a week later
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// Write the workflows for this CI server
    #[arg(long, value_name = "CI")]
    ci: Option<Ci>,
}

/// A CI server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ci {
    /// GitHub Actions: pull request, comment, apply, drift and results.
    Github,
    /// GitLab CI: one file to be included.
    Gitlab,
}

/// What `.gitignore` has, for people.
const IGNORED: &str = "/live/, /outcomes/, *.plan and warehouse.duckdb*";

/// Begins a book.
///
/// # Errors
///
/// Where the folder holds a book or other YAML already, or cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let folder = std::path::absolute(&args.folder)?;
    let book = folder.ancestors().find(|above| above.join(BOOK_FILE).exists());
    if let (Some(ci), Some(book)) = (args.ci, book) {
        let (repository, inside) = repository_of(book);
        return write_ci(ci, &repository, &inside, session);
    }
    refuse_filled(&folder, &args.folder)?;
    let today = At::or_now(args.at, &TimeZone::UTC).to_zoned(TimeZone::UTC).date();
    let dates = (after(today, 7)?, after(today, 28)?);
    let (repository, inside) = repository_of(&folder);
    let (workflow_path, workflow_text) = app::workflow(&inside);
    let workflow = repository.join(&workflow_path);
    let files = app::book(&folder, dates);
    let count = files.len();
    for (path, text) in files {
        // Names that begin with a dot do not keep a folder from being empty: what is in them stays.
        if path.starts_with('.') && folder.join(&path).symlink_metadata().is_ok() {
            session.inform(format_args!("`{path}` is left as it is: add {IGNORED} to it"));
            continue;
        }
        new_file(&folder.join(&path), &text)?;
    }
    let mut made = format!("made a book in `{}` with {} files", args.folder.display(), count);
    if args.ci.is_some() {
        // They are written below, and lint too.
    } else if workflow.exists() {
        made.push_str(&format!("; the workflow `{workflow_path}` is left as it is"));
    } else {
        new_file(&workflow, &workflow_text)?;
        made.push_str(&format!(", and the workflow `{workflow_path}`"));
        if !app::IS_RELEASE {
            made.push_str("; set TRIALBOOK_VERSION in it to a released version: this program is no release");
        }
    }
    session.inform(made);
    if let Some(ci) = args.ci {
        write_ci(ci, &repository, &inside, session)?;
    }
    session.inform("next:");
    session.inform(format_args!("  cd {}", args.folder.display()));
    session.inform("  trialbook lint                       checks the book: no findings yet");
    session.inform("  git add --all && git commit          an experiment is launched from a commit");
    session.inform("  trialbook plan                       shows what would be served");
    session.inform("  trialbook new experiment KEY         creates an experiment of your own");
    session
        .inform(format_args!("write your teams, surfaces and tables into {BOOK_FILE} and the other files"));
    Ok(Exit::Done)
}

/// Writes the workflows of a CI server; those that are there stay.
fn write_ci(ci: Ci, repository: &Path, folder: &str, session: &Session) -> Result<Exit, Failure> {
    let files = match ci {
        Ci::Github => app::github(folder),
        Ci::Gitlab => app::gitlab(folder),
    };
    for (path, text) in files {
        let file = repository.join(&path);
        if file.symlink_metadata().is_ok() {
            session.inform(format_args!("`{path}` is left as it is"));
            continue;
        }
        new_file(&file, &text)?;
        session.inform(format_args!("made `{path}`"));
        if app::lacks_commit(&text) {
            session.inform("  write a commit of trialbook where the zeros are: this program is no release, so it knows none");
        }
    }
    if !app::IS_RELEASE && ci == Ci::Gitlab {
        session.inform("  set TRIALBOOK_VERSION to a released version in it: this program is no release");
    }
    session.inform("the workflows keep no file between two runs: write a `store` on a git branch or in a bucket into trialbook.yaml");
    if ci == Ci::Gitlab {
        session.inform("include it from `.gitlab-ci.yml`: `include: [{local: .gitlab/trialbook.yml}]`");
    }
    Ok(Exit::Done)
}

fn after(today: Date, days: i64) -> Result<Date, Failure> {
    today
        .checked_add(Span::new().days(days))
        .map_err(|error| Failure::new(Exit::Usage, "the date is out of range").because(&error))
}

/// A book that is there, and YAML that may belong to something else, are not touched.
pub(super) fn refuse_filled(folder: &Path, shown: &Path) -> Result<(), Failure> {
    if let Some(book) = folder.ancestors().find(|above| above.join(BOOK_FILE).exists()) {
        return Err(Failure::new(Exit::Refused, format!("there is a book in `{}`", book.display()))
            .help("`trialbook new KIND KEY` adds a file to it"));
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let message = format!("cannot create a book in `{}`", shown.display());
            return Err(Failure::new(Exit::Unreachable, message).because(&error).help("name a new folder"));
        }
    };
    for entry in entries {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            return Err(Failure::new(
                Exit::Refused,
                format!("`{}` is not empty: it holds `{}`", shown.display(), name.to_string_lossy()),
            )
            .help("name a new folder: `trialbook init experiments`"));
        }
    }
    Ok(())
}

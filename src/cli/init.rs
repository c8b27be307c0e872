//! `trialbook init`: a book to begin with.

use std::path::{Path, PathBuf};

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::write::new_file;
use super::{At, Exit, Failure, Session};
use trialbook_language::load::BOOK_FILE;

/// Begin a book: a flag, an experiment, its metrics and their data, and a workflow that lints it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The book's folder; made if it is not there
    #[arg(value_name = "DIR", default_value = "experiments")]
    folder: PathBuf,
    /// When now is: the experiment starts a week later
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// The files of the book; `START` and `END` stand for dates, `BOOK` for its name.
const FILES: [(&str, &str); 8] = [
    (".gitignore", include_str!("init/gitignore")),
    (BOOK_FILE, include_str!("init/trialbook.yaml")),
    ("checkout/checkout-button.flag.yaml", include_str!("init/checkout-button.flag.yaml")),
    (
        "checkout/bold-checkout-button.experiment.yaml",
        include_str!("init/bold-checkout-button.experiment.yaml"),
    ),
    ("metrics/purchases-per-user.metric.yaml", include_str!("init/purchases-per-user.metric.yaml")),
    ("metrics/refund-rate.metric.yaml", include_str!("init/refund-rate.metric.yaml")),
    ("metrics/purchases.source.yaml", include_str!("init/purchases.source.yaml")),
    ("metrics/exposures.source.yaml", include_str!("init/exposures.source.yaml")),
];

/// What `.gitignore` has, for people.
const IGNORED: &str = "/live/, /outcomes/, *.plan and warehouse.duckdb*";

const WORKFLOW: &str = include_str!("init/workflow.yml");

/// Begins a book.
///
/// # Errors
///
/// Where the folder holds a book or other YAML already, or cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let folder = std::path::absolute(&args.folder)?;
    refuse_filled(&folder, &args.folder)?;
    let today = At::or_now(args.at, &TimeZone::UTC).to_zoned(TimeZone::UTC).date();
    let dates = (after(today, 7)?, after(today, 28)?);
    let (repository, inside) = repository_of(&folder);
    let workflow = repository.join(".github/workflows/experiments.yml");
    for (path, text) in FILES {
        // Names that begin with a dot do not keep a folder from being empty: what is in them stays.
        if path.starts_with('.') && folder.join(path).symlink_metadata().is_ok() {
            session.say(format_args!("`{path}` is left as it is: let it ignore {IGNORED}"));
            continue;
        }
        new_file(&folder.join(path), &filled(text, &folder, dates))?;
    }
    let mut made = format!("made a book in `{}` with {} files", args.folder.display(), FILES.len());
    if workflow.exists() {
        made.push_str("; the workflow `.github/workflows/experiments.yml` is left as it is");
    } else {
        new_file(&workflow, &workflow_of(&inside))?;
        made.push_str(", and the workflow `.github/workflows/experiments.yml`");
    }
    session.say(made);
    session.say("next:");
    session.say(format_args!("  cd {}", args.folder.display()));
    session.say("  trialbook lint                       says what is wrong: nothing yet");
    session.say("  trialbook plan                       shows what would be served");
    session.say("  trialbook new experiment KEY         begins your own");
    session.say(format_args!("  in {BOOK_FILE} and the files, put your teams, surfaces and tables"));
    Ok(Exit::Done)
}

/// Returns the workflow of a book in a folder of the repository; it installs the version that made it.
fn workflow_of(folder: &str) -> String {
    let pattern = if folder.is_empty() { "**".to_owned() } else { format!("{folder}/**") };
    WORKFLOW
        .replace("RELEASE", env!("CARGO_PKG_VERSION"))
        .replace("PATTERN", &pattern)
        .replace("FOLDER", if folder.is_empty() { "." } else { folder })
}

fn after(today: Date, days: i64) -> Result<Date, Failure> {
    today
        .checked_add(Span::new().days(days))
        .map_err(|error| Failure::new(Exit::Usage, "the date is out of range").because(&error))
}

fn filled(text: &str, folder: &Path, (start, end): (Date, Date)) -> String {
    text.replace("START", &start.to_string())
        .replace("END", &end.to_string())
        .replace("BOOK", &name_of(folder))
}

/// Returns a name for the book: that of the folder above it, where it is one.
fn name_of(folder: &Path) -> String {
    let above = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let name: String = above
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "shop".to_owned() } else { name.to_owned() }
}

/// A book that is there, and YAML that may belong to something else, are not touched.
fn refuse_filled(folder: &Path, shown: &Path) -> Result<(), Failure> {
    if let Some(book) = folder.ancestors().find(|above| above.join(BOOK_FILE).exists()) {
        return Err(Failure::new(Exit::Refused, format!("there is a book in `{}`", book.display()))
            .help("`trialbook new KIND KEY` adds a file to it"));
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let message = format!("cannot begin a book in `{}`", shown.display());
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

/// Returns the root of the repository that holds a folder, and the way from it to the folder. Without a repository, the folder above.
fn repository_of(folder: &Path) -> (PathBuf, String) {
    let root = folder.ancestors().find(|above| above.join(".git").exists());
    let root = root.or_else(|| folder.parent()).unwrap_or(folder);
    let inside = folder.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
    (root.to_path_buf(), inside.replace(std::path::MAIN_SEPARATOR, "/"))
}

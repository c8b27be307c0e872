//! `trialbook new`: a file to begin with.

use std::path::Path;

use super::write::new_file;
use super::{Exit, Failure, Opened, Session};
use crate::app::begin::{Asked, NotBegun, begin};
use trialbook_language::load::{article, suggestion};
use trialbook_model::Kind;

/// Create a file of the book: what the book already declares is filled in, the rest is left blank
///
/// `lint` reports an error until every blank is filled in.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The kind of file: flag, experiment, rollout, holdout, layer, segment, metric or source
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: Kind,
    /// The key, which is also the file's name
    #[arg(value_name = "KEY")]
    key: String,
    /// Copy the file of this key, without its dates, salt, slots and decision
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// The flag that the experiment tests or the rollout releases; when left out, guessed from the key
    #[arg(long, value_name = "KEY", conflicts_with = "from")]
    flag: Option<String>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let mut kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Book);
    kinds.find(|kind| kind.as_str() == text).ok_or_else(|| match text {
        "book" => "`trialbook init` makes a book".to_owned(),
        _ => format!("expected one of {}", Kind::ALL.map(Kind::as_str).join(", ").replace("book, ", "")),
    })
}

/// Begins a file.
///
/// # Errors
///
/// Where `trialbook.yaml` has errors, there is such a file already, or what is named is not there.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let folder = working_folder(&opened.root, session)?;
    let asked = Asked {
        kind: args.kind,
        key: &args.key,
        from: args.from.as_deref(),
        flag: args.flag.as_deref(),
        folder: &folder,
    };
    let begun = begin(&opened.loaded, asked).map_err(|error| failure(&error, args, &opened))?;
    new_file(&opened.root.join(&begun.path), &begun.text)?;
    let path = &begun.path;
    session.inform(match begun.blanks {
        0 => format!("made `{path}`"),
        1 => format!("made `{path}`: fill in the blank, then run `trialbook lint`"),
        blanks => format!("made `{path}`: fill in the {blanks} blanks, then run `trialbook lint`"),
    });
    Ok(Exit::Done)
}

fn failure(error: &NotBegun, args: &Args, opened: &Opened) -> Failure {
    let (kind, key) = (args.kind, &args.key);
    match error {
        NotBegun::FlagKey => {
            Failure::new(Exit::Usage, format!("no file can be named after the flag `{key}`")).help(
                "create it under a name of letters, digits, `.`, `_` and `-`, and add `key:` to the file",
            )
        }
        NotBegun::Key(error) => Failure::new(Exit::Usage, error.to_string()),
        NotBegun::Taken(path) => {
            Failure::new(Exit::Refused, format!("there is {} `{key}`: `{path}`", article(kind)))
                .help("take another key, or edit that file")
        }
        NotBegun::NothingToCopy { name, known } => {
            Failure::new(Exit::NothingMatched, format!("there is no {kind} `{name}`"))
                .help(suggestion(name, known.iter().map(String::as_str)))
        }
        NotBegun::Unreadable(path) => Failure::new(Exit::Findings, format!("`{path}` cannot be read"))
            .help("`trialbook lint` shows why"),
        NotBegun::NoFlag { name, known } => {
            Failure::new(Exit::NothingMatched, format!("there is no flag `{name}`"))
                .help(suggestion(name, known.iter().map(String::as_str)))
        }
        NotBegun::NoBook => match opened.book() {
            Err(failure) => failure,
            Ok(_) => Failure::new(Exit::Bug, "a book that is there was not found"),
        },
        NotBegun::Bug => Failure::new(Exit::Bug, "the file that was made cannot be read"),
    }
}

/// Returns the working folder from the book's root; the root where that is not in the book.
fn working_folder(root: &Path, session: &Session) -> Result<String, Failure> {
    let start = std::fs::canonicalize(session.start()?)?;
    let inside = start.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
    Ok(inside.replace(std::path::MAIN_SEPARATOR, "/"))
}

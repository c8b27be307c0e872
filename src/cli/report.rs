//! `trialbook report`: shows an outcome again.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::sink::{self, Text};
use super::{Exit, Failure, Session, exit};
use crate::artifact::{self, ArtifactError};
use crate::report::blocks::{Inline, Line, Page};
use crate::report::terminal::{self, Settings};
use crate::report::{markdown, outcome};
use trialbook_analysis::Outcome;

/// Show a result that `trialbook analyze` wrote
///
/// Nothing is computed again, and no warehouse is queried. With `--verbose` the terminal also shows the folded parts of the
/// pull request's comment: every test, every check, every query.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The outcome, as `trialbook analyze --out` wrote it
    #[arg(value_name = "OUTCOME")]
    outcome: PathBuf,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Terminal,
    /// For a pull request.
    Markdown,
    /// For machines: the outcome or the plan itself.
    Json,
}

/// Shows an outcome on stdout.
///
/// # Errors
///
/// Where the file cannot be read, is too large, is no outcome, or is one of another version.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let outcome = read(&args.outcome)?;
    show(&outcome, args.format, session)?;
    Ok(Exit::Done)
}

/// Writes an outcome to stdout.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn show(outcome: &Outcome, format: Format, session: &Session) -> Result<(), Failure> {
    let text = match format {
        Format::Terminal => terminal::render(&outcome::document(outcome), settings(session.verbose())),
        Format::Markdown => markdown::for_pull_request(&outcome::document(outcome), &rest()),
        Format::Json => outcome.to_json().map_err(|error| Failure::of(Exit::Bug, &error))?,
    };
    Ok(sink::print(match format {
        Format::Terminal => Text::Styled(&text),
        Format::Markdown => Text::Plain(&text),
        Format::Json => Text::Json(&text),
    })?)
}

/// Returns where the rest of an outcome is.
pub(super) fn rest() -> Line {
    vec![
        "This is not all: ".into(),
        Inline::code("trialbook report OUTCOME --verbose"),
        " shows the rest of it.".into(),
    ]
}

/// Prints a page in one of the formats; `value` is what the page is made of, and `rest` names where the rest is.
pub(super) fn print(
    page: &dyn Fn() -> Page,
    rest: &Line,
    value: &impl Serialize,
    format: Format,
) -> Result<(), Failure> {
    match format {
        Format::Terminal => sink::print(Text::Styled(&terminal::render(&page(), settings(false))))?,
        Format::Markdown => sink::print(Text::Plain(&markdown::for_pull_request(&page(), rest)))?,
        Format::Json => {
            let text = serde_json::to_string_pretty(value).map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(Text::Json(&format!("{text}\n")))?;
        }
    }
    Ok(())
}

/// Returns how this process's stdout is written to. Colours that it does not take are taken out on the way.
pub fn settings(details: bool) -> Settings {
    let width =
        terminal_size::terminal_size().map_or(Settings::WITHOUT_TERMINAL, |(width, _)| usize::from(width.0));
    Settings { width, colour: true, details }
}

/// Reads an outcome.
///
/// # Errors
///
/// Where the file cannot be read, is too large, is no outcome, or is one of another version.
pub fn read(path: &Path) -> Result<Outcome, Failure> {
    artifact::read(path, &artifact::OUTCOME).map_err(|error| {
        let help = match &error {
            ArtifactError::Version { .. } if error.is_newer() => {
                "use the trialbook that wrote it, or a newer one"
            }
            ArtifactError::Version { .. } | ArtifactError::Edited => {
                "analyse again: `trialbook analyze EXPERIMENT --out FILE`"
            }
            _ => "`trialbook analyze EXPERIMENT --out FILE` writes one",
        };
        exit::of_artifact(&error, path).help(help)
    })
}

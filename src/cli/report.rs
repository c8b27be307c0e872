//! `trialbook report`: an outcome, told again.

use std::fs;
use std::path::{Path, PathBuf};

use super::sink::{self, Text};
use super::{Exit, Failure, Session, exit};
use crate::report::blocks::{Inline, Line};
use crate::report::terminal::{self, Settings};
use crate::report::{markdown, outcome};
use trialbook_analysis::{Outcome, OutcomeError};

/// Show the result that `trialbook analyze` wrote
///
/// Nothing is computed anew, and no warehouse is asked. With `--verbose` the terminal also shows what the
/// comment on the pull request folds: every test, every check, every query.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The outcome, as `trialbook analyze --out` wrote it
    #[arg(value_name = "OUTCOME")]
    outcome: PathBuf,
    /// How to write it
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

/// Tells an outcome on stdout.
///
/// # Errors
///
/// Where the file cannot be read, is no outcome, or is one of another version.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let outcome = read(&args.outcome)?;
    tell(&outcome, args.format, session)?;
    Ok(Exit::Done)
}

/// Writes an outcome to stdout.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn tell(outcome: &Outcome, format: Format, session: &Session) -> Result<(), Failure> {
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

/// Says where the rest of an outcome is.
pub(super) fn rest() -> Line {
    vec![
        "This is not all: ".into(),
        Inline::code("trialbook report OUTCOME --verbose"),
        " shows the rest of it.".into(),
    ]
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
/// Where the file cannot be read, is no outcome, or is one of another version.
pub fn read(path: &Path) -> Result<Outcome, Failure> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| {
        Failure::new(exit::of_named_file(&error), format!("cannot read `{shown}`"))
            .because(&error)
            .help("`trialbook analyze EXPERIMENT --out FILE` writes one")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| refused(path).because(&error.utf8_error()))?;
    Outcome::from_json(&text).map_err(|error| {
        let help = match &error {
            OutcomeError::NotAnOutcome(_) => "`trialbook analyze EXPERIMENT --out FILE` writes one",
            OutcomeError::Version(version) if *version > Outcome::VERSION => {
                "use the trialbook that wrote it, or a newer one"
            }
            OutcomeError::Version(_) => "analyse again: `trialbook analyze EXPERIMENT --out FILE`",
        };
        refused(path).because(&error).help(help)
    })
}

fn refused(path: &Path) -> Failure {
    Failure::new(Exit::Refused, format!("`{}` cannot be told", path.display()))
}

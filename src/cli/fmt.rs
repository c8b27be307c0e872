//! `trialbook fmt`: one style for the files of a book.

use std::path::PathBuf;

use super::lint::output::prefix;
use super::sink::{self, Text};
use super::write::edited_file;
use super::{Exit, Failure, Session, failed};
use crate::app::lint::{LintError, Scope};
use crate::app::style::{Styled, styled};
use crate::report::findings::{Findings, Format, visible};
use trialbook_language::edit::difference;
use trialbook_model::diagnostic::Severity;

/// Format the book's files, without changing their meaning or their comments
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format only these files and folders of the book
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; list the files that would change, and exit with 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; print the changes as a patch, and exit with 1 if there are any
    #[arg(long, conflicts_with = "check")]
    diff: bool,
}

/// Formats files.
///
/// # Errors
///
/// Where there is no book, nothing in it matches, or a file cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (root, files) = session.files()?;
    let scope = Scope::new(&root, &args.paths).map_err(|error| failed::of_lint(&error))?;
    let made = styled(files, &scope);
    if made.is_empty() {
        return Err(failed::of_lint(&LintError::NoFile));
    }
    let count = made.len();
    let asked = args.check || args.diff;
    let prefix = prefix(Format::Full, &root);
    let (mut changed, mut refused, mut broken) = (0, 0, Vec::new());
    for made in made {
        match made {
            Styled::Same => {}
            Styled::Broken(findings) => {
                refused += 1;
                broken.extend(findings);
            }
            Styled::Refused { path, cause } => {
                refused += 1;
                Failure::new(Exit::Findings, format!("cannot format `{path}`"))
                    .because(&cause)
                    .help("lay out what is unusual by hand: text in quotes over several lines, or comments between a key and its value")
                    .report();
            }
            Styled::Changed { path, before, after } => {
                changed += 1;
                if args.check {
                    sink::print(Text::Plain(&format!("{}\n", visible(&format!("{prefix}{path}")))))?;
                } else if args.diff {
                    sink::patch(&difference(&format!("{prefix}{path}"), &before, &after))?;
                } else {
                    edited_file(&root, &path, &before, &after)?;
                }
            }
        }
    }
    if !broken.is_empty() {
        let found = Findings {
            findings: &broken,
            files: refused,
            prefix: &prefix,
            suppressed: 0,
            known: 0,
            fails: Severity::Error,
            rules: &[],
            fingerprints: &[],
            change: None,
            width: sink::width(),
        };
        sink::notify(Text::Styled(&found.render(Format::Full)));
    }
    session.inform(summary(count, changed, refused, asked));
    Ok(if refused > 0 || (asked && changed > 0) { Exit::Findings } else { Exit::Done })
}

fn summary(count: usize, changed: usize, refused: usize, asked: bool) -> String {
    let files = |n: usize| format!("{n} file{}", if n == 1 { "" } else { "s" });
    let mut text = match (changed, asked) {
        (0, _) => format!("{} in the one style", files(count - refused)),
        (_, true) => format!("{changed} of {} would change: run `trialbook fmt`", files(count)),
        (_, false) => format!("{changed} of {} changed", files(count)),
    };
    if refused > 0 {
        text.push_str(&format!("; {refused} could not be read"));
    }
    text
}

//! `trialbook fmt`: one style for the files of a book.

use std::path::PathBuf;

use rayon::prelude::*;

use super::lint::output::prefix;
use super::lint::scope::Scope;
use super::sink::{self, Text};
use super::write::edited_file;
use super::{Exit, Failure, Session};
use crate::report::findings::{Findings, Format, visible};
use trialbook_language::edit::difference;
use trialbook_language::edit::format::{FormatError, format};
use trialbook_language::load::{self, RawFile};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// Write the book's files in one style; what they say and their comments stay
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format only these files and folders of the book
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; name the files that would change, and end with exit code 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change as a patch, and end with exit code 1 if anything would
    #[arg(long, conflicts_with = "check")]
    diff: bool,
}

/// What formatting makes of a file.
enum Made {
    Same,
    Changed { path: String, before: String, after: String },
    Broken(Vec<Diagnostic>),
    Refused(Failure),
}

/// Formats files.
///
/// # Errors
///
/// Where there is no book, nothing in it matches, or a file cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (root, files) = session.files()?;
    let scope = Scope::new(&root, &args.paths)?;
    let made: Vec<_> = files.into_par_iter().filter(|file| scope.holds(&file.path)).filter_map(one).collect();
    if made.is_empty() {
        return Err(Failure::new(Exit::NothingMatched, "no file of the book is there")
            .help("a book's files are `trialbook.yaml` and `KEY.KIND.yaml`"));
    }
    let count = made.len();
    let asked = args.check || args.diff;
    let prefix = prefix(Format::Full, &root);
    let (mut changed, mut refused, mut broken) = (0, 0, Vec::new());
    for made in made {
        match made {
            Made::Same => {}
            Made::Broken(findings) => {
                refused += 1;
                broken.extend(findings);
            }
            Made::Refused(failure) => {
                refused += 1;
                failure.report();
            }
            Made::Changed { path, before, after } => {
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
        };
        sink::tell(Text::Styled(&found.render(Format::Full)));
    }
    session.say(summary(count, changed, refused, asked));
    Ok(if refused > 0 || (asked && changed > 0) { Exit::Findings } else { Exit::Done })
}

fn one(raw: RawFile) -> Option<Made> {
    let path = raw.path.clone();
    let kind = load::kind_of(&path)?;
    let file = match load::text_of(raw) {
        Ok(file) => file,
        Err(findings) => return Some(Made::Broken(findings)),
    };
    Some(match format(kind, &file) {
        Ok(after) if after == file.text() => Made::Same,
        Ok(after) => Made::Changed { path, before: file.text().to_owned(), after },
        Err(FormatError::Broken(findings)) => Made::Broken(
            findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect(),
        ),
        Err(error @ FormatError::Layout) => Made::Refused(
            Failure::new(Exit::Findings, format!("cannot format `{path}`"))
                .because(&error)
                .help("lay out what is unusual by hand: text in quotes over several lines, or comments between a key and its value"),
        ),
    })
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

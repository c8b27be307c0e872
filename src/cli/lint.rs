//! `trialbook lint`: everything that is wrong with the book, in one run.

mod add_ignore;
mod baseline;
mod choice;
mod fix;
pub(super) mod output;
mod pulls;
mod sample;

use std::path::PathBuf;

use jiff::Timestamp;

use super::{At, Exit, Failure, Opened, Session, failed};
use crate::app::change::Change;
use crate::app::lint::{self, Also, Linted, Merged, Notice, Question, Scope};
use crate::report::calendar::Calendar;
use crate::report::findings::{self, Findings, Format};
use choice::Choice;
use fix::Fixing;
use output::Output;
use trialbook_lint::check;
use trialbook_model::diagnostic::Severity;

/// Find errors and collisions in the book
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only findings in these files and folders; the whole book is still read
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The output format, and the file to write it to; may be given several times
    ///
    /// full (for people), concise (one line each), json (`lint-v1`), sarif, github (workflow annotations), gitlab
    /// (code quality), junit or markdown (a pull request's comment)
    #[arg(long = "format", value_name = "FORMAT[=FILE]", default_value = "full")]
    formats: Vec<Output>,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The lowest severity that makes the run exit with 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
    /// Measure shares of traffic in a file of contexts, one JSON object on each line; `-` for stdin
    ///
    /// Draw the contexts at random from those that your programs evaluate. Without a sample, shares are computed from those that
    /// attributes declare, if all of them do.
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Lint the book as it will be after a merge into this branch, tag or commit, and check what the change does to running tests
    ///
    /// Nothing is checked out and nothing is written. Warnings are shown for the files that the change touches.
    #[arg(long, value_name = "REV", conflicts_with_all = ["add_ignore", "write_baseline"])]
    against: Option<String>,
    /// With `--against`: show what would collide if this branch merged too; may be given several times, and may contain `*`
    #[arg(long, value_name = "REV", requires = "against")]
    with: Vec<String>,
    /// With `--against`: show what would collide if the open pull requests into that branch merged too; reads GITHUB_TOKEN
    ///
    /// Their commits are fetched with git as data (`refs/pull/N/head`), and merged in memory. The token needs `pull-requests: read`
    /// and `contents: read`.
    #[arg(long, requires = "against")]
    with_open_pull_requests: bool,
    #[command(flatten)]
    fixing: Fixing,
    /// Write a suppression with this reason for every finding that can be suppressed
    ///
    /// `until=2027-01-31` at the start of the reason ends the suppressions on that day.
    #[arg(long, value_name = "REASON", conflicts_with = "write_baseline")]
    add_ignore: Option<String>,
    /// Hide findings that are in this baseline, and report its entries whose finding is gone
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    baseline: Option<PathBuf>,
    /// Write all findings into a file that `--baseline` reads
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "select", "ignore"])]
    write_baseline: Option<PathBuf>,
}

/// The least severity that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
        }
    }
}

/// Lints a book.
///
/// # Errors
///
/// Where the book, its repository or a file that an option names cannot be read, or the findings cannot be written. Findings are
/// no error: they decide how the command ends.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    output::refuse_two_on_stdout(&args.formats)?;
    let (mut opened, merged) = match &args.against {
        Some(revision) => merged(revision, session)?,
        None => (session.open()?, None),
    };
    let lint_failed = |error| failed::of_lint(&error);
    let known = args.baseline.as_deref().map(|path| baseline::read(path, &opened.root)).transpose()?;
    let now = opened.instant(args.at);
    let root = opened.root.clone();
    let scope = Scope::new(&root, &args.paths).map_err(lint_failed)?;
    let choice = lint::Choice::from(&args.choice);
    let files = scope.files(&opened.loaded).map_err(lint_failed)?;
    let mut question =
        Question { root: &root, now, scope: &scope, choice: &choice, sample: None, known: known.as_ref() };
    if let Some(exit) = args.fixing.run(question, session)? {
        return Ok(exit);
    }
    if args.fixing.writes() {
        opened = session.open()?;
    }
    let sample = args.sample.as_deref().zip(opened.loaded.book.as_ref());
    let sample = sample.map(|(path, book)| sample::read(path, &book.attributes)).transpose()?;
    question.sample = sample.as_ref();

    let mut linted = match &merged {
        Some(merged) => {
            let revision = args.against.as_deref().filter(|_| args.with_open_pull_requests);
            let open =
                revision.map(|revision| pulls::open(revision, &opened)).transpose()?.unwrap_or_default();
            let also = Also { revisions: &args.with, pulls: &open.pulls };
            let mut linted =
                lint::lint_merged(&opened.loaded, merged, also, question).map_err(lint_failed)?;
            if open.more > 0 {
                linted.notices.push(Notice::MorePulls { looked_at: open.pulls.len(), more: open.more });
            }
            linted
        }
        None => lint::lint(&opened.loaded, question),
    };
    print_notices(&linted.notices, &opened, session);
    if let Some(reason) = &args.add_ignore {
        add_ignore::run(reason, &linted.findings, &opened, now, session)?;
        opened = session.open()?;
        linted = lint::lint(&opened.loaded, question);
    }
    if let Some(file) = &args.write_baseline {
        let found = linted.findings.len();
        linted.findings = baseline::write(file, &linted.findings, &opened, session)?;
        linted.known = found - linted.findings.len();
    }
    linted.findings = check::bounded(linted.findings);
    let is_read = args.formats.iter().any(|output| output.format == Format::Json);
    let change = merged.as_ref().filter(|_| is_read).and_then(|merged| merged.change(&opened.loaded, now));
    let exit = print(args, &opened, &linted, change.as_ref(), files, session);
    if session.verbose() {
        random_overlaps(&opened, now, session);
    }
    // The process is about to end. Taking the trees of 20,000 files apart before would be for nobody.
    std::mem::forget((opened, merged));
    exit
}

/// Reads the book as it will be after a merge.
fn merged(revision: &str, session: &Session) -> Result<(Opened, Option<Merged>), Failure> {
    let (root, files) = session.files()?;
    let (loaded, merged) = Merged::open(&root, files, revision).map_err(|error| failed::of_lint(&error))?;
    Ok((Opened { root, loaded }, Some(merged)))
}

fn print_notices(notices: &[Notice], opened: &Opened, session: &Session) {
    for notice in notices {
        let text = findings::notice(notice, &Calendar::new(opened.timezone_name()));
        match notice {
            // A result without it looks whole.
            Notice::LeftOut { .. } | Notice::PullLeftOut { .. } | Notice::MorePulls { .. } => {
                session.warn(text)
            }
            _ => session.inform(text),
        }
    }
}

/// Prints for each surface and success metric how many units are in several of its tests: this is sound, and good to know.
fn random_overlaps(opened: &Opened, now: Timestamp, session: &Session) {
    let Some(book) = &opened.loaded.book else { return };
    let calendar = Calendar::new(&book.timezone);
    for overlap in check::random_overlaps(book, now) {
        session.inform(format_args!("note: {}", findings::random_overlap(&overlap, &calendar)));
    }
}

/// Writes what was found in each format, and returns how the run ends: the same whatever the format.
fn print(
    args: &Args,
    opened: &Opened,
    linted: &Linted,
    change: Option<&Change>,
    files: usize,
    session: &Session,
) -> Result<Exit, Failure> {
    let fails = args.fail_on.severity();
    let run = Findings {
        findings: &linted.findings,
        files,
        prefix: "",
        suppressed: linted.suppressed,
        known: linted.known,
        fails,
        rules: &output::pages(),
        fingerprints: &check::fingerprints(&linted.findings, &opened.loaded.documents),
        change,
        width: None,
    };
    for output in &args.formats {
        output::write(output, &opened.root, &run, session)?;
    }
    args.fixing.offer(&linted.findings, session);
    let failed = linted.findings.iter().any(|finding| finding.severity >= fails);
    Ok(if failed { Exit::Findings } else { Exit::Done })
}

/// Returns `1 file`, `2 files`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

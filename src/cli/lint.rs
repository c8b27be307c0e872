//! `trialbook lint`: everything that is wrong with the book, in one run.

mod add_ignore;
mod against;
mod baseline;
mod choice;
mod fix;
pub(super) mod output;
mod sample;
mod since;
pub(super) mod scope;

use std::path::PathBuf;

use jiff::Timestamp;

use super::{At, Exit, Failure, Opened, Session};
use crate::report::findings::Findings;
use against::Merged;
use baseline::Known;
use choice::Choice;
use fix::Fixing;
use output::Output;
use scope::Scope;
use since::Since;
use trialbook_lint::check::{self, Given};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// Find what is wrong with the book, each at its place, with what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only what concerns these files and folders; the whole book is read all the same
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to write the findings, and to which file; may be given several times
    ///
    /// full (for people), concise (one line each), json (`json-v1`), sarif, github (workflow annotations), gitlab
    /// (code quality), junit or markdown (a pull request's comment)
    #[arg(long = "format", value_name = "FORMAT[=FILE]", default_value = "full")]
    formats: Vec<Output>,
    /// When now is: a date or an instant
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The least severity that ends the run with exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
    /// Measure shares of traffic in a file of contexts, one JSON object on each line; `-` for stdin
    ///
    /// Draw them at random from what your programs ask with. Without it shares are worked out from those that attributes
    /// declare, where all do.
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Lint the book as it will be after a merge into this branch, tag or commit, and what the change does to what runs
    ///
    /// Nothing is checked out and nothing is written. Warnings are shown for the files that the change touches.
    #[arg(long, value_name = "REV", conflicts_with_all = ["add_ignore", "write_baseline"])]
    against: Option<String>,
    /// With `--against`: say what would collide if this branch merged too; may be given several times, and with `*`
    #[arg(long, value_name = "REV", requires = "against")]
    with: Vec<String>,
    #[command(flatten)]
    fixing: Fixing,
    /// Write a suppression with this reason for everything that is found and can be suppressed
    ///
    /// `until=2027-01-31` in the reason says when it ends.
    #[arg(long, value_name = "REASON", conflicts_with = "write_baseline")]
    add_ignore: Option<String>,
    /// Leave out what this file knows, and say what it knows and is gone
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    baseline: Option<PathBuf>,
    /// Write what is found into a file that `--baseline` reads
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
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    output::refuse_two_on_stdout(&args.formats)?;
    let known = args.baseline.as_deref().map(Known::read).transpose()?;
    let merged = args.against.as_deref().map(|revision| Merged::open(revision, session)).transpose()?;
    let (mut opened, merged) = match merged {
        Some((opened, merged)) => (opened, Some(merged)),
        None => (session.open()?, None),
    };
    let now = opened.instant(args.at);
    let scope = Scope::new(&opened.root, &args.paths)?;
    let files = scope.files(&opened.loaded)?;
    if let Some(exit) = args.fixing.run(&args.choice, &scope, now, session)? {
        return Ok(exit);
    }
    if args.fixing.writes() {
        opened = session.open()?;
    }

    let sample = args.sample.as_deref().zip(opened.loaded.book.as_ref());
    let sample = sample.map(|(path, book)| sample::read(path, &book.attributes)).transpose()?;
    let history = Since::new(&opened.root, merged.as_ref());
    let given = Given { now, sample: sample.as_ref(), history: Some(&history) };

    let mut review = check::review(&opened.loaded, given);
    if let Some(merged) = &merged {
        review.findings = merged.review(review.findings, &opened.loaded, &args.with, now, session)?;
    }
    let mut judged = judge(args, &opened, review, &scope, known.as_ref());
    if let Some(reason) = &args.add_ignore {
        add_ignore::run(reason, &judged.findings, &opened, now, session)?;
        opened = session.open()?;
        judged = judge(args, &opened, check::review(&opened.loaded, given), &scope, known.as_ref());
    }
    if let Some(file) = &args.write_baseline {
        let found = judged.findings.len();
        judged.findings = baseline::write(file, &judged.findings, &opened, session)?;
        judged.known = found - judged.findings.len();
    }
    judged.findings = check::bounded(judged.findings);
    let exit = tell(args, &opened, &judged, files, session);
    if session.verbose() {
        random_overlaps(&opened, now, session);
    }
    // The process is about to end. Taking the trees of 20,000 files apart before would be for nobody.
    std::mem::forget((opened, merged));
    exit
}

/// Says of each surface and success metric how many units are in several of its tests: sound, and good to know.
fn random_overlaps(opened: &Opened, now: Timestamp, session: &Session) {
    let Some(book) = &opened.loaded.book else { return };
    for overlap in check::random_overlaps(book, now) {
        session.say(format_args!("note: {}", overlap.told(&opened.timezone())));
    }
}

/// What is shown, and how much is not.
struct Judged {
    findings: Vec<Diagnostic>,
    suppressed: usize,
    known: usize,
}

/// Keeps what is asked for.
fn judge(
    args: &Args,
    opened: &Opened,
    review: check::suppression::Review,
    scope: &Scope,
    known: Option<&Known>,
) -> Judged {
    let documents = &opened.loaded.documents;
    let shown = |finding: &Diagnostic| scope.concerns(finding) && args.choice.shows(finding);
    let suppressed = review.suppressed.iter().filter(|finding| shown(finding)).count();
    let Some(known) = known else {
        let findings = review.findings.into_iter().filter(shown).collect();
        return Judged { findings, suppressed, known: 0 };
    };
    // Where nothing could be judged, nothing is known to be gone.
    let unjudged = review.findings.iter().any(check::suppression::leaves_no_book);
    let stale = known.baseline.stale(&review.findings, documents, &known.file(&opened.root), |print| {
        !unjudged && scope.holds(&print.file) && args.choice.asks_for(&print.rule)
    });
    let asked = review.findings.into_iter().filter(shown).collect();
    let mut compared = known.baseline.compare(asked, documents);
    compared.new.extend(stale.into_iter().filter(|finding| args.choice.shows(finding)));
    Judged { findings: compared.new, suppressed, known: compared.known }
}

/// Writes what was found in each format, and returns how the run ends: the same whatever the format.
fn tell(
    args: &Args,
    opened: &Opened,
    judged: &Judged,
    files: usize,
    session: &Session,
) -> Result<Exit, Failure> {
    let fails = args.fail_on.severity();
    let run = Findings {
        findings: &judged.findings,
        files,
        prefix: "",
        suppressed: judged.suppressed,
        known: judged.known,
        fails,
        rules: &output::pages(),
        fingerprints: &check::fingerprints(&judged.findings, &opened.loaded.documents),
    };
    for output in &args.formats {
        output::write(output, &opened.root, &run, session)?;
    }
    args.fixing.offer(&judged.findings, session);
    let failed = judged.findings.iter().any(|finding| finding.severity >= fails);
    Ok(if failed { Exit::Findings } else { Exit::Done })
}

/// Returns `1 file`, `2 files`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

//! `trialbook comment`: a review or results on the pull requests that they are about.

use std::io::Write as _;
use std::path::PathBuf;

use super::lint::output;
use super::sink::{self, Text as Shown};
use super::{Exit, Failure, Session, failed, report};
use crate::app::comment::{self, Material, Text};
use crate::app::forge::ForgeError;
use crate::app::post::{self, Results, ReviewPosted};
use crate::github::{Kept, Stamp};
use crate::report::comment as words;
use trialbook_analysis::Outcome;

/// Post a review or a result as a comment on its pull request
///
/// Reads files that other commands wrote: findings (`lint --format json`) and a plan (`plan --out`) become one review, and each
/// outcome (`analyze --out`) becomes a result. The files are checked against their published schemas, and nothing in them is
/// trusted or run.
///
/// There is one review for each book and target, and one result for each experiment: the first run posts the comment, later runs
/// edit it. A review goes to the pull request of the workflow's event, also from a fork. A result goes to the pull request
/// whose merge added the experiment's file. Reads GITHUB_TOKEN, which needs `pull-requests: write` and
/// `contents: read` (and `statuses: write` for the commit's status), and GITHUB_API_URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A JSON file with findings, a plan or an outcome, or a folder of such files; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    from: Vec<PathBuf>,
    /// Comment on this pull request, instead of the one that is found
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pr: Option<u64>,
    /// Also write a check run with each finding at its line; needs the token of an app, with `checks: write`
    #[arg(long)]
    check: bool,
    /// Print the comments instead of posting them
    #[arg(long)]
    dry_run: bool,
}

/// Writes the comments, or edits those that are there.
///
/// # Errors
///
/// Where a file cannot be read or is of another book, the pull request is not known, or GitHub cannot be
/// reached or refuses. Of several results one that fails stops no other.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let material = comment::gather(&args.from).map_err(|error| failed::of_material(&error))?;
    if material.lint.is_some() || material.plan.is_some() {
        return review(args, &material, session);
    }
    if material.outcomes.is_empty() {
        session.inform("there is no outcome to write");
        return Ok(Exit::Done);
    }
    results(args, &material, session)
}

/// Writes a review.
fn review(args: &Args, material: &Material, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let failed = |error: ForgeError| failed::of_forge(&error, &opened);
    let around = opened.surroundings();
    let prepared =
        post::prepare_review(material, around, opened.timezone_name(), &output::pages()).map_err(failed)?;
    summarise(&prepared.text)?;
    if args.dry_run {
        return shown(&prepared.text);
    }
    let check = material.lint.as_deref().filter(|_| args.check);
    match prepared.post(args.pr, check, around).map_err(failed)? {
        ReviewPosted::Superseded { number, head } => session.inform(words::superseded(number, &head)),
        ReviewPosted::Written { number, kept, check } => {
            written(&kept, number, session)?;
            if let Some(page) = check {
                session.inform(format_args!("Wrote the check: {page}"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Writes each result.
fn results(args: &Args, material: &Material, session: &Session) -> Result<Exit, Failure> {
    let pointer = report::rest();
    if args.dry_run {
        for (_, outcome) in &material.outcomes {
            let text = comment::result(outcome, &pointer).map_err(|error| failed::of_github(&error))?;
            shown(&text)?;
        }
        return Ok(Exit::Done);
    }
    let opened = session.open()?;
    let of_forge = |error: ForgeError| failed::of_forge(&error, &opened);
    let results = Results::new(opened.surroundings()).map_err(of_forge)?;
    let one = |outcome: &Outcome| {
        let prepared = results.prepare(outcome, args.pr, &pointer).map_err(of_forge)?;
        if let Some(found) = prepared.introduced.as_ref().filter(|_| session.verbose()) {
            let commit: String = found.commit.as_str().chars().take(7).collect();
            session.inform(words::introduced(&commit, &found.path, found.number));
        }
        summarise(&prepared.text)?;
        let (number, kept) = results.post(&prepared).map_err(of_forge)?;
        written(&kept, number, session)
    };
    if let [(_, outcome)] = material.outcomes.as_slice() {
        one(outcome)?;
        return Ok(Exit::Done);
    }
    let mut failed = None;
    for (path, outcome) in &material.outcomes {
        if let Err(error) = one(outcome) {
            let exit = error.within(format!("cannot write the result of `{}`", path.display())).report();
            failed.get_or_insert(exit);
        }
    }
    failed.map_or(Ok(Exit::Done), |exit| Err(Failure::reported(exit)))
}

/// Prints a comment as it would be posted, but for the run in its marker.
fn shown(text: &Text) -> Result<Exit, Failure> {
    let body = text.marker.mark(&Stamp::default(), &text.markdown);
    sink::print(Shown::Plain(&format!("{}\n", body.trim_end())))?;
    Ok(Exit::Done)
}

/// Adds the text to the job's summary, where there is one: it has room for what a comment has not.
fn summarise(text: &Text) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    writeln!(file, "{}", text.summary)?;
    Ok(())
}

fn written(kept: &Kept, number: u64, session: &Session) -> Result<(), Failure> {
    session.inform(words::written(kept, number));
    if let Some(url) = &kept.url {
        sink::print(Shown::Plain(&format!("{}\n", sink::inline(url))))?;
    }
    words::beside(kept).iter().for_each(|sentence| session.inform(sentence));
    Ok(())
}

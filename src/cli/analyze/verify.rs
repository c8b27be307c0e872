//! `trialbook analyze --verify`: an outcome computed again.

use std::path::Path;

use super::{Limits, of_failures, open_book, report_refusals, with_all_data};
use crate::app::analyze::{self, Analysis, NotVerifiable, Plans, Refusals, Verifying, compared};
use crate::cli::report::{read, settings};
use crate::cli::sink::{self, Text};
use crate::cli::{Exit, Failure, Session, failed};
use crate::report::{outcome, terminal};

/// Computes an outcome again from the book at its commit and from today's data before its watermark, and prints what differs.
///
/// # Errors
///
/// Where the file is no outcome, its commit or its experiment is not here, or the warehouse cannot be read.
pub(super) fn run(path: &Path, limits: Limits, session: &Session) -> Result<Exit, Failure> {
    let stored = read(path)?;
    let opened = session.open()?;
    let root = &opened.root;
    let of_app = |error| failed::of(&error, &opened);
    let Verifying { commit, loaded, book } = Verifying::read(root, &stored).map_err(|why| match why {
        NotVerifiable::App(error) => of_app(error),
        why => refused(&why),
    })?;
    let keys = vec![stored.experiment.key.clone()];
    let mut plans = Plans::read(root, &loaded, &book, &keys, stored.as_of).map_err(of_app)?;
    if let Some((target, error)) = &plans.unread {
        session.inform(format_args!(
            "the target `{target}` cannot be read, so launches are not compared with it: {error}"
        ));
    }
    plans.commit = Some(commit);
    let (keys, missing) = with_all_data(keys, &book, root)?;
    if let Some((_, failure)) = missing.into_iter().next() {
        return Err(failure);
    }
    let warehouse = Refusals::of(open_book(&book, root, limits).map_err(of_app)?);
    let (request, frozen) = super::request(keys, plans, stored.as_of);
    let bar = session.progress(0, "reading");
    let mut progress = |what: &str| bar.set_message(format!("reading {what}"));
    let Analysis { outcomes, failures, .. } =
        analyze::analyse(&book, root, &frozen, &warehouse, &request, false, &mut progress);
    bar.finish_and_clear();
    if let Some((_, failure)) = of_failures(failures).into_iter().next() {
        return Err(failure);
    }
    report_refusals(&warehouse, session);
    let Some(computed) = outcomes.first() else {
        return Err(Failure::new(Exit::Bug, "nothing was computed"));
    };
    let verified = compared(&stored, computed).map_err(|error| Failure::of(Exit::Bug, &error))?;
    let page = outcome::verified_page(&stored, &verified);
    sink::print(Text::Styled(&terminal::render(&page, settings(session.verbose()))))?;
    Ok(if verified.differences.is_empty() { Exit::Done } else { Exit::Findings })
}

fn refused(why: &NotVerifiable) -> Failure {
    let (exit, message, help) = match why {
        NotVerifiable::OutsideGit => (
            Exit::Refused,
            "the outcome was made from a book outside git, so it names no commit".to_owned(),
            "analyse in a git repository: outcomes from there can be verified",
        ),
        NotVerifiable::NoRepository => (
            Exit::NothingMatched,
            "the book is in no git repository, and the outcome is from a commit".to_owned(),
            "run it in a clone of the outcome's repository",
        ),
        NotVerifiable::OtherBook { outcome, here } => (
            Exit::NothingMatched,
            format!("the outcome is of the book `{outcome}`, and this is `{here}`"),
            "run it in the outcome's book, or name that with `--book DIR`",
        ),
        NotVerifiable::CommitMissing { commit } => (
            Exit::NothingMatched,
            format!("the outcome's commit {commit} is not in this clone"),
            "fetch it: `git fetch --unshallow`, or `git fetch origin COMMIT`",
        ),
        NotVerifiable::BookErrors { commit, errors } => (
            Exit::Findings,
            format!(
                "the book at the outcome's commit {commit} has {errors} findings, so it cannot be analysed"
            ),
            "verify it with the version of trialbook that wrote it: `tool` in the outcome names it",
        ),
        NotVerifiable::NoExperiment { commit, experiment } => (
            Exit::NothingMatched,
            format!("the book at the outcome's commit {commit} has no experiment `{experiment}`"),
            "the outcome was made from files that were not committed; analyse the experiment again",
        ),
        NotVerifiable::App(_) => (Exit::Bug, "the outcome cannot be verified".to_owned(), "report this"),
    };
    Failure::new(exit, message).help(help)
}

//! `trialbook comment`: a review or results on the pull requests that they are about.

mod place;

use std::io::Write as _;
use std::path::PathBuf;

use super::lint::output;
use super::sink::{self, Text as Shown};
use super::{Exit, Failure, Opened, Session, exit, report};
use crate::app::comment::{self, Around, Material, MaterialError, Text};
use crate::artifact::ArtifactError;
use crate::artifact::lint::LintResult;
use crate::github::{CheckRun, Client, CommentWrite, Event, Kept, Note, Run, Stamp, Standing, run_of};
use crate::report::blocks::Line;
pub(super) use place::{Place, client, failure, server};
use trialbook_analysis::Outcome;
use trialbook_model::Book;

/// Post a review or a result as a comment on its pull request
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
    let material = comment::gather(&args.from).map_err(|error| unread(&error))?;
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
    let book = book_of(material, &opened)?;
    let variable = |name: &str| std::env::var(name).ok();
    let event = Event::from_variables(variable).map_err(|error| failure(&error))?;
    let place = Place::of(&opened)?;
    let head = event.as_ref().map(|event| event.head.as_str());
    let files = place.as_ref().zip(head).map(|(place, head)| place.files(head));
    let page = event.as_ref().and_then(|event| event.page.clone());
    let run = run_of(variable);
    let page = page.or_else(|| place.as_ref().zip(run).map(|(place, run)| place.run(run.id)));
    let around = Around { files: files.as_deref(), run: page.as_deref() };
    let primary = opened.loaded.book.as_ref().and_then(Book::primary_target);
    let target = primary.map(|target| target.key.as_str());
    let about = (book.as_str(), target);
    let text = comment::review(material, about, opened.timezone_name(), &output::pages(), around)
        .map_err(|error| failure(&error))?;
    let stamp = Stamp {
        head: event.as_ref().map(|event| event.head.clone()),
        run: event.as_ref().and_then(|event| event.run).or(run),
        news: text.news.clone(),
    };
    summarise(&text)?;
    if args.dry_run {
        return shown(&text);
    }
    let client = client(place)?;
    let number = match (args.pr, &event) {
        (Some(number), _) => number,
        (None, Some(event)) => match place::pull_of(event, &client)? {
            Ok(number) => number,
            Err(number) => {
                session.inform(format_args!(
                    "Pull request #{number} has a newer commit than {}: nothing was written.",
                    event.head
                ));
                return Ok(Exit::Done);
            }
        },
        (None, None) => {
            return Err(Failure::new(Exit::Usage, "no event of GitHub Actions names a pull request")
                .help("name the pull request with `--pr N`"));
        }
    };
    let commit = stamp.head.clone();
    let exit = post(&client, number, &text, stamp, commit.as_ref(), session)?;
    if let (true, Some(lint), Some(commit)) = (args.check, &material.lint, &commit) {
        check(&client, lint, &text, commit, session)?;
    }
    Ok(exit)
}

/// Writes the check run of a lint result.
fn check(
    client: &Client,
    lint: &LintResult,
    text: &Text,
    commit: &crate::github::Commit,
    session: &Session,
) -> Result<(), Failure> {
    let annotations = comment::annotations(lint);
    let left = lint.findings.len() - annotations.len();
    let summary = match left {
        0 => "Each finding is at its line.".to_owned(),
        more => {
            format!("{more} more findings are not shown at their lines: `trialbook lint` shows them all.")
        }
    };
    let check = CheckRun {
        name: &format!("{}: findings", text.context),
        commit,
        fails: text.fails,
        title: &text.standing,
        summary: &summary,
        annotations: &annotations,
    };
    if let Some(page) = client.check(&check).map_err(|error| failure(&error))? {
        session.inform(format_args!("Wrote the check: {page}"));
    }
    Ok(())
}

/// Returns the name of the book that is reviewed: that of the checkout, which the pull request cannot change.
fn book_of(material: &Material, opened: &Opened) -> Result<String, Failure> {
    let planned = material.plan.as_ref().map(|plan| plan.book.as_str());
    let Some(book) = &opened.loaded.book else {
        // The branch that is merged into has errors: only the files can tell.
        let linted = material.lint.as_ref().and_then(|lint| lint.change.as_ref());
        return match planned.or(linted.map(|change| change.book.as_str())) {
            Some(book) => Ok(book.to_owned()),
            None => opened.book().map(|book| book.name.clone()),
        };
    };
    match planned.filter(|planned| *planned != book.name) {
        Some(other) => Err(of_another_book("plan", other, &book.name)),
        None => Ok(book.name.clone()),
    }
}

fn of_another_book(what: &str, other: &str, book: &str) -> Failure {
    Failure::new(Exit::Refused, format!("the {what} is of the book `{other}`, not of `{book}`"))
        .help(format!("name the {what}'s book with `--book DIR`"))
}

/// Writes each result.
fn results(args: &Args, material: &Material, session: &Session) -> Result<Exit, Failure> {
    let pointer = report::rest();
    let run = run_of(|name| std::env::var(name).ok());
    if args.dry_run {
        for (_, outcome) in &material.outcomes {
            let text = comment::result(outcome, &pointer).map_err(|error| failure(&error))?;
            shown(&text)?;
        }
        return Ok(Exit::Done);
    }
    let opened = session.open()?;
    let client = client(Place::of(&opened)?)?;
    let one = |outcome: &Outcome| result(args, outcome, (&opened, &client), &pointer, run, session);
    if let [(_, outcome)] = material.outcomes.as_slice() {
        return one(outcome);
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

fn result(
    args: &Args,
    outcome: &Outcome,
    (opened, client): (&Opened, &Client),
    pointer: &Line,
    run: Option<Run>,
    session: &Session,
) -> Result<Exit, Failure> {
    let book = opened.book()?;
    if book.name != outcome.book.name {
        return Err(of_another_book("outcome", &outcome.book.name, &book.name));
    }
    let text = comment::result(outcome, pointer).map_err(|error| failure(&error))?;
    let (number, commit) = match args.pr {
        Some(number) => (number, None),
        None => {
            let (number, commit) = place::introducing(opened, outcome, client, session)?;
            (number, Some(commit))
        }
    };
    summarise(&text)?;
    let stamp = stamp_of(&text, run);
    post(client, number, &text, stamp, commit.as_ref(), session)
}

fn stamp_of(text: &Text, run: Option<Run>) -> Stamp {
    Stamp { head: None, run, news: text.news.clone() }
}

fn post(
    client: &Client,
    number: u64,
    text: &Text,
    stamp: Stamp,
    commit: Option<&crate::github::Commit>,
    session: &Session,
) -> Result<Exit, Failure> {
    let standing = commit.map(|commit| Standing {
        commit,
        context: text.context.clone(),
        fails: text.fails,
        summary: text.standing.clone(),
    });
    let note = Note { marker: &text.marker, stamp, markdown: &text.markdown, quiet: text.quiet, standing };
    let kept = client.keep_comment(number, &note).map_err(|error| failure(&error))?;
    written(&kept, number, session)?;
    Ok(Exit::Done)
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
    let what = match kept.written {
        CommentWrite::Created => "Wrote the comment",
        CommentWrite::Edited => "Edited the comment",
        CommentWrite::Unchanged => "The comment is up to date already",
        CommentWrite::Outrun => "A newer run has written the comment",
        CommentWrite::LeftDeleted => {
            "The comment was deleted, and there is nothing new since: nothing was written"
        }
        CommentWrite::NothingToReport => "There is nothing to report: nothing was written",
    };
    let page = if kept.url.is_some() { ":" } else { "." };
    session.inform(format_args!("{what} on pull request #{number}{page}"));
    if let Some(url) = &kept.url {
        sink::print(Shown::Plain(&format!("{}\n", sink::inline(url))))?;
    }
    if kept.removed > 0 {
        session.inform(format_args!(
            "{} of the same kind, which other runs wrote at the same time, {} removed.",
            if kept.removed == 1 { "A comment".to_owned() } else { format!("{} comments", kept.removed) },
            if kept.removed == 1 { "was" } else { "were" },
        ));
    }
    if let Some(why) = &kept.without_status {
        session
            .inform(format_args!("The commit's status was not written ({why}): it needs `statuses: write`."));
    }
    Ok(())
}

fn unread(error: &MaterialError) -> Failure {
    match error {
        MaterialError::File { path, cause } => exit::of_artifact(cause, path).help(match cause {
            ArtifactError::Version { .. } if cause.is_newer() => {
                "use the trialbook that wrote it, or a newer one"
            }
            _ => "`lint --format json=FILE`, `plan --out FILE` and `analyze --out FILE` write what is read here",
        }),
        MaterialError::Folder { .. } => Failure::of(Exit::NothingMatched, error),
        MaterialError::TooMany { .. } | MaterialError::Second { .. } | MaterialError::Mixed => {
            Failure::of(Exit::Usage, error).help("run the command once for each")
        }
    }
}

//! `trialbook clean`: what the book no longer needs, as one small edit or a pull request.

use super::propose;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, failed, report, write};
use crate::app::NotNamed;
use crate::app::clean::{self, Cleaning, NotCleaned};
use crate::app::pull_request::PullRequest;
use crate::report::blocks::{Inline, Line};
use crate::report::{cleaning, markdown, terminal};
use trialbook_language::edit::difference;
use trialbook_model::Duration;

/// Show what the book no longer needs: expired flags, and variants of long-concluded experiments, with the proof
///
/// An expired flag is archived if every target serves the same variant of it to everybody. A variant of a concluded
/// experiment is removed from its flag if no rule, default, experiment, rollout or holdout can serve it any more. Prints the edits
/// as a patch, and writes nothing without `--write`. The files and the slots of experiments stay: they are the record of what was tested.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flags; when none is named, all of them
    #[arg(value_name = "FLAG")]
    flags: Vec<String>,
    /// How old the decision of a long-concluded experiment is at least
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    after: Duration,
    /// Write the edits
    #[arg(long, conflicts_with = "pull_request")]
    write: bool,
    /// Open a pull request into this branch with the edits, and write nothing here; reads GITHUB_TOKEN, which needs
    /// `contents: write` and `pull-requests: write`
    #[arg(long, value_name = "BRANCH")]
    pull_request: Option<String>,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The output format: `terminal` and `markdown` explain each removal and add the patch; `json` is `clean-v1`
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: report::Format,
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).map_err(|error| error.to_string())
}

/// The branch of the pull request.
const BRANCH: &str = "trialbook/clean";

/// Shows the edits, writes them, or opens the pull request with them.
///
/// # Errors
///
/// Where the book has errors, a flag is unknown, or a file cannot be edited.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (_, files) = session.files()?;
    let (book, now) = (opened.book()?, opened.instant(args.at));
    let cleaning = clean::clean(&files, &opened.loaded, book, &args.flags, args.after, now)
        .map_err(|error| failure(&error, &opened))?;
    match &args.pull_request {
        Some(base) if !cleaning.edits.is_empty() => propose(base, &cleaning, &opened, session)?,
        Some(_) => session.inform("Nothing to clean, so no pull request is opened."),
        None => show(args.format, &cleaning, &opened)?,
    }
    if args.write {
        for edit in &cleaning.edits {
            write::edited_file(&opened.root, &edit.path, &edit.before, &edit.after)?;
            session.inform(format_args!("wrote `{}`", edit.path));
        }
    } else if args.pull_request.is_none() && !cleaning.edits.is_empty() {
        session.inform(
            "Nothing was written: `--write` makes these edits, `--pull-request BRANCH` proposes them.",
        );
    }
    Ok(Exit::Done)
}

fn show(format: report::Format, cleaning: &Cleaning, opened: &Opened) -> Result<(), Failure> {
    let page = || cleaning::document(cleaning, opened.timezone_name());
    match format {
        report::Format::Terminal => {
            sink::print(Text::Styled(&terminal::render(&page(), report::settings(false))))?;
            for edit in &cleaning.edits {
                sink::patch(&difference(&edit.path, &edit.before, &edit.after))?;
            }
        }
        report::Format::Markdown => {
            let mut page = page();
            let patch: String =
                cleaning.edits.iter().map(|edit| difference(&edit.path, &edit.before, &edit.after)).collect();
            if !patch.is_empty() {
                page.push(crate::report::blocks::Block::Verbatim { language: "diff", text: patch });
            }
            sink::print(Text::Plain(&markdown::render(&page)))?;
        }
        report::Format::Json => {
            let json =
                serde_json::to_string_pretty(cleaning).map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(Text::Json(&format!("{json}\n")))?;
        }
    }
    Ok(())
}

fn propose(base: &str, cleaning: &Cleaning, opened: &Opened, session: &Session) -> Result<(), Failure> {
    let rest: Line =
        vec!["This is not all: ".into(), Inline::code("trialbook clean"), " shows the rest.".into()];
    let body = markdown::for_pull_request(&cleaning::document(cleaning, opened.timezone_name()), &rest);
    let title = format!("Clean up flags: {}", cleaning::heading(cleaning).replace('\u{a0}', " "));
    let request = PullRequest {
        base,
        branch: BRANCH,
        title: &title,
        message: "Nobody is served anything else than before: the pull request has the proof for each flag.",
        body: &body,
        edits: &cleaning.edits,
    };
    propose::open(&request, opened, session)
}

fn failure(error: &NotCleaned, opened: &Opened) -> Failure {
    match error {
        NotCleaned::UnknownFlag(name) => {
            failed::of_name(&NotNamed::Flag(name.clone()), opened.loaded.book.as_ref())
        }
        NotCleaned::NotEdited(path) => {
            Failure::new(Exit::Refused, format!("cannot edit `{path}` so that nothing else changes"))
                .help("write one variant on a line, or leave the flag out by naming the others")
        }
        NotCleaned::Errors(errors) => {
            failed::of_edits(errors, "fix what is named above first, or name the flags that can be cleaned")
        }
    }
}

//! `trialbook site`: the pages that a team looks at.

use std::path::PathBuf;

use super::{At, Exit, Failure, Session, failed};
use crate::app::site::{Publication, SiteError, publish};
use crate::report::site::Options;

/// Write static pages for everybody: who tests what, where, on whom, with which metrics, and with what result
///
/// The pages need no server, no network and no scripts: open `index.html` in the folder, or publish the folder. They are a calendar,
/// layers, overlap between experiments, a page for each experiment, metric, flag, segment and layer, learning, search, feeds, and
/// each page's values as JSON. History and launches come from git, results from stored outcomes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to; it must be new, empty, or one that this command wrote
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A folder of outcomes, as `trialbook analyze --out FOLDER/` writes them, or with one such folder for each night
    #[arg(long, value_name = "FOLDER")]
    outcomes: Option<PathBuf>,
    /// The address at which the pages are published, for the links in feeds
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<String>,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

fn address(text: &str) -> Result<String, String> {
    let wrong = || "expected an address such as https://acme.github.io/experiments/".to_owned();
    let parsed = url::Url::parse(text).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.query().is_some() || parsed.fragment().is_some()
    {
        return Err(wrong());
    }
    let text = parsed.to_string();
    Ok(if text.ends_with('/') { text } else { format!("{text}/") })
}

/// Writes the site.
///
/// # Errors
///
/// Where the book has errors, git or an outcome cannot be read, or the folder holds something else.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let publication = Publication {
        root: &opened.root,
        loaded: &opened.loaded,
        book: opened.book()?,
        outcomes: args.outcomes.as_deref(),
        out: &args.out,
        options: &Options { url: args.url.clone() },
        at: opened.instant(args.at),
    };
    let shown = args.out.display();
    publish(publication).map_err(|error| match &error {
        SiteError::App(error) => failed::of(error, &opened),
        SiteError::OtherFiles => {
            Failure::new(Exit::Refused, format!("`{shown}` holds files that are no site"))
                .help("name a new folder: nothing was written")
        }
        SiteError::Unwritable(error) => {
            Failure::new(Exit::Unreachable, format!("cannot write the site to `{shown}`")).because(error)
        }
    })?;
    session.inform(format_args!("{}: open it in a browser", args.out.join("index.html").display()));
    // As everywhere, what was read is not taken apart: the process ends.
    std::mem::forget(opened);
    Ok(Exit::Done)
}

//! `trialbook status`: what runs, since when, and what is next.

use std::path::PathBuf;

use super::report::Format;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Session, failed};
use crate::app::outcomes;
use crate::app::status::{self, Filter, Status};
use crate::report::{self, markdown, terminal};

/// Show which experiments run, since when, in which state, with how many units, and what is next
///
/// Lists experiments without a decision, the most urgent first; named experiments are shown in any state. States follow from
/// dates and decisions; launches are read from git (`git fetch origin '+refs/trialbook/*:refs/trialbook/*'`). With
/// `--detailed-exitcode`, exit code 2 means that an experiment waits for a decision: its data is complete, or with `--outcomes` its verdict is to ship or
/// to roll back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiments; when none is named, all without a decision
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,
    /// Only experiments of this owner
    #[arg(long, value_name = "OWNER")]
    team: Vec<String>,
    /// Only experiments on this surface
    #[arg(long, value_name = "SURFACE")]
    surface: Vec<String>,
    /// Only experiments in this layer
    #[arg(long, value_name = "LAYER")]
    layer: Vec<String>,
    /// Show concluded experiments too
    #[arg(long)]
    concluded: bool,
    /// Group the experiments
    #[arg(long, value_name = "GROUP")]
    by: Option<By>,
    /// A folder of outcomes, as `trialbook analyze --out FOLDER/` writes them; shows units and verdicts of the latest
    #[arg(long, value_name = "FOLDER")]
    outcomes: Option<PathBuf>,
    /// Exit with 2 if an experiment that is shown waits for a decision
    #[arg(long)]
    detailed_exitcode: bool,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: Format,
}

/// How experiments are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// By their owners.
    Team,
    /// By the surfaces on which they are seen.
    Surface,
    /// By their layers.
    Layer,
}

/// Shows the state.
///
/// # Errors
///
/// Where the book has errors, a name is unknown, or git or an outcome cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (book, at) = (opened.book()?, opened.instant(args.at));
    let failed = |error| failed::of(&error, &opened);
    let filter = Filter {
        names: args.experiments.clone(),
        teams: args.team.clone(),
        surfaces: args.surface.clone(),
        layers: args.layer.clone(),
        concluded: args.concluded,
    };
    let keys = status::chosen(&filter, book, at).map_err(failed)?;
    let launches = status::launches(&opened.root, &keys).map_err(failed)?;
    let stored = match &args.outcomes {
        Some(folder) => {
            let wanted = |name: &str| keys.iter().any(|key| key.as_str() == name);
            outcomes::read(folder, wanted).map_err(failed)?
        }
        None => outcomes::Outcomes::new(),
    };
    let latest = stored.into_iter().filter_map(|(key, mut outcomes)| Some((key, outcomes.pop()?))).collect();
    let status = Status::new(book, &keys, &launches, &latest, at);
    show(&status, args)?;
    // As everywhere with a large book, what was read is not taken apart: the process ends.
    std::mem::forget(opened);
    let late = args.detailed_exitcode && status.to_decide > 0;
    Ok(if late { Exit::Changes } else { Exit::Done })
}

fn show(status: &Status, args: &Args) -> Result<(), Failure> {
    let group = args.by.map(|by| match by {
        By::Team => report::status::Group::Team,
        By::Surface => report::status::Group::Surface,
        By::Layer => report::status::Group::Layer,
    });
    let page = || report::status::document(status, group);
    match args.format {
        Format::Terminal => {
            let text = terminal::render(&page(), super::report::settings(false));
            sink::print(Text::Styled(&text))?;
        }
        Format::Markdown => {
            sink::print(Text::Plain(&markdown::render(&page())))?;
        }
        Format::Json => {
            let text =
                serde_json::to_string_pretty(status).map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(Text::Json(&format!("{text}\n")))?;
        }
    }
    Ok(())
}

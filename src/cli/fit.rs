//! `trialbook fit`: the smallest edits that end a collision.

use std::fmt::Write as _;

use super::lint::output::prefix;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Session};
use crate::report::findings::{self, visible};
use trialbook_language::edit::{creation, difference};
use trialbook_language::load::{suggestion, timezone_of};
use trialbook_lint::fit::{Collision, Cost, FileEdit, Fit, FitError, Way, fit, fit_all};

/// Look for the smallest edits that end a collision, or make room in a full layer
///
/// Later starts, smaller shares, a common layer, other slots, conditions that keep audiences apart: each is made in memory and
/// linted, and is told only where the collision is gone and no error has come in its place. What has begun is never edited.
/// Each comes with what it costs both teams in days. Nothing is written: `--diff` prints a patch.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment or rollout; every collision of the book when none is named
    #[arg(value_name = "EXPERIMENT")]
    experiment: Option<String>,
    /// Print the best edits as one patch, for `git apply`
    #[arg(long, conflicts_with = "format")]
    diff: bool,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    format: Format,
    /// When now is; now unless given
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// How ways are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, in a terminal.
    Full,
    /// `fit-v1`.
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors that leave no book, or there is no such experiment.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (root, files) = session.files()?;
    let now = At::or_now(args.at, &timezone_of(&files));
    let named = args.experiment.as_deref();
    if args.diff {
        let (edits, stuck) = fit_all(files, named, now).map_err(|error| failure(&error, session))?;
        let prefix = prefix(findings::Format::Full, &root);
        for edit in &edits {
            sink::patch(&patch_of(edit, &format!("{prefix}{}", edit.path)))?;
        }
        for collision in &stuck {
            let why = collision.stuck.as_deref().unwrap_or_default();
            session.say(format!("nothing fits: {}: {}", visible(&collision.message), visible(why)));
        }
        return Ok(if edits.is_empty() && stuck.is_empty() { Exit::Done } else { Exit::Findings });
    }
    let found = fit(files, named, now).map_err(|error| failure(&error, session))?;
    match args.format {
        Format::Json => {
            let text = serde_json::to_string_pretty(&found).map_err(std::io::Error::from)?;
            sink::print(Text::Json(&format!("{text}\n")))?;
        }
        Format::Full => sink::print(Text::Plain(&told(&found, named)))?,
    }
    Ok(if found.collisions.is_empty() { Exit::Done } else { Exit::Findings })
}

fn failure(error: &FitError, session: &Session) -> Failure {
    match error {
        FitError::NoBook => Failure::of(Exit::Findings, error).help("`trialbook lint` shows them"),
        FitError::Unknown(name) => {
            let failure = Failure::of(Exit::NothingMatched, error);
            match session.open() {
                Ok(opened) => match &opened.loaded.book {
                    Some(book) => {
                        failure.help(suggestion(name, book.experiments.keys().map(|key| key.as_str())))
                    }
                    None => failure,
                },
                Err(_) => failure,
            }
        }
    }
}

/// Returns what was found, for people.
fn told(fit: &Fit, named: Option<&str>) -> String {
    if fit.collisions.is_empty() {
        return match named {
            Some(key) => format!("`{}` collides with nothing\n", visible(key)),
            None => "nothing collides, and no layer is too full\n".to_owned(),
        };
    }
    let mut text = String::new();
    for (n, collision) in fit.collisions.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        tell(&mut text, collision);
    }
    text
}

fn tell(text: &mut String, collision: &Collision) {
    let Collision { rule, message, path, line, .. } = collision;
    let _ = writeln!(text, "{rule}: {}\n  {}:{line}", visible(message), visible(path));
    if let Some(stuck) = &collision.stuck {
        let _ = writeln!(text, "  nothing fits: {}", visible(stuck));
    }
    for (n, way) in collision.ways.iter().enumerate() {
        let _ = writeln!(text, "\n  {}. {}{}", n + 1, visible(&way.title), beside(way));
        for cost in way.costs.iter().take(8) {
            let (key, owner) = (visible(&cost.party.key), visible(&cost.owner));
            let _ = writeln!(text, "     `{key}` ({owner}): {}", days(cost));
        }
        for edit in &way.edits {
            let _ = writeln!(text, "     {}", visible(&edit.path));
            let patch = patch_of(edit, &edit.path);
            let changed = patch.lines().skip(2).filter(|line| line.starts_with(['+', '-']));
            for line in changed {
                let _ = writeln!(text, "       {}", visible(line));
            }
        }
    }
}

fn patch_of(edit: &FileEdit, path: &str) -> String {
    match &edit.before {
        Some(before) => difference(path, before, &edit.after),
        None => creation(path, &edit.after),
    }
}

/// Returns what else a way does.
fn beside(way: &Way) -> String {
    let mut more = Vec::new();
    if way.ends > 1 {
        more.push(format!("ends {} errors", way.ends));
    }
    match way.warnings {
        0 => {}
        1 => more.push("brings a warning".to_owned()),
        n => more.push(format!("brings {n} warnings")),
    }
    if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) }
}

/// Returns what a way costs one team.
fn days(cost: &Cost) -> String {
    let counted = |days: f64| format!("{days} day{}", if (days - 1.0).abs() < 1e-9 { "" } else { "s" });
    let mut parts = Vec::new();
    if cost.later_days > 0.0 {
        parts.push(format!("{} later", counted(cost.later_days)));
    }
    match cost.longer_days {
        None => parts.push("longer by an unknown time: the share of its audience is not declared".to_owned()),
        Some(days) if days > 0.0 => parts.push(format!("about {} longer for as many units", counted(days))),
        Some(days) if days < 0.0 => parts.push(format!("about {} shorter for as many units", counted(-days))),
        Some(_) => {}
    }
    if parts.is_empty() { "costs nothing".to_owned() } else { parts.join(", ") }
}

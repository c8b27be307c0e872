//! Stopping an experiment at once: the smallest edit of the book, and an apply of nothing else.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{AppError, NotNamed};
use trialbook_delivery::plan::{Change, Plan};
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_model::{Book, DecisionOutcome, ExperimentKey, Kind};

/// An edit of one file that stops an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopEdit {
    /// The file, from the book's root.
    pub path: String,
    /// What it holds.
    pub before: String,
    /// What it holds then.
    pub after: String,
}

/// Returns the edit that concludes an experiment as aborted from an instant on: a decision at the end of its file.
///
/// # Errors
///
/// Where the book has no such experiment, or it has a decision or is over already; [`AppError::NotEdited`] where its file is not
/// written in lines that a decision can follow.
pub fn edit(
    files: &[RawFile],
    loaded: &Loaded,
    book: &Book,
    name: &str,
    reason: &str,
    now: Timestamp,
    timezone: &TimeZone,
) -> Result<StopEdit, AppError> {
    let unknown = || AppError::NotNamed(NotNamed::Experiment(name.to_owned()));
    let (key, experiment) = book.experiments.get_key_value(name).ok_or_else(unknown)?;
    let is_over = experiment.decision.is_some()
        || book.serving_window(experiment).is_none_or(|window| window.end() <= now);
    if is_over {
        return Err(AppError::NotNamed(NotNamed::Ended(key.clone())));
    }
    let path = loaded.documents.path_of(Kind::Experiment, key.as_str()).ok_or_else(unknown)?;
    let not_edited = || AppError::NotEdited(path.to_owned());
    let file = files.iter().find(|file| file.path == path).ok_or_else(not_edited)?;
    let before = std::str::from_utf8(&file.bytes).map_err(|_| not_edited())?.to_owned();
    // An instant, not a date: it ends now, and not at the next midnight.
    let date = Timestamp::from_second(now.as_second()).unwrap_or(now).to_zoned(timezone.clone());
    let date = date.strftime("%Y-%m-%dT%H:%M:%S%:z");
    let break_ = if before.contains("\r\n") { "\r\n" } else { "\n" };
    let end = if before.ends_with('\n') || before.is_empty() { "" } else { break_ };
    let reason = serde_json::Value::from(reason);
    let lines = [
        "decision:".to_owned(),
        "  outcome: aborted".into(),
        format!("  date: {date}"),
        format!("  reason: {reason}"),
    ];
    let after = format!("{before}{end}{}{break_}", lines.join(break_));
    let edited = files.iter().map(|file| {
        let bytes = if file.path == path { after.clone().into_bytes() } else { file.bytes.clone() };
        RawFile { path: file.path.clone(), bytes }
    });
    // Whatever the file looks like, what comes out must be what was meant.
    let again = load::load(edited.collect()).book;
    let decision = again.as_ref().and_then(|book| book.experiments.get(key)?.decision.as_ref());
    match decision {
        Some(decision) if decision.outcome == DecisionOutcome::Aborted => {
            Ok(StopEdit { path: path.to_owned(), before, after })
        }
        _ => Err(not_edited()),
    }
}

/// Leaves in a plan only that an experiment ends, and takes from it what speaks of anything else.
///
/// # Errors
///
/// [`AppError::NotStopped`] where the plan does not end the experiment, or changes more about its flag than that.
pub fn only(plan: &mut Plan, key: &ExperimentKey) -> Result<(), AppError> {
    let ends =
        |change: &Change| matches!(change, Change::ExperimentRemoved { key: ended, .. } if ended == key);
    plan.actions.retain(|action| action.changes.iter().any(ends));
    let is_all = |change: &Change| ends(change) || matches!(change, Change::Holdout { .. });
    match plan.actions.as_slice() {
        [action] if action.changes.iter().all(is_all) => {
            let of_it = |flag: &trialbook_model::FlagKey| *flag == action.flag;
            plan.conflicts.retain(|conflict| of_it(&conflict.flag));
            plan.too_large = None;
            plan.frozen = None;
            Ok(())
        }
        _ => Err(AppError::NotStopped(key.clone())),
    }
}

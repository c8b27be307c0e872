//! How a command ends that could not do its work: the exit code, the words and the advice for each reason.

mod conclude;
mod forge;
mod proposal;

pub(super) use conclude::{of_conclusion, of_decision};
pub(super) use forge::{of_forge, of_github, of_material};
pub(super) use proposal::of_proposal;

use super::{Exit, Failure, Opened};
use crate::app::lint::LintError;
use crate::app::{AppError, NotNamed, NotRecorded, RecordError, status};
use crate::report;
use trialbook_analysis::AnalysisError;
use trialbook_analysis::warehouse::WarehouseError;
use trialbook_delivery::backend::BackendError;
use trialbook_delivery::plan::AdvanceError;
use trialbook_history::{HistoryError, LaunchError};
use trialbook_language::load::suggestion;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Book, ExperimentKey, FlagKey, LayerKey, RolloutKey, SurfaceKey, TargetKey};

/// Returns the failure of what could not be done with a book.
pub(super) fn of(error: &AppError, opened: &Opened) -> Failure {
    let book = opened.loaded.book.as_ref();
    let timezone = opened.timezone_name();
    match error {
        AppError::BookErrors(errors) => {
            let errors = if *errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
            Failure::new(Exit::Findings, format!("the book has {errors}, so nothing is planned"))
                .help("`trialbook lint` shows them")
        }
        AppError::NoTarget(key) => of_no_target(key.as_ref(), book),
        AppError::OtherEvaluator { target, evaluator } => Failure::new(
            Exit::Refused,
            format!("`{}` does not read what target `{target}` is", evaluator.as_str()),
        )
        .help("name evaluators of the same kind as the target's"),
        AppError::NotNamed(name) => of_name(name, book),
        AppError::Backend(error) => of_backend(error),
        AppError::LostRace(error) => {
            Failure::of(Exit::Refused, error).help("plan again, and have the new plan reviewed")
        }
        AppError::Unanswered(error) => Failure::of(Exit::AppliedInPart, error)
            .help("`trialbook apply --resume` finds out whether the write was done, and finishes it"),
        AppError::History(error) => of_history(error),
        AppError::NotAdvanced(error) => of_not_advanced(error, book, timezone),
        AppError::AdvancesNothing(key) => {
            let message = format!("rollout `{key}` cannot advance: nothing would change about its flag");
            Failure::new(Exit::Refused, message).help(
                "the flag is switched off, or was changed by hand in the target (`--revert-drift` puts it back)",
            )
        }
        AppError::OtherBook { planned } => {
            let here = book.map_or("another one", |book| book.name.as_str());
            let message = format!("the plan is for the book `{planned}`, and this is `{here}`");
            Failure::new(Exit::Refused, message).help("apply it in the book that it was made in")
        }
        AppError::Stale(stale) => {
            let (message, help) = report::plan::stale(stale);
            Failure::new(Exit::Refused, message).help(help)
        }
        AppError::FarFromNow => Failure::new(Exit::Refused, "the plan was made too far from now")
            .help("plan again; where it is meant, set the time with `--at`"),
        AppError::Refused => Failure::new(Exit::Refused, "the plan cannot be applied")
            .help("`trialbook plan` shows what is in the way"),
        AppError::NotRecorded(failed) => of_not_recorded(failed),
        AppError::NotEdited(path) => {
            let message = format!("cannot write a decision at the end of `{path}`");
            Failure::new(Exit::Refused, message)
                .help("add `decision: {outcome: aborted, date: …, reason: …}` to it by hand")
        }
        AppError::NotStopped(key) => {
            let message = format!("the plan does not end `{key}` alone");
            Failure::new(Exit::Refused, message).help(format!(
                "`trialbook stop {key}` writes the decision that ends it; other changes of its flag need a plan of their own"
            ))
        }
        AppError::NoWarehouse => Failure::new(Exit::Findings, "the book has no warehouse")
            .help("add `warehouse: {engine: duckdb}` to trialbook.yaml"),
        AppError::Warehouse(error) => of_warehouse(error),
        AppError::Stored { path, error } => super::exit::of_artifact(error, path)
            .help("`trialbook analyze --out FOLDER/` writes outcomes; move other files away"),
        AppError::NoBookThen => {
            Failure::new(Exit::NothingMatched, "the history of the book does not reach back to that time")
                .help("ask for a later time, or fetch the whole history with `git fetch --unshallow`")
        }
        AppError::NothingRuns => {
            Failure::new(Exit::NothingMatched, "no experiment runs or awaits a decision")
                .help("name an experiment to analyse it whatever its state")
        }
        AppError::ServesNoFlag => Failure::new(Exit::NothingMatched, "the book serves no flag"),
        AppError::Json(error) => Failure::of(Exit::Bug, error),
    }
}

/// Returns the failure of a book that could not be linted.
pub(super) fn of_lint(error: &LintError) -> Failure {
    match error {
        LintError::NoPath { path, cause } => {
            Failure::new(Exit::NothingMatched, format!("cannot find `{}`", path.display())).because(cause)
        }
        LintError::OutsideBook { path, root } => {
            let message = format!("`{}` is not in the book `{}`", path.display(), root.display());
            Failure::new(Exit::NothingMatched, message)
                .help("name files of the book, or another book with `--book DIR`")
        }
        LintError::NoFile => Failure::new(Exit::NothingMatched, "no file of the book is there")
            .help("a book's files are `trialbook.yaml` and `KEY.KIND.yaml`"),
        LintError::NoRepository => Failure::new(Exit::Unreachable, "the book is not in a git repository")
            .help("`--against` compares with a branch; lint without it"),
        LintError::History(error) => {
            let exit = match error {
                HistoryError::UnknownRevision(_) | HistoryError::Unrelated(_) => Exit::NothingMatched,
                _ => Exit::Unreachable,
            };
            of_history(error).ending_with(exit)
        }
        LintError::Reason(why) => {
            Failure::new(Exit::Usage, format!("`--add-ignore` cannot write this: {why}")).help(
                "give the reason why the findings are acceptable: `--add-ignore \"until=2027-01-31 the team moves\"`",
            )
        }
        LintError::NoPlace => Failure::new(Exit::Bug, "a comment has no place in its file"),
    }
}

/// Returns the failure of edits that would give the book errors.
pub(super) fn of_edits(errors: &[Diagnostic], help: &str) -> Failure {
    let failure = Failure::new(Exit::Refused, "with these edits the book would have errors").help(help);
    errors.iter().take(10).fold(failure, |failure, error| {
        let at = error.primary.file.position(error.primary.span.start);
        let place = format!("{}:{}", error.primary.file.path(), at.line);
        failure.detail(format!("{place}: {} [{}]", error.message, error.rule))
    })
}

fn of_no_target(key: Option<&TargetKey>, book: Option<&Book>) -> Failure {
    let known: Vec<&str> =
        book.into_iter().flat_map(|book| book.targets.keys()).map(TargetKey::as_str).collect();
    let message =
        key.map_or("the book declares no target".to_owned(), |key| format!("there is no target `{key}`"));
    let help = if known.is_empty() {
        "declare one under `targets:`".to_owned()
    } else {
        format!("the book has {}", known.join(", "))
    };
    Failure::new(Exit::NothingMatched, message).help(help)
}

pub(super) fn of_name(name: &NotNamed, book: Option<&Book>) -> Failure {
    let (message, help) = match name {
        NotNamed::Experiment(name) => {
            let known = book.into_iter().flat_map(|book| book.experiments.keys()).map(ExperimentKey::as_str);
            (format!("the book has no experiment `{name}`"), suggestion(name, known).into())
        }
        NotNamed::Flag(name) => {
            let known = book.into_iter().flat_map(|book| book.flags.keys()).map(FlagKey::as_str);
            (format!("there is no flag `{name}`"), suggestion(name, known).into())
        }
        NotNamed::Archived(flag) => (
            format!("flag `{flag}` is archived, so it is not served"),
            "`archived: true` in its file takes it out of every target".to_owned(),
        ),
        NotNamed::Rollout(key) => {
            let known = book.into_iter().flat_map(|book| book.rollouts.keys()).map(RolloutKey::as_str);
            (format!("there is no rollout `{key}`"), suggestion(key.as_str(), known).into())
        }
        NotNamed::Surface(name) => {
            let known = book.into_iter().flat_map(|book| book.surfaces.keys()).map(SurfaceKey::as_str);
            (format!("the book has no surface `{name}`"), suggestion(name, known).into())
        }
        NotNamed::Layer(name) => {
            let known = book.into_iter().flat_map(|book| book.layers.keys()).map(LayerKey::as_str);
            (format!("the book has no layer `{name}`"), suggestion(name, known).into())
        }
        NotNamed::Team(name) => {
            let known = book.into_iter().flat_map(status::teams).map(String::as_str);
            (format!("no experiment has the owner `{name}`"), suggestion(name, known).into())
        }
        NotNamed::Adopted(flag) => {
            let known = book.into_iter().flat_map(|book| book.flags.keys()).map(FlagKey::as_str);
            let others = known.filter(|known| *known != flag.as_str());
            (
                format!("the target has no flag `{flag}` to take over"),
                suggestion(flag.as_str(), others).into(),
            )
        }
        NotNamed::Ours(flag) => {
            (format!("`{flag}` is this book's already"), "plan without `--adopt`".to_owned())
        }
        NotNamed::NotInBook(flag) => (
            format!("the book has no flag `{flag}` to serve in place of the target's"),
            format!("write it first: `trialbook new flag {flag}`"),
        ),
        NotNamed::NotDrifted(flag) => (
            format!("`{flag}` was not changed by hand in the target"),
            "`trialbook drift` lists the flags that were".to_owned(),
        ),
        NotNamed::Ended(key) => (
            format!("`{key}` is over or has a decision already"),
            "there is nothing to stop; `trialbook plan` shows whether the target still serves it".to_owned(),
        ),
    };
    Failure::new(Exit::NothingMatched, message).help(help)
}

/// Returns the failure of a target that could not be read or written.
pub(super) fn of_backend(error: &BackendError) -> Failure {
    let exit = match error {
        BackendError::Locked { .. }
        | BackendError::Conflict { .. }
        | BackendError::Malformed { .. }
        | BackendError::Outside { .. }
        | BackendError::Journal { .. }
        | BackendError::Taken { .. }
        | BackendError::Underway { .. }
        | BackendError::Launched { .. } => Exit::Refused,
        BackendError::TooLarge { .. } | BackendError::Store { .. } | BackendError::Inexpressible { .. } => {
            Exit::Findings
        }
        BackendError::Io { .. } | BackendError::Answer { .. } | BackendError::NoToken { .. } => {
            Exit::Unreachable
        }
        BackendError::Partial { .. } => Exit::AppliedInPart,
    };
    Failure::of(exit, error).advised(error)
}

/// Returns the failure of git.
pub(super) fn of_history(error: &HistoryError) -> Failure {
    Failure::of(Exit::Unreachable, error).advised(error)
}

fn of_warehouse(error: &WarehouseError) -> Failure {
    Failure::of(Exit::Unreachable, error).advised(error)
}

/// Returns the failure of an experiment that could not be analysed.
pub(super) fn of_analysis(error: &AnalysisError) -> Failure {
    Failure::of(Exit::Unreachable, error).advised(error)
}

fn of_not_advanced(error: &AdvanceError, book: Option<&Book>, timezone: &str) -> Failure {
    let exit = match error {
        AdvanceError::Unknown(_) => Exit::NothingMatched,
        _ => Exit::Refused,
    };
    let help = match error {
        AdvanceError::Unknown(key) => match book.filter(|book| book.rollouts.contains_key(key)) {
            Some(_) => "this target serves flags and rules only".to_owned(),
            None => {
                let known = book.into_iter().flat_map(|book| book.rollouts.keys()).map(RolloutKey::as_str);
                suggestion(key.as_str(), known).into()
            }
        },
        AdvanceError::Unguarded(_) | AdvanceError::Complete(_) => "there is nothing to approve".to_owned(),
        AdvanceError::NotLaunched(_) => "plan and apply without `--advance` first".to_owned(),
        AdvanceError::NotDue { .. } => {
            "wait for it, or move the step in the rollout's file to an earlier date".to_owned()
        }
    };
    Failure::new(exit, report::plan::not_advanced(error, timezone)).help(help)
}

fn of_not_recorded(failed: &NotRecorded) -> Failure {
    let Some((key, error)) = failed.launches.first() else {
        return Failure::new(Exit::AppliedInPart, "launches are not recorded in git");
    };
    let others: Vec<String> = failed.launches.iter().skip(1).map(|(key, _)| format!("`{key}`")).collect();
    let message = if others.is_empty() {
        format!("the launch of `{key}` is not recorded in git")
    } else {
        format!("the launches of `{key}`, {} are not recorded in git", others.join(", "))
    };
    of_launch(key, error).within(message).ending_with(Exit::AppliedInPart)
}

fn of_launch(key: &ExperimentKey, error: &RecordError) -> Failure {
    match error {
        RecordError::Commit(error) => of_history(error)
            .help(format!("the target's metadata names it under `trialbook.launch.{key}.commit`")),
        RecordError::Git(LaunchError::History(error)) => of_history(error),
        RecordError::Git(error @ LaunchError::Form(name)) => Failure::of(Exit::AppliedInPart, error)
            .help(format!("remove it with `git update-ref -d {name}`, and apply again")),
        RecordError::Git(error @ LaunchError::Broken(file)) => Failure::of(Exit::AppliedInPart, error)
            .help(format!("delete the file `{}`, and apply again", file.display())),
        RecordError::Other { found, live } => {
            let message = format!(
                "git has a launch of commit {} and digest {}, the target one of commit {} and digest {}",
                found.commit.short(),
                found.digest.short(),
                live.commit.short(),
                live.digest.short()
            );
            Failure::new(Exit::AppliedInPart, message).help(format!(
                "git's record was left as it is; find out which is right, and remove the other: \
                 `git update-ref -d refs/trialbook/launch/{key}`, or the flag's metadata"
            ))
        }
    }
}

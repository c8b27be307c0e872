//! How a command ends that concludes nothing.

use super::{of, of_edits};
use crate::app::conclude::NotConcluded;
use crate::app::decide::NotDecided;
use crate::cli::{Exit, Failure, Opened};
use trialbook_analysis::VerdictKind;

/// Returns how a command ends that decides nothing.
pub(in crate::cli) fn of_decision(error: &NotDecided, asked: &str) -> Failure {
    match error {
        NotDecided::OtherExperiment { book, experiment } => {
            let message = format!("the outcome is of experiment `{experiment}` of the book `{book}`");
            Failure::new(Exit::Refused, message)
                .help(format!("analyse `{asked}`: `trialbook analyze {asked} --out FILE`"))
        }
        NotDecided::Open(verdict) => undecided(*verdict),
        NotDecided::BeforeOutcome { date, as_of } => {
            let message = format!("the decision would be of {date}, before its outcome, which is of {as_of}");
            Failure::new(Exit::Refused, message)
                .help(format!("leave `--at` out, or give {as_of} or a later day"))
        }
        NotDecided::NothingGiven => Failure::new(Exit::Usage, "neither an outcome nor a decision is given"),
        NotDecided::NothingShips => Failure::new(Exit::Usage, "only a decision to ship names a variant")
            .help("leave `--variant` out, or add `--as ship --reason TEXT`"),
        NotDecided::NoVariant => Failure::new(Exit::Usage, "the variant that ships is not known")
            .help("name it with `--variant VARIANT`"),
    }
}

fn undecided(verdict: Option<VerdictKind>) -> Failure {
    let (why, help) = match verdict {
        Some(VerdictKind::KeepRunning) => {
            ("the verdict is to keep the experiment running", "wait until the result decides")
        }
        Some(VerdictKind::NotDecidable) => {
            ("a deciding metric has no number", "`trialbook report OUTCOME` names what to fix")
        }
        Some(VerdictKind::Invalid) => {
            ("the data cannot carry a verdict", "`trialbook report OUTCOME` names what to repair")
        }
        _ => ("the outcome has no verdict", "give the experiment a treatment"),
    };
    Failure::new(Exit::Refused, format!("the outcome decides nothing: {why}"))
        .help(format!("{help}; to decide all the same, add `--as DECISION --reason TEXT`"))
}

/// Returns the failure of an experiment that was not concluded.
pub(in crate::cli) fn of_conclusion(error: &NotConcluded, key: &str, opened: &Opened) -> Failure {
    match error {
        NotConcluded::App(error) => of(error, opened),
        NotConcluded::UnknownVariant { known } => {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            Failure::new(Exit::NothingMatched, format!("`{key}` does not test that variant"))
                .help(format!("it tests {}", known.join(", ")))
        }
        NotConcluded::BeforeStart { date, start } => {
            let message = format!("the decision would be of {date}, before `{key}` starts on {start}");
            Failure::new(Exit::Refused, message)
                .help(format!("give `--at {start}` or a later day, or change the start in its file"))
        }
        NotConcluded::Control(variant) => Failure::new(
            Exit::Refused,
            format!("`{variant}` is the control of `{key}`: there is nothing to ship"),
        )
        .help("conclude it with `--as roll-back` or `--as inconclusive`"),
        NotConcluded::Flag(path) => {
            let message = format!("cannot edit `{path}` so that it serves the variant");
            Failure::new(Exit::Refused, message).help(
                "it serves it by default already, or the target has settings of its own in the flag: edit it by hand",
            )
        }
        NotConcluded::Errors(errors) => of_edits(errors, "fix what is named above first, then conclude"),
    }
}

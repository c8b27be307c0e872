//! `trialbook conclude`: the decision, and the flag that serves the winner, as one small edit or a pull request.

use std::path::PathBuf;

use super::propose::{self, Proposal};
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, failed, report, write};
use crate::app::conclude::{self, Conclusion, Decided, NotConcluded};
use crate::app::decide::{NotDecided, Wanted, decide};
use crate::report::{markdown, outcome};
use trialbook_analysis::{Outcome, VerdictKind};
use trialbook_language::edit::difference;
use trialbook_model::{DecisionOutcome, VariantKey};

/// Conclude an experiment: write its decision, and make the flag serve the winner
///
/// The decision goes to the end of the experiment's file. A variant that ships becomes the flag's default if everybody was tested,
/// and otherwise a rule with the tested audience. Units of a holdout keep their default. Nothing else changes, comments stay, and
/// edits that would cause an error in the book are refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: String,
    /// The outcome that decides, as `trialbook analyze --out` wrote it
    #[arg(long, value_name = "FILE", required_unless_present = "decide")]
    from: Option<PathBuf>,
    /// Make this decision, whatever the verdict is
    #[arg(long = "as", id = "decide", value_name = "DECISION", requires = "reason")]
    decide: Option<Decision>,
    /// The variant to ship; when left out, the one that the outcome names
    #[arg(long, value_name = "VARIANT")]
    variant: Option<VariantKey>,
    /// The reason, for people who read the file later; when left out, that of the outcome
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show the edits as a patch, and write nothing
    #[arg(long, conflicts_with = "pull_request")]
    diff: bool,
    /// Open a pull request into this branch with the edits, and write nothing here; reads GITHUB_TOKEN, which needs
    /// `contents: write` and `pull-requests: write`
    #[arg(long, value_name = "BRANCH")]
    pull_request: Option<String>,
    /// Use this date or instant as the current time; serving ends at the midnight before it
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Decision {
    /// Release a variant.
    Ship,
    /// Keep the control, because a variant did harm.
    RollBack,
    /// Keep the control, because no effect was shown.
    Inconclusive,
    /// Keep the control, because the experiment was stopped early.
    Aborted,
}

impl Decision {
    fn outcome(self) -> DecisionOutcome {
        match self {
            Self::Ship => DecisionOutcome::Ship,
            Self::RollBack => DecisionOutcome::RollBack,
            Self::Inconclusive => DecisionOutcome::Inconclusive,
            Self::Aborted => DecisionOutcome::Aborted,
        }
    }
}

/// Writes the edits, or opens the pull request with them.
///
/// # Errors
///
/// Where the book has errors, there is no such experiment, it has a decision, the outcome decides nothing, or a file cannot be edited.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let (_, files) = session.files()?;
    let book = opened.book()?;
    let (now, timezone) = (opened.instant(args.at), opened.timezone());
    let evidence = args.from.as_deref().map(report::read).transpose()?;
    let wanted = Wanted {
        outcome: args.decide.map(Decision::outcome),
        variant: args.variant.as_ref(),
        reason: args.reason.as_deref(),
    };
    let date = now.to_zoned(timezone.clone()).date();
    let decided = decide(wanted, evidence.as_ref(), (&book.name, &args.experiment), date)
        .map_err(|error| not_decided(&error, &args.experiment))?;
    let conclusion =
        conclude::conclude(&files, &opened.loaded, book, &args.experiment, &decided, now, &timezone)
            .map_err(|error| failure(&error, &args.experiment, &opened))?;
    if let Some(base) = &args.pull_request {
        return propose(base, &args.experiment, &conclusion, evidence.as_ref(), &decided, &opened, session);
    }
    if args.diff {
        for edit in &conclusion.edits {
            sink::print(Text::Plain(&difference(&edit.path, &edit.before, &edit.after)))?;
        }
        return Ok(Exit::Done);
    }
    for edit in &conclusion.edits {
        write::edited_file(&opened.root, &edit.path, &edit.before, &edit.after)?;
        sink::print(Text::Plain(&format!("{}\n", sink::inline(&edit.path))))?;
    }
    report_freed(&conclusion, &opened, session);
    session.inform(
        "Next: `trialbook plan` shows who moves; commit both files together, and apply after the merge.",
    );
    Ok(Exit::Done)
}

/// Returns how the command ends that decides nothing.
fn not_decided(error: &NotDecided, asked: &str) -> Failure {
    match error {
        NotDecided::OtherExperiment { book, experiment } => {
            let message = format!("the outcome is of experiment `{experiment}` of the book `{book}`");
            Failure::new(Exit::Refused, message)
                .help(format!("analyse `{asked}`: `trialbook analyze {asked} --out FILE`"))
        }
        NotDecided::Open(verdict) => undecided(*verdict),
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

/// Opens the pull request.
fn propose(
    base: &str,
    key: &str,
    conclusion: &Conclusion,
    evidence: Option<&Outcome>,
    decided: &Decided,
    opened: &Opened,
    session: &Session,
) -> Result<Exit, Failure> {
    let body = match evidence {
        Some(outcome) => markdown::for_pull_request(&outcome::document(outcome), &report::rest()),
        None => markdown::paragraph(&decided.reason),
    };
    let proposal = Proposal {
        base,
        branch: &format!("trialbook/conclude-{key}"),
        title: &title(key, decided),
        message: &decided.reason,
        body: &body,
        edits: &conclusion.edits,
    };
    propose::open(&proposal, opened, session)?;
    report_freed(conclusion, opened, session);
    Ok(Exit::Done)
}

fn title(key: &str, decided: &Decided) -> String {
    match (&decided.outcome, &decided.variant) {
        (DecisionOutcome::Ship, Some(variant)) => format!("Conclude {key}: ship {variant}"),
        (DecisionOutcome::Ship, None) => format!("Conclude {key}: ship"),
        (DecisionOutcome::RollBack, _) => format!("Conclude {key}: roll back"),
        (DecisionOutcome::Inconclusive, _) => format!("Conclude {key}: inconclusive"),
        (DecisionOutcome::Aborted, _) => format!("Conclude {key}: aborted"),
    }
}

fn report_freed(conclusion: &Conclusion, opened: &Opened, session: &Session) {
    if let Some(freed) = &conclusion.freed {
        let from = crate::report::allocate::day(freed.from, &opened.timezone());
        let buckets =
            if freed.buckets == 1 { "1 bucket".to_owned() } else { format!("{} buckets", freed.buckets) };
        session.inform(format_args!(
            "{buckets} of layer `{}` are free from {from} on: `trialbook allocate` then gives them away.",
            freed.layer
        ));
    }
}

fn failure(error: &NotConcluded, key: &str, opened: &Opened) -> Failure {
    match error {
        NotConcluded::App(error) => failed::of(error, opened),
        NotConcluded::UnknownVariant { known } => {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            Failure::new(Exit::NothingMatched, format!("`{key}` does not test that variant"))
                .help(format!("it tests {}", known.join(", ")))
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
        NotConcluded::Errors(errors) => {
            failed::of_edits(errors, "fix what is named above first, then conclude")
        }
    }
}

//! `trialbook conclude`: the decision, and the flag that serves the winner, as one small edit or a pull request.

use std::path::PathBuf;

use super::propose;
use super::sink::{self, Text};
use super::{At, Exit, Failure, Opened, Session, failed, report, write};
use crate::app::conclude::{self, Conclusion, Decided};
use crate::app::decide::{Wanted, day_of, decide};
use crate::app::pull_request::PullRequest;
use crate::report::conclude as words;
use trialbook_analysis::Outcome;
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
    /// Use this date or instant as the current time; serving ends at the midnight before it. When left out, the decision has the date of
    /// the outcome or, without one, of today
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
    let today = now.to_zoned(timezone.clone()).date();
    // As the report proposes it.
    let date = evidence.as_ref().filter(|_| args.at.is_none()).map_or(today, day_of);
    let decided = decide(wanted, evidence.as_ref(), (&book.name, &args.experiment), date)
        .map_err(|error| failed::of_decision(&error, &args.experiment))?;
    let conclusion =
        conclude::conclude(&files, &opened.loaded, book, &args.experiment, &decided, now, &timezone)
            .map_err(|error| failed::of_conclusion(&error, &args.experiment, &opened))?;
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
    let request = PullRequest {
        base,
        branch: &format!("trialbook/conclude-{key}"),
        title: &words::title(key, decided),
        message: &decided.reason,
        body: &words::body(evidence, decided, &report::rest()),
        edits: &conclusion.edits,
    };
    propose::open(&request, opened, session)?;
    report_freed(conclusion, opened, session);
    Ok(Exit::Done)
}

fn report_freed(conclusion: &Conclusion, opened: &Opened, session: &Session) {
    if let Some(freed) = &conclusion.freed {
        session.inform(words::freed(freed, &opened.timezone()));
    }
}

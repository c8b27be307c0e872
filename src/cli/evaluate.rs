//! `trialbook evaluate`: who gets what, and why.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::sink::JsonLines;
use super::{At, Exit, Failure, Session, contexts, exit, failed};
use crate::app::evaluate::{Question, Served};
use crate::report::evaluate::{self as report, Lines};
use serde_json::{Map, Value};
use trialbook_model::{Evaluator, RolloutKey, Share, TargetKey, TargetType};

/// Show who gets what, and why: reads contexts, and prints one JSON line for each context and flag
///
/// A context is a JSON object of attributes; `targetingKey` has the unit's id. Each line of the answer has the
/// flag, the variant, the served name, its value and the reason: `override`, `rule`, `holdout`, `experiment`, `rollout`,
/// `default`, `disabled` or `no-unit`. If the reason is `default`, `passed` lists why no rule, experiment or rollout served the
/// unit: the condition that it does not meet, its bucket, or the time. Attributes that the book does not declare are ignored, and
/// named in `ignored` and once on stderr. A value that is not of its attribute's declared type counts as missing; it is
/// named in `unreadable`, and once for each attribute on stderr. Lines are in the order of the contexts, then of the flags.
///
/// A rollout with guardrails serves the share that the target records as approved, or that `--approved` names.
///
/// Archived flags are not served, so they are left out. Empty lines between contexts are ignored. The command stops at the first line
/// that is not a context; all lines before it are answered.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flags to evaluate; when none is named, all that are served
    #[arg(value_name = "FLAG")]
    flags: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// Use this date or instant as the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// Answer as this target does; the primary target when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Treat this share of a rollout with guardrails as approved, whatever the target records
    #[arg(long, value_name = "ROLLOUT=SHARE", value_parser = approved)]
    approved: Vec<(RolloutKey, Share)>,
    /// Draw as this evaluator does; when left out, the first one of the target
    #[arg(long, value_name = "NAME", value_parser = evaluator)]
    evaluator: Option<Evaluator>,
}

/// Where the contexts come from.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A context
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// A file with one context on each line; `-` for stdin
    #[arg(long, value_name = "FILE")]
    contexts: Option<PathBuf>,
}

/// The evaluators that can be named.
const EVALUATORS: [Evaluator; 4] =
    [Evaluator::Javascript4, Evaluator::Python2, Evaluator::UnleashNode6, Evaluator::UnleashPython6];

pub(super) fn evaluator(text: &str) -> Result<Evaluator, String> {
    let named = EVALUATORS.into_iter().find(|evaluator| evaluator.as_str() == text);
    named.ok_or_else(|| format!("expected {}", EVALUATORS.map(Evaluator::as_str).join(", ")))
}

/// Reads the name of an evaluator of flag files.
pub(super) fn evaluator_of_flagd(text: &str) -> Result<Evaluator, String> {
    let reads_files = |evaluator: &&Evaluator| evaluator.reads() == TargetType::Flagd;
    let known: Vec<Evaluator> = EVALUATORS.iter().filter(reads_files).copied().collect();
    let named = known.iter().find(|evaluator| evaluator.as_str() == text).copied();
    let names: Vec<&str> = known.iter().map(|evaluator| evaluator.as_str()).collect();
    named.ok_or_else(|| format!("expected {}", names.join(" or ")))
}

fn approved(text: &str) -> Result<(RolloutKey, Share), String> {
    let (key, share) =
        text.split_once('=').ok_or("expected a rollout and a share, such as `new-search=10%`")?;
    let key = RolloutKey::new(key).map_err(|error| error.to_string())?;
    Ok((key, Share::parse(share).map_err(|error| error.to_string())?))
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, no flag matches, or a context cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let failed = |error| failed::of(&error, &opened);
    let served = Served::new(opened.book()?, args.target.as_ref()).map_err(failed)?;
    let approved = args.approved.iter().cloned().collect();
    let question = Question {
        flags: &args.flags,
        at: opened.instant(args.at),
        evaluator: args.evaluator,
        approved: &approved,
    };
    let evaluation = served.evaluation(&opened.root, question).map_err(failed)?;
    for notice in &evaluation.notices {
        session.inform(report::notice(notice));
    }
    let mut answers = Answers { lines: Lines::new(&evaluation), session, output: JsonLines::new() };
    match (&args.source.context, &args.source.contexts) {
        (Some(context), _) => answers.one(context),
        (None, Some(path)) if path.as_os_str() == "-" => answers.each(io::stdin().lock(), "stdin"),
        (None, Some(path)) => {
            answers.each(BufReader::with_capacity(1 << 16, open(path)?), &path.display().to_string())
        }
        (None, None) => Err(Failure::new(Exit::Usage, "no context is given")),
    }?;
    Ok(Exit::Done)
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| {
        Failure::new(exit::of_named_file(&error), format!("cannot read the contexts in `{}`", path.display()))
            .because(&error)
    })
}

/// Prints the answer to each context.
struct Answers<'r, 'a> {
    lines: Lines<'r, 'a>,
    session: &'r Session,
    output: JsonLines,
}

impl Answers<'_, '_> {
    /// Answers one context, which may take several lines.
    fn one(&mut self, text: &str) -> Result<(), Failure> {
        let json = contexts::read(text.as_bytes(), "--context")?;
        self.answer(json.ok_or_else(|| Failure::new(Exit::Usage, "--context is empty"))?)?;
        Ok(self.output.flush()?)
    }

    /// Answers each context of an input, one line at a time, in constant memory.
    fn each(&mut self, input: impl BufRead, name: &str) -> Result<(), Failure> {
        let answered = contexts::each(input, name, |json| self.answer(json));
        // What was asked before a failure is answered in full, and the failure comes after it.
        self.output.flush()?;
        answered
    }

    fn answer(&mut self, json: Map<String, Value>) -> Result<(), Failure> {
        let Self { lines, session, output } = self;
        let context = lines.context(json);
        for notice in lines.notices(&context) {
            session.inform(notice);
        }
        lines.each(&context, |line| output.line(&serde_json::to_string(line).map_err(io::Error::from)?))?;
        Ok(())
    }
}

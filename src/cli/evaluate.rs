//! `trialbook evaluate`: who gets what, and why.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::sink::JsonLines;
use super::{At, Exit, Failure, Session, contexts, exit, failed};
use crate::app::evaluate::{Evaluation, Question, Served};
use crate::report::evaluate::{self as report, PassedBy, Unreadable};
use serde::Serialize;
use trialbook_model::resolve::{Reason, Resolution};
use trialbook_model::targeting::Context;
use trialbook_model::{Attribute, AttributeKey, Evaluator, RolloutKey, Share, TargetKey, TargetType};

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
    let asked = Asked {
        evaluation: &evaluation,
        session,
        ignored: RefCell::default(),
        unreadable: RefCell::default(),
    };
    let output = JsonLines::new();
    match (&args.source.context, &args.source.contexts) {
        (Some(context), _) => asked.answer_one(context, output),
        (None, Some(path)) if path.as_os_str() == "-" => asked.answer(io::stdin().lock(), "stdin", output),
        (None, Some(path)) => {
            asked.answer(BufReader::with_capacity(1 << 16, open(path)?), &path.display().to_string(), output)
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

/// What is asked of each context.
struct Asked<'r, 'a> {
    evaluation: &'r Evaluation<'a>,
    session: &'r Session,
    /// The attributes that were reported as ignored: each is named once.
    ignored: RefCell<BTreeSet<String>>,
    /// The attributes of which a value was reported as unreadable: each is named once.
    unreadable: RefCell<BTreeSet<AttributeKey>>,
}

/// A line of the answer.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    resolution: &'a Resolution<'a>,
    /// Why nothing but the default is served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed: Vec<PassedBy<'a>>,
    /// How many more passed the unit by.
    #[serde(skip_serializing_if = "is_zero")]
    passed_more: usize,
    /// The attributes of the context that the book does not declare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<&'a str>,
    /// The attributes of the context that count as missing, because their values do not read as declared.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unreadable: &'a [Unreadable<'a>],
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// So many reasons stand in a line at most.
const REASONS: usize = 20;

/// So many ignored attributes are named at most, in a line and on stderr.
const IGNORED: usize = 20;

impl<'a> Asked<'_, 'a> {
    /// Answers one context, which may take several lines.
    fn answer_one(&self, text: &str, mut output: JsonLines) -> Result<(), Failure> {
        let json = contexts::read(text.as_bytes(), "--context")?;
        let json = json.ok_or_else(|| Failure::new(Exit::Usage, "--context is empty"))?;
        self.write(&self.read(json), &mut output)?;
        Ok(output.flush()?)
    }

    /// Answers each context of an input, one line at a time, in constant memory.
    fn answer(&self, input: impl BufRead, name: &str, mut output: JsonLines) -> Result<(), Failure> {
        let answered = contexts::each(input, name, |json| self.write(&self.read(json), &mut output));
        // What was asked before a failure is answered in full, and the failure comes after it.
        output.flush()?;
        answered
    }

    fn read(&self, json: serde_json::Map<String, serde_json::Value>) -> Context {
        self.evaluation.context(json)
    }

    /// Returns the attributes of a context that nothing reads; reports each the first time.
    fn ignored_of<'c>(&self, context: &'c Context) -> Vec<&'c str> {
        let ignored: Vec<&str> = self.evaluation.ignored(context).take(IGNORED).collect();
        let mut named = self.ignored.borrow_mut();
        for name in &ignored {
            if named.len() >= IGNORED || named.contains(*name) {
                continue;
            }
            named.insert((*name).to_owned());
            self.session.inform(report::ignored(name, self.evaluation.nearest(name)));
        }
        ignored
    }

    /// Returns the attributes of a context that do not read as declared; reports each attribute the first time.
    fn unreadable_of(&self, context: &Context) -> Vec<Unreadable<'a>> {
        let found = self.evaluation.unreadable(context).take(IGNORED);
        let mut named = self.unreadable.borrow_mut();
        let reported = |(attribute, value): (&'a Attribute, &serde_json::Value)| {
            let unreadable = report::unreadable(attribute, value);
            if named.insert(attribute.key.clone()) {
                self.session.inform(format_args!(
                    "attribute `{}` ignored: {}; it counts as missing",
                    attribute.key, unreadable.detail
                ));
            }
            unreadable
        };
        found.map(reported).collect()
    }

    fn write(&self, context: &Context, output: &mut JsonLines) -> Result<(), Failure> {
        let ignored = self.ignored_of(context);
        let unreadable = self.unreadable_of(context);
        for flag in &self.evaluation.flags {
            let Some(answer) = self.evaluation.answer(flag, context) else { continue };
            let by_default = answer.resolution.reason == Reason::Default;
            let line = Line {
                resolution: &answer.resolution,
                passed: answer.passed.iter().take(REASONS).map(|one| report::passed(one, context)).collect(),
                passed_more: answer.passed.len().saturating_sub(REASONS),
                ignored: if by_default { ignored.clone() } else { Vec::new() },
                unreadable: &unreadable,
            };
            output.line(&serde_json::to_string(&line).map_err(io::Error::from)?)?;
        }
        Ok(())
    }
}

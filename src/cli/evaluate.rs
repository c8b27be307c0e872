//! `trialbook evaluate`: who gets what, and why.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::prepared::declared_target;
use super::sink::JsonLines;
use super::{At, Exit, Failure, Opened, Session, contexts, exit};
use crate::report::passed::{self, Told};
use serde::Serialize;
use trialbook_delivery::target;
use trialbook_language::load::{nearest, suggestion};
use trialbook_model::allocation::Approvals;
use trialbook_model::capability::HashProfile;
use trialbook_model::resolve::{Reason, Resolution, Resolver};
use trialbook_model::targeting::Context;
use trialbook_model::{Book, Evaluator, FlagKey, Rollout, RolloutKey, Share, Target, TargetKey};

/// Say who gets what, and why: contexts in, one JSON line for each context and flag out
///
/// A context is a JSON object of attributes; `targetingKey` holds the unit's id. Each line of the answer names the
/// flag, the variant, the entry that a target serves, its value and the reason: `rule`, `holdout`, `experiment`, `rollout`,
/// `default`, `disabled` or `no-unit`. Where the reason is `default`, `passed` says why no rule, experiment or rollout served the
/// unit: the condition that it does not meet, its bucket, or the time. An attribute that the book does not declare is ignored; it is
/// named in `ignored` and once on stderr. Lines stand in the order of the contexts, then of the flags.
///
/// A rollout with guardrails goes as far as the target has approved, which is read there, or as far as `--approved` says.
///
/// Archived flags are not served, so they are left out. Empty lines between contexts are passed over. At the first line
/// that is no context the command stops; the lines before it are answered in full.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flags to evaluate; every one that is served when none is named
    #[arg(value_name = "FLAG")]
    flags: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// When; now unless given
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// As served by this target; the primary one when left out
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetKey>,
    /// Take this share of a rollout with guardrails for approved, whatever the target says
    #[arg(long, value_name = "ROLLOUT=SHARE", value_parser = approved)]
    approved: Vec<(RolloutKey, Share)>,
    /// Whose draws; the first evaluator of the target unless given
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
const EVALUATORS: [Evaluator; 2] = [Evaluator::Javascript4, Evaluator::Python2];

fn evaluator(text: &str) -> Result<Evaluator, String> {
    let named = EVALUATORS.into_iter().find(|evaluator| evaluator.as_str() == text);
    named.ok_or_else(|| format!("expected {}", EVALUATORS.map(Evaluator::as_str).join(" or ")))
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
    let whole = opened.book()?;
    let target = match (&args.target, whole.primary_target()) {
        (None, primary) => primary,
        (Some(key), _) => Some(declared_target(whole, Some(key))?),
    };
    let book = target.map_or(Cow::Borrowed(whole), |target| whole.in_target(&target.key));
    let book = &*book;
    let at = opened.instant(args.at);
    let profile = profile(args.evaluator, target, session);
    let approvals = approvals(args, book, target, at, &opened, session)?;
    let resolver = Resolver::new(book, at, profile).approved(approvals);
    let flags = flags(&args.flags, book, &resolver)?;
    let asked = Asked { resolver: &resolver, flags: &flags, book, session, ignored: RefCell::default() };
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

/// Returns how far rollouts with guardrails go: as the target has approved, unless said otherwise. Where the target cannot
/// be read, that is said, and only their first step counts.
fn approvals(
    args: &Args,
    book: &Book,
    target: Option<&Target>,
    at: Timestamp,
    opened: &Opened,
    session: &Session,
) -> Result<Approvals, Failure> {
    for (key, _) in &args.approved {
        if !book.rollouts.contains_key(key) {
            return Err(Failure::new(Exit::NothingMatched, format!("there is no rollout `{key}`"))
                .help(suggestion(key.as_str(), book.rollouts.keys().map(RolloutKey::as_str))));
        }
    }
    let said: BTreeMap<_, _> = args.approved.iter().cloned().collect();
    let asked = |rollout: &&Rollout| {
        rollout.is_guarded()
            && !said.contains_key(&rollout.key)
            && (args.flags.is_empty() || args.flags.iter().any(|flag| flag == rollout.flag.as_str()))
    };
    let mut approved = match target.filter(|_| book.rollouts.values().any(|rollout| asked(&rollout))) {
        None => BTreeMap::new(),
        Some(target) => {
            let read = target::open(&book.name, target, &opened.root).and_then(|target| target.read());
            read.map(|live| live.approvals(at)).unwrap_or_else(|error| {
                session.say(format_args!(
                    "{error}: of rollouts with guardrails the first step counts; say otherwise with --approved ROLLOUT=SHARE"
                ));
                BTreeMap::new()
            })
        }
    };
    approved.extend(said);
    Ok(Approvals::Of(approved))
}

/// Returns how the units are hashed: as the named evaluator does, or as the target is served, or, where the book has no
/// target, over the plain text.
fn profile(named: Option<Evaluator>, target: Option<&Target>, session: &Session) -> HashProfile {
    let declared = target.map(Target::evaluators).unwrap_or_default();
    let Some(evaluator) = named.or(declared.first().copied()) else { return HashProfile::Utf8 };
    let profile = evaluator.hash_profile();
    if named.is_none()
        && let Some(other) = declared.iter().find(|other| other.hash_profile() != profile)
    {
        session.say(format_args!(
            "these are the draws of {}; {other} draws otherwise: see them with --evaluator {other}",
            evaluator.as_str(),
            other = other.as_str(),
        ));
    }
    profile
}

/// Returns the flags that are named, or every one that is served.
fn flags<'a>(named: &[String], book: &'a Book, resolver: &Resolver<'a>) -> Result<Vec<&'a FlagKey>, Failure> {
    if named.is_empty() {
        let flags: Vec<_> = resolver.flags().collect();
        let nothing = || Failure::new(Exit::NothingMatched, "the book serves no flag");
        return if flags.is_empty() { Err(nothing()) } else { Ok(flags) };
    }
    named.iter().map(|name| flag(name, book)).collect()
}

fn flag<'a>(name: &str, book: &'a Book) -> Result<&'a FlagKey, Failure> {
    let Some(flag) = book.flags.get(name) else {
        return Err(Failure::new(Exit::NothingMatched, format!("there is no flag `{name}`"))
            .help(suggestion(name, book.flags.keys().map(FlagKey::as_str))));
    };
    if flag.archived {
        return Err(Failure::new(
            Exit::NothingMatched,
            format!("flag `{name}` is archived, so nobody is served it"),
        ));
    }
    Ok(&flag.key)
}

/// What is asked of each context.
struct Asked<'r, 'a> {
    resolver: &'r Resolver<'a>,
    flags: &'r [&'a FlagKey],
    book: &'r Book,
    session: &'r Session,
    /// The attributes that were said to be ignored: each is named once.
    ignored: RefCell<BTreeSet<String>>,
}

/// A line of the answer.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    resolution: &'a Resolution<'a>,
    /// Why nothing but the default is served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed: Vec<Told<'a>>,
    /// How many more passed the unit by.
    #[serde(skip_serializing_if = "is_zero")]
    passed_more: usize,
    /// The attributes of the context that the book does not declare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<&'a str>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// So many reasons stand in a line at most.
const REASONS: usize = 20;

/// So many ignored attributes are named at most, in a line and on stderr.
const IGNORED: usize = 20;

/// So much of an ignored attribute's name is shown, in characters.
const LONGEST_NAME: usize = 100;

impl Asked<'_, '_> {
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
        Context::new(json, &self.book.attributes)
    }

    /// Returns the attributes of a context that nothing reads; says so of each the first time.
    fn ignored_of<'c>(&self, context: &'c Context) -> Vec<&'c str> {
        let book = self.book;
        let is_id = |name: &str| {
            let fields = book.entities.values().map(|entity| entity.context.as_ref());
            name == Context::TARGETING_KEY || fields.flatten().any(|field| field.as_str() == name)
        };
        let names = context.json().keys().map(String::as_str);
        let ignored = names.filter(|name| !book.attributes.contains_key(*name) && !is_id(name));
        let ignored: Vec<&str> = ignored.take(IGNORED).collect();
        let mut named = self.ignored.borrow_mut();
        for name in &ignored {
            if named.len() >= IGNORED || named.contains(*name) {
                continue;
            }
            named.insert((*name).to_owned());
            let meant = nearest(name, book.attributes.keys().map(|key| key.as_str()));
            let advice = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "declare it under `attributes:` in trialbook.yaml to use it".to_owned(),
            };
            let name: String = name.chars().take(LONGEST_NAME).collect();
            self.session
                .say(format_args!("attribute `{name}` is ignored: the book does not declare it; {advice}"));
        }
        ignored
    }

    fn write(&self, context: &Context, output: &mut JsonLines) -> Result<(), Failure> {
        let ignored = self.ignored_of(context);
        for flag in self.flags {
            if let Some(resolution) = self.resolver.resolve(flag, context) {
                let by_default = resolution.reason == Reason::Default;
                let all = if by_default { self.resolver.passed(flag, context) } else { Vec::new() };
                let answer = Answer {
                    resolution: &resolution,
                    passed: all.iter().take(REASONS).map(|one| passed::told(one, context)).collect(),
                    passed_more: all.len().saturating_sub(REASONS),
                    ignored: if by_default { ignored.clone() } else { Vec::new() },
                };
                let line = serde_json::to_string(&answer).map_err(io::Error::from)?;
                output.line(&line)?;
            }
        }
        Ok(())
    }
}

//! Concluding an experiment: its decision, the flag that serves the winner, and what becomes free.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use trialbook_language::edit;
use trialbook_language::edit::format::format;
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_lint::check;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::SourceFile;
use trialbook_model::{Book, DecisionOutcome, Experiment, HoldoutKey, Kind, VariantKey};

use super::{AppError, NotNamed};

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What.
    pub outcome: DecisionOutcome,
    /// The variant that ships; only with [`DecisionOutcome::Ship`].
    pub variant: Option<VariantKey>,
    /// Why.
    pub reason: String,
    /// The day from whose midnight on the experiment is no longer served.
    pub date: Date,
}

/// An edit of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file, from the book's root.
    pub path: String,
    /// What it holds.
    pub before: String,
    /// What it holds then.
    pub after: String,
}

/// The edits that conclude an experiment, and what they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The edits, the experiment's first.
    pub edits: Vec<Edit>,
    /// The buckets that become free, where it is in a layer.
    pub freed: Option<Freed>,
}

/// Buckets of a layer that become free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The layer.
    pub layer: String,
    /// How many.
    pub buckets: u32,
    /// From when on another experiment may have them: the layer's quarantine is over.
    pub from: Timestamp,
}

/// Why an experiment is not concluded.
#[derive(Debug)]
pub enum NotConcluded {
    /// It has no such name, or is over.
    App(AppError),
    /// It does not test the variant that is to ship.
    UnknownVariant {
        /// The variants that it tests.
        known: Vec<VariantKey>,
    },
    /// The decision is dated before the experiment starts.
    BeforeStart {
        /// The day of the decision.
        date: Date,
        /// The day of the start.
        start: Date,
    },
    /// The control is what everybody has without the experiment: there is nothing to ship.
    Control(VariantKey),
    /// The flag's file cannot be edited so that it serves the variant: it serves it by default already, or the target has
    /// settings of its own.
    Flag(String),
    /// With the edits the book would have errors that it has not now.
    Errors(Vec<Diagnostic>),
}

impl From<AppError> for NotConcluded {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

/// Returns the edits that conclude an experiment: a decision at the end of its file and, where a variant ships, the rule or
/// the default that serves it. Comments stay. Units of a holdout over the flag keep the default that they have.
///
/// # Errors
///
/// As [`NotConcluded`] lists them; nothing is written.
pub fn conclude(
    files: &[RawFile],
    loaded: &Loaded,
    book: &Book,
    name: &str,
    decided: &Decided,
    now: Timestamp,
    timezone: &TimeZone,
) -> Result<Conclusion, NotConcluded> {
    let unknown = || AppError::NotNamed(NotNamed::Experiment(name.to_owned()));
    let (key, experiment) = book.experiments.get_key_value(name).ok_or_else(unknown)?;
    if experiment.decision.is_some() {
        return Err(AppError::NotNamed(NotNamed::Ended(key.clone())).into());
    }
    let start = experiment.schedule.start().to_zoned(timezone.clone()).date();
    if decided.date < start {
        return Err(NotConcluded::BeforeStart { date: decided.date, start });
    }
    let path = loaded.documents.path_of(Kind::Experiment, name).ok_or_else(unknown)?;
    let text = text_of(files, path).ok_or_else(|| AppError::NotEdited(path.to_owned()))?;
    let mut edits =
        vec![Edit { path: path.to_owned(), before: text.to_owned(), after: with_decision(text, decided) }];
    if let Some(variant) = &decided.variant {
        if !experiment.split.variants().any(|known| known == variant) {
            let known = experiment.split.variants().cloned().collect();
            return Err(NotConcluded::UnknownVariant { known });
        }
        if *variant == experiment.control {
            return Err(NotConcluded::Control(variant.clone()));
        }
        edits.push(serving(files, loaded, book, experiment, text, variant, now)?);
    }
    let after = load::load(edited(files, &edits));
    let errors = new_errors(loaded, &after, now);
    // Whatever the files look like, what comes out must be what was meant.
    let decision = after.book.as_ref().and_then(|book| book.experiments.get(key)?.decision.as_ref());
    let as_meant = decision
        .is_some_and(|decision| (decision.outcome, &decision.variant) == (decided.outcome, &decided.variant));
    match errors.is_empty() {
        true if as_meant => Ok(Conclusion { edits, freed: freed(book, experiment, decided, timezone) }),
        true => Err(AppError::NotEdited(path.to_owned()).into()),
        false => Err(NotConcluded::Errors(errors)),
    }
}

/// Writes the decision at the end of an experiment's file, in the one style. The reason is quoted as JSON, which is YAML too, so
/// that no text of it can become anything else.
fn with_decision(text: &str, decided: &Decided) -> String {
    let outcome = match decided.outcome {
        DecisionOutcome::Ship => "ship",
        DecisionOutcome::RollBack => "roll-back",
        DecisionOutcome::Inconclusive => "inconclusive",
        DecisionOutcome::Aborted => "aborted",
    };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let variant = decided.variant.as_ref();
    let variant =
        variant.map_or_else(String::new, |key| std::format!("  variant: {}\n", quoted(key.as_str())));
    let decision = std::format!(
        "decision:\n  outcome: {outcome}\n{variant}  date: {}\n  reason: {}\n",
        decided.date,
        quoted(&decided.reason)
    );
    let decision = format(Kind::Experiment, &SourceFile::new("", decision.as_str())).unwrap_or(decision);
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { break_ };
    std::format!("{text}{end}{}", decision.replace('\n', break_))
}

/// Returns the edit of the flag's file that serves a variant to those it was tested on.
fn serving(
    files: &[RawFile],
    loaded: &Loaded,
    book: &Book,
    experiment: &Experiment,
    tested: &str,
    variant: &VariantKey,
    now: Timestamp,
) -> Result<Edit, NotConcluded> {
    let flag = experiment.flag.as_str();
    let path = loaded.documents.path_of(Kind::Flag, flag).unwrap_or_default().to_owned();
    let cannot = || NotConcluded::Flag(path.clone());
    let before = text_of(files, &path).ok_or_else(cannot)?;
    let target = book.primary_target().map(|target| target.key.as_str());
    let release = edit::release(before, tested, variant.as_str(), target).ok_or_else(cannot)?;
    let mut after = release.text;
    if release.place == edit::ReleasePlace::Default {
        let flag = book.flag_of(experiment).ok_or_else(cannot)?;
        let over = book.holdouts.values().filter(|holdout| {
            holdout.entity == flag.entity
                && holdout.covers(&flag.surfaces)
                && holdout.schedule.contains(now)
                && !flag.holdouts.contains_key(&holdout.key)
        });
        let over: Vec<_> = over.map(|holdout| &holdout.key).collect();
        after = keeping(&after, &over, &flag.default).ok_or_else(cannot)?;
    }
    Ok(Edit { path: path.clone(), before: before.to_owned(), after })
}

/// Returns a flag's file whose held-out units keep the default that they have; `None` where it cannot be edited.
fn keeping(text: &str, holdouts: &[&HoldoutKey], default: &VariantKey) -> Option<String> {
    if holdouts.is_empty() {
        return Some(text.to_owned());
    }
    let lines: String = holdouts
        .iter()
        .map(|key| std::format!("  {key}: {}\n", serde_json::Value::from(default.as_str())))
        .collect();
    let parsed = load::yaml::parse(&SourceFile::new("", text));
    let there = parsed.root.as_ref()?.entry("holdouts");
    let edited = match there {
        None => std::format!("{}\nholdouts:\n{lines}", text.trim_end()),
        Some(entry) => {
            // Before the first that is there, whatever the style.
            let first = entry.value.entries().first()?;
            let (start, is_flow) =
                (first.key_span.start, text.get(entry.value.span.start..)?.starts_with('{'));
            let (head, tail) = text.split_at_checked(start)?;
            let one =
                |key: &&HoldoutKey| std::format!("{key}: {}", serde_json::Value::from(default.as_str()));
            let between = if is_flow { ", " } else { "\n  " };
            let all: Vec<_> = holdouts.iter().map(one).collect();
            std::format!("{head}{}{between}{tail}", all.join(between))
        }
    };
    format(Kind::Flag, &SourceFile::new("", edited)).ok()
}

fn freed(book: &Book, experiment: &Experiment, decided: &Decided, timezone: &TimeZone) -> Option<Freed> {
    let layer = book.layers.get(experiment.layer.as_ref()?)?;
    let buckets: u32 = layer.slots_of(&experiment.key).map(|range| range.count()).sum();
    let ends = decided.date.to_zoned(timezone.clone()).ok()?.timestamp();
    let from = layer.quarantine.after(ends);
    (buckets > 0).then(|| Freed { layer: layer.key.to_string(), buckets, from })
}

pub(super) fn text_of<'a>(files: &'a [RawFile], path: &str) -> Option<&'a str> {
    let file = files.iter().find(|file| file.path == path)?;
    std::str::from_utf8(&file.bytes).ok()
}

pub(super) fn edited(files: &[RawFile], edits: &[Edit]) -> Vec<RawFile> {
    let after = |file: &RawFile| {
        let edit = edits.iter().find(|edit| edit.path == file.path);
        edit.map_or_else(|| file.bytes.clone(), |edit| edit.after.clone().into_bytes())
    };
    files.iter().map(|file| RawFile { path: file.path.clone(), bytes: after(file) }).collect()
}

/// Returns the errors that a book has after edits and had not before.
pub(super) fn new_errors(before: &Loaded, after: &Loaded, now: Timestamp) -> Vec<Diagnostic> {
    let known: BTreeSet<_> = check::run(before, now).iter().map(identity).collect();
    let is_new =
        |finding: &Diagnostic| finding.severity == Severity::Error && !known.contains(&identity(finding));
    check::run(after, now).into_iter().filter(is_new).collect()
}

/// What makes two findings the same one in two states of a book: lines may have moved.
pub(super) fn identity(finding: &Diagnostic) -> (&'static str, String, String) {
    (finding.rule, finding.primary.file.path().to_owned(), finding.message.clone())
}

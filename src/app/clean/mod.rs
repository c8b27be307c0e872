//! What a book no longer needs: expired flags that serve everybody the same, and variants that nobody can be served any more.
//! Each proposal comes with the proof that no unit is served anything else, and the edited book is linted like any other.
//! The files of experiments stay, with their slots: they are the record of what was tested.

mod reach;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

pub use reach::{Way, Ways, ways};
use trialbook_language::edit;
use trialbook_language::edit::format::format;
use trialbook_language::load::{self, Loaded, RawFile};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;
use trialbook_model::{Book, Duration, Experiment, ExperimentKey, Flag, FlagKey, Kind, VariantKey};

use super::conclude::Edit;

/// What can go, what has to stay, and the edits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleaning {
    /// The version of this shape.
    pub version: u32,
    /// The flags with something that can go, by key.
    pub flags: Vec<Cleaned>,
    /// The expired flags that stay as they are, by key.
    pub kept: Vec<Kept>,
    /// The edits, by file.
    #[serde(skip)]
    pub edits: Vec<Edit>,
}

/// A flag with something that can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// The flag.
    pub flag: FlagKey,
    /// Its file, from the book's root.
    pub file: String,
    /// What goes.
    pub removes: Removal,
    /// The proof: how units get the variants that are left, in any target, now or later.
    pub served: Ways,
}

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// The flag as a whole: it is archived.
    Flag {
        /// When it expired.
        expired: Timestamp,
        /// What everybody is served.
        serves: VariantKey,
    },
    /// Variants that nobody can be served.
    Variants {
        /// Which.
        variants: Vec<VariantKey>,
        /// The experiments that had them, all of them over.
        tested: Vec<Tested>,
    },
}

/// An experiment that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Which.
    pub experiment: ExperimentKey,
    /// When it was decided.
    pub decided: Timestamp,
}

/// An expired flag that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The flag.
    pub flag: FlagKey,
    /// When it expired.
    pub expired: Timestamp,
    /// How units get its variants: more than one of them.
    pub served: Ways,
}

/// Why nothing is proposed.
#[derive(Debug)]
pub enum NotCleaned {
    /// There is no such flag.
    UnknownFlag(String),
    /// The file of a flag cannot be edited so that only what goes is gone.
    NotEdited(String),
    /// With the edits the book would have errors that it has not now.
    Errors(Vec<Diagnostic>),
}

/// Proposes what can go of some flags, or of all where none is named. Experiments count as long concluded when they were decided
/// longer ago than `after`.
///
/// # Errors
///
/// As [`NotCleaned`] lists them.
pub fn clean(
    files: &[RawFile],
    loaded: &Loaded,
    book: &Book,
    names: &[String],
    after: Duration,
    now: Timestamp,
) -> Result<Cleaning, NotCleaned> {
    if let Some(unknown) = names.iter().find(|name| !book.flags.contains_key(name.as_str())) {
        return Err(NotCleaned::UnknownFlag(unknown.clone()));
    }
    let mut cleaning = Cleaning { version: 1, flags: Vec::new(), kept: Vec::new(), edits: Vec::new() };
    let asked = |flag: &&Flag| names.is_empty() || names.iter().any(|name| name == flag.key.as_str());
    for flag in book.flags.values().filter(|flag| !flag.archived).filter(asked) {
        let expired = flag.expires.filter(|expires| *expires <= now);
        let spent = spent(book, flag, after, now);
        if expired.is_none() && spent.is_empty() {
            continue;
        }
        let served = ways(book, flag, now);
        let removes = match (expired, served.only()) {
            (Some(expired), Some(only)) => Removal::Flag { expired, serves: only.clone() },
            _ => {
                if let Some(expired) = expired {
                    cleaning.kept.push(Kept { flag: flag.key.clone(), expired, served: served.clone() });
                }
                match unreachable(book, flag, &spent, &served) {
                    Some(removal) => removal,
                    None => continue,
                }
            }
        };
        let file = loaded.documents.path_of(Kind::Flag, flag.key.as_str()).unwrap_or_default().to_owned();
        let not_edited = || NotCleaned::NotEdited(file.clone());
        let before = super::conclude::text_of(files, &file).ok_or_else(not_edited)?;
        let after = edited(before, &removes).ok_or_else(not_edited)?;
        cleaning.edits.push(Edit { path: file.clone(), before: before.to_owned(), after });
        cleaning.flags.push(Cleaned { flag: flag.key.clone(), file, removes, served });
    }
    cleaning.edits.sort_by(|a, b| a.path.cmp(&b.path));
    checked(files, loaded, &cleaning, now)?;
    Ok(cleaning)
}

/// The experiments of a flag that were decided long ago.
fn spent<'a>(book: &'a Book, flag: &Flag, after: Duration, now: Timestamp) -> Vec<&'a Experiment> {
    let long_ago = |experiment: &&Experiment| {
        experiment.decision.as_ref().is_some_and(|decision| after.after(decision.date) <= now)
    };
    book.experiments_of(&flag.key).filter(long_ago).collect()
}

/// Returns the variants that only experiments had which were decided long ago; `None` where there is none.
fn unreachable(book: &Book, flag: &Flag, spent: &[&Experiment], served: &Ways) -> Option<Removal> {
    let named = named(book, flag, spent);
    let had = |variant: &&VariantKey| spent.iter().any(|one| one.split.variants().any(|had| had == *variant));
    let can_go = |variant: &&VariantKey| !served.reaches(variant) && !named.contains(*variant);
    let variants: Vec<_> = flag.variants.keys().filter(had).filter(can_go).cloned().collect();
    let tested = spent.iter().filter(|one| one.split.variants().any(|had| variants.contains(had)));
    let tested = tested
        .filter_map(|one| Some(Tested { experiment: one.key.clone(), decided: one.decision.as_ref()?.date }));
    let tested: Vec<_> = tested.collect();
    (!variants.is_empty()).then_some(Removal::Variants { variants, tested })
}

/// The variants that something still names which nobody reaches now: a rule that comes too late, a test that is over and was decided
/// a short while ago, a target's own setting.
fn named<'a>(book: &'a Book, flag: &'a Flag, spent: &[&Experiment]) -> BTreeSet<&'a VariantKey> {
    let mut named: BTreeSet<&VariantKey> = flag.rules.iter().map(|rule| &rule.serve).collect();
    named.insert(&flag.default);
    named.extend(flag.holdouts.values());
    for own in flag.overrides.values() {
        named.extend(&own.default);
        named.extend(own.rules.iter().flatten().map(|rule| &rule.serve));
    }
    named.extend(book.rollouts_of(&flag.key).map(|rollout| &rollout.serve));
    for experiment in book.experiments_of(&flag.key) {
        if !spent.iter().any(|one| one.key == experiment.key) {
            named.extend(experiment.split.variants());
            named.extend(experiment.overrides.iter().map(|forced| &forced.serve));
        }
    }
    named
}

/// Makes the edit of a flag's file.
fn edited(text: &str, removes: &Removal) -> Option<String> {
    let is_tidy = |text: &str| format(Kind::Flag, &SourceFile::new("", text)).is_ok_and(|tidy| tidy == text);
    let after = match removes {
        Removal::Flag { .. } => {
            let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let end = if text.ends_with('\n') || text.is_empty() { "" } else { break_ };
            edit::set_scalar(text, "archived", "true")
                .unwrap_or_else(|| std::format!("{text}{end}archived: true{break_}"))
        }
        Removal::Variants { variants, .. } => {
            variants.iter().try_fold(text.to_owned(), |text, variant| {
                edit::remove_entry(&text, "variants", variant.as_str())
            })?
        }
    };
    // A file in the one style stays in it.
    match is_tidy(text) {
        true => format(Kind::Flag, &SourceFile::new("", after)).ok(),
        false => Some(after),
    }
}

/// Holds the edited book to every rule, and to what was meant.
fn checked(
    files: &[RawFile],
    loaded: &Loaded,
    cleaning: &Cleaning,
    now: Timestamp,
) -> Result<(), NotCleaned> {
    if cleaning.edits.is_empty() {
        return Ok(());
    }
    let after = load::load(super::conclude::edited(files, &cleaning.edits));
    let errors = super::conclude::new_errors(loaded, &after, now);
    if !errors.is_empty() {
        return Err(NotCleaned::Errors(errors));
    }
    let as_meant = |cleaned: &Cleaned| {
        let before = loaded.book.as_ref().and_then(|book| book.flags.get(&cleaned.flag));
        let after = after.book.as_ref().and_then(|book| book.flags.get(&cleaned.flag));
        let Some((mut before, after)) = before.cloned().zip(after) else { return false };
        match &cleaned.removes {
            Removal::Flag { .. } => before.archived = true,
            Removal::Variants { variants, .. } => variants.iter().for_each(|variant| {
                before.variants.remove(variant);
            }),
        }
        before == *after
    };
    match cleaning.flags.iter().find(|cleaned| !as_meant(cleaned)) {
        Some(cleaned) => Err(NotCleaned::NotEdited(cleaned.file.clone())),
        None => Ok(()),
    }
}

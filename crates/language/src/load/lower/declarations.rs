//! What lowering a file has to know of the others.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sink::Sink;
use crate::load::advice::Advice;
use crate::load::documents::Documents;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::book::DefaultsSyntax;
use crate::load::syntax::{File, When, experiment, flag, holdout, layer, metric, segment, source};
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{
    Analysis, Attribute, AttributeKey, Entity, EntityKey, Kind, PartName, Surface, SurfaceKey, Target,
    TargetKey,
};

/// What is declared in a section of `trialbook.yaml`.
///
/// Where the section could not be read, a name that is missing from it is not reported.
pub(super) struct Declared<K, V> {
    /// By name; `None` where the declaration has problems.
    pub entries: BTreeMap<K, Option<V>>,
    /// Whether every name that the section holds is in `entries`.
    pub complete: bool,
}

impl<K: Ord + std::borrow::Borrow<str>, V> Declared<K, V> {
    /// Returns what is declared under a reference; reports one that refers to nothing.
    pub fn get(&self, what: &str, name: &str, span: Span, sink: &mut Sink<'_>) -> Option<&V> {
        match self.entries.get(name) {
            Some(value) => value.as_ref(),
            None => {
                if self.complete {
                    sink.dangling(span, what, name, || {
                        suggestion(name, self.entries.keys().map(|key| key.borrow()))
                    });
                }
                None
            }
        }
    }

    /// Reports a reference that refers to nothing.
    pub fn check(&self, what: &str, name: &str, span: Span, sink: &mut Sink<'_>) {
        self.get(what, name, span, sink);
    }
}

/// What `trialbook.yaml` declares for the other files.
pub(super) struct Declarations<'a> {
    pub timezone: TimeZone,
    pub entities: Declared<EntityKey, Entity>,
    pub attributes: Declared<AttributeKey, Attribute>,
    pub surfaces: Declared<SurfaceKey, Surface>,
    pub targets: Declared<TargetKey, Target>,
    pub defaults: Option<&'a DefaultsSyntax>,
    /// The book's analysis, every default written out.
    pub analysis: Analysis,
}

impl Declarations<'_> {
    /// Returns the instant that a date or an instant means; `None` where that is out of range.
    pub fn instant(&self, when: &Spanned<When>, sink: &mut Sink<'_>) -> Option<Timestamp> {
        instant(&self.timezone, when, sink)
    }
}

/// Returns the first instant of a day in a time zone, or the instant itself.
pub(super) fn instant(timezone: &TimeZone, when: &Spanned<When>, sink: &mut Sink<'_>) -> Option<Timestamp> {
    match when.value {
        When::Instant(instant) => Some(instant),
        When::Day(day) => match day.to_zoned(timezone.clone()) {
            Ok(zoned) => Some(zoned.timestamp()),
            Err(error) => {
                sink.error(
                    rules::BAD_DATE,
                    when.span,
                    format!("`{day}` is out of range: {error}"),
                    "write a nearer date",
                );
                None
            }
        },
    }
}

/// What lowering a file asked of the others: it has to be lowered again when the answer may differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::load) enum Question {
    /// What is in this file, if there is one.
    Of(PartName),
    /// Which files of a kind there are.
    Keys(Kind),
    /// What is in any file of a kind.
    All(Kind),
}

/// Everything that is asked while one file is lowered; `None`: nobody wants to know.
pub(super) type Log = Option<RefCell<HashSet<Question>>>;

/// What was found to be meant by names that no file has: one renamed metric may be missed ten thousand times.
#[derive(Default)]
pub(super) struct Suggestions(Mutex<HashMap<(Kind, String), Advice>>);

/// The files of a kind.
pub(super) struct Files<'a, T> {
    kind: Kind,
    all: Everything<'a>,
    /// Returns the file where it is of this kind.
    of: for<'f> fn(&'f File) -> Option<&'f T>,
}

/// Every file of the book, and who is asking.
#[derive(Clone, Copy)]
struct Everything<'a> {
    documents: &'a Documents,
    /// In the order of the documents; `None` where a file could not be read.
    syntaxes: &'a [Option<File>],
    suggestions: &'a Suggestions,
    log: &'a Log,
}

impl<'a, T: 'a> Files<'a, T> {
    /// Tells whether there is a file of this key, readable or not.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Returns the file of a key where it could be read.
    pub fn get(&self, key: &str) -> Option<&'a T> {
        self.find(key).flatten()
    }

    /// Returns every key with its file where it could be read, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a T>)> {
        self.ask(|| Question::All(self.kind));
        self.all.documents.of_kind(self.kind).map(|(key, index)| (key, self.at(index)))
    }

    /// Returns the file that a reference means, where it could be read; reports one that refers to nothing.
    pub fn referred(&self, what: &str, name: &str, span: Span, sink: &mut Sink<'_>) -> Option<&'a T> {
        match self.find(name) {
            Some(file) => file,
            None => {
                sink.dangling(span, what, name, || self.suggestion(name));
                None
            }
        }
    }

    /// Returns the file of a key; the outer `None`: there is none; the inner: it could not be read.
    fn find(&self, key: &str) -> Option<Option<&'a T>> {
        self.ask(|| Question::Of(PartName::new(self.kind, key)));
        self.all.documents.index_of(self.kind, key).map(|index| self.at(index))
    }

    fn at(&self, index: usize) -> Option<&'a T> {
        self.all.syntaxes.get(index)?.as_ref().and_then(self.of)
    }

    fn ask(&self, question: impl FnOnce() -> Question) {
        if let Some(log) = self.all.log {
            log.borrow_mut().insert(question());
        }
    }

    fn suggestion(&self, name: &str) -> Advice {
        self.ask(|| Question::Keys(self.kind));
        if let Some(path) = self.all.documents.misnamed(self.kind, name) {
            let right = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
            return format!(
                "`{path}` is not read, because a book's files end in `.yaml`: rename it to `{right}.yaml`"
            )
            .into();
        }
        // A suggestion is whole or absent, whatever another thread died of.
        let mut known = self.all.suggestions.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&(self.kind, name.to_owned())) {
            return found.clone();
        }
        let mut keys: Vec<_> = self.all.documents.of_kind(self.kind).map(|(key, _)| key).collect();
        keys.sort_unstable();
        let found = suggestion(name, keys.into_iter());
        known.insert((self.kind, name.to_owned()), found.clone());
        found
    }
}

/// The syntax of every file by kind and key, for the lowering of one file.
pub(super) struct Index<'a> {
    pub book: Option<&'a crate::load::syntax::book::BookFile>,
    pub flags: Files<'a, flag::FlagFile>,
    pub experiments: Files<'a, experiment::ExperimentFile>,
    pub holdouts: Files<'a, holdout::HoldoutFile>,
    pub layers: Files<'a, layer::LayerFile>,
    pub segments: Files<'a, segment::SegmentFile>,
    pub metrics: Files<'a, metric::MetricFile>,
    pub sources: Files<'a, source::SourceFile>,
}

impl<'a> Index<'a> {
    /// The syntaxes are in the order of the documents. What is asked is entered in the log.
    pub fn new(
        documents: &'a Documents,
        syntaxes: &'a [Option<File>],
        suggestions: &'a Suggestions,
        log: &'a Log,
    ) -> Self {
        let all = Everything { documents, syntaxes, suggestions, log };
        macro_rules! files {
            ($kind:ident) => {
                Files {
                    kind: Kind::$kind,
                    all,
                    of: |file| match file {
                        File::$kind(file) => Some(&**file),
                        _ => None,
                    },
                }
            };
        }
        let book = documents.index_of(Kind::Book, "").and_then(|index| syntaxes.get(index)?.as_ref());
        Self {
            book: book.and_then(|file| match file {
                File::Book(book) => Some(&**book),
                _ => None,
            }),
            flags: files!(Flag),
            experiments: files!(Experiment),
            holdouts: files!(Holdout),
            layers: files!(Layer),
            segments: files!(Segment),
            metrics: files!(Metric),
            sources: files!(Source),
        }
    }
}

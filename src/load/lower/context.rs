//! What lowering a file has to know of the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sink::Sink;
use crate::load::documents::Documents;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::book::DefaultsSyntax;
use crate::load::syntax::{File, When, experiment, flag, holdout, layer, metric, rollout, segment, source};
use crate::model::{
    Analysis, Attribute, AttributeKey, Entity, EntityKey, Kind, Surface, SurfaceKey, Target, TargetKey,
};
use crate::span::{Span, Spanned};

/// What is declared in a section of `trialbook.yaml`.
///
/// Where the section could not be read, nobody is told that a name is missing from it.
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

/// What `trialbook.yaml` says to the other files.
pub(super) struct Context<'a> {
    pub timezone: TimeZone,
    pub entities: Declared<EntityKey, Entity>,
    pub attributes: Declared<AttributeKey, Attribute>,
    pub surfaces: Declared<SurfaceKey, Surface>,
    pub targets: Declared<TargetKey, Target>,
    pub defaults: Option<&'a DefaultsSyntax>,
    /// The book's analysis, every default written out.
    pub analysis: Analysis,
}

impl Context<'_> {
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
                sink.error(rules::BAD_DATE, when.span, format!("`{day}` is out of range: {error}"), "");
                None
            }
        },
    }
}

/// The files of a kind.
pub(super) struct Files<'a, T> {
    /// By key: `None` where a file could not be read.
    by_key: HashMap<&'a str, Option<&'a T>>,
    /// What was found to be meant by names that no file has: one renamed metric may be missed ten thousand times.
    suggestions: Mutex<HashMap<String, String>>,
}

impl<T> Default for Files<'_, T> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), suggestions: Mutex::default() }
    }
}

impl<'a, T> Files<'a, T> {
    /// Tells whether there is a file of this key, readable or not.
    pub fn contains(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Returns the file of a key where it could be read.
    pub fn get(&self, key: &str) -> Option<&'a T> {
        self.by_key.get(key).copied().flatten()
    }

    /// Returns every key with its file where it could be read, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a T>)> {
        self.by_key.iter().map(|(key, file)| (*key, *file))
    }

    /// Returns the file that a reference means, where it could be read; reports one that refers to nothing.
    pub fn referred(&self, what: &str, name: &str, span: Span, sink: &mut Sink<'_>) -> Option<&'a T> {
        match self.by_key.get(name) {
            Some(file) => *file,
            None => {
                sink.dangling(span, what, name, || self.suggestion(name));
                None
            }
        }
    }

    fn suggestion(&self, name: &str) -> String {
        // A suggestion is whole or absent, whatever another thread died of.
        let mut known = self.suggestions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return found.clone();
        }
        let mut keys: Vec<_> = self.by_key.keys().copied().collect();
        keys.sort_unstable();
        let found = suggestion(name, keys.into_iter());
        known.insert(name.to_owned(), found.clone());
        found
    }
}

/// The syntax of every file by kind and key.
pub(super) struct Index<'a> {
    pub book: Option<&'a crate::load::syntax::book::BookFile>,
    pub flags: Files<'a, flag::FlagFile>,
    pub experiments: Files<'a, experiment::ExperimentFile>,
    pub rollouts: Files<'a, rollout::RolloutFile>,
    pub holdouts: Files<'a, holdout::HoldoutFile>,
    pub layers: Files<'a, layer::LayerFile>,
    pub segments: Files<'a, segment::SegmentFile>,
    pub metrics: Files<'a, metric::MetricFile>,
    pub sources: Files<'a, source::SourceFile>,
}

impl<'a> Index<'a> {
    pub fn new(documents: &'a Documents, syntaxes: &'a [Option<File>]) -> Self {
        let mut index = Self {
            book: None,
            flags: Files::default(),
            experiments: Files::default(),
            rollouts: Files::default(),
            holdouts: Files::default(),
            layers: Files::default(),
            segments: Files::default(),
            metrics: Files::default(),
            sources: Files::default(),
        };
        for (document, syntax) in documents.iter().zip(syntaxes) {
            let key = document.key();
            macro_rules! enter {
                ($files:ident, $variant:ident) => {{
                    let file = match syntax {
                        Some(File::$variant(file)) => Some(&**file),
                        _ => None,
                    };
                    index.$files.by_key.entry(key).or_insert(file);
                }};
            }
            match document.kind() {
                Kind::Book => {
                    if let Some(File::Book(book)) = syntax {
                        index.book = Some(book);
                    }
                }
                Kind::Flag => enter!(flags, Flag),
                Kind::Experiment => enter!(experiments, Experiment),
                Kind::Rollout => enter!(rollouts, Rollout),
                Kind::Holdout => enter!(holdouts, Holdout),
                Kind::Layer => enter!(layers, Layer),
                Kind::Segment => enter!(segments, Segment),
                Kind::Metric => enter!(metrics, Metric),
                Kind::Source => enter!(sources, Source),
            }
        }
        index
    }
}

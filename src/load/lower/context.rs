//! What lowering a file has to know of the others.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sink::Sink;
use crate::load::documents::Documents;
use crate::load::rules;
use crate::load::syntax::book::DefaultsSyntax;
use crate::load::syntax::{File, When, experiment, flag, layer, metric, segment, source};
use crate::model::{Analysis, Attribute, AttributeKey, Entity, EntityKey, Kind, Surface, SurfaceKey};
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
                    sink.dangling(span, what, name, self.entries.keys().map(|key| key.borrow()));
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

/// The files of a kind by key: `None` where a file could not be read.
pub(super) type Files<'a, T> = HashMap<&'a str, Option<&'a T>>;

/// The syntax of every file by kind and key.
pub(super) struct Index<'a> {
    pub book: Option<&'a crate::load::syntax::book::BookFile>,
    pub flags: Files<'a, flag::FlagFile>,
    pub experiments: Files<'a, experiment::ExperimentFile>,
    pub layers: Files<'a, layer::LayerFile>,
    pub segments: Files<'a, segment::SegmentFile>,
    pub metrics: Files<'a, metric::MetricFile>,
    pub sources: Files<'a, source::SourceFile>,
}

impl<'a> Index<'a> {
    pub fn new(documents: &'a Documents, syntaxes: &'a [Option<File>]) -> Self {
        let mut index = Self {
            book: None,
            flags: HashMap::new(),
            experiments: HashMap::new(),
            layers: HashMap::new(),
            segments: HashMap::new(),
            metrics: HashMap::new(),
            sources: HashMap::new(),
        };
        for (document, syntax) in documents.iter().zip(syntaxes) {
            let key = document.key();
            macro_rules! enter {
                ($files:ident, $variant:ident) => {{
                    let file = match syntax {
                        Some(File::$variant(file)) => Some(&**file),
                        _ => None,
                    };
                    index.$files.entry(key).or_insert(file);
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
                Kind::Layer => enter!(layers, Layer),
                Kind::Segment => enter!(segments, Segment),
                Kind::Metric => enter!(metrics, Metric),
                Kind::Source => enter!(sources, Source),
            }
        }
        index
    }
}

/// Returns the file that a reference means, where it could be read; reports one that refers to nothing.
pub(super) fn referred<'a, T>(
    files: &Files<'a, T>,
    what: &str,
    name: &str,
    span: Span,
    sink: &mut Sink<'_>,
) -> Option<&'a T> {
    match files.get(name) {
        Some(file) => *file,
        None => {
            let mut known: Vec<_> = files.keys().copied().collect();
            known.sort_unstable();
            sink.dangling(span, what, name, known.iter().copied());
            None
        }
    }
}

//! Where a part of an experiment's plan stands, and what stood there before.

use std::sync::Arc;

use super::Scene;
use crate::model::{Book, Experiment, ExperimentKey, Kind, Metric, MetricKey, SegmentKey};
use crate::span::{SourceFile, Span};

/// A value of a book: the kind and key of its file, and where in it (a JSON pointer).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) pointer: &'static str,
}

impl Value {
    pub(super) fn new(kind: Kind, key: impl ToString, pointer: &'static str) -> Self {
        Self { kind, key: key.to_string(), pointer }
    }
}

impl Scene<'_> {
    /// Returns the places that make a part of an experiment's plan another one: in its own file, or in the files that it draws on.
    pub(super) fn causes(&self, part: &str, key: &ExperimentKey) -> Vec<Value> {
        let (before, after) = (self.review.before, self.review.after);
        let (Some(old), Some(new)) = (before.experiments.get(key), after.experiments.get(key)) else {
            return Vec::new();
        };
        let own = |pointer| vec![Value::new(Kind::Experiment, key, pointer)];
        let book = |pointer| vec![Value::new(Kind::Book, "trialbook", pointer)];
        match part {
            "hypothesis" => own("/hypothesis"),
            "audience" => own("/audience"),
            "allocation" => own("/allocation"),
            "salt" => own("/salt"),
            "control" => own("/control"),
            "split" => own("/variants"),
            "schedule" => own("/schedule"),
            "metrics" | "analysis" if !self.own_file_differs(part, old, new) => book("/defaults"),
            "metrics" => own("/metrics"),
            "analysis" => own("/analysis"),
            "quality" => book("/policy/quality"),
            "attributes" => book("/attributes"),
            "timezone" => book("/timezone"),
            "layer" => match (&old.layer, &new.layer) {
                (Some(a), Some(b)) if a == b => {
                    let salts = [before, after].map(|book| book.layers.get(a).map(|layer| &layer.salt));
                    let pointer = if salts[0] == salts[1] { "/slots" } else { "/salt" };
                    vec![Value::new(Kind::Layer, a, pointer)]
                }
                _ => own("/layer"),
            },
            "segments" => self.segments(before, after),
            "definitions" => {
                let of = |book: &Book, key: &MetricKey| book.metrics.get(key).map(definition);
                let differs = |key: &&MetricKey| of(before, key) != of(after, key);
                old.metrics.all().filter(differs).map(|key| Value::new(Kind::Metric, key, "")).collect()
            }
            "flag" => flag(before, after, old, new),
            _ => own(""),
        }
    }

    /// Tells whether the experiment's own file says something else now about its metrics or its analysis.
    fn own_file_differs(&self, part: &str, old: &Experiment, new: &Experiment) -> bool {
        let pointer = if part == "metrics" { "/metrics" } else { "/analysis" };
        let value = Value::new(Kind::Experiment, &new.key, pointer);
        let surfaces = old.surfaces != new.surfaces;
        surfaces || self.text_before(&value).is_some_and(|text| Some(text) != self.text_after(&value))
    }

    fn segments(&self, before: &Book, after: &Book) -> Vec<Value> {
        let audience =
            |book: &Book, key: &SegmentKey| book.segments.get(key).map(|segment| segment.audience.clone());
        let differs = |key: &&SegmentKey| audience(before, key) != audience(after, key);
        before
            .segments
            .keys()
            .filter(differs)
            .map(|key| Value::new(Kind::Segment, key, "/audience"))
            .collect()
    }

    /// Returns the file and place of a value after the change; the nearest thing around it where the file does not say it.
    pub(super) fn place(&self, value: &Value) -> (Arc<SourceFile>, Span) {
        let place = self.review.documents.place(value.kind, &value.key, value.pointer);
        (place.file, place.span)
    }

    /// Returns the place of a value before the change; `None` where its file has not changed.
    pub(super) fn place_before(&self, value: &Value) -> Option<(Arc<SourceFile>, Span)> {
        self.old.get(value.kind, &value.key)?;
        let place = self.old.place(value.kind, &value.key, value.pointer);
        Some((place.file, place.span))
    }

    /// Returns the text of a value before the change, on one line; `None` where its file has not changed.
    pub(super) fn text_before(&self, value: &Value) -> Option<String> {
        let (file, span) = self.place_before(value)?;
        Some(on_one_line(&file, span))
    }

    pub(super) fn text_after(&self, value: &Value) -> Option<String> {
        let (file, span) = self.place(value);
        Some(on_one_line(&file, span))
    }
}

/// Returns where a flag differs in a way that an experiment on it has to know.
fn flag(before: &Book, after: &Book, old: &Experiment, new: &Experiment) -> Vec<Value> {
    if old.flag != new.flag {
        return vec![Value::new(Kind::Experiment, &new.key, "/flag")];
    }
    let (Some(a), Some(b)) = (before.flags.get(&old.flag), after.flags.get(&new.flag)) else {
        return vec![Value::new(Kind::Experiment, &new.key, "/flag")];
    };
    let differs = [
        (a.rules != b.rules, "/rules"),
        (a.default != b.default, "/default"),
        (a.variants != b.variants, "/variants"),
        (a.entity != b.entity, "/entity"),
        (a.kind != b.kind, "/type"),
    ];
    let places: Vec<_> = differs
        .into_iter()
        .filter(|(differs, _)| *differs)
        .map(|(_, pointer)| Value::new(Kind::Flag, &b.key, pointer))
        .collect();
    if places.is_empty() { vec![Value::new(Kind::Flag, &b.key, "")] } else { places }
}

/// A metric without its prose and its owner.
fn definition(metric: &Metric) -> Metric {
    Metric { description: String::new(), owner: None, ..metric.clone() }
}

fn on_one_line(file: &SourceFile, span: Span) -> String {
    let text = file.slice(span);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

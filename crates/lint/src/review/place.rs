//! Where a part of an experiment's plan stands, and what stood there before.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Scene;
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{Book, Experiment, ExperimentKey, Kind, Metric, MetricKey, PartName, SegmentKey};

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

/// What a value was before a change.
pub(super) enum Before {
    /// This text, on one line; and whether the file no longer has the value.
    Was(String, bool),
    /// The file did not have it, so a default held.
    Unwritten,
    /// The file has not changed, or all of it is the value.
    Elsewhere,
}

/// Longer texts are not shown in a label.
const LONGEST: usize = 80;

impl Before {
    /// Returns the words beside the value as it will be; `None` where there is nothing short to write.
    pub(super) fn label(&self) -> Option<String> {
        match self {
            Self::Was(text, _) if text.chars().count() > LONGEST => None,
            Self::Was(text, false) => Some(format!("was `{text}`")),
            Self::Was(text, true) => Some(format!("was `{text}`, and is left out now")),
            Self::Unwritten => Some("was not written before: a default held".to_owned()),
            Self::Elsewhere => None,
        }
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
            "book" => book("/book"),
            "unit" => book("/entities"),
            "evaluators" => book("/targets"),
            "holdouts" => self.holdouts(old, new),
            "layer" => match (&old.layer, &new.layer) {
                (Some(a), Some(b)) if a == b => {
                    let salts = [before, after].map(|book| book.layers.get(a).map(|layer| &layer.salt));
                    let pointer = if salts[0] == salts[1] { "/slots" } else { "/salt" };
                    vec![Value::new(Kind::Layer, a, pointer)]
                }
                _ => own("/layer"),
            },
            "segments" => self.segments(Kind::Experiment, key.as_str()),
            "definitions" => {
                let of = |book: &Book, key: &MetricKey| book.metrics.get(key).map(definition);
                let differs = |key: &&MetricKey| of(before, key) != of(after, key);
                old.metrics.all().filter(differs).map(|key| Value::new(Kind::Metric, key, "")).collect()
            }
            "flag" => flag(before, after, old, new),
            _ => own(""),
        }
    }

    /// Tells whether the experiment's own file differs now in its metrics or its analysis.
    fn own_file_differs(&self, part: &str, old: &Experiment, new: &Experiment) -> bool {
        let pointer = if part == "metrics" { "/metrics" } else { "/analysis" };
        let value = Value::new(Kind::Experiment, &new.key, pointer);
        let surfaces = old.surfaces != new.surfaces;
        let changed = self.old.get(value.kind, &value.key).is_some();
        let documents = self.review.documents;
        surfaces || changed && documents.differs(&self.old, value.kind, &value.key, value.pointer)
    }

    /// Returns the segments that a part of the book uses, in whatever it names, and that differ.
    pub(super) fn segments(&self, kind: Kind, user: &str) -> Vec<Value> {
        let (before, after) = (self.review.before, self.review.after);
        let audience =
            |book: &Book, key: &SegmentKey| book.segments.get(key).map(|segment| segment.audience.clone());
        let differs = |key: &&SegmentKey| audience(before, key) != audience(after, key);
        let user = PartName::new(kind, user);
        let used = |key: &&SegmentKey| {
            let segment = || [PartName::new(Kind::Segment, key.shared())];
            [before, after].iter().any(|book| book.uses().dependents(segment()).contains(&user))
        };
        let places = before.segments.keys().filter(differs).filter(used);
        places.map(|key| Value::new(Kind::Segment, key, "/audience")).collect()
    }

    /// Returns the holdouts over an experiment that differ; where it is others that are over it, what names the surfaces.
    fn holdouts(&self, old: &Experiment, new: &Experiment) -> Vec<Value> {
        let (before, after) = (self.review.before, self.review.after);
        let differs: Vec<Value> = (before.holdouts_over(old).chain(after.holdouts_over(new)))
            .filter(|holdout| before.holdouts.get(&holdout.key) != after.holdouts.get(&holdout.key))
            .filter(|holdout| after.holdouts.contains_key(&holdout.key))
            .map(|holdout| Value::new(Kind::Holdout, &holdout.key, ""))
            .collect();
        if !differs.is_empty() {
            return differs.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        }
        let own = Value::new(Kind::Experiment, &new.key, "/surfaces");
        let of_flag = |book: &Book, experiment: &Experiment| {
            book.flag_of(experiment).map(|flag| (flag.surfaces.clone(), flag.holdouts.clone()))
        };
        match (of_flag(before, old), of_flag(after, new)) {
            (Some(a), Some(b)) if a.0 != b.0 => vec![Value::new(Kind::Flag, &new.flag, "/surfaces")],
            (Some(a), Some(b)) if a.1 != b.1 => vec![Value::new(Kind::Flag, &new.flag, "/holdouts")],
            _ => vec![own],
        }
    }

    /// Returns the file and place of a value after the change; the nearest thing around it where the file does not have it.
    pub(super) fn place(&self, value: &Value) -> (Arc<SourceFile>, Span) {
        let place = self.review.documents.place(value.kind, &value.key, &self.exact(value));
        (place.file, place.span)
    }

    /// Returns the place of a value before the change; `None` where its file has not changed.
    pub(super) fn place_before(&self, value: &Value) -> Option<(Arc<SourceFile>, Span)> {
        self.old.get(value.kind, &value.key)?;
        let place = self.old.place(value.kind, &value.key, &self.exact(value));
        Some((place.file, place.span))
    }

    /// Returns the JSON pointer of what differs in a value: the value, or the one part of it that is not as it was.
    fn exact(&self, value: &Value) -> String {
        self.review.documents.differing(&self.old, value.kind, &value.key, value.pointer)
    }

    /// Returns what a value was before the change.
    pub(super) fn before(&self, value: &Value) -> Before {
        let (kind, key, pointer) = (value.kind, &value.key, self.exact(value));
        if self.old.get(kind, key).is_none() || pointer.is_empty() {
            return Before::Elsewhere;
        }
        if !self.old.says(kind, key, &pointer) {
            return Before::Unwritten;
        }
        let place = self.old.place(kind, key, &pointer);
        Before::Was(on_one_line(&place.file, place.span), !self.review.documents.says(kind, key, &pointer))
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
    Metric { description: String::new(), owner: None, baseline: None, repair: None, ..metric.clone() }
}

fn on_one_line(file: &SourceFile, span: Span) -> String {
    let text = file.slice(span);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

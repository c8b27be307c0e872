//! The pre-registration: what was declared before launch about how an experiment will be judged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use trialbook_model::{
    Analysis, Attribute, AttributeKey, Book, Contents, Digest, Evaluator, Experiment, ExperimentKey, Flag,
    Metric, MetricKey, Predicate, Rule, Segment, SegmentKey,
};

/// The version of the closure's form. It changes when the same values would be written otherwise; the
/// program's own version is left out, so that an upgrade does not look like a changed plan. What a version reads into a
/// book is for [`Defaults`].
const FORM: u32 = 1;

/// Everything that decides how an experiment is run and judged, every default written out.
///
/// Left out is what may change while it runs: owners, prose, and the physical tables and columns of
/// sources (a renamed column must not break a running test).
#[derive(Debug, Clone, PartialEq)]
pub struct Preregistration {
    closure: Value,
    digest: Digest,
    /// The digests under which launches of this plan may be recorded, with the defaults that each stands for.
    recorded: Vec<(Digest, Defaults)>,
}

/// What is read into a book that leaves something out. A launch keeps what it was recorded with: whoever upgrades trialbook changes
/// the plan of no experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// What this version reads.
    Current,
    /// What was read before group sequential became the default: a fixed horizon where no method is declared.
    Earlier,
}

impl Defaults {
    /// Returns an analysis as it is read with these defaults.
    pub fn analysis(self, analysis: Analysis) -> Analysis {
        match self {
            Self::Current => analysis,
            Self::Earlier => analysis.by_earlier_defaults(),
        }
    }

    /// Returns a book in which an experiment is read with these defaults.
    pub fn applied(self, book: &Book, experiment: &ExperimentKey) -> Book {
        let mut contents = Contents::from(book.clone());
        if let Some(experiment) = contents.experiments.get_mut(experiment) {
            experiment.analysis = self.analysis(experiment.analysis);
        }
        // How an experiment is judged is no part of what makes a book fit together.
        Book::new(contents).unwrap_or_else(|_| book.clone())
    }
}

impl Preregistration {
    /// Returns the pre-registration of an experiment of a book.
    ///
    /// # Errors
    ///
    /// Only where a value of the book cannot be JSON, which a loaded book's can.
    pub fn of(book: &Book, experiment: &Experiment) -> serde_json::Result<Self> {
        Self::read_with(Defaults::Current, book, experiment)
    }

    /// Returns the pre-registration of an experiment of a book that is read with some defaults.
    ///
    /// # Errors
    ///
    /// Only where a value of the book cannot be JSON, which a loaded book's can.
    pub fn read_with(defaults: Defaults, book: &Book, experiment: &Experiment) -> serde_json::Result<Self> {
        let closure = closure(book, experiment, Form::Canonical, defaults);
        let digest = Digest::of(&closure)?;
        let mut recorded = vec![(digest.clone(), defaults)];
        let mut readings = vec![(defaults, Form::AsWritten)];
        if Defaults::Earlier.analysis(experiment.analysis).method != experiment.analysis.method {
            readings.extend([(Defaults::Earlier, Form::Canonical), (Defaults::Earlier, Form::AsWritten)]);
        }
        for (defaults, form) in readings {
            recorded.push((Digest::of(&self::closure(book, experiment, form, defaults))?, defaults));
        }
        Ok(Self { closure, digest, recorded })
    }

    /// Tells whether a launch of this plan may be recorded under a digest: this one's, that of before audiences had an order of
    /// their own, or that of before another method was the default.
    pub fn has_digest(&self, digest: &Digest) -> bool {
        self.defaults_of(digest).is_some()
    }

    /// Returns the defaults with which this plan was read where its launch is recorded under a digest; `None` where the digest is
    /// not this plan's.
    pub fn defaults_of(&self, digest: &Digest) -> Option<Defaults> {
        self.recorded.iter().find(|(recorded, _)| recorded == digest).map(|(_, defaults)| *defaults)
    }

    /// Returns the digest of the canonical closure.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns a part of the closure by name, as [`Preregistration::differences`] names it.
    pub fn part(&self, name: &str) -> Option<&Value> {
        self.closure.get(name)
    }

    /// Returns the parts that differ between two pre-registrations, by name. A hypothesis differs where its words do:
    /// lines may be broken elsewhere.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (Some(ours), Some(theirs)) = (self.closure.as_object(), other.closure.as_object()) else {
            return Vec::new();
        };
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differs = |name: &&String| match (ours.get(*name), theirs.get(*name)) {
            (Some(Value::String(a)), Some(Value::String(b))) if *name == "hypothesis" => {
                !a.split_whitespace().eq(b.split_whitespace())
            }
            (a, b) => a != b,
        };
        names.into_iter().filter(differs).cloned().collect()
    }
}

/// How the closure of a book is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Audiences in an order of their own, and with what a book may declare about the draw and could not before: the attribute
    /// that holds the unit's id, evaluators other than the default, holdouts. Without any of it, and with audiences that
    /// are written in that order, it is the other form.
    Canonical,
    /// As launches were recorded at first: audiences in the order in which they are written.
    AsWritten,
}

fn closure(book: &Book, experiment: &Experiment, form: Form, defaults: Defaults) -> Value {
    let audience = |audience: &Predicate| match form {
        Form::Canonical => audience.canonical(),
        Form::AsWritten => audience.clone(),
    };
    let rule = |rule: &Rule| Rule { when: audience(&rule.when), serve: rule.serve.clone() };
    let flag = served_flag(book, experiment);
    let flag = flag.as_deref();
    let segments = segment_closure(book, experiment, flag);
    let mut attributes = BTreeMap::new();
    for audience in audiences(experiment, flag).chain(segments.values().map(|segment| &segment.audience)) {
        audience.walk(
            &mut |key, _| {
                if let Some(attribute) = book.attributes.get(key) {
                    attributes.insert(key.clone(), attribute);
                }
            },
            &mut |_| (),
        );
    }
    let layer = experiment.layer.as_ref().and_then(|key| book.layers.get(key)).map(|layer| {
        let slots: Vec<_> = layer.slots_of(&experiment.key).collect();
        json!({"key": layer.key, "entity": layer.entity, "salt": layer.salt, "slots": slots})
    });
    let segments = segments.into_iter().map(|(key, segment)| (key, audience(&segment.audience)));
    let mut closure = json!({
        "form": FORM,
        "book": book.name,
        "timezone": book.timezone,
        "experiment": experiment.key,
        "hypothesis": experiment.hypothesis,
        "flag": flag.map(|flag| json!({
            "key": flag.key, "entity": flag.entity, "type": flag.kind, "variants": flag.variants,
            "default": flag.default, "rules": flag.rules.iter().map(rule).collect::<Vec<_>>(),
        })),
        "audience": audience(&experiment.audience),
        "segments": segments.collect::<BTreeMap<_, _>>(),
        "attributes": typed(&attributes),
        "layer": layer,
        "allocation": experiment.allocation,
        "salt": experiment.salt,
        "control": experiment.control,
        "split": experiment.split,
        "schedule": experiment.schedule,
        "metrics": experiment.metrics,
        "definitions": definitions(book, experiment),
        "analysis": defaults.analysis(experiment.analysis),
        "quality": book.policy.quality,
    });
    if form == Form::Canonical
        && let Value::Object(parts) = &mut closure
    {
        parts.extend(draw(book, experiment));
    }
    closure
}

/// What decides about the draw and is left out where it is as it always was.
fn draw(book: &Book, experiment: &Experiment) -> serde_json::Map<String, Value> {
    let mut parts = serde_json::Map::new();
    let entity = book.flag_of(experiment).and_then(|flag| book.entities.get(&flag.entity));
    if let Some(context) = entity.and_then(|entity| entity.context.as_ref()) {
        parts.insert("unit".into(), json!(context));
    }
    if let Some(target) = book.primary_target()
        && target.evaluators() != [Evaluator::Javascript4]
    {
        parts.insert("evaluators".into(), json!({"type": target.kind(), "evaluators": target.evaluators()}));
    }
    let holdouts: BTreeMap<_, _> = book
        .holdouts_over(experiment)
        .map(|holdout| {
            let part = json!({
                "entity": holdout.entity, "salt": holdout.salt, "share": holdout.share, "schedule": holdout.schedule,
            });
            (holdout.key.clone(), part)
        })
        .collect();
    if !holdouts.is_empty() {
        parts.insert("holdouts".into(), json!(holdouts));
    }
    parts
}

/// The audiences that decide who is enrolled: the experiment's, and those of the rules before it.
fn audiences<'a>(experiment: &'a Experiment, flag: Option<&'a Flag>) -> impl Iterator<Item = &'a Predicate> {
    let rules = flag.into_iter().flat_map(|flag| flag.rules.iter().map(|rule| &rule.when));
    std::iter::once(&experiment.audience).chain(rules)
}

/// The flag as the primary target serves it: what others override decides nothing about the experiment.
fn served_flag<'a>(book: &'a Book, experiment: &Experiment) -> Option<Cow<'a, Flag>> {
    let flag = book.flag_of(experiment)?;
    Some(book.primary_target().map_or(Cow::Borrowed(flag), |target| flag.in_target(&target.key)))
}

/// Every segment that decides who is enrolled, those that segments name included.
fn segment_closure<'a>(
    book: &'a Book,
    experiment: &Experiment,
    flag: Option<&Flag>,
) -> BTreeMap<&'a SegmentKey, &'a Segment> {
    let mut found = BTreeMap::new();
    let named = audiences(experiment, flag).flat_map(|audience| audience.segments());
    let mut open: Vec<SegmentKey> = named.cloned().collect();
    while let Some(key) = open.pop() {
        if let Some((key, segment)) = book.segments.get_key_value(&key)
            && found.insert(key, segment).is_none()
        {
            open.extend(segment.audience.segments().into_iter().cloned());
        }
    }
    found
}

/// Attributes by type alone: their declared shares are prose about traffic.
fn typed<'a>(
    attributes: &BTreeMap<AttributeKey, &'a Attribute>,
) -> BTreeMap<AttributeKey, impl Serialize + use<'a>> {
    attributes.iter().map(|(key, attribute)| (key.clone(), attribute.kind)).collect()
}

/// What the metrics measure, without owners, prose and physical columns.
fn definitions(book: &Book, experiment: &Experiment) -> BTreeMap<MetricKey, Value> {
    let metrics = experiment.metrics.all().filter_map(|key| book.metrics.get(key));
    metrics.map(|metric| (metric.key.clone(), definition(metric))).collect()
}

fn definition(metric: &Metric) -> Value {
    json!({
        "entity": metric.entity, "type": metric.kind, "window": metric.window, "direction": metric.direction,
        "cap": metric.cap, "covariate": metric.covariate,
    })
}

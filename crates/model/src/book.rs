//! The book: everything a repository declares, references resolved.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::{
    Attribute, AttributeKey, Digest, Duration, Entity, EntityKey, Experiment, ExperimentKey, ExperimentState,
    Extent, Flag, FlagKey, Holdout, HoldoutKey, Layer, LayerKey, Metric, MetricKey, Part, PartName, PartRef,
    Policy, Predicate, Rollout, RolloutKey, Schedule, Segment, SegmentKey, Source, SourceKey, SurfaceKey,
    Target, TargetKey, Traffic, Uses, Warehouse, Window,
};

/// The kinds of files of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `trialbook.yaml`.
    Book,
    /// `*.flag.yaml`.
    Flag,
    /// `*.experiment.yaml`.
    Experiment,
    /// `*.rollout.yaml`.
    Rollout,
    /// `*.layer.yaml`.
    Layer,
    /// `*.holdout.yaml`.
    Holdout,
    /// `*.segment.yaml`.
    Segment,
    /// `*.metric.yaml`.
    Metric,
    /// `*.source.yaml`.
    Source,
}

impl Kind {
    /// Every kind, in the order in which documentation lists them.
    pub const ALL: [Kind; 9] = [
        Kind::Book,
        Kind::Flag,
        Kind::Experiment,
        Kind::Rollout,
        Kind::Layer,
        Kind::Holdout,
        Kind::Segment,
        Kind::Metric,
        Kind::Source,
    ];

    /// Returns the word for it, which is also the infix of its files' names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Flag => "flag",
            Self::Experiment => "experiment",
            Self::Rollout => "rollout",
            Self::Layer => "layer",
            Self::Holdout => "holdout",
            Self::Segment => "segment",
            Self::Metric => "metric",
            Self::Source => "source",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    /// Its key.
    pub key: SurfaceKey,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How many units of an entity are seen on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traffic: BTreeMap<EntityKey, Traffic>,
}

/// Where pull requests are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Github {
    /// `owner/name`.
    pub repository: String,
}

/// What a book is made of. Plain data: only [`Book::new`] proves that it fits together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// The book's name.
    pub name: String,
    /// The IANA time zone in which its dates begin.
    pub timezone: String,
    /// Units of randomisation.
    pub entities: BTreeMap<EntityKey, Entity>,
    /// The evaluation context.
    pub attributes: BTreeMap<AttributeKey, Attribute>,
    /// Parts of the product.
    pub surfaces: BTreeMap<SurfaceKey, Surface>,
    /// Flag back ends; exactly one is primary.
    pub targets: BTreeMap<TargetKey, Target>,
    /// Where the data lives.
    pub warehouse: Option<Warehouse>,
    /// Where pull requests are.
    pub github: Option<Github>,
    /// What the book demands of everyone.
    pub policy: Policy,
    /// By key.
    pub flags: BTreeMap<FlagKey, Flag>,
    /// By key.
    pub experiments: BTreeMap<ExperimentKey, Experiment>,
    /// By key.
    #[serde(default)]
    pub rollouts: BTreeMap<RolloutKey, Rollout>,
    /// By key.
    #[serde(default)]
    pub holdouts: BTreeMap<HoldoutKey, Holdout>,
    /// By key.
    pub layers: BTreeMap<LayerKey, Layer>,
    /// By key.
    pub segments: BTreeMap<SegmentKey, Segment>,
    /// By key.
    pub metrics: BTreeMap<MetricKey, Metric>,
    /// By key.
    pub sources: BTreeMap<SourceKey, Source>,
}

/// Parts that change: each with what it becomes, or nothing where it goes.
pub type Changes = BTreeMap<PartName, Option<Part>>;

impl Contents {
    /// Returns the same with audiences, and the values of attributes, in an order of their own.
    fn canonical(mut self) -> Self {
        self.attributes.values_mut().for_each(|attribute| attribute.values.sort());
        for flag in self.flags.values_mut() {
            let overrides = flag.overrides.values_mut().flat_map(|o| o.rules.iter_mut().flatten());
            flag.rules.iter_mut().chain(overrides).for_each(|rule| rule.when = rule.when.canonical());
        }
        self.experiments.values_mut().for_each(|e| e.audience = e.audience.canonical());
        self.rollouts.values_mut().for_each(|rollout| rollout.audience = rollout.audience.canonical());
        self.segments.values_mut().for_each(|segment| segment.audience = segment.audience.canonical());
        self
    }
}

/// Why contents are not a book. `load` finds these with their places; here they guard books made by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{key}`: {problem}")]
pub struct BookError {
    /// The kind of the value that is wrong.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// What is wrong, as a lower-case fragment.
    pub problem: String,
}

/// Everything that a repository declares. No reference dangles, no segment contains itself, every variant that is
/// served, compared or decided on is one of its flag's.
#[derive(Debug, Clone, Serialize)]
#[serde(into = "Contents")]
pub struct Book {
    contents: Contents,
    /// The experiments of each flag that has any, in byte order.
    by_flag: BTreeMap<FlagKey, BTreeSet<ExperimentKey>>,
    /// The rollouts of each flag that has any, in byte order.
    rollouts_by_flag: BTreeMap<FlagKey, BTreeSet<RolloutKey>>,
    /// Of the segments, with those that they name.
    extents: Arc<BTreeMap<SegmentKey, Extent>>,
    /// Who uses what; collected when it is first asked for.
    uses: OnceLock<Uses>,
}

impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        self.contents == other.contents
    }
}

impl std::ops::Deref for Book {
    type Target = Contents;
    fn deref(&self) -> &Contents {
        &self.contents
    }
}

impl From<Book> for Contents {
    fn from(book: Book) -> Contents {
        book.contents
    }
}

impl Book {
    /// Checks that the contents fit together.
    pub fn new(contents: Contents) -> Result<Self, Vec<BookError>> {
        Self::build(contents).map_err(|refused| refused.1)
    }

    /// Checks that the contents fit together; hands them back where they do not.
    pub fn build(contents: Contents) -> Result<Self, Box<(Contents, Vec<BookError>)>> {
        let mut audit = Audit::new(&contents, Arc::default());
        audit.run();
        let Audit { extents, errors, .. } = audit;
        if !errors.is_empty() {
            return Err(Box::new((contents, errors)));
        }
        let (by_flag, rollouts_by_flag) = (BTreeMap::new(), BTreeMap::new());
        let mut book = Self { contents, by_flag, rollouts_by_flag, extents, uses: OnceLock::new() };
        for experiment in book.contents.experiments.values() {
            book.by_flag.entry(experiment.flag.clone()).or_default().insert(experiment.key.clone());
        }
        for rollout in book.contents.rollouts.values() {
            book.rollouts_by_flag.entry(rollout.flag.clone()).or_default().insert(rollout.key.clone());
        }
        Ok(book)
    }

    /// Changes parts of the book in place: each name gets what stands beside it, or nothing where that is `None`. What was
    /// there before then stands in the changes: made again, they change the book back.
    ///
    /// Costs what the parts cost that change and that lead to them, not what the book costs.
    ///
    /// # Errors
    ///
    /// Where the contents would no longer fit together; the book and the changes stay as they were.
    pub fn change(&mut self, changes: &mut Changes) -> Result<(), Vec<BookError>> {
        self.exchange(changes);
        let affected: BTreeSet<_> = self.uses().dependents(changes.keys().cloned()).into_iter().collect();
        let segments = affected.iter().any(|name| name.kind == Kind::Segment);
        let extents = if segments { Arc::default() } else { Arc::clone(&self.extents) };
        let mut audit = Audit::new(&self.contents, extents);
        if segments {
            audit.segments();
        }
        affected.iter().filter_map(|name| self.part(name.kind, &name.key)).for_each(|part| audit.part(part));
        let experiments = changes.keys().filter(|name| name.kind == Kind::Experiment);
        let holders = experiments.flat_map(|name| self.uses().of_part(name.kind, &name.key));
        holders.filter_map(|name| self.layers.get(&*name.key)).for_each(|layer| audit.layer(layer));
        let Audit { extents, errors, .. } = audit;
        if errors.is_empty() {
            self.extents = extents;
            return Ok(());
        }
        self.exchange(changes);
        Err(errors)
    }

    /// Exchanges parts, and keeps what is collected from them up to date.
    fn exchange(&mut self, changes: &mut Changes) {
        let mut uses = self.uses.take().unwrap_or_else(|| Uses::of(&self.contents));
        for (name, slot) in changes {
            let old = self.contents.remove(name.kind, &name.key);
            if let Some(old) = &old {
                uses.remove(old.as_ref());
                self.delist(old.as_ref());
            }
            if let Some(new) = std::mem::replace(slot, old) {
                uses.add(new.as_ref());
                self.list(new.as_ref());
                self.contents.insert(new);
            }
        }
        self.uses = OnceLock::from(uses);
    }

    /// Enters a part among those of its flag.
    fn list(&mut self, part: PartRef<'_>) {
        match part {
            PartRef::Experiment(e) => {
                self.by_flag.entry(e.flag.clone()).or_default().insert(e.key.clone());
            }
            PartRef::Rollout(rollout) => {
                self.rollouts_by_flag.entry(rollout.flag.clone()).or_default().insert(rollout.key.clone());
            }
            _ => {}
        }
    }

    /// Takes a part from among those of its flag.
    fn delist(&mut self, part: PartRef<'_>) {
        match part {
            PartRef::Experiment(e) => {
                if let Some(keys) = self.by_flag.get_mut(&e.flag) {
                    keys.remove(&e.key);
                }
            }
            PartRef::Rollout(rollout) => {
                if let Some(keys) = self.rollouts_by_flag.get_mut(&rollout.flag) {
                    keys.remove(&rollout.key);
                }
            }
            _ => {}
        }
    }

    /// Returns who uses what.
    pub fn uses(&self) -> &Uses {
        self.uses.get_or_init(|| Uses::of(&self.contents))
    }

    /// Returns the target that launches and analysis belong to.
    pub fn primary_target(&self) -> Option<&Target> {
        self.targets.values().find(|target| target.primary)
    }

    /// Returns the book as one of its targets serves it: every override put in. A target with `experiments: false` serves
    /// flags and rules only, so the book that it is given has no experiments, rollouts or holdouts.
    ///
    /// Nothing is copied where the target serves the book as it stands.
    pub fn in_target(&self, target: &TargetKey) -> Cow<'_, Self> {
        let flags_only = self.targets.get(target).is_some_and(|target| !target.experiments);
        let overridden = self.flags.values().any(|flag| !flag.overrides.is_empty());
        if !flags_only && !overridden {
            return Cow::Borrowed(self);
        }
        let mut book = self.clone();
        for flag in book.contents.flags.values_mut() {
            if let Cow::Owned(served) = flag.in_target(target) {
                *flag = served;
            }
            if flags_only {
                flag.holdouts.clear();
            }
        }
        if flags_only {
            book.contents.experiments.clear();
            book.contents.rollouts.clear();
            book.contents.holdouts.clear();
            book.contents.layers.values_mut().for_each(|layer| layer.slots.clear());
            book.by_flag.clear();
            book.rollouts_by_flag.clear();
        }
        book.uses = OnceLock::new();
        Cow::Owned(book)
    }

    /// Returns the flag of an experiment of this book.
    pub fn flag_of(&self, experiment: &Experiment) -> Option<&Flag> {
        self.flags.get(&experiment.flag)
    }

    /// Returns the experiments of a flag, in byte order of their keys: the order in which they are tried.
    pub fn experiments_of(&self, flag: &FlagKey) -> impl Iterator<Item = &Experiment> {
        self.by_flag.get(flag).into_iter().flatten().filter_map(|key| self.experiments.get(key))
    }

    /// Returns the rollouts of a flag, in byte order of their keys: the order in which they are tried.
    pub fn rollouts_of(&self, flag: &FlagKey) -> impl Iterator<Item = &Rollout> {
        self.rollouts_by_flag.get(flag).into_iter().flatten().filter_map(|key| self.rollouts.get(key))
    }

    /// Returns the holdouts that cover an experiment: of the flag's entity, on a surface of the experiment or of its flag
    /// or named by the flag, and with the experiment's start in their schedule.
    pub fn holdouts_over(&self, experiment: &Experiment) -> impl Iterator<Item = &Holdout> {
        let flag = self.flag_of(experiment);
        let start = experiment.schedule.start();
        self.holdouts.values().filter(move |holdout| {
            flag.is_some_and(|flag| {
                flag.entity == holdout.entity
                    && (flag.holdouts.contains_key(&holdout.key)
                        || holdout.covers(&flag.surfaces)
                        || holdout.covers(&experiment.surfaces))
            }) && holdout.schedule.contains(start)
        })
    }

    /// Returns the digest of everything that the book declares, every default written out. The order of keys, comments, quotes
    /// and the folders of files do not change it; any change of a value does.
    ///
    /// # Errors
    ///
    /// Only where a value cannot be JSON, which a loaded book's can.
    pub fn digest(&self) -> serde_json::Result<Digest> {
        Digest::of(&self.contents.clone().canonical())
    }

    /// Returns a predicate of this book with every segment replaced by its audience.
    pub fn inlined(&self, predicate: &Predicate) -> Predicate {
        predicate.inlined(&self.segments).unwrap_or_else(|| unreachable!("a book has no unknown segment"))
    }

    /// Returns the longest closed window among an experiment's deciding metrics.
    pub fn longest_deciding_window(&self, experiment: &Experiment) -> Duration {
        let windows = experiment.metrics.deciding().filter_map(|key| match self.metrics.get(key)?.window {
            Window::Closed(window) => Some(window),
            Window::Open => None,
        });
        windows.max().unwrap_or(Duration::ZERO)
    }

    /// Returns when the last enrolled unit's deciding windows have closed.
    pub fn matured_at(&self, experiment: &Experiment) -> Timestamp {
        self.longest_deciding_window(experiment).after(experiment.schedule.end())
    }

    /// Returns when the experiment is served: from its start to its decision, at most until every deciding
    /// window has closed and the grace has passed. `None` where it was decided before it began.
    pub fn serving_window(&self, experiment: &Experiment) -> Option<Schedule> {
        let latest = Experiment::GRACE.after(self.matured_at(experiment));
        let until = experiment.decision.as_ref().map_or(latest, |decision| decision.date.min(latest));
        Schedule::new(experiment.schedule.start(), until).ok()
    }

    /// Returns what an experiment is doing at an instant.
    pub fn state_at(&self, experiment: &Experiment, now: Timestamp) -> ExperimentState {
        if experiment.decision.as_ref().is_some_and(|decision| decision.date <= now) {
            ExperimentState::Concluded
        } else if now < experiment.schedule.start() {
            ExperimentState::Scheduled
        } else if now < experiment.schedule.end() {
            ExperimentState::Running
        } else if now < self.matured_at(experiment) {
            ExperimentState::Maturing
        } else {
            ExperimentState::Overdue
        }
    }
}

//! Whether what a book is made of fits together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;

use super::{
    Allocation, BookError, Contents, Experiment, Extent, Flag, ForcedVariant, Holdout, Kind, Layer, Measure,
    Measurement, Metric, MetricType, PartRef, Predicate, Rollout, SegmentKey, Source, SourceRole,
};

/// The checks of [`Book::new`].
pub(super) struct Audit<'a> {
    contents: &'a Contents,
    /// Of the segments, with those that they name.
    pub(super) extents: Arc<BTreeMap<SegmentKey, Extent>>,
    pub(super) errors: Vec<BookError>,
}

impl<'a> Audit<'a> {
    pub(super) fn new(contents: &'a Contents, extents: Arc<BTreeMap<SegmentKey, Extent>>) -> Self {
        Self { contents, extents, errors: Vec::new() }
    }

    fn error(&mut self, kind: Kind, key: impl fmt::Display, problem: String) {
        self.errors.push(BookError { kind, key: key.to_string(), problem });
    }

    pub(super) fn run(&mut self) {
        let contents = self.contents;
        let primaries = contents.targets.values().filter(|target| target.primary).count();
        if !contents.targets.is_empty() && primaries != 1 {
            self.error(Kind::Book, &contents.name, format!("{primaries} targets are primary, not one"));
        }
        self.segments();
        for surface in contents.surfaces.values() {
            for entity in surface.traffic.keys() {
                let known = contents.entities.contains_key(entity);
                self.known(Kind::Book, &contents.name, "entity", entity, known);
            }
        }
        /// Fewer are not worth handing to another thread.
        const AT_ONCE: usize = 256;
        let parts: Vec<_> = contents.parts().collect();
        let errors = parts.par_chunks(AT_ONCE).map(|parts| {
            let mut audit = Self::new(contents, Arc::clone(&self.extents));
            parts.iter().for_each(|part| audit.part(*part));
            audit.errors
        });
        let errors: Vec<_> = errors.collect();
        self.errors.extend(errors.into_iter().flatten());
    }

    /// Checks what a part names. Segments are checked together.
    pub(super) fn part(&mut self, part: PartRef<'_>) {
        match part {
            PartRef::Flag(flag) => self.flag(flag),
            PartRef::Experiment(experiment) => self.experiment(experiment),
            PartRef::Rollout(rollout) => self.rollout(rollout),
            PartRef::Holdout(holdout) => self.holdout(holdout),
            PartRef::Layer(layer) => self.layer(layer),
            PartRef::Metric(metric) => self.metric(metric),
            PartRef::Source(source) => self.source(source),
            PartRef::Segment(_) => {}
        }
    }

    fn source(&mut self, source: &Source) {
        for entity in source.entities.keys() {
            let known = self.contents.entities.contains_key(entity);
            self.known(Kind::Source, &source.key, "entity", entity, known);
        }
    }

    fn known(
        &mut self,
        kind: Kind,
        key: impl fmt::Display,
        what: &str,
        name: impl fmt::Display,
        known: bool,
    ) {
        if !known {
            self.error(kind, key, format!("there is no {what} `{name}`"));
        }
    }

    fn extent(&self, predicate: &Predicate) -> Extent {
        Extent::of(predicate, &|segment| self.extents.get(segment).copied().unwrap_or_default())
    }

    fn audience(&mut self, kind: Kind, key: &dyn fmt::Display, predicate: &Predicate) {
        if let Some(problem) = self.extent(predicate).problem() {
            self.error(kind, key, problem);
        }
        let (mut attributes, mut segments) = (BTreeSet::new(), BTreeSet::new());
        predicate.walk(
            &mut |attribute, _| {
                attributes.insert(attribute);
            },
            &mut |segment| {
                segments.insert(segment);
            },
        );
        for attribute in attributes {
            self.known(kind, key, "attribute", attribute, self.contents.attributes.contains_key(attribute));
        }
        for segment in segments {
            self.known(kind, key, "segment", segment, self.contents.segments.contains_key(segment));
        }
    }

    /// Depth-first over the segments, without recursion: a chain may be as long as the book.
    pub(super) fn segments(&mut self) {
        let segments = &self.contents.segments;
        let mut done = BTreeSet::new();
        for start in segments.keys() {
            let mut path: Vec<(&SegmentKey, Vec<&SegmentKey>)> = Vec::new();
            let mut next = (!done.contains(start)).then_some(start);
            loop {
                if let Some(key) = next.take() {
                    let named =
                        segments.get(key).map(|segment| segment.audience.segments()).unwrap_or_default();
                    path.push((key, named));
                }
                let Some((key, rest)) = path.last_mut() else { break };
                match rest.pop() {
                    None => {
                        // Whatever it names is done.
                        if let Some(segment) = segments.get(*key) {
                            let extent = self.extent(&segment.audience);
                            Arc::make_mut(&mut self.extents).insert((*key).clone(), extent);
                        }
                        done.insert(*key);
                        path.pop();
                    }
                    Some(named) if path.iter().any(|(on_path, _)| *on_path == named) => {
                        self.error(Kind::Segment, named, "it contains itself".into());
                    }
                    Some(named) if done.contains(named) => {}
                    Some(named) => next = Some(named),
                }
            }
        }
        for segment in segments.values() {
            self.audience(Kind::Segment, &segment.key, &segment.audience);
        }
    }

    fn flag(&mut self, flag: &Flag) {
        let key = &flag.key;
        self.known(
            Kind::Flag,
            key,
            "entity",
            &flag.entity,
            self.contents.entities.contains_key(&flag.entity),
        );
        for surface in &flag.surfaces {
            self.known(Kind::Flag, key, "surface", surface, self.contents.surfaces.contains_key(surface));
        }
        self.known(Kind::Flag, key, "variant", &flag.default, flag.variants.contains_key(&flag.default));
        for (variant, value) in &flag.variants {
            if !flag.kind.admits(value) {
                self.error(
                    Kind::Flag,
                    key,
                    format!("the value of `{variant}` is not a {}", flag.kind.as_str()),
                );
            }
        }
        for (target, differently) in &flag.overrides {
            self.known(Kind::Flag, key, "target", target, self.contents.targets.contains_key(target));
            if let Some(default) = &differently.default {
                self.known(Kind::Flag, key, "variant", default, flag.variants.contains_key(default));
            }
        }
        for rule in flag.rules.iter().chain(flag.overrides.values().flat_map(|o| o.rules.iter().flatten())) {
            self.audience(Kind::Flag, key, &rule.when);
            self.known(Kind::Flag, key, "variant", &rule.serve, flag.variants.contains_key(&rule.serve));
        }
        for (holdout, variant) in &flag.holdouts {
            self.known(Kind::Flag, key, "holdout", holdout, self.contents.holdouts.contains_key(holdout));
            self.known(Kind::Flag, key, "variant", variant, flag.variants.contains_key(variant));
        }
    }

    fn rollout(&mut self, rollout: &Rollout) {
        let (key, contents) = (&rollout.key, self.contents);
        self.audience(Kind::Rollout, key, &rollout.audience);
        let flag = contents.flags.get(&rollout.flag);
        self.known(Kind::Rollout, key, "flag", &rollout.flag, flag.is_some());
        if let Some(flag) = flag {
            let known = flag.variants.contains_key(&rollout.serve);
            self.known(Kind::Rollout, key, "variant", &rollout.serve, known);
        }
        for guardrail in &rollout.guardrails {
            let known = contents.metrics.contains_key(&guardrail.metric);
            self.known(Kind::Rollout, key, "metric", &guardrail.metric, known);
        }
    }

    fn holdout(&mut self, holdout: &Holdout) {
        let (key, contents) = (&holdout.key, self.contents);
        let known = contents.entities.contains_key(&holdout.entity);
        self.known(Kind::Holdout, key, "entity", &holdout.entity, known);
        for surface in &holdout.surfaces {
            self.known(Kind::Holdout, key, "surface", surface, contents.surfaces.contains_key(surface));
        }
        for metric in &holdout.metrics {
            self.known(Kind::Holdout, key, "metric", metric, contents.metrics.contains_key(metric));
        }
        if holdout.share.buckets().is_none_or(|buckets| buckets == 0) {
            self.error(Kind::Holdout, key, "the share is not a whole number of buckets".into());
        }
    }

    fn experiment(&mut self, experiment: &Experiment) {
        let (key, contents) = (&experiment.key, self.contents);
        self.audience(Kind::Experiment, key, &experiment.audience);
        for surface in &experiment.surfaces {
            self.known(Kind::Experiment, key, "surface", surface, contents.surfaces.contains_key(surface));
        }
        let flag = contents.flags.get(&experiment.flag);
        self.known(Kind::Experiment, key, "flag", &experiment.flag, flag.is_some());
        if let Some(flag) = flag {
            // What lost may be gone from the flag once there is a decision.
            for variant in experiment.split.variants().filter(|_| experiment.decision.is_none()) {
                self.known(Kind::Experiment, key, "variant", variant, flag.variants.contains_key(variant));
            }
            if let Some(variant) = experiment.decision.as_ref().and_then(|decision| decision.variant.as_ref())
            {
                self.known(Kind::Experiment, key, "variant", variant, flag.variants.contains_key(variant));
            }
        }
        for forced in &experiment.overrides {
            if let Some(segment) = forced.segment() {
                let known = contents.segments.contains_key(segment);
                self.known(Kind::Experiment, key, "segment", segment, known);
            }
            if experiment.decision.is_none() && experiment.split.share(&forced.serve).is_none() {
                let problem = format!("it forces the variant `{}`, which is not in the split", forced.serve);
                self.error(Kind::Experiment, key, problem);
            }
        }
        if experiment.forced_units().len() > ForcedVariant::MOST_UNITS {
            let problem = format!("its overrides name more than {} units", ForcedVariant::MOST_UNITS);
            self.error(Kind::Experiment, key, problem);
        }
        if experiment.split.share(&experiment.control).is_none() {
            self.error(
                Kind::Experiment,
                key,
                format!("the control `{}` is not in the split", experiment.control),
            );
        }
        if experiment.allocation.buckets().is_none_or(|buckets| buckets == 0) {
            self.error(Kind::Experiment, key, "the allocation is not a whole number of buckets".into());
        }
        if let Allocation::Ramp(steps) = &experiment.allocation
            && (steps.first_at() > experiment.schedule.start()
                || steps.last_at() >= experiment.schedule.end())
        {
            let problem = "the ramp starts after the schedule, or continues after its end";
            self.error(Kind::Experiment, key, problem.into());
        }
        if let Some(layer) = &experiment.layer {
            self.known(Kind::Experiment, key, "layer", layer, contents.layers.contains_key(layer));
        }
        let mut roles = BTreeSet::new();
        for metric in experiment.metrics.all() {
            self.known(Kind::Experiment, key, "metric", metric, contents.metrics.contains_key(metric));
            if !roles.insert(metric) {
                self.error(Kind::Experiment, key, format!("metric `{metric}` has two roles"));
            }
        }
    }

    pub(super) fn layer(&mut self, layer: &Layer) {
        let contents = self.contents;
        self.known(
            Kind::Layer,
            &layer.key,
            "entity",
            &layer.entity,
            contents.entities.contains_key(&layer.entity),
        );
        for slot in &layer.slots {
            let known = contents.experiments.contains_key(&slot.experiment);
            self.known(Kind::Layer, &layer.key, "experiment", &slot.experiment, known);
        }
    }

    fn metric(&mut self, metric: &Metric) {
        let (key, contents) = (&metric.key, self.contents);
        self.known(
            Kind::Metric,
            key,
            "entity",
            &metric.entity,
            contents.entities.contains_key(&metric.entity),
        );
        for measurement in metric.kind.measurements() {
            self.measurement(metric, measurement);
            let quantile = matches!(metric.kind, MetricType::Quantile { .. });
            if matches!(measurement.measure, Measure::Value(_)) && !quantile {
                self.error(Kind::Metric, key, "only a quantile is one of rows".into());
            }
        }
    }

    fn measurement(&mut self, metric: &Metric, measurement: &Measurement) {
        let key = &metric.key;
        let Some(source) = self.contents.sources.get(&measurement.source) else {
            return self.known(Kind::Metric, key, "source", &measurement.source, false);
        };
        if !source.entities.contains_key(&metric.entity) {
            self.error(
                Kind::Metric,
                key,
                format!("source `{}` has no column for `{}`", source.key, metric.entity),
            );
        }
        match (&source.role, &measurement.measure) {
            (SourceRole::Exposures { .. }, _) => {
                self.error(Kind::Metric, key, format!("source `{}` holds exposures, not facts", source.key));
            }
            (
                SourceRole::Facts { measures },
                Measure::Sum(measure) | Measure::Max(measure) | Measure::Value(measure),
            ) => {
                self.known(Kind::Metric, key, "measure", measure, measures.contains_key(measure));
            }
            (SourceRole::Facts { .. }, Measure::Rows | Measure::Distinct(_)) => {}
        }
    }
}

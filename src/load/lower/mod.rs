//! Syntax to model: references, types, dates, defaults; every problem at its place.
//!
//! Each value is lowered as far as it goes, so that one mistake does not hide another. What is missing or
//! did not fit was reported by the reader; here it is skipped in silence.

mod audience;
mod book;
mod context;
mod defaults;
mod experiment;
mod flag;
mod metric;
mod rollout;
mod segments;
mod sink;
mod source;
mod sql;
mod steps;
mod target;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::documents::Documents;
use super::syntax::File;
use crate::diagnostic::Diagnostic;
use crate::model::{Contents, Experiment, Flag, Holdout, Kind, Layer, Metric, Rollout, Segment, Source};
use context::{Context, Index};
use sink::Sink;

/// A file, lowered.
enum Lowered {
    Flag(Flag),
    Experiment(Box<Experiment>),
    Rollout(Box<Rollout>),
    Holdout(Holdout),
    Layer(Layer),
    Segment(Segment),
    Metric(Metric),
    Source(Source),
}

/// Lowers every file. Contents are `Some` where every file could be lowered.
pub(super) fn lower(documents: &Documents, syntaxes: &[Option<File>]) -> (Option<Contents>, Vec<Diagnostic>) {
    let index = Index::new(documents, syntaxes);
    let mut findings = Vec::new();
    let (settings, context) = book::lower(documents, &index, &mut findings);
    let pairs: Vec<_> = documents.iter().zip(syntaxes).collect();
    let lowered: Vec<_> = pairs
        .par_iter()
        .filter(|(document, _)| document.kind() != Kind::Book)
        .map(|(document, syntax)| {
            let mut sink = Sink::new(document.file());
            let value =
                syntax.as_ref().and_then(|syntax| one(document.key(), syntax, &context, &index, &mut sink));
            (value, sink.into_findings())
        })
        .collect();
    let mut complete = true;
    let mut contents = settings;
    for (value, found) in lowered {
        findings.extend(found);
        match (value, &mut contents) {
            (Some(value), Some(contents)) => add(contents, value),
            (None, _) => complete = false,
            (Some(_), None) => {}
        }
    }
    findings.extend(segments::cycles(documents, &index));
    findings.extend(source::exposures(documents, &index));
    (contents.filter(|_| complete), findings)
}

fn one(
    key: &str,
    syntax: &File,
    context: &Context<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Lowered> {
    Some(match syntax {
        File::Book(_) => return None,
        File::Flag(file) => Lowered::Flag(flag::lower(key, file, context, index, sink)?),
        File::Experiment(file) => {
            Lowered::Experiment(Box::new(experiment::lower(key, file, context, index, sink)?))
        }
        File::Rollout(file) => Lowered::Rollout(Box::new(rollout::lower(key, file, context, index, sink)?)),
        File::Holdout(file) => Lowered::Holdout(rollout::lower_holdout(key, file, context, index, sink)?),
        File::Layer(file) => Lowered::Layer(flag::lower_layer(key, file, context, index, sink)?),
        File::Segment(file) => Lowered::Segment(segments::lower(key, file, context, index, sink)?),
        File::Metric(file) => Lowered::Metric(metric::lower(key, file, context, index, sink)?),
        File::Source(file) => Lowered::Source(source::lower(key, file, context, sink)?),
    })
}

fn add(contents: &mut Contents, value: Lowered) {
    match value {
        Lowered::Flag(value) => keep(&mut contents.flags, value.key.clone(), value),
        Lowered::Experiment(value) => keep(&mut contents.experiments, value.key.clone(), *value),
        Lowered::Rollout(value) => keep(&mut contents.rollouts, value.key.clone(), *value),
        Lowered::Holdout(value) => keep(&mut contents.holdouts, value.key.clone(), value),
        Lowered::Layer(value) => keep(&mut contents.layers, value.key.clone(), value),
        Lowered::Segment(value) => keep(&mut contents.segments, value.key.clone(), value),
        Lowered::Metric(value) => keep(&mut contents.metrics, value.key.clone(), value),
        Lowered::Source(value) => keep(&mut contents.sources, value.key.clone(), value),
    }
}

/// Two files with one key are a finding, so the book is not made: which one is kept does not matter.
fn keep<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    map.entry(key).or_insert(value);
}

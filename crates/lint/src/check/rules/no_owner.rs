//! A part of the book without an owner.

use std::fmt::Display;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Layer, Metric, Segment};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "no-owner",
    Severity::Warning,
    "crates/lint/src/check/rules/no_owner.md",
    include_str!("no_owner.md"),
    &[Each::Metric(metric), Each::Layer(layer), Each::Segment(segment), Each::Holdout(holdout)],
);

fn metric(context: &Inspection<'_>, metric: &Metric, found: &mut Vec<Diagnostic>) {
    owner(context, Kind::Metric, &metric.key, metric.owner.as_deref(), found);
}

fn layer(context: &Inspection<'_>, layer: &Layer, found: &mut Vec<Diagnostic>) {
    owner(context, Kind::Layer, &layer.key, layer.owner.as_deref(), found);
}

fn segment(context: &Inspection<'_>, segment: &Segment, found: &mut Vec<Diagnostic>) {
    owner(context, Kind::Segment, &segment.key, segment.owner.as_deref(), found);
}

fn holdout(context: &Inspection<'_>, holdout: &trialbook_model::Holdout, found: &mut Vec<Diagnostic>) {
    owner(context, Kind::Holdout, &holdout.key, holdout.owner.as_deref(), found);
}

fn owner(
    context: &Inspection<'_>,
    kind: Kind,
    key: &dyn Display,
    owner: Option<&str>,
    found: &mut Vec<Diagnostic>,
) {
    if owner.is_none() {
        let message = format!("nobody owns {kind} `{key}`");
        let finding = RULE.finding(context, message, (kind, key, ""));
        found.push(finding.help("add `owner: TEAM`: the team that is responsible for it"));
    }
}

//! A condition that a target cannot express.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{AttributeKey, Experiment, Flag, Kind, Predicate, Rollout, Segment, Target, Test};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "inexpressible-targeting",
    Severity::Error,
    "crates/lint/src/check/rules/inexpressible_targeting.md",
    include_str!("inexpressible_targeting.md"),
    &[Each::Flag(flag), Each::Experiment(experiment), Each::Rollout(rollout), Each::Segment(segment)],
);

fn flag(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    for (i, rule) in flag.rules.iter().enumerate() {
        look(context, (Kind::Flag, &flag.key, &format!("/rules/{i}/when")), &rule.when, found);
    }
    for (key, differently) in &flag.overrides {
        let Some(target) = context.book.targets.get(key) else { continue };
        for (i, rule) in differently.rules.iter().flatten().enumerate() {
            let place = format!("/in/{key}/rules/{i}/when");
            inexpressible(context, target, (Kind::Flag, &flag.key, &place), &rule.when, found);
        }
    }
}

fn experiment(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    look(context, (Kind::Experiment, &experiment.key, "/audience"), &experiment.audience, found);
}

fn rollout(context: &Inspection<'_>, rollout: &Rollout, found: &mut Vec<Diagnostic>) {
    look(context, (Kind::Rollout, &rollout.key, "/audience"), &rollout.audience, found);
}

fn segment(context: &Inspection<'_>, segment: &Segment, found: &mut Vec<Diagnostic>) {
    look(context, (Kind::Segment, &segment.key, "/audience"), &segment.audience, found);
}

/// One target of a kind speaks for all of that kind.
fn look(
    context: &Inspection<'_>,
    place: (Kind, &dyn Display, &str),
    audience: &Predicate,
    found: &mut Vec<Diagnostic>,
) {
    let mut reported: Vec<&Target> = Vec::new();
    for target in context.book.targets.values() {
        if !reported.iter().any(|other| other.kind() == target.kind()) {
            inexpressible(context, target, place, audience, found);
            reported.push(target);
        }
    }
}

fn inexpressible(
    context: &Inspection<'_>,
    target: &Target,
    place: (Kind, &dyn Display, &str),
    audience: &Predicate,
    found: &mut Vec<Diagnostic>,
) {
    let mut tests: Vec<(&AttributeKey, &Test)> = Vec::new();
    audience.walk(&mut |attribute, test| tests.push((attribute, test)), &mut |_| ());
    let mut reported = BTreeSet::new();
    for (attribute, test) in tests {
        let Some(declared) = context.book.attributes.get(attribute) else { continue };
        let Some(why) = target.kind().cannot_express(declared.kind, test) else { continue };
        if !reported.insert((attribute, why)) {
            continue;
        }
        let message = format!("target `{}` cannot ask this of `{attribute}`: {why}", target.key);
        let finding = RULE.finding(context, message, place).help(
            "use `in`, `starts_with`, `ends_with` or `contains`, or let the program work it out and pass the answer as \
             an attribute",
        );
        found.push(context.narrowed(finding, place, attribute.as_str()));
    }
}

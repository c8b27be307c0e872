//! A condition that a target has no way to say.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::check::context::Context;
use crate::check::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{AttributeKey, Kind, Predicate, Target, Test};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "inexpressible-targeting",
    Severity::Error,
    "src/check/rules/inexpressible_targeting.md",
    include_str!("inexpressible_targeting.md"),
    check,
);

fn check(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    // One target of a kind speaks for all of that kind.
    let mut targets: Vec<&Target> = Vec::new();
    for target in book.targets.values() {
        if !targets.iter().any(|other| other.kind() == target.kind()) {
            targets.push(target);
        }
    }
    let mut look = |place: (Kind, &dyn Display, &str), audience: &Predicate| {
        for target in &targets {
            inexpressible(context, target, place, audience, found);
        }
    };
    for flag in book.flags.values() {
        for (i, rule) in flag.rules.iter().enumerate() {
            look((Kind::Flag, &flag.key, &format!("/rules/{i}/when")), &rule.when);
        }
    }
    for experiment in book.experiments.values() {
        look((Kind::Experiment, &experiment.key, "/audience"), &experiment.audience);
    }
    for segment in book.segments.values() {
        look((Kind::Segment, &segment.key, "/audience"), &segment.audience);
    }
}

fn inexpressible(
    context: &Context<'_>,
    target: &Target,
    place: (Kind, &dyn Display, &str),
    audience: &Predicate,
    found: &mut Vec<Diagnostic>,
) {
    let mut tests: Vec<(&AttributeKey, &Test)> = Vec::new();
    audience.walk(&mut |attribute, test| tests.push((attribute, test)), &mut |_| ());
    let mut told = BTreeSet::new();
    for (attribute, test) in tests {
        let Some(why) = target.kind().cannot_express(test) else { continue };
        if !told.insert((attribute, why)) {
            continue;
        }
        let message = format!("target `{}` cannot ask this of `{attribute}`: {why}", target.key);
        let finding = context.finding(&RULE, message, place).help(
            "use `in`, `starts_with`, `ends_with` or `contains`, or let the program work it out and pass the answer as \
             an attribute",
        );
        found.push(context.narrowed(finding, place, attribute.as_str()));
    }
}

//! A rule of a flag that no unit reaches.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::listed;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Answer, Overlap, implied, rest, satisfiable};
use trialbook_model::{Flag, Kind, Predicate};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "unreachable-rule",
    Severity::Warning,
    "crates/lint/src/check/rules/unreachable_rule.md",
    include_str!("unreachable_rule.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    rules(context, flag, &flag.rules, "/rules", found);
    for (target, differently) in &flag.overrides {
        if let Some(own) = &differently.rules {
            rules(context, flag, own, &format!("/in/{target}/rules"), found);
        }
    }
}

/// What cannot be decided is left alone here: a rule that serves nobody harms nobody.
fn rules(
    context: &Inspection<'_>,
    flag: &Flag,
    rules: &[trialbook_model::Rule],
    pointer: &str,
    found: &mut Vec<Diagnostic>,
) {
    let attributes = context.attributes();
    let audiences: Vec<Predicate> = rules.iter().map(|rule| context.book.inlined(&rule.when)).collect();
    let mut earlier: Vec<(usize, &Predicate)> = Vec::new();
    for (at, audience) in audiences.iter().enumerate() {
        let before: Vec<&Predicate> = earlier.iter().map(|(_, audience)| *audience).collect();
        if rest(audience, &before, attributes) != Overlap::Disjoint {
            earlier.push((at, audience));
            continue;
        }
        let place = format!("{pointer}/{at}/when");
        let message = format!("rule {} of `{}` serves nobody", at + 1, flag.key);
        let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place));
        if satisfiable(audience, attributes) == Overlap::Disjoint {
            let finding = finding.label("no unit matches all of this");
            found.push(finding.help("take out the conditions that contradict each other, or the rule"));
            continue;
        }
        // One rule that takes them all explains more than the list of those before.
        let alone = earlier.iter().find(|(_, other)| implied(audience, other, attributes) == Answer::Yes);
        let takers: Vec<usize> = match alone {
            Some((taker, _)) => vec![*taker],
            None => earlier.iter().map(|(taker, _)| *taker).collect(),
        };
        let names = listed(takers.iter().map(|taker| taker + 1), "and");
        let plural = if takers.len() == 1 { "" } else { "s" };
        let finding = finding.label(format!(
            "rule{plural} {names} serve{} all of these units first",
            if plural.is_empty() { "s" } else { "" }
        ));
        let finding = takers.iter().fold(finding, |finding, taker| {
            let place = format!("{pointer}/{taker}/when");
            context.relate(finding, (Kind::Flag, &flag.key, &place), "this comes first")
        });
        found.push(finding.help("move the rule up, narrow what is before it, or take it out"));
    }
}

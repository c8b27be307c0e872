//! A target whose evaluators put the same unit into different buckets.

use std::collections::BTreeMap;

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use crate::check::text::listed;
use trialbook_model::Kind;
use trialbook_model::capability::HashProfile;
use trialbook_model::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "evaluators-disagree",
    Severity::Warning,
    "crates/lint/src/check/rules/evaluators_disagree.md",
    include_str!("evaluators_disagree.md"),
    check,
);

fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    for target in context.book.targets.values() {
        let mut profiles = BTreeMap::<HashProfile, Vec<&str>>::new();
        for evaluator in target.evaluators() {
            profiles.entry(evaluator.hash_profile()).or_default().push(evaluator.as_str());
        }
        if profiles.len() < 2 {
            continue;
        }
        let message = format!(
            "the evaluators of target `{}` disagree: a unit can be in an experiment for one and outside it for another",
            target.key
        );
        let place = format!("/targets/{}/evaluators", target.key);
        let mut finding = RULE.finding(context, message, (Kind::Book, &context.book.name, &place));
        for (profile, evaluators) in &profiles {
            let hashes = match profile {
                HashProfile::Utf8 => "the UTF-8 bytes of a unit's key",
                HashProfile::Utf16 => "the UTF-16 code units of a unit's key",
                HashProfile::CborText => "the CBOR form of a unit's key",
                HashProfile::Unleash => "the UTF-8 bytes of a unit's key",
                HashProfile::UnleashUtf16 => "the low bytes of the UTF-16 code units of a unit's key",
            };
            let verb = if evaluators.len() == 1 { "hashes" } else { "hash" };
            finding = finding.note(format!("{} {verb} {hashes}", listed(evaluators, "and")));
        }
        found.push(
            finding.help("give each kind of evaluator a target of its own, and randomise in one of them"),
        );
    }
}

//! A holdout whose units get what it should keep from them.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::allocation::{Approvals, Claim, Claimant, claims};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, rest};
use trialbook_model::{DecisionOutcome, Flag, Holdout, Kind, VariantKey};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "broken-holdout",
    Severity::Error,
    "crates/lint/src/check/rules/broken_holdout.md",
    include_str!("broken_holdout.md"),
    &[Each::Flag(check)],
);

/// Goes over what launched on a flag while a holdout lasts that is not over: what was shipped of it, and what rollouts
/// release, the holdout's units may not be served.
fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    if context.book.holdouts.is_empty() {
        return;
    }
    for claim in &claims(context.book, flag, &Approvals::Every).claims {
        let Some(released) = released(claim) else { continue };
        let lasting = claim.kept_out.iter().filter(|withheld| context.now < withheld.window.end());
        for holdout in lasting.map(|withheld| withheld.holdout) {
            let served = flag.holdouts.get(&holdout.key).unwrap_or(&flag.default);
            if served == released {
                found.push(by_default(context, flag, holdout, claim, released));
            }
            found.extend(by_rule(context, flag, holdout, claim, released));
        }
    }
}

/// Returns the variant that a claim brings to everybody in the end; `None` where nothing is decided.
fn released<'a>(claim: &Claim<'a>) -> Option<&'a VariantKey> {
    match claim.claimant {
        Claimant::Rollout(rollout) => Some(&rollout.serve),
        Claimant::Experiment(experiment) => {
            let decision = experiment.decision.as_ref()?;
            let shipped = decision.variant.as_ref().filter(|_| decision.outcome == DecisionOutcome::Ship)?;
            // Shipping the control changes nothing for anybody.
            (*shipped != experiment.control).then_some(shipped)
        }
    }
}

fn launched(claim: &Claim<'_>) -> String {
    match claim.claimant {
        Claimant::Experiment(experiment) => format!("experiment `{}` shipped", experiment.key),
        Claimant::Rollout(rollout) => format!("rollout `{}` releases", rollout.key),
    }
}

/// The finding where the flag's default, or its entry for the holdout, is what should be held out.
fn by_default(
    context: &Inspection<'_>,
    flag: &Flag,
    holdout: &Holdout,
    claim: &Claim<'_>,
    released: &VariantKey,
) -> Diagnostic {
    let declared = flag.holdouts.contains_key(&holdout.key);
    let message = format!(
        "the units of holdout `{}` are served `{released}` of `{}`, which {} while it lasts",
        holdout.key,
        flag.key,
        launched(claim)
    );
    let place = if declared { format!("/holdouts/{}", holdout.key) } else { "/default".to_owned() };
    let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place)).label(match declared {
        true => "what its units are served",
        false => "what its units are served, for want of an entry in `holdouts`",
    });
    let finding = context.relate(
        finding,
        (Kind::Holdout, &holdout.key, "/schedule"),
        format!("it lasts until {}", context.date(holdout.schedule.end())),
    );
    let before = match claim.claimant {
        Claimant::Experiment(experiment) => {
            format!("`holdouts: {{{}: {}}}`", holdout.key, experiment.control)
        }
        Claimant::Rollout(_) => format!("`holdouts: {{{}: VARIANT}}`", holdout.key),
    };
    finding.help(format!(
        "write the default as it was on {} into the flag: {before}",
        context.date(holdout.schedule.start())
    ))
}

/// The finding where a rule of the flag serves what should be held out to units that the claim was for.
fn by_rule(
    context: &Inspection<'_>,
    flag: &Flag,
    holdout: &Holdout,
    claim: &Claim<'_>,
    released: &VariantKey,
) -> Option<Diagnostic> {
    let attributes = context.attributes();
    let audience = context.book.inlined(claim.audience);
    let whens: Vec<_> = flag.rules.iter().map(|rule| context.book.inlined(&rule.when)).collect();
    let serving = flag.rules.iter().zip(&whens).enumerate().filter(|(_, (rule, _))| rule.serve == *released);
    for (at, (_, when)) in serving {
        let both = trialbook_model::Predicate::All(vec![when.clone(), audience.clone()]);
        let before: Vec<_> = whens.iter().take(at).collect();
        let witness = match rest(&both, &before, attributes) {
            Overlap::Disjoint => continue,
            Overlap::At(witness) => Some(witness),
            Overlap::Undecided(_) => None,
        };
        let message = format!(
            "a rule of `{}` serves `{released}` to the units of holdout `{}` as well, which {} while it lasts",
            flag.key,
            holdout.key,
            launched(claim)
        );
        let place = format!("/rules/{at}");
        let finding = RULE.finding(context, message, (Kind::Flag, &flag.key, &place));
        let finding = finding.label("rules come before holdouts");
        let finding = context.relate(
            finding,
            (Kind::Holdout, &holdout.key, "/schedule"),
            format!("it lasts until {}", context.date(holdout.schedule.end())),
        );
        let finding = match witness {
            Some(witness) => context.observed(finding, &witness).witness(witness.json()),
            None => finding,
        };
        return Some(finding.help(
            "ship it with a rollout, which passes over the units that are held out, and take the rule out until then",
        ));
    }
    None
}

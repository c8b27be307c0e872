//! An experiment without a guardrail.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "no-guardrail",
    Severity::Warning,
    "crates/lint/src/check/rules/no_guardrail.md",
    include_str!("no_guardrail.md"),
    &[Each::Experiment(check)],
);

fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if experiment.metrics.guardrails.is_empty() && context.undecided(experiment) {
        let message = format!("experiment `{}` has no guardrail", experiment.key);
        found.push(
            RULE.finding(context, message, (Kind::Experiment, &experiment.key, "/metrics"))
                .label("only what should improve is watched")
                .help(
                    "add `guardrails: [{metric: KEY, margin: 5%}]` here, or once for everyone under `defaults` in \
                     trialbook.yaml",
                ),
        );
    }
}

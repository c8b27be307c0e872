//! The words of `conclude`: the decision, the pull request with it, and what becomes free.

use jiff::tz::TimeZone;

use super::blocks::Line;
use super::{allocate, markdown, outcome, status};
use crate::app::conclude::{Decided, Freed};
use trialbook_analysis::Outcome;
use trialbook_model::{DecisionOutcome, VariantKey};

/// Returns the title of the pull request that concludes an experiment.
pub fn title(key: &str, decided: &Decided) -> String {
    format!("Conclude {key}: {}", decision(decided.outcome, decided.variant.as_ref()))
}

/// Returns a decision in a few words.
pub fn decision(outcome: DecisionOutcome, variant: Option<&VariantKey>) -> String {
    match (outcome, variant) {
        (DecisionOutcome::Ship, Some(variant)) => format!("ship {variant}"),
        (outcome, _) => status::decided(outcome).to_owned(),
    }
}

/// Returns the description of the pull request that concludes an experiment: the result that decided, or the reason that was given.
pub fn body(evidence: Option<&Outcome>, decided: &Decided, rest: &Line) -> String {
    match evidence {
        Some(result) => markdown::for_pull_request(&outcome::document(result), rest),
        None => markdown::paragraph(&decided.reason),
    }
}

/// Returns which buckets become free, and from when on.
pub fn freed(freed: &Freed, timezone: &TimeZone) -> String {
    let from = allocate::day(freed.from, timezone);
    let buckets =
        if freed.buckets == 1 { "1 bucket".to_owned() } else { format!("{} buckets", freed.buckets) };
    format!(
        "{buckets} of layer `{}` are free from {from} on: `trialbook allocate` then gives them away.",
        freed.layer
    )
}

//! A decision that the result does not support.

use crate::report::blocks::{Inline, Line};
use trialbook_analysis::{Outcome, VerdictKind};
use trialbook_model::{Decision, DecisionOutcome};

use super::{Reading, headline, naming};

/// Returns what to point out about the decision: that it is against the verdict, or does not rest on it.
pub(super) fn alert(reading: &Reading<'_>) -> Option<Line> {
    let outcome = reading.outcome;
    let decision = outcome.experiment.decision.as_ref()?;
    let text = match decision.outcome {
        DecisionOutcome::Ship => shipped(outcome, decision)?,
        DecisionOutcome::RollBack | DecisionOutcome::Inconclusive | DecisionOutcome::Aborted => {
            kept(outcome)?
        }
    };
    Some(vec![Inline::strong("The decision differs from the result."), " ".into(), text.into()])
}

fn shipped(outcome: &Outcome, decision: &Decision) -> Option<String> {
    let variant = decision.variant.as_ref()?;
    let Some(verdict) = outcome.verdicts.iter().find(|verdict| verdict.treatment == *variant) else {
        let other = *variant != outcome.experiment.control;
        return other.then(|| format!("It ships {variant}, which is no treatment of this experiment."));
    };
    let differs = verdict.kind != VerdictKind::Ship;
    differs.then(|| {
        let (words, why) = (naming::verdict(verdict.kind), headline::because(outcome, verdict));
        format!("It ships {variant}, and the verdict on {variant} is “{words}”: {why}.")
    })
}

fn kept(outcome: &Outcome) -> Option<String> {
    let ships = outcome.verdicts.iter().find(|verdict| verdict.kind == VerdictKind::Ship)?;
    let (control, why) = (&outcome.experiment.control, headline::because(outcome, ships));
    Some(format!("It keeps {control}, and the verdict is to ship {}: {why}.", ships.treatment))
}

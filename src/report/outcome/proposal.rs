//! The decision that a result leads to, as data: what `conclude` writes.

use trialbook_analysis::{Outcome, VerdictKind};
use trialbook_model::{DecisionOutcome, VariantKey};

use super::{Lead, Reading, headline};

/// A decision to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What is decided.
    pub outcome: DecisionOutcome,
    /// The variant that ships; only with [`DecisionOutcome::Ship`].
    pub variant: Option<VariantKey>,
    /// Why, in a sentence of plain characters.
    pub reason: String,
}

/// Returns the decision that a result leads to; as an error, why it leads to none yet.
///
/// # Errors
///
/// The verdict where it decides nothing: more units are awaited, or the data cannot carry a verdict.
pub fn proposal(outcome: &Outcome) -> Result<Proposal, Option<VerdictKind>> {
    let reading = Reading::new(outcome);
    let because = |verdict| plain(&headline::reason(&reading, verdict));
    let control_stays = |outcome, reason| Ok(Proposal { outcome, variant: None, reason });
    let Some(verdict) = reading.lead.verdict() else {
        let Lead::Mixed = reading.lead else { return Err(None) };
        let harmful = outcome.verdicts.iter().any(|verdict| verdict.kind == VerdictKind::RollBack);
        let reason = plain(&headline::of_each(outcome));
        let decision = if harmful { DecisionOutcome::RollBack } else { DecisionOutcome::Inconclusive };
        return control_stays(decision, reason);
    };
    match verdict.kind {
        VerdictKind::Ship => Ok(Proposal {
            outcome: DecisionOutcome::Ship,
            variant: Some(verdict.treatment.clone()),
            reason: because(verdict),
        }),
        VerdictKind::RollBack => control_stays(DecisionOutcome::RollBack, because(verdict)),
        VerdictKind::NoEffect | VerdictKind::Inconclusive => {
            control_stays(DecisionOutcome::Inconclusive, because(verdict))
        }
        kind @ (VerdictKind::KeepRunning | VerdictKind::NotDecidable | VerdictKind::Invalid) => {
            Err(Some(kind))
        }
    }
}

/// Returns a text in the characters that people type: a book's files are edited by hand.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ").replace('\u{2212}', "-")
}

//! Why a rollout cannot take its next step, and which ones wait for somebody, in words.

use super::super::calendar::Calendar;
use super::super::number::exact_percent;
use trialbook_delivery::plan::AdvanceError;
use trialbook_model::{Rollout, Step};

/// Returns why a rollout cannot take its next step.
pub fn not_advanced(error: &AdvanceError, timezone: &str) -> String {
    match error {
        AdvanceError::Unknown(key) => format!("there is no rollout `{key}`"),
        AdvanceError::Unguarded(key) => {
            format!("rollout `{key}` has no guardrails, so every step is served at its time")
        }
        AdvanceError::NotLaunched(key) => {
            format!("rollout `{key}` is not served yet: the apply that launches it approves its first step")
        }
        AdvanceError::Complete(key) => format!("every step of rollout `{key}` is approved"),
        AdvanceError::NotDue { rollout, share, at } => format!(
            "the next step of rollout `{rollout}`, {}, is due on {}",
            exact_percent(share.fraction()),
            Calendar::new(timezone).instant(*at)
        ),
    }
}

/// Reports that a rollout waits at a step that is due: nothing but an approval lets it go on.
pub fn held(rollout: &Rollout, step: &Step, timezone: &str) -> String {
    let (key, share) = (&rollout.key, exact_percent(step.share.fraction()));
    let due = Calendar::new(timezone).instant(step.at);
    format!(
        "Rollout `{key}` waits at a step of {share} that is due since {due}: look at its guardrails, and approve it with \
         `--advance {key}`."
    )
}

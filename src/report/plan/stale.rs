//! Why a plan file is refused, in words.

use super::super::number::shortened;
use trialbook_delivery::plan::{PlanPart, Stale, StaleReason};

/// How many reasons are named.
const NAMED: usize = 20;

/// Returns the message and what to do.
pub fn stale(stale: &Stale) -> (String, String) {
    let mut reasons: Vec<_> = stale.reasons.iter().take(NAMED).map(reason).collect();
    if stale.reasons.len() > NAMED {
        reasons.push(format!("and {} more", stale.reasons.len() - NAMED));
    }
    (
        format!("the plan is stale: {}", reasons.join("; ")),
        "plan again, and have the new plan reviewed".to_owned(),
    )
}

fn reason(reason: &StaleReason) -> String {
    match reason {
        StaleReason::Identity { planned, actual } => {
            format!(
                "it was made for `{}`, and the target is `{}`",
                shortened(planned, 200),
                shortened(actual, 200)
            )
        }
        StaleReason::Appeared(flag) => format!("`{flag}` is served now"),
        StaleReason::Vanished(flag) => format!("`{flag}` is no longer served"),
        StaleReason::Changed(flag) => format!("`{flag}` has changed in the target"),
        StaleReason::Book(flag) => format!("the book has changed `{flag}` since"),
        StaleReason::Passed(flag) => format!(
            "what is to be served of `{flag}` has changed since the plan was made, because its time has come or gone"
        ),
        StaleReason::Edited(part) => format!(
            "planned again, its `{}` is another: it was edited, or made by another version of trialbook",
            member(*part)
        ),
    }
}

/// Returns the member of a plan file that holds a part.
fn member(part: PlanPart) -> &'static str {
    match part {
        PlanPart::Version => "version",
        PlanPart::Target => "target",
        PlanPart::Book => "book",
        PlanPart::MadeAt => "made_at",
        PlanPart::Actions => "actions",
        PlanPart::Options => "options",
        PlanPart::Conflicts => "conflicts",
        PlanPart::Unchanged => "unchanged",
        PlanPart::Drifted => "drifted",
        PlanPart::Foreign => "foreign",
        PlanPart::Owned => "owned",
        PlanPart::Applied => "applied",
        PlanPart::TooLarge => "too_large",
        PlanPart::Frozen => "frozen",
    }
}

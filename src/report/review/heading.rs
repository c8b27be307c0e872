//! The verdict on a change, in a line.

use super::super::blocks::Line;
use super::super::number::{count, counted};
use super::{Review, served};
use trialbook_delivery::plan::{ActionKind, Obstacle, Plan};
use trialbook_model::diagnostic::Severity;

/// Tells whether an apply would refuse a plan for a reason that the change itself gives.
///
/// A pull request's run plans from a merge that nobody has committed, and perhaps from an older copy of what is served: that
/// is no fault of the change.
pub(super) fn cannot_be_applied(plan: &Plan) -> bool {
    plan.obstacles().iter().any(|obstacle| match obstacle {
        Obstacle::Conflicts(_) | Obstacle::Disturbs(_) | Obstacle::Unverified(_) | Obstacle::Frozen(_) => {
            true
        }
        Obstacle::TooLarge(_) => true,
        Obstacle::Uncommitted(_) | Obstacle::Rollback(_) | Obstacle::ClockBehind(_) => false,
    })
}

/// Returns the verdict.
pub(super) fn line(review: &Review<'_>) -> Line {
    let (mark, text) = verdict(review);
    vec![format!("{mark} {text}").into()]
}

/// Returns the verdict as a commit status shows it: without a mark.
pub fn standing(review: &Review<'_>) -> String {
    verdict(review).1
}

fn verdict(review: &Review<'_>) -> (&'static str, String) {
    let errors = review.errors();
    if errors > 0 {
        return ("⛔", format!("Not ready to merge: {}", counted(errors, "error", "errors")));
    }
    let with = match review.lint.map_or(0, |lint| lint.count(Severity::Warning)) {
        0 => String::new(),
        n => format!(", with {}", counted(n, "warning", "warnings")),
    };
    let Some(plan) = review.plan else {
        let sound = if with.is_empty() { ": nothing is wrong with the book" } else { "" };
        return ("✅", format!("Ready to merge{with}{sound}"));
    };
    if cannot_be_applied(plan) {
        return ("⛔", format!("Cannot be applied: {}", summary(plan)));
    }
    match served::removals(plan) as u64 {
        0 => {}
        n => {
            let removed = counted(n, "thing that is served goes away", "things that are served go away");
            return ("⚠️", format!("Look closely: {removed} ({})", summary(plan)));
        }
    }
    if plan.is_empty() {
        return ("✅", format!("Ready to merge{with}: nothing changes for anybody"));
    }
    ("✅", format!("Ready to merge{with}: {}", summary(plan)))
}

/// Says what is done to flags: `1 flag to add, 2 to change`.
fn summary(plan: &Plan) -> String {
    let kinds = [
        (ActionKind::Create, "to add"),
        (ActionKind::Update, "to change"),
        (ActionKind::Adopt, "to take over"),
        (ActionKind::Archive, "to archive"),
    ];
    let present =
        kinds.into_iter().map(|(kind, what)| (plan.count(kind) as u64, what)).filter(|(n, _)| *n > 0);
    let part = |(index, (n, what)): (usize, (u64, &str))| match index {
        0 => format!("{} {what}", counted(n, "flag", "flags")),
        _ => format!("{} {what}", count(n)),
    };
    let parts: Vec<_> = present.enumerate().map(part).collect();
    if parts.is_empty() { "no flag changes".to_owned() } else { parts.join(", ") }
}

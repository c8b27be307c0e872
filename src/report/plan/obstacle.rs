//! Why a plan cannot be applied, and what to do about it: the same words in the plan and in the apply.

use jiff::Timestamp;

use super::super::blocks::{Inline, Line};
use super::super::calendar::Calendar;
use super::ticked;
use trialbook_delivery::plan::{Conflict, Obstacle, Plan, Relation, Rollback};

/// Says in a plan that it cannot be applied.
pub(super) fn alert(obstacle: &Obstacle<'_>, plan: &Plan, calendar: &Calendar) -> Line {
    let (message, help) = described(obstacle, plan, calendar);
    let mut line = vec![Inline::strong("Cannot be applied."), " ".into()];
    line.extend(ticked(&format!("{}. {}.", capital(&message), capital(&help))));
    line
}

/// Returns what an apply says that refuses a plan, and what to do.
pub fn refusal(obstacle: &Obstacle<'_>, plan: &Plan, timezone: &str) -> (String, String) {
    described(obstacle, plan, &Calendar::new(timezone))
}

/// Returns what an apply says of a plan that was made too long ago, or is to come.
pub fn far_from_now(plan: &Plan, now: Timestamp, timezone: &str) -> (String, String) {
    let calendar = Calendar::new(timezone);
    let (made, now) = (calendar.instant(plan.made_at), calendar.instant(now));
    (
        format!("the plan is as of {made}, and now is {now}: what runs may be something else by now"),
        "plan again; where it is meant, say when now is with `--at`".to_owned(),
    )
}

fn described(obstacle: &Obstacle<'_>, plan: &Plan, calendar: &Calendar) -> (String, String) {
    match obstacle {
        Obstacle::Conflicts(conflicts) => of_conflicts(conflicts),
        Obstacle::Disturbs(key) => (
            format!("`{key}` is running, and this would take units out of it or give them another variant"),
            "end it with a decision and start anew under another key with `previous`; growing with the same weights is safe"
                .to_owned(),
        ),
        Obstacle::Unverified(one) => (
            format!(
                "`{}` was launched, and nobody can tell whether this moves its units: {}",
                one.experiment, one.reason
            ),
            format!(
                "fetch the whole history and `refs/trialbook/*`, or repair `refs/trialbook/launch/{}`, and plan again",
                one.experiment
            ),
        ),
        Obstacle::Uncommitted(key) => (
            format!("this would launch `{key}` from a book that is not committed"),
            "commit the book, so that the frozen plan can be found again, and plan again".to_owned(),
        ),
        Obstacle::Rollback(rollback) => of_rollback(rollback, plan),
        Obstacle::ClockBehind(applied) => (
            format!(
                "the target was written at {}, and this plan is as of {}: a clock is behind",
                calendar.instant(applied.at),
                calendar.instant(plan.made_at)
            ),
            "set the clock; where the instant is meant, say it to `apply` with `--at`".to_owned(),
        ),
        Obstacle::TooLarge(too_large) => {
            (too_large.to_string(), "if that is meant, apply it with `--allow-large-change`".to_owned())
        }
    }
}

fn of_conflicts(conflicts: &[Conflict]) -> (String, String) {
    let name = |conflict: &Conflict| match &conflict.book {
        Some(book) => format!("`{}` (book {book})", conflict.flag),
        None => format!("`{}`", conflict.flag),
    };
    let some: Vec<_> = conflicts.iter().take(super::NAMED).map(name).collect();
    let more = conflicts.len() - some.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (are, whose) = if conflicts.len() == 1 { ("is", "is not") } else { ("are", "are not") };
    let first = conflicts.first().map_or(String::new(), |conflict| conflict.flag.to_string());
    (
        format!("{}{more} {are} in the target already, and {whose} this book's", some.join(", ")),
        format!("take it over with `trialbook plan --adopt {first}`, or give yours another key"),
    )
}

fn of_rollback(rollback: &Rollback, plan: &Plan) -> (String, String) {
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    let live = short(&rollback.live);
    let here = plan
        .commit
        .as_deref()
        .map_or("the book".to_owned(), |commit| format!("the book at {}", short(commit)));
    let how = match rollback.relation {
        Relation::Older => format!("{here} is older than that"),
        Relation::Diverged => format!("{here} does not descend from that"),
        Relation::Unknown => format!("this clone does not know how {here} stands to that"),
    };
    let mut message = format!("the target was written from commit {live}, and {how}");
    if !rollback.undone.is_empty() {
        let commits = rollback
            .undone
            .iter()
            .map(|one| format!("{} \u{201c}{}\u{201d}", short(&one.commit), one.subject));
        message.push_str(&format!("; it would undo {}", commits.collect::<Vec<_>>().join(", ")));
    }
    let help = match rollback.relation {
        Relation::Unknown => {
            "fetch the whole history, and plan again; if it is meant, apply it with `--rollback`"
        }
        Relation::Older | Relation::Diverged => {
            "check out the newest commit, and plan again; if it is meant, apply it with `--rollback`"
        }
    };
    (message, help.to_owned())
}

/// Begins a sentence with a capital letter, unless with a name.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

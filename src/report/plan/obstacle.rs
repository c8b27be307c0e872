//! Why a plan cannot be applied, and what to do about it: the same words in the plan and in the apply.

use jiff::Timestamp;

use super::super::blocks::{Inline, Line};
use super::super::calendar::Calendar;
use super::super::number::shortened;
use super::change::code;
use super::plain;
use trialbook_delivery::plan::{Conflict, Obstacle, Plan, Relation, Rollback, Unreadable, Unverified};

/// What is in the way, and what to do: two sentences without a capital letter and a full stop.
struct Wording {
    message: Line,
    help: Line,
}

/// Shows in a plan that it cannot be applied.
pub(in crate::report) fn alert(obstacle: &Obstacle<'_>, plan: &Plan, calendar: &Calendar) -> Line {
    let wording = described(obstacle, plan, calendar);
    let mut line = line![Inline::strong("Cannot be applied.")];
    for sentence in [wording.message, wording.help] {
        line.push(" ".into());
        line.extend(capital(sentence));
        line.push(".".into());
    }
    line
}

/// States in a plan what is in the way and is allowed by an option.
pub(super) fn allowed(obstacle: &Obstacle<'_>, plan: &Plan, calendar: &Calendar) -> Line {
    let mut line = line![Inline::strong("Allowed by an option of this command."), " "];
    line.extend(capital(described(obstacle, plan, calendar).message));
    line.push(". Give the same option to ".into());
    line.push(Inline::code("trialbook apply"));
    line.push(".".into());
    line
}

/// Returns what an apply reports that refuses a plan, and what to do.
pub fn refusal(obstacle: &Obstacle<'_>, plan: &Plan, timezone: &str) -> (String, String) {
    let wording = described(obstacle, plan, &Calendar::new(timezone));
    (plain(&wording.message), plain(&wording.help))
}

/// Returns what an apply reports of a plan that was made too long ago, or is to come.
pub fn far_from_now(plan: &Plan, now: Timestamp, timezone: &str) -> (String, String) {
    let calendar = Calendar::new(timezone);
    let (made, now) = (calendar.instant(plan.made_at), calendar.instant(now));
    (
        format!("the plan is as of {made}, and now is {now}: what runs may be something else by now"),
        "plan again; where it is meant, set the time with `--at`".to_owned(),
    )
}

fn described(obstacle: &Obstacle<'_>, plan: &Plan, calendar: &Calendar) -> Wording {
    match obstacle {
        Obstacle::Conflicts(conflicts) => of_conflicts(conflicts),
        Obstacle::Disturbs(key) => Wording {
            message: line![
                code(key),
                " is running, and this would take units out of it or give them another variant"
            ],
            help: line![
                "end it with a decision and start again under another key with ",
                Inline::code("previous"),
                "; growing with the same weights is safe"
            ],
        },
        Obstacle::Unverified(one) => of_unverified(one),
        Obstacle::Uncommitted(key) => Wording {
            message: line!["this would launch ", code(key), " from a book that is not committed"],
            help: line!["commit the book, so that the frozen plan can be found again, and plan again"],
        },
        Obstacle::Rollback(rollback) => of_rollback(rollback, plan),
        Obstacle::ClockBehind(applied) => Wording {
            message: line![format!(
                "the target was written at {}, and this plan is as of {}: a clock is behind",
                calendar.instant(applied.at),
                calendar.instant(plan.made_at)
            )],
            help: line![
                "set the clock; where the instant is meant, give it to ",
                Inline::code("apply"),
                " with ",
                Inline::code("--at")
            ],
        },
        Obstacle::Frozen(freeze) => Wording {
            message: line![format!(
                "the book's policy has a freeze until {} ({}), and this would start something or let a share grow",
                calendar.instant(freeze.until),
                shortened(&freeze.reason, 100)
            )],
            help: line![
                "apply it when the freeze is over; to end an experiment now, use ",
                Inline::code("trialbook apply --stop EXPERIMENT")
            ],
        },
        Obstacle::TooLarge(large) => Wording {
            message: line![format!(
                "the plan changes or removes {} of {} flags, more than {} of them",
                large.changes, large.owned, large.policy.share
            )],
            help: line!["if that is meant, apply it with ", Inline::code("--allow-large-change")],
        },
    }
}

fn of_unverified(one: &Unverified) -> Wording {
    let key = &one.experiment;
    let why = match &one.reason {
        Unreadable::Ref { name } => {
            line![Inline::code(name.as_str()), " does not have the form of a launch"]
        }
        Unreadable::Commit { commit } => line![format!(
            "the commit of its launch ({}) is not in this clone, or its book cannot be read",
            short(commit)
        )],
        Unreadable::Digest { commit } => {
            line![format!("the book at the commit of its launch ({}) has another digest", short(commit))]
        }
        Unreadable::NotServed => line!["the book at the commit of its launch does not serve it"],
    };
    let mut message = line![code(key), " was launched, and it is unknown whether this moves its units: "];
    message.extend(why);
    Wording {
        message,
        help: line![
            "fetch the whole history and ",
            Inline::code("refs/trialbook/*"),
            ", or repair ",
            Inline::code(format!("refs/trialbook/launch/{key}")),
            ", and plan again"
        ],
    }
}

fn of_conflicts(conflicts: &[Conflict]) -> Wording {
    let mut message = Line::new();
    for (index, conflict) in conflicts.iter().take(super::NAMED).enumerate() {
        if index > 0 {
            message.push(", ".into());
        }
        message.push(code(&conflict.flag));
        message.extend(conflict.book.iter().map(|book| Inline::from(format!(" (book {book})"))));
    }
    let more = conflicts.len().saturating_sub(super::NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (are, whose) = if conflicts.len() == 1 { ("is", "is not") } else { ("are", "are not") };
    message.push(format!("{more} {are} in the target already, and {whose} this book's").into());
    let adopt = Inline::code(adoption(conflicts));
    let (them, yours) =
        if conflicts.len() == 1 { ("it", "yours another key") } else { ("them", "yours other keys") };
    Wording { message, help: line![format!("take {them} over with "), adopt, format!(", or give {yours}")] }
}

/// Returns the command that takes these flags over: by their names where they are few, or all that are in the way.
fn adoption(conflicts: &[Conflict]) -> String {
    let mut command = "trialbook plan --adopt".to_owned();
    if conflicts.len() <= super::NAMED {
        for conflict in conflicts {
            command.push(' ');
            command.push_str(conflict.flag.as_str());
        }
    }
    command
}

fn of_rollback(rollback: &Rollback, plan: &Plan) -> Wording {
    let here = plan
        .commit
        .as_deref()
        .map_or("the book".to_owned(), |commit| format!("the book at {}", short(commit)));
    let how = match rollback.relation {
        Relation::Older => format!("{here} is older than that"),
        Relation::Diverged => format!("{here} does not descend from that"),
        Relation::Unknown => format!("this clone does not know how {here} relates to that"),
    };
    let mut message = format!("the target was written from commit {}, and {how}", short(&rollback.live));
    if !rollback.undone.is_empty() {
        let commits = rollback
            .undone
            .iter()
            .map(|one| format!("{} \u{201c}{}\u{201d}", short(&one.commit), one.subject));
        message.push_str(&format!("; it would undo {}", commits.collect::<Vec<_>>().join(", ")));
    }
    let first = match rollback.relation {
        Relation::Unknown => "fetch the whole history",
        Relation::Older | Relation::Diverged => "check out the newest commit",
    };
    Wording {
        message: line![message],
        help: line![
            format!("{first}, and plan again; if it is meant, apply it with "),
            Inline::code("--rollback")
        ],
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// Begins a sentence with a capital letter, unless with a name.
fn capital(mut line: Line) -> Line {
    if let Some(Inline::Text(text)) = line.first_mut() {
        let mut letters = text.chars();
        let capital: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        *text = capital;
    }
    line
}

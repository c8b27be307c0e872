//! A plan, so that its reader knows who will be served something else, and whether it can be applied.

/// Makes a line of texts and other pieces.
macro_rules! line {
    ($($piece:expr),* $(,)?) => { vec![$($crate::report::blocks::Inline::from($piece)),*] };
}

mod advance;
mod audience;
mod change;
mod difference;
mod drift;
mod log;
mod moves;
mod obstacle;
mod stale;
mod upgrade;

pub use self::audience::of_test;

use jiff::Timestamp;
use trialbook_delivery::plan::{Action, ActionKind, Drift, DriftReason, FlagState, Obstacle, Plan};
use trialbook_model::ExperimentKey;

pub use self::advance::{held, not_advanced};
pub use self::drift::{drift_page, drift_rest};
pub use self::log::{log_page, log_rest, settled};
pub use self::obstacle::{far_from_now, refusal};
pub use self::stale::stale;
pub use self::upgrade::{upgrade_page, upgrade_rest};

pub(super) use self::change::lines as change_lines;
pub(super) use self::moves::line as moves_line;
pub(super) use self::obstacle::alert as obstacle_alert;

use super::blocks::{Align, Block, Inline, Line, Page, Table, Tone};
use super::calendar::Calendar;
use super::number::{count, counted, list, shortened};

/// How many launches are named before the rest is only counted.
const LAUNCHES: usize = 50;

/// How many names a sentence holds.
const NAMED: usize = 10;

/// Describes a plan, of whose obstacles an apply refuses some; the others are allowed by its options. Dates are those of an IANA
/// time zone, the book's.
pub fn document(plan: &Plan, refused: &[Obstacle<'_>], timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut document = Page::default();
    document.push(Block::Heading(vec![
        "Plan for ".into(),
        Inline::strong(plan.target.as_str()),
        format!(": {}", summary(plan, refused)).into(),
    ]));
    document.push(Block::Paragraph(origin(plan, &calendar)));
    for obstacle in plan.obstacles().iter().take(NAMED) {
        let alert = if refused.contains(obstacle) { obstacle::alert } else { obstacle::allowed };
        document.push(Block::Alert(alert(obstacle, plan, &calendar)));
    }
    if !plan.actions.is_empty() {
        document.push(Block::Table(actions(&plan.actions, plan.made_at, &calendar)));
    }
    for line in launches(plan, &calendar) {
        document.push(Block::Paragraph(line));
    }
    document.push(Block::Paragraph(vec![left_alone(plan).into()]));
    if !plan.drifted.is_empty() {
        document.push(Block::Paragraph(vec![drift_heading(plan).into()]));
        document.push(Block::List(plan.drifted.iter().map(|drift| drifted(drift, &calendar)).collect()));
    }
    document
}

/// Returns where the rest of a plan is.
pub fn rest() -> Line {
    vec!["This is not all: ".into(), Inline::code("trialbook plan"), " shows every change.".into()]
}

/// Describes which plans are frozen when.
pub(super) fn launches(plan: &Plan, calendar: &Calendar) -> Vec<Line> {
    let starts = plan.actions.iter().flat_map(|action| {
        let branch = |key: &ExperimentKey| {
            action.desired.iter().flat_map(FlagState::experiments).find(|one| one.key == *key)
        };
        action.launches.iter().map(move |key| (key, branch(key).map(|branch| branch.window.start())))
    });
    let (later, now): (Vec<_>, Vec<_>) =
        starts.partition(|(_, start)| start.is_some_and(|start| start > plan.made_at));
    let mut lines = Vec::new();
    if !now.is_empty() {
        let names = first(now.iter().map(|(key, _)| key.to_string()).collect());
        let frozen = if names.len() == 1 { "its plan is" } else { "their plans are" };
        lines.push(vec![
            Inline::strong(format!("Launches {}", list(&names))),
            format!(": from this apply on {frozen} frozen.").into(),
        ]);
    }
    if !later.is_empty() {
        let name = |(key, start): &(&ExperimentKey, Option<Timestamp>)| match start {
            Some(start) => format!("{key} (on {})", calendar.instant(*start)),
            None => key.to_string(),
        };
        let names = first(later.iter().map(name).collect());
        let rest = if names.len() == 1 {
            ": its plan is frozen when it starts; until then an apply replaces it."
        } else {
            ": their plans are frozen when they start; until then an apply replaces them."
        };
        lines.push(vec![Inline::strong(format!("Launches {}", list(&names))), rest.into()]);
    }
    lines
}

/// Explains why an apply of a plan changes nothing.
pub fn nothing_to_do(plan: &Plan) -> String {
    let drifted: Vec<_> = plan.drifted.iter().map(|drift| drift.flag.as_str()).collect();
    if drifted.is_empty() {
        return "Nothing to do: the target serves what the book declares.".to_owned();
    }
    let (flags, stay) = match drifted.len() {
        1 => ("1 flag was", "stays so"),
        _ => ("flags were", "stay so"),
    };
    let count = if drifted.len() == 1 { String::new() } else { format!("{} ", drifted.len()) };
    format!(
        "Nothing was applied. {count}{flags} changed by hand in the target and {stay}: {}. To put the book's content back, plan \
         with `--revert-drift`.",
        named(&drifted)
    )
}

/// Returns the first launches, and the number of the others in one word.
fn first(mut names: Vec<String>) -> Vec<String> {
    let more = names.len().saturating_sub(LAUNCHES);
    names.truncate(LAUNCHES);
    if more > 0 {
        names.push(format!("{} more", count(more as u64)));
    }
    names
}

/// Writes some names, and how many more there are.
fn named(names: &[&str]) -> String {
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => {
            format!(
                "{} and {} more",
                names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "),
                count(more as u64)
            )
        }
        _ => names.join(", "),
    }
}

/// Counts what is to be done: `1 to add, 2 to change`.
fn summary(plan: &Plan, refused: &[Obstacle<'_>]) -> String {
    let parts = [
        (ActionKind::Create, "to add"),
        (ActionKind::Update, "to change"),
        (ActionKind::Adopt, "to take over"),
        (ActionKind::Archive, "to archive"),
    ];
    let parts = parts.into_iter().map(|(kind, what)| (plan.count(kind), what)).filter(|(n, _)| *n > 0);
    let parts: Vec<_> = parts.map(|(n, what)| format!("{} {what}", count(n as u64))).collect();
    let drifted = match plan.drifted.len() as u64 {
        0 => None,
        n => Some(format!("{} changed by hand", counted(n, "flag", "flags"))),
    };
    let nothing = match (refused.is_empty(), &drifted) {
        (true, None) => "nothing to do",
        (true, Some(_)) => "nothing to apply",
        (false, _) => "cannot be applied",
    };
    let parts = if parts.is_empty() { vec![nothing.to_owned()] } else { parts };
    parts.into_iter().chain(drifted).collect::<Vec<_>>().join(", ")
}

fn origin(plan: &Plan, calendar: &Calendar) -> Line {
    let mut line = vec![
        Inline::code(plan.identity.as_str()),
        format!(" · as of {} · book {}", calendar.instant(plan.made_at), plan.book).into(),
    ];
    match &plan.commit {
        Some(commit) => {
            line.extend([" at ".into(), Inline::code(commit.chars().take(7).collect::<String>())])
        }
        None => line.push(", not at a commit".into()),
    }
    line
}

/// Writes what changes about each of some flags.
pub(super) fn actions<'a>(
    actions: impl IntoIterator<Item = &'a Action>,
    made_at: Timestamp,
    calendar: &Calendar,
) -> Table {
    let mut table = Table::new([("", Align::Left), ("flag", Align::Left), ("what changes", Align::Left)]);
    for action in actions {
        let replaces = difference::in_time(&action.replaces, "is", "will be");
        let changes = action.changes.iter().flat_map(|change| change::lines(change, calendar));
        let moves = action.moves.iter().map(|moves| moves::line(moves, made_at, calendar));
        for (index, line) in changes.chain(replaces).chain(moves).enumerate() {
            let first = index == 0;
            let (mark, flag) = if first {
                (vec![mark(action)], vec![Inline::code(action.flag.as_str())])
            } else {
                Default::default()
            };
            table.push(vec![mark, flag, line]);
        }
    }
    table
}

fn mark(action: &Action) -> Inline {
    let (tone, mark) = match action.kind {
        ActionKind::Create => (Tone::Good, "+"),
        ActionKind::Update => (Tone::Caution, "~"),
        ActionKind::Adopt => (Tone::Caution, "!"),
        ActionKind::Archive => (Tone::Bad, "−"),
    };
    Inline::Toned(tone, mark.to_owned())
}

fn left_alone(plan: &Plan) -> String {
    let unchanged = format!("{} unchanged", counted(plan.unchanged.len() as u64, "flag", "flags"));
    let foreign: Vec<_> = plan.foreign.iter().map(|flag| shortened(flag, 60)).collect();
    let foreign: Vec<_> = foreign.iter().map(String::as_str).collect();
    match foreign.len() as u64 {
        0 => format!("{unchanged}."),
        n => format!("{unchanged}; {} not of this book, left alone: {}.", count(n), named(&foreign)),
    }
}

fn drift_heading(plan: &Plan) -> String {
    let back = |drift: &&Drift| plan.options.revert_drift.covers(&drift.flag);
    let reverted = plan.drifted.iter().filter(back).count();
    let flags = counted(plan.drifted.len() as u64, "flag was", "flags were");
    let then = match reverted {
        0 => "That stays live: write it into the book to keep it, or plan with --revert-drift to undo it",
        n if n == plan.drifted.len() => "The book's content is put back",
        _ => "The book's content is put back where it is listed above; the others stay as they are",
    };
    format!("{flags} changed by hand since the last apply. {then}:")
}

fn drifted(drift: &Drift, calendar: &Calendar) -> Line {
    let reason = match drift.reason {
        DriftReason::ChangedByHand => "changed by hand",
        DriftReason::OtherVersion => "written by another version of trialbook",
    };
    let mut line = line![Inline::code(drift.flag.as_str()), format!(": {reason}")];
    let changes = drift.changes.iter().flat_map(|change| change::lines(change, calendar));
    let fields = difference::in_time(&drift.differences, "was", "is");
    for (index, change) in changes.chain(fields).enumerate() {
        line.push(if index == 0 { " — ".into() } else { "; ".into() });
        line.extend(change);
    }
    line
}

/// Writes a line as one text, with verbatim pieces between backticks.
fn plain(line: &[Inline]) -> String {
    let piece = |piece: &Inline| match piece {
        Inline::Text(text) | Inline::Strong(text) | Inline::Toned(_, text) | Inline::Link { text, .. } => {
            text.clone()
        }
        Inline::Code(text) => format!("`{text}`"),
        Inline::Gauge(_) => String::new(),
    };
    line.iter().map(piece).collect()
}

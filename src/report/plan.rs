//! A plan, so that its reader knows who will be served something else, and whether it can be applied.

mod audience;
mod obstacle;

use jiff::Timestamp;
use trialbook_delivery::plan::{
    Action, ActionKind, Change, Difference, Differences, Drift, FlagState, Growth, HeldOut, Plan, RuleChange,
    ServedRule,
};
use trialbook_model::{ExperimentKey, Share};

pub use self::obstacle::{far_from_now, refusal};

use super::blocks::{Align, Block, Document, Inline, Line, Table, Tone};
use super::calendar::Calendar;
use super::number::{count, counted, exact_percent, list, shortened};

/// How many launches are named before the rest is only counted.
const LAUNCHES: usize = 50;

/// How many names a sentence holds.
const NAMED: usize = 10;

/// Describes a plan. Dates are those of an IANA time zone, the book's.
pub fn document(plan: &Plan, timezone: &str) -> Document {
    let calendar = Calendar::new(timezone);
    let mut document = Document::default();
    document.push(Block::Heading(vec![
        "Plan for ".into(),
        Inline::strong(plan.target.as_str()),
        format!(": {}", summary(plan)).into(),
    ]));
    document.push(Block::Paragraph(origin(plan, &calendar)));
    for obstacle in plan.obstacles().iter().take(NAMED) {
        document.push(Block::Alert(obstacle::alert(obstacle, plan, &calendar)));
    }
    if !plan.actions.is_empty() {
        document.push(Block::Table(actions(plan, &calendar)));
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

/// Says where the rest of a plan is.
pub fn rest() -> Line {
    vec!["This is not all: ".into(), Inline::code("trialbook plan"), " shows every change.".into()]
}

/// Says which plans are frozen when.
fn launches(plan: &Plan, calendar: &Calendar) -> Vec<Line> {
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

/// Says why an apply of a plan changes nothing.
pub fn nothing_to_do(plan: &Plan) -> String {
    let drifted: Vec<_> = plan.drifted.iter().map(|drift| drift.flag.as_str()).collect();
    if drifted.is_empty() {
        return "Nothing to do: the target serves what the book says.".to_owned();
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

/// Says what is to be done: `1 to add, 2 to change`.
fn summary(plan: &Plan) -> String {
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
    let nothing = match (plan.obstacles().is_empty(), &drifted) {
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

fn actions(plan: &Plan, calendar: &Calendar) -> Table {
    let mut table = Table::new([("", Align::Left), ("flag", Align::Left), ("what changes", Align::Left)]);
    for action in &plan.actions {
        let replaces = differences(&action.replaces, "is ", "will be ");
        let changes = action.changes.iter().flat_map(|change| told(change, calendar));
        for (index, line) in changes.chain(replaces).enumerate() {
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

/// Describes a change, in as many lines as it needs. Dates are the book's.
fn told(change: &Change, calendar: &Calendar) -> Vec<Line> {
    if let Change::Rules { from, to, rules } = change
        && !rules.is_empty()
    {
        let heading = if from == to {
            format!("rules changed ({to})")
        } else {
            format!("rules changed ({from} → {to})")
        };
        return std::iter::once(vec![heading.into()]).chain(rules.iter().map(rule_changed)).collect();
    }
    vec![in_one_line(change, calendar)]
}

fn in_one_line(change: &Change, calendar: &Calendar) -> Line {
    match change {
        Change::Audience { key, from, to } => {
            let mut line =
                vec!["experiment ".into(), Inline::code(key.as_str()), " has another audience: ".into()];
            line.push(format!("{} → {}", audience::text(from), audience::text(to)).into());
            line
        }
        Change::RolloutAudience { key, from, to } => {
            let mut line =
                vec!["rollout ".into(), Inline::code(key.as_str()), " has another audience: ".into()];
            line.push(format!("{} → {}", audience::text(from), audience::text(to)).into());
            line
        }
        Change::PlanReplaced { key, start } => vec![
            "experiment ".into(),
            Inline::code(key.as_str()),
            format!(
                " has not begun: its plan replaces the recorded one, and is frozen on {}",
                calendar.instant(*start)
            )
            .into(),
        ],
        Change::ExperimentAdded { key, window, share, grows, everyone } => vec![
            "experiment ".into(),
            Inline::code(key.as_str()),
            format!(" starts {}: {}", calendar.instant(window.start()), of_audience(*share, *everyone))
                .into(),
            later(grows, calendar).into(),
            format!("; served until {} at most", calendar.instant(window.end())).into(),
        ],
        Change::RolloutAdded { key, serve, start, share, grows, everyone } => vec![
            "rollout ".into(),
            Inline::code(key.as_str()),
            format!(": {} get ", of_audience(*share, *everyone)).into(),
            Inline::code(serve.as_str()),
            format!(" from {}{}", calendar.instant(*start), later(grows, calendar)).into(),
        ],
        Change::Holdout { key, from, to: Some(to) } => {
            let mut line = vec!["holdout ".into(), Inline::code(key.as_str()), " keeps ".into()];
            line.extend(held_out(to, calendar));
            if let Some(from) = from {
                line.push("; it kept ".into());
                line.extend(held_out(from, calendar));
            }
            line
        }
        Change::Window { key, from, to } => {
            let window = |schedule: &trialbook_model::Schedule| {
                format!("{} … {}", calendar.instant(schedule.start()), calendar.instant(schedule.end()))
            };
            vec![
                "experiment ".into(),
                Inline::code(key.as_str()),
                format!(" served {} → {}", window(from), window(to)).into(),
            ]
        }
        other => ticked(&other.to_string()),
    }
}

/// Describes what stands in a rule's place before and after.
fn rule_changed(change: &RuleChange) -> Line {
    let rule = |rule: &ServedRule| -> Line {
        vec![format!("{} gets ", audience::text(&rule.when)).into(), Inline::code(rule.serve.as_str())]
    };
    let mut line: Line = vec![format!("rule {}: ", change.number).into()];
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => {
            line.extend(rule(from));
            line.push(" → ".into());
            line.extend(rule(to));
        }
        (Some(from), None) => {
            line.push("no longer ".into());
            line.extend(rule(from));
        }
        (None, Some(to)) => {
            line.push("new: ".into());
            line.extend(rule(to));
        }
        (None, None) => {}
    }
    line
}

/// Describes each field that differs, and how many more do.
fn differences(differences: &Differences, from: &str, to: &str) -> Vec<Line> {
    let line = |one: &Difference| -> Line {
        let value = |value: &Option<String>| match value {
            Some(value) => Inline::code(value.as_str()),
            None => "absent".into(),
        };
        let (was, will) = (value(&one.from), value(&one.to));
        vec![Inline::code(one.field.as_str()), format!(" {from}").into(), was, format!(", {to}").into(), will]
    };
    let mut lines: Vec<Line> = differences.shown.iter().map(line).collect();
    if differences.more > 0 {
        lines.push(vec![
            format!("and {} more", counted(differences.more as u64, "difference", "differences")).into(),
        ]);
    }
    lines
}

fn of_audience(share: Share, everyone: bool) -> String {
    let of = if everyone { "everybody" } else { "its audience" };
    format!("{} of {of}", exact_percent(share.fraction()))
}

/// Tells the steps that come later: `, 10 % from 2026-11-27`.
fn later(grows: &[Growth], calendar: &Calendar) -> String {
    let step = |growth: &Growth| {
        format!(", {} from {}", exact_percent(growth.share.fraction()), calendar.instant(growth.at))
    };
    grows.iter().map(step).collect()
}

fn held_out(held: &HeldOut, calendar: &Calendar) -> Line {
    let (share, until) = (exact_percent(held.share.fraction()), calendar.instant(held.until));
    let mut line = vec![format!("{share} of all units out until {until}").into()];
    if let Some(serve) = &held.serve {
        line.extend([", with ".into(), Inline::code(serve.as_str())]);
    }
    line
}

/// Turns what stands between backticks into verbatim text.
fn ticked(text: &str) -> Line {
    let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    pieces
        .map(|(index, piece)| if index % 2 == 1 { Inline::code(piece) } else { Inline::text(piece) })
        .collect()
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
    let mut line =
        vec![Inline::code(drift.flag.as_str()), format!(": {}", shortened(&drift.reason, 200)).into()];
    let changes = drift.changes.iter().flat_map(|change| told(change, calendar));
    let fields = differences(&drift.differences, "was ", "is ");
    let lines: Vec<Line> =
        if drift.differences.is_empty() { changes.collect() } else { changes.chain(fields).collect() };
    for (index, change) in lines.into_iter().enumerate() {
        line.push(if index == 0 { " — ".into() } else { "; ".into() });
        line.extend(change);
    }
    line
}

//! A plan, told so that its reader knows who will be served something else.

use trialbook_delivery::plan::{Action, ActionKind, Change, Drift, Growth, HeldOut, Plan};
use trialbook_model::{ExperimentKey, Share};

use super::blocks::{Align, Block, Document, Inline, Line, Table, Tone};
use super::calendar::Calendar;
use super::number::{count, counted, exact_percent, list, shortened};

/// How many launches are named before the rest is only counted.
const NAMED: usize = 50;

/// Tells a plan. Dates are those of an IANA time zone, the book's.
pub fn document(plan: &Plan, timezone: &str) -> Document {
    let calendar = Calendar::new(timezone);
    let mut document = Document::default();
    document.push(Block::Heading(vec![
        "Plan for ".into(),
        Inline::strong(plan.target.as_str()),
        format!(": {}", summary(plan)).into(),
    ]));
    document.push(Block::Paragraph(origin(plan, &calendar)));
    if !plan.conflicts.is_empty() {
        document.push(Block::Alert(conflicts(plan)));
    }
    let disturbed: Vec<_> = plan.actions.iter().flat_map(|action| &action.disturbs).collect();
    if !disturbed.is_empty() {
        document.push(Block::Alert(disturbs(&disturbed)));
    }
    if !plan.actions.is_empty() {
        document.push(Block::Table(actions(plan, &calendar)));
    }
    let launches: Vec<_> = plan.actions.iter().flat_map(|action| &action.launches).collect();
    if !launches.is_empty() {
        let mut names: Vec<_> = launches.iter().take(NAMED).map(|key| key.as_str().to_owned()).collect();
        if let Some(more @ 1..) = launches.len().checked_sub(NAMED) {
            names.push(format!("{} more", count(more as u64)));
        }
        let frozen = if names.len() == 1 { "its plan is" } else { "their plans are" };
        document.push(Block::Paragraph(vec![
            Inline::strong(format!("Launches {}", list(&names))),
            format!(": from this apply on {frozen} frozen.").into(),
        ]));
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
    if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
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

fn conflicts(plan: &Plan) -> Line {
    let mut line = vec![Inline::strong("Cannot be applied."), " Somebody else has ".into()];
    for (index, conflict) in plan.conflicts.iter().enumerate() {
        if index > 0 {
            line.push(", ".into());
        }
        line.push(Inline::code(conflict.flag.as_str()));
        if let Some(book) = &conflict.book {
            line.push(format!(" (book {book})").into());
        }
    }
    line.push(". Give yours another key, or take it over with ".into());
    line.push(Inline::code("--adopt FLAG"));
    line.push(".".into());
    line
}

fn disturbs(experiments: &[&ExperimentKey]) -> Line {
    let mut line = vec![Inline::strong("Cannot be applied."), " It takes units out of ".into()];
    for (index, key) in experiments.iter().enumerate() {
        if index > 0 {
            line.push(", ".into());
        }
        line.push(Inline::code(key.as_str()));
    }
    let what = if experiments.len() == 1 { "which is running" } else { "which are running" };
    line.push(
        format!(", {what}, or gives them another variant. End it and start anew under another key.").into(),
    );
    line
}

fn actions(plan: &Plan, calendar: &Calendar) -> Table {
    let mut table = Table::new([("", Align::Left), ("flag", Align::Left), ("what changes", Align::Left)]);
    for action in &plan.actions {
        for (index, line) in action.changes.iter().map(|change| told(change, calendar)).enumerate() {
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

/// Tells a change. Dates are the book's; all else is as the change says it.
fn told(change: &Change, calendar: &Calendar) -> Line {
    match change {
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
    match plan.foreign.len() as u64 {
        0 => format!("{unchanged}."),
        n => format!("{unchanged}; {} not of this book, left alone.", count(n)),
    }
}

fn drift_heading(plan: &Plan) -> String {
    let reverted = plan.actions.iter().filter(|action| action.changes.contains(&Change::Reverted)).count();
    let places = counted(plan.drifted.len() as u64, "place", "places");
    let then = if reverted > 0 {
        "It is put back"
    } else {
        "It stays so unless you write it into the book or say --revert-drift"
    };
    format!("Live differs from the last apply in {places}. {then}:")
}

fn drifted(drift: &Drift, calendar: &Calendar) -> Line {
    let mut line =
        vec![Inline::code(drift.flag.as_str()), format!(": {}", shortened(&drift.reason, 200)).into()];
    for (index, change) in drift.changes.iter().enumerate() {
        line.push(if index == 0 { " — ".into() } else { "; ".into() });
        line.extend(told(change, calendar));
    }
    line
}

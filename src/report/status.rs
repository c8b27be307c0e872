//! What runs and what is next, for people.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::blocks::{Align, Block, Inline, Line, Page, Table, Tone};
use super::calendar::Calendar;
use super::number::{NBSP, count, counted, list};
use super::outcome;
use crate::app::status::{ExperimentStatus, LaunchRecord, Next, Status};
use trialbook_model::{DecisionOutcome, ExperimentState};

/// How experiments are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// By whom they belong to.
    Team,
    /// By where in the product they are seen; one that is seen on several surfaces is in several groups.
    Surface,
    /// By the layer that holds their units.
    Layer,
}

/// Words the state of experiments, the most urgent first.
pub fn document(status: &Status, group: Option<Group>) -> Page {
    let calendar = Calendar::new(&status.timezone);
    let mut page = Page::default();
    page.push(Block::Heading(heading(status, &calendar)));
    let Some(group) = group else {
        if !status.experiments.is_empty() {
            page.push(Block::Table(table(status.experiments.iter().collect(), None, status, &calendar)));
        }
        return page;
    };
    for (name, experiments) in grouped(&status.experiments, group) {
        page.push(Block::Subheading(vec![name.into()]));
        page.push(Block::Table(table(experiments, Some(group), status, &calendar)));
    }
    page
}

/// Returns the experiments of each group, by its name; those without any come last.
fn grouped(experiments: &[ExperimentStatus], group: Group) -> Vec<(String, Vec<&ExperimentStatus>)> {
    let mut groups: BTreeMap<&str, Vec<&ExperimentStatus>> = BTreeMap::new();
    let mut without = Vec::new();
    for experiment in experiments {
        let names: Vec<&str> = match group {
            Group::Team => vec![experiment.owner.as_str()],
            Group::Surface => experiment.surfaces.iter().map(|surface| surface.as_str()).collect(),
            Group::Layer => experiment.layer.iter().map(|layer| layer.as_str()).collect(),
        };
        if names.is_empty() {
            without.push(experiment);
        }
        for name in names {
            groups.entry(name).or_default().push(experiment);
        }
    }
    let mut all: Vec<_> = groups.into_iter().map(|(name, list)| (name.to_owned(), list)).collect();
    if !without.is_empty() {
        let name = match group {
            Group::Team => "No team",
            Group::Surface => "No surface",
            Group::Layer => "No layer",
        };
        all.push((name.to_owned(), without));
    }
    all
}

fn heading(status: &Status, calendar: &Calendar) -> Line {
    const ORDER: [ExperimentState; 5] = [
        ExperimentState::Running,
        ExperimentState::Maturing,
        ExperimentState::Overdue,
        ExperimentState::Scheduled,
        ExperimentState::Concluded,
    ];
    let mut line: Line = Vec::new();
    for state in ORDER {
        let many = status.experiments.iter().filter(|experiment| experiment.state == state).count();
        if many == 0 {
            continue;
        }
        if !line.is_empty() {
            line.push(", ".into());
        }
        let text = format!("{}{NBSP}{}", count(many as u64), state.as_str());
        line.push(if state == ExperimentState::Overdue {
            Inline::Toned(Tone::Bad, text)
        } else {
            text.into()
        });
    }
    if line.is_empty() {
        line.push("no experiment".into());
    }
    line.insert(0, format!("{}: ", status.book).into());
    line.push(format!(" · as of {}", calendar.instant(status.at)).into());
    line
}

fn table(
    mut experiments: Vec<&ExperimentStatus>,
    group: Option<Group>,
    status: &Status,
    calendar: &Calendar,
) -> Table {
    experiments.sort_by_key(|experiment| (urgency(experiment), &experiment.key));
    let mut columns = vec![
        ("Experiment", Align::Left),
        ("State", Align::Left),
        ("Since", Align::Left),
        ("Units", Align::Right),
        ("Next", Align::Left),
    ];
    if group != Some(Group::Team) {
        columns.push(("Team", Align::Left));
    }
    columns.push(("Surface", Align::Left));
    columns.push(("Layer", Align::Left));
    let mut table = Table::new(columns);
    for experiment in experiments {
        let mut row = vec![
            vec![Inline::code(experiment.key.as_str())],
            state(experiment),
            since(experiment, calendar),
            units(experiment, calendar),
            vec![next(experiment, status.at, calendar).into()],
        ];
        if group != Some(Group::Team) {
            row.push(vec![experiment.owner.as_str().into()]);
        }
        let surfaces: Vec<&str> = experiment.surfaces.iter().map(|surface| surface.as_str()).collect();
        row.push(vec![surfaces.join(", ").into()]);
        row.push(vec![experiment.layer.as_ref().map_or("", |layer| layer.as_str()).into()]);
        table.push(row);
    }
    table
}

/// What needs somebody first: what is late, then what a verdict decides, then what comes next, in the order of time.
fn urgency(experiment: &ExperimentStatus) -> (bool, bool, i64) {
    let at = experiment.next.as_ref().map_or(i64::MAX, |next| next.at().as_second());
    (experiment.state != ExperimentState::Overdue, !experiment.waits_for_decision(), at)
}

/// Words a state, with its tone.
fn state(experiment: &ExperimentStatus) -> Line {
    let word = experiment.state.as_str();
    vec![match (experiment.state, experiment.decision) {
        (ExperimentState::Overdue, _) => Inline::Toned(Tone::Bad, word.into()),
        (ExperimentState::Running, _) => Inline::Toned(Tone::Good, word.into()),
        (ExperimentState::Concluded, Some(decision)) => format!("{word}: {}", decided(decision)).into(),
        _ => word.into(),
    }]
}

/// Words how an experiment ended.
pub fn decided(outcome: DecisionOutcome) -> &'static str {
    match outcome {
        DecisionOutcome::Ship => "ship",
        DecisionOutcome::RollBack => "roll back",
        DecisionOutcome::Inconclusive => "inconclusive",
        DecisionOutcome::Aborted => "aborted",
    }
}

/// Words since when it runs, and whether git records that it was launched.
fn since(experiment: &ExperimentStatus, calendar: &Calendar) -> Line {
    let day = calendar.instant(experiment.since);
    let began = !matches!(experiment.state, ExperimentState::Scheduled);
    let mut line = vec![if began { day.into() } else { format!("from {day}").into() }];
    match &experiment.launch {
        LaunchRecord::None if began => {
            line.push(Inline::Toned(Tone::Caution, " no launch recorded here".into()));
        }
        LaunchRecord::Unreadable { .. } => {
            line.push(Inline::Toned(Tone::Caution, " launch record unreadable".into()));
        }
        LaunchRecord::None | LaunchRecord::Recorded { .. } | LaunchRecord::NoRepository => {}
    }
    line
}

fn units(experiment: &ExperimentStatus, calendar: &Calendar) -> Line {
    let Some(counted) = &experiment.counted else { return Vec::new() };
    let mut text = format!("{} by {}", count(counted.units), calendar.day(counted.as_of));
    for one in &counted.verdicts {
        text.push_str(&format!("; {}: {}", one.treatment, outcome::verdict(one.verdict)));
    }
    vec![text.into()]
}

/// Words what comes next, and when.
pub fn next(experiment: &ExperimentStatus, now: Timestamp, calendar: &Calendar) -> String {
    let Some(next) = &experiment.next else { return String::new() };
    let what = match next {
        Next::Start { .. } => "enrolment begins".to_owned(),
        Next::Grow { share, .. } => format!("share grows to {share}"),
        Next::End { .. } => "enrolment ends".to_owned(),
        Next::Mature { .. } => "last window closes".to_owned(),
        Next::Conclude { .. } => "decision takes effect".to_owned(),
        Next::Decide { since, verdicts, .. } if !verdicts.is_empty() => {
            let names: Vec<&str> = verdicts.iter().map(|one| one.treatment.as_str()).collect();
            let what = verdicts.first().map_or("", |one| outcome::verdict(one.verdict));
            return format!("decide: {what} {}, known since {}", list(&names), calendar.instant(*since));
        }
        Next::Decide { since, served_until, .. } => {
            let days = now.duration_since(*since).as_hours() / 24;
            let days = u64::try_from(days).unwrap_or(0);
            let late = if days == 0 { "today".to_owned() } else { counted(days, "day", "days") };
            let served = calendar.instant(*served_until);
            return if *served_until <= now {
                format!("decide: overdue for {late}, served the default since {served}")
            } else if days == 0 {
                format!("decide: due {late}, served until {served}")
            } else {
                format!("decide: overdue for {late}, served until {served}")
            };
        }
    };
    let ahead = calendar.ahead(now, next.at()).map_or(String::new(), |ahead| format!(" ({ahead})"));
    format!("{what} {}{ahead}", calendar.instant(next.at()))
}

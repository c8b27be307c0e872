//! What runs, since when, and what comes next.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{AppError, NotNamed};
use trialbook_analysis::{Ground, Outcome, Verdict, VerdictKind};
use trialbook_history::{Launch, LaunchError, Repository};
use trialbook_model::{
    Allocation, Book, DecisionOutcome, Experiment, ExperimentKey, ExperimentState, FlagKey, LayerKey, Share,
    SurfaceKey, VariantKey,
};

/// Which experiments are asked for; an empty list asks for all.
#[derive(Debug, Default)]
pub struct Filter {
    /// By name, whatever their state.
    pub names: Vec<String>,
    /// Of these owners.
    pub teams: Vec<String>,
    /// On any of these surfaces.
    pub surfaces: Vec<String>,
    /// In any of these layers.
    pub layers: Vec<String>,
    /// Those that are concluded too.
    pub concluded: bool,
}

/// The state of a book's experiments at an instant. Serialised, it is what `trialbook status --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The version of this shape.
    pub version: u32,
    /// The book's name.
    pub book: String,
    /// The IANA time zone in which its dates begin.
    pub timezone: String,
    /// The instant.
    pub at: Timestamp,
    /// How many of the experiments are overdue.
    pub overdue: usize,
    /// How many of them wait for a decision: they are overdue, or a verdict before the end says what to do.
    pub to_decide: usize,
    /// The experiments, by key.
    pub experiments: Vec<ExperimentStatus>,
}

/// The state of an experiment at an instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentStatus {
    /// Its key.
    pub key: ExperimentKey,
    /// What people call it.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Where in the product it is seen.
    pub surfaces: Vec<SurfaceKey>,
    /// The layer whose slots hold its units.
    pub layer: Option<LayerKey>,
    /// The flag whose variants are tested.
    pub flag: FlagKey,
    /// What it is doing.
    pub state: ExperimentState,
    /// Since when units are enrolled, or from when on: the later of the schedule's start and the recorded launch.
    pub since: Timestamp,
    /// The first instant after enrolment.
    pub end: Timestamp,
    /// When the last deciding window closes.
    pub matured: Timestamp,
    /// The share of its audience that is enrolled at this instant.
    pub share: Share,
    /// What git records of its launch.
    pub launch: LaunchRecord,
    /// Who was counted so far; `None` where no outcome was given.
    pub counted: Option<Counted>,
    /// What comes next; `None` once it is concluded.
    pub next: Option<Next>,
    /// What was decided, where it is concluded.
    pub decision: Option<DecisionOutcome>,
}

/// What git records of a launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum LaunchRecord {
    /// A ref names the commit.
    Recorded {
        /// Which.
        commit: String,
        /// The effective start.
        at: Timestamp,
    },
    /// This clone has no ref of a launch.
    None,
    /// The ref cannot be read.
    Unreadable {
        /// Why, as a fragment.
        reason: String,
    },
    /// The book is not in a git repository.
    NoRepository,
}

/// What an outcome counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The analysed units of all arms.
    pub units: u64,
    /// The instant up to which they are counted: the look that decided, or the watermark.
    pub as_of: Timestamp,
    /// The verdict on each treatment, in byte order.
    pub verdicts: Vec<TreatmentVerdict>,
}

/// The verdict on a treatment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreatmentVerdict {
    /// The treatment.
    pub treatment: VariantKey,
    /// What to do with it.
    pub verdict: VerdictKind,
}

/// What comes next in an experiment, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Next {
    /// Enrolment begins.
    Start {
        /// When.
        at: Timestamp,
    },
    /// The enrolled share grows.
    Grow {
        /// When.
        at: Timestamp,
        /// To this share.
        share: Share,
    },
    /// Enrolment ends.
    End {
        /// When.
        at: Timestamp,
    },
    /// The last deciding window closes.
    Mature {
        /// When.
        at: Timestamp,
    },
    /// A decision that is written takes effect.
    Conclude {
        /// When.
        at: Timestamp,
    },
    /// Somebody has to decide.
    Decide {
        /// Since when.
        since: Timestamp,
        /// When serving ends, or has ended, without a decision: the default is served from then on.
        served_until: Timestamp,
        /// Before the end: the verdicts that ask for it, all of the same kind.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        verdicts: Vec<TreatmentVerdict>,
    },
}

impl LaunchRecord {
    /// Makes it of what was read of a ref.
    pub(super) fn of(read: Result<Option<Launch>, LaunchError>) -> Self {
        match read {
            Ok(Some(launch)) => {
                Self::Recorded { commit: launch.commit.as_str().to_owned(), at: launch.effective_start }
            }
            Ok(None) => Self::None,
            Err(error) => Self::Unreadable { reason: error.to_string() },
        }
    }
}

impl Status {
    /// The version of the shape.
    pub const VERSION: u32 = 1;

    /// Puts together what is known of the experiments that are asked for.
    ///
    /// Launches and outcomes of other experiments are ignored.
    pub fn new(
        book: &Book,
        keys: &[ExperimentKey],
        launches: &BTreeMap<ExperimentKey, LaunchRecord>,
        outcomes: &BTreeMap<ExperimentKey, Outcome>,
        at: Timestamp,
    ) -> Self {
        let experiments: Vec<_> = keys
            .iter()
            .filter_map(|key| book.experiments.get(key))
            .map(|experiment| {
                let launch = launches.get(&experiment.key).cloned().unwrap_or(LaunchRecord::None);
                ExperimentStatus::new(book, experiment, launch, outcomes.get(&experiment.key), at)
            })
            .collect();
        let overdue = experiments.iter().filter(|one| one.state == ExperimentState::Overdue).count();
        let to_decide = experiments.iter().filter(|one| one.waits_for_decision()).count();
        let (book, timezone) = (book.name.clone(), book.timezone.clone());
        Self { version: Self::VERSION, book, timezone, at, overdue, to_decide, experiments }
    }
}

impl ExperimentStatus {
    /// Puts together what is known of an experiment.
    pub fn new(
        book: &Book,
        experiment: &Experiment,
        launch: LaunchRecord,
        outcome: Option<&Outcome>,
        at: Timestamp,
    ) -> Self {
        let schedule = experiment.schedule;
        let since = match launch {
            LaunchRecord::Recorded { at, .. } => at.max(schedule.start()),
            _ => schedule.start(),
        };
        let state = book.state_at(experiment, at);
        let concluded = state == ExperimentState::Concluded;
        let decision = experiment.decision.as_ref().filter(|_| concluded);
        let enrols = state == ExperimentState::Running;
        Self {
            key: experiment.key.clone(),
            title: experiment.title.clone(),
            owner: experiment.owner.clone(),
            surfaces: experiment.surfaces.clone(),
            layer: experiment.layer.clone(),
            flag: experiment.flag.clone(),
            state,
            since,
            end: schedule.end(),
            matured: book.matured_at(experiment),
            share: if enrols { experiment.allocation.share_at(at) } else { Share::NONE },
            launch,
            counted: outcome.map(Counted::of),
            next: next(book, experiment, state, outcome, at),
            decision: decision.map(|decision| decision.outcome),
        }
    }

    /// Tells whether somebody has to decide now.
    pub fn waits_for_decision(&self) -> bool {
        matches!(self.next, Some(Next::Decide { .. }))
    }
}

impl Counted {
    fn of(outcome: &Outcome) -> Self {
        let verdicts = outcome.verdicts.iter();
        Self {
            units: outcome.units.total(),
            as_of: outcome.units.look.unwrap_or(outcome.as_of),
            verdicts: verdicts
                .map(|verdict| TreatmentVerdict {
                    treatment: verdict.treatment.clone(),
                    verdict: verdict.kind,
                })
                .collect(),
        }
    }
}

impl Next {
    /// Returns when it happens; of a decision that is awaited, since when.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Start { at }
            | Self::Grow { at, .. }
            | Self::End { at }
            | Self::Mature { at }
            | Self::Conclude { at } => *at,
            Self::Decide { since, .. } => *since,
        }
    }
}

/// Returns what comes next in an experiment.
fn next(
    book: &Book,
    experiment: &Experiment,
    state: ExperimentState,
    outcome: Option<&Outcome>,
    now: Timestamp,
) -> Option<Next> {
    let matured = book.matured_at(experiment);
    let served_until = Experiment::GRACE.after(matured);
    let goes_on = matches!(state, ExperimentState::Running | ExperimentState::Maturing);
    let early = outcome.filter(|_| goes_on).and_then(|outcome| early_verdict(outcome, now));
    let planned = match state {
        ExperimentState::Concluded => return None,
        ExperimentState::Overdue => Next::Decide { since: matured, served_until, verdicts: Vec::new() },
        ExperimentState::Scheduled => Next::Start { at: experiment.schedule.start() },
        ExperimentState::Running => {
            grows(experiment, now).unwrap_or(Next::End { at: experiment.schedule.end() })
        }
        ExperimentState::Maturing => Next::Mature { at: matured },
    };
    let planned = early.map_or(planned, |(since, verdicts)| Next::Decide { since, served_until, verdicts });
    let concludes = experiment.decision.as_ref().map(|decision| Next::Conclude { at: decision.date });
    let is_first =
        |concludes: &Next| concludes.at() <= planned.at() || matches!(planned, Next::Decide { .. });
    Some(concludes.filter(is_first).unwrap_or(planned))
}

/// Returns the verdicts of an outcome that end its experiment before its time, and since when they are known: the treatment that ships
/// or, where none does, those that are rolled back.
fn early_verdict(outcome: &Outcome, now: Timestamp) -> Option<(Timestamp, Vec<TreatmentVerdict>)> {
    let known = |verdict: &Verdict| {
        let looks = verdict.reasons.iter().find_map(|reason| match reason {
            Ground::StoppedAtLook { at, .. } => Some(*at),
            _ => None,
        });
        looks.unwrap_or(outcome.as_of)
    };
    let of = |kind: VerdictKind| outcome.verdicts.iter().filter(move |verdict| verdict.kind == kind);
    let best = of(VerdictKind::Ship).find(|verdict| Some(&verdict.treatment) == outcome.best.as_ref());
    let ships = best.or_else(|| of(VerdictKind::Ship).next());
    let asking: Vec<&Verdict> = match ships {
        Some(verdict) => vec![verdict],
        None => of(VerdictKind::RollBack).collect(),
    };
    let since = asking.iter().map(|verdict| known(verdict)).min().filter(|since| *since <= now)?;
    let verdicts = asking
        .iter()
        .map(|verdict| TreatmentVerdict { treatment: verdict.treatment.clone(), verdict: verdict.kind });
    Some((since, verdicts.collect()))
}

/// Returns the next step of a ramp within enrolment.
fn grows(experiment: &Experiment, now: Timestamp) -> Option<Next> {
    let Allocation::Ramp(steps) = &experiment.allocation else { return None };
    let step = steps.all().iter().find(|step| now < step.at && step.at < experiment.schedule.end())?;
    Some(Next::Grow { at: step.at, share: step.share })
}

/// Returns the experiments that are asked for, by key: of those that no one names, only what is not concluded, unless that is
/// asked for.
///
/// # Errors
///
/// Where a name is no experiment, or the book has no such team, surface or layer.
pub fn chosen(filter: &Filter, book: &Book, at: Timestamp) -> Result<Vec<ExperimentKey>, AppError> {
    let unknown = |name: &String, make: fn(String) -> NotNamed| AppError::NotNamed(make(name.clone()));
    for name in &filter.names {
        if !book.experiments.contains_key(name.as_str()) {
            return Err(unknown(name, NotNamed::Experiment));
        }
    }
    for name in &filter.surfaces {
        if !book.surfaces.contains_key(name.as_str()) {
            return Err(unknown(name, NotNamed::Surface));
        }
    }
    for name in &filter.layers {
        if !book.layers.contains_key(name.as_str()) {
            return Err(unknown(name, NotNamed::Layer));
        }
    }
    for name in &filter.teams {
        if !teams(book).any(|team| team == name) {
            return Err(unknown(name, NotNamed::Team));
        }
    }
    let named = |experiment: &Experiment| {
        let key = experiment.key.as_str();
        let is_named = filter.names.iter().any(|name| name == key);
        let is_open = filter.concluded || book.state_at(experiment, at) != ExperimentState::Concluded;
        if filter.names.is_empty() { is_open } else { is_named }
    };
    let fits = |experiment: &&Experiment| {
        let on = |surface: &SurfaceKey| filter.surfaces.iter().any(|name| name == surface.as_str());
        let within = |layer: &LayerKey| filter.layers.iter().any(|name| name == layer.as_str());
        named(experiment)
            && (filter.teams.is_empty() || filter.teams.contains(&experiment.owner))
            && (filter.surfaces.is_empty() || experiment.surfaces.iter().any(on))
            && (filter.layers.is_empty() || experiment.layer.as_ref().is_some_and(within))
    };
    Ok(book.experiments.values().filter(fits).map(|experiment| experiment.key.clone()).collect())
}

/// Returns everybody who answers for an experiment or a surface, with repetitions.
pub fn teams(book: &Book) -> impl Iterator<Item = &String> {
    let experiments = book.experiments.values().map(|experiment| &experiment.owner);
    experiments.chain(book.surfaces.values().filter_map(|surface| surface.owner.as_ref()))
}

/// Reads what git records of the launches of some experiments.
///
/// # Errors
///
/// Where the repository cannot be opened. A ref that cannot be read is part of the result.
pub fn launches(
    root: &Path,
    keys: &[ExperimentKey],
) -> Result<BTreeMap<ExperimentKey, LaunchRecord>, AppError> {
    let repository = Repository::of_book(root)?;
    let record = |key: &ExperimentKey| {
        let Some(repository) = &repository else { return LaunchRecord::NoRepository };
        LaunchRecord::of(repository.launch(key))
    };
    Ok(keys.iter().map(|key| (key.clone(), record(key))).collect())
}

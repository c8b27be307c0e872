//! Experiments: who is randomised among which variants, when, and how it will be judged.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Allocation, Decision, Duration, ExperimentKey, FlagKey, ForcedVariant, LayerKey, MetricKey, Predicate,
    Salt, Share, Split, SurfaceKey, VariantKey,
};

/// When units are enrolled: `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawSchedule", into = "RawSchedule")]
pub struct Schedule {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RawSchedule {
    start: Timestamp,
    end: Timestamp,
}

/// Why two instants are not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the end ({end}) is not after the start ({start})")]
pub struct ScheduleError {
    start: Timestamp,
    end: Timestamp,
}

/// The latest start of an interval: a moment before the last instant.
const LAST_START: Timestamp = Timestamp::constant(253_402_207_199, 0);

impl Schedule {
    /// Makes a schedule of at least a moment.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, ScheduleError> {
        if start < end { Ok(Self { start, end }) } else { Err(ScheduleError { start, end }) }
    }

    /// Makes an interval that does not end: until the last instant that there is.
    pub fn since(start: Timestamp) -> Self {
        Self { start: start.min(LAST_START), end: Timestamp::MAX }
    }

    /// Tells whether the interval has no end.
    pub fn is_endless(&self) -> bool {
        self.end == Timestamp::MAX
    }

    /// Returns the first instant of enrolment.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Returns the first instant after enrolment.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Tells whether two schedules, or any two half-open intervals, share an instant.
    pub fn meets(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Tells whether an instant is in `[start, end)`.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }
}

impl TryFrom<RawSchedule> for Schedule {
    type Error = ScheduleError;
    fn try_from(raw: RawSchedule) -> Result<Self, ScheduleError> {
        Self::new(raw.start, raw.end)
    }
}

impl From<Schedule> for RawSchedule {
    fn from(schedule: Schedule) -> Self {
        Self { start: schedule.start, end: schedule.end }
    }
}

/// The smallest effect worth finding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MinimumEffect {
    /// As a share of the control's mean.
    Relative(Share),
    /// In the metric's own unit; above zero.
    Absolute(f64),
}

/// How much worse a guardrail may be: the non-inferiority margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Margin {
    /// As a share of the control's mean.
    Relative(Share),
    /// In the metric's own unit; above zero.
    Absolute(f64),
}

/// A metric that can show that the change was worth making.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuccessMetric {
    /// Which metric.
    pub metric: MetricKey,
    /// The smallest effect worth finding.
    pub mde: MinimumEffect,
}

/// A metric that must be shown not to get worse than the margin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guardrail {
    /// Which metric.
    pub metric: MetricKey,
    /// How much worse is still acceptable.
    pub margin: Margin,
}

/// The metrics of an experiment by role, defaults of the book included. No metric has two roles.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AnalysisPlan {
    /// Metrics that can show that the change was worth making.
    pub success: Vec<SuccessMetric>,
    /// Metrics that must be shown not to get worse.
    pub guardrails: Vec<Guardrail>,
    /// Metrics that are looked at and decide nothing.
    pub exploratory: Vec<MetricKey>,
}

impl AnalysisPlan {
    /// Returns the metrics that decide: success, then guardrails.
    pub fn deciding(&self) -> impl Iterator<Item = &MetricKey> {
        self.success.iter().map(|s| &s.metric).chain(self.guardrails.iter().map(|g| &g.metric))
    }

    /// Returns every metric.
    pub fn all(&self) -> impl Iterator<Item = &MetricKey> {
        self.deciding().chain(&self.exploratory)
    }
}

/// When the data may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Once, when the last unit's window has closed.
    FixedHorizon,
    /// Daily, with the level spent over the schedule (Lan and DeMets 1983).
    GroupSequential,
    /// At any time, by a confidence sequence.
    AlwaysValid,
}

impl Method {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FixedHorizon => "fixed-horizon",
            Self::GroupSequential => "group-sequential",
            Self::AlwaysValid => "always-valid",
        }
    }

    /// Tells whether the data may be looked at more than once.
    pub const fn is_sequential(self) -> bool {
        matches!(self, Self::GroupSequential | Self::AlwaysValid)
    }
}

/// How the tests of *better* share the level: those of all success metrics with all treatments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Multiplicity {
    /// In equal shares, which are known beforehand.
    #[default]
    Shared,
    /// Step by step from the smallest p-value (Holm 1979): it finds at least as much.
    Holm,
}

impl Multiplicity {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Holm => "holm",
        }
    }
}

/// How the level of a group sequential test is spent over its looks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// Nearly nothing early, as O'Brien and Fleming would.
    #[default]
    ObrienFleming,
    /// Early and late alike, as Pocock would.
    Pocock,
    /// As a power of the time that has passed; above 0.
    Power(f64),
    /// By the exponential family of Hwang, Shih and DeCani, with this γ: below 0 later, above 0 earlier.
    HwangShihDecani(f64),
}

/// The units over both arms of a comparison at which the intervals of an always-valid test are narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlannedUnits(pub u64);

impl Default for PlannedUnits {
    fn default() -> Self {
        Self(20_000)
    }
}

/// How the experiment is judged, every default written out.
///
/// What came later than the first launches is left out where it has its default, so that their digests stand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// When the data may be looked at.
    pub method: Method,
    /// Where nobody declared the method and an earlier version read that as another: which. No part of what is written, because
    /// a default that is written out means the same.
    #[serde(skip)]
    pub earlier_default: Option<Method>,
    /// How the success metrics of all treatments share the level.
    #[serde(default, skip_serializing_if = "is_default")]
    pub multiplicity: Multiplicity,
    /// How the level of a group sequential test is spent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spending: Spending,
    /// How long enrolment must have lasted, in the data of a look, before a treatment ships at it.
    #[serde(default = "Analysis::min_duration", skip_serializing_if = "is_a_week")]
    pub min_duration: Duration,
    /// Where the intervals of an always-valid test are narrowest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub planned_units: PlannedUnits,
    /// The two-sided level of the decision; each directional test has half of it.
    pub alpha: Share,
    /// The power that the whole decision should have.
    pub power: Share,
    /// The level shared by the tests for harm and the quality checks (α₋); below `alpha`.
    pub deterioration_alpha: Share,
    /// Whether covariates are used to reduce variance, where a metric has one.
    pub adjust: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_a_week(duration: &Duration) -> bool {
    *duration == Analysis::min_duration()
}

impl Analysis {
    /// Returns the least duration of enrolment before a treatment ships: a whole week, because weekdays differ.
    pub const fn min_duration() -> Duration {
        Duration::days(7)
    }

    /// Returns the method of an experiment whose book declares none: group sequential, or a fixed horizon where a deciding metric
    /// has an open window, because what a unit counts for would change from look to look.
    pub const fn default_method(open_window: bool) -> Method {
        if open_window { Method::FixedHorizon } else { Method::GroupSequential }
    }

    /// Returns the analysis as an earlier version read it, which gave a fixed horizon to every experiment without a method.
    pub fn by_earlier_defaults(self) -> Self {
        Self { method: self.earlier_default.unwrap_or(self.method), earlier_default: None, ..self }
    }
}

impl Default for Analysis {
    fn default() -> Self {
        let percent = |n| Share::from_percent(n).unwrap_or(Share::ALL);
        Self {
            method: Self::default_method(false),
            earlier_default: Some(Method::FixedHorizon),
            multiplicity: Multiplicity::default(),
            spending: Spending::default(),
            min_duration: Self::min_duration(),
            planned_units: PlannedUnits::default(),
            alpha: percent(5),
            power: percent(80),
            deterioration_alpha: percent(1),
            adjust: true,
        }
    }
}

/// What an experiment is doing at some instant. Derived, never typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExperimentState {
    /// Before its start.
    Scheduled,
    /// Units are enrolled.
    Running,
    /// Enrolment has ended; the last units' windows are closing.
    Maturing,
    /// Every deciding window has closed, and nothing is decided.
    Overdue,
    /// Decided.
    Concluded,
}

impl ExperimentState {
    /// Returns the word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Maturing => "maturing",
            Self::Overdue => "overdue",
            Self::Concluded => "concluded",
        }
    }
}

/// A randomised test of a flag's variants on an audience, with its analysis plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its key.
    pub key: ExperimentKey,
    /// What people call it.
    pub title: String,
    /// What is expected, and why.
    pub hypothesis: String,
    /// Who answers for it.
    pub owner: String,
    /// Where in the product it is seen.
    pub surfaces: Vec<SurfaceKey>,
    /// The flag whose variants are tested.
    pub flag: FlagKey,
    /// Who may be enrolled.
    pub audience: Predicate,
    /// The layer whose slots hold its units; `None`: a draw of its own.
    pub layer: Option<LayerKey>,
    /// The share of the audience that is enrolled: a whole number of 10,000 buckets, above zero.
    pub allocation: Allocation,
    /// The variant that the others are compared with; in the split.
    pub control: VariantKey,
    /// Who gets what.
    pub split: Split,
    /// When units are enrolled.
    pub schedule: Schedule,
    /// What is measured.
    pub metrics: AnalysisPlan,
    /// How it is judged.
    pub analysis: Analysis,
    /// The salt of its own draws; the key unless given.
    pub salt: Salt,
    /// The experiment that this one repeats.
    pub previous: Option<ExperimentKey>,
    /// Which units are served a variant without a draw, the first that fits; they are never analysed. No part of the
    /// pre-registration: they may change at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<ForcedVariant>,
    /// How it ended.
    pub decision: Option<Decision>,
}

impl Experiment {
    /// How long serving goes on, undecided, after the last deciding window has closed.
    pub const GRACE: Duration = Duration::days(14);

    /// Returns the variants that are compared with the control, in byte order.
    pub fn treatments(&self) -> impl Iterator<Item = &VariantKey> {
        self.split.variants().filter(|variant| **variant != self.control)
    }

    /// Returns the units that its overrides name, in byte order.
    pub fn forced_units(&self) -> BTreeSet<&str> {
        self.overrides.iter().flat_map(ForcedVariant::units).collect()
    }
}

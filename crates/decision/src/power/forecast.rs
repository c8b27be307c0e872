//! The whole decision: what it needs, when that is there, what limits it.

use jiff::Timestamp;
use serde::Serialize;

use trialbook_model::{Book, Duration, Experiment, ExperimentKey, Method, MetricKey};
use trialbook_stats::design::{best_control_share, cost_of_split};

use super::arrivals::{Arrivals, Basis, TooMany, days};
use super::evidence::{Evidence, Seen};
use super::need::{Asked, MetricNeed, Question, Role, Tests, Unplannable, hardest, questions, whole};
use super::remedy::{self, Remedy};

/// What nobody has said, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// A deciding metric has no baseline.
    Baseline(MetricKey),
    /// A metric is adjusted for a covariate, and its correlation is unknown: it is counted as if unadjusted.
    Correlation(MetricKey),
    /// Neither the experiment's surfaces nor the entity declare traffic.
    Traffic,
    /// Fewer units may come than are counted.
    Fewer(TooMany),
    /// Units were counted in exposures: of all surfaces, and none that no experiment enrolled. So more or fewer may
    /// come.
    Exposures,
    /// The traffic is known for a shorter span than the schedule, of so many days, and was extended.
    LongerTraffic(u32),
    /// The experiment cannot be planned at all.
    Plan(String),
}

/// What the whole decision needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// The units over all arms of the most demanding metric; at least this where the evidence is incomplete.
    pub units: u64,
    /// The metric that needs the most.
    pub limited_by: MetricKey,
    /// The days of enrolment after which they are there; `None` where traffic is unknown, or within two years they
    /// are not.
    pub days: Option<u32>,
    /// When the last of their windows has closed, counted from the declared start.
    pub decided_on: Option<Timestamp>,
}

/// How units are split, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Split {
    /// The control's share.
    pub control: f64,
    /// The control's share with which all treatments need the fewest units: √k : 1 : … : 1.
    pub best_control: f64,
    /// How many times the units of the best split this one needs.
    pub cost: f64,
}

/// Days of enrolment that the whole decision takes, by the effects looked for and by the allocation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Durations {
    /// The allocations, each at most 100 %.
    pub allocations: Vec<f64>,
    /// By the sizes of effect.
    pub rows: Vec<DurationRow>,
}

/// The days for one size of effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DurationRow {
    /// How many times the declared effects (without success metrics, the margins).
    pub times: f64,
    /// Days, for each allocation; `None` where two years are not enough.
    pub days: Vec<Option<u32>>,
}

/// What an experiment needs, can reach, and what would help.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// The version of this form.
    pub version: u32,
    /// The experiment.
    pub experiment: ExperimentKey,
    /// How it is judged.
    pub method: Method,
    /// When enrolment starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Days of enrolment.
    pub days: f64,
    /// The power of the whole decision that is asked for.
    pub power: f64,
    /// The power of each single test that this takes.
    pub power_per_test: Option<f64>,
    /// What the units are counted from.
    pub basis: Option<Basis>,
    /// The share of the traffic that the audience is, without what rules serve before; at most this where it is
    /// said so.
    pub audience: Option<f64>,
    /// The share of it that no holdout keeps.
    pub not_held_out: Option<f64>,
    /// The largest share of it that is enrolled.
    pub allocation: f64,
    /// The units that are enrolled by the end; at most these where it is said so.
    pub units: Option<u64>,
    /// The split.
    pub split: Option<Split>,
    /// The deciding metrics.
    pub metrics: Vec<MetricNeed>,
    /// What the whole decision needs; `None` where no deciding metric can be planned.
    pub need: Option<Need>,
    /// Whether the schedule as written has the power asked for, as far as the evidence goes; `None` where it does
    /// not say.
    pub suffices: Option<bool>,
    /// Durations for other effects and allocations; `None` where traffic or what a deciding metric needs is unknown.
    pub durations: Option<Durations>,
    /// What would help, where the schedule does not suffice.
    pub remedies: Vec<Remedy>,
    /// What is unknown.
    pub missing: Vec<Missing>,
    /// What was measured, where that was asked for.
    pub measured: Option<Seen>,
}

impl Forecast {
    /// The version of the form that is written.
    pub const VERSION: u32 = 1;

    /// Returns the metrics that the schedule as written cannot show, the most demanding first.
    pub fn underpowered(&self) -> Vec<&MetricNeed> {
        let enough = self.units.unwrap_or(u64::MAX);
        let mut short: Vec<_> = self
            .metrics
            .iter()
            .filter(|need| need.required_units.is_some_and(|units| units > enough))
            .collect();
        short.sort_by_key(|need| std::cmp::Reverse(need.required_units));
        short
    }

    /// Tells whether what each deciding metric needs is known. Otherwise the others say what is needed at least.
    pub fn is_complete(&self) -> bool {
        self.metrics.iter().all(|need| need.required_units.is_some())
    }

    /// Returns the need of a metric.
    pub fn metric(&self, key: &MetricKey) -> Option<&MetricNeed> {
        self.metrics.iter().find(|need| need.metric == *key)
    }
}

/// Returns what an experiment of a book needs and can reach, from what is known.
pub fn forecast(book: &Book, experiment: &Experiment, evidence: &Evidence) -> Forecast {
    let days = days(experiment);
    let arrivals = Arrivals::of(book, experiment, evidence);
    let mut forecast = empty(experiment, days);
    forecast.split = split(experiment);
    forecast.measured.clone_from(&evidence.seen);
    match &arrivals {
        None => forecast.missing.push(Missing::Traffic),
        Some(arrivals) => {
            forecast.basis = Some(arrivals.basis.clone());
            forecast.audience = Some(arrivals.audience);
            forecast.not_held_out = Some(arrivals.not_held_out);
            // A power of time may end a hair below the number that was declared.
            forecast.units = whole((arrivals.enrolled(days, 1.0) * (1.0 + 1e-12)).floor());
            forecast.missing.extend(arrivals.at_most.iter().map(|why| Missing::Fewer(*why)));
            if arrivals.basis == Basis::Warehouse {
                forecast.missing.push(Missing::Exposures);
            }
            if arrivals.is_extrapolated(days) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at most ten years"
                )]
                forecast.missing.push(Missing::LongerTraffic(arrivals.known_days() as u32));
            }
        }
    }
    if let Err(problem) = fill(&mut forecast, book, experiment, evidence, arrivals.as_ref()) {
        forecast.missing.push(Missing::Plan(problem.to_string()));
    }
    forecast
}

fn empty(experiment: &Experiment, days: f64) -> Forecast {
    Forecast {
        version: Forecast::VERSION,
        experiment: experiment.key.clone(),
        method: experiment.analysis.method,
        start: experiment.schedule.start(),
        end: experiment.schedule.end(),
        days,
        power: experiment.analysis.power.fraction(),
        power_per_test: None,
        basis: None,
        audience: None,
        not_held_out: None,
        allocation: experiment.allocation.largest().fraction(),
        units: None,
        split: None,
        metrics: Vec::new(),
        need: None,
        suffices: None,
        durations: None,
        remedies: Vec::new(),
        missing: Vec::new(),
        measured: None,
    }
}

fn split(experiment: &Experiment) -> Option<Split> {
    let share = |variant| Some(experiment.split.share(variant)?.fraction());
    let control = share(&experiment.control)?;
    let treatments: Option<Vec<f64>> = experiment.treatments().map(share).collect();
    let treatments = treatments?;
    let best_control = best_control_share(u32::try_from(treatments.len()).ok()?);
    Some(Split { control, best_control, cost: cost_of_split(control, &treatments)? })
}

fn fill(
    forecast: &mut Forecast,
    book: &Book,
    experiment: &Experiment,
    evidence: &Evidence,
    arrivals: Option<&Arrivals>,
) -> Result<(), Unplannable> {
    let tests = Tests::new(experiment, experiment.analysis.method, forecast.days, arrivals)?;
    forecast.power_per_test = Some(tests.power.get());
    let asked: Vec<Question<'_>> = questions(experiment).collect();
    let mut designs = Vec::new();
    for role in [Role::Success, Role::Guardrail] {
        let known = |question: &&Question<'_>| evidence.baselines.contains_key(question.metric);
        if asked.iter().filter(known).any(|question| question.role == role) {
            let design = tests.design(role)?;
            let separation = design.separation()?;
            designs.push((role, design, separation));
        }
    }
    let asking =
        Asked { book, experiment, evidence, tests: &tests, designs: &designs, arrivals, days: forecast.days };
    forecast.metrics = asked.iter().map(|question| asking.answer(*question)).collect();
    for need in &forecast.metrics {
        match &need.baseline {
            None => forecast.missing.push(Missing::Baseline(need.metric.clone())),
            Some(known) if known.adjustment_unknown => {
                forecast.missing.push(Missing::Correlation(need.metric.clone()));
            }
            Some(_) => {}
        }
    }
    let most = forecast.metrics.iter().filter(|need| need.required_units.is_some());
    let Some(most) = most.max_by_key(|need| need.required_units) else { return Ok(()) };
    let window = book.longest_deciding_window(experiment);
    let decided_on = most.required_days.and_then(|days| {
        let enrolled = Duration::days(u16::try_from(days).ok()?).after(experiment.schedule.start());
        Some(window.after(enrolled))
    });
    let units = most.required_units.unwrap_or(u64::MAX);
    let need = Need { units, limited_by: most.metric.clone(), days: most.required_days, decided_on };
    // What cannot be planned, or is not known, may need more: only "no" is certain then.
    let complete = forecast.is_complete();
    let certain = !forecast.missing.iter().any(|missing| matches!(missing, Missing::Fewer(_)));
    // Units of all exposures say neither.
    let counted = forecast.units.filter(|_| !forecast.missing.contains(&Missing::Exposures));
    forecast.suffices = counted.and_then(|have| match have >= units {
        true => (complete && certain).then_some(true),
        false => Some(false),
    });
    forecast.need = Some(need);
    if let Some(arrivals) = arrivals {
        let table = Table { book, experiment, evidence, asked: &asked, designs: &designs, arrivals };
        // Days that leave out a metric would look like those of the whole decision.
        forecast.durations = complete.then(|| table.durations());
        forecast.remedies = remedy::remedies(book, experiment, forecast, arrivals);
    }
    Ok(())
}

/// What the table of durations takes.
struct Table<'a> {
    book: &'a Book,
    experiment: &'a Experiment,
    evidence: &'a Evidence,
    asked: &'a [Question<'a>],
    designs: &'a [(Role, trialbook_stats::design::Design, f64)],
    arrivals: &'a Arrivals,
}

/// The sizes of effect of the table, as multiples of the declared ones.
const SIZES: [f64; 4] = [0.5, 1.0, 1.5, 2.0];

impl Table<'_> {
    fn durations(&self) -> Durations {
        let declared = self.experiment.allocation.largest().fraction();
        let mut allocations: Vec<f64> = [0.5 * declared, declared, 2.0 * declared, 1.0]
            .into_iter()
            .filter(|share| *share <= 1.0)
            .collect();
        allocations.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
        let row = |times: f64| {
            let units = self.units(times);
            let days = |allocation: &f64| self.arrivals.days_for(units?, allocation / declared);
            DurationRow { times, days: allocations.iter().map(days).collect() }
        };
        let rows = SIZES.into_iter().map(row).collect();
        Durations { allocations, rows }
    }

    /// Returns the units that the most demanding metric needs where the declared effects are so many times as large;
    /// the margins of guardrails stay, unless only they decide.
    fn units(&self, times: f64) -> Option<f64> {
        let scaled = if self.experiment.metrics.success.is_empty() { Role::Guardrail } else { Role::Success };
        let mut most: Option<f64> = None;
        for question in self.asked {
            let Some(known) = self.evidence.baselines.get(question.metric) else { continue };
            let size = question.claim.size().number() * if question.role == scaled { times } else { 1.0 };
            let question = Question { claim: question.claim.with(size), ..*question };
            let (_, _, separation) = self.designs.iter().find(|(role, ..)| *role == question.role)?;
            let comparison = hardest(self.book, self.experiment, question, known).ok()??;
            let units = comparison.planned.units_for(*separation).ok()?;
            most = Some(most.map_or(units, |most| most.max(units)));
        }
        most
    }
}

//! Predicting what the whole decision needs, from what is known.

use super::arrivals::{Arrivals, Basis, days};
use super::evidence::Evidence;
use super::forecast::{DurationRow, Durations, Forecast, Missing, Need, Split};
use super::need::{Asked, Question, Role, Tests, Unplannable, hardest, questions, whole};
use super::remedy;
use trialbook_model::{Book, Duration, Experiment};
use trialbook_stats::design::{best_control_share, cost_of_split};

/// Returns what an experiment of a book needs and can reach, from what is known.
pub fn forecast(book: &Book, experiment: &Experiment, evidence: &Evidence) -> Forecast {
    made(book, experiment, evidence, true)
}

/// Makes a forecast; where nobody is advised, without durations and remedies, which ask for forecasts themselves.
fn made(book: &Book, experiment: &Experiment, evidence: &Evidence, advise: bool) -> Forecast {
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
    if let Err(problem) = fill(&mut forecast, book, experiment, evidence, arrivals.as_ref(), advise) {
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
    advise: bool,
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
    // Units of all exposures show neither.
    let counted = forecast.units.filter(|_| !forecast.missing.contains(&Missing::Exposures));
    forecast.suffices = counted.and_then(|have| match have >= units {
        true => (complete && certain).then_some(true),
        false => Some(false),
    });
    forecast.need = Some(need);
    if let Some(arrivals) = arrivals.filter(|_| advise) {
        let table = Table { book, experiment, evidence, asked: &asked, designs: &designs, arrivals };
        // Days that leave out a metric would look like those of the whole decision.
        forecast.durations = complete.then(|| table.durations());
        let enough = |changed: &Experiment| made(book, changed, evidence, false).suffices != Some(false);
        forecast.remedies = remedy::remedies(book, experiment, &enough, forecast, arrivals);
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

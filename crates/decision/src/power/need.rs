//! What a single metric needs and can reach.

use serde::Serialize;

use trialbook_model::{
    Book, Direction, Experiment, Margin, Method, MetricKey, MetricType, MinimumEffect, VariantKey,
};
use trialbook_stats::design::{Arms, Claim, Design, Level, Planned, Size};
use trialbook_stats::power::{Goal, NotPlannable};
use trialbook_stats::sequential::{Looks, LooksError, Spending};
use trialbook_stats::{Better, Probability};

use super::arrivals::Arrivals;
use super::evidence::{Evidence, Known, Origin};

/// What a metric is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// That the change was worth making.
    Success,
    /// That nothing got worse by more than the margin.
    Guardrail,
}

/// What a metric needs and can reach; of several treatments, with the one that needs the most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricNeed {
    /// The metric.
    pub metric: MetricKey,
    /// What it is to show.
    pub role: Role,
    /// The declared effect or margin.
    pub declared: Size,
    /// The one-sided level of its test.
    pub level: f64,
    /// What is known of it; `None`: nothing, and what follows is empty.
    pub baseline: Option<BaselineShown>,
    /// The treatment that needs the most.
    pub treatment: Option<VariantKey>,
    /// The units over all arms that it needs.
    pub required_units: Option<u64>,
    /// The days of enrolment after which they are there, at most two years.
    pub required_days: Option<u32>,
    /// The smallest effect or margin that the schedule as written can show with the power asked for.
    pub reachable: Option<Size>,
    /// The power for the declared one, with the schedule as written.
    pub power: Option<f64>,
    /// Why it cannot be planned.
    pub problem: Option<String>,
}

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BaselineShown {
    /// The mean, share, ratio or quantile.
    pub value: f64,
    /// The standard deviation of a unit.
    pub deviation: f64,
    /// The share of the variance that the covariate leaves; 1 where it is not used.
    pub kept: f64,
    /// Whether the metric is adjusted for a covariate whose correlation nobody knows, so that it may need less.
    pub adjustment_unknown: bool,
    /// Where this is known from.
    pub origin: Origin,
}

/// How an experiment's tests are made, whatever the metric.
pub(super) struct Tests {
    pub(super) power: Probability,
    success: Probability,
    guardrail: Probability,
    method: Method,
    spending: Spending,
    /// The shares of the information at each look; one look for a fixed horizon.
    looks: Looks,
    /// The share of the schedule that has passed at each look.
    times: Vec<f64>,
}

/// Why an experiment cannot be planned at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Unplannable {
    #[error(transparent)]
    Levels(#[from] crate::LevelsError),
    #[error(transparent)]
    Probability(#[from] trialbook_stats::NotAProbability),
    #[error(transparent)]
    Looks(#[from] LooksError),
    #[error(transparent)]
    Plan(#[from] NotPlannable),
}

/// The most looks that are planned for. More of them need hardly more units: from 28 to a look on each day of a
/// year, a level spent as O'Brien and Fleming would needs 1 % more.
const MOST_LOOKS: u32 = 28;

impl Tests {
    /// Returns the tests of an experiment that is judged by `method`, over so many days.
    ///
    /// Without arrivals the information grows evenly.
    pub(super) fn new(
        experiment: &Experiment,
        method: Method,
        days: f64,
        arrivals: Option<&Arrivals>,
    ) -> Result<Self, Unplannable> {
        let treatments = experiment.treatments().count() as u64;
        let levels = crate::levels(&experiment.metrics, &experiment.analysis, treatments)?;
        let (looks, times) = match method {
            Method::FixedHorizon => (Looks::once(), vec![1.0]),
            Method::GroupSequential | Method::AlwaysValid => daily(days, arrivals)?,
        };
        let power = Probability::new(levels.power())?;
        let (success, guardrail) = (levels.success, levels.guardrail);
        let spending = crate::spending(experiment.analysis.spending);
        Ok(Self { power, success, guardrail, method, spending, looks, times })
    }

    pub(super) fn level(&self, role: Role) -> Probability {
        match role {
            Role::Success => self.success,
            Role::Guardrail => self.guardrail,
        }
    }

    /// Returns how the metrics of a role are tested.
    pub(super) fn design(&self, role: Role) -> Result<Design, Unplannable> {
        let target = Goal { level: self.level(role), power: self.power };
        Ok(match self.method {
            Method::FixedHorizon => Design::once(target),
            Method::GroupSequential => {
                let spent: Vec<_> =
                    self.times.iter().map(|time| self.spending.spent(target.level, *time)).collect();
                Design::group_sequential(target, self.looks.clone(), &spent)?
            }
            Method::AlwaysValid => Design::always_valid(target, self.looks.clone()),
        })
    }
}

/// Returns a look after each day of enrolment, thinned evenly where there are many, as shares of the information and
/// of the time.
fn daily(days: f64, arrivals: Option<&Arrivals>) -> Result<(Looks, Vec<f64>), LooksError> {
    let whole = days.floor().clamp(1.0, f64::from(u16::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and MOST_LOOKS")]
    let count = whole.min(f64::from(MOST_LOOKS)) as u32;
    let informed = |time: f64| arrivals.map_or(time, |arrivals| arrivals.enrolled(time * days, 1.0));
    let all = informed(1.0);
    let (mut shares, mut times) = (Vec::new(), Vec::new());
    for look in 1..=count {
        let time = f64::from(look) / f64::from(count);
        let share = if look == count || all <= 0.0 { time } else { (informed(time) / all).min(1.0) };
        // A day on which nobody new comes is no look; the last one is always made.
        if share > shares.last().copied().unwrap_or(0.0) + 1e-9 {
            shares.push(share);
            times.push(time);
        } else if look == count {
            shares.pop();
            times.pop();
            shares.push(share);
            times.push(time);
        }
    }
    Ok((Looks::new(shares)?, times))
}

/// A deciding metric with what it is to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) metric: &'a MetricKey,
    pub(super) role: Role,
    pub(super) claim: Claim,
}

/// Returns the metrics that decide: success, then guardrails.
pub(super) fn questions(experiment: &Experiment) -> impl Iterator<Item = Question<'_>> {
    let success = experiment.metrics.success.iter().map(|success| {
        let size = match success.mde {
            MinimumEffect::Relative(share) => Size::Relative(share.fraction()),
            MinimumEffect::Absolute(size) => Size::Absolute(size),
        };
        Question { metric: &success.metric, role: Role::Success, claim: Claim::Better(size) }
    });
    let guardrails = experiment.metrics.guardrails.iter().map(|guardrail| {
        let size = match guardrail.margin {
            Margin::Relative(share) => Size::Relative(share.fraction()),
            Margin::Absolute(size) => Size::Absolute(size),
        };
        Question { metric: &guardrail.metric, role: Role::Guardrail, claim: Claim::NotWorse(size) }
    });
    success.chain(guardrails)
}

/// A question with what is known, for one treatment.
#[derive(Debug, Clone)]
pub(super) struct Comparison<'a> {
    pub(super) planned: Planned,
    treatment: &'a VariantKey,
}

/// Returns the comparison of the treatment that needs the most units, or why none can be planned.
pub(super) fn hardest<'a>(
    book: &Book,
    experiment: &'a Experiment,
    question: Question<'_>,
    known: &Known,
) -> Result<Option<Comparison<'a>>, NotPlannable> {
    let Some(metric) = book.metrics.get(question.metric) else { return Ok(None) };
    let level = level(book, experiment, question.metric, known);
    let better = match metric.direction {
        Direction::IncreaseIsGood => Better::Higher,
        Direction::IncreaseIsBad => Better::Lower,
    };
    let share = |variant| experiment.split.share(variant).map_or(0.0, |share| share.fraction());
    let mut hardest: Option<(f64, Comparison<'a>)> = None;
    for treatment in experiment.treatments() {
        let arms = Arms { control: share(&experiment.control), treatment: share(treatment) };
        let planned = Planned { level, claim: question.claim, better, arms };
        let units = planned.units_for(1.0)?;
        if hardest.as_ref().is_none_or(|(most, _)| units > *most) {
            hardest = Some((units, Comparison { planned, treatment }));
        }
    }
    Ok(hardest.map(|(_, comparison)| comparison))
}

/// Returns a metric's baseline as it is tested: adjusted where the plan asks for it and the correlation is known.
fn level(book: &Book, experiment: &Experiment, key: &MetricKey, known: &Known) -> Level {
    let metric = book.metrics.get(key);
    let adjusted = experiment.analysis.adjust && metric.is_some_and(|metric| metric.covariate.is_some());
    let correlation = known.baseline.correlation.filter(|_| adjusted).unwrap_or(0.0);
    Level {
        value: known.baseline.value,
        variance: known.baseline.deviation * known.baseline.deviation,
        kept: 1.0 - correlation * correlation,
        share: metric.is_some_and(|metric| matches!(metric.kind, MetricType::Proportion(_))),
    }
}

/// Everything that a metric's answer takes.
pub(super) struct Asked<'a> {
    pub(super) book: &'a Book,
    pub(super) experiment: &'a Experiment,
    pub(super) evidence: &'a Evidence,
    pub(super) tests: &'a Tests,
    /// The designs of success metrics and guardrails, with the separations that they need.
    pub(super) designs: &'a [(Role, Design, f64)],
    pub(super) arrivals: Option<&'a Arrivals>,
    pub(super) days: f64,
}

impl Asked<'_> {
    /// Returns what a metric needs and can reach.
    pub(super) fn answer(&self, question: Question<'_>) -> MetricNeed {
        let mut need = MetricNeed {
            metric: question.metric.clone(),
            role: question.role,
            declared: question.claim.size(),
            level: self.tests.level(question.role).get(),
            baseline: None,
            treatment: None,
            required_units: None,
            required_days: None,
            reachable: None,
            power: None,
            problem: None,
        };
        let Some(known) = self.evidence.baselines.get(question.metric) else { return need };
        let level = level(self.book, self.experiment, question.metric, known);
        need.baseline = Some(BaselineShown {
            value: known.baseline.value,
            deviation: known.baseline.deviation,
            kept: level.kept,
            adjustment_unknown: self.experiment.analysis.adjust
                && known.baseline.correlation.is_none()
                && self.book.metrics.get(question.metric).is_some_and(|metric| metric.covariate.is_some()),
            origin: known.origin,
        });
        if let Err(problem) = self.fill(&mut need, question, known) {
            need.problem = Some(problem.to_string());
        }
        need
    }

    fn fill(&self, need: &mut MetricNeed, question: Question<'_>, known: &Known) -> Result<(), NotPlannable> {
        let Some((_, design, separation)) = self.designs.iter().find(|(role, ..)| *role == question.role)
        else {
            return Ok(());
        };
        let Some(hardest) = hardest(self.book, self.experiment, question, known)? else { return Ok(()) };
        need.treatment = Some(hardest.treatment.clone());
        let units = hardest.planned.units_for(*separation)?;
        need.required_units = whole(units);
        let Some(arrivals) = self.arrivals else { return Ok(()) };
        need.required_days = arrivals.days_for(units, 1.0);
        let enrolled = arrivals.enrolled(self.days, 1.0);
        if enrolled > 0.0 {
            let stands_out = hardest.planned.separation_per_root_unit()? * enrolled.sqrt();
            need.power = Some(design.power(stands_out));
            need.reachable = hardest.planned.reachable(*separation, enrolled).ok();
        }
        Ok(())
    }
}

/// Returns a number of units, rounded up; `None` where it is beyond counting.
pub(super) fn whole(units: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above zero and below 2^53")]
    (units < 9e15).then(|| units.ceil() as u64)
}

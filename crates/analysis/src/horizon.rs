//! What an experiment waits for, without looking at its effects.

use jiff::{SignedDuration, Timestamp};

use super::arm::{co_moments, moments};
use super::estimate::{better, deciding};
use super::outcome::Role;
use super::work::Work;
use crate::query::{ArmMoments, CentredCovariate, Measured};
use trialbook_decision::{self as decision, Need};
use trialbook_model::{Experiment, Margin, Method, MinimumEffect};
use trialbook_stats::distribution::normal;
use trialbook_stats::power::Goal;
use trialbook_stats::sequential::{GroupSequential, Looks, Sides, always_valid};
use trialbook_stats::{
    Arm, Better, CoMoments, Moments, Probability, RatioMoments, linearised_with_covariate,
};

/// Returns the units and the date at which every deciding metric reaches the power that the whole decision
/// asks of it.
///
/// The variance is that of all arms together, so that planning tells nothing of the effect. It grows by a
/// share of the squared effect, which is small where the effect is.
pub(super) fn need(work: &Work<'_>, have: u64, decided_on: Timestamp) -> Need {
    let units = required(work);
    let reached_on = units.and_then(|units| reached_on(work, units, have));
    Need { units, have, reached_on, decided_on }
}

/// Returns the units over all arms that the most demanding metric needs; `None` where one cannot tell yet.
fn required(work: &Work<'_>) -> Option<u64> {
    let experiment = work.experiment;
    let treatments = experiment.treatments().count() as u64;
    let levels = decision::levels(&experiment.metrics, &experiment.analysis, treatments).ok()?;
    let power = Probability::new(levels.power()).ok()?;
    let inflations = [levels.success, levels.guardrail].map(|level| inflation(experiment, level, power));
    let mut most: Option<f64> = None;
    for (key, role) in deciding(work) {
        let metric = work.book.metrics.get(key)?;
        let measured = work.measured(key)?.as_ref().ok()?;
        let adjust = experiment.analysis.adjust && metric.covariate.is_some();
        let Pooled { value, variance } = pooled(measured, adjust)?;
        let (level, distance, factor) = match role {
            Role::Success { mde: MinimumEffect::Relative(share) } => {
                (levels.success, share.fraction() * value.abs(), 1.0)
            }
            Role::Success { mde: MinimumEffect::Absolute(size) } => (levels.success, size, 1.0),
            Role::Guardrail { margin: Margin::Relative(share) } => {
                let sign = if better(metric.direction) == Better::Higher { -1.0 } else { 1.0 };
                let factor = 1.0 + sign * value.signum() * share.fraction();
                (levels.guardrail, share.fraction() * value.abs(), factor)
            }
            Role::Guardrail { margin: Margin::Absolute(size) } => (levels.guardrail, size, 1.0),
            Role::Exploratory => continue,
        };
        let target = Goal { level, power };
        let [success, guardrail] = inflations;
        let inflation = if matches!(role, Role::Success { .. }) { success? } else { guardrail? };
        for treatment in experiment.treatments() {
            let share = |variant| experiment.split.share(variant).map(|share| share.fraction());
            let (control, treatment) = (share(&experiment.control)?, share(treatment)?);
            // The standard error with a single unit in all arms together.
            let error = (variance / treatment + factor * factor * variance / control).sqrt();
            let units = target.required_growth(distance, error).ok()? * inflation;
            most = Some(most.map_or(units, |most| most.max(units)));
        }
    }
    most.filter(|units| *units < 9e15).map(|units| units.ceil() as u64)
}

/// So many looks are planned with: more of them need hardly more units.
const PLANNED_LOOKS: i64 = 10;

/// Returns how many times the units of a single look the method needs at most for the same power; `None` for rates that do
/// not fit together.
fn inflation(experiment: &Experiment, level: Probability, power: Probability) -> Option<f64> {
    let schedule = experiment.schedule;
    let days = schedule.end().duration_since(schedule.start()).as_hours() / 24;
    let looks = Looks::equal(usize::try_from(days.clamp(1, PLANNED_LOOKS)).unwrap_or(1));
    match experiment.analysis.method {
        Method::FixedHorizon => Some(1.0),
        Method::GroupSequential => {
            let spending = decision::spending(experiment.analysis.spending);
            GroupSequential::new(looks, spending, level, Sides::One).ok()?.inflation(level, power).ok()
        }
        Method::AlwaysValid => {
            let once = normal::upper_quantile(level.get()) + normal::quantile(power.get());
            let drift = always_valid::drift_for(looks, level, power).ok()?;
            (once > 0.0).then(|| (drift / once).powi(2))
        }
    }
}

/// A metric over all arms together.
struct Pooled {
    /// The mean, or the ratio of the totals.
    value: f64,
    /// The variance of a unit, without what the covariate explains; of a ratio, of its linearised value.
    variance: f64,
}

/// Returns a metric over all arms together, adjusted for its covariate where that is asked for.
fn pooled(measured: &Measured, adjust: bool) -> Option<Pooled> {
    let together = |other: fn(&ArmMoments) -> Option<CentredCovariate>| {
        let arms = measured.arms.iter().map(|arm| co_moments(arm, &other(arm)?).ok());
        let arms = arms.collect::<Option<Vec<_>>>()?;
        arms.iter().try_fold(CoMoments::EMPTY, |sum, arm| sum.merge(arm)).ok()
    };
    if adjust && measured.arms.iter().any(|arm| arm.covariate_ratio.is_some()) {
        return pooled_ratio(measured);
    }
    if let Some(all) = together(|arm| arm.denominator) {
        return ratio(&all);
    }
    if adjust && let Some(all) = together(|arm| arm.covariate) {
        return left_by_covariate(&all);
    }
    if measured.arms.iter().any(|arm| arm.quantile.is_some()) {
        return pooled_quantile(measured);
    }
    let arms = measured.arms.iter().map(|arm| moments(arm).ok()).collect::<Option<Vec<_>>>()?;
    let all = arms.iter().try_fold(Moments::EMPTY, |sum, arm| sum.merge(arm)).ok()?;
    Some(Pooled { value: all.mean(), variance: all.variance()? })
}

/// Returns a ratio over all arms together, adjusted for the ratio before the exposure.
fn pooled_ratio(measured: &Measured) -> Option<Pooled> {
    // An arm without units has none.
    let arms = measured.arms.iter().filter_map(|arm| arm.covariate_ratio);
    let arms = arms.map(|parts| RatioMoments::from_parts(parts).ok()).collect::<Option<Vec<_>>>()?;
    let all = arms.iter().try_fold(RatioMoments::EMPTY, |sum, arm| sum.merge(arm)).ok()?;
    match linearised_with_covariate(&all) {
        Ok(all) => left_by_covariate(&all),
        // Without a denominator before the exposure there is no covariate.
        Err(_) => ratio(&all.metric().ok()?),
    }
}

/// Returns a quantile over all arms, each weighted by its units, with the variance of a unit that its error stands for.
fn pooled_quantile(measured: &Measured) -> Option<Pooled> {
    let (mut units, mut value, mut variance) = (0.0, 0.0, 0.0);
    for arm in measured.arms.iter().filter(|arm| arm.units > 0) {
        let found = arm.quantile?.estimate(arm.units, Arm::Control).ok()?;
        let n = arm.units as f64;
        units += n;
        value += n * found.value;
        variance += n * n * found.standard_error.powi(2);
    }
    let pooled = Pooled { value: value / units, variance: variance / units };
    (pooled.value.is_finite() && pooled.variance > 0.0).then_some(pooled)
}

fn ratio(all: &CoMoments) -> Option<Pooled> {
    let value = all.mean_y() / all.mean_x();
    let sum = all.m2_y() - 2.0 * value * all.c_xy() + value * value * all.m2_x();
    let variance = sum.max(0.0) / (all.n().checked_sub(1)? as f64) / (all.mean_x() * all.mean_x());
    (value.is_finite() && variance.is_finite()).then_some(Pooled { value, variance })
}

/// Returns the mean of y with the variance that x leaves.
fn left_by_covariate(all: &CoMoments) -> Option<Pooled> {
    let product = all.m2_x() * all.m2_y();
    let explained: f64 = if product > 0.0 { all.c_xy() * (all.c_xy() / product) } else { 0.0 };
    let outcome = all.outcome();
    let variance = outcome.variance()? * (1.0 - explained).clamp(0.0, 1.0);
    Some(Pooled { value: outcome.mean(), variance })
}

/// Returns when so many units are enrolled and their deciding windows have closed, at the traffic so far; `None` where
/// enrolment ends before.
fn reached_on(work: &Work<'_>, units: u64, have: u64) -> Option<Timestamp> {
    let (start, now) = (work.experiment.schedule.start(), work.as_of);
    if have == 0 {
        return None;
    }
    // Once enrolment has ended, days that go by bring nobody.
    let elapsed = now.min(work.experiment.schedule.end()).duration_since(start).as_secs_f64();
    let seconds = elapsed * (units as f64 / have as f64);
    let enrolled = start.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
    // Nobody is enrolled after the end.
    if enrolled > work.experiment.schedule.end() {
        return None;
    }
    Some(work.book.longest_deciding_window(work.experiment).after(enrolled))
}

//! What an experiment waits for, without looking at its effects.

use jiff::{SignedDuration, Timestamp};

use super::estimate::{better, co_moments, deciding, moments};
use super::outcome::Role;
use super::work::Work;
use crate::query::Measured;
use trialbook_decision::{self as decision, Need};
use trialbook_model::{Margin, MinimumEffect};
use trialbook_stats::power::Target;
use trialbook_stats::{Better, CoMoments, Moments, Probability};

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
    let mut most: Option<f64> = None;
    for (key, role) in deciding(work) {
        let metric = work.book.metrics.get(key)?;
        let measured = work.answer.metrics.get(&(experiment.key.clone(), key.clone()))?.as_ref().ok()?;
        let adjust = experiment.analysis.adjust && metric.covariate.is_some();
        let (pooled, kept) = pooled(measured, adjust)?;
        let variance = pooled.variance()? * kept;
        let (level, distance, factor) = match role {
            Role::Success { mde: MinimumEffect::Relative(share) } => {
                (levels.success, share.fraction() * pooled.mean().abs(), 1.0)
            }
            Role::Success { mde: MinimumEffect::Absolute(size) } => (levels.success, size, 1.0),
            Role::Guardrail { margin: Margin::Relative(share) } => {
                let sign = if better(metric.direction) == Better::Higher { -1.0 } else { 1.0 };
                let factor = 1.0 + sign * pooled.mean().signum() * share.fraction();
                (levels.guardrail, share.fraction() * pooled.mean().abs(), factor)
            }
            Role::Guardrail { margin: Margin::Absolute(size) } => (levels.guardrail, size, 1.0),
            Role::Exploratory => continue,
        };
        let target = Target { level, power };
        for treatment in experiment.treatments() {
            let share = |variant| experiment.split.share(variant).map(|share| share.fraction());
            let (control, treatment) = (share(&experiment.control)?, share(treatment)?);
            // The standard error with a single unit in all arms together.
            let error = (variance / treatment + factor * factor * variance / control).sqrt();
            let units = target.required_growth(distance, error).ok()?;
            most = Some(most.map_or(units, |most| most.max(units)));
        }
    }
    most.filter(|units| *units < 9e15).map(|units| units.ceil() as u64)
}

/// Returns the moments over all arms and the share of the variance that the covariate leaves.
fn pooled(measured: &Measured, adjust: bool) -> Option<(Moments, f64)> {
    if adjust && measured.arms.iter().all(|arm| arm.covariate.is_some()) {
        let arms = measured.arms.iter().map(|arm| co_moments(arm)?.ok());
        let all = arms.collect::<Option<Vec<_>>>()?;
        let all = all.iter().try_fold(CoMoments::EMPTY, |sum, arm| sum.merge(arm)).ok()?;
        let product = all.m2_x() * all.m2_y();
        let explained = if product > 0.0 { all.c_xy() * (all.c_xy() / product) } else { 0.0 };
        return Some((all.outcome(), (1.0 - explained).clamp(0.0, 1.0)));
    }
    let arms = measured.arms.iter().map(|arm| moments(arm).ok()).collect::<Option<Vec<_>>>()?;
    let all = arms.iter().try_fold(Moments::EMPTY, |sum, arm| sum.merge(arm)).ok()?;
    Some((all, 1.0))
}

/// Returns when so many units are enrolled and their deciding windows have closed, at the traffic so far; `None` where
/// enrolment ends before.
fn reached_on(work: &Work<'_>, units: u64, have: u64) -> Option<Timestamp> {
    let (start, now) = (work.experiment.schedule.start(), work.request.as_of);
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

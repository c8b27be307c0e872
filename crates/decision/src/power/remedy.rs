//! What would help an experiment that cannot reach what it declares.

use trialbook_model::{Book, Duration, Experiment, Method};

use super::arrivals::Arrivals;
use super::forecast::{Forecast, Remedy};
use super::need::{MetricNeed, Tests};

/// A correlation that hardly any covariate has.
const STRONGEST: f64 = 0.9;

/// The least saving that is worth a change of the plan.
const WORTHWHILE: f64 = 0.02;

/// Returns what would help; nothing where nothing lacks.
pub(super) fn remedies(
    book: &Book,
    experiment: &Experiment,
    forecast: &Forecast,
    arrivals: &Arrivals,
) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let (Some(need), Some(have)) = (&forecast.need, forecast.units) else { return remedies };
    if have >= need.units {
        return remedies;
    }
    if let Some(days) = need.days
        && let Ok(days_16) = u16::try_from(days)
    {
        let length = Duration::days(days_16);
        let past_policy = book.policy.max_duration.filter(|longest| *longest < length);
        let end = length.after(experiment.schedule.start());
        remedies.push(Remedy::Longer { days, end, past_policy });
    }
    let share = larger(arrivals, forecast, need.units);
    remedies.extend(share.map(|share| Remedy::Allocation { share }));
    for short in forecast.underpowered() {
        if let Some(reachable) = short.reachable {
            let (metric, declared) = (short.metric.clone(), short.declared);
            remedies.push(Remedy::Size { metric, declared, reachable });
        }
        remedies.extend(covariate(short, have));
    }
    if let Some(split) = forecast.split {
        let saves = 1.0 - 1.0 / split.cost;
        if saves >= WORTHWHILE {
            remedies.push(Remedy::Split { control: split.best_control, saves });
        }
    }
    remedies.extend(look_once(experiment, forecast, arrivals));
    remedies
}

/// Returns the allocation in whole steps of 0.01 % with which enough units come, where there is one.
fn larger(arrivals: &Arrivals, forecast: &Forecast, units: u64) -> Option<f64> {
    let have = arrivals.enrolled(forecast.days, 1.0);
    if have <= 0.0 {
        return None;
    }
    let share = forecast.allocation * (units as f64 / have);
    let share = (share * 10_000.0).ceil() / 10_000.0;
    (share <= 1.0).then_some(share)
}

/// Returns the covariate that would be enough for a metric, where one may exist.
fn covariate(short: &MetricNeed, have: u64) -> Option<Remedy> {
    let (known, required) = (short.baseline?, short.required_units?);
    let kept = known.kept * have as f64 / required as f64;
    let correlation = (1.0 - kept).max(0.0).sqrt();
    // Rounded up, so that what is written is enough.
    let correlation = (correlation * 100.0).ceil() / 100.0;
    (correlation <= STRONGEST).then(|| Remedy::Covariate { metric: short.metric.clone(), correlation })
}

/// Returns what looking once saves, where the plan looks more often.
fn look_once(experiment: &Experiment, forecast: &Forecast, arrivals: &Arrivals) -> Option<Remedy> {
    if experiment.analysis.method == Method::FixedHorizon {
        return None;
    }
    let role = forecast.underpowered().first()?.role;
    let separation = |method| -> Option<f64> {
        let tests = Tests::new(experiment, method, forecast.days, Some(arrivals)).ok()?;
        tests.design(role).ok()?.separation().ok()
    };
    let saves = 1.0 - (separation(Method::FixedHorizon)? / separation(experiment.analysis.method)?).powi(2);
    (saves >= WORTHWHILE).then_some(Remedy::LookOnce { saves })
}

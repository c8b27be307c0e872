//! What would help an experiment that cannot reach what it declares.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};

use trialbook_model::{Allocation, BUCKETS, Book, Duration, Experiment, Method, Schedule, Share};
use trialbook_stats::design::Size;

use super::arrivals::Arrivals;
use super::forecast::{Forecast, Remedy};
use super::need::{MetricNeed, Tests};

/// A correlation that hardly any covariate has.
const STRONGEST: f64 = 0.9;

/// The least saving that is worth a change of the plan.
const WORTHWHILE: f64 = 0.02;

/// Tells whether nothing is known to be short in an experiment that was changed.
pub(super) type Enough<'a> = &'a dyn Fn(&Experiment) -> bool;

/// Returns what would help; nothing where nothing lacks.
///
/// A length or a share is returned only where a forecast with it finds nothing short.
pub(super) fn remedies(
    book: &Book,
    experiment: &Experiment,
    enough: Enough<'_>,
    forecast: &Forecast,
    arrivals: &Arrivals,
) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let (Some(need), Some(have)) = (&forecast.need, forecast.units) else { return remedies };
    if have >= need.units {
        return remedies;
    }
    remedies.extend(need.days.and_then(|days| longer(book, experiment, enough, days)));
    let share = larger(arrivals, forecast, need.units);
    let share = share.and_then(|share| verified(experiment, enough, share));
    remedies.extend(share.map(|share| Remedy::Allocation { share: share.fraction() }));
    for short in forecast.underpowered() {
        if let Some(reachable) = short.reachable {
            let (metric, declared) = (short.metric.clone(), short.declared);
            let reachable = match reachable {
                // As percent, which is how a book writes it.
                Size::Relative(share) => Size::Relative(rounded_up(share * 100.0) / 100.0),
                Size::Absolute(amount) => Size::Absolute(rounded_up(amount)),
            };
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

/// How many ends are tried, a day apart: more looks may ask for more units.
const ENDS: i64 = 10;

/// Returns the first date with which the schedule is long enough, of those about so many times 24 hours after the start.
///
/// A schedule ends with a day of the book's time zone. Where clocks are set on the way, the days of the calendar are an hour
/// longer or shorter than hours count, so both sides are tried.
fn longer(book: &Book, experiment: &Experiment, enough: Enough<'_>, days: u32) -> Option<Remedy> {
    let timezone = trialbook_model::timezone(&book.timezone).unwrap_or(TimeZone::UTC);
    let start = experiment.schedule.start();
    let about = Duration::days(u16::try_from(days).ok()?).after(start);
    let first = about.to_zoned(timezone.clone()).date();
    let end = (0..ENDS).find_map(|more| {
        let end = first.checked_add(more.days()).ok()?.to_zoned(timezone.clone()).ok()?.timestamp();
        let schedule = Schedule::new(start, end).ok()?;
        let changed = Experiment { schedule, ..experiment.clone() };
        enough(&changed).then_some(end)
    })?;
    let past = book.policy.latest_end(start, &timezone).is_some_and(|latest| latest < end);
    let past_policy = book.policy.max_duration.filter(|_| past);
    let day = |at: Timestamp| at.to_zoned(timezone.clone()).date();
    let days = day(start).until((Unit::Day, day(end))).ok()?.get_days();
    Some(Remedy::Longer { days: u32::try_from(days).ok()?, end, past_policy })
}

/// Returns a share, or one a little larger, where it is enough as a file writes it.
fn verified(experiment: &Experiment, enough: Enough<'_>, share: f64) -> Option<Share> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 10,000")]
    let buckets = (share * f64::from(BUCKETS)).round() as u32;
    (buckets..=BUCKETS.min(buckets.saturating_add(BUCKETS / 100))).find_map(|buckets| {
        let share = Share::from_ppm(buckets * (1_000_000 / BUCKETS))?;
        let Allocation::Fixed(_) = experiment.allocation else { return Some(share) };
        let changed = Experiment { allocation: Allocation::Fixed(share), ..experiment.clone() };
        enough(&changed).then_some(share)
    })
}

/// Returns a number rounded up to three significant digits, so that what is written is not below it.
pub fn rounded_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(2.0 - value.log10().floor());
    // A number that has three digits already stays, whatever its last bits are.
    (value * scale - 1e-9).ceil() / scale
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

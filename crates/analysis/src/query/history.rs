//! What was seen before a test: how many units come, and the moments of its metrics among them.

use jiff::{SignedDuration, Timestamp};

use super::exposures::{Units, source_of};
use super::facts::{self, ArmMoments, ArmQuantile, CentredCovariate};
use super::relation::{Readable, SourceError};
use super::{Answer, Asked, QueryError, Question};
use crate::warehouse::{Sql, Warehouse};
use trialbook_decision::power::{TooLittleSeen, WhyNoBaseline};
use trialbook_model::{
    Baseline, Book, Duration, EntityKey, Experiment, Metric, MetricKey, SourceKey, Traffic, TrafficPoint,
    Window,
};
use trialbook_stats::{Arm, RatioMoments, Unmeasurable, linearised_with_covariate};

/// What was seen in past weeks, before a watermark.
#[derive(Debug)]
pub struct History {
    /// The source of exposures whose units were measured.
    pub source: SourceKey,
    /// The first instant of the past weeks.
    pub from: Timestamp,
    /// The first instant after them: every deciding window has closed before the watermark.
    pub until: Timestamp,
    /// The different units that were seen.
    pub units: u64,
    /// How they grew with time; `None` where nothing is measured.
    pub traffic: Option<Traffic>,
    /// The baseline of each deciding metric over these units, or why there is none.
    pub metrics: Vec<(MetricKey, Result<Baseline, WhyNoBaseline>)>,
    /// Why nothing is measured at all; there are no metrics then.
    pub too_little: Option<TooLittleSeen>,
    /// The queries that were run, in order.
    pub queries: Vec<Asked>,
}

/// The spans for which units are counted, as far as the past weeks reach; in days.
const SPANS: [u16; 5] = [1, 7, 14, 21, 28];

/// A source without rows for longer than this has an end there.
const STALE: Duration = Duration::days(1);

/// Asks what was seen within so much time before a watermark, all deciding metrics' windows left out at its end.
///
/// Every unit in the source of exposures counts, whatever it was exposed to, from when it was first seen within that
/// time. So baselines are those of everybody, not of the experiment's audience. Where exposures end earlier, so do the
/// past weeks; where they begin later, those are shorter.
pub fn history(
    book: &Book,
    experiment: &Experiment,
    watermark: Timestamp,
    length: Duration,
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
) -> Result<History, QueryError> {
    let (asked, no_changes) = ([experiment], std::collections::BTreeMap::new());
    let question = Question { book, experiments: &asked, watermark, changes: &no_changes };
    let entity = book.flag_of(experiment).map(|flag| flag.entity.clone());
    let entity = entity.ok_or_else(|| QueryError::NoExposures {
        entity: String::new(),
        experiment: experiment.key.clone(),
    })?;
    let source = source_of(question, &entity, &[0])?;
    progress(&format!("units in `{}`", source.key));
    let failed = |cause| QueryError::Exposures { source_key: source.key.clone(), cause };
    let mut answer = Answer::default();
    let readable = Readable::find(source, book, warehouse, watermark).map_err(failed)?;
    let seen = seen(&readable, &entity).map_err(failed)?;
    let select = |sql: Sql, answer: &mut Answer| {
        let name = format!("units in {}", source.key);
        answer.queries.push(Asked { name, source: source.key.clone(), sql: sql.to_string() });
        let rows = warehouse.select(&sql).map_err(|error| failed(SourceError::Warehouse(error)))?;
        rows.into_iter().next().ok_or_else(|| failed(SourceError::Shape))
    };
    let reach = select(reaching(&seen, watermark), &mut answer)?;
    let time = |column: &str| reach.integer(column).and_then(|us| Timestamp::from_microsecond(us).ok());
    let closed = book.longest_deciding_window(experiment).before(watermark);
    let past = weeks(time("first").zip(time("last")), closed, length);
    let mut history = History {
        source: source.key.clone(),
        from: past.map_or(length.before(closed), |past| past.from),
        until: past.map_or(closed, |past| past.until),
        units: 0,
        traffic: None,
        metrics: Vec::new(),
        too_little: None,
        queries: Vec::new(),
    };
    history.too_little = match past {
        None => Some(TooLittleSeen::NoExposures { before: watermark }),
        Some(Past { from, until }) if until.duration_since(from) < WEEK => {
            Some(TooLittleSeen::LessThanAWeek { from, until })
        }
        Some(_) => None,
    };
    if history.too_little.is_none() {
        let ctes = units(&seen, history.from, history.until);
        let row = select(counting(&ctes, history.from), &mut answer)?;
        let count = |column: &str| row.count(column).ok_or_else(|| failed(SourceError::Shape));
        history.units = count("units")?;
        let mut points = Vec::new();
        for days in SPANS {
            let (within, units) = (Duration::days(days), count(&format!("within{days}"))?);
            if within.after(history.from) <= history.until && units > 0 {
                points.push(TrafficPoint { within, units });
            }
        }
        // Chance may make a longer span look a little too rich: then the shorter ones show enough.
        history.traffic = longest(points);
        let units =
            [Units { entity, experiments: vec![0], named: ctes.clone(), classified: ctes.clone(), ctes }];
        facts::ask(question, warehouse, &units, facts::Extent::Metrics, progress, &mut answer);
        history.metrics = baselines(question, experiment, history.until, &mut answer);
    }
    history.queries = answer.queries;
    Ok(history)
}

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The past weeks that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Past {
    from: Timestamp,
    until: Timestamp,
}

/// Returns the past weeks, of so much time before an instant, that the first and the last exposure leave.
fn weeks(reach: Option<(Timestamp, Timestamp)>, closed: Timestamp, length: Duration) -> Option<Past> {
    let (first, last) = reach?;
    let after_last = last.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX);
    let until = if last < STALE.before(closed) { after_last } else { closed };
    let from = length.before(until);
    Some(Past { from: if first > STALE.after(from) { first } else { from }, until })
}

/// Returns the baseline of each deciding metric.
fn baselines(
    question: Question<'_>,
    experiment: &Experiment,
    until: Timestamp,
    answer: &mut Answer,
) -> Vec<(MetricKey, Result<Baseline, WhyNoBaseline>)> {
    let mut found: Vec<(MetricKey, Result<Baseline, WhyNoBaseline>)> = Vec::new();
    for key in experiment.metrics.deciding() {
        let Some(metric) = question.book.metrics.get(key) else { continue };
        let Some(measured) = answer.metrics.remove(&(experiment.key.clone(), key.clone())) else { continue };
        let baseline =
            measured.map_err(|why| WhyNoBaseline::Refused { cause: why.to_string() }).and_then(|measured| {
                reached(question, metric, until, answer)?;
                baseline(measured.arms.first())
            });
        found.push((key.clone(), baseline));
    }
    found
}

/// Tells whether a metric's data reaches to where the windows of the last units close.
fn reached(
    question: Question<'_>,
    metric: &Metric,
    until: Timestamp,
    answer: &Answer,
) -> Result<(), WhyNoBaseline> {
    let Window::Closed(window) = metric.window else { return Err(WhyNoBaseline::OpenWindow) };
    let needed = window.after(until).min(question.watermark);
    for source in metric.kind.sources() {
        // Where the source cannot be read there are no moments, and the reason is reported.
        let Some(Ok(state)) = answer.sources.get(source) else { continue };
        let source_key = source.clone();
        match state.until {
            None => return Err(WhyNoBaseline::NoRows { source: source_key }),
            Some(ends) if ends < STALE.before(needed) => {
                return Err(WhyNoBaseline::Stale { source: source_key, ends, needed });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Returns the baseline of units' moments.
fn baseline(arm: Option<&ArmMoments>) -> Result<Baseline, WhyNoBaseline> {
    let Some(arm) = arm.filter(|arm| arm.units >= 2) else {
        return Err(WhyNoBaseline::TooFew { units: arm.map_or(0, |arm| arm.units) });
    };
    if let Some(quantile) = &arm.quantile {
        return quantile_baseline(arm.units, quantile);
    }
    if arm.value.m2 <= 0.0 {
        return Err(WhyNoBaseline::Constant { units: arm.units, value: arm.value.mean });
    }
    if let Some(denominator) = &arm.denominator {
        return ratio_baseline(arm, denominator);
    }
    let correlation =
        arm.covariate.as_ref().map(|covariate| correlation(arm.value.m2, covariate.own.m2, covariate.co));
    let deviation = (arm.value.m2 / (arm.units - 1) as f64).sqrt();
    Ok(Baseline { value: arm.value.mean, deviation, correlation })
}

/// Returns the baseline of a quantile: its value, and the deviation of a unit that its standard error stands for.
fn quantile_baseline(units: u64, quantile: &ArmQuantile) -> Result<Baseline, WhyNoBaseline> {
    match quantile.estimate(units, Arm::Control) {
        Ok(found) if found.standard_error > 0.0 => {
            let deviation = found.standard_error * (units as f64).sqrt();
            Ok(Baseline { value: found.value, deviation, correlation: None })
        }
        Ok(found) => Err(WhyNoBaseline::NoSpread { value: found.value }),
        Err(Unmeasurable::TooFewForQuantile { values, .. }) => {
            Err(WhyNoBaseline::TooFewForQuantile { values })
        }
        Err(why) => Err(WhyNoBaseline::Refused { cause: why.to_string() }),
    }
}

fn correlation(m2_y: f64, m2_x: f64, co: f64) -> f64 {
    let product = m2_y * m2_x;
    // What does not vary explains nothing.
    if product > 0.0 { (co / product.sqrt()).clamp(-STRONGEST, STRONGEST) } else { 0.0 }
}

/// Returns the baseline of a ratio: its value, and the deviation of a unit's linearised value.
fn ratio_baseline(arm: &ArmMoments, denominator: &CentredCovariate) -> Result<Baseline, WhyNoBaseline> {
    let value = arm.value.mean / denominator.own.mean;
    let m2 = arm.value.m2 - 2.0 * value * denominator.co + value * value * denominator.own.m2;
    let deviation = (m2.max(0.0) / (arm.units - 1) as f64).sqrt() / denominator.own.mean.abs();
    let correlation = arm.covariate_ratio.map(|parts| {
        let moments = RatioMoments::from_parts(parts).ok();
        let all = moments.and_then(|moments| linearised_with_covariate(&moments).ok());
        // A covariate without a denominator explains nothing.
        all.map_or(0.0, |all| correlation(all.m2_y(), all.m2_x(), all.c_xy()))
    });
    if value.is_finite() && deviation.is_finite() && deviation > 0.0 {
        Ok(Baseline { value, deviation, correlation })
    } else {
        Err(WhyNoBaseline::Constant { units: arm.units, value: if value.is_finite() { value } else { 0.0 } })
    }
}

/// A covariate that explains everything would leave nothing to plan with.
const STRONGEST: f64 = 0.999_999;

/// Returns the traffic of the points, without those that do not fit the ones before them.
fn longest(points: Vec<TrafficPoint>) -> Option<Traffic> {
    let mut kept = Vec::new();
    for point in points {
        kept.push(point);
        if Traffic::new(kept.clone()).is_err() {
            kept.pop();
        }
    }
    Traffic::new(kept).ok()
}

/// The common table expression `seen`: the unit and the time of each row.
fn seen(readable: &Readable<'_>, entity: &EntityKey) -> Result<Sql, SourceError> {
    let times = readable.times()?;
    Ok(Sql::fill(
        "WITH seen AS (\n  SELECT unit, {time} AS t FROM (SELECT {unit} AS unit, {raw} \
         FROM {relation} AS source_rows) AS raw_rows\n)",
        &[
            ("unit", &readable.unit(entity)?),
            ("raw", &times.raw),
            ("time", &times.instant),
            ("relation", &readable.relation),
        ],
    ))
}

/// Asks for the first and the last time before a watermark: one row.
fn reaching(seen: &Sql, watermark: Timestamp) -> Sql {
    Sql::fill(
        "{seen}\nSELECT min(t) AS first, max(t) AS last FROM seen WHERE unit IS NOT NULL AND t < {watermark}",
        &[("seen", seen), ("watermark", &Sql::integer(watermark.as_microsecond()))],
    )
}

/// The common table expressions that end in `units`: all units of one arm, from when they were first seen.
fn units(seen: &Sql, from: Timestamp, until: Timestamp) -> Sql {
    Sql::fill(
        "{seen},\nunits AS (\n  SELECT 0 AS experiment, 0 AS arm, unit, min(t) AS exposed FROM seen\n  \
         WHERE unit IS NOT NULL AND t >= {from} AND t < {until}\n  GROUP BY unit\n)",
        &[
            ("seen", seen),
            ("from", &Sql::integer(from.as_microsecond())),
            ("until", &Sql::integer(until.as_microsecond())),
        ],
    )
}

/// Counts the units that were seen within each span, and all of them: one row.
fn counting(ctes: &Sql, from: Timestamp) -> Sql {
    let counts = SPANS.into_iter().map(|days| {
        let end = Sql::integer(Duration::days(days).after(from).as_microsecond());
        let name = Sql::name("within", days.into());
        Sql::fill("count(CASE WHEN exposed < {end} THEN 1 END) AS {name}", &[("end", &end), ("name", &name)])
    });
    let counts = Sql::join(counts, ", ");
    Sql::fill("{ctes}\nSELECT {counts}, count(*) AS units FROM units", &[("ctes", ctes), ("counts", &counts)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn past(first: &str, last: &str) -> Past {
        let reach = Some((at(first), at(last)));
        weeks(reach, at("2026-02-01T00:00:00Z"), Duration::days(14)).expect("past weeks")
    }

    #[test]
    fn past_weeks_end_where_exposures_do_and_begin_no_earlier() {
        let whole = Past { from: at("2026-01-18T00:00:00Z"), until: at("2026-02-01T00:00:00Z") };
        assert_eq!(past("2026-01-01T00:00:00Z", "2026-02-03T00:00:00Z"), whole);
        // A quiet night is no gap.
        assert_eq!(past("2026-01-18T09:00:00Z", "2026-01-31T20:00:00Z"), whole);
        let earlier = past("2026-01-01T00:00:00Z", "2026-01-21T00:00:00Z");
        assert_eq!(earlier.until, at("2026-01-21T00:00:00.000001Z"));
        assert_eq!(earlier.from, at("2026-01-07T00:00:00.000001Z"));
        let shorter = past("2026-01-22T00:00:00Z", "2026-02-03T00:00:00Z");
        assert_eq!(shorter, Past { from: at("2026-01-22T00:00:00Z"), until: at("2026-02-01T00:00:00Z") });
        assert_eq!(weeks(None, at("2026-02-01T00:00:00Z"), Duration::days(14)), None);
    }

    #[test]
    fn a_covariate_that_does_not_vary_explains_nothing() {
        let variant = trialbook_model::VariantKey::new("on").expect("a key");
        let value = facts::Centred { mean: 2.0, m2: 9.0 };
        let flat = facts::CentredCovariate::default();
        let arm = ArmMoments {
            variant,
            units: 10,
            events: None,
            non_zero: 10,
            value,
            covariate: Some(flat),
            denominator: None,
            covariate_ratio: None,
            quantile: None,
        };
        let known = baseline(Some(&arm)).expect("a baseline");
        assert_eq!((known.value, known.deviation, known.correlation), (2.0, 1.0, Some(0.0)));
        let alike = ArmMoments { value: facts::Centred { mean: 2.0, m2: 0.0 }, ..arm.clone() };
        assert_eq!(baseline(Some(&alike)), Err(WhyNoBaseline::Constant { units: 10, value: 2.0 }));
        assert_eq!(baseline(Some(&ArmMoments { units: 1, ..arm })), Err(WhyNoBaseline::TooFew { units: 1 }));
    }

    #[test]
    fn the_baseline_of_a_ratio_is_that_of_its_linearised_value() {
        // Units with 2 of 1, 4 of 1 and 9 of 3: the ratio is 3, and they are 1 below, 1 above and 0 off it.
        let variant = trialbook_model::VariantKey::new("on").expect("a key");
        let value = facts::Centred { mean: 5.0, m2: 26.0 };
        let own = facts::Centred { mean: 5.0 / 3.0, m2: 8.0 / 3.0 };
        let denominator = Some(CentredCovariate { own, co: 8.0 });
        let arm = ArmMoments {
            variant,
            units: 3,
            events: None,
            non_zero: 3,
            value,
            covariate: None,
            denominator,
            covariate_ratio: None,
            quantile: None,
        };
        let known = baseline(Some(&arm)).expect("a baseline");
        assert!((known.value - 3.0).abs() < 1e-12);
        // √(2/2) over the mean of the denominator.
        assert!((known.deviation - 0.6).abs() < 1e-12, "{}", known.deviation);
        assert_eq!(known.correlation, None);
    }
}

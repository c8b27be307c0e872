//! The quality checks: whether the data can carry a verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::work::Work;
use crate::query::{ArmCount, Exposures, NotComputed};
use trialbook_decision::{QualityCheck, QualityDetail, QualityKind, QualityStatus, SplitArm};
use trialbook_model::{
    AttributeType, DimensionKey, Duration, Experiment, Share, SourceKey, VariantKey, Version, Window,
};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::sample_ratio::sample_ratio;
use trialbook_stats::sequential::harm::split_p;

/// A source that stops this long before it is needed has missing data.
const STALE: Duration = Duration::days(1);
/// The most values of a dimension that are shown, those with most units first.
const MOST_VALUES: usize = 20;
/// Values of a dimension with fewer units are not shown: a value that few have can reveal who they are.
const LEAST_UNITS: u64 = 10;

/// Returns the checks of all units, then those by dimension; before the start only whether the metrics can be measured.
pub(super) fn checks(work: &Work<'_>, levels: Option<&DecisionLevels>) -> Vec<QualityCheck> {
    let exposures = work.exposures;
    if work.as_of <= work.experiment.schedule.start() {
        let unreadable = sources(work, exposures).into_iter().filter(|check| {
            check.source.as_ref().is_some_and(|key| matches!(work.answer.sources.get(key), Some(Err(_))))
        });
        return unreadable.chain(unmeasurable(work)).map(as_remark).collect();
    }
    let mut checks = vec![
        ratio(work, &exposures.overall.arms, levels),
        left_out(work, exposures, QualityKind::InTwoVariants),
        left_out(work, exposures, QualityKind::OutsideSchedule),
        enough_units(work, exposures),
    ];
    checks.extend(unknown_variants(exposures));
    checks.extend(unread_versions(work, exposures));
    checks.extend(sources(work, exposures));
    checks.extend(unmeasurable(work));
    checks.extend(by_dimension(work, exposures));
    checks
}

/// Puts the checks of sources before those of parts of the units.
pub(super) fn in_order(checks: Vec<QualityCheck>, sources: Vec<QualityCheck>) -> Vec<QualityCheck> {
    let (parts, overall): (Vec<_>, Vec<_>) = checks.into_iter().partition(|check| check.within.is_some());
    overall.into_iter().chain(sources).chain(parts).collect()
}

pub(super) fn check(kind: QualityKind, status: QualityStatus, detail: QualityDetail) -> QualityCheck {
    QualityCheck {
        kind,
        status,
        observed: None,
        threshold: None,
        p_value: None,
        detail,
        within: None,
        source: None,
    }
}

/// Tests the split at every look, and once more at the horizon, where rule 2 asks for it.
fn ratio(work: &Work<'_>, arms: &[ArmCount], levels: Option<&DecisionLevels>) -> QualityCheck {
    let threshold = work.book.policy.quality.sample_ratio_p.fraction();
    let observed = observed(work.experiment, arms);
    let (always, once) = match (split_p(&observed), sample_ratio(&observed)) {
        (Ok(always), Ok(once)) => (always, once.p_value),
        (Err(why), _) | (_, Err(why)) => {
            let detail = QualityDetail::NotTested { cause: why.to_string() };
            return check(QualityKind::SampleRatio, QualityStatus::NotMeasured, detail);
        }
    };
    let rejects = |p| levels.is_some_and(|levels| levels.deterioration.rejects(p));
    let last = work.final_look();
    let status = if always < threshold || last && once < threshold {
        QualityStatus::Fail
    } else if last && rejects(once) {
        QualityStatus::Warn
    } else {
        QualityStatus::Pass
    };
    QualityCheck {
        observed: Some(always),
        threshold: Some(threshold),
        p_value: Some(once),
        ..check(QualityKind::SampleRatio, status, split(work.experiment, arms))
    }
}

/// Pairs each arm's units with its share.
fn observed(experiment: &Experiment, arms: &[ArmCount]) -> Vec<(u64, f64)> {
    let units = |variant: &VariantKey| arms.iter().find(|a| a.variant == *variant).map_or(0, |arm| arm.units);
    experiment.split.shares().iter().map(|(v, share)| (units(v), f64::from(share.ppm()))).collect()
}

/// Returns the units of each arm beside its share.
fn split(experiment: &Experiment, arms: &[ArmCount]) -> QualityDetail {
    let units = |variant: &VariantKey| arms.iter().find(|a| a.variant == *variant).map_or(0, |arm| arm.units);
    let arm = |(variant, share): &(VariantKey, Share)| SplitArm {
        variant: variant.clone(),
        units: units(variant),
        share: *share,
    };
    QualityDetail::Split { arms: experiment.split.shares().iter().map(arm).collect() }
}

fn left_out(work: &Work<'_>, exposures: &Exposures, kind: QualityKind) -> QualityCheck {
    let (policy, counts) = (&work.book.policy.quality, &exposures.overall);
    let (units, threshold) = match kind {
        QualityKind::InTwoVariants => (counts.in_two_variants, policy.in_two_variants),
        _ => (counts.outside_schedule, policy.outside_schedule),
    };
    let all = counts.analysed() + counts.in_two_variants + counts.outside_schedule;
    if all == 0 {
        return check(kind, QualityStatus::NotMeasured, QualityDetail::NoUnits);
    }
    let (share, threshold) = (units as f64 / all as f64, threshold.fraction());
    let status = if share > threshold { QualityStatus::Fail } else { QualityStatus::Pass };
    QualityCheck {
        observed: Some(share),
        threshold: Some(threshold),
        ..check(kind, status, QualityDetail::LeftOut { units, of: all })
    }
}

fn enough_units(work: &Work<'_>, exposures: &Exposures) -> QualityCheck {
    let needed = u64::from(work.book.policy.quality.min_units_per_variant);
    let arms = &exposures.overall.arms;
    let Some(least) = arms.iter().min_by_key(|arm| arm.units) else {
        return check(QualityKind::TooFewUnits, QualityStatus::NotMeasured, QualityDetail::NoArms);
    };
    // Few units are no fault of an experiment that has just begun.
    let status = match (least.units >= needed, work.final_look()) {
        (true, _) => QualityStatus::Pass,
        (false, true) => QualityStatus::Fail,
        (false, false) => QualityStatus::Warn,
    };
    let others = arms.iter().filter(|arm| least.units == 0 && arm.units > 0);
    let detail = QualityDetail::Fewest {
        variant: least.variant.clone(),
        units: least.units,
        needed,
        others: others.map(|arm| (arm.variant.clone(), arm.units)).collect(),
    };
    QualityCheck {
        observed: Some(least.units as f64),
        threshold: Some(needed as f64),
        ..check(QualityKind::TooFewUnits, status, detail)
    }
}

/// Names the metrics that cannot be computed from the data at hand, on whatever day: until the horizon they can be
/// fixed. A source that cannot be read at all has a check of its own.
fn unmeasurable<'a>(work: &'a Work<'_>) -> impl Iterator<Item = QualityCheck> + 'a {
    let experiment = work.experiment;
    experiment.metrics.all().filter_map(move |key| {
        let metric = work.book.metrics.get(key)?;
        let measured = work.measured(key)?;
        let why = measured.as_ref().err().filter(|why| !matches!(why, NotComputed::Unsupported { .. }))?;
        let sources = metric.kind.sources();
        if sources.iter().any(|source| matches!(work.answer.sources.get(*source), Some(Err(_)))) {
            return None;
        }
        let source = match why {
            NotComputed::Definition { source_key, .. } => source_key,
            _ => *sources.first()?,
        };
        let detail = QualityDetail::Unmeasurable { metric: key.clone(), cause: why.to_string() };
        Some(QualityCheck {
            source: Some(source.clone()),
            ..check(QualityKind::UnmeasurableMetric, QualityStatus::Warn, detail)
        })
    })
}

/// Before the start nothing has failed yet.
fn as_remark(check: QualityCheck) -> QualityCheck {
    match check.status {
        QualityStatus::Fail => QualityCheck { status: QualityStatus::Warn, ..check },
        _ => check,
    }
}

/// Names the dimensions of versions with values that are none: rules that compare versions pass over them.
fn unread_versions<'a>(
    work: &'a Work<'_>,
    exposures: &'a Exposures,
) -> impl Iterator<Item = QualityCheck> + 'a {
    let typed = |dimension: &DimensionKey| {
        let attribute = work.book.attributes.iter().find(|(key, _)| key.as_str() == dimension.as_str());
        attribute.is_some_and(|(_, attribute)| attribute.kind == AttributeType::Version)
    };
    let mut counts = BTreeMap::<&DimensionKey, (u64, u64)>::new();
    for part in exposures.by_dimension.iter().filter(|part| typed(&part.dimension) && !part.value.is_empty())
    {
        let (unread, all) = counts.entry(&part.dimension).or_default();
        let units = part.counts.analysed();
        *all += units;
        if Version::parse(&part.value).is_err() {
            *unread += units;
        }
    }
    counts.into_iter().filter(|(_, (unread, _))| *unread > 0).map(|(dimension, (unread, all))| {
        let detail = QualityDetail::UnreadVersions { dimension: dimension.clone(), units: unread, of: all };
        QualityCheck {
            observed: Some(unread as f64 / all.max(1) as f64),
            source: exposures.source.clone(),
            ..check(QualityKind::UnreadValues, QualityStatus::Warn, detail)
        }
    })
}

fn unknown_variants(exposures: &Exposures) -> Option<QualityCheck> {
    let units = exposures.overall.unknown_variant;
    let detail = QualityDetail::UnknownVariant { units };
    (units > 0).then(|| QualityCheck {
        observed: Some(units as f64),
        ..check(QualityKind::UnknownVariant, QualityStatus::Warn, detail)
    })
}

/// A source that the experiment reads: whether a deciding metric does, and until when it is needed.
struct Needed<'a> {
    source: &'a SourceKey,
    decides: bool,
    until: Timestamp,
}

fn needed<'a>(work: &'a Work<'_>, exposures: &'a Exposures) -> Vec<Needed<'a>> {
    let (experiment, as_of) = (work.experiment, work.measured_until());
    let end = experiment.schedule.end();
    let mut found: Vec<Needed<'a>> = Vec::new();
    let mut add = |source: &'a SourceKey, decides: bool, until: Timestamp| {
        let until = until.min(as_of);
        match found.iter_mut().find(|needed| needed.source == source) {
            Some(needed) => {
                needed.decides |= decides;
                needed.until = needed.until.max(until);
            }
            None => found.push(Needed { source, decides, until }),
        }
    };
    let deciding: Vec<_> = experiment.metrics.deciding().collect();
    for key in experiment.metrics.all() {
        let Some(metric) = work.book.metrics.get(key) else { continue };
        let until = match metric.window {
            Window::Closed(window) => window.after(end),
            Window::Open => work.book.matured_at(experiment),
        };
        for source in metric.kind.sources() {
            add(source, deciding.contains(&key), until);
        }
    }
    if let Some(source) = &exposures.source {
        // Towards the end few units are new: a quiet day is no fault.
        add(source, false, end);
    }
    found
}

fn sources(work: &Work<'_>, exposures: &Exposures) -> Vec<QualityCheck> {
    let mut checks = Vec::new();
    for needed in needed(work, exposures) {
        let bad = if needed.decides { QualityStatus::Fail } else { QualityStatus::Warn };
        let of = |check: QualityCheck| QualityCheck { source: Some(needed.source.clone()), ..check };
        let missing = |status, detail| of(check(QualityKind::DataMissing, status, detail));
        let state = match work.answer.sources.get(needed.source) {
            None => continue,
            Some(Err(error)) => {
                checks.push(missing(bad, QualityDetail::Unreadable { cause: error.published().to_string() }));
                continue;
            }
            Some(Ok(state)) => state,
        };
        let complete = work.book.sources.get(needed.source).is_some_and(|source| source.complete);
        checks.push(match state.until {
            None if complete && state.rows == 0 => {
                missing(QualityStatus::Warn, QualityDetail::NoRows { complete })
            }
            None => missing(bad, QualityDetail::NoRows { complete: false }),
            Some(until) => {
                let behind = needed.until.duration_since(until).as_secs_f64() / 86_400.0;
                let quiet = until < STALE.before(needed.until);
                let stale = quiet && !complete;
                let detail = if stale {
                    QualityDetail::EndsEarly { until, needed: needed.until }
                } else if quiet {
                    QualityDetail::QuietSince { until }
                } else {
                    QualityDetail::Reaches { until }
                };
                QualityCheck {
                    observed: Some(behind.max(0.0)),
                    threshold: Some(STALE.as_days()),
                    ..missing(if stale { bad } else { QualityStatus::Pass }, detail)
                }
            }
        });
        let exposed = exposures.source.as_ref() == Some(needed.source);
        let unusable = state.without_time + if exposed { state.without_unit } else { 0 };
        if unusable > 0 {
            let detail =
                QualityDetail::UnusableRows { rows: unusable, of: state.rows, without_unit: exposed };
            let unusable = Some(unusable as f64);
            checks.push(of(QualityCheck {
                observed: unusable,
                ..check(QualityKind::UnusableRows, QualityStatus::Warn, detail)
            }));
        }
    }
    checks
}

/// Returns how far the sources of the deciding metrics reach: the earliest of their ends.
pub(super) fn data_until(work: &Work<'_>) -> Option<Timestamp> {
    let metrics = work.experiment.metrics.deciding().filter_map(|key| work.book.metrics.get(key));
    let ends = metrics.flat_map(|metric| metric.kind.sources()).map(|source| {
        let state = work.answer.sources.get(source)?;
        state.as_ref().ok()?.until
    });
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// The sample ratio within each value of each dimension, corrected for the number of values (Bonferroni). It
/// shows where a mismatch sits.
fn by_dimension(work: &Work<'_>, exposures: &Exposures) -> Vec<QualityCheck> {
    let threshold = work.book.policy.quality.sample_ratio_p.fraction();
    let mut parts: Vec<_> =
        exposures.by_dimension.iter().filter(|part| part.counts.analysed() >= LEAST_UNITS).collect();
    let tests = parts.len().max(1) as f64;
    parts.sort_by(|a, b| a.dimension.cmp(&b.dimension).then(b.counts.analysed().cmp(&a.counts.analysed())));
    let mut shown: Vec<(&DimensionKey, usize)> = Vec::new();
    let mut checks = Vec::new();
    for part in parts {
        match shown.last_mut().filter(|(dimension, _)| **dimension == part.dimension) {
            Some((_, values)) if *values >= MOST_VALUES => continue,
            Some((_, values)) => *values += 1,
            None => shown.push((&part.dimension, 1)),
        }
        let within = Some((part.dimension.clone(), part.value.clone()));
        let arms = &part.counts.arms;
        checks.push(match sample_ratio(&observed(work.experiment, arms)) {
            Ok(test) => {
                let p = (test.p_value * tests).min(1.0);
                let status = if p < threshold { QualityStatus::Fail } else { QualityStatus::Pass };
                QualityCheck {
                    observed: Some(p),
                    threshold: Some(threshold),
                    p_value: Some(p),
                    within,
                    ..check(QualityKind::SampleRatio, status, split(work.experiment, arms))
                }
            }
            Err(why) => QualityCheck {
                within,
                ..check(
                    QualityKind::SampleRatio,
                    QualityStatus::NotMeasured,
                    QualityDetail::NotTested { cause: why.to_string() },
                )
            },
        });
    }
    checks
}

//! The quality checks: whether the data can carry a verdict.

use jiff::Timestamp;

use super::work::Work;
use crate::query::{ArmCount, Exposures, NotComputed};
use trialbook_decision::{QualityCheck, QualityKind, QualityStatus};
use trialbook_model::{DimensionKey, Duration, Experiment, SourceKey, VariantKey, Window};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::sample_ratio::sample_ratio;

/// A source that stops this long before it is needed has missing data.
const STALE: Duration = Duration::days(1);
/// The most values of a dimension that are shown, those with most units first.
const MOST_VALUES: usize = 20;

/// Returns the checks of all units, then those by dimension; none before the start.
pub(super) fn checks(work: &Work<'_>, levels: Option<&DecisionLevels>) -> Vec<QualityCheck> {
    if work.request.as_of <= work.experiment.schedule.start() {
        return Vec::new();
    }
    let exposures = work.exposures();
    let mut checks = vec![
        ratio(work, &exposures.overall.arms, levels),
        left_out(work, &exposures, QualityKind::InTwoVariants),
        left_out(work, &exposures, QualityKind::OutsideSchedule),
        enough_units(work, &exposures),
    ];
    checks.extend(unknown_variants(&exposures));
    checks.extend(sources(work, &exposures));
    checks.extend(unmeasurable(work));
    checks.extend(by_dimension(work, &exposures));
    checks
}

fn check(kind: QualityKind, status: QualityStatus, detail: String) -> QualityCheck {
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

fn ratio(work: &Work<'_>, arms: &[ArmCount], levels: Option<&DecisionLevels>) -> QualityCheck {
    let threshold = work.book.policy.quality.sample_ratio_p.fraction();
    let detail = split_detail(work.experiment, arms);
    match sample_ratio(&observed(work.experiment, arms)) {
        Ok(test) => {
            let status = if test.p_value < threshold {
                QualityStatus::Fail
            } else if levels.is_some_and(|levels| levels.deterioration.rejects(test.p_value)) {
                QualityStatus::Warn
            } else {
                QualityStatus::Pass
            };
            QualityCheck {
                observed: Some(test.p_value),
                threshold: Some(threshold),
                p_value: Some(test.p_value),
                ..check(QualityKind::SampleRatio, status, detail)
            }
        }
        Err(why) => check(QualityKind::SampleRatio, QualityStatus::NotMeasured, why.to_string()),
    }
}

/// Pairs each arm's units with its share.
fn observed(experiment: &Experiment, arms: &[ArmCount]) -> Vec<(u64, f64)> {
    let units = |variant: &VariantKey| arms.iter().find(|a| a.variant == *variant).map_or(0, |arm| arm.units);
    experiment.split.shares().iter().map(|(v, share)| (units(v), f64::from(share.ppm()))).collect()
}

/// Says the split in numbers: `control 91020, bold 88104: 50.8 : 49.2 instead of 50.0 : 50.0`.
fn split_detail(experiment: &Experiment, arms: &[ArmCount]) -> String {
    let observed = observed(experiment, arms);
    let total: u64 = observed.iter().map(|(units, _)| units).sum();
    let names =
        experiment.split.variants().zip(&observed).map(|(variant, (units, _))| format!("{variant} {units}"));
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let found = observed.iter().map(|(units, _)| percent(*units as f64 / total.max(1) as f64));
    let planned = observed.iter().map(|(_, share)| percent(share / 1e6));
    format!(
        "{}: {} instead of {}",
        names.collect::<Vec<_>>().join(", "),
        found.collect::<Vec<_>>().join(" : "),
        planned.collect::<Vec<_>>().join(" : ")
    )
}

fn left_out(work: &Work<'_>, exposures: &Exposures, kind: QualityKind) -> QualityCheck {
    let (policy, counts) = (&work.book.policy.quality, &exposures.overall);
    let (units, threshold, what) = match kind {
        QualityKind::InTwoVariants => {
            (counts.in_two_variants, policy.in_two_variants, "seen in two variants")
        }
        _ => (counts.outside_schedule, policy.outside_schedule, "first exposed outside the schedule"),
    };
    let all = counts.analysed() + counts.in_two_variants + counts.outside_schedule;
    if all == 0 {
        return check(kind, QualityStatus::NotMeasured, "there are no units yet".into());
    }
    let (share, threshold) = (units as f64 / all as f64, threshold.fraction());
    let status = if share > threshold { QualityStatus::Fail } else { QualityStatus::Pass };
    QualityCheck {
        observed: Some(share),
        threshold: Some(threshold),
        ..check(kind, status, format!("{units} units of {all} were {what} and are left out"))
    }
}

fn enough_units(work: &Work<'_>, exposures: &Exposures) -> QualityCheck {
    let needed = u64::from(work.book.policy.quality.min_units_per_variant);
    let arms = &exposures.overall.arms;
    let Some(least) = arms.iter().min_by_key(|arm| arm.units) else {
        return check(QualityKind::TooFewUnits, QualityStatus::NotMeasured, "there are no arms".into());
    };
    // Few units are no fault of an experiment that has just begun.
    let status = match (least.units >= needed, work.final_look()) {
        (true, _) => QualityStatus::Pass,
        (false, true) => QualityStatus::Fail,
        (false, false) => QualityStatus::Warn,
    };
    let asked = format!("the policy asks for {needed} per variant");
    let detail = match least.units {
        0 => {
            let others = arms.iter().filter(|arm| arm.units > 0);
            let others: Vec<_> = others.map(|arm| format!("{} {}", arm.variant, arm.units)).collect();
            let seen =
                if others.is_empty() { String::new() } else { format!(" (units: {})", others.join(", ")) };
            format!("nobody was exposed to {}{seen}; {asked}", least.variant)
        }
        1 => format!("{} has 1 unit; {asked}", least.variant),
        units => format!("{} has {units} units; {asked}", least.variant),
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
        let measured = work.answer.metrics.get(&(experiment.key.clone(), key.clone()))?;
        let why = measured.as_ref().err().filter(|why| !matches!(why, NotComputed::Unsupported { .. }))?;
        let source = &metric.kind.measurement().source;
        if matches!(work.answer.sources.get(source), Some(Err(_))) {
            return None;
        }
        let name = key.as_str().replace('-', " ");
        let detail = format!("{name} cannot be measured: {why}");
        Some(QualityCheck {
            source: Some(source.clone()),
            ..check(QualityKind::UnmeasurableMetric, QualityStatus::Warn, detail)
        })
    })
}

fn unknown_variants(exposures: &Exposures) -> Option<QualityCheck> {
    let units = exposures.overall.unknown_variant;
    let detail = format!("{units} units were exposed to a variant that the experiment does not have");
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
    let (experiment, as_of) = (work.experiment, work.request.as_of);
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
        add(&metric.kind.measurement().source, deciding.contains(&key), until);
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
                checks.push(missing(
                    bad,
                    format!("source {} cannot be read: {}", needed.source, error.published()),
                ));
                continue;
            }
            Some(Ok(state)) => state,
        };
        let date = |instant: Timestamp| {
            instant.to_zoned(work.timezone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
        };
        checks.push(match state.until {
            None => missing(bad, format!("source {} has no rows before the watermark", needed.source)),
            Some(until) => {
                let behind = needed.until.duration_since(until).as_secs_f64() / 86_400.0;
                let stale = until < STALE.before(needed.until);
                let detail = if stale {
                    format!(
                        "source {} ends on {}, but is needed to {}",
                        needed.source,
                        date(until),
                        date(needed.until)
                    )
                } else {
                    format!("source {} reaches {}", needed.source, date(until))
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
            let detail = format!(
                "source {} has {unusable} of {} rows without a {}time; they are left out",
                needed.source,
                state.rows,
                if exposed { "unit or a " } else { "" }
            );
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
    let ends = metrics.map(|metric| {
        let state = work.answer.sources.get(&metric.kind.measurement().source)?;
        state.as_ref().ok()?.until
    });
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// The sample ratio within each value of each dimension, corrected for the number of values (Bonferroni). It
/// shows where a mismatch sits.
fn by_dimension(work: &Work<'_>, exposures: &Exposures) -> Vec<QualityCheck> {
    let threshold = work.book.policy.quality.sample_ratio_p.fraction();
    let mut parts: Vec<_> = exposures.by_dimension.iter().filter(|part| part.counts.analysed() > 0).collect();
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
                    ..check(QualityKind::SampleRatio, status, split_detail(work.experiment, arms))
                }
            }
            Err(why) => QualityCheck {
                within,
                ..check(QualityKind::SampleRatio, QualityStatus::NotMeasured, why.to_string())
            },
        });
    }
    checks
}

//! Whether the numbers can be believed: the checks of the data, with their numbers.

use crate::report::blocks::{Inline, Line, Tone};
use crate::report::number::{count, counted, list, p_value};
use trialbook_analysis::{
    Estimate, Ground, Outcome, PreregistrationStatus, QualityCheck, QualityDetail, QualityKind,
    QualityStatus, Verdict, VerdictKind, WhyNot,
};
use trialbook_model::{Bearing, MetricKey, PlanChange, Repair};

use super::{Reading, dotted, doubt, headline, naming, past, quality, split};

/// Returns the line that answers whether the result can be trusted.
pub(super) fn line(reading: &Reading<'_>) -> Line {
    let outcome = reading.outcome;
    let overall = || outcome.quality.iter().filter(|check| check.within.is_none());
    // A plan that cannot be compared with its launch may be another than the one that was declared before it.
    let launched = matches!(outcome.preregistration.status, PreregistrationStatus::Verified { .. });
    let untrusted = outcome.preregistration.status.is_untrusted();
    let moved = outcome.past_looks.as_ref().is_some_and(past::concerns_a_decision);
    let answer = if untrusted
        || overall().any(|check| check.status == QualityStatus::Fail && !is_beside(reading, check))
    {
        Inline::Toned(Tone::Bad, "No".to_owned())
    } else if !launched
        || overall().any(|check| check.status != QualityStatus::Pass)
        // What is broken in one part of the units may be what moves the whole.
        || outcome.quality.iter().any(|check| check.status == QualityStatus::Fail)
        || moved
    {
        Inline::Toned(Tone::Caution, "With care".to_owned())
    } else {
        Inline::Toned(Tone::Good, "Yes".to_owned())
    };
    let mut line = vec![Inline::strong("Can it be trusted?"), " ".into(), answer, ": ".into()];
    // What is wrong comes first, what is worst of it before the rest.
    let rank = |status: QualityStatus| match status {
        QualityStatus::Fail => 0,
        QualityStatus::Warn => 1,
        QualityStatus::NotMeasured => 2,
        QualityStatus::Pass => 4,
    };
    let mut ranked: Vec<(u8, Line)> =
        overall().filter_map(|check| Some((rank(check.status), piece(reading, check)?))).collect();
    ranked.extend(past::remarks(reading).into_iter().map(|line| (if moved { 1 } else { 4 }, line)));
    ranked.extend(complete(reading).map(|line| (4, line)));
    // A broken split is explained above with where it deviates most.
    if !overall().any(|check| check.kind == QualityKind::SampleRatio && check.invalidates()) {
        ranked.extend(parts(reading).into_iter().map(|line| (3, line)));
    }
    if let n @ 1.. = outcome.units.overridden {
        let text = format!("{} of QA overrides left out", counted(n, "unit", "units"));
        ranked.push((4, vec![Inline::from(text)]));
    }
    ranked.push((
        if untrusted {
            0
        } else if launched {
            4
        } else {
            1
        },
        plan(reading),
    ));
    ranked.sort_by_key(|(rank, _)| *rank);
    let pieces = ranked.into_iter().map(|(_, line)| line).collect();
    line.extend(dotted(pieces));
    line.push(".".into());
    line
}

/// Tells whether a check takes away metrics on which the verdict does not rest: harm that another metric shows stands without them.
fn is_beside(reading: &Reading<'_>, check: &QualityCheck) -> bool {
    let rolls_back = reading.lead.verdict().is_some_and(|verdict| verdict.kind == VerdictKind::RollBack);
    check.kind.is_of_metrics() && rolls_back
}

/// Tells whether the explanation of a verdict states what a check found, as the reason why a metric has no number.
fn is_explained(outcome: &Outcome, check: &QualityCheck) -> bool {
    let takes_away = |metric: &MetricKey, verdict: &Verdict| {
        let comparison =
            naming::metric(outcome, metric).and_then(|m| naming::comparison(m, &verdict.treatment));
        let Some(Estimate::NotMeasured(why)) = comparison.map(|comparison| &comparison.estimate) else {
            return false;
        };
        match (&why.detail, &check.detail) {
            (WhyNot::Check { detail, .. }, found) => **detail == *found,
            (WhyNot::Refused { cause: why }, QualityDetail::Unmeasurable { metric: of, cause }) => {
                of == metric && cause == why
            }
            _ => false,
        }
    };
    outcome.verdicts.iter().any(|verdict| {
        verdict.reasons.iter().any(|reason| match reason {
            Ground::NotMeasured { metric } => takes_away(metric, verdict),
            _ => false,
        })
    })
}

fn piece(reading: &Reading<'_>, check: &QualityCheck) -> Option<Line> {
    let outcome = reading.outcome;
    let passed = check.status == QualityStatus::Pass;
    let text = match check.kind {
        QualityKind::SampleRatio if check.status != QualityStatus::NotMeasured => ratio(outcome, check),
        QualityKind::InTwoVariants if passed => match outcome.units.in_two_variants {
            0 => "no unit in two variants".to_owned(),
            n => {
                let all = outcome.units.total().saturating_add(n);
                format!("{} of {} in two variants, left out", counted(n, "unit", "units"), count(all))
            }
        },
        QualityKind::OutsideSchedule if passed => match outcome.units.outside_schedule {
            0 => return None,
            n => format!("{} first exposed outside the schedule, left out", counted(n, "unit", "units")),
        },
        QualityKind::UnknownVariant | QualityKind::UnusableRows | QualityKind::TooFewUnits if passed => {
            return None;
        }
        QualityKind::DataMissing
        | QualityKind::UnmeasurableMetric
        | QualityKind::DayStamps
        | QualityKind::UnitIds
        | QualityKind::Filter
        | QualityKind::UnreadValues
            if passed =>
        {
            return None;
        }
        QualityKind::Copies if passed && !leaves_out_copies(check) => return None,
        _ if is_explained(outcome, check) => format!("{} (see above)", headline::broken(check.kind)),
        _ => quality::found(check, &reading.calendar),
    };
    Some(vec![match check.status {
        QualityStatus::Pass => Inline::from(text),
        QualityStatus::Warn | QualityStatus::NotMeasured => Inline::Toned(Tone::Caution, text),
        QualityStatus::Fail => Inline::Toned(Tone::Bad, text),
    }])
}

/// Tells whether rows do not count because of their key, which a reader wants to know however evenly the arms have them.
fn leaves_out_copies(check: &QualityCheck) -> bool {
    matches!(&check.detail, QualityDetail::Copies { by_key: true, copies: 1.., .. })
}

fn ratio(outcome: &Outcome, check: &QualityCheck) -> String {
    let p = check.p_value.or(check.observed).map_or_else(String::new, |p| format!(" ({})", p_value(p)));
    let observed = split::observed(outcome);
    if check.status == QualityStatus::Pass {
        format!("split {observed} as planned{p}")
    } else {
        format!("split {observed} instead of {}{p}", split::planned(outcome))
    }
}

/// Returns how far complete data reaches, where every source that was checked passes.
fn complete(reading: &Reading<'_>) -> Option<Line> {
    let mut checks =
        reading.outcome.quality.iter().filter(|check| check.kind == QualityKind::DataMissing).peekable();
    checks.peek()?;
    let until = reading.outcome.data_until?;
    checks.all(|check| check.status == QualityStatus::Pass).then(|| {
        vec![
            format!("data complete to {}", reading.calendar.instant(until.min(reading.outcome.as_of))).into(),
        ]
    })
}

/// Names the parts of the units in which a check does not pass, worst first.
fn parts(reading: &Reading<'_>) -> Vec<Line> {
    let mut bad: Vec<_> = reading
        .outcome
        .quality
        .iter()
        .filter(|check| matches!(check.status, QualityStatus::Fail | QualityStatus::Warn))
        .filter_map(|check| check.within.as_ref().map(|within| (check, within)))
        .collect();
    bad.sort_by(|(a, _), (b, _)| {
        b.status.cmp(&a.status).then(a.p_value.unwrap_or(1.0).total_cmp(&b.p_value.unwrap_or(1.0)))
    });
    let left = bad.len().saturating_sub(3);
    let mut lines: Vec<Line> = bad
        .into_iter()
        .take(3)
        .map(|(check, (dimension, value))| {
            let tone = if check.status == QualityStatus::Fail { Tone::Bad } else { Tone::Caution };
            vec![Inline::Toned(
                tone,
                format!("{dimension} {value}: {}", quality::found(check, &reading.calendar)),
            )]
        })
        .collect();
    if left > 0 {
        lines.push(vec![
            format!("{} like that, listed below", counted(left as u64, "more part", "more parts")).into(),
        ]);
    }
    lines
}

fn plan(reading: &Reading<'_>) -> Line {
    match &reading.outcome.preregistration.status {
        PreregistrationStatus::Verified { at, changes, .. } => {
            let since = format!("plan unchanged since launch on {}", reading.calendar.day(*at));
            if changes.is_empty() {
                return vec![since.into()];
            }
            vec![format!("{since}, apart from allowed edits ({})", list(&worded(reading, changes))).into()]
        }
        PreregistrationStatus::Unverified { doubts } => {
            let reason = doubt::reason(doubts, &reading.outcome.experiment.key);
            vec![Inline::Toned(Tone::Caution, format!("plan not compared with its launch ({reason})"))]
        }
        PreregistrationStatus::Contradicted { doubts } => {
            let reason = doubt::reason(doubts, &reading.outcome.experiment.key);
            vec![Inline::Toned(Tone::Bad, format!("plan not the launched one ({reason})"))]
        }
        PreregistrationStatus::Deviates { changes } => {
            let of = |wanted: Bearing| {
                // A change of definitions that is a repair is listed as one.
                let of_bearing = |change: &&PlanChange| change.bearing == wanted && change.repairs.is_empty();
                let changes: Vec<_> = changes.iter().filter(of_bearing).cloned().collect();
                worded(reading, &changes)
            };
            let (untrusted, listed, allowed) =
                (of(Bearing::Untrusted), of(Bearing::Deviation), of(Bearing::Allowed));
            let mut pieces = Vec::new();
            if !untrusted.is_empty() {
                let text = format!("changed after launch: {}", list(&untrusted));
                pieces.push(vec![Inline::Toned(Tone::Bad, text)]);
            }
            if !listed.is_empty() {
                let text = format!("analysed as launched, and the book differs now in: {}", list(&listed));
                pieces.push(vec![Inline::Toned(Tone::Caution, text)]);
            }
            pieces.extend(changes.iter().flat_map(|change| &change.repairs).map(repair));
            if !allowed.is_empty() {
                pieces.push(vec![format!("allowed edits: {}", list(&allowed)).into()]);
            }
            dotted(pieces)
        }
    }
}

/// States that a metric is not measured as it was launched, and why.
fn repair(repair: &Repair) -> Line {
    let metric = naming::words(&repair.metric);
    let text = format!(
        "deviation from the launched plan: {metric} could never be measured as launched and was repaired after launch ({})",
        repair.reason.trim_end_matches('.')
    );
    vec![Inline::Toned(Tone::Caution, text)]
}

/// Names the parts that changed, an earlier end with its dates.
fn worded(reading: &Reading<'_>, changes: &[PlanChange]) -> Vec<String> {
    let one = |change: &PlanChange| match change.end {
        Some(end) => format!(
            "enrolment ends on {} instead of {}",
            reading.calendar.instant(end.now),
            reading.calendar.instant(end.planned)
        ),
        None => naming::part(&change.part).to_owned(),
    };
    changes.iter().map(one).collect()
}

//! Whether the numbers can be believed: the checks of the data, with their numbers.

use crate::report::blocks::{Inline, Line, Tone};
use crate::report::number::{count, counted, exact_percent, fixed, p_value};
use trialbook_analysis::{Outcome, PreregistrationStatus, QualityCheck, QualityKind, QualityStatus};

use super::{Told, dotted};

/// Returns the line that answers whether the result can be trusted.
pub(super) fn line(told: &Told<'_>) -> Line {
    let outcome = told.outcome;
    let overall = || outcome.quality.iter().filter(|check| check.within.is_none());
    // A plan that cannot be compared with its launch may be another than the one that was declared before it.
    let launched = matches!(outcome.preregistration.status, PreregistrationStatus::Verified { .. });
    let answer = if overall().any(|check| check.status == QualityStatus::Fail) {
        Inline::Toned(Tone::Bad, "No".to_owned())
    } else if !launched || overall().any(|check| check.status != QualityStatus::Pass) {
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
        overall().filter_map(|check| Some((rank(check.status), piece(outcome, check)?))).collect();
    ranked.extend(complete(told).map(|line| (4, line)));
    // A broken split is told above with where it deviates most; saying that again would blur it.
    if !overall().any(|check| check.kind == QualityKind::SampleRatio && check.invalidates()) {
        ranked.extend(parts(outcome).into_iter().map(|line| (3, line)));
    }
    ranked.push((if launched { 4 } else { 1 }, plan(told)));
    ranked.sort_by_key(|(rank, _)| *rank);
    let pieces = ranked.into_iter().map(|(_, line)| line).collect();
    line.extend(dotted(pieces));
    line.push(".".into());
    line
}

fn piece(outcome: &Outcome, check: &QualityCheck) -> Option<Line> {
    let passed = check.status == QualityStatus::Pass;
    let text = match check.kind {
        QualityKind::SampleRatio if check.status != QualityStatus::NotMeasured => split(outcome, check),
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
        QualityKind::DataMissing | QualityKind::UnmeasurableMetric if passed => return None,
        _ => check.detail.clone(),
    };
    Some(vec![match check.status {
        QualityStatus::Pass => Inline::from(text),
        QualityStatus::Warn | QualityStatus::NotMeasured => Inline::Toned(Tone::Caution, text),
        QualityStatus::Fail => Inline::Toned(Tone::Bad, text),
    }])
}

fn split(outcome: &Outcome, check: &QualityCheck) -> String {
    let p = check.p_value.or(check.observed).map_or_else(String::new, |p| format!(" ({})", p_value(p)));
    let observed = observed(outcome);
    if check.status == QualityStatus::Pass {
        format!("split {observed} as planned{p}")
    } else {
        format!("split {observed} instead of {}{p}", planned(outcome))
    }
}

/// Writes the split that was seen: `50.0 : 50.0`.
fn observed(outcome: &Outcome) -> String {
    let total = outcome.units.total();
    if total == 0 {
        return "of no units".to_owned();
    }
    let share = |units: u64| fixed(units as f64 * 100.0 / total as f64, 1);
    let arms = super::control_first(outcome);
    arms.iter().map(|arm| share(arm.units)).collect::<Vec<_>>().join(" : ")
}

/// Writes the split that was planned: `50 : 50`.
pub(super) fn planned(outcome: &Outcome) -> String {
    let share = |fraction: f64| exact_percent(fraction).trim_end_matches(['%', '\u{a0}']).to_owned();
    let arms = super::control_first(outcome);
    arms.iter().map(|arm| share(arm.share.fraction())).collect::<Vec<_>>().join(" : ")
}

/// Says how far complete data reaches, where every source that was checked passes.
fn complete(told: &Told<'_>) -> Option<Line> {
    let mut checks =
        told.outcome.quality.iter().filter(|check| check.kind == QualityKind::DataMissing).peekable();
    checks.peek()?;
    let until = told.outcome.data_until?;
    checks.all(|check| check.status == QualityStatus::Pass).then(|| {
        vec![format!("data complete to {}", told.calendar.instant(until.min(told.outcome.as_of))).into()]
    })
}

/// Names the parts of the units in which a check does not pass, worst first.
fn parts(outcome: &Outcome) -> Vec<Line> {
    let mut bad: Vec<_> = outcome
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
            vec![Inline::Toned(tone, format!("{dimension} {value}: {}", check.detail))]
        })
        .collect();
    if left > 0 {
        lines.push(vec![
            format!("{} like that, listed below", counted(left as u64, "more part", "more parts")).into(),
        ]);
    }
    lines
}

fn plan(told: &Told<'_>) -> Line {
    match &told.outcome.preregistration.status {
        PreregistrationStatus::Verified { at, .. } => {
            vec![format!("plan unchanged since launch on {}", told.calendar.day(*at)).into()]
        }
        PreregistrationStatus::Unverified { reason } => {
            vec![Inline::Toned(Tone::Caution, format!("plan not verified ({reason})"))]
        }
        PreregistrationStatus::Deviates { what } => {
            vec![Inline::Toned(
                Tone::Caution,
                format!("analysed as it was launched; the book changed since then: {}", what.join("; ")),
            )]
        }
    }
}

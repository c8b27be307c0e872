//! A split that is not the declared one: how uneven, how improbable, where most.

use crate::report::blocks::{Inline, Line};
use crate::report::number::{NBSP, count, counted, exact_percent, fixed, list, once_in, p_value, shortened};
use trialbook_analysis::{Outcome, QualityCheck, QualityKind, QualityStatus, SplitCause, SplitDiagnosis};

use super::{Reading, control_first, print, quality};

/// Returns the sentences that explain an uneven split.
pub(super) fn uneven(reading: &Reading<'_>) -> Line {
    let outcome = reading.outcome;
    let arms = &outcome.units.arms;
    let mut line = Line::new();
    for (index, arm) in control_first(outcome).into_iter().enumerate() {
        let before = match index {
            0 => "",
            n if n + 1 == arms.len() => " and ",
            _ => ", ",
        };
        line.push(before.into());
        line.push(Inline::strong(arm.variant.as_str()));
        let units = if index == 0 {
            format!(" has {}", counted(arm.units, "unit", "units"))
        } else {
            format!(" {}", count(arm.units))
        };
        line.push(units.into());
    }
    let p = outcome
        .quality
        .iter()
        .find(|check| check.kind == QualityKind::SampleRatio && check.within.is_none())
        .and_then(|check| check.p_value.or(check.observed));
    let split = planned(outcome);
    let odds = p.map_or_else(
        || format!("a {split} split does not give so uneven a result"),
        |p| format!("a {split} split gives so uneven a result {}", once_in(p)),
    );
    line.push(format!("; {odds}.").into());
    let total = outcome.units.total() as f64;
    let ratio = |units: u64, share: f64| units as f64 / (total * share);
    let short = arms
        .iter()
        .filter(|arm| arm.share.fraction() > 0.0 && total > 0.0)
        .min_by(|a, b| ratio(a.units, a.share.fraction()).total_cmp(&ratio(b.units, b.share.fraction())));
    if let Some(short) = short {
        line.push(
            format!(
                " Something drops units of {} before they are counted, or adds units to the others.",
                short.variant
            )
            .into(),
        );
    }
    match outcome.split.as_ref().and_then(|found| Some((found, found.cause.as_ref()?))) {
        Some((found, cause)) => line.extend(named(reading, found, cause)),
        None => {
            line.extend(where_most(reading));
            line.extend(outcome.split.as_ref().map(nothing_named));
        }
    }
    line
}

/// Names the units that explain the split.
fn named(reading: &Reading<'_>, found: &SplitDiagnosis, cause: &SplitCause) -> Line {
    let calendar = &reading.calendar;
    let mut line: Line = vec![" The cause is among the units".into()];
    for (index, (dimension, value)) in cause.dimensions.iter().enumerate() {
        let with = if index == 0 { " with" } else { " and" };
        if value.is_empty() {
            line.push(format!("{with} no {dimension}").into());
        } else {
            line.push(format!("{with} {dimension}{NBSP}").into());
            line.push(Inline::strong(value.as_str()));
        }
    }
    if cause.since.is_some() || cause.until.is_some() {
        line.push(" first exposed".into());
    }
    if let Some(since) = cause.since {
        line.push(" since ".into());
        line.push(Inline::strong(calendar.instant(since)));
    }
    if let Some(change) = &cause.change {
        let subject = shortened(&change.subject, 80);
        line.push(", the time of commit ".into());
        line.push(Inline::code(print::short(&change.commit)));
        if !subject.is_empty() {
            line.push(format!(" ({subject})").into());
        }
    }
    if let Some(until) = cause.until {
        line.push(if cause.since.is_some() { " and before ".into() } else { " before ".into() });
        line.push(Inline::strong(calendar.instant(until)));
    }
    let others: u64 = cause.others.iter().map(|arm| arm.units).sum();
    let rest = if cause.others_even {
        format!("The other {} are split as planned", counted(others, "unit", "units"))
    } else {
        format!(
            "The other {} are uneven too ({}), so this does not explain everything",
            counted(others, "unit", "units"),
            quality::split(&cause.others)
        )
    };
    line.push(": ".into());
    line.push(Inline::strong(cause.short.as_str()));
    line.push(
        format!(
            " is short of units there ({}). {rest}. {} compared; {} after correction for that.",
            quality::split(&cause.arms),
            counted(found.compared, "set of units was", "sets of units were"),
            p_value(cause.p_value)
        )
        .into(),
    );
    line
}

/// States that a search named nothing.
fn nothing_named(found: &SplitDiagnosis) -> Inline {
    if found.compared == 0 {
        return " No set of units could be compared, so nothing is known of where they are missing.".into();
    }
    format!(
        " No dimension, time or change of the book explains it ({} compared), so look for a fault that concerns all units alike.",
        counted(found.compared, "set of units was", "sets of units were")
    )
    .into()
}

fn where_most(reading: &Reading<'_>) -> Line {
    let outcome = reading.outcome;
    let within = |check: &&QualityCheck| check.kind == QualityKind::SampleRatio && check.within.is_some();
    let p = |check: &QualityCheck| check.p_value.or(check.observed).unwrap_or(1.0);
    let worst = outcome.quality.iter().filter(within).min_by(|a, b| p(a).total_cmp(&p(b)));
    let Some((check, (dimension, value))) = worst.and_then(|check| Some((check, check.within.as_ref()?)))
    else {
        return Line::new();
    };
    if check.status == QualityStatus::Pass {
        return vec![" No part of the units that was checked stands out.".into()];
    }
    let same =
        |other: &&QualityCheck| other.within.as_ref().is_some_and(|(d, v)| d == dimension && v != value);
    let others: Vec<_> = outcome.quality.iter().filter(within).filter(same).collect();
    let even: Vec<_> = others
        .iter()
        .filter(|other| other.status == QualityStatus::Pass)
        .filter_map(|other| other.within.as_ref().map(|(_, value)| value.as_str()))
        .collect();
    let mut line = vec![
        format!(" The deviation is largest where {dimension} is{NBSP}").into(),
        Inline::strong(value.as_str()),
        format!(" ({})", quality::found(check, &reading.calendar)).into(),
    ];
    match (even.len(), others.len()) {
        (0, _) => line.push(".".into()),
        (n, all) if n == all && n <= 4 => {
            let are = if n == 1 { "is" } else { "are" };
            line.push(format!("; {} {are} even.", list(&even)).into());
        }
        (n, all) if n == all => line.push(format!("; the other {} are even.", count(n as u64)).into()),
        (n, all) => {
            let are = if n == 1 { "is" } else { "are" };
            line.push(format!("; {} of the other {} {are} even.", count(n as u64), count(all as u64)).into());
        }
    }
    line
}

/// Writes the split that was seen: `50.0 : 50.0`.
pub(super) fn observed(outcome: &Outcome) -> String {
    let total = outcome.units.total();
    if total == 0 {
        return "of no units".to_owned();
    }
    let share = |units: u64| fixed(units as f64 * 100.0 / total as f64, 1);
    let arms = control_first(outcome);
    arms.iter().map(|arm| share(arm.units)).collect::<Vec<_>>().join(" : ")
}

/// Writes the split that was planned: `50 : 50`.
pub(super) fn planned(outcome: &Outcome) -> String {
    let share = |fraction: f64| exact_percent(fraction).trim_end_matches(['%', '\u{a0}']).to_owned();
    let arms = control_first(outcome);
    arms.iter().map(|arm| share(arm.share.fraction())).collect::<Vec<_>>().join(" : ")
}

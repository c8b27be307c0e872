//! The small print: how it was computed, and from what.

use crate::report::blocks::{Inline, Line};
use crate::report::number::{NBSP, counted, exact_percent, fixed, significant};
use trialbook_analysis::{Adjustment, PreregistrationStatus};
use trialbook_model::{Method, Multiplicity, Spending};

use super::{Reading, dotted, metrics};

/// Returns the small print.
pub(super) fn line(reading: &Reading<'_>) -> Line {
    let outcome = reading.outcome;
    let experiment = &outcome.experiment;
    let plan = experiment.analysis;
    let method = match plan.method {
        Method::FixedHorizon => {
            format!("fixed horizon, one look, on {}", reading.calendar.instant(experiment.horizon))
        }
        Method::GroupSequential => format!(
            "group sequential, a look each day until {}, the level spent {}",
            reading.calendar.instant(experiment.horizon),
            spent(plan.spending)
        ),
        Method::AlwaysValid => format!(
            "always valid, a look each day, narrowest at {}",
            counted(plan.planned_units.0, "unit", "units")
        ),
    };
    let mut pieces: Vec<Line> = vec![
        vec![method.into()],
        vec![
            format!(
                "α{NBSP}{}, power{NBSP}{}",
                exact_percent(plan.alpha.fraction()),
                exact_percent(plan.power.fraction())
            )
            .into(),
        ],
    ];
    if plan.multiplicity == Multiplicity::Holm {
        pieces.push(vec!["success metrics corrected step by step (Holm)".into()]);
    }
    pieces.extend(variance(reading));
    pieces.extend(metrics::below_zero(reading).into_iter().map(|text| vec![Inline::from(text)]));
    pieces.extend(metrics::without_lift(reading).into_iter().map(|text| vec![Inline::from(text)]));
    pieces.push(vec![format!("data before {}", reading.calendar.instant(outcome.as_of)).into()]);
    pieces.push(match &outcome.book.commit {
        Some(commit) => vec![format!("book {} at ", outcome.book.name).into(), Inline::code(short(commit))],
        None => vec![format!("book {}, outside git", outcome.book.name).into()],
    });
    if let Some(digest) = &outcome.preregistration.digest {
        let mut plan = vec!["plan ".into(), Inline::code(digest.short())];
        if let PreregistrationStatus::Verified { commit, .. } = &outcome.preregistration.status {
            plan.extend([", frozen at ".into(), Inline::code(short(commit))]);
        }
        pieces.push(plan);
    }
    pieces.push(vec![format!("{} {}", outcome.tool.name, outcome.tool.version).into()]);
    if outcome.book.commit.is_some() {
        pieces.push(vec!["check it: ".into(), Inline::code("trialbook analyze --verify OUTCOME")]);
    }
    dotted(pieces)
}

/// Returns how a level is spent over the looks.
fn spent(spending: Spending) -> String {
    match spending {
        Spending::ObrienFleming => "as O’Brien and Fleming would".to_owned(),
        Spending::Pocock => "as Pocock would".to_owned(),
        Spending::Power(power) => format!("with the power {} of the time", significant(power, 3)),
        Spending::HwangShihDecani(gamma) => {
            format!("as Hwang, Shih and DeCani would with γ{NBSP}=\u{a0}{}", significant(gamma, 3))
        }
    }
}

/// Returns the first characters of a commit, as git shortens it.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// Returns by how much covariates reduced the variance of what is shown.
fn variance(reading: &Reading<'_>) -> Option<Line> {
    let metrics = &reading.outcome.metrics;
    let effects =
        || metrics.iter().flat_map(|metric| &metric.comparisons).filter_map(|c| c.estimate.effect());
    let reductions: Vec<f64> = effects()
        .filter_map(|effect| match effect.adjustment {
            Adjustment::Adjusted { variance_reduction, .. } => Some(variance_reduction),
            Adjustment::None | Adjustment::NotPossible(_) => None,
        })
        .filter(|reduction| reduction.is_finite())
        .collect();
    let (low, high) =
        (reductions.iter().copied().reduce(f64::min)?, reductions.iter().copied().reduce(f64::max)?);
    let mut windows: Vec<_> = metrics.iter().filter_map(|metric| metric.covariate).collect();
    windows.sort_unstable();
    windows.dedup();
    let from = match windows.as_slice() {
        [one] => format!("the {} before exposure", crate::report::calendar::duration(*one)),
        _ => "data from before exposure".to_owned(),
    };
    // As they are printed: a reduction that rounds to nothing is none.
    let (least, most) = (fixed(low * 100.0, 0), fixed(high * 100.0, 0));
    let text = if fixed(high.max(0.0) * 100.0, 0) == "0" {
        format!("{from} did not reduce the variance")
    } else if least == most {
        format!("variance reduced by {most}{NBSP}% with {from}")
    } else if fixed(low.max(0.0) * 100.0, 0) == "0" {
        format!("variance reduced by up to {most}{NBSP}% with {from}")
    } else {
        format!("variance reduced by {least} to {most}{NBSP}% with {from}")
    };
    Some(vec![text.into()])
}

//! The small print: how it was computed, and from what.

use crate::report::blocks::{Inline, Line};
use crate::report::number::{NBSP, exact_percent, fixed};
use trialbook_analysis::{Adjustment, PreregistrationStatus};
use trialbook_model::Method;

use super::{Told, dotted, metrics};

/// Returns the small print.
pub(super) fn line(told: &Told<'_>) -> Line {
    let outcome = told.outcome;
    let experiment = &outcome.experiment;
    let plan = experiment.analysis;
    let method = match plan.method {
        Method::FixedHorizon => {
            format!("fixed horizon, one look, on {}", told.calendar.instant(experiment.horizon))
        }
        Method::GroupSequential => "group sequential".to_owned(),
        Method::AlwaysValid => "always valid".to_owned(),
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
    pieces.extend(variance(told));
    pieces.extend(metrics::below_zero(told).into_iter().map(|text| vec![Inline::from(text)]));
    pieces.extend(metrics::without_lift(told).into_iter().map(|text| vec![Inline::from(text)]));
    pieces.push(vec![format!("data before {}", told.calendar.instant(outcome.as_of)).into()]);
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
    dotted(pieces)
}

/// Returns the first characters of a commit, as git shortens it.
fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// Says by how much covariates reduced the variance of what is shown.
fn variance(told: &Told<'_>) -> Option<Line> {
    let metrics = &told.outcome.metrics;
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
    let (low, high) = (fixed(low * 100.0, 0), fixed(high * 100.0, 0));
    let by = if low == high { low } else { format!("{low} to {high}") };
    let mut windows: Vec<_> = metrics.iter().filter_map(|metric| metric.covariate).collect();
    windows.sort_unstable();
    windows.dedup();
    let from = match windows.as_slice() {
        [one] => format!(" with the {} before exposure", crate::report::calendar::duration(*one)),
        _ => " with data from before exposure".to_owned(),
    };
    Some(vec![format!("variance reduced by {by}{NBSP}%{from}").into()])
}

//! What past weeks in the warehouse showed, and of whom.

use trialbook_decision::power::{Basis, Forecast, NotMeasured, Seen, TooLittleSeen, WhyNoBaseline};

use super::super::blocks::{Inline, Line};
use super::super::calendar::{Calendar, duration};
use super::super::number::{count, counted, list, significant};

/// Returns whose baselines were measured, and how many came.
pub(super) fn measured(seen: &Seen, forecast: &Forecast, calendar: &Calendar) -> Line {
    let source = Inline::code(seen.source.as_str());
    if let Some(problem) = &seen.problem {
        return vec![
            "Nothing is measured in ".into(),
            source,
            format!(", and what the book declares counts: {}.", too_little(problem, calendar)).into(),
        ];
    }
    let mut line: Line = vec![
        "Measured over ".into(),
        Inline::strong(counted(seen.units, "unit", "units")),
        ": all that ".into(),
        source,
        format!(
            " saw from {} to {}, whatever they were exposed to, on every surface, in every audience and arm; no others.",
            calendar.instant(seen.from),
            calendar.instant(seen.until)
        )
        .into(),
    ];
    let points = seen.traffic.iter().flat_map(|traffic| traffic.points());
    let points: Vec<String> =
        points.map(|point| format!("{} within {}", count(point.units), duration(point.within))).collect();
    if !points.is_empty() {
        line.push(format!(" First seen: {}.", list(&points)).into());
    }
    match &forecast.basis {
        Some(Basis::Surface(surface)) => line.extend([
            " Units are counted as declared for ".into(),
            Inline::code(surface.as_str()),
            ", because exposures do not name the surface.".into(),
        ]),
        Some(Basis::Entity(entity)) => {
            line.extend([
                " Units are counted as declared for ".into(),
                Inline::code(entity.as_str()),
                ".".into(),
            ]);
        }
        Some(Basis::Warehouse) | None => {}
    }
    line
}

/// Returns why a metric is not measured, and what counts instead.
pub(super) fn not_measured(not: &NotMeasured, forecast: &Forecast, calendar: &Calendar) -> Line {
    let (key, why) = (&not.metric, no_baseline(&not.why, calendar));
    let declared = forecast.metric(key).is_some_and(|need| need.baseline.is_some());
    let instead = if declared { ": its declared baseline counts" } else { ", and nothing is declared" };
    vec![Inline::code(key.as_str()), format!(" is not measured{instead} ({why})").into()]
}

fn too_little(why: &TooLittleSeen, calendar: &Calendar) -> String {
    match why {
        TooLittleSeen::NoExposures { before } => {
            format!("there are no exposures before {}", calendar.instant(*before))
        }
        TooLittleSeen::LessThanAWeek { from, until } => format!(
            "the exposures whose windows have closed reach from {} to {}, which is less than a week",
            calendar.instant(*from),
            calendar.instant(*until)
        ),
    }
}

fn no_baseline(why: &WhyNoBaseline, calendar: &Calendar) -> String {
    match why {
        WhyNoBaseline::Refused { cause } => cause.clone(),
        WhyNoBaseline::NoRows { source } => format!("source `{source}` has no rows before the watermark"),
        WhyNoBaseline::Stale { source, ends, needed } => format!(
            "source `{source}` ends on {}, but is needed to {}: load it, or look back from `--as-of {ends}`",
            calendar.instant(*ends),
            calendar.instant(*needed)
        ),
        WhyNoBaseline::OpenWindow => {
            "its window is open, so that its values are those of the days that have passed, not of a test"
                .into()
        }
        WhyNoBaseline::TooFew { units } => {
            format!("the windows of {} have closed, which is too few", counted(*units, "unit", "units"))
        }
        WhyNoBaseline::TooFewForQuantile { values } => format!(
            "it has {}, which are too few for the error of its quantile",
            counted(*values, "value", "values")
        ),
        WhyNoBaseline::NoSpread { value } => {
            format!("the values around its quantile are all the same, {}", significant(*value, 3))
        }
        WhyNoBaseline::Constant { units, value } => {
            format!(
                "all {} have the same value, {}",
                counted(*units, "unit", "units"),
                significant(*value, 3)
            )
        }
    }
}

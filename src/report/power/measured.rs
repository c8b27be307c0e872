//! What past weeks in the warehouse showed, and of whom.

use trialbook_decision::power::{Basis, Forecast, Seen};
use trialbook_model::MetricKey;

use super::super::blocks::{Inline, Line};
use super::super::calendar::{Calendar, duration};
use super::super::number::{count, counted, list};

/// Says whose baselines were measured, and how many came.
pub(super) fn measured(seen: &Seen, forecast: &Forecast, calendar: &Calendar) -> Line {
    let source = Inline::code(seen.source.as_str());
    if let Some(problem) = &seen.problem {
        return vec![
            "Nothing is measured in ".into(),
            source,
            format!(", and what the book declares counts: {problem}.").into(),
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
        line.push(format!(" Of them came {}.", list(&points)).into());
    }
    match &forecast.basis {
        Some(Basis::Surface(surface)) => line.extend([
            " Units are counted as declared for ".into(),
            Inline::code(surface.as_str()),
            ", because exposures do not say where they were made.".into(),
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

/// Says why a metric is not measured, and what counts instead.
pub(super) fn not_measured(key: &MetricKey, why: &str, forecast: &Forecast) -> Line {
    let declared = forecast.metric(key).is_some_and(|need| need.baseline.is_some());
    let instead = if declared { ": its declared baseline counts" } else { ", and nothing is declared" };
    vec![Inline::code(key.as_str()), format!(" is not measured{instead} ({why})").into()]
}

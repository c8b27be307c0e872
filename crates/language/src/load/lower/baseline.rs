//! What is known before any test: of a metric its baseline, of a surface or an entity its traffic.

use super::sink::Sink;
use crate::load::rules;
use crate::load::syntax::book::TrafficSyntax;
use crate::load::syntax::metric::BaselineSyntax;
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{Baseline, Duration, MetricType, Share, Traffic, TrafficError, TrafficPoint};

/// Lowers a metric's baseline. `None` where it does not fit the metric; that has been reported.
pub(super) fn lower(
    syntax: &Spanned<BaselineSyntax>,
    kind: &MetricType,
    covariate: Option<Duration>,
    sink: &mut Sink<'_>,
) -> Option<Baseline> {
    let (word, wanted, example) = match kind {
        MetricType::Mean(_) => ("mean", "mean", "{mean: 0.412, deviation: 0.91}"),
        MetricType::Proportion(_) => ("proportion", "rate", "{rate: 2.1%}"),
        MetricType::Ratio { .. } => ("ratio", "value", "{value: 1.72, deviation: 2.4}"),
        MetricType::Quantile { .. } => ("quantile", "value", "{value: 830, deviation: 2100}"),
    };
    let BaselineSyntax { mean, rate, value, deviation, correlation } = &syntax.value;
    let given: [(&str, Option<Span>); 3] = [
        ("mean", mean.as_ref().map(|mean| mean.span)),
        ("rate", rate.as_ref().map(|rate| rate.span)),
        ("value", value.as_ref().map(|value| value.span)),
    ];
    if given.iter().filter(|(_, span)| span.is_some()).count() > 1 {
        // The reader has reported it.
        return None;
    }
    let (name, span) = given.iter().find_map(|(name, span)| Some((*name, (*span)?)))?;
    if name != wanted {
        let message = format!("a metric of type `{word}` has a baseline with `{wanted}`, not `{name}`");
        sink.error(rules::BAD_NUMBER, span, message, format!("write it like `{example}`"));
        return None;
    }
    let correlation = match correlation {
        None => None,
        Some(given) if covariate.is_none() => {
            let message = "the metric has no covariate to be correlated with";
            sink.error(
                rules::BAD_NUMBER,
                given.span,
                message,
                "add `covariate: {before: 14d}`, or take it out",
            );
            return None;
        }
        Some(given) if given.value <= -1.0 || given.value >= 1.0 => {
            let message = "a correlation lies between -1 and 1";
            sink.error(rules::BAD_NUMBER, given.span, message, "write a number such as `0.6`");
            return None;
        }
        Some(given) => Some(given.value),
    };
    if let Some(rate) = rate {
        if let Some(deviation) = deviation {
            let message = "the deviation of a share follows from the share";
            sink.error(rules::BAD_NUMBER, deviation.span, message, "take `deviation` out");
            return None;
        }
        if matches!(rate.value, Share::NONE | Share::ALL) {
            let message = format!("a rate of {} leaves nothing to measure", rate.value);
            sink.error(rules::BAD_SHARE, rate.span, message, "write a share such as `2.1%`");
            return None;
        }
        let value = rate.value.fraction();
        return Some(Baseline { value, deviation: (value * (1.0 - value)).sqrt(), correlation });
    }
    let value = mean.as_ref().or(value.as_ref())?.value;
    let Some(deviation) = deviation else {
        let message = "a baseline without the deviation of a unit's value plans nothing";
        sink.error(rules::MISSING_KEY, syntax.span, message, format!("write it like `{example}`"));
        return None;
    };
    Some(Baseline { value, deviation: deviation.value.0?, correlation })
}

/// Lowers traffic. `None` where it cannot be; that has been reported.
pub(super) fn traffic(syntax: &Spanned<TrafficSyntax>, sink: &mut Sink<'_>) -> Option<Traffic> {
    let mut points = Vec::new();
    for (within, units) in &syntax.value.0 {
        let units = units.as_ref()?;
        points.push((
            TrafficPoint { within: within.value, units: u64::from(units.value) },
            within.span,
            units.span,
        ));
    }
    points.sort_by_key(|(point, ..)| point.within);
    match Traffic::new(points.iter().map(|(point, ..)| *point).collect()) {
        Ok(traffic) => Some(traffic),
        Err(error) => {
            let place = |at: usize| points.get(at).map(|(point, within, units)| (*point, *within, *units));
            let (rule, span, message, help) = match error {
                TrafficError::Empty => (
                    rules::EMPTY_CONDITION,
                    syntax.span,
                    "traffic needs at least one span of time".to_owned(),
                    "write spans with the different units seen within each, such as `{1d: 9000, 7d: 42000}`",
                ),
                TrafficError::NotLonger(at) => {
                    let (point, span, _) = place(at)?;
                    let message = if point.within == Duration::ZERO {
                        "a span of no time has no units".to_owned()
                    } else {
                        format!("the span {} is given twice", point.within)
                    };
                    (rules::BAD_DURATION, span, message, "write each span once, such as `1d`, `7d` and `28d`")
                }
                TrafficError::Fewer(at) => {
                    let (point, _, span) = place(at)?;
                    let message = format!(
                        "{} units within {} are fewer than within a shorter span, or none",
                        point.units, point.within
                    );
                    (rules::BAD_NUMBER, span, message, "count the different units within the whole span")
                }
                TrafficError::TooMany(at) => {
                    let (point, _, span) = place(at)?;
                    let message = format!(
                        "{} units within {} grow faster than time since the shorter span",
                        point.units, point.within
                    );
                    (
                        rules::BAD_NUMBER,
                        span,
                        message,
                        "count different units: twice as long sees at most twice as many",
                    )
                }
            };
            sink.error(rule, span, message, help);
            None
        }
    }
}

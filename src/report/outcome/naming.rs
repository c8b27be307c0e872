//! What metrics and their changes are called.

use jiff::Timestamp;

use crate::report::blocks::{Inline, Line, Tone};
use crate::report::calendar::Calendar;
use crate::report::number::{NBSP, decimals, exact_percent, fixed, signed, signed_percent, significant};
use trialbook_analysis::{
    DeclaredEffect, Effect, Estimate, Ground, Lift, MetricComparison, MetricKind, MetricResult,
    NonInferiority, Outcome, QualityKind, Role, Verdict, VerdictKind,
};
use trialbook_model::{Direction, Duration, Margin, MetricKey, VariantKey, Window};

use super::{Reading, missing};
use crate::report::calendar;

/// Returns the key as words: `purchases-per-user` is `purchases per user`.
pub(super) fn words(metric: &MetricKey) -> String {
    metric.as_str().replace('-', " ")
}

/// Returns the words for a verdict.
pub const fn verdict(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Ship => "ship",
        VerdictKind::RollBack => "roll back",
        VerdictKind::KeepRunning => "keep running",
        VerdictKind::NoEffect => "no effect of the declared size",
        VerdictKind::Inconclusive => "inconclusive",
        VerdictKind::NotDecidable => "not decidable",
        VerdictKind::Invalid => "invalid",
    }
}

/// Returns the words for what a check is about.
pub(super) const fn check(kind: QualityKind) -> &'static str {
    match kind {
        QualityKind::SampleRatio => "sample ratio",
        QualityKind::InTwoVariants => "units in two variants",
        QualityKind::OutsideSchedule => "units outside the schedule",
        QualityKind::UnknownVariant => "unknown variants",
        QualityKind::UnusableRows => "unusable rows",
        QualityKind::UnmeasurableMetric => "metrics without a number",
        QualityKind::DayStamps => "times of rows",
        QualityKind::UnitIds => "ids of units",
        QualityKind::Copies => "copies of rows",
        QualityKind::Filter => "rows that count",
        QualityKind::UnreadValues => "values that cannot be read",
        QualityKind::TooFewUnits => "units per variant",
        QualityKind::DataMissing => "data up to the watermark",
    }
}

/// Returns the words for a part of a plan.
pub(super) fn part(part: &str) -> &str {
    match part {
        "book" => "the name of the book",
        "timezone" => "the time zone",
        "layer" => "its buckets in the layer",
        "segments" => "a segment in its audience",
        "attributes" => "the type of an attribute in its audience",
        "definitions" => "the definition of a metric",
        "quality" => "the thresholds of the data checks",
        "unit" => "the attribute that holds the unit's id",
        "evaluators" => "the evaluators of the target",
        "holdouts" => "a holdout over it",
        "flag" => "the flag",
        "schedule" => "the schedule",
        "hypothesis" => "the hypothesis",
        "audience" => "the audience",
        "allocation" => "the allocation",
        "salt" => "the salt",
        "control" => "the control",
        "split" => "the split",
        "metrics" => "the metrics",
        "analysis" => "the analysis settings",
        other => other,
    }
}

/// Returns why a metric has no number for a treatment, as a fragment.
pub(super) fn why_not_measured(
    reading: &Reading<'_>,
    key: &MetricKey,
    treatment: &VariantKey,
) -> Option<String> {
    match &comparison(metric(reading.outcome, key)?, treatment)?.estimate {
        Estimate::NotMeasured(why) => Some(missing::reason(why, &reading.calendar)),
        Estimate::Measured(_) => None,
    }
}

/// Returns why a test of a metric could not be made for a treatment, as a fragment.
pub(super) fn why_not_tested(
    reading: &Reading<'_>,
    key: &MetricKey,
    treatment: &VariantKey,
) -> Option<String> {
    let comparison = comparison(metric(reading.outcome, key)?, treatment)?;
    match (&comparison.non_inferiority, &comparison.declared_effect) {
        (Some(NonInferiority::NotTested(why)), _) | (_, Some(DeclaredEffect::NotTested(why))) => {
            Some(missing::reason(why, &reading.calendar))
        }
        _ => why_not_measured(reading, key, treatment),
    }
}

/// Returns the metric with what a reader must know of it: its window or its margin.
pub(super) fn long(metric: &MetricResult) -> String {
    let name = words(&metric.metric);
    let window = match metric.window {
        Window::Closed(window) if !names(&metric.metric, window) => {
            format!(", {}", calendar::duration(window))
        }
        Window::Closed(_) | Window::Open => String::new(),
    };
    match metric.role {
        Role::Guardrail { margin } => {
            format!("{name}{window} (margin{NBSP}{})", self::margin(margin, metric))
        }
        Role::Success { .. } | Role::Exploratory => format!("{name}{window}"),
    }
}

/// Tells whether a metric's key names its window already: `orders-7d`, `orders-7-days`, `orders-in-7-days`.
fn names(metric: &MetricKey, window: Duration) -> bool {
    let words = calendar::duration(window).replace(NBSP, " ");
    let Some((number, unit)) = words.split_once(' ') else { return false };
    let singular = unit.trim_end_matches('s');
    let short = unit.chars().next().map(|unit| format!("{number}{unit}"));
    let named: Vec<&str> = metric.as_str().split(['-', '_', '.']).collect();
    named.iter().any(|word| {
        short.as_deref() == Some(*word)
            || *word == format!("{number}{singular}")
            || *word == format!("{number}{unit}")
    }) || named
        .windows(2)
        .any(|pair| matches!(pair, [n, u] if *n == number && (*u == unit || *u == singular)))
}

/// Writes a margin.
pub(super) fn margin(margin: Margin, metric: &MetricResult) -> String {
    match margin {
        Margin::Relative(share) => exact_percent(share.fraction()),
        Margin::Absolute(by) => match metric.kind {
            MetricKind::Proportion => format!("{}{NBSP}pp", significant(by * 100.0, 3)),
            MetricKind::Mean | MetricKind::Ratio | MetricKind::Quantile => significant(by, 3),
        },
    }
}

/// Returns a metric's result.
pub(super) fn metric<'a>(outcome: &'a Outcome, key: &MetricKey) -> Option<&'a MetricResult> {
    outcome.metrics.iter().find(|metric| metric.metric == *key)
}

/// Returns a metric's comparison of a treatment with the control.
pub(super) fn comparison<'a>(
    metric: &'a MetricResult,
    treatment: &VariantKey,
) -> Option<&'a MetricComparison> {
    metric.comparisons.iter().find(|comparison| comparison.treatment == *treatment)
}

/// A change with its interval: in the metric's own unit where its margin is or where no relative change is
/// defined, else relative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shift {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) unit: Unit,
    decimals: usize,
}

/// What a change is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A share of the control's mean.
    Relative,
    /// Percentage points.
    Points,
    /// The metric's own.
    Own,
}

impl Shift {
    pub(super) fn of(metric: &MetricResult, effect: &Effect) -> Self {
        // A margin in the metric's own unit can only be compared with a change in that unit.
        let absolute = matches!(metric.role, Role::Guardrail { margin: Margin::Absolute(_) });
        let (estimate, interval, unit) = match (&effect.lift, metric.kind) {
            (Lift::Defined { lift, interval, .. }, _) if !absolute => (*lift, *interval, Unit::Relative),
            (_, MetricKind::Proportion) => (effect.difference, effect.interval, Unit::Points),
            (_, MetricKind::Mean | MetricKind::Ratio | MetricKind::Quantile) => {
                (effect.difference, effect.interval, Unit::Own)
            }
        };
        let scale = if unit == Unit::Own { 1.0 } else { 100.0 };
        let ends = [estimate - interval.lower, interval.upper - estimate];
        let half = ends.into_iter().filter(|end| end.is_finite()).fold(f64::NAN, f64::max);
        let decimals = decimals(half * scale, 2);
        Self { estimate, low: interval.lower, high: interval.upper, unit, decimals }
    }

    /// Tells whether the whole interval lies on the side that hurts.
    pub(super) fn is_for_the_worse(&self, metric: &MetricResult) -> bool {
        match metric.direction {
            Direction::IncreaseIsGood => self.high < 0.0,
            Direction::IncreaseIsBad => self.low > 0.0,
        }
    }

    /// Writes the estimate with its sign.
    pub(super) fn estimate(&self) -> String {
        self.signed(self.estimate)
    }

    /// Writes the interval, its unit once.
    pub(super) fn interval(&self) -> String {
        let number = |end: f64| match self.unit {
            Unit::Own => signed(end, self.decimals),
            Unit::Relative | Unit::Points => signed(end * 100.0, self.decimals),
        };
        let unit = match self.unit {
            Unit::Relative => "\u{a0}%",
            Unit::Points => "\u{a0}pp",
            Unit::Own => "",
        };
        format!("{}{NBSP}…{NBSP}{}{unit}", number(self.low), number(self.high))
    }

    /// Writes the interval in a sentence: `-5.0 % and +7.0 %`.
    pub(super) fn between(&self) -> String {
        format!("{} and {}", self.signed(self.low), self.signed(self.high))
    }

    /// Writes which way it went and how far: `up 3.1 %`.
    pub(super) fn phrase(&self) -> String {
        let text = self.signed(self.estimate);
        match text.chars().next() {
            Some('+') => format!("up {}", text.trim_start_matches('+')),
            Some('\u{2212}') => format!("down {}", text.trim_start_matches('\u{2212}')),
            _ => "unchanged".to_owned(),
        }
    }

    fn signed(&self, value: f64) -> String {
        match self.unit {
            Unit::Relative => signed_percent(value, self.decimals),
            Unit::Points => format!("{}{NBSP}pp", signed(value * 100.0, self.decimals)),
            Unit::Own => signed(value, self.decimals),
        }
    }
}

/// Returns the margin as a change on the side that hurts, in the unit of the change; `None` where it has
/// none in that unit.
pub(super) fn margin_as_change(metric: &MetricResult, effect: &Effect, unit: Unit) -> Option<f64> {
    let Role::Guardrail { margin } = metric.role else { return None };
    let size = match (margin, unit) {
        (Margin::Relative(share), Unit::Relative) => share.fraction(),
        (Margin::Relative(share), Unit::Points | Unit::Own) => share.fraction() * effect.control_mean.abs(),
        (Margin::Absolute(by), Unit::Relative) => by / effect.control_mean.abs(),
        (Margin::Absolute(by), Unit::Points | Unit::Own) => by,
    };
    let size = if size.is_finite() { size } else { return None };
    Some(match metric.direction {
        Direction::IncreaseIsGood => -size,
        Direction::IncreaseIsBad => size,
    })
}

/// Writes an arm's level with the digits that the difference is known to.
pub(super) fn level(metric: &MetricResult, mean: f64, effect: &Effect) -> String {
    let half = (effect.interval.upper - effect.interval.lower) / 2.0;
    match metric.kind {
        MetricKind::Proportion => crate::report::number::percent(mean, decimals(half * 50.0, 1)),
        MetricKind::Mean | MetricKind::Ratio | MetricKind::Quantile => fixed(mean, decimals(half / 2.0, 1)),
    }
}

/// Writes an arm's level of which no uncertainty is known.
pub(super) fn bare_level(metric: &MetricResult, mean: f64) -> String {
    match metric.kind {
        MetricKind::Proportion => format!("{}{NBSP}%", significant(mean * 100.0, 3)),
        MetricKind::Mean | MetricKind::Ratio | MetricKind::Quantile => significant(mean, 3),
    }
}

/// Writes how a treatment moved a metric: `purchases per user up 3.1 %`, without a number where there is none.
pub(super) fn moved(outcome: &Outcome, key: &MetricKey, treatment: &VariantKey, otherwise: &str) -> String {
    let change = metric(outcome, key).and_then(|metric| {
        let effect = comparison(metric, treatment)?.estimate.effect()?;
        Some(Shift::of(metric, effect))
    });
    let how = change.map_or_else(|| otherwise.to_owned(), |change| change.phrase());
    format!("{} {how}", words(key))
}

/// Names a row, with its look where that is before the look of the other rows.
pub(super) fn with_look(name: String, comparison: &MetricComparison, calendar: &Calendar) -> Line {
    let mut line = vec![Inline::from(name)];
    if let Some(look) = comparison.look.filter(|look| look.is_earlier) {
        line.push(Inline::Toned(Tone::Quiet, format!(" at the look of {}", calendar.instant(look.at))));
    }
    line
}

/// Returns the look at which a test ended early, and the last one that it would have had.
pub(super) fn stopped(verdict: &Verdict) -> Option<(Timestamp, Timestamp)> {
    verdict.reasons.iter().find_map(|reason| match reason {
        Ground::StoppedAtLook { at, last } => Some((*at, *last)),
        _ => None,
    })
}

/// Tells whether an estimate is held back until the plan allows a look.
pub(super) fn is_held_back(estimate: &Estimate) -> bool {
    matches!(estimate, Estimate::NotMeasured(why) if matches!(why.reason.as_str(), "before-horizon" | "decided-early"))
}

//! The table of a treatment's metrics.

use crate::report::blocks::{Align, Block, Inline, Line, Page, Table, Tone};
use crate::report::gauge::{Gauge, Scale};
use crate::report::number::{NBSP, exact_percent};
use trialbook_analysis::{
    Estimate, Ground, Judgement, Lift, MetricComparison, MetricResult, Role, Verdict, VerdictKind, WhyNot,
};
use trialbook_model::VariantKey;

use super::naming::{self, Shift};
use super::{Reading, headline, missing};

/// Returns the table of a treatment, or nothing where no effect may be shown: before the plan allows
/// it, and where the data cannot be believed.
pub(super) fn table(reading: &Reading<'_>, verdict: &Verdict) -> Option<Table> {
    if verdict.kind == VerdictKind::Invalid {
        return None;
    }
    let rows: Vec<_> = reading
        .outcome
        .metrics
        .iter()
        .filter_map(|metric| Some((metric, naming::comparison(metric, &verdict.treatment)?)))
        .filter(|(_, comparison)| !naming::is_held_back(&comparison.estimate))
        // While it runs, what has no number yet is no fault.
        .filter(|(_, comparison)| {
            let waits =
                verdict.kind == VerdictKind::KeepRunning && comparison.judgement == Judgement::NotDecided;
            !(waits && comparison.estimate.effect().is_none())
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let level = common_level(&rows);
    let interval = level
        .map_or_else(|| "interval".to_owned(), |alpha| format!("{} interval", exact_percent(1.0 - alpha)));
    let mut table = Table::new([
        (String::new(), Align::Left),
        ("metric".to_owned(), Align::Left),
        (reading.outcome.experiment.control.to_string(), Align::Right),
        (verdict.treatment.to_string(), Align::Right),
        ("change".to_owned(), Align::Right),
        (interval, Align::Left),
        (String::new(), Align::Left),
    ]);
    for (metric, comparison) in rows {
        table.push(row(reading, metric, comparison, level, &cell_of(reading, verdict, metric, comparison)));
    }
    Some(table)
}

/// Returns why a metric has no number, as a cell takes it. What a check found is written out beside the verdict or with the checks, and a
/// long reason beside the verdict where it rests on the metric.
fn cell_of(
    reading: &Reading<'_>,
    verdict: &Verdict,
    metric: &MetricResult,
    comparison: &MetricComparison,
) -> String {
    const LONGEST: usize = 60;
    let Estimate::NotMeasured(why) = &comparison.estimate else { return String::new() };
    if let WhyNot::Check { kind, .. } = &why.detail {
        return headline::broken(*kind).to_owned();
    }
    let reason = missing::reason(why, &reading.calendar);
    let is_of_it =
        |ground: &Ground| matches!(ground, Ground::NotMeasured { metric: of } if *of == metric.metric);
    let explained = verdict.reasons.iter().any(is_of_it);
    if explained && reason.chars().count() > LONGEST { "see above".to_owned() } else { reason }
}

/// Returns the two-sided level of a table's intervals, where all have the same.
fn common_level(rows: &[(&MetricResult, &MetricComparison)]) -> Option<f64> {
    let mut alphas = rows.iter().filter_map(|(_, comparison)| comparison.estimate.effect()).map(|e| e.alpha);
    let first = alphas.next()?;
    alphas.all(|alpha| same(alpha, first)).then_some(first)
}

/// Tells whether two levels read the same.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn row(
    reading: &Reading<'_>,
    metric: &MetricResult,
    comparison: &MetricComparison,
    common: Option<f64>,
    why_not: &str,
) -> Vec<Line> {
    let role = match metric.role {
        Role::Success { .. } => Inline::strong("success"),
        Role::Guardrail { .. } => Inline::text("guardrail"),
        Role::Exploratory => Inline::Toned(Tone::Quiet, "explore".to_owned()),
    };
    let name = naming::with_look(naming::long(metric), comparison, &reading.calendar);
    match &comparison.estimate {
        Estimate::Measured(effect) => {
            let change = Shift::of(metric, effect);
            let estimate = match comparison.judgement {
                Judgement::Better | Judgement::Worse if metric.role != Role::Exploratory => {
                    Inline::strong(change.estimate())
                }
                _ => Inline::from(change.estimate()),
            };
            let gauge = Gauge {
                scale: scale(metric),
                estimate: Some(change.estimate),
                low: change.low,
                high: change.high,
                margin: naming::margin_as_change(metric, effect, change.unit),
            };
            let mut interval = vec![Inline::Gauge(gauge), Inline::from(format!(" {}", change.interval()))];
            if common.is_none() {
                interval.push(format!(" (at{NBSP}{})", exact_percent(1.0 - effect.alpha)).into());
            }
            vec![
                vec![role],
                name,
                vec![naming::level(metric, effect.control_mean, effect).into()],
                vec![naming::level(metric, effect.treatment_mean, effect).into()],
                vec![estimate],
                interval,
                vec![judgement(comparison.judgement, metric, change.is_for_the_worse(metric))],
            ]
        }
        Estimate::NotMeasured(_) => {
            let mean = |variant: &VariantKey| {
                let arm = metric.arms.iter().find(|arm| arm.variant == *variant && arm.units > 0);
                let value = arm.and_then(|arm| arm.moments).and_then(|moments| moments.value());
                let mean = value.map(|value| naming::bare_level(metric, value));
                vec![Inline::from(mean.unwrap_or_else(|| "—".to_owned()))]
            };
            let control = metric.arms.iter().map(|arm| &arm.variant).find(|variant| {
                metric.comparisons.iter().all(|comparison| comparison.treatment != **variant)
            });
            vec![
                vec![role],
                name,
                control.map_or_else(|| vec!["—".into()], mean),
                mean(&comparison.treatment),
                vec!["—".into()],
                vec![Inline::Toned(Tone::Caution, why_not.to_owned())],
                vec![Inline::Toned(Tone::Caution, "not measured".to_owned())],
            ]
        }
    }
}

/// Returns the scale that all treatments' drawings of a metric share. A treatment whose change is in another
/// unit than the first one's does not count.
fn scale(metric: &MetricResult) -> Scale {
    let effects = metric.comparisons.iter().filter_map(|comparison| comparison.estimate.effect());
    let changes: Vec<_> = effects.map(|effect| (effect, Shift::of(metric, effect))).collect();
    let unit = changes.first().map(|(_, change)| change.unit);
    let shown = changes.iter().filter(|(_, change)| Some(change.unit) == unit);
    Scale::containing(shown.flat_map(|(effect, change)| {
        let margin = naming::margin_as_change(metric, effect, change.unit);
        [change.low, change.high, change.estimate, margin.unwrap_or(0.0)]
    }))
}

/// Returns what a metric shows; `against` where its whole interval is on the side that hurts, though not
/// beyond what its margin or its test allows.
fn judgement(judgement: Judgement, metric: &MetricResult, against: bool) -> Inline {
    let explored = metric.role == Role::Exploratory;
    let (tone, text) = match judgement {
        Judgement::Better if explored => (Tone::Quiet, "looks better"),
        Judgement::Better => (Tone::Good, "better"),
        Judgement::Worse => (Tone::Bad, "worse"),
        Judgement::Safe if against => (Tone::Caution, WITHIN_MARGIN),
        Judgement::Safe => (Tone::Good, SAFE),
        Judgement::NotSafe => (Tone::Caution, NOT_SAFE),
        Judgement::NoDifference if against => (Tone::Caution, "looks worse"),
        Judgement::NoDifference => (Tone::Quiet, "no clear change"),
        Judgement::NotDecided => (Tone::Quiet, "not decided yet"),
        Judgement::NotMeasured => (Tone::Caution, "not measured"),
    };
    Inline::Toned(tone, text.to_owned())
}

/// Returns the key to the tables of a document, where it has any: the drawings, and the words of the last column.
pub(super) fn key(reading: &Reading<'_>, document: &Page) -> Option<Line> {
    let tables = document.blocks.iter().filter_map(|block| match block {
        Block::Table(table) => Some(table.rows().iter().flatten().flatten()),
        _ => None,
    });
    let pieces: Vec<_> = tables.flatten().collect();
    let gauges = || {
        pieces.iter().filter_map(|inline| match inline {
            Inline::Gauge(gauge) => Some(gauge),
            _ => None,
        })
    };
    gauges().next()?;
    let margin = if gauges().any(|gauge| gauge.margin.is_some()) { " · ┊ margin" } else { "" };
    let mut text =
        format!("├──●──┤ change with its interval, each row on its own scale · │ no change{margin}");
    let words: Vec<&str> = pieces
        .iter()
        .filter_map(|inline| match inline {
            Inline::Toned(_, text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    for (word, meaning) in MEANINGS {
        if words.contains(&word) {
            text.push_str(" · ");
            text.push_str(meaning);
        }
    }
    if reading.is_open() || reading.is_sequential() {
        text.push_str(" · the interval is valid at every look");
    }
    Some(vec![text.into()])
}

/// The words of the last column that need one, with what they mean.
const MEANINGS: [(&str, &str); 7] = [
    ("better", "better: a significant improvement"),
    ("worse", "worse: a significant deterioration"),
    (SAFE, "safe: shown not to be worse by its margin or more"),
    (WITHIN_MARGIN, "within its margin: somewhat worse, and shown not to be worse by its margin or more"),
    (NOT_SAFE, "not shown safe: may be worse by more than its margin"),
    ("looks better", "looks better: explored, and decides nothing"),
    ("looks worse", "looks worse: not significant enough to decide"),
];
const SAFE: &str = "safe";
const WITHIN_MARGIN: &str = "within its margin";
const NOT_SAFE: &str = "not shown safe";

/// Returns the metrics whose control mean is below zero, where a reader may take a gain for a loss.
pub(super) fn below_zero(reading: &Reading<'_>) -> Vec<String> {
    let is_below = |metric: &&MetricResult| {
        let mut effects = metric.comparisons.iter().filter_map(|comparison| comparison.estimate.effect());
        effects.any(|effect| {
            effect.control_mean < 0.0 && Shift::of(metric, effect).unit == naming::Unit::Relative
        })
    };
    let named = reading.outcome.metrics.iter().filter(is_below).map(|metric| {
        let name = naming::words(&metric.metric);
        format!("{name} is below zero in the control: its change is relative to the size of that mean, and up means higher")
    });
    named.collect()
}

/// Returns the metrics whose relative change is undefined, each with the reason.
pub(super) fn without_lift(reading: &Reading<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    for metric in &reading.outcome.metrics {
        for effect in metric.comparisons.iter().filter_map(|comparison| comparison.estimate.effect()) {
            if let Lift::Undefined(why) = &effect.lift {
                let name = naming::words(&metric.metric);
                let why = missing::reason(why, &reading.calendar);
                reasons.push(format!("{name} has no relative change: {why}"));
            }
        }
    }
    reasons.dedup();
    reasons
}

//! A test with several looks: what is known of each metric so far, what is not, and the way there.

use crate::report::blocks::{Block, Inline, Line};
use crate::report::gauge::{Gauge, Scale};
use crate::report::number::{NBSP, counted, exact_percent, significant};
use trialbook_analysis::{
    DeclaredEffect, Effect, Estimate, Interval, Judgement, Lift, LookShown, Looked, MetricComparison,
    MetricResult, Role, Verdict, VerdictKind,
};
use trialbook_model::MinimumEffect;

use super::naming::{self, Shift};
use super::{Reading, capitalised};

/// How many looks are drawn of a metric at most; of more, some are left out evenly, and never the first or the last.
const DRAWN: usize = 10;

/// Returns the sentences and the drawings of a treatment's metrics, where its test has several looks and has not been broken.
pub(super) fn blocks(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    if verdict.kind == VerdictKind::Invalid {
        return Vec::new();
    }
    let metrics: Vec<_> = reading
        .outcome
        .metrics
        .iter()
        .filter_map(|metric| Some((metric, naming::comparison(metric, &verdict.treatment)?)))
        .filter_map(|(metric, comparison)| Some((metric, comparison, comparison.looks.as_ref()?)))
        .collect();
    let mut blocks = Vec::new();
    if verdict.kind == VerdictKind::KeepRunning {
        let sentences: Vec<Line> = metrics
            .iter()
            .map(|(metric, comparison, looked)| sentence(reading, metric, comparison, looked))
            .collect();
        if !sentences.is_empty() {
            blocks.push(Block::List(sentences));
        }
    }
    let drawn: Vec<_> = metrics
        .iter()
        .filter_map(|(metric, comparison, looked)| draw(reading, metric, comparison, looked))
        .collect();
    if !drawn.is_empty() {
        let looks = metrics.iter().map(|(_, _, looked)| looked.path.len()).max().unwrap_or(0);
        let legend = "each line is a look: the change with the interval that is valid at all looks together; │ no change, ┊ margin";
        let mut folded = drawn;
        folded.push(Block::Small(vec![legend.into()]));
        blocks.push(Block::Details {
            summary: format!("The way there ({})", counted(looks as u64, "look", "looks")),
            blocks: folded,
        });
    }
    blocks
}

/// States in a sentence what is known of a metric, or what is still possible.
fn sentence(
    reading: &Reading<'_>,
    metric: &MetricResult,
    comparison: &MetricComparison,
    looked: &Looked,
) -> Line {
    let mut line = vec![Inline::strong(capitalised(&naming::words(&metric.metric))), " ".into()];
    let Estimate::Measured(effect) = &comparison.estimate else {
        line.push("has too little data for a first look.".into());
        return line;
    };
    let shift = Shift::of(metric, effect);
    let since = looked
        .met_at
        .map_or_else(String::new, |at| format!(", known since the look of {}", reading.calendar.instant(at)));
    let size = match metric.role {
        Role::Success { mde: MinimumEffect::Relative(share) } => exact_percent(share.fraction()),
        Role::Success { mde: MinimumEffect::Absolute(by) } => significant(by, 3),
        Role::Guardrail { margin } => naming::margin(margin, metric),
        Role::Exploratory => String::new(),
    };
    line.push(
        match (comparison.judgement, metric.role) {
            (Judgement::Better, _) => format!("is better: {}{since}.", shift.phrase()),
            (Judgement::Worse, _) => format!("is worse: {}{since}.", shift.phrase()),
            (Judgement::Safe, _) => format!("is within its margin of {size}{since}."),
            (_, Role::Guardrail { .. }) => format!(
                "is not shown to be within its margin of {size} yet: changes between {} remain possible.",
                shift.between()
            ),
            (_, _) if is_ruled_out(comparison) => format!(
                "does not improve by {size} or more; whether it improves at all is not known: changes between {} remain possible.",
                shift.between()
            ),
            (_, _) => {
                format!("is not known to be better yet: changes between {} remain possible.", shift.between())
            }
        }
        .into(),
    );
    line
}

/// Tells whether an effect of the declared size is ruled out.
fn is_ruled_out(comparison: &MetricComparison) -> bool {
    matches!(&comparison.declared_effect, Some(DeclaredEffect::Tested { p_smaller, level }) if p_smaller <= level)
}

/// Draws a metric over its looks: a line for each, on one scale.
fn draw(
    reading: &Reading<'_>,
    metric: &MetricResult,
    comparison: &MetricComparison,
    looked: &Looked,
) -> Option<Block> {
    let Estimate::Measured(effect) = &comparison.estimate else { return None };
    let shown: Vec<(&LookShown, Shift)> = thinned(&looked.path)
        .into_iter()
        .filter_map(|look| Some((look, Shift::of(metric, &at_look(effect, look)?))))
        .collect();
    let unit = shown.last()?.1.unit;
    let shown: Vec<_> = shown.into_iter().filter(|(_, shift)| shift.unit == unit).collect();
    let margin = naming::margin_as_change(metric, effect, unit);
    // The first looks know so little that they would flatten the others.
    let latest = shown.iter().rev().take(shown.len().div_ceil(2).max(3));
    let scale = Scale::containing(
        latest.flat_map(|(_, shift)| [shift.low, shift.high, shift.estimate]).chain(margin),
    );
    let mut text = String::new();
    for (look, shift) in &shown {
        let beyond = |end: f64, nowhere: f64| if scale.holds(end) { end } else { nowhere };
        let gauge = Gauge {
            scale,
            estimate: Some(shift.estimate).filter(|estimate| scale.holds(*estimate)),
            low: beyond(shift.low, f64::NEG_INFINITY),
            high: beyond(shift.high, f64::INFINITY),
            margin,
        };
        let met = if looked.met_at == Some(look.at) { " ◀ decided" } else { "" };
        let line = format!(
            "{}  {}  {}  {}{met}",
            reading.calendar.day(look.at),
            gauge.draw(),
            shift.estimate(),
            shift.interval()
        );
        text.push_str(line.replace(NBSP, " ").trim_end());
        text.push('\n');
    }
    let name = naming::long(metric);
    let heading = format!("{}: {name}\n", comparison.treatment);
    Some(Block::Verbatim { language: "text", text: format!("{heading}{text}") })
}

/// Returns the effect of a look in the shape of the latest; `None` where it has no interval yet.
fn at_look(effect: &Effect, look: &LookShown) -> Option<Effect> {
    let lift = match (look.lift, look.lift_interval) {
        (Some(lift), Some(interval)) => Lift::Defined { lift, interval, method: String::new() },
        _ => match &effect.lift {
            undefined @ Lift::Undefined(_) => undefined.clone(),
            Lift::Defined { .. } => return None,
        },
    };
    let interval: Interval = look.interval?;
    Some(Effect { difference: look.difference, interval, lift, ..effect.clone() })
}

fn thinned(path: &[LookShown]) -> Vec<&LookShown> {
    let last = path.len().saturating_sub(1);
    let places =
        (0..DRAWN.min(path.len())).map(|n| if path.len() <= DRAWN { n } else { n * last / (DRAWN - 1) });
    places.filter_map(|place| path.get(place)).collect()
}

/// States that a test stopped early, and what its estimate is without the optimism of that.
pub(super) fn early_stop(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let Some((at, last)) = naming::stopped(verdict) else { return Vec::new() };
    let mut sentences = vec![format!(
        "it was decided at the look of {}; the last one would have been on {}. What is measured later changes nothing",
        reading.calendar.instant(at),
        reading.calendar.instant(last)
    )];
    let corrected = reading.outcome.metrics.iter().find_map(|metric| {
        let comparison = naming::comparison(metric, &verdict.treatment)?;
        let corrected = comparison.looks.as_ref()?.corrected?;
        let effect = comparison.estimate.effect()?;
        let lift = match (corrected.lift, corrected.lift_interval) {
            (Some(lift), Some(interval)) => Lift::Defined { lift, interval, method: String::new() },
            _ => effect.lift.clone(),
        };
        let shift = Shift::of(
            metric,
            &Effect { difference: corrected.difference, interval: corrected.interval, lift, ..effect.clone() },
        );
        Some(format!(
            "a test that stops early stops on a high, so its plain estimate is too large on average; corrected for that, {} is {} ({} interval: {})",
            naming::words(&metric.metric),
            shift.phrase(),
            exact_percent(1.0 - effect.alpha),
            shift.interval()
        ))
    });
    sentences.extend(corrected);
    sentences
}

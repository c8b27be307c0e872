//! The paragraph under a verdict: how strong the evidence is, what is in the way, or when the answer comes.

use jiff::Timestamp;

use crate::report::blocks::{Block, Inline, Line};
use crate::report::number::{about, count, list, once_in};
use trialbook_analysis::{Ground, Need, PreregistrationStatus, QualityKind, Role, Verdict, VerdictKind};
use trialbook_model::{Bearing, SourceKey};

use super::{Lead, Reading, capitalised, doubt, headline, looks, naming, quality, sentence, split};

/// Returns the paragraphs that explain the verdict on a treatment.
pub(super) fn blocks(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let mut line = match verdict.kind {
        VerdictKind::Invalid => invalid(reading, verdict),
        VerdictKind::KeepRunning => waiting(reading, verdict),
        VerdictKind::Ship => joined([ship(reading, verdict), looks::early_stop(reading, verdict)].concat()),
        VerdictKind::RollBack => joined(roll_back(reading, verdict)),
        VerdictKind::NoEffect => joined(vec![
            "if there is an effect, it is smaller than the one that the plan was made to find".to_owned(),
        ]),
        VerdictKind::Inconclusive => joined(open(reading, verdict)),
        VerdictKind::NotDecidable => joined(not_decidable(reading, verdict)),
    };
    let outcome = reading.outcome;
    let several = matches!(reading.lead, Lead::One(_)) && outcome.verdicts.len() > 1;
    if several && outcome.best.as_ref() == Some(&verdict.treatment) {
        let ships = outcome.verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Ship).count();
        if ships > 1 {
            line.push(
                format!(" Of the {ships} that qualify it has the largest effect; it was not tested against the others.")
                    .into(),
            );
        }
    }
    if line.is_empty() { Vec::new() } else { vec![Block::Paragraph(line)] }
}

/// Warns that a treatment does harm, whatever else is known.
pub(super) fn alarm(reading: &Reading<'_>, verdict: &Verdict) -> Option<Line> {
    if verdict.kind != VerdictKind::Invalid || verdict.harm.is_empty() {
        return None;
    }
    let metrics: Vec<_> = verdict.harm.iter().map(naming::words).collect();
    let are = if metrics.len() == 1 { "is" } else { "are" };
    Some(vec![
        Inline::strong(format!("Stop {}.", verdict.treatment)),
        format!(
            " {} {are} significantly worse than with {}. A variant that breaks also loses exposures, so this warning stands although the rest cannot be used.",
            capitalised(&list(&metrics)),
            reading.outcome.experiment.control,
        )
        .into(),
    ])
}

fn joined(sentences: Vec<String>) -> Line {
    let sentences: Vec<_> = sentences.iter().map(|text| sentence(text)).collect();
    vec![sentences.join(" ").into()]
}

/// Compares a p-value with what was asked for. Both are one-sided.
fn chance(verdict: &Verdict, p_value: f64, level: f64) -> String {
    format!(
        "if {} made no difference, a change this large would appear {} experiments; the plan asked for {}",
        verdict.treatment,
        once_in(p_value),
        once_in(level)
    )
}

fn ship(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let better = verdict.reasons.iter().find_map(|reason| match reason {
        Ground::MetricBetter { p_value, level, .. } if reading.is_sequential() => {
            Some(format!("{}, however often one looks", chance(verdict, *p_value, *level)))
        }
        Ground::MetricBetter { p_value, level, .. } => Some(chance(verdict, *p_value, *level)),
        _ => None,
    });
    let guarded = verdict.reasons.iter().any(|reason| matches!(reason, Ground::GuardrailSafe { .. }));
    let rest = if guarded {
        "every guardrail is within its margin, and no metric is significantly worse"
    } else {
        "no metric is significantly worse"
    };
    better.into_iter().chain([rest.to_owned()]).collect()
}

fn roll_back(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let strength = verdict.reasons.iter().find_map(|reason| match reason {
        Ground::MetricWorse { p_value, level, .. } => Some(format!(
            "if {} made no difference, so strong a sign of harm would appear {} experiments, even with a look every day; an alarm needs {}",
            verdict.treatment,
            once_in(*p_value),
            once_in(*level)
        )),
        Ground::GuardrailBreached { metric, p_value, level } => Some(format!(
            "if {} were within its margin, so large a difference would appear {} experiments; the plan asked for {}",
            naming::words(metric),
            once_in(*p_value),
            once_in(*level)
        )),
        _ => None,
    });
    let mut sentences: Vec<String> = strength.into_iter().collect();
    for reason in &verdict.reasons {
        sentences.extend(match reason {
            Ground::BeforeHorizon { horizon } => Some(format!(
                "harm is reported as soon as it is significant; all other effects stay hidden until {}, when the plan allows a look",
                reading.calendar.instant(*horizon)
            )),
            Ground::StoppedAtLook { at, .. } => Some(format!(
                "it was found at the look of {}; what is measured later changes nothing",
                reading.calendar.instant(*at)
            )),
            Ground::DecidedEarly { decided, horizon } => Some(early(reading, *decided, *horizon)),
            Ground::MetricBetter { metric, .. } => {
                Some(format!("{} is better, which does not make up for it", naming::words(metric)))
            }
            _ => None,
        });
    }
    sentences
}

/// States what an early decision means for what can be known.
fn early(reading: &Reading<'_>, decided: Timestamp, horizon: Timestamp) -> String {
    format!(
        "it was decided on {}, before the look that its plan allows on {}. Serving ends with a decision, so no complete result follows",
        reading.calendar.day(decided),
        reading.calendar.instant(horizon)
    )
}

/// Names each metric that stands in the way, and why.
fn not_decidable(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let why = |reason: &Ground| match reason {
        Ground::NotTested { .. } => obstacle(reading, verdict, reason),
        Ground::EffectRuledOut { metric, .. } => Some(headline::ruled_out(reading.outcome, metric)),
        Ground::GuardrailNotShown { metric, .. } => {
            Some(format!("{} is not shown to be within its margin", naming::words(metric)))
        }
        _ => None,
    };
    let last = "this is not a result: the same data may give one once that is fixed".to_owned();
    let open = verdict.reasons.iter().filter_map(why);
    unmeasured(reading, verdict).into_iter().chain(open).chain([last]).collect()
}

/// Names the metrics that have no number, those with the same reason together.
fn unmeasured(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let mut causes: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for reason in &verdict.reasons {
        let Ground::NotMeasured { metric } = reason else { continue };
        let why = naming::why_not_measured(reading, metric, &verdict.treatment);
        match causes.iter_mut().find(|(cause, _)| *cause == why) {
            Some((_, metrics)) => metrics.push(naming::words(metric)),
            None => causes.push((why, vec![naming::words(metric)])),
        }
    }
    let sentence = |(why, metrics): (Option<String>, Vec<String>)| {
        let because = why.map_or_else(String::new, |why| format!(": {why}"));
        format!("{} could not be measured{because}", list(&metrics))
    };
    causes.into_iter().map(sentence).collect()
}

/// Returns which metric has no number or no test, and why.
fn obstacle(reading: &Reading<'_>, verdict: &Verdict, reason: &Ground) -> Option<String> {
    let treatment = &verdict.treatment;
    let because = |why: Option<String>| why.map_or_else(String::new, |why| format!(": {why}"));
    match reason {
        Ground::NotMeasured { metric } => Some(format!(
            "{} could not be measured{}",
            naming::words(metric),
            because(naming::why_not_measured(reading, metric, treatment))
        )),
        Ground::NotTested { metric } => Some(format!(
            "{} could not be tested{}",
            naming::words(metric),
            because(naming::why_not_tested(reading, metric, treatment))
        )),
        _ => None,
    }
}

fn open(reading: &Reading<'_>, verdict: &Verdict) -> Vec<String> {
    let mut sentences = Vec::new();
    for reason in &verdict.reasons {
        sentences.extend(match reason {
            Ground::NotMeasured { .. } => obstacle(reading, verdict, reason),
            Ground::NotTested { metric } => {
                let why = naming::why_not_tested(reading, metric, &verdict.treatment);
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let name = naming::words(metric);
                Some(format!("whether {name} has an effect of the declared size could not be tested{why}"))
            }
            Ground::Quality { check, source } => detail(reading, *check, source.as_ref()),
            Ground::DecidedEarly { decided, horizon } => Some(early(reading, *decided, *horizon)),
            Ground::NothingDecides { why } => Some(headline::no_levels(*why).to_owned()),
            Ground::NothingBetter => Some(too_few(reading, verdict)),
            Ground::GuardrailNotShown { metric, .. } => {
                Some(format!("{} is not shown to be within its margin", naming::words(metric)))
            }
            Ground::MetricBetter { metric, .. } => {
                Some(format!("{} is significantly better", naming::words(metric)))
            }
            _ => None,
        });
    }
    if sentences.is_empty() {
        sentences.push("neither an effect nor its absence is shown".to_owned());
    }
    sentences
}

/// Names the effects that remain possible on the first success metric.
fn too_few(reading: &Reading<'_>, verdict: &Verdict) -> String {
    let possible = reading.outcome.metrics.iter().find_map(|metric| {
        let success = matches!(metric.role, Role::Success { .. });
        let effect = naming::comparison(metric, &verdict.treatment).filter(|_| success)?.estimate.effect()?;
        let between = naming::Shift::of(metric, effect).between();
        Some(format!(
            "too few units to tell: effects on {} between {between} remain possible",
            naming::words(&metric.metric)
        ))
    });
    possible.unwrap_or_else(|| "no success metric is significantly better".to_owned())
}

/// Returns what a check found.
fn detail(reading: &Reading<'_>, kind: QualityKind, source: Option<&SourceKey>) -> Option<String> {
    let mut checks = reading.outcome.quality.iter().filter(|check| check.within.is_none());
    let found = checks.find(|check| check.kind == kind && check.source.as_ref() == source);
    found.map(|check| quality::found(check, &reading.calendar))
}

fn waiting(reading: &Reading<'_>, verdict: &Verdict) -> Line {
    let (outcome, calendar) = (reading.outcome, &reading.calendar);
    if let Some(Ground::NotStarted { start }) = verdict.reasons.first() {
        return vec!["It starts on ".into(), Inline::strong(calendar.instant(*start)), ".".into()];
    }
    let Some(need) = &verdict.need else { return Line::new() };
    let mut line = traffic(reading, need);
    if let Some(Ground::BeforeLastLook { last }) = verdict.reasons.first() {
        line.push("No metric is significantly worse. The plan looks each day until ".into());
        line.push(Inline::strong(calendar.instant(*last)));
        if let Some(ahead) = calendar.ahead(outcome.as_of, *last) {
            line.push(format!(" ({ahead})").into());
        }
        line.push(" and ends the test as soon as it is decided.".into());
        line.extend(least_duration(reading));
        return line;
    }
    line.push("No metric is significantly worse. The plan decides on ".into());
    line.push(Inline::strong(calendar.instant(need.decided_on)));
    if let Some(ahead) = calendar.ahead(outcome.as_of, need.decided_on) {
        line.push(format!(" ({ahead})").into());
    }
    line.push("; effects are shown then, and not before.".into());
    line
}

/// States before when nothing ships, where that is still to come.
fn least_duration(reading: &Reading<'_>) -> Option<Inline> {
    let least = reading.outcome.experiment.analysis.min_duration;
    let experiment = &reading.outcome.experiment;
    let long = least.after(experiment.schedule.start()) > reading.outcome.as_of;
    long.then(|| {
        format!(" Nothing ships before {} of enrolment.", crate::report::calendar::duration(least)).into()
    })
}

/// Returns how many units have complete windows of every deciding metric, where the outcome counts them.
fn complete(reading: &Reading<'_>) -> Option<u64> {
    let deciding = reading.outcome.metrics.iter().filter(|metric| metric.role != Role::Exploratory);
    let counted = deciding.filter(|metric| !metric.arms.is_empty());
    counted.map(|metric| metric.arms.iter().map(|arm| arm.units).sum()).min()
}

fn traffic(reading: &Reading<'_>, need: &Need) -> Line {
    let have = format!("{} {}", count(need.have), if need.have == 1 { "unit" } else { "units" });
    let Some(needed) = need.units else {
        let why = "how many are needed is known once units have complete windows of every deciding metric";
        return vec![format!("{have} so far; {why}. ").into()];
    };
    if need.have >= needed {
        let enough = format!("{have} so far, enough for the declared power (about {})", about(needed));
        let enough = match complete(reading) {
            Some(complete) if complete < needed => {
                format!("{enough} once their windows have closed: those of {} have. ", count(complete))
            }
            _ => format!("{enough}. "),
        };
        return vec![enough.into()];
    }
    let of = format!("{} of about {} units so far. ", count(need.have), about(needed));
    let Some(reached) = need.reached_on else {
        let end = reading.outcome.experiment.schedule.end();
        let why = if reading.outcome.as_of >= end {
            let end = reading.calendar.instant(end);
            format!("Enrolment ended on {end}, so the declared power is not reached. ")
        } else {
            "At today's traffic the declared power is not reached before enrolment ends. ".to_owned()
        };
        return vec![of.into(), why.into()];
    };
    let late =
        if reached > need.decided_on { ", after the decision: it may stay inconclusive. " } else { ". " };
    let ahead = reading.calendar.ahead(reading.outcome.as_of, reached);
    let ahead = ahead.map_or_else(String::new, |ahead| format!(" ({ahead})"));
    vec![
        of.into(),
        "At today's traffic the declared power is reached on ".into(),
        Inline::strong(reading.calendar.day(reached)),
        format!("{ahead}{late}").into(),
    ]
}

fn invalid(reading: &Reading<'_>, verdict: &Verdict) -> Line {
    let mut pieces: Vec<Line> = Vec::new();
    for reason in &verdict.reasons {
        let text = match reason {
            Ground::Quality { check: QualityKind::SampleRatio, .. } => {
                pieces.push(split::uneven(reading));
                None
            }
            Ground::Quality { check, source } => detail(reading, *check, source.as_ref()),
            Ground::PlanNotAsLaunched => Some(plan(reading)),
            Ground::NotMeasured { .. } => obstacle(reading, verdict, reason),
            _ => None,
        };
        pieces.extend(text.map(|text| vec![sentence(&text).into()]));
    }
    pieces.push(vec!["Do not use these results until this is fixed.".into()]);
    let mut line = Line::new();
    for piece in pieces {
        if !line.is_empty() {
            line.push(" ".into());
        }
        line.extend(piece);
    }
    line
}

/// States why no result stands on the plan.
fn plan(reading: &Reading<'_>) -> String {
    let status = &reading.outcome.preregistration.status;
    if let PreregistrationStatus::Contradicted { doubts } = status {
        return doubt::reason(doubts, &reading.outcome.experiment.key);
    }
    let untrusted = status.changes().iter().filter(|change| change.bearing == Bearing::Untrusted);
    let parts: Vec<_> = untrusted.map(|change| naming::part(&change.part)).collect();
    let were = if parts.len() == 1 { "was" } else { "were" };
    format!(
        "{} {were} changed after launch, so units may have moved between variants, or a variant may have become another thing",
        list(&parts)
    )
}

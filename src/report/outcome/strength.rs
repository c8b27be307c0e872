//! How strong the evidence for a verdict is, said beside the headline.

use crate::report::blocks::Line;
use crate::report::number::once_in;
use trialbook_analysis::{Reason, Verdict, VerdictKind};

use super::{Told, naming, sentence};

/// Returns what a reader asks after the first line: how sure that is, and what else was found.
pub(super) fn line(told: &Told<'_>, verdict: &Verdict) -> Line {
    let sentences: Vec<String> = match verdict.kind {
        VerdictKind::Ship => ship(verdict),
        VerdictKind::RollBack => roll_back(verdict),
        VerdictKind::NoEffect => vec![
            "If there is an effect, it is smaller than the one that the plan was made to find".to_owned(),
        ],
        VerdictKind::Inconclusive => open(told, verdict),
        VerdictKind::NotDecidable => not_decidable(verdict),
        VerdictKind::KeepRunning | VerdictKind::Invalid => vec![verdict.sentence.clone()],
    };
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

fn ship(verdict: &Verdict) -> Vec<String> {
    let better = verdict.reasons.iter().find_map(|reason| match reason {
        Reason::MetricBetter { p_value, level, .. } => Some(chance(verdict, *p_value, *level)),
        _ => None,
    });
    let guarded = verdict.reasons.iter().any(|reason| matches!(reason, Reason::GuardrailSafe { .. }));
    let rest = if guarded {
        "every guardrail is within its margin, and nothing is worse beyond doubt"
    } else {
        "nothing is worse beyond doubt"
    };
    better.into_iter().chain([rest.to_owned()]).collect()
}

fn roll_back(verdict: &Verdict) -> Vec<String> {
    let worse = verdict.reasons.iter().find_map(|reason| match reason {
        Reason::MetricWorse { p_value, level, .. } => Some(chance(verdict, *p_value, *level)),
        Reason::GuardrailBreached { metric, p_value, level } => Some(format!(
            "if {} were within its margin, so large a difference would appear {} experiments; the plan asked for {}",
            naming::words(metric),
            once_in(*p_value),
            once_in(*level)
        )),
        _ => None,
    });
    let better = verdict.reasons.iter().find_map(|reason| match reason {
        Reason::MetricBetter { metric, .. } => {
            Some(format!("{} is better, which does not make up for it", naming::words(metric)))
        }
        _ => None,
    });
    worse.into_iter().chain(better).collect()
}

/// Names each metric that stands in the way, and why.
fn not_decidable(verdict: &Verdict) -> Vec<String> {
    let why = |reason: &Reason| match reason {
        Reason::NotMeasured { metric, why } => {
            Some(format!("{} could not be measured: {why}", naming::words(metric)))
        }
        Reason::NotTested { metric, why } => {
            Some(format!("{} could not be tested: {why}", naming::words(metric)))
        }
        Reason::GuardrailNotShown { metric, .. } => {
            Some(format!("{} is not shown to be within its margin", naming::words(metric)))
        }
        _ => None,
    };
    let last = "this is not a result: the same data may decide it once that is fixed".to_owned();
    verdict.reasons.iter().filter_map(why).chain([last]).collect()
}

fn open(told: &Told<'_>, verdict: &Verdict) -> Vec<String> {
    let mut sentences = vec!["the data leave it open".to_owned()];
    for (index, reason) in verdict.reasons.iter().enumerate() {
        let first = index == 0;
        sentences.extend(match reason {
            Reason::NotMeasured { metric, why } => {
                Some(format!("{} could not be measured: {why}", naming::words(metric)))
            }
            Reason::NotTested { metric, why } => Some(format!(
                "whether an effect of the declared size is ruled out for {} could not be tested: {why}",
                naming::words(metric)
            )),
            Reason::Quality { detail, .. } => Some(detail.clone()),
            Reason::BeforeHorizon { horizon } => {
                Some(format!("the plan allows a look on {}", told.calendar.instant(*horizon)))
            }
            Reason::NothingBetter if !first => Some("no success metric is better beyond doubt".to_owned()),
            Reason::GuardrailNotShown { metric, .. } if !first => {
                Some(format!("{} is not shown to be within its margin", naming::words(metric)))
            }
            _ => None,
        });
    }
    sentences
}

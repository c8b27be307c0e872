//! The verdict in a sentence that anybody can repeat.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Reason, Verdict, VerdictKind};
use trialbook_model::MetricKey;

/// Returns the sentence of a verdict whose other fields are complete.
pub(super) fn sentence(verdict: &Verdict, timezone: &TimeZone) -> String {
    let treatment = &verdict.treatment;
    let date = |instant: &Timestamp| instant.to_zoned(timezone.clone()).date();
    let told: Vec<String> = verdict.reasons.iter().filter_map(tell).collect();
    match verdict.kind {
        VerdictKind::Ship => {
            let guarded = verdict.reasons.iter().any(|r| matches!(r, Reason::GuardrailSafe { .. }));
            let rest =
                if guarded { "; every guardrail is safe and nothing is worse" } else { "; nothing is worse" };
            let better: Vec<String> =
                verdict.reasons.iter().filter(|r| is_better(r)).filter_map(tell).collect();
            if better.is_empty() {
                return format!("Ship {treatment}: every guardrail is safe and nothing is worse.");
            }
            format!("Ship {treatment}: {}{rest}.", listed(&better))
        }
        VerdictKind::RollBack => format!("Roll back {treatment}: {}.", listed(&told)),
        VerdictKind::NoEffect => format!("Keep the control: {}.", listed(&told)),
        VerdictKind::Inconclusive => match verdict.reasons.first() {
            Some(Reason::BeforeHorizon { horizon }) => {
                format!(
                    "No decision on {treatment}: it was ended before its plan allows a look on {}.",
                    date(horizon)
                )
            }
            _ => format!("No decision on {treatment}: {}.", listed(&told)),
        },
        VerdictKind::NotDecidable => {
            let why =
                |reason: &&Reason| matches!(reason, Reason::NotMeasured { .. } | Reason::NotTested { .. });
            let told: Vec<String> = verdict.reasons.iter().filter(why).filter_map(tell).collect();
            format!("{treatment} cannot be decided until this is fixed: {}.", listed(&told))
        }
        VerdictKind::Invalid => {
            let harm = if verdict.harm.is_empty() {
                String::new()
            } else {
                let metrics: Vec<String> = verdict.harm.iter().map(name).collect();
                format!(" Stop {treatment} all the same: {} worse beyond doubt.", are(&metrics))
            };
            let quality = verdict.reasons.iter().filter(|r| matches!(r, Reason::Quality { .. }));
            format!(
                "No result for {treatment}: {}.{harm}",
                listed(&quality.filter_map(tell).collect::<Vec<_>>())
            )
        }
        VerdictKind::KeepRunning => match (verdict.reasons.first(), &verdict.need) {
            (Some(Reason::NotStarted { start }), _) => format!("The experiment starts on {}.", date(start)),
            (_, Some(need)) => {
                let decided = date(&need.decided_on);
                match need.reached_on {
                    Some(reached) if reached > need.decided_on => format!(
                        "Keep running: effects are shown on {decided}, but at today's traffic the planned sample is \
                         reached only on {}.",
                        date(&reached)
                    ),
                    Some(reached) => format!(
                        "Keep running: effects are shown on {decided}; at today's traffic the planned sample is \
                         reached on {}.",
                        date(&reached)
                    ),
                    None => format!("Keep running: effects are shown on {decided}."),
                }
            }
            _ => "Keep running.".to_owned(),
        },
    }
}

fn is_better(reason: &Reason) -> bool {
    matches!(reason, Reason::MetricBetter { .. })
}

/// Returns a reason as a clause; `None` where the sentence says it otherwise.
fn tell(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::MetricBetter { metric, lift, .. } => moved(metric, *lift, "better"),
        Reason::MetricWorse { metric, lift, .. } => moved(metric, *lift, "worse") + " and worse beyond doubt",
        Reason::GuardrailBreached { metric, .. } => {
            format!("{} is worse than its margin allows", name(metric))
        }
        Reason::GuardrailNotShown { metric, .. } => {
            format!("{} is not shown to be within its margin", name(metric))
        }
        Reason::NothingBetter => "no success metric is better beyond doubt".to_owned(),
        Reason::EffectRuledOut { metric, .. } => {
            format!("an effect on {} as large as planned is ruled out", name(metric))
        }
        Reason::NotMeasured { metric, why } => format!("{} could not be measured ({why})", name(metric)),
        Reason::NotTested { metric, why } => format!("{} could not be tested ({why})", name(metric)),
        Reason::NothingDecides { why } => why.clone(),
        Reason::Quality { detail, .. } => detail.clone(),
        Reason::GuardrailSafe { .. } | Reason::BeforeHorizon { .. } | Reason::NotStarted { .. } => {
            return None;
        }
    })
}

fn moved(metric: &MetricKey, lift: Option<f64>, otherwise: &str) -> String {
    match lift {
        Some(lift) if lift >= 0.0 => format!("{} is up {:.1} %", name(metric), 100.0 * lift),
        Some(lift) => format!("{} is down {:.1} %", name(metric), -100.0 * lift),
        None => format!("{} is {otherwise}", name(metric)),
    }
}

fn name(metric: &MetricKey) -> String {
    metric.as_str().replace('-', " ")
}

fn listed(clauses: &[String]) -> String {
    match clauses {
        [] => "nothing was shown".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn are(names: &[String]) -> String {
    format!("{} {}", listed(names), if names.len() == 1 { "is" } else { "are" })
}

//! The verdict in the first line, and why it is what it is, as a fragment.

use crate::report::blocks::{Inline, Line};
use crate::report::number::{exact_percent, list, shortened, significant};
use trialbook_analysis::{
    Ground, Judgement, MetricResult, NoLevels, Outcome, QualityKind, Role, Verdict, VerdictKind,
};
use trialbook_model::MinimumEffect;

use super::{Lead, Reading, naming};

/// Returns the first line of the report.
pub(super) fn line(reading: &Reading<'_>) -> Line {
    let outcome = reading.outcome;
    match &reading.lead {
        Lead::Nothing => vec!["⛔ No result: there is no treatment to compare with the control".into()],
        Lead::Mixed => {
            let mut line =
                vec!["↩️ Keep ".into(), Inline::strong(outcome.experiment.control.as_str()), " — ".into()];
            let each =
                |verdict: &Verdict| format!("{}: {}", verdict.treatment, naming::verdict(verdict.kind));
            line.push(list(&outcome.verdicts.iter().map(each).collect::<Vec<_>>()).into());
            line
        }
        Lead::One(verdict) => single(reading, verdict, std::slice::from_ref(*verdict)),
        Lead::All(verdict) => single(reading, verdict, &outcome.verdicts),
    }
}

/// Returns the line that stands above one treatment of several.
pub(super) fn of_treatment(reading: &Reading<'_>, verdict: &Verdict) -> Line {
    let mut line = vec![
        Inline::strong(verdict.treatment.as_str()),
        format!(": {}", naming::verdict(verdict.kind)).into(),
    ];
    let reason = match verdict.kind {
        VerdictKind::Invalid | VerdictKind::KeepRunning => String::new(),
        _ => because(reading.outcome, verdict),
    };
    if !reason.is_empty() {
        line.push(format!(" — {reason}").into());
    }
    line
}

/// Returns the paragraph that names the experiment, and what was expected of it.
pub(super) fn title(outcome: &Outcome) -> Line {
    let experiment = &outcome.experiment;
    let mut line = vec![
        Inline::strong(experiment.title.as_str()),
        " · ".into(),
        Inline::code(experiment.key.as_str()),
        format!(" · {}", experiment.owner).into(),
    ];
    if !experiment.hypothesis.trim().is_empty() {
        line.push(format!(" · expected: {}", shortened(&experiment.hypothesis, 300)).into());
    }
    line
}

fn single(reading: &Reading<'_>, verdict: &Verdict, verdicts: &[Verdict]) -> Line {
    let outcome = reading.outcome;
    let names: Vec<_> = verdicts.iter().map(|verdict| verdict.treatment.as_str()).collect();
    let reason = because(outcome, verdict);
    let named = |before: &str, after: &str| {
        vec![before.into(), Inline::strong(list(&names)), format!("{after}{reason}").into()]
    };
    match verdict.kind {
        VerdictKind::Ship => named("✅ Ship ", " — "),
        VerdictKind::RollBack if reading.is_open() => named("🛑 Roll back ", " now — "),
        VerdictKind::RollBack => named("↩️ Roll back ", " — "),
        VerdictKind::NoEffect => named("∅ No effect of ", " — "),
        VerdictKind::Inconclusive => named("❓ Inconclusive for ", " — "),
        VerdictKind::NotDecidable => named("🛠️ Not decidable for ", " — "),
        VerdictKind::KeepRunning => vec![format!("⏳ {reason}").into()],
        VerdictKind::Invalid => {
            let mut line = vec![format!("⛔ No result: {reason}").into()];
            let harmful: Vec<_> =
                outcome.verdicts.iter().filter(|verdict| !verdict.harm.is_empty()).collect();
            if !harmful.is_empty() {
                let names: Vec<_> = harmful.iter().map(|verdict| verdict.treatment.as_str()).collect();
                let does = if names.len() == 1 { ": it does harm" } else { ": they do harm" };
                line.extend([" — stop ".into(), Inline::strong(list(&names)), does.into()]);
            }
            line
        }
    }
}

/// Returns the reason for a decision that rests on a verdict; where all treatments have the same one, that of each.
pub(super) fn reason(reading: &Reading<'_>, verdict: &Verdict) -> String {
    if matches!(reading.lead, Lead::All(_)) && reading.outcome.verdicts.len() > 1 {
        return of_each(reading.outcome);
    }
    super::sentence(&because(reading.outcome, verdict))
}

/// Returns why the verdict on each treatment is what it is.
pub(super) fn of_each(outcome: &Outcome) -> String {
    let each = |verdict: &Verdict| format!("{}: {}", verdict.treatment, because(outcome, verdict));
    outcome.verdicts.iter().map(each).collect::<Vec<_>>().join("; ")
}

/// Returns why the verdict is what it is, as a fragment.
pub(super) fn because(outcome: &Outcome, verdict: &Verdict) -> String {
    let moved = |metric, otherwise| naming::moved(outcome, metric, &verdict.treatment, otherwise);
    match verdict.kind {
        VerdictKind::Ship => {
            let better = verdict.reasons.iter().filter_map(|reason| match reason {
                Ground::MetricBetter { metric, .. } => Some(moved(metric, "better")),
                _ => None,
            });
            let guarded = outcome.metrics.iter().any(|m| matches!(m.role, Role::Guardrail { .. }));
            let unhurt = guarded.then(|| {
                let against = outcome.metrics.iter().any(|metric| is_against(metric, verdict));
                if against { "every guardrail within its margin" } else { "no guardrail hurt" }.to_owned()
            });
            let phrases: Vec<_> = better.chain(unhurt).collect();
            if phrases.is_empty() { "nothing is worse".to_owned() } else { phrases.join(", ") }
        }
        VerdictKind::RollBack => {
            let worse = verdict.reasons.iter().filter_map(|reason| match reason {
                Ground::MetricWorse { metric, .. } => {
                    Some(format!("{}, significantly worse", moved(metric, "changed")))
                }
                Ground::GuardrailBreached { metric, .. } => {
                    Some(format!("{}, significantly worse than its margin", moved(metric, "changed")))
                }
                _ => None,
            });
            let mut worse: Vec<_> = worse.collect();
            worse.dedup();
            if worse.is_empty() { "it hurts".to_owned() } else { list(&worse) }
        }
        VerdictKind::NoEffect => {
            let ruled_out = verdict.reasons.iter().filter_map(|reason| match reason {
                Ground::EffectRuledOut { metric, .. } => Some(ruled_out(outcome, metric)),
                _ => None,
            });
            let ruled_out: Vec<_> = ruled_out.collect();
            if ruled_out.is_empty() {
                "an effect of the declared size is ruled out".to_owned()
            } else {
                list(&ruled_out)
            }
        }
        VerdictKind::Inconclusive | VerdictKind::NotDecidable => open_question(verdict),
        VerdictKind::KeepRunning => match verdict.reasons.first() {
            Some(Ground::NotStarted { .. }) => "Not started yet".to_owned(),
            Some(Ground::BeforeLastLook { .. }) => so_far(outcome, verdict),
            _ => "Keep running — nothing decided yet".to_owned(),
        },
        VerdictKind::Invalid => verdict
            .reasons
            .iter()
            .find_map(|reason| match reason {
                Ground::PlanNotAsLaunched => Some("the plan is not the one that was launched"),
                Ground::Quality { check, .. } => Some(broken(*check)),
                _ => None,
            })
            .unwrap_or("the data cannot support a verdict")
            .to_owned(),
    }
}

/// Names what is known already, while a test with several looks goes on.
fn so_far(outcome: &Outcome, verdict: &Verdict) -> String {
    let of = |wanted: Judgement, decides: bool| {
        let metrics =
            outcome.metrics.iter().filter(move |metric| decides != matches!(metric.role, Role::Exploratory));
        metrics.filter(move |metric| {
            naming::comparison(metric, &verdict.treatment).is_some_and(|c| c.judgement == wanted)
        })
    };
    let better: Vec<_> = of(Judgement::Better, true)
        .map(|metric| naming::moved(outcome, &metric.metric, &verdict.treatment, "better"))
        .collect();
    let open: Vec<_> = of(Judgement::NotDecided, true)
        .filter(|metric| matches!(metric.role, Role::Guardrail { .. }))
        .map(|metric| naming::words(&metric.metric))
        .collect();
    match (better.is_empty(), open.is_empty()) {
        (true, _) => "Keep running — nothing decided yet".to_owned(),
        (false, true) => format!("Keep running — {}", list(&better)),
        (false, false) => {
            let is = if open.len() == 1 { "is" } else { "are" };
            format!("Keep running — {}; {} {is} not shown safe yet", list(&better), list(&open))
        }
    }
}

/// Tells whether a guardrail moved for the worse, within what its margin allows.
fn is_against(metric: &MetricResult, verdict: &Verdict) -> bool {
    let guards = matches!(metric.role, Role::Guardrail { .. });
    let effect = naming::comparison(metric, &verdict.treatment).and_then(|c| c.estimate.effect());
    guards && effect.is_some_and(|effect| naming::Shift::of(metric, effect).is_for_the_worse(metric))
}

pub(super) fn ruled_out(outcome: &Outcome, key: &trialbook_model::MetricKey) -> String {
    let name = naming::words(key);
    let size = naming::metric(outcome, key).and_then(|metric| match metric.role {
        Role::Success { mde: MinimumEffect::Relative(share) } => Some(exact_percent(share.fraction())),
        Role::Success { mde: MinimumEffect::Absolute(by) } => Some(significant(by, 3)),
        Role::Guardrail { .. } | Role::Exploratory => None,
    });
    match size {
        Some(size) => format!("{name} does not improve by {size} or more"),
        None => format!("{name} does not improve by the declared effect"),
    }
}

fn open_question(verdict: &Verdict) -> String {
    let phrase = verdict.reasons.iter().find_map(|reason| match reason {
        Ground::NothingBetter => Some("no success metric is significantly better".to_owned()),
        Ground::GuardrailNotShown { metric, .. } => {
            Some(format!("{} is not shown to be within its margin", naming::words(metric)))
        }
        Ground::NotMeasured { metric } => Some(format!("{} could not be measured", naming::words(metric))),
        Ground::NotTested { metric } => Some(format!("{} could not be tested", naming::words(metric))),
        Ground::Quality { check, .. } => Some(broken(*check).to_owned()),
        Ground::NothingDecides { why } => Some(no_levels(*why).to_owned()),
        Ground::DecidedEarly { .. } => Some("it was decided before its plan allowed a result".to_owned()),
        _ => None,
    });
    phrase.unwrap_or_else(|| "neither an effect nor its absence is shown".to_owned())
}

/// Returns why nothing can be decided by the plan.
pub(super) const fn no_levels(why: NoLevels) -> &'static str {
    match why {
        NoLevels::NothingDecides => "the plan has neither a success metric nor a guardrail",
        NoLevels::NoTreatment => "there is no treatment to decide on",
        NoLevels::DeteriorationAlphaNotBelowBeta => {
            "the plan's `deterioration_alpha` is not below one minus its `power`"
        }
        NoLevels::NotAProbability => "an error rate of the plan is 0 % or 100 %",
    }
}

/// Returns what is broken where a check fails.
pub(super) fn broken(check: QualityKind) -> &'static str {
    match check {
        QualityKind::SampleRatio => "the split is broken",
        QualityKind::InTwoVariants => "too many units are in two variants",
        QualityKind::OutsideSchedule => "too many units were exposed outside the schedule",
        QualityKind::UnknownVariant => "exposures name variants that the experiment does not have",
        QualityKind::UnusableRows => "rows of the data cannot be used",
        QualityKind::UnmeasurableMetric => "a metric cannot be measured",
        QualityKind::DayStamps => "times of rows are days",
        QualityKind::UnitIds => "the ids of facts and exposures do not meet",
        QualityKind::Copies => "rows are there more than once",
        QualityKind::Filter => "no row fulfils a metric's `where`",
        QualityKind::UnreadValues => "values of a dimension cannot be read",
        QualityKind::TooFewUnits => "too few units",
        QualityKind::DataMissing => "data is missing",
    }
}

//! The verdict as the first line says it, and what follows from it in a paragraph.

use crate::report::blocks::{Block, Inline, Line};
use crate::report::number::{
    NBSP, about, count, counted, exact_percent, list, once_in, shortened, significant,
};
use trialbook_analysis::{
    MetricResult, Need, QualityCheck, QualityKind, QualityStatus, Reason, Role, Verdict, VerdictKind,
};
use trialbook_model::MinimumEffect;

use super::{Lead, Told, naming, sentence, strength};
use trialbook_analysis::Outcome;

/// Returns the first line of the report.
pub(super) fn line(told: &Told<'_>) -> Line {
    let outcome = told.outcome;
    match &told.lead {
        Lead::Nothing => vec!["⛔ No result: there is no treatment to compare with the control".into()],
        Lead::Mixed => {
            let mut line =
                vec!["↩️ Keep ".into(), Inline::strong(outcome.experiment.control.as_str()), " — ".into()];
            let each = |verdict: &Verdict| format!("{}: {}", verdict.treatment, verdict.kind.as_str());
            line.push(list(&outcome.verdicts.iter().map(each).collect::<Vec<_>>()).into());
            line
        }
        Lead::One(verdict) => single(told, verdict, std::slice::from_ref(*verdict)),
        Lead::All(verdict) => single(told, verdict, &outcome.verdicts),
    }
}

/// Returns the line that stands above one treatment of several.
pub(super) fn of_treatment(told: &Told<'_>, verdict: &Verdict) -> Line {
    let mut line =
        vec![Inline::strong(verdict.treatment.as_str()), format!(": {}", verdict.kind.as_str()).into()];
    let reason = match verdict.kind {
        VerdictKind::Invalid | VerdictKind::KeepRunning => String::new(),
        _ => because(told.outcome, verdict),
    };
    if !reason.is_empty() {
        line.push(format!(" — {reason}").into());
    }
    line
}

/// Returns the paragraph that says which experiment this is about, and what was expected of it.
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

fn single(told: &Told<'_>, verdict: &Verdict, verdicts: &[Verdict]) -> Line {
    let outcome = told.outcome;
    let names: Vec<_> = verdicts.iter().map(|verdict| verdict.treatment.as_str()).collect();
    let reason = because(outcome, verdict);
    let named = |before: &str, after: &str| {
        vec![before.into(), Inline::strong(list(&names)), format!("{after}{reason}").into()]
    };
    match verdict.kind {
        VerdictKind::Ship => named("✅ Ship ", " — "),
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
                let does = if names.len() == 1 { ", it does harm" } else { ", they do harm" };
                line.extend([" — and stop ".into(), Inline::strong(list(&names)), does.into()]);
            }
            line
        }
    }
}

/// Says in a fragment why the verdict is what it is.
pub(super) fn because(outcome: &Outcome, verdict: &Verdict) -> String {
    let moved = |metric, otherwise| naming::moved(outcome, metric, &verdict.treatment, otherwise);
    match verdict.kind {
        VerdictKind::Ship => {
            let better = verdict.reasons.iter().filter_map(|reason| match reason {
                Reason::MetricBetter { metric, .. } => Some(moved(metric, "better")),
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
                Reason::MetricWorse { metric, .. } => Some(moved(metric, "worse")),
                Reason::GuardrailBreached { metric, .. } => {
                    Some(format!("{}, beyond its margin", moved(metric, "worse")))
                }
                _ => None,
            });
            let mut worse: Vec<_> = worse.collect();
            worse.dedup();
            if worse.is_empty() { "it hurts".to_owned() } else { list(&worse) }
        }
        VerdictKind::NoEffect => {
            let ruled_out = verdict.reasons.iter().filter_map(|reason| match reason {
                Reason::EffectRuledOut { metric, .. } => Some(ruled_out(outcome, metric)),
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
            Some(Reason::NotStarted { .. }) => "Not started yet".to_owned(),
            _ => "Keep running — nothing decided yet".to_owned(),
        },
        VerdictKind::Invalid => verdict
            .reasons
            .iter()
            .find_map(|reason| match reason {
                Reason::Quality { check, .. } => Some(broken(*check)),
                _ => None,
            })
            .unwrap_or("the data cannot carry a verdict")
            .to_owned(),
    }
}

/// Tells whether a guardrail moved for the worse, within what its margin allows.
fn is_against(metric: &MetricResult, verdict: &Verdict) -> bool {
    let guards = matches!(metric.role, Role::Guardrail { .. });
    let effect = naming::comparison(metric, &verdict.treatment).and_then(|c| c.estimate.effect());
    guards && effect.is_some_and(|effect| naming::Change::of(metric, effect).is_for_the_worse(metric))
}

fn ruled_out(outcome: &Outcome, key: &trialbook_model::MetricKey) -> String {
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
        Reason::NothingBetter => Some("no success metric is better beyond doubt".to_owned()),
        Reason::GuardrailNotShown { metric, .. } => {
            Some(format!("{} is not shown to be within its margin", naming::words(metric)))
        }
        Reason::NotMeasured { metric, .. } => {
            Some(format!("{} could not be measured", naming::words(metric)))
        }
        Reason::NotTested { metric, .. } => Some(format!("{} could not be tested", naming::words(metric))),
        Reason::Quality { check, .. } => Some(broken(*check).to_owned()),
        Reason::NothingDecides { why } => Some(why.clone()),
        Reason::BeforeHorizon { .. } => Some("ended before its plan allows a look".to_owned()),
        _ => None,
    });
    phrase.unwrap_or_else(|| "neither an effect nor its absence is shown".to_owned())
}

/// Says what is broken when a check fails.
fn broken(check: QualityKind) -> &'static str {
    match check {
        QualityKind::SampleRatio => "the split is broken",
        QualityKind::InTwoVariants => "too many units are in two variants",
        QualityKind::OutsideSchedule => "too many units were exposed outside the schedule",
        QualityKind::UnknownVariant => "exposures name variants that the experiment does not have",
        QualityKind::UnusableRows => "rows of the data cannot be used",
        QualityKind::UnmeasurableMetric => "a metric cannot be measured",
        QualityKind::TooFewUnits => "too few units",
        QualityKind::DataMissing => "data is missing",
    }
}

/// Returns the paragraphs that explain the verdict on a treatment.
pub(super) fn explanation(told: &Told<'_>, verdict: &Verdict) -> Vec<Block> {
    let mut line = match verdict.kind {
        VerdictKind::Invalid => invalid(told, verdict),
        VerdictKind::KeepRunning => waiting(told, verdict),
        _ => strength::line(told, verdict),
    };
    let several = matches!(told.lead, Lead::One(_)) && told.outcome.verdicts.len() > 1;
    if several && told.outcome.best.as_ref() == Some(&verdict.treatment) {
        let ships = told.outcome.verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Ship).count();
        if ships > 1 {
            line.push(format!(" Of the {ships} that qualify it has the largest effect; it was not tested against the others.").into());
        }
    }
    if line.is_empty() { Vec::new() } else { vec![Block::Paragraph(line)] }
}

/// Says that a treatment does harm, whatever else is known.
pub(super) fn alarm(told: &Told<'_>, verdict: &Verdict) -> Option<Line> {
    if verdict.kind != VerdictKind::Invalid || verdict.harm.is_empty() {
        return None;
    }
    let metrics: Vec<_> = verdict.harm.iter().map(naming::words).collect();
    let are = if metrics.len() == 1 { "is" } else { "are" };
    Some(vec![
        Inline::strong(format!("Stop {}.", verdict.treatment)),
        format!(
            " {} {are} worse than with {} beyond doubt. A variant that breaks also loses exposures, so this alarm stands although nothing else does.",
            super::capitalised(&list(&metrics)),
            told.outcome.experiment.control,
        )
        .into(),
    ])
}

fn waiting(told: &Told<'_>, verdict: &Verdict) -> Line {
    let (outcome, calendar) = (told.outcome, &told.calendar);
    if let Some(Reason::NotStarted { start }) = verdict.reasons.first() {
        return vec!["It begins on ".into(), Inline::strong(calendar.instant(*start)), ".".into()];
    }
    let mut line = Line::new();
    if let Some(need) = &verdict.need {
        line.extend(traffic(told, need));
        line.push("The plan decides on ".into());
        line.push(Inline::strong(calendar.instant(need.decided_on)));
        if let Some(ahead) = calendar.ahead(outcome.as_of, need.decided_on) {
            line.push(format!(" ({ahead})").into());
        }
        line.push("; effects are shown then, and not before.".into());
    } else {
        line.push(sentence(&verdict.sentence).into());
    }
    line
}

fn traffic(told: &Told<'_>, need: &Need) -> Line {
    let have = count(need.have);
    let Some(units) = need.units else {
        return vec![format!("{have} units so far; the data do not tell yet how many are needed. ").into()];
    };
    let of = format!("{have} of about {} units so far. ", about(units));
    if need.have >= units {
        return vec![
            format!("{have} units so far, enough for the declared power (about {}). ", about(units)).into(),
        ];
    }
    let Some(reached) = need.reached_on else {
        let end = told.outcome.experiment.schedule.end();
        let why = if told.outcome.as_of >= end {
            format!(
                "Enrolment ended on {}, so the declared power is not reached. ",
                told.calendar.instant(end)
            )
        } else {
            "At today's traffic the declared power is not reached before enrolment ends. ".to_owned()
        };
        return vec![of.into(), why.into()];
    };
    let late =
        if reached > need.decided_on { ", after the decision: it may stay inconclusive. " } else { ". " };
    let ahead = told.calendar.ahead(told.outcome.as_of, reached);
    let ahead = ahead.map_or_else(String::new, |ahead| format!(" ({ahead})"));
    vec![
        of.into(),
        "At today's traffic the declared power is reached on ".into(),
        Inline::strong(told.calendar.day(reached)),
        format!("{ahead}{late}").into(),
    ]
}

fn invalid(told: &Told<'_>, verdict: &Verdict) -> Line {
    let outcome = told.outcome;
    let mut line = Line::new();
    for reason in &verdict.reasons {
        if !line.is_empty() {
            line.push(" ".into());
        }
        match reason {
            Reason::Quality { check: QualityKind::SampleRatio, .. } => line.extend(uneven(outcome)),
            Reason::Quality { detail, .. } => line.push(sentence(detail).into()),
            Reason::NotMeasured { metric, why } => {
                line.push(
                    sentence(&format!("{} could not be measured: {why}", naming::words(metric))).into(),
                );
            }
            _ => drop(line.pop_if(|last| *last == Inline::text(" "))),
        }
    }
    if line.is_empty() {
        line.push(sentence(&verdict.sentence).into());
    }
    line.push(" Until that is mended, no number of this experiment means anything.".into());
    line
}

/// Tells an uneven split: how uneven, how improbable, where most.
fn uneven(outcome: &Outcome) -> Line {
    let arms = &outcome.units.arms;
    let mut line = Line::new();
    for (index, arm) in super::control_first(outcome).into_iter().enumerate() {
        let before = match index {
            0 => "",
            n if n + 1 == arms.len() => " and ",
            _ => ", ",
        };
        line.push(before.into());
        line.push(Inline::strong(arm.variant.as_str()));
        let units = if index == 0 {
            format!(" has {}", counted(arm.units, "unit", "units"))
        } else {
            format!(" {}", count(arm.units))
        };
        line.push(units.into());
    }
    let p = outcome
        .quality
        .iter()
        .find(|check| check.kind == QualityKind::SampleRatio && check.within.is_none())
        .and_then(|check| check.p_value.or(check.observed));
    let split = super::trust::planned(outcome);
    let odds = p.map_or_else(
        || format!("a {split} split does not give so uneven a result"),
        |p| format!("a {split} split gives so uneven a result {}", once_in(p)),
    );
    line.push(format!("; {odds}.").into());
    let total = outcome.units.total() as f64;
    let ratio = |units: u64, share: f64| units as f64 / (total * share);
    let short = arms
        .iter()
        .filter(|arm| arm.share.fraction() > 0.0 && total > 0.0)
        .min_by(|a, b| ratio(a.units, a.share.fraction()).total_cmp(&ratio(b.units, b.share.fraction())));
    if let Some(short) = short {
        line.push(
            format!(
                " Something drops units of {} before they are counted, or adds to the others.",
                short.variant
            )
            .into(),
        );
    }
    line.extend(where_most(outcome));
    line
}

fn where_most(outcome: &Outcome) -> Line {
    let within = |check: &&QualityCheck| check.kind == QualityKind::SampleRatio && check.within.is_some();
    let p = |check: &QualityCheck| check.p_value.or(check.observed).unwrap_or(1.0);
    let worst = outcome.quality.iter().filter(within).min_by(|a, b| p(a).total_cmp(&p(b)));
    let Some((check, (dimension, value))) = worst.and_then(|check| Some((check, check.within.as_ref()?)))
    else {
        return Line::new();
    };
    if check.status == QualityStatus::Pass {
        return vec![" It is as uneven in every part of the units that was looked at.".into()];
    }
    let same =
        |other: &&QualityCheck| other.within.as_ref().is_some_and(|(d, v)| d == dimension && v != value);
    let others: Vec<_> = outcome.quality.iter().filter(within).filter(same).collect();
    let even: Vec<_> = others
        .iter()
        .filter(|other| other.status == QualityStatus::Pass)
        .filter_map(|other| other.within.as_ref().map(|(_, value)| value.as_str()))
        .collect();
    let mut line = vec![
        format!(" It deviates most where {dimension} is{NBSP}").into(),
        Inline::strong(value.as_str()),
        format!(" ({})", check.detail.trim_end_matches('.')).into(),
    ];
    match (even.len(), others.len()) {
        (0, _) => line.push(".".into()),
        (n, all) if n == all && n <= 4 => {
            let are = if n == 1 { "is" } else { "are" };
            line.push(format!("; {} {are} even.", list(&even)).into());
        }
        (n, all) if n == all => line.push(format!("; the other {} are even.", count(n as u64)).into()),
        (n, all) => {
            line.push(format!("; {} of the other {} are even.", count(n as u64), count(all as u64)).into())
        }
    }
    line
}

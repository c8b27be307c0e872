//! From the tests of one treatment to its verdict.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sentence::sentence;
use super::{Judgement, Need, QualityCheck, QualityKind, QualityStatus, Reason, Verdict, VerdictKind};
use trialbook_model::{MetricKey, VariantKey};
use trialbook_stats::decision_rule::{DecisionLevels, Evidence, SuccessCorrection, decide};

/// Everything that a verdict on one treatment depends on.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The treatment.
    pub treatment: &'a VariantKey,
    /// The metrics that decide, in the order of the plan.
    pub metrics: Vec<MetricFinding>,
    /// The quality checks.
    pub quality: &'a [QualityCheck],
    /// The levels of the tests; `None` where nothing can be decided, with the reason.
    pub levels: Result<&'a DecisionLevels, String>,
    /// What the plan allows.
    pub stage: Stage,
    /// The time zone for dates in the sentence.
    pub timezone: &'a TimeZone,
}

/// What the plan allows at the watermark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// The experiment has not begun.
    NotStarted {
        /// When it will.
        start: Timestamp,
    },
    /// Health only.
    Running {
        /// What it waits for.
        need: Need,
    },
    /// It was decided before the plan allowed a look.
    Abandoned {
        /// When the plan would have allowed it.
        horizon: Timestamp,
    },
    /// Every unit's deciding windows have closed.
    Final,
}

/// A metric's tests for one treatment. P-values are one-sided.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFinding {
    /// Which metric.
    pub metric: MetricKey,
    /// Its part in the rule.
    pub part: Part,
    /// The p-values of "better" and "worse", or why there are none, as a fragment.
    pub directions: Result<(f64, f64), String>,
    /// The relative change, where it is defined.
    pub lift: Option<f64>,
}

/// What a metric does in the rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Can show that the change was worth making.
    Success {
        /// The p-value of "the effect is below the declared one", or why that cannot be tested, as a fragment.
        p_ruled_out: Result<f64, String>,
    },
    /// Must be shown to be within its margin.
    Guardrail(Result<GuardrailTest, String>),
}

/// A guardrail's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardrailTest {
    /// The p-value of "not worse by the margin".
    pub p_safe: f64,
    /// The p-value of "worse by more than the margin".
    pub p_breached: f64,
}

impl MetricFinding {
    fn p_better(&self) -> Option<f64> {
        self.directions.as_ref().ok().map(|(better, _)| *better)
    }

    fn p_worse(&self) -> Option<f64> {
        self.directions.as_ref().ok().map(|(_, worse)| *worse)
    }
}

/// Returns what a deciding metric says about a treatment once the plan allows a look.
pub fn judge(finding: &MetricFinding, levels: &DecisionLevels) -> Judgement {
    let Ok((better, worse)) = finding.directions else { return Judgement::NotMeasured };
    if levels.deterioration.rejects(worse) {
        return Judgement::Worse;
    }
    match &finding.part {
        Part::Success { .. } if levels.success.rejects(better) => Judgement::Better,
        Part::Success { .. } => Judgement::NoDifference,
        Part::Guardrail(Ok(test)) if levels.guardrail.rejects(test.p_breached) => Judgement::Worse,
        Part::Guardrail(Ok(test)) if levels.guardrail.rejects(test.p_safe) => Judgement::Safe,
        Part::Guardrail(_) => Judgement::NotSafe,
    }
}

/// Returns the verdict on a treatment.
///
/// Data that fail a check are *invalid* and nothing else; what is worse beyond doubt is named beside it.
/// Before the horizon nothing is said of effects. At the horizon: harm is *roll back*; rule 2 says *ship*; a
/// declared effect that every success metric rules out is *no effect*; where a deciding metric has no number, or a
/// guardrail no test, it is *not decidable*; the rest is *inconclusive*.
pub fn verdict(case: &Case<'_>) -> Verdict {
    let invalid: Vec<Reason> = case.quality.iter().filter(|check| check.invalidates()).map(quality).collect();
    let (kind, reasons, harm, need) = match case.stage {
        Stage::NotStarted { start } => {
            (VerdictKind::KeepRunning, vec![Reason::NotStarted { start }], Vec::new(), None)
        }
        _ if !invalid.is_empty() => {
            let (reasons, harm) = harm(case);
            (VerdictKind::Invalid, [invalid, reasons].concat(), harm, None)
        }
        Stage::Running { need } => {
            let reasons = vec![Reason::BeforeHorizon { horizon: need.decided_on }];
            (VerdictKind::KeepRunning, reasons, Vec::new(), Some(need))
        }
        Stage::Abandoned { horizon } => {
            (VerdictKind::Inconclusive, vec![Reason::BeforeHorizon { horizon }], Vec::new(), None)
        }
        Stage::Final => at_horizon(case),
    };
    let mut verdict =
        Verdict { treatment: case.treatment.clone(), kind, reasons, sentence: String::new(), harm, need };
    verdict.sentence = sentence(&verdict, case.timezone);
    verdict
}

type Found = (VerdictKind, Vec<Reason>, Vec<MetricKey>, Option<Need>);

fn at_horizon(case: &Case<'_>) -> Found {
    let levels = match &case.levels {
        Ok(levels) => *levels,
        Err(why) => {
            let reason = Reason::NothingDecides { why: why.clone() };
            return (VerdictKind::Inconclusive, vec![reason], Vec::new(), None);
        }
    };
    let (harm_reasons, harm) = harm(case);
    if !harm.is_empty() {
        return (VerdictKind::RollBack, harm_reasons, harm, None);
    }
    let success = successes(case);
    let guardrails = guardrails(case);
    let p_success: Vec<_> = success.iter().map(|finding| finding.p_better()).collect();
    let p_guardrails: Vec<_> = guardrails.iter().map(|(_, test)| test.ok().map(|test| test.p_safe)).collect();
    let p_worse: Vec<_> = case.metrics.iter().map(MetricFinding::p_worse).collect();
    let ratio = case.quality.iter().find(|c| c.kind == QualityKind::SampleRatio && c.within.is_none());
    let evidence = Evidence {
        success: &p_success,
        guardrails: &p_guardrails,
        deterioration: &p_worse,
        quality: &[ratio.and_then(|check| check.p_value)],
    };
    let outcome = decide(evidence, levels, SuccessCorrection::Bonferroni);
    let mut better: Vec<Reason> = Vec::new();
    for finding in outcome.better.iter().filter_map(|position| success.get(*position)) {
        better.extend(finding.p_better().map(|p_value| Reason::MetricBetter {
            metric: finding.metric.clone(),
            p_value,
            level: levels.success.get(),
            lift: finding.lift,
        }));
    }
    let guarded = guardrails.iter().map(|(metric, test)| guardrail(metric, *test, levels));
    if outcome.rule_2_ships {
        return (VerdictKind::Ship, better.into_iter().chain(guarded).collect(), Vec::new(), None);
    }
    let ruled_out: Vec<Reason> = success.iter().filter_map(|finding| ruled_out(finding, levels)).collect();
    if !success.is_empty() && ruled_out.len() == success.len() && better.is_empty() {
        return (VerdictKind::NoEffect, ruled_out, Vec::new(), None);
    }
    let open = guarded.filter(|reason| !matches!(reason, Reason::GuardrailSafe { .. }));
    let unmeasured = unmeasured(case);
    if !unmeasured.is_empty() {
        let open = open.filter(|reason| matches!(reason, Reason::GuardrailNotShown { .. }));
        let reasons = unmeasured.into_iter().chain(better).chain(open).collect();
        return (VerdictKind::NotDecidable, reasons, Vec::new(), None);
    }
    let mut reasons =
        if better.is_empty() && !success.is_empty() { vec![Reason::NothingBetter] } else { better };
    reasons.extend(open);
    reasons.extend(success.iter().filter_map(|finding| match &finding.part {
        Part::Success { p_ruled_out: Err(why) } => {
            Some(Reason::NotTested { metric: finding.metric.clone(), why: why.clone() })
        }
        _ => None,
    }));
    let doubtful = |check: &&QualityCheck| check.status != QualityStatus::Pass;
    reasons.extend(ratio.filter(doubtful).map(quality));
    (VerdictKind::Inconclusive, reasons, Vec::new(), None)
}

/// Returns the deciding metrics that have no number, and the guardrails that have no test.
fn unmeasured(case: &Case<'_>) -> Vec<Reason> {
    let reason = |finding: &MetricFinding| {
        let metric = finding.metric.clone();
        match (&finding.directions, &finding.part) {
            (Err(why), _) => Some(Reason::NotMeasured { metric, why: why.clone() }),
            (Ok(_), Part::Guardrail(Err(why))) => Some(Reason::NotTested { metric, why: why.clone() }),
            (Ok(_), Part::Guardrail(Ok(_)) | Part::Success { .. }) => None,
        }
    };
    case.metrics.iter().filter_map(reason).collect()
}

fn successes<'a>(case: &'a Case<'_>) -> Vec<&'a MetricFinding> {
    case.metrics.iter().filter(|finding| matches!(finding.part, Part::Success { .. })).collect()
}

fn guardrails<'a>(case: &'a Case<'_>) -> Vec<(&'a MetricKey, Result<GuardrailTest, &'a str>)> {
    let test = |finding: &'a MetricFinding| match &finding.part {
        Part::Guardrail(test) => Some((&finding.metric, test.as_ref().copied().map_err(String::as_str))),
        Part::Success { .. } => None,
    };
    case.metrics.iter().filter_map(test).collect()
}

fn quality(check: &QualityCheck) -> Reason {
    Reason::Quality { check: check.kind, detail: check.detail.clone() }
}

/// Returns what is worse beyond doubt, where the plan allows a look.
fn harm(case: &Case<'_>) -> (Vec<Reason>, Vec<MetricKey>) {
    let (Ok(levels), Stage::Final) = (&case.levels, case.stage) else { return Default::default() };
    let (mut reasons, mut metrics) = (Vec::new(), Vec::new());
    for finding in &case.metrics {
        let metric = finding.metric.clone();
        let breached = match &finding.part {
            Part::Guardrail(Ok(test)) => Some(test.p_breached).filter(|p| levels.guardrail.rejects(*p)),
            _ => None,
        };
        if let Some(p_value) = breached {
            reasons.push(Reason::GuardrailBreached { metric, p_value, level: levels.guardrail.get() });
        } else if let Some(p_value) = finding.p_worse().filter(|p| levels.deterioration.rejects(*p)) {
            let (level, lift) = (levels.deterioration.get(), finding.lift);
            reasons.push(Reason::MetricWorse { metric, p_value, level, lift });
        } else {
            continue;
        }
        metrics.push(finding.metric.clone());
    }
    (reasons, metrics)
}

fn guardrail(metric: &MetricKey, test: Result<GuardrailTest, &str>, levels: &DecisionLevels) -> Reason {
    let (metric, level) = (metric.clone(), levels.guardrail.get());
    match test {
        Ok(test) if levels.guardrail.rejects(test.p_safe) => {
            Reason::GuardrailSafe { metric, p_value: test.p_safe, level }
        }
        Ok(test) => Reason::GuardrailNotShown { metric, p_value: test.p_safe, level },
        Err(why) => Reason::NotMeasured { metric, why: why.to_owned() },
    }
}

fn ruled_out(finding: &MetricFinding, levels: &DecisionLevels) -> Option<Reason> {
    let Part::Success { p_ruled_out: Ok(p_value) } = finding.part else { return None };
    let (metric, level) = (finding.metric.clone(), levels.success.get());
    levels.success.rejects(p_value).then_some(Reason::EffectRuledOut { metric, p_value, level })
}

#[cfg(test)]
mod tests;

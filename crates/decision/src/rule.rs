//! From the tests of one treatment to its verdict.

use jiff::Timestamp;

use super::{
    Ground, Judgement, Need, NoLevels, QualityCheck, QualityKind, QualityStatus, Verdict, VerdictKind,
};
use trialbook_model::{MetricKey, VariantKey};
use trialbook_stats::Probability;
use trialbook_stats::decision_rule::{DecisionLevels, Evidence, decide_given};

/// Everything that a verdict on one treatment depends on.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The treatment.
    pub treatment: &'a VariantKey,
    /// The metrics that decide, in the order of the plan.
    pub metrics: Vec<MetricFinding>,
    /// The quality checks.
    pub quality: &'a [QualityCheck],
    /// The levels of the tests, or why nothing can be decided.
    pub levels: Result<&'a DecisionLevels, NoLevels>,
    /// What the plan allows.
    pub stage: Stage,
    /// No result stands on the plan: it is not the launched one, or nobody knows which one that was.
    pub plan_is_untrusted: bool,
}

/// What the plan allows at the watermark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// The experiment has not begun.
    NotStarted {
        /// When it will.
        start: Timestamp,
    },
    /// Health and harm only.
    Running {
        /// What it waits for.
        need: Need,
    },
    /// A look of a test with several, before the last one. P-values are those that are valid at every look.
    Look {
        /// What it waits for otherwise.
        need: Need,
        /// Whether enrolment has lasted long enough for a treatment to ship.
        may_ship: bool,
    },
    /// It was decided before the plan allowed a look.
    DecidedEarly {
        /// When it was decided.
        decided: Timestamp,
        /// When the plan would have allowed the look.
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
    /// The p-value of "better"; `None` where there is no number, and before the plan allows a look. Of a test with several
    /// looks it is the one that is valid at all of them: at most the level exactly where a bound has been met, and 1 while
    /// none was, before the last look.
    pub p_better: Option<f64>,
    /// The p-value of "worse", valid at every look however many there are; `None` where there is no number.
    pub p_worse: Option<f64>,
    /// The relative change, where it is defined.
    pub lift: Option<f64>,
    /// Of a success metric that Holm's correction tests: the level of its step. Otherwise it has the shared level.
    pub step: Option<Probability>,
}

impl MetricFinding {
    /// Returns the level of the test of *better*, and of the declared effect.
    fn success_level(&self, levels: &DecisionLevels) -> Probability {
        self.step.unwrap_or(levels.success)
    }
}

/// What a metric does in the rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Can show that the change was worth making.
    Success {
        /// The p-value of "the effect is below the declared one"; `None` where that cannot be tested.
        p_ruled_out: Option<f64>,
    },
    /// Must be shown to be within its margin; `None` where that cannot be tested.
    Guardrail(Option<GuardrailTest>),
}

/// A guardrail's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardrailTest {
    /// The p-value of "not worse by the margin".
    pub p_safe: f64,
    /// The p-value of "worse by more than the margin".
    pub p_breached: f64,
}

/// Returns what a deciding metric shows about a treatment once the plan allows a look.
pub fn judge(finding: &MetricFinding, levels: &DecisionLevels) -> Judgement {
    let Some(better) = finding.p_better else { return Judgement::NotMeasured };
    if finding.p_worse.is_some_and(|worse| levels.deterioration.rejects(worse)) {
        return Judgement::Worse;
    }
    match &finding.part {
        Part::Success { .. } if finding.success_level(levels).rejects(better) => Judgement::Better,
        Part::Success { .. } => Judgement::NoDifference,
        Part::Guardrail(Some(test)) if levels.guardrail.rejects(test.p_breached) => Judgement::Worse,
        Part::Guardrail(Some(test)) if levels.guardrail.rejects(test.p_safe) => Judgement::Safe,
        Part::Guardrail(_) => Judgement::NotSafe,
    }
}

/// Returns the verdict on a treatment.
///
/// Data that fail a check, and a plan that is not the launched one, are *invalid* and nothing else; what is significantly worse is
/// named beside it. Before the horizon nothing is claimed of effects but harm, which is *roll back* on whatever day; a plan with several looks
/// may *ship* at each. At the horizon: harm is
/// *roll back*; rule 2 gives *ship*; a declared effect that every success metric rules out is *no effect*; where a deciding metric has
/// no number, or a guardrail no test, it is *not decidable*; the rest is *inconclusive*.
pub fn verdict(case: &Case<'_>) -> Verdict {
    let plan = case.plan_is_untrusted.then_some(Ground::PlanNotAsLaunched);
    let failed = case.quality.iter().filter(|check| check.invalidates()).map(quality);
    let invalid: Vec<Ground> = plan.into_iter().chain(failed).collect();
    let (harm_reasons, harm) = harm(case);
    let (kind, reasons, harm, need) = match case.stage {
        Stage::NotStarted { start } => {
            (VerdictKind::KeepRunning, vec![Ground::NotStarted { start }], Vec::new(), None)
        }
        _ if !invalid.is_empty() => (VerdictKind::Invalid, [invalid, harm_reasons].concat(), harm, None),
        Stage::Running { need } if !harm.is_empty() => {
            let before = Ground::BeforeHorizon { horizon: need.decided_on };
            (VerdictKind::RollBack, [harm_reasons, vec![before]].concat(), harm, None)
        }
        Stage::Running { need } => {
            let reasons = vec![Ground::BeforeHorizon { horizon: need.decided_on }];
            (VerdictKind::KeepRunning, reasons, Vec::new(), Some(need))
        }
        Stage::Look { .. } if !harm.is_empty() => (VerdictKind::RollBack, harm_reasons, harm, None),
        Stage::Look { need, may_ship } => {
            let found = may_ship.then(|| at_horizon(case, harm_reasons, harm));
            let ships = found.filter(|(kind, ..)| *kind == VerdictKind::Ship);
            let reasons = vec![Ground::BeforeLastLook { last: need.decided_on }];
            ships.unwrap_or((VerdictKind::KeepRunning, reasons, Vec::new(), Some(need)))
        }
        Stage::DecidedEarly { decided, horizon } => {
            let early = Ground::DecidedEarly { decided, horizon };
            let kind = if harm.is_empty() { VerdictKind::Inconclusive } else { VerdictKind::RollBack };
            (kind, [harm_reasons, vec![early]].concat(), harm, None)
        }
        Stage::Final => at_horizon(case, harm_reasons, harm),
    };
    Verdict { treatment: case.treatment.clone(), kind, reasons, harm, need }
}

type Found = (VerdictKind, Vec<Ground>, Vec<MetricKey>, Option<Need>);

fn at_horizon(case: &Case<'_>, harm_reasons: Vec<Ground>, harm: Vec<MetricKey>) -> Found {
    let levels = match case.levels {
        Ok(levels) => levels,
        Err(why) => {
            return (VerdictKind::Inconclusive, vec![Ground::NothingDecides { why }], Vec::new(), None);
        }
    };
    if !harm.is_empty() {
        return (VerdictKind::RollBack, harm_reasons, harm, None);
    }
    let success = successes(case);
    let guardrails = guardrails(case);
    let p_success: Vec<_> = success.iter().map(|finding| finding.p_better).collect();
    let p_guardrails: Vec<_> = guardrails.iter().map(|(_, test)| test.map(|test| test.p_safe)).collect();
    let p_worse: Vec<_> = case.metrics.iter().map(|finding| finding.p_worse).collect();
    let ratio = case.quality.iter().find(|c| c.kind == QualityKind::SampleRatio && c.within.is_none());
    let evidence = Evidence {
        success: &p_success,
        guardrails: &p_guardrails,
        deterioration: &p_worse,
        // A single test holds at the last look alone.
        quality: &[ratio.and_then(|check| match case.stage {
            Stage::Look { .. } => check.observed,
            _ => check.p_value,
        })],
    };
    let is_better =
        |finding: &MetricFinding| finding.p_better.is_some_and(|p| finding.success_level(levels).rejects(p));
    let passed = success.iter().enumerate().filter(|(_, finding)| is_better(finding));
    let outcome = decide_given(passed.map(|(position, _)| position).collect(), evidence, levels);
    let mut better: Vec<Ground> = Vec::new();
    for finding in outcome.better.iter().filter_map(|position| success.get(*position)) {
        better.extend(finding.p_better.map(|p_value| Ground::MetricBetter {
            metric: finding.metric.clone(),
            p_value,
            level: finding.success_level(levels).get(),
            lift: finding.lift,
        }));
    }
    let guarded = guardrails.iter().map(|(metric, test)| guardrail(metric, *test, levels));
    if outcome.rule_2_ships {
        return (VerdictKind::Ship, better.into_iter().chain(guarded).collect(), Vec::new(), None);
    }
    let ruled_out: Vec<Ground> = success.iter().filter_map(|finding| ruled_out(finding, levels)).collect();
    let open = guarded.filter(|reason| !matches!(reason, Ground::GuardrailSafe { .. }));
    let unmeasured = unmeasured(case);
    // Before *no effect*, which advises to conclude: nothing is concluded while the data of a deciding metric are to be fixed.
    if !unmeasured.is_empty() {
        let open = open.filter(|reason| matches!(reason, Ground::GuardrailNotShown { .. }));
        let reasons = unmeasured.into_iter().chain(better).chain(ruled_out).chain(open).collect();
        return (VerdictKind::NotDecidable, reasons, Vec::new(), None);
    }
    if !success.is_empty() && ruled_out.len() == success.len() && better.is_empty() {
        return (VerdictKind::NoEffect, ruled_out, Vec::new(), None);
    }
    let mut reasons =
        if better.is_empty() && !success.is_empty() { vec![Ground::NothingBetter] } else { better };
    reasons.extend(open);
    reasons.extend(success.iter().filter_map(|finding| match &finding.part {
        Part::Success { p_ruled_out: None } => Some(Ground::NotTested { metric: finding.metric.clone() }),
        _ => None,
    }));
    let doubtful = |check: &&QualityCheck| check.status != QualityStatus::Pass;
    reasons.extend(ratio.filter(doubtful).map(quality));
    (VerdictKind::Inconclusive, reasons, Vec::new(), None)
}

/// Returns the deciding metrics that have no number, and the guardrails that have no test.
fn unmeasured(case: &Case<'_>) -> Vec<Ground> {
    let reason = |finding: &MetricFinding| {
        let metric = finding.metric.clone();
        match (finding.p_better, &finding.part) {
            (None, _) => Some(Ground::NotMeasured { metric }),
            (Some(_), Part::Guardrail(None)) => Some(Ground::NotTested { metric }),
            (Some(_), Part::Guardrail(Some(_)) | Part::Success { .. }) => None,
        }
    };
    case.metrics.iter().filter_map(reason).collect()
}

fn successes<'a>(case: &'a Case<'_>) -> Vec<&'a MetricFinding> {
    case.metrics.iter().filter(|finding| matches!(finding.part, Part::Success { .. })).collect()
}

fn guardrails<'a>(case: &'a Case<'_>) -> Vec<(&'a MetricKey, Option<GuardrailTest>)> {
    let test = |finding: &'a MetricFinding| match &finding.part {
        Part::Guardrail(test) => Some((&finding.metric, *test)),
        Part::Success { .. } => None,
    };
    case.metrics.iter().filter_map(test).collect()
}

fn quality(check: &QualityCheck) -> Ground {
    Ground::Quality { check: check.kind, source: check.source.clone() }
}

/// Returns what is significantly worse. That a guardrail is beyond its margin is tested at the looks of the plan's method; that a metric
/// is worse than in the control, at every look.
fn harm(case: &Case<'_>) -> (Vec<Ground>, Vec<MetricKey>) {
    let Ok(levels) = case.levels else { return Default::default() };
    let (mut reasons, mut metrics) = (Vec::new(), Vec::new());
    for finding in &case.metrics {
        let metric = finding.metric.clone();
        let breached = match &finding.part {
            Part::Guardrail(Some(test)) if matches!(case.stage, Stage::Final | Stage::Look { .. }) => {
                Some(test.p_breached).filter(|p| levels.guardrail.rejects(*p))
            }
            _ => None,
        };
        if let Some(p_value) = breached {
            reasons.push(Ground::GuardrailBreached { metric, p_value, level: levels.guardrail.get() });
        } else if let Some(p_value) = finding.p_worse.filter(|p| levels.deterioration.rejects(*p)) {
            let (level, lift) = (levels.deterioration.get(), finding.lift);
            reasons.push(Ground::MetricWorse { metric, p_value, level, lift });
        } else {
            continue;
        }
        metrics.push(finding.metric.clone());
    }
    (reasons, metrics)
}

fn guardrail(metric: &MetricKey, test: Option<GuardrailTest>, levels: &DecisionLevels) -> Ground {
    let (metric, level) = (metric.clone(), levels.guardrail.get());
    match test {
        Some(test) if levels.guardrail.rejects(test.p_safe) => {
            Ground::GuardrailSafe { metric, p_value: test.p_safe, level }
        }
        Some(test) => Ground::GuardrailNotShown { metric, p_value: test.p_safe, level },
        None => Ground::NotMeasured { metric },
    }
}

fn ruled_out(finding: &MetricFinding, levels: &DecisionLevels) -> Option<Ground> {
    let Part::Success { p_ruled_out: Some(p_value) } = finding.part else { return None };
    let (metric, level) = (finding.metric.clone(), finding.success_level(levels));
    level.rejects(p_value).then_some(Ground::EffectRuledOut { metric, p_value, level: level.get() })
}

#[cfg(test)]
mod tests;

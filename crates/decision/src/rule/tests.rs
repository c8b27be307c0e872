//! The verdicts, each by its cause.

use super::super::levels;
use super::*;
use trialbook_model::{Analysis, Guardrail, Margin, MinimumEffect, Plan, Share, SuccessMetric};

fn key(text: &str) -> MetricKey {
    MetricKey::new(text).expect("a key")
}

fn plan() -> Plan {
    let mde = MinimumEffect::Relative(Share::from_percent(2).expect("a share"));
    let margin = Margin::Relative(Share::from_percent(1).expect("a share"));
    Plan {
        success: vec![SuccessMetric { metric: key("purchases-per-user"), mde }],
        guardrails: vec![Guardrail { metric: key("refund-rate"), margin }],
        exploratory: Vec::new(),
    }
}

fn success(p_better: f64, p_ruled_out: f64) -> MetricFinding {
    MetricFinding {
        metric: key("purchases-per-user"),
        part: Part::Success { p_ruled_out: Ok(p_ruled_out) },
        directions: Ok((p_better, 1.0 - p_better)),
        lift: Some(0.031),
    }
}

fn guardrail(p_safe: f64, p_worse: f64) -> MetricFinding {
    MetricFinding {
        metric: key("refund-rate"),
        part: Part::Guardrail(Ok(GuardrailTest { p_safe, p_breached: 1.0 - p_safe })),
        directions: Ok((1.0 - p_worse, p_worse)),
        lift: Some(0.002),
    }
}

fn ratio(status: QualityStatus, p_value: f64) -> QualityCheck {
    QualityCheck {
        kind: QualityKind::SampleRatio,
        status,
        observed: Some(p_value),
        threshold: Some(0.001),
        p_value: Some(p_value),
        detail: "the split is 48.0 : 52.0 instead of 50.0 : 50.0".into(),
        within: None,
        source: None,
    }
}

fn decided(metrics: Vec<MetricFinding>, quality: QualityCheck, stage: Stage) -> Verdict {
    let levels = levels(&plan(), &Analysis::default(), 1).expect("levels");
    let treatment = VariantKey::new("bold").expect("a key");
    let quality = [quality];
    let levels = Ok(&levels);
    verdict(&Case {
        treatment: &treatment,
        metrics,
        quality: &quality,
        levels,
        stage,
        timezone: &TimeZone::UTC,
    })
}

fn at_the_horizon(metrics: Vec<MetricFinding>) -> Verdict {
    decided(metrics, ratio(QualityStatus::Pass, 0.6), Stage::Final)
}

#[test]
fn a_better_metric_and_a_safe_guardrail_ship() {
    let verdict = at_the_horizon(vec![success(0.001, 0.99), guardrail(0.001, 0.5)]);
    assert_eq!(verdict.kind, VerdictKind::Ship);
    assert_eq!(
        verdict.sentence,
        "Ship bold: purchases per user is up 3.1 %; every guardrail is safe and nothing is worse."
    );
}

#[test]
fn a_guardrail_that_is_not_shown_to_be_safe_blocks_ship() {
    let verdict = at_the_horizon(vec![success(0.001, 0.99), guardrail(0.2, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.sentence.contains("refund rate is not shown"), "{}", verdict.sentence);
}

#[test]
fn harm_rolls_back_whatever_is_better() {
    let worse = at_the_horizon(vec![success(0.0001, 0.99), guardrail(0.001, 0.0001)]);
    assert_eq!((worse.kind, worse.harm), (VerdictKind::RollBack, vec![key("refund-rate")]));
    let breached = at_the_horizon(vec![success(0.0001, 0.99), guardrail(0.9999, 0.3)]);
    assert_eq!(breached.kind, VerdictKind::RollBack);
    assert!(matches!(breached.reasons.as_slice(), [Reason::GuardrailBreached { .. }]));
}

#[test]
fn an_effect_that_is_ruled_out_is_no_effect() {
    let verdict = at_the_horizon(vec![success(0.4, 0.001), guardrail(0.2, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::NoEffect);
}

#[test]
fn neither_shown_nor_ruled_out_is_inconclusive() {
    let verdict = at_the_horizon(vec![success(0.1, 0.3), guardrail(0.001, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(verdict.reasons, [Reason::NothingBetter]);
}

#[test]
fn a_sample_ratio_mismatch_blocks_every_verdict_and_hides_no_harm() {
    let broken = || ratio(QualityStatus::Fail, 1e-11);
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.001, 0.5)], broken(), Stage::Final);
    assert_eq!(verdict.kind, VerdictKind::Invalid);
    assert!(verdict.harm.is_empty());
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.9, 1e-6)], broken(), Stage::Final);
    assert_eq!((verdict.kind, verdict.harm), (VerdictKind::Invalid, vec![key("refund-rate")]));
    assert!(verdict.sentence.contains("Stop bold all the same"), "{}", verdict.sentence);
}

#[test]
fn a_sample_ratio_that_rule_2_rejects_blocks_ship_alone() {
    let doubtful = ratio(QualityStatus::Warn, 0.002);
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.001, 0.5)], doubtful, Stage::Final);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.reasons.iter().any(|reason| matches!(reason, Reason::Quality { .. })));
}

#[test]
fn a_metric_without_a_number_blocks_ship_and_says_why() {
    let mut broken = guardrail(0.001, 0.5);
    broken.directions = Err("no unit differs from another".into());
    let verdict = at_the_horizon(vec![success(0.001, 0.99), broken]);
    assert_eq!(verdict.kind, VerdictKind::NotDecidable);
    assert!(matches!(verdict.reasons.first(), Some(Reason::NotMeasured { .. })));
    assert!(verdict.sentence.contains("could not be measured"), "{}", verdict.sentence);
}

#[test]
fn a_guardrail_without_a_test_is_not_decidable_and_harm_comes_first() {
    let mut untested = guardrail(0.001, 0.5);
    untested.part = Part::Guardrail(Err("the control mean is below zero".into()));
    let verdict = at_the_horizon(vec![success(0.001, 0.99), untested.clone()]);
    assert_eq!(verdict.kind, VerdictKind::NotDecidable);
    assert!(matches!(verdict.reasons.first(), Some(Reason::NotTested { .. })));
    untested.directions = Ok((1.0, 1e-9));
    assert_eq!(at_the_horizon(vec![success(0.001, 0.99), untested]).kind, VerdictKind::RollBack);
}

#[test]
fn an_effect_that_cannot_be_ruled_out_for_want_of_a_test_is_said() {
    let mut open = success(0.1, 0.3);
    open.part = Part::Success { p_ruled_out: Err("the control mean may be zero".into()) };
    let verdict = at_the_horizon(vec![open, guardrail(0.001, 0.5)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.sentence.contains("could not be tested (the control mean may be zero)"));
}

#[test]
fn before_the_horizon_nothing_is_said_of_effects() {
    let decided_on: Timestamp = "2026-12-23T00:00:00Z".parse().expect("an instant");
    let reached_on = Some("2026-12-13T00:00:00Z".parse().expect("an instant"));
    let need = Need { units: Some(10), have: 5, reached_on, decided_on };
    let harmful = vec![success(1.0 - 1e-9, 0.0), guardrail(1.0 - 1e-9, 1e-9)];
    let verdict = decided(harmful.clone(), ratio(QualityStatus::Pass, 0.6), Stage::Running { need });
    assert_eq!((verdict.kind, verdict.harm.len()), (VerdictKind::KeepRunning, 0));
    assert_eq!(
        verdict.sentence,
        "Keep running: effects are shown on 2026-12-23; at today's traffic the planned sample is reached on \
         2026-12-13."
    );
    let verdict = decided(harmful, ratio(QualityStatus::Fail, 1e-9), Stage::Running { need });
    assert_eq!((verdict.kind, verdict.harm.len()), (VerdictKind::Invalid, 0));
}

#[test]
fn several_reasons_are_one_list() {
    let mut unmeasured = guardrail(0.2, 0.4);
    unmeasured.directions = Err("why".into());
    let verdict = at_the_horizon(vec![success(0.1, 0.3), unmeasured]);
    assert!(verdict.sentence.ends_with('.') && !verdict.sentence.contains(".."), "{}", verdict.sentence);
}

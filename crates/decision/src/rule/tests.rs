//! The verdicts, each by its cause.

use super::super::{QualityDetail, levels};
use super::*;
use trialbook_model::{Analysis, AnalysisPlan, Guardrail, Margin, MinimumEffect, Share, SuccessMetric};

fn key(text: &str) -> MetricKey {
    MetricKey::new(text).expect("a key")
}

fn plan() -> AnalysisPlan {
    let mde = MinimumEffect::Relative(Share::from_percent(2).expect("a share"));
    let margin = Margin::Relative(Share::from_percent(1).expect("a share"));
    AnalysisPlan {
        success: vec![SuccessMetric { metric: key("purchases-per-user"), mde }],
        guardrails: vec![Guardrail { metric: key("refund-rate"), margin }],
        exploratory: Vec::new(),
    }
}

fn success(p_better: f64, p_ruled_out: f64) -> MetricFinding {
    MetricFinding {
        metric: key("purchases-per-user"),
        part: Part::Success { p_ruled_out: Some(p_ruled_out) },
        p_better: Some(p_better),
        p_worse: Some(1.0 - p_better),
        lift: Some(0.031),
        step: None,
    }
}

fn guardrail(p_safe: f64, p_worse: f64) -> MetricFinding {
    MetricFinding {
        metric: key("refund-rate"),
        part: Part::Guardrail(Some(GuardrailTest { p_safe, p_breached: 1.0 - p_safe })),
        p_better: Some(1.0 - p_worse),
        p_worse: Some(p_worse),
        lift: Some(0.002),
        step: None,
    }
}

fn ratio(status: QualityStatus, p_value: f64) -> QualityCheck {
    QualityCheck {
        kind: QualityKind::SampleRatio,
        status,
        observed: Some(p_value),
        threshold: Some(0.001),
        p_value: Some(p_value),
        detail: QualityDetail::NoUnits,
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
        plan_is_untrusted: false,
    })
}

fn at_the_horizon(metrics: Vec<MetricFinding>) -> Verdict {
    decided(metrics, ratio(QualityStatus::Pass, 0.6), Stage::Final)
}

#[test]
fn a_metric_is_better_at_the_level_of_its_step() {
    let tested = |step: f64| {
        let step = Some(Probability::new(step).expect("a probability"));
        at_the_horizon(vec![MetricFinding { step, ..success(0.02, 0.99) }, guardrail(0.001, 0.5)])
    };
    assert_eq!(tested(0.0125).kind, VerdictKind::Inconclusive);
    let verdict = tested(0.025);
    assert_eq!(verdict.kind, VerdictKind::Ship);
    assert!(matches!(verdict.reasons[0], Ground::MetricBetter { level, .. } if level == 0.025));
}

#[test]
fn a_better_metric_and_a_safe_guardrail_ship() {
    let verdict = at_the_horizon(vec![success(0.001, 0.99), guardrail(0.001, 0.5)]);
    assert_eq!(verdict.kind, VerdictKind::Ship);
    let [Ground::MetricBetter { metric, lift, .. }, Ground::GuardrailSafe { .. }] =
        verdict.reasons.as_slice()
    else {
        panic!("{:?}", verdict.reasons)
    };
    assert_eq!((metric, *lift), (&key("purchases-per-user"), Some(0.031)));
}

#[test]
fn a_guardrail_that_is_not_shown_to_be_safe_blocks_ship() {
    let verdict = at_the_horizon(vec![success(0.001, 0.99), guardrail(0.2, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    let open = |reason: &Ground| matches!(reason, Ground::GuardrailNotShown { metric, .. } if *metric == key("refund-rate"));
    assert!(verdict.reasons.iter().any(open), "{:?}", verdict.reasons);
}

#[test]
fn harm_rolls_back_whatever_is_better() {
    let worse = at_the_horizon(vec![success(0.0001, 0.99), guardrail(0.001, 0.0001)]);
    assert_eq!((worse.kind, worse.harm), (VerdictKind::RollBack, vec![key("refund-rate")]));
    let breached = at_the_horizon(vec![success(0.0001, 0.99), guardrail(0.9999, 0.3)]);
    assert_eq!(breached.kind, VerdictKind::RollBack);
    assert!(matches!(breached.reasons.as_slice(), [Ground::GuardrailBreached { .. }]));
}

#[test]
fn an_effect_that_is_ruled_out_is_no_effect() {
    let verdict = at_the_horizon(vec![success(0.4, 0.001), guardrail(0.2, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::NoEffect);
}

#[test]
fn nothing_is_concluded_from_a_ruled_out_effect_while_a_guardrail_has_no_number() {
    let mut broken = guardrail(0.2, 0.4);
    (broken.p_better, broken.p_worse) = (None, None);
    let verdict = at_the_horizon(vec![success(0.4, 0.001), broken]);
    assert_eq!(verdict.kind, VerdictKind::NotDecidable);
    let [Ground::NotMeasured { metric }, Ground::EffectRuledOut { .. }, ..] = verdict.reasons.as_slice()
    else {
        panic!("{:?}", verdict.reasons)
    };
    assert_eq!(*metric, key("refund-rate"));
}

#[test]
fn neither_shown_nor_ruled_out_is_inconclusive() {
    let verdict = at_the_horizon(vec![success(0.1, 0.3), guardrail(0.001, 0.4)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(verdict.reasons, [Ground::NothingBetter]);
}

#[test]
fn a_sample_ratio_mismatch_blocks_every_verdict_and_hides_no_harm() {
    let broken = || ratio(QualityStatus::Fail, 1e-11);
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.001, 0.5)], broken(), Stage::Final);
    assert_eq!(verdict.kind, VerdictKind::Invalid);
    assert!(verdict.harm.is_empty());
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.9, 1e-6)], broken(), Stage::Final);
    assert_eq!((verdict.kind, verdict.harm), (VerdictKind::Invalid, vec![key("refund-rate")]));
}

#[test]
fn a_sample_ratio_that_rule_2_rejects_blocks_ship_alone() {
    let doubtful = ratio(QualityStatus::Warn, 0.002);
    let verdict = decided(vec![success(0.001, 0.99), guardrail(0.001, 0.5)], doubtful, Stage::Final);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.reasons.iter().any(|reason| matches!(reason, Ground::Quality { .. })));
}

#[test]
fn a_metric_without_a_number_blocks_ship_and_says_why() {
    let mut broken = guardrail(0.001, 0.5);
    (broken.p_better, broken.p_worse) = (None, None);
    let verdict = at_the_horizon(vec![success(0.001, 0.99), broken]);
    assert_eq!(verdict.kind, VerdictKind::NotDecidable);
    assert!(matches!(verdict.reasons.first(), Some(Ground::NotMeasured { .. })));
}

#[test]
fn a_guardrail_without_a_test_is_not_decidable_and_harm_comes_first() {
    let mut untested = guardrail(0.001, 0.5);
    untested.part = Part::Guardrail(None);
    let verdict = at_the_horizon(vec![success(0.001, 0.99), untested.clone()]);
    assert_eq!(verdict.kind, VerdictKind::NotDecidable);
    assert!(matches!(verdict.reasons.first(), Some(Ground::NotTested { .. })));
    (untested.p_better, untested.p_worse) = (Some(1.0), Some(1e-9));
    assert_eq!(at_the_horizon(vec![success(0.001, 0.99), untested]).kind, VerdictKind::RollBack);
}

#[test]
fn an_effect_that_cannot_be_ruled_out_for_want_of_a_test_is_named() {
    let mut open = success(0.1, 0.3);
    open.part = Part::Success { p_ruled_out: None };
    let verdict = at_the_horizon(vec![open, guardrail(0.001, 0.5)]);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(
        verdict.reasons,
        [Ground::NothingBetter, Ground::NotTested { metric: key("purchases-per-user") }]
    );
}

fn need() -> Need {
    let decided_on: Timestamp = "2026-12-23T00:00:00Z".parse().expect("an instant");
    let reached_on = Some("2026-12-13T00:00:00Z".parse().expect("an instant"));
    Need { units: Some(10), have: 5, reached_on, decided_on }
}

#[test]
fn before_the_horizon_nothing_but_harm_is_found() {
    let need = need();
    let better = vec![success(1e-9, 0.99), guardrail(1e-9, 0.9)];
    let verdict = decided(better, ratio(QualityStatus::Pass, 0.6), Stage::Running { need });
    assert_eq!((verdict.kind, verdict.harm.len()), (VerdictKind::KeepRunning, 0));
    assert_eq!(verdict.reasons, [Ground::BeforeHorizon { horizon: need.decided_on }]);

    // A margin is tested once, at the horizon; what is worse than in the control, at every look.
    let beyond_its_margin = vec![success(0.5, 0.5), guardrail(1.0 - 1e-9, 0.5)];
    let verdict = decided(beyond_its_margin, ratio(QualityStatus::Pass, 0.6), Stage::Running { need });
    assert_eq!(verdict.kind, VerdictKind::KeepRunning);

    let harmful = vec![success(0.5, 0.5), guardrail(0.5, 1e-9)];
    let verdict = decided(harmful.clone(), ratio(QualityStatus::Pass, 0.6), Stage::Running { need });
    assert_eq!((verdict.kind, verdict.harm), (VerdictKind::RollBack, vec![key("refund-rate")]));
    assert!(matches!(verdict.reasons.as_slice(), [Ground::MetricWorse { .. }, Ground::BeforeHorizon { .. }]));
    let verdict = decided(harmful, ratio(QualityStatus::Fail, 1e-9), Stage::Running { need });
    assert_eq!((verdict.kind, verdict.harm.len()), (VerdictKind::Invalid, 1));
}

#[test]
fn an_early_decision_leaves_nothing_to_conclude_but_harm() {
    let early = Stage::DecidedEarly {
        decided: "2026-12-01T00:00:00Z".parse().expect("an instant"),
        horizon: need().decided_on,
    };
    let better = vec![success(1e-9, 0.99), guardrail(1e-9, 0.9)];
    let verdict = decided(better, ratio(QualityStatus::Pass, 0.6), early);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(matches!(verdict.reasons.as_slice(), [Ground::DecidedEarly { .. }]));
    let harmful = vec![success(0.5, 0.5), guardrail(0.5, 1e-9)];
    assert_eq!(decided(harmful, ratio(QualityStatus::Pass, 0.6), early).kind, VerdictKind::RollBack);
}

#[test]
fn a_plan_that_is_not_the_launched_one_blocks_every_verdict() {
    let levels = levels(&plan(), &Analysis::default(), 1).expect("levels");
    let verdict = verdict(&Case {
        treatment: &VariantKey::new("bold").expect("a key"),
        metrics: vec![success(0.001, 0.99), guardrail(0.001, 0.5)],
        quality: &[ratio(QualityStatus::Pass, 0.6)],
        levels: Ok(&levels),
        stage: Stage::Final,
        plan_is_untrusted: true,
    });
    assert_eq!((verdict.kind, verdict.reasons), (VerdictKind::Invalid, vec![Ground::PlanNotAsLaunched]));
}

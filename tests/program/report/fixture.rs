//! Outcomes to be reported: a shop's experiment on its checkout button, in every state.

mod outcomes;

use trialbook_analysis::{
    Adjustment, ArmMetric, ArmUnits, BookChange, BookReference, Change, DimensionEffects, Effect, Estimate,
    ExperimentReference, Ground, Heterogeneity, IdProblem, IdsMeet, Interval, Judgement, Lift,
    MetricComparison, MetricKind, MetricMoments, MetricResult, Need, NonInferiority, NonInferiorityTest,
    NotMeasured, Outcome, PartEffect, Preregistration, PreregistrationStatus, QualityCheck, QualityDetail,
    QualityKind, QualityStatus, Query, Release, ReleasePlace, Role, Spelling, SplitArm, SplitCause,
    SplitDiagnosis, TimeEffect, TimeEffects, TimeScale, TimeSpan, Tool, Units, Verdict, VerdictKind, WhyNot,
};
use trialbook_model::{
    Analysis, Bearing, Decision, DecisionOutcome, Digest, Direction, Duration, ExperimentState, LaunchDoubt,
    Margin, Method, MinimumEffect, MovedEnd, PlanChange, Schedule, Share, Split, VariantKey, Window,
};

pub use outcomes::*;

pub fn key<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a key")
}

pub fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("an instant")
}

pub fn share(text: &str) -> Share {
    Share::parse(text).expect("a share")
}

/// An outcome without metrics, verdicts and checks, with the arms given as (variant, share, units).
pub fn outcome(arms: &[(&str, &str, u64)]) -> Outcome {
    let arms: Vec<_> = arms
        .iter()
        .map(|(variant, part, units)| ArmUnits { variant: key(variant), share: share(part), units: *units })
        .collect();
    let control: VariantKey = key("plain");
    let split =
        Split::new(arms.iter().map(|arm| (arm.variant.clone(), arm.share)).collect()).expect("a split");
    let mut treatments: Vec<_> = arms.iter().map(|arm| arm.variant.clone()).collect();
    treatments.retain(|variant| *variant != control);
    Outcome {
        version: Outcome::VERSION,
        tool: Tool { name: "trialbook".into(), version: "0.1.0".into() },
        engine: Some(trialbook_analysis::warehouse::Engine {
            name: "duckdb".into(),
            version: "1.5.6".into(),
        }),
        book: BookReference {
            name: "acme-shop".into(),
            commit: Some("9f2e1c7d3b0a4c5e6f708192a3b4c5d6e7f80912".into()),
            timezone: "Europe/Stockholm".into(),
        },
        experiment: ExperimentReference {
            key: key("bold-checkout-button"),
            title: "A bold checkout button".into(),
            hypothesis: "An orange button makes more visitors finish their purchase.".into(),
            owner: "team-checkout".into(),
            surfaces: vec![key("checkout")],
            flag: key("checkout-button"),
            file: Some("experiments/checkout/bold-checkout-button.experiment.yaml".into()),
            control,
            treatments,
            split,
            schedule: Schedule::new(at("2026-11-24T23:00:00Z"), at("2026-12-15T23:00:00Z"))
                .expect("a schedule"),
            horizon: at("2026-12-22T23:00:00Z"),
            state: ExperimentState::Overdue,
            layer: Some(key("checkout")),
            allocation: share("20%").into(),
            analysis: Analysis { method: Method::FixedHorizon, earlier_default: None, ..Analysis::default() },
            decision: None,
        },
        as_of: at("2026-12-22T23:00:00Z"),
        data_until: Some(at("2026-12-22T22:59:58Z")),
        preregistration: Preregistration {
            digest: Some(Digest::of_bytes(b"plan")),
            status: PreregistrationStatus::Verified {
                commit: "3d10a4b2c9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4".into(),
                at: at("2026-11-24T22:10:00Z"),
                changes: Vec::new(),
            },
        },
        units: Units {
            arms,
            in_two_variants: 3,
            outside_schedule: 0,
            unknown_variant: 0,
            overridden: 0,
            first_exposure: Some(at("2026-11-24T23:00:04Z")),
            last_exposure: Some(at("2026-12-15T22:59:51Z")),
            look: None,
        },
        quality: Vec::new(),
        split: None,
        metrics: Vec::new(),
        dimensions: Vec::new(),
        over_time: Vec::new(),
        verdicts: Vec::new(),
        best: None,
        sources: Vec::new(),
        examples: Vec::new(),
        undefined: Vec::new(),
        past_looks: None,
        releases: Vec::new(),
        queries: vec![Query {
            name: "units per arm".into(),
            sql: "SELECT variant, count(*)\nFROM units\nGROUP BY variant".into(),
            rows: None,
            milliseconds: None,
        }],
    }
}

pub fn check(kind: QualityKind, status: QualityStatus, observed: f64, detail: QualityDetail) -> QualityCheck {
    let p_value = (kind == QualityKind::SampleRatio).then_some(observed);
    QualityCheck {
        kind,
        status,
        observed: Some(observed),
        threshold: None,
        p_value,
        detail,
        within: None,
        source: None,
    }
}

/// The units of arms that should have equal shares.
pub fn split(arms: &[(&str, u64)]) -> QualityDetail {
    let part = u32::try_from(1_000_000 / arms.len()).expect("a share");
    let share = Share::from_ppm(part).expect("a share");
    let arm = |(variant, units): &(&str, u64)| SplitArm { variant: key(variant), units: *units, share };
    QualityDetail::Split { arms: arms.iter().map(arm).collect() }
}

/// What a check found, with a text from outside in it.
pub fn poisoned(text: &str) -> QualityDetail {
    QualityDetail::Unreadable { cause: text.into() }
}

pub fn within(
    dimension: &str,
    value: &str,
    status: QualityStatus,
    p: f64,
    detail: QualityDetail,
) -> QualityCheck {
    let within = Some((key(dimension), value.to_owned()));
    QualityCheck { within, ..check(QualityKind::SampleRatio, status, p, detail) }
}

pub fn healthy() -> Vec<QualityCheck> {
    vec![
        check(
            QualityKind::SampleRatio,
            QualityStatus::Pass,
            0.614,
            split(&[("bold", 91_091), ("plain", 91_310)]),
        ),
        check(
            QualityKind::InTwoVariants,
            QualityStatus::Pass,
            0.000016,
            QualityDetail::LeftOut { units: 3, of: 182_404 },
        ),
        check(
            QualityKind::OutsideSchedule,
            QualityStatus::Pass,
            0.0,
            QualityDetail::LeftOut { units: 0, of: 182_404 },
        ),
        check(
            QualityKind::TooFewUnits,
            QualityStatus::Pass,
            91_091.0,
            QualityDetail::Fewest { variant: key("bold"), units: 91_091, needed: 100, others: Vec::new() },
        ),
        check(
            QualityKind::DataMissing,
            QualityStatus::Pass,
            1.0,
            QualityDetail::Reaches { until: at("2026-12-22T22:59:00Z") },
        ),
    ]
}

/// The numbers of an effect that a metric's row is made of: the control's mean, the lift and its standard
/// error, and whether a covariate was used.
#[derive(Clone, Copy)]
pub struct Numbers {
    pub mean: f64,
    pub lift: f64,
    pub se: f64,
    pub adjusted: Option<f64>,
}

pub fn effect(numbers: Numbers) -> Effect {
    let Numbers { mean, lift, se, adjusted } = numbers;
    let z = 1.959_963_985;
    let interval = |scale: f64| Interval { lower: (lift - z * se) * scale, upper: (lift + z * se) * scale };
    Effect {
        control_mean: mean,
        treatment_mean: mean * (1.0 + lift),
        difference: mean * lift,
        standard_error: mean * se,
        degrees_of_freedom: Some(182_000.0),
        alpha: 0.05,
        interval: interval(mean),
        statistic: lift / se,
        p_two_sided: 0.0012,
        p_greater: 0.0006,
        p_less: 0.9994,
        lift: Lift::Defined { lift, interval: interval(1.0), method: "linear-delta".into() },
        adjustment: adjusted.map_or(Adjustment::None, |variance_reduction| Adjustment::Adjusted {
            method: "full-regression".into(),
            variance_reduction,
            because: None,
        }),
    }
}

pub fn measured(treatment: &str, numbers: Numbers, judgement: Judgement) -> MetricComparison {
    MetricComparison {
        treatment: key(treatment),
        estimate: Estimate::Measured(effect(numbers)),
        level: 0.025,
        deterioration_level: 0.001,
        non_inferiority: None,
        declared_effect: None,
        p_worse: None,
        p_adjusted: None,
        looks: None,
        look: None,
        judgement,
    }
}

pub fn not_measured(treatment: &str, reason: &str, detail: WhyNot) -> MetricComparison {
    let why = NotMeasured { reason: reason.into(), detail };
    let judgement = if reason == "before-horizon" { Judgement::NotDecided } else { Judgement::NotMeasured };
    let mut comparison =
        measured(treatment, Numbers { mean: 1.0, lift: 0.0, se: 1.0, adjusted: None }, judgement);
    comparison.estimate = Estimate::NotMeasured(why);
    comparison
}

pub fn guarded(mut comparison: MetricComparison) -> MetricComparison {
    comparison.non_inferiority = Some(NonInferiority::Tested(NonInferiorityTest {
        contrast: 0.0003,
        standard_error: 0.0001,
        statistic: 3.0,
        p_value: 0.0013,
        p_breached: 0.9987,
        level: 0.025,
    }));
    comparison
}

pub fn metric(
    name: &str,
    role: Role,
    kind: MetricKind,
    direction: Direction,
    comparisons: Vec<MetricComparison>,
) -> MetricResult {
    let arms = ["bold", "plain"].map(|variant| ArmMetric {
        variant: key(variant),
        units: 91_200,
        moments: Some(moments(0.4, 90_000.0)),
    });
    MetricResult {
        metric: key(name),
        description: String::new(),
        role,
        kind,
        direction,
        window: Window::Closed(Duration::days(7)),
        cap: None,
        covariate: None,
        data_until: Some(at("2026-12-22T22:59:58Z")),
        arms: arms.into(),
        comparisons,
    }
}

pub fn success() -> Role {
    Role::Success { mde: MinimumEffect::Relative(share("2%")) }
}

pub fn guardrail(margin: &str) -> Role {
    Role::Guardrail { margin: Margin::Relative(share(margin)) }
}

pub fn verdict(treatment: &str, kind: VerdictKind, reasons: Vec<Ground>) -> Verdict {
    Verdict { treatment: key(treatment), kind, reasons, harm: Vec::new(), need: None }
}

pub fn better(metric: &str) -> Ground {
    Ground::MetricBetter { metric: key(metric), p_value: 0.0006, level: 0.025, lift: Some(0.031) }
}

pub fn safe(metric: &str) -> Ground {
    Ground::GuardrailSafe { metric: key(metric), p_value: 0.002, level: 0.025 }
}

pub fn worse(metric: &str) -> Ground {
    Ground::MetricWorse { metric: key(metric), p_value: 1e-7, level: 0.001, lift: Some(0.12) }
}

/// An effect that the web has and the apps have not.
pub fn by_platform() -> DimensionEffects {
    let part = |value: &str, units, lift| PartEffect {
        value: value.into(),
        units,
        effect: effect(Numbers { mean: 0.41, lift, se: 0.016, adjusted: Some(0.3) }),
    };
    DimensionEffects {
        metric: key("purchases-per-user"),
        treatment: key("bold"),
        dimension: key("platform"),
        parts: vec![part("web", 82_100, 0.071), part("ios", 60_210, 0.004), part("", 40_091, -0.003)],
        too_small: 2,
        heterogeneity: Some(Heterogeneity {
            q: 13.4,
            degrees_of_freedom: 2,
            p_value: 0.0012,
            p_adjusted: 0.0049,
            i_squared: 0.85,
        }),
    }
}

/// An effect that is large on the first days after the exposure and fades, whenever units came.
pub fn fading() -> Vec<TimeEffects> {
    let part = |span, lift| TimeEffect {
        span,
        units: 182_401,
        effect: effect(Numbers { mean: 0.06, lift, se: 0.004, adjusted: None }),
    };
    let change = |estimate, p_value, p_adjusted| {
        Some(Change { estimate, standard_error: 0.0009, p_value, p_adjusted })
    };
    let effects = |by, parts, change| TimeEffects {
        metric: key("purchases-per-user"),
        treatment: key("bold"),
        by,
        parts,
        too_small: 1,
        change,
    };
    let days = |first, last| TimeSpan::Days { first, last };
    let exposed = |from, until| TimeSpan::Exposed { from: at(from), until: at(until) };
    let late = exposed("2026-11-25T23:00:00Z", "2026-11-26T23:00:00Z");
    vec![
        effects(
            TimeScale::SinceExposure,
            vec![part(days(1, 1), 0.09), part(days(2, 2), 0.04), part(days(3, 4), 0.002)],
            change(-0.0051, 0.00002, 0.0001),
        ),
        effects(
            TimeScale::DayOfExposure,
            vec![part(exposed("2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z"), 0.03), part(late, 0.04)],
            change(0.0002, 0.82, 0.82),
        ),
    ]
}

/// What explains that the web loses units.
pub fn web_loses() -> SplitDiagnosis {
    let half = share("50%");
    let arms = |units: [u64; 2]| {
        ["bold", "plain"]
            .into_iter()
            .zip(units)
            .map(|(arm, units)| SplitArm { variant: key(arm), units, share: half })
            .collect()
    };
    SplitDiagnosis {
        compared: 1_268,
        level: 0.01,
        cause: Some(SplitCause {
            dimensions: vec![(key("platform"), "web".into())],
            since: Some(at("2026-12-01T09:12:00Z")),
            until: None,
            change: Some(BookChange {
                commit: "c7d30a1b2c9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a".into(),
                at: at("2026-12-01T09:12:00Z"),
                subject: "Cache the button (#1204)".into(),
            }),
            short: key("bold"),
            arms: arms([17_612, 20_590]),
            others: arms([70_492, 70_430]),
            p_value: 3e-38,
            p_others: 0.87,
            others_even: true,
        }),
    }
}

pub fn purchases(comparisons: Vec<MetricComparison>) -> MetricResult {
    let mut metric =
        metric("purchases-per-user", success(), MetricKind::Mean, Direction::IncreaseIsGood, comparisons);
    metric.covariate = Some(Duration::days(14));
    metric
}

pub fn refunds(comparisons: Vec<MetricComparison>) -> MetricResult {
    metric("refund-rate", guardrail("1%"), MetricKind::Proportion, Direction::IncreaseIsBad, comparisons)
}

/// A guardrail whose margin is one percentage point.
pub fn crashes(comparisons: Vec<MetricComparison>) -> MetricResult {
    let role = Role::Guardrail { margin: Margin::Absolute(0.01) };
    metric("crash-rate", role, MetricKind::Proportion, Direction::IncreaseIsBad, comparisons)
}

pub fn page_load(comparisons: Vec<MetricComparison>) -> MetricResult {
    metric("page-load", guardrail("3%"), MetricKind::Mean, Direction::IncreaseIsBad, comparisons)
}

pub fn revenue(comparisons: Vec<MetricComparison>) -> MetricResult {
    metric("revenue-per-user", Role::Exploratory, MetricKind::Mean, Direction::IncreaseIsGood, comparisons)
}

/// The moments of values without a covariate.
fn moments(mean: f64, m2: f64) -> MetricMoments {
    MetricMoments { mean, m2, covariate: None, denominator: None, covariate_ratio: None, quantile: None }
}

//! Outcomes to be told: a shop's experiment on its checkout button, in every state.

use trialbook_analysis::{
    Adjustment, ArmMetric, ArmUnits, BookChange, BookReference, Change, DimensionEffects, Effect, Estimate,
    ExperimentReference, Ground, Heterogeneity, Interval, Judgement, Lift, MetricComparison, MetricKind,
    MetricMoments, MetricResult, Need, NonInferiority, NonInferiorityTest, NotMeasured, Outcome, PartEffect,
    Preregistration, PreregistrationStatus, QualityCheck, QualityDetail, QualityKind, QualityStatus, Query,
    Release, ReleasePlace, Role, SplitArm, SplitCause, SplitDiagnosis, TimeEffect, TimeEffects, TimeScale,
    TimeSpan, Tool, Units, Verdict, VerdictKind, WhyNot,
};
use trialbook_model::{
    Analysis, Bearing, Decision, DecisionOutcome, Digest, Direction, Duration, ExperimentState, LaunchDoubt,
    Margin, Method, MinimumEffect, MovedEnd, PlanChange, Schedule, Share, Split, VariantKey, Window,
};

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

pub const TWO: &[(&str, &str, u64)] = &[("bold", "50%", 91_091), ("plain", "50%", 91_310)];

/// Purchases up, nothing hurt.
pub fn ship() -> Outcome {
    let mut outcome = outcome(TWO);
    outcome.quality = healthy();
    let n = |mean, lift, se, adjusted| Numbers { mean, lift, se, adjusted };
    outcome.metrics = vec![
        purchases(vec![measured("bold", n(0.412, 0.0312, 0.0097, Some(0.312)), Judgement::Better)]),
        refunds(vec![guarded(measured("bold", n(0.021, -0.004, 0.0061, None), Judgement::Safe))]),
        page_load(vec![guarded(measured("bold", n(1840.2, 0.006, 0.0056, None), Judgement::Safe))]),
        crashes(vec![guarded(measured("bold", n(0.016, 0.18, 0.083, None), Judgement::Safe))]),
        revenue(vec![measured("bold", n(18.2, 0.023, 0.0168, None), Judgement::NoDifference)]),
    ];
    outcome.verdicts = vec![verdict(
        "bold",
        VerdictKind::Ship,
        vec![better("purchases-per-user"), safe("refund-rate"), safe("page-load")],
    )];
    outcome.best = Some(key("bold"));
    outcome
}

/// A guardrail is worse.
pub fn roll_back() -> Outcome {
    let mut outcome = ship();
    let n = |mean, lift, se| Numbers { mean, lift, se, adjusted: None };
    outcome.metrics = vec![
        purchases(vec![measured("bold", n(0.412, 0.004, 0.0097), Judgement::NoDifference)]),
        refunds(vec![guarded(measured("bold", n(0.021, 0.122, 0.0141), Judgement::Worse))]),
    ];
    outcome.verdicts =
        vec![verdict("bold", VerdictKind::RollBack, vec![worse("refund-rate"), Ground::NothingBetter])];
    outcome.verdicts[0].harm = vec![key("refund-rate")];
    outcome.best = None;
    outcome
}

/// Before the horizon.
pub fn keep_running() -> Outcome {
    let mut outcome = ship();
    outcome.as_of = at("2026-12-07T23:00:00Z");
    outcome.data_until = Some(at("2026-12-07T22:58:00Z"));
    outcome.experiment.state = ExperimentState::Running;
    let held = || not_measured("bold", "before-horizon", WhyNot::BeforeHorizon);
    outcome.metrics = vec![purchases(vec![held()]), refunds(vec![held()])];
    outcome.metrics.iter_mut().flat_map(|m| &mut m.arms).for_each(|arm| arm.moments = None);
    let horizon = outcome.experiment.horizon;
    let mut verdict = verdict("bold", VerdictKind::KeepRunning, vec![Ground::BeforeHorizon { horizon }]);
    verdict.need = Some(Need {
        units: Some(182_400),
        have: 118_204,
        reached_on: Some(at("2026-12-13T11:00:00Z")),
        decided_on: horizon,
    });
    outcome.verdicts = vec![verdict];
    outcome.best = None;
    outcome
}

/// The declared effect is ruled out.
pub fn no_effect() -> Outcome {
    let mut outcome = ship();
    let n = |mean, lift, se| Numbers { mean, lift, se, adjusted: None };
    outcome.metrics = vec![
        purchases(vec![measured("bold", n(0.412, 0.0014, 0.0061), Judgement::NoDifference)]),
        refunds(vec![guarded(measured("bold", n(0.021, -0.004, 0.0061), Judgement::Safe))]),
    ];
    outcome.verdicts = vec![verdict(
        "bold",
        VerdictKind::NoEffect,
        vec![
            Ground::EffectRuledOut { metric: key("purchases-per-user"), p_value: 0.001, level: 0.025 },
            Ground::NothingBetter,
        ],
    )];
    outcome.best = None;
    outcome
}

/// Nothing is shown, and the plan was changed.
pub fn inconclusive() -> Outcome {
    let mut outcome = no_effect();
    let n = |mean, lift, se| Numbers { mean, lift, se, adjusted: None };
    outcome.metrics = vec![
        purchases(vec![measured("bold", n(0.412, 0.0134, 0.0098), Judgement::NoDifference)]),
        refunds(vec![guarded(measured("bold", n(0.021, 0.0031, 0.0061), Judgement::NotSafe))]),
    ];
    outcome.verdicts = vec![verdict(
        "bold",
        VerdictKind::Inconclusive,
        vec![
            Ground::NothingBetter,
            Ground::GuardrailNotShown { metric: key("refund-rate"), p_value: 0.13, level: 0.025 },
        ],
    )];
    outcome.preregistration.status =
        PreregistrationStatus::Deviates { changes: vec![PlanChange::new("metrics", Bearing::Deviation)] };
    outcome
}

/// A broken split, worst on the web.
pub fn invalid() -> Outcome {
    let mut outcome = outcome(&[("bold", "50%", 88_104), ("plain", "50%", 91_020)]);
    outcome.quality = healthy();
    outcome.quality[0] = check(
        QualityKind::SampleRatio,
        QualityStatus::Fail,
        5.6e-12,
        split(&[("bold", 88_104), ("plain", 91_020)]),
    );
    outcome.quality.extend([
        within(
            "platform",
            "android",
            QualityStatus::Pass,
            0.41,
            split(&[("bold", 30_690), ("plain", 30_570)]),
        ),
        within("platform", "ios", QualityStatus::Pass, 0.83, split(&[("bold", 30_702), ("plain", 30_710)])),
        within("platform", "web", QualityStatus::Fail, 1e-17, split(&[("bold", 26_712), ("plain", 29_740)])),
    ]);
    let numbers = Numbers { mean: 0.412, lift: 0.05, se: 0.01, adjusted: None };
    outcome.metrics = vec![purchases(vec![measured("bold", numbers, Judgement::Better)])];
    let reason = Ground::Quality { check: QualityKind::SampleRatio, source: None };
    outcome.verdicts = vec![verdict("bold", VerdictKind::Invalid, vec![reason])];
    outcome.split = Some(web_loses());
    outcome
}

/// A broken split of a variant that crashes.
pub fn invalid_and_harmful() -> Outcome {
    let mut outcome = invalid();
    outcome.split = Some(SplitDiagnosis { cause: None, ..web_loses() });
    let numbers = Numbers { mean: 0.013, lift: 0.41, se: 0.03, adjusted: None };
    let crashes = metric(
        "crash-rate",
        guardrail("5%"),
        MetricKind::Proportion,
        Direction::IncreaseIsBad,
        vec![guarded(measured("bold", numbers, Judgement::Worse))],
    );
    outcome.metrics.push(crashes);
    outcome.verdicts[0].harm = vec![key("crash-rate")];
    outcome
}

/// A metric without variance decides nothing.
pub fn unmeasured() -> Outcome {
    let mut outcome = inconclusive();
    outcome.preregistration.status =
        PreregistrationStatus::Unverified { doubts: vec![LaunchDoubt::NotRecorded] };
    let why = "no unit differs from another: all 182,401 have 0";
    outcome.metrics[1] =
        refunds(vec![not_measured("bold", "zero-variance", WhyNot::Refused { cause: why.into() })]);
    outcome.metrics[1].arms.iter_mut().for_each(|arm| {
        arm.moments = Some(moments(0.0, 0.0));
    });
    outcome.verdicts[0].reasons =
        vec![Ground::NotMeasured { metric: key("refund-rate") }, Ground::NothingBetter];
    outcome
}

/// Two treatments, of which both qualify.
pub fn three_armed() -> Outcome {
    let mut outcome = outcome(&[("bold", "30%", 54_655), ("huge", "30%", 54_790), ("plain", "40%", 72_956)]);
    outcome.quality = healthy();
    outcome.quality[0] = check(
        QualityKind::SampleRatio,
        QualityStatus::Pass,
        0.87,
        split(&[("bold", 54_655), ("huge", 54_790), ("plain", 72_956)]),
    );
    let n = |mean, lift, se| Numbers { mean, lift, se, adjusted: Some(0.3) };
    let mut both = purchases(vec![
        measured("bold", n(0.412, 0.0312, 0.0097), Judgement::Better),
        measured("huge", n(0.412, 0.0512, 0.0099), Judgement::Better),
    ]);
    for comparison in &mut both.comparisons {
        if let Estimate::Measured(effect) = &mut comparison.estimate {
            effect.alpha = 0.025;
        }
    }
    outcome.metrics = vec![
        both,
        refunds(vec![
            guarded(measured("bold", n(0.021, -0.004, 0.0061), Judgement::Safe)),
            guarded(measured("huge", n(0.021, -0.001, 0.0061), Judgement::Safe)),
        ]),
        page_load(vec![
            guarded(measured("bold", n(1840.2, 0.006, 0.0056), Judgement::Safe)),
            guarded(measured("huge", n(1840.2, 0.009, 0.0056), Judgement::Safe)),
        ]),
    ];
    let ships = |treatment: &str| {
        let reasons = vec![better("purchases-per-user"), safe("refund-rate"), safe("page-load")];
        verdict(treatment, VerdictKind::Ship, reasons)
    };
    outcome.verdicts = vec![ships("bold"), ships("huge")];
    outcome.best = Some(key("huge"));
    outcome
}

/// Two treatments that wait for the same day.
pub fn three_armed_waiting() -> Outcome {
    let mut outcome = three_armed();
    let waiting = keep_running();
    (outcome.as_of, outcome.best) = (waiting.as_of, None);
    for metric in &mut outcome.metrics {
        for comparison in &mut metric.comparisons {
            *comparison =
                not_measured(comparison.treatment.as_str(), "before-horizon", WhyNot::BeforeHorizon);
        }
    }
    for verdict in &mut outcome.verdicts {
        let treatment = verdict.treatment.clone();
        *verdict = Verdict { treatment, ..waiting.verdicts[0].clone() };
    }
    outcome
}

/// What ships, with the edit of the flag's file.
pub fn ship_with_edits() -> Outcome {
    let mut outcome = ship();
    outcome.releases = vec![Release {
        variant: key("bold"),
        file: "checkout/checkout-button.flag.yaml".into(),
        place: ReleasePlace::AfterLastRule,
        lines: "  - when: {country: {in: [SE, FI, DK]}}\n    serve: bold\n".into(),
        unformatted: false,
    }];
    outcome
}

/// Harm before the horizon: nothing else is shown.
pub fn roll_back_now() -> Outcome {
    let mut outcome = keep_running();
    let mut worse_metric =
        measured("bold", Numbers { mean: 0.021, lift: 0.122, se: 0.0141, adjusted: None }, Judgement::Worse);
    worse_metric.p_worse = Some(1e-7);
    if let Estimate::Measured(effect) = &mut worse_metric.estimate {
        effect.alpha = 0.002;
    }
    outcome.metrics[1] = refunds(vec![worse_metric]);
    let horizon = outcome.experiment.horizon;
    outcome.verdicts = vec![verdict(
        "bold",
        VerdictKind::RollBack,
        vec![worse("refund-rate"), Ground::BeforeHorizon { horizon }],
    )];
    outcome.verdicts[0].harm = vec![key("refund-rate")];
    outcome
}

/// Shipped as the report proposed: the flag and the end changed, which the book allows.
pub fn shipped() -> Outcome {
    let mut outcome = ship();
    outcome.experiment.decision = Some(decided("2026-12-23T23:00:00Z"));
    let planned = at("2026-12-17T23:00:00Z");
    let end = PlanChange {
        end: Some(MovedEnd { planned, now: outcome.experiment.schedule.end() }),
        ..PlanChange::new("schedule", Bearing::Allowed)
    };
    if let PreregistrationStatus::Verified { changes, .. } = &mut outcome.preregistration.status {
        *changes = vec![PlanChange::new("flag", Bearing::Allowed), end];
    }
    outcome
}

/// Shipped although it hurts.
pub fn shipped_against_the_verdict() -> Outcome {
    let mut outcome = roll_back();
    outcome.experiment.decision = Some(decided("2026-12-23T23:00:00Z"));
    outcome
}

/// Decided before the plan allowed a look.
pub fn decided_early() -> Outcome {
    let mut outcome = keep_running();
    outcome.as_of = at("2027-01-02T23:00:00Z");
    let decision = decided("2026-12-07T23:00:00Z");
    let early = Ground::DecidedEarly { decided: decision.date, horizon: outcome.experiment.horizon };
    outcome.experiment.decision = Some(decision);
    outcome.experiment.state = ExperimentState::Concluded;
    outcome.verdicts = vec![verdict("bold", VerdictKind::Inconclusive, vec![early])];
    for comparison in outcome.metrics.iter_mut().flat_map(|metric| &mut metric.comparisons) {
        *comparison = not_measured("bold", "decided-early", WhyNot::DecidedEarly);
    }
    outcome
}

/// The split was changed after launch.
pub fn untrusted_plan() -> Outcome {
    let mut outcome = ship();
    let changes =
        vec![PlanChange::new("split", Bearing::Untrusted), PlanChange::new("metrics", Bearing::Deviation)];
    outcome.preregistration.status = PreregistrationStatus::Deviates { changes };
    outcome.verdicts = vec![verdict("bold", VerdictKind::Invalid, vec![Ground::PlanNotAsLaunched])];
    outcome
}

fn decided(date: &str) -> Decision {
    Decision {
        outcome: DecisionOutcome::Ship,
        variant: Some(key("bold")),
        date: at(date),
        reason: "Purchases up.".into(),
    }
}

/// Every outcome with its name.
pub fn all() -> Vec<(&'static str, Outcome)> {
    vec![
        ("ship", Outcome { dimensions: vec![by_platform()], over_time: fading(), ..ship() }),
        ("roll-back", roll_back()),
        ("keep-running", keep_running()),
        ("no-effect", no_effect()),
        ("inconclusive", inconclusive()),
        ("invalid", invalid()),
        ("invalid-and-harmful", invalid_and_harmful()),
        ("not-measured", unmeasured()),
        ("ship-with-edits", ship_with_edits()),
        ("roll-back-now", roll_back_now()),
        ("shipped", shipped()),
        ("shipped-against-the-verdict", shipped_against_the_verdict()),
        ("decided-early", decided_early()),
        ("untrusted-plan", untrusted_plan()),
        ("three-armed", three_armed()),
        ("three-armed-waiting", three_armed_waiting()),
        ("several-looks", super::looks::running()),
        ("several-looks-ship", super::looks::stopped()),
        ("several-looks-roll-back", super::looks::harmful()),
    ]
}

/// The moments of values without a covariate.
fn moments(mean: f64, m2: f64) -> MetricMoments {
    MetricMoments { mean, m2, covariate: None, denominator: None, covariate_ratio: None, quantile: None }
}

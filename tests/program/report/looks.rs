//! Outcomes of experiments that may be decided at several looks.

use trialbook_analysis::{
    Corrected, Estimate, EstimateLook, Ground, Interval, Judgement, LookShown, Looked, MetricComparison,
    Outcome, VerdictKind,
};
use trialbook_model::Method;

use super::fixture::{
    Numbers, at, better, guarded, keep_running, key, measured, purchases, refunds, revenue, safe, ship,
    verdict, worse,
};

/// Daily looks from 3 December on, whose changes settle at that of the comparison.
fn looked(comparison: &MetricComparison, days: u32, met: Option<u32>) -> Looked {
    let Estimate::Measured(effect) = &comparison.estimate else { panic!("an effect") };
    let lift = effect.lift.value().expect("a lift");
    let look = |day: u32| {
        let (share, wave) = (f64::from(day) / f64::from(days), f64::from(day % 3) - 1.0);
        let bound = 2.0 / share.sqrt();
        let error = effect.standard_error / effect.control_mean / share.sqrt();
        let lift = lift + 0.4 * wave * (1.0 - share) * error * 2.0;
        let interval = |scale: f64| Interval {
            lower: (lift - bound * error) * scale,
            upper: (lift + bound * error) * scale,
        };
        LookShown {
            at: at(&format!("2026-12-{:02}T23:00:00Z", 1 + day)),
            units: u64::from(day) * 9_000,
            difference: lift * effect.control_mean,
            interval: Some(interval(effect.control_mean)),
            lift: Some(lift),
            lift_interval: Some(interval(1.0)),
            statistic: lift / error,
            bound: Some(bound),
        }
    };
    Looked {
        p_value: if met.is_some() { 0.0009 } else { 1.0 },
        met_at: met.map(|day| at(&format!("2026-12-{:02}T23:00:00Z", 1 + day))),
        path: (1..=days).map(look).collect(),
        corrected: None,
    }
}

fn with_looks(mut comparison: MetricComparison, days: u32, met: Option<u32>) -> MetricComparison {
    let looks = looked(&comparison, days, met);
    let shown = looks.path.last().expect("a look");
    comparison.look = Some(EstimateLook { at: shown.at, units: shown.units, is_earlier: false });
    comparison.looks = Some(looks);
    comparison
}

/// The numbers are those of a look before the one that the verdict is of.
fn earlier(mut comparison: MetricComparison) -> MetricComparison {
    if let Some(look) = &mut comparison.look {
        look.is_earlier = true;
    }
    comparison
}

fn n(mean: f64, lift: f64, se: f64) -> Numbers {
    Numbers { mean, lift, se, adjusted: None }
}

/// One metric is known to be better, and the guardrail is open.
pub fn running() -> Outcome {
    let mut outcome = keep_running();
    outcome.experiment.analysis.method = Method::GroupSequential;
    outcome.metrics = vec![
        purchases(vec![earlier(with_looks(
            measured("bold", n(0.412, 0.0412, 0.0101), Judgement::Better),
            5,
            Some(5),
        ))]),
        refunds(vec![with_looks(
            guarded(measured("bold", n(0.021, 0.004, 0.0081), Judgement::NotDecided)),
            6,
            None,
        )]),
        revenue(vec![measured("bold", n(18.2, 0.023, 0.0168), Judgement::NoDifference)]),
    ];
    let last = outcome.experiment.horizon;
    outcome.verdicts[0].reasons = vec![Ground::BeforeLastLook { last }];
    outcome
}

/// It ended early.
pub fn stopped() -> Outcome {
    let mut outcome = ship();
    outcome.as_of = at("2026-12-14T23:00:00Z");
    outcome.experiment.analysis.method = Method::GroupSequential;
    let mut first = with_looks(measured("bold", n(0.412, 0.0412, 0.0101), Judgement::Better), 12, Some(12));
    if let Some(looks) = &mut first.looks {
        looks.corrected = Some(Corrected {
            difference: 0.0161,
            interval: Interval { lower: 0.0051, upper: 0.0252 },
            lift: Some(0.0391),
            lift_interval: Some(Interval { lower: 0.0124, upper: 0.0612 }),
        });
    }
    outcome.metrics = vec![
        purchases(vec![first]),
        refunds(vec![earlier(with_looks(
            guarded(measured("bold", n(0.021, -0.004, 0.0031), Judgement::Safe)),
            10,
            Some(10),
        ))]),
    ];
    let stop = Ground::StoppedAtLook { at: at("2026-12-13T23:00:00Z"), last: outcome.experiment.horizon };
    outcome.verdicts = vec![verdict(
        "bold",
        VerdictKind::Ship,
        vec![better("purchases-per-user"), safe("refund-rate"), stop],
    )];
    outcome
}

/// A guardrail is worse.
pub fn harmful() -> Outcome {
    let mut outcome = running();
    let mut refund =
        with_looks(guarded(measured("bold", n(0.021, 0.122, 0.0141), Judgement::Worse)), 6, None);
    refund.p_worse = Some(1e-7);
    outcome.metrics[1] = refunds(vec![refund]);
    let stop = Ground::StoppedAtLook { at: outcome.as_of, last: outcome.experiment.horizon };
    outcome.verdicts = vec![verdict("bold", VerdictKind::RollBack, vec![worse("refund-rate"), stop])];
    outcome.verdicts[0].harm = vec![key("refund-rate")];
    outcome
}

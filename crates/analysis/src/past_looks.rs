//! Whether looks that an earlier outcome shows come out differently now: rows that came late, or were corrected, move them.
//!
//! A look is computed from the data alone, and computed again on every run. So two outcomes of one plan show the same looks, unless
//! the data before a look have changed in between.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::Estimate;
use super::outcome::{LookShown, MetricComparison, Outcome};
use trialbook_decision::{Ground, Judgement, Verdict, VerdictKind};
use trialbook_model::{MetricKey, VariantKey};

/// How far two estimates may be apart, as a share of the larger one: another program or engine may add in another order.
const ROUNDING: f64 = 1e-9;

/// What of earlier outcomes comes out differently now. Where a look moved more than once, what was shown first is kept, so that the
/// same run on the same data repeats it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastLooks {
    /// Whether another version of the program, or another engine, made what is compared: it may be what moved a look.
    pub other_program: bool,
    /// The looks that moved, by metric, treatment and time.
    pub moved: Vec<MovedLook>,
    /// The treatments that were decided then and are not now, the other way round, or otherwise.
    pub decisions: Vec<MovedDecision>,
}

/// A look at a metric that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovedLook {
    /// The metric.
    pub metric: MetricKey,
    /// The treatment, compared with the control.
    pub treatment: VariantKey,
    /// The look: nothing at or after it counts.
    pub at: Timestamp,
    /// The watermark of the outcome that showed it otherwise.
    pub shown_in: Timestamp,
    /// What it was.
    pub shown: LookValue,
    /// What it is; `None` where the look no longer counts: an arm has too few units, or no more of them than at the look before.
    pub now: Option<LookValue>,
}

impl MovedLook {
    /// Tells whether a bound was reached at this look and is not now, or the other way round.
    pub fn crosses(&self) -> bool {
        self.shown.met != self.now.is_some_and(|now| now.met)
    }
}

/// What a look showed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LookValue {
    /// The units of both arms.
    pub units: u64,
    /// Treatment minus control.
    pub difference: f64,
    /// The relative change, where it is defined.
    pub lift: Option<f64>,
    /// Whether the estimate reached the bound of its test at this look.
    pub met: bool,
}

impl LookValue {
    fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (self.difference, other.difference);
        self.units == other.units && self.met == other.met && (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
    }
}

/// A decision on a treatment that is another one now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovedDecision {
    /// The treatment.
    pub treatment: VariantKey,
    /// The watermark of the outcome that showed it otherwise.
    pub shown_in: Timestamp,
    /// What was decided; `None`: nothing yet.
    pub shown: Option<Decided>,
    /// What is decided with the current data; `None`: nothing yet.
    pub now: Option<Decided>,
}

/// What the looks decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What.
    pub verdict: VerdictKind,
    /// At which look.
    pub at: Timestamp,
}

/// A look at a metric: of which, for which treatment, and when.
type Place = (MetricKey, VariantKey, Timestamp);

impl PastLooks {
    /// Compares an outcome with one of the same plan that was made earlier. `None` where nothing moved, and where the two cannot be
    /// compared: another experiment, another plan, or a later watermark.
    pub fn between(earlier: &Outcome, now: &Outcome) -> Option<Self> {
        let alike = earlier.experiment.key == now.experiment.key
            && earlier.book.name == now.book.name
            && earlier.experiment.analysis == now.experiment.analysis
            && earlier.experiment.horizon == now.experiment.horizon
            && earlier.preregistration.digest == now.preregistration.digest;
        if !alike || earlier.as_of > now.as_of {
            return None;
        }
        let (moved, decisions) = (moved(earlier, now), decisions(earlier, now));
        let before = earlier.past_looks.as_ref();
        let other_program = earlier.tool != now.tool
            || earlier.engine != now.engine
            || before.is_some_and(|before| before.other_program);
        (!moved.is_empty() || !decisions.is_empty()).then_some(Self { other_program, moved, decisions })
    }
}

fn moved(earlier: &Outcome, now: &Outcome) -> Vec<MovedLook> {
    let mut shown: BTreeMap<Place, (Timestamp, LookValue)> =
        looks(earlier).into_iter().map(|(place, value)| (place, (earlier.as_of, value))).collect();
    // What was shown first is what people have seen.
    for look in earlier.past_looks.iter().flat_map(|past| &past.moved) {
        let place = (look.metric.clone(), look.treatment.clone(), look.at);
        shown.insert(place, (look.shown_in, look.shown));
    }
    let current = looks(now);
    let last = |metric: &MetricKey, treatment: &VariantKey| {
        let of_it = current.keys().filter(|(m, t, _)| m == metric && t == treatment);
        of_it.map(|(.., at)| *at).max()
    };
    let moved = shown.into_iter().filter_map(|((metric, treatment, at), (shown_in, shown))| {
        let value = current.get(&(metric.clone(), treatment.clone(), at)).copied();
        // After the look that decides now, none is shown.
        let is_compared = value.is_some() || last(&metric, &treatment).is_some_and(|last| at < last);
        let differs = value.is_none_or(|value| !value.is_near(&shown));
        (is_compared && differs).then_some(MovedLook { metric, treatment, at, shown_in, shown, now: value })
    });
    moved.collect()
}

/// Returns what an outcome shows at each look at its deciding metrics.
fn looks(outcome: &Outcome) -> BTreeMap<Place, LookValue> {
    let mut found = BTreeMap::new();
    for metric in &outcome.metrics {
        for comparison in &metric.comparisons {
            let at_looks: Vec<(Timestamp, LookValue)> = match &comparison.looks {
                Some(looked) => looked.path.iter().map(|look| (look.at, of_look(look))).collect(),
                None => at_horizon(outcome, metric.arms.iter().map(|arm| arm.units).sum(), comparison)
                    .into_iter()
                    .collect(),
            };
            found.extend(
                at_looks
                    .into_iter()
                    .map(|(at, value)| ((metric.metric.clone(), comparison.treatment.clone(), at), value)),
            );
        }
    }
    found
}

fn of_look(look: &LookShown) -> LookValue {
    LookValue {
        units: look.units,
        difference: look.difference,
        lift: look.lift,
        met: look.bound.is_some_and(|bound| look.statistic >= bound),
    }
}

/// Returns the only look of a fixed horizon; `None` before it, and of metrics that decide nothing.
fn at_horizon(
    outcome: &Outcome,
    units: u64,
    comparison: &MetricComparison,
) -> Option<(Timestamp, LookValue)> {
    let Estimate::Measured(effect) = &comparison.estimate else { return None };
    let experiment = &outcome.experiment;
    let decides = comparison.p_adjusted.is_none() && !experiment.analysis.method.is_sequential();
    (decides && outcome.as_of >= experiment.horizon).then(|| {
        let met = matches!(comparison.judgement, Judgement::Better | Judgement::Safe | Judgement::Worse);
        let value = LookValue { units, difference: effect.difference, lift: effect.lift.value(), met };
        (experiment.horizon, value)
    })
}

fn decisions(earlier: &Outcome, now: &Outcome) -> Vec<MovedDecision> {
    let moved = now.verdicts.iter().filter_map(|verdict| {
        let treatment = &verdict.treatment;
        let before = earlier.past_looks.iter().flat_map(|past| &past.decisions);
        let first = before.into_iter().find(|decision| decision.treatment == *treatment);
        let (shown_in, shown) = match first {
            Some(first) => (first.shown_in, first.shown),
            None => {
                let verdict = earlier.verdicts.iter().find(|verdict| verdict.treatment == *treatment)?;
                (earlier.as_of, decided(earlier, verdict))
            }
        };
        let current = decided(now, verdict);
        let differs = match (shown, current) {
            (Some(shown), current) => current != Some(shown),
            // A look that came after that outcome decides nothing about the past.
            (None, current) => current.is_some_and(|current| current.at <= shown_in),
        };
        differs.then(|| MovedDecision { treatment: treatment.clone(), shown_in, shown, now: current })
    });
    moved.collect()
}

/// Returns what a verdict decided, and at which look.
fn decided(outcome: &Outcome, verdict: &Verdict) -> Option<Decided> {
    let stopped = verdict.reasons.iter().find_map(|ground| match ground {
        Ground::StoppedAtLook { at, .. } => Some(*at),
        _ => None,
    });
    let horizon = outcome.experiment.horizon;
    let at = stopped.or_else(|| (outcome.as_of >= horizon).then_some(horizon))?;
    Some(Decided { verdict: verdict.kind, at })
}

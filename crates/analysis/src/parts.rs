//! Whether an effect is the same in all parts of the units: exploratory, and nothing is decided by it.

use serde::{Deserialize, Serialize};

use super::compared::Compared;
use super::effect::{Effect, NotMeasured};
use super::estimate::roles;
use super::outcome::Role;
use super::work::Work;
use crate::query::{ArmMoments, Measured, PartMoments};
use trialbook_model::{DimensionKey, Metric, MetricKey, VariantKey};
use trialbook_stats::heterogeneity::{self, cochran_q};
use trialbook_stats::multiplicity::benjamini_hochberg;
use trialbook_stats::{Probability, RareProportions};

/// The effect on a deciding metric in the parts of the units that a dimension makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DimensionEffects {
    /// The metric.
    pub metric: MetricKey,
    /// The treatment, compared with the control.
    pub treatment: VariantKey,
    /// The dimension.
    pub dimension: DimensionKey,
    /// Its values with enough units, those with most units first.
    pub parts: Vec<PartEffect>,
    /// How many values were left out, because nothing can be compared there: too few units in an arm, too few with something
    /// measured, or no number.
    pub too_small: u64,
    /// Whether the effects differ; `None` where fewer than two are known.
    pub heterogeneity: Option<Heterogeneity>,
}

/// An effect in a part of the units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartEffect {
    /// The value of the dimension; empty where there was none.
    pub value: String,
    /// The units of both arms.
    pub units: u64,
    /// The effect, with an interval at the experiment's alpha for this part alone.
    pub effect: Effect,
}

/// The test of "the absolute effect is the same in all parts".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// Cochran's Q.
    pub q: f64,
    /// The parts minus one.
    pub degrees_of_freedom: u32,
    /// Its p-value.
    pub p_value: f64,
    /// The p-value after Benjamini and Hochberg, over all metrics, treatments and dimensions of the experiment.
    pub p_adjusted: f64,
    /// The share of the differences between the effects that chance does not explain.
    pub i_squared: f64,
}

/// Returns the effects by dimension, where effects are shown: by metric, treatment and dimension.
pub(super) fn effects(work: &Work<'_>) -> Vec<DimensionEffects> {
    let Some(parts) = work.answer.parts.get(&work.experiment.key) else { return Vec::new() };
    let Ok(alpha) = Probability::new(work.experiment.analysis.alpha.fraction()) else { return Vec::new() };
    let mut found = Vec::new();
    for metric in deciding(work) {
        for treatment in work.experiment.treatments() {
            for group in parts.chunk_by(|a, b| a.dimension == b.dimension) {
                found.extend(of_dimension(work, metric, treatment, group, alpha));
            }
        }
    }
    let p_values: Vec<f64> =
        found.iter().filter_map(|one| Some(one.heterogeneity.as_ref()?.p_value)).collect();
    let tests = found.iter_mut().filter_map(|one| one.heterogeneity.as_mut());
    tests.zip(benjamini_hochberg(&p_values)).for_each(|(test, p)| test.p_adjusted = p);
    found
}

/// Returns the effects in the parts of one dimension; `None` where no part has one.
fn of_dimension(
    work: &Work<'_>,
    metric: &Metric,
    treatment: &VariantKey,
    group: &[PartMoments],
    alpha: Probability,
) -> Option<DimensionEffects> {
    let adjusted = work.experiment.analysis.adjust && metric.covariate.is_some();
    let mut parts = Vec::new();
    let mut too_small = 0;
    for part in group {
        let Some(measured) = part.metrics.get(&metric.key) else { continue };
        let Ok(measured) = measured else {
            too_small += 1;
            continue;
        };
        let Some((control, treated)) = arms(work, treatment, measured) else {
            too_small += 1;
            continue;
        };
        let compared: Result<Compared, NotMeasured> =
            Compared::new(metric, adjusted, control, treated, alpha);
        match compared {
            Ok(compared) => parts.push(PartEffect {
                value: part.value.clone(),
                units: control.units + treated.units,
                effect: compared.effect,
            }),
            Err(_) => too_small += 1,
        }
    }
    let dimension = group.first()?.dimension.clone();
    let compared: Vec<heterogeneity::Part> = parts
        .iter()
        .map(|part| heterogeneity::Part {
            effect: part.effect.difference,
            standard_error: part.effect.standard_error,
        })
        .collect();
    let heterogeneity = cochran_q(&compared).ok().map(|found| Heterogeneity {
        q: found.q,
        degrees_of_freedom: found.degrees_of_freedom,
        p_value: found.p_value,
        p_adjusted: found.p_value,
        i_squared: found.i_squared,
    });
    let (metric, treatment) = (metric.key.clone(), treatment.clone());
    (!parts.is_empty()).then_some(DimensionEffects {
        metric,
        treatment,
        dimension,
        parts,
        too_small,
        heterogeneity,
    })
}

/// Returns the deciding metrics that have a number for all units.
pub(super) fn deciding<'w>(work: &'w Work<'_>) -> impl Iterator<Item = &'w Metric> {
    let decides = roles(&work.experiment.metrics).filter(|(_, role)| !matches!(role, Role::Exploratory));
    let has_number =
        |key: &MetricKey| matches!(work.measured(key), Some(Ok(_))) && !work.faults.contains_key(key);
    decides.filter_map(move |(key, _)| work.book.metrics.get(key).filter(|_| has_number(key)))
}

/// Returns the control and the treatment, where both have enough units to be compared.
pub(super) fn arms<'m>(
    work: &Work<'_>,
    treatment: &VariantKey,
    measured: &'m Measured,
) -> Option<(&'m ArmMoments, &'m ArmMoments)> {
    let arm = |variant: &VariantKey| measured.arms.iter().find(|arm| arm.variant == *variant);
    let both = (arm(&work.experiment.control)?, arm(treatment)?);
    let fewest = u64::from(work.book.policy.quality.min_units_per_variant);
    (!is_small(both.0, fewest) && !is_small(both.1, fewest)).then_some(both)
}

/// Tells whether an arm has too few units for an effect whose error is that of a normal distribution.
fn is_small(arm: &ArmMoments, fewest: u64) -> bool {
    let rare =
        arm.events.is_some_and(|events| events.min(arm.units - events.min(arm.units)) < RareProportions::FEW);
    arm.units < fewest || arm.non_zero < RareProportions::FEW || rare
}

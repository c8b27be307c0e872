//! What an outcome holds of a metric: each arm's moments, and each treatment against the control.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::effect::{DeclaredEffect, Estimate, Interval, NonInferiority};
use trialbook_decision::Judgement;
use trialbook_model::{Cap, Direction, Duration, Margin, MetricKey, MinimumEffect, VariantKey, Window};
use trialbook_stats::{CoMoments, RatioMomentsParts};

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum Role {
    /// Can show that the change was worth making.
    Success {
        /// The smallest effect worth finding.
        mde: MinimumEffect,
    },
    /// Must be shown not to get worse by the margin.
    Guardrail {
        /// How much worse is still acceptable.
        margin: Margin,
    },
    /// Looked at; decides nothing.
    Exploratory,
}

/// What a metric is across units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricKind {
    /// The mean of a measure.
    Mean,
    /// The share of units whose measure is above zero.
    Proportion,
    /// The total of one measure over the total of another.
    Ratio,
    /// A quantile of a measure.
    Quantile,
}

/// A metric of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// Its key.
    pub metric: MetricKey,
    /// Its description.
    pub description: String,
    /// What it is for.
    pub role: Role,
    /// What it is across units.
    pub kind: MetricKind,
    /// Which direction is good.
    pub direction: Direction,
    /// Which rows count.
    pub window: Window,
    /// Where values were cut off; `None`: nowhere.
    pub cap: Option<Capping>,
    /// How long before exposure the covariate was taken; `None`: no covariate was used.
    pub covariate: Option<Duration>,
    /// How far its source reaches; `None` where it has no rows.
    pub data_until: Option<Timestamp>,
    /// Each arm, in byte order.
    pub arms: Vec<ArmMetric>,
    /// Each treatment against the control, in byte order.
    pub comparisons: Vec<MetricComparison>,
}

/// Where values were cut off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capping {
    /// As the metric declares.
    pub rule: Cap,
    /// The value; `None` where there were no units to take a quantile of.
    pub at: Option<f64>,
    /// How many units were above it.
    pub units: u64,
}

/// A metric in one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmMetric {
    /// The variant.
    pub variant: VariantKey,
    /// How many units' windows have closed: the units that count.
    pub units: u64,
    /// Their moments; `None` before the plan allows a look, and where they cannot be computed.
    pub moments: Option<MetricMoments>,
}

/// Centred moments of the units of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricMoments {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations from the mean.
    pub m2: f64,
    /// The covariate's, where one was used.
    pub covariate: Option<CovariateMoments>,
    /// Of a ratio: the denominator's; the mean and `m2` are the numerator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<CovariateMoments>,
    /// Of a ratio with a covariate: the moments of both parts, and of the same before the exposure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariate_ratio: Option<RatioMomentsParts>,
    /// Of a quantile: what its value and its error were read off. The mean is the quantile, and `m2` the sum of squares with
    /// which a mean of as many units would have its standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<QuantileValues>,
}

/// The values that a quantile and its error were read off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileValues {
    /// How many values it is one of: units, or rows.
    pub values: u64,
    /// The value 1.96 standard errors of a share below it.
    pub below: f64,
    /// The value as far above it.
    pub above: f64,
    /// Of a quantile of rows: the moments over units of the rows up to it (y) and of all rows (x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<CoMoments>,
}

impl MetricMoments {
    /// Returns the value of the arm: the mean, or of a ratio the total over the total. `None` for a denominator of zero.
    pub fn value(&self) -> Option<f64> {
        let value = self.denominator.map_or(self.mean, |denominator| self.mean / denominator.mean);
        value.is_finite().then_some(value)
    }
}

/// Centred moments of a covariate or a denominator, and its co-moment with the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CovariateMoments {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations from the mean.
    pub m2: f64,
    /// The sum of the products of both deviations.
    pub co: f64,
}

/// A treatment against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// The treatment.
    pub treatment: VariantKey,
    /// The effect, or why there is none.
    pub estimate: Estimate,
    /// The one-sided level of the test of *better* or, for a guardrail, of *safe*; for an exploratory metric
    /// half of alpha.
    pub level: f64,
    /// The one-sided level of the test of *worse*.
    pub deterioration_level: f64,
    /// For a guardrail that has an estimate: the test of non-inferiority.
    pub non_inferiority: Option<NonInferiority>,
    /// For a success metric that has an estimate: the test that the effect is smaller than the declared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_effect: Option<DeclaredEffect>,
    /// For a metric that decides: the p-value of *worse*, valid at every look however many there are. With a single look it is there
    /// before the horizon only where it is significant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_worse: Option<f64>,
    /// For an exploratory metric that has an estimate: the two-sided p-value after Benjamini and Hochberg,
    /// over all exploratory comparisons.
    pub p_adjusted: Option<f64>,
    /// For a metric that decides, of a method with several looks: what the looks have shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looked>,
    /// Of a method with several looks: the look whose numbers the estimate has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<EstimateLook>,
    /// What the tests show.
    pub judgement: Judgement,
}

/// The look whose numbers an estimate has: the one at which its test met a bound, or the latest that counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateLook {
    /// Nothing at or after it counts.
    pub at: Timestamp,
    /// The units of the control and the treatment then.
    pub units: u64,
    /// Whether it is before the look that the verdict is of, so that other rows may be of later data.
    pub is_earlier: bool,
}

/// A test with several looks: of *better* for a success metric, of *safe* for a guardrail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The p-value that is valid at every look so far: at most the level exactly where a bound was met; 1 while none was,
    /// before the last look.
    pub p_value: f64,
    /// The look at which a bound was first met. The estimate, its interval and what is corrected are those of this look.
    pub met_at: Option<Timestamp>,
    /// Each look that counted, in order, up to the one whose estimate is shown.
    pub path: Vec<LookShown>,
    /// For a group sequential test of *better* that met its bound before its last look: what corrects for having stopped on
    /// a high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Corrected>,
}

/// An effect at a look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LookShown {
    /// Nothing at or after it counts.
    pub at: Timestamp,
    /// The units of both arms.
    pub units: u64,
    /// Treatment minus control.
    pub difference: f64,
    /// Its repeated interval, valid at all looks together; `None` where so little of the level is spent that there is none.
    pub interval: Option<Interval>,
    /// The relative change, where it is defined.
    pub lift: Option<f64>,
    /// Its interval.
    pub lift_interval: Option<Interval>,
    /// By how many standard errors the estimate stands out in the direction that is tested for.
    pub statistic: f64,
    /// By how many it has to.
    pub bound: Option<f64>,
}

/// An estimate that accounts for having stopped early (Tsiatis, Rosner and Mehta 1984).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// The difference that half of all such tests would have found more extreme than this one did.
    pub difference: f64,
    /// Its two-sided interval at the level of the effect.
    pub interval: Interval,
    /// The difference as a share of the size of the control mean, where the relative change is defined.
    pub lift: Option<f64>,
    /// Its interval.
    pub lift_interval: Option<Interval>,
}

//! Statistics of randomised experiments, as pure functions of moments.
//!
//! A warehouse reduces the units of an arm to [`Moments`] or [`CoMoments`], which merge. Two arms make a
//! [`Comparison`]: [`mean_difference`], [`proportion_difference`], [`ratio_difference`], [`quantile_difference`],
//! [`adjusted_mean_difference`], [`adjusted_ratio_difference`]. From a comparison follow its [`EffectEstimate`] with
//! intervals, p-values and [`Lift`], and the test of [non-inferiority](Comparison::non_inferiority). [`sequential`]
//! looks more than once at any of them. [`sample_ratio`](sample_ratio::sample_ratio) checks the split,
//! [`multiplicity`] corrects several tests, [`decision_rule`] shares the errors among the metrics of an experiment,
//! [`heterogeneity`] compares effects, and [`power`] and [`design`] give the units that are needed.
//!
//! What cannot be measured is a reason ([`Unmeasurable`]), never a number. Treatment minus control
//! everywhere.
//!
//! ```
//! use trialbook_stats::{Estimate, Moments, Probability, mean_difference};
//!
//! let control = Moments::from_parts(5000, 12.4, 1_250_999.75)?;
//! let treatment = Moments::from_parts(5100, 12.9, 1_333_388.5)?;
//! let estimate = Estimate::of(mean_difference(&control, &treatment), Probability::new(0.05)?);
//! let effect = estimate.effect().ok_or("measured")?;
//! assert!((effect.p_two_sided - 0.11626728738171085).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod adjustment;
pub mod co_moments;
pub mod comparison;
mod covariate;
pub mod decision_rule;
pub mod design;
mod digits;
pub mod distribution;
pub mod effect;
pub mod heterogeneity;
pub mod lift;
mod lines;
pub mod moments;
pub mod multiplicity;
pub mod non_inferiority;
pub mod power;
pub mod probability;
pub mod quantile;
pub mod rare;
pub mod ratio;
pub mod ratio_moments;
pub mod reason;
pub mod reference;
pub mod sample_ratio;
pub mod sequential;
pub mod split_search;

pub use adjustment::{Adjustment, PooledThetaReason, adjusted_mean_difference};
pub use co_moments::{CoMoments, CoMomentsParts};
pub use comparison::{Comparison, mean_difference, proportion_difference};
pub use digits::significant;
pub use effect::{Better, EffectEstimate, Estimate};
pub use lift::{DefinedLift, Lift, LiftMethod, LiftUndefined};
pub use moments::{Moments, MomentsError};
pub use non_inferiority::{Margin, NonInferiority, NonInferiorityResult, NotTestable};
pub use probability::{NotAProbability, Probability};
pub use quantile::{Quantile, QuantileRanks, quantile_difference};
pub use rare::{Events, RareProportions};
pub use ratio::{adjusted_ratio_difference, linearised_with_covariate, ratio_difference};
pub use ratio_moments::{RatioMoments, RatioMomentsParts};
pub use reason::{Arm, Unmeasurable};
pub use reference::{Interval, Reference, Tails};

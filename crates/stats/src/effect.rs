//! A measured effect at a level, or the reason why none was measured.

use serde::{Deserialize, Serialize};

use super::comparison::Comparison;
use super::lift::Lift;
use super::probability::Probability;
use super::reason::Unmeasurable;
use super::reference::Interval;

/// Which way a metric should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More is better (`increase_is: good`).
    Higher,
    /// Less is better (`increase_is: bad`).
    Lower,
}

impl Comparison {
    /// Everything that a report shows of the difference, at the two-sided level `alpha`.
    pub fn effect(&self, alpha: Probability) -> Result<EffectEstimate, Unmeasurable> {
        let tails = self.test(0.0);
        Ok(EffectEstimate {
            comparison: *self,
            alpha,
            standard_error: self.standard_error(),
            interval: self.interval(alpha)?,
            statistic: tails.statistic,
            p_two_sided: tails.p_two_sided,
            p_greater: tails.p_greater,
            p_less: tails.p_less,
            lift: self.lift(alpha),
        })
    }
}

/// A measured effect: the comparison, and what follows from it at a level.
///
/// P-values may be as small as double precision allows, and 0 below that: print a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EffectEstimate {
    /// The estimates, their variances, and how they were adjusted.
    pub comparison: Comparison,
    /// The two-sided level that the intervals belong to; each directional test has half of it.
    pub alpha: Probability,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// The interval of the absolute difference.
    pub interval: Interval,
    /// The difference in standard errors.
    pub statistic: f64,
    /// The p-value of "there is a difference".
    pub p_two_sided: f64,
    /// The one-sided p-value of "the treatment is higher".
    pub p_greater: f64,
    /// The one-sided p-value of "the treatment is lower".
    pub p_less: f64,
    /// The difference relative to the control mean, or why it is undefined.
    pub lift: Lift,
}

impl EffectEstimate {
    /// The one-sided p-value of "the treatment is better".
    pub fn p_better(&self, better: Better) -> f64 {
        match better {
            Better::Higher => self.p_greater,
            Better::Lower => self.p_less,
        }
    }

    /// The one-sided p-value of "the treatment is worse".
    pub fn p_worse(&self, better: Better) -> f64 {
        match better {
            Better::Higher => self.p_less,
            Better::Lower => self.p_greater,
        }
    }
}

/// What was measured, or why nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimate {
    /// An effect.
    Measured(EffectEstimate),
    /// No number, and the reason.
    NotMeasured(Unmeasurable),
}

impl Estimate {
    /// Returns the effect of a comparison at the two-sided level `alpha`, or why there is none.
    pub fn of(comparison: Result<Comparison, Unmeasurable>, alpha: Probability) -> Self {
        match comparison.and_then(|comparison| comparison.effect(alpha)) {
            Ok(effect) => Self::Measured(effect),
            Err(reason) => Self::NotMeasured(reason),
        }
    }

    /// The effect, if one was measured.
    pub fn effect(&self) -> Option<&EffectEstimate> {
        match self {
            Self::Measured(effect) => Some(effect),
            Self::NotMeasured(_) => None,
        }
    }
}

//! The difference relative to the control mean.
//!
//! The control mean has an error of its own, and shares it with the difference; dividing the
//! absolute interval by it is too narrow. The decision is made on the absolute difference, so no
//! p-value is given here that could disagree with it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::comparison::Comparison;
use super::digits::significant;
use super::probability::Probability;
use super::reference::Interval;

/// Up to this coefficient of variation of the control mean the linear approximation of the ratio
/// serves; above it its interval is too short on one side, and Fieller's set is used.
pub const LINEAR_UP_TO_VARIATION: f64 = 0.1;

/// The relative difference, or why it is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lift {
    /// A lift with its interval.
    Defined(DefinedLift),
    /// No lift, and the reason.
    Undefined(LiftUndefined),
}

impl Lift {
    /// The lift, where it is defined.
    pub fn defined(&self) -> Option<&DefinedLift> {
        match self {
            Self::Defined(lift) => Some(lift),
            Self::Undefined(_) => None,
        }
    }
}

/// A lift: 0.02 is two percent more than the control mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DefinedLift {
    /// The difference divided by the control mean.
    pub lift: f64,
    /// The two-sided interval at the effect's level.
    pub interval: Interval,
    /// How the interval was computed.
    pub method: LiftMethod,
}

impl DefinedLift {
    /// Returns the difference relative to the size of the control mean: with the sign of the difference, whatever
    /// that of the control mean.
    pub fn by_size(self, control_mean: f64) -> Self {
        if control_mean >= 0.0 {
            return self;
        }
        let interval = Interval { lower: -self.interval.upper, upper: -self.interval.lower };
        Self { lift: -self.lift, interval, ..self }
    }
}

/// How the interval of a lift was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiftMethod {
    /// The delta method on the ratio itself, symmetric around the lift.
    LinearDelta,
    /// Fieller's set (Fieller 1954): every lift that the test would not reject.
    Fieller,
}

impl LiftMethod {
    /// A stable word for the method: `linear-delta` or `fieller`.
    pub fn code(self) -> &'static str {
        match self {
            Self::LinearDelta => "linear-delta",
            Self::Fieller => "fieller",
        }
    }
}

/// Why a lift is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum LiftUndefined {
    /// The control mean is zero.
    #[error("the control mean is zero")]
    ZeroControlMean,
    /// The control mean could be zero, as far as the data tell, so the lift could be anything.
    #[error(
        "the control mean {} is not separated from zero (standard error {})",
        significant(*control_mean), significant(*standard_error)
    )]
    ControlMeanNotSeparatedFromZero {
        /// The control mean.
        control_mean: f64,
        /// Its standard error.
        standard_error: f64,
    },
    /// The numbers exceed what double precision can hold.
    #[error("the numbers exceed the range of double precision")]
    OutOfRange,
}

impl LiftUndefined {
    /// A stable word for the reason, such as `zero-control-mean`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ZeroControlMean => "zero-control-mean",
            Self::ControlMeanNotSeparatedFromZero { .. } => "control-mean-not-separated-from-zero",
            Self::OutOfRange => "out-of-range",
        }
    }
}

impl Comparison {
    /// The lift with its two-sided interval at level 1 − alpha, or why it is undefined.
    ///
    /// By the linear delta method while the coefficient of variation of the control mean is at
    /// most [`LINEAR_UP_TO_VARIATION`], by Fieller above it, undefined where the control mean is
    /// not separated from zero at this level. The degrees of freedom are those of the difference.
    pub fn lift(&self, alpha: Probability) -> Lift {
        let lift = self.fieller_lift(alpha).and_then(|fieller| {
            let variation = self.control_standard_error() / self.control_mean.abs();
            if variation <= LINEAR_UP_TO_VARIATION { self.linear_lift(alpha) } else { Ok(fieller) }
        });
        match lift {
            Ok(lift) => Lift::Defined(lift),
            Err(reason) => Lift::Undefined(reason),
        }
    }

    /// The lift with the interval of the linear delta method, whatever the control mean's error.
    pub fn linear_lift(&self, alpha: Probability) -> Result<DefinedLift, LiftUndefined> {
        let lift = self.relative_difference()?;
        let half_width = self.critical_value(alpha) * self.lift_standard_error()?;
        defined(lift, lift - half_width, lift + half_width, LiftMethod::LinearDelta)
    }

    /// The standard error of the lift by the linear delta method.
    ///
    /// For unadjusted means it is that of v₁/m₀² + v₀·m₁²/m₀⁴.
    pub fn lift_standard_error(&self) -> Result<f64, LiftUndefined> {
        let lift = self.relative_difference()?;
        // Var(d - lift·m0) / m0², with d and m0 correlated.
        let variance = self.variance - 2.0 * lift * self.covariance + lift * lift * self.control_variance;
        Ok(variance.max(0.0).sqrt() / self.control_mean.abs())
    }

    /// The lift with Fieller's interval, defined where the control mean is separated from zero.
    ///
    /// The interval is every λ with (d − λ·m₀)² ≤ c²·Var(d − λ·m₀).
    pub fn fieller_lift(&self, alpha: Probability) -> Result<DefinedLift, LiftUndefined> {
        let lift = self.relative_difference()?;
        let critical = self.critical_value(alpha);
        // Everything relative to the control mean, so that the squares stay in range.
        let scale = self.control_mean * self.control_mean;
        let (variance, control, covariance) = (
            critical * critical * self.variance / scale,
            critical * critical * self.control_variance / scale,
            critical * critical * self.covariance / scale,
        );
        // (1 - control)·λ² - 2·(lift - covariance)·λ + (lift² - variance) <= 0
        let leading = 1.0 - control;
        if leading.is_nan() || leading <= 0.0 {
            return Err(LiftUndefined::ControlMeanNotSeparatedFromZero {
                control_mean: self.control_mean,
                standard_error: self.control_standard_error(),
            });
        }
        let middle = lift - covariance;
        // middle² - leading·(lift² - variance), with lift² cancelled by hand.
        let discriminant =
            covariance * covariance - 2.0 * lift * covariance + control * lift * lift + leading * variance;
        let root = discriminant.max(0.0).sqrt();
        defined(lift, (middle - root) / leading, (middle + root) / leading, LiftMethod::Fieller)
    }

    /// Returns the sign of the control mean, 1 or -1; `None` where it is not separated from zero at the two-sided
    /// level alpha, so that a share of it may point either way.
    pub fn control_sign(&self, alpha: Probability) -> Option<f64> {
        let separated = self.control_mean.abs() > self.critical_value(alpha) * self.control_standard_error();
        separated.then(|| self.control_mean.signum())
    }

    fn relative_difference(&self) -> Result<f64, LiftUndefined> {
        if self.control_mean == 0.0 {
            return Err(LiftUndefined::ZeroControlMean);
        }
        let lift = self.difference / self.control_mean;
        if lift.is_finite() { Ok(lift) } else { Err(LiftUndefined::OutOfRange) }
    }

    fn critical_value(&self, alpha: Probability) -> f64 {
        self.reference.upper_quantile(alpha.halved().get())
    }
}

fn defined(lift: f64, lower: f64, upper: f64, method: LiftMethod) -> Result<DefinedLift, LiftUndefined> {
    if lower.is_finite() && upper.is_finite() {
        Ok(DefinedLift { lift, interval: Interval { lower, upper }, method })
    } else {
        Err(LiftUndefined::OutOfRange)
    }
}

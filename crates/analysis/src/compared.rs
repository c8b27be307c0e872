//! A treatment against the control on one metric: the estimate, and the tests of it that the rule asks for.

use super::arm::{co_moments, moments};
use super::effect::{
    DeclaredEffect, Effect, Interval, Lift, NonInferiority, NonInferiorityTest, NotMeasured, WhyNot,
};
use crate::query::ArmMoments;
use trialbook_model::{Margin, Metric, MetricType, MinimumEffect};
use trialbook_stats::{
    Arm, Better, CoMoments, Comparison, Events, Moments, Probability, RareProportions, RatioMoments,
    RatioMomentsParts, Unmeasurable, adjusted_mean_difference, adjusted_ratio_difference, mean_difference,
    proportion_difference, quantile_difference, ratio_difference,
};

/// A treatment against the control, measured.
pub(super) struct Compared {
    /// As the outcome shows it.
    pub(super) effect: Effect,
    comparison: Comparison,
    /// The two arms, for a proportion of which one has few events: its tests are exact.
    rare: Option<RareProportions>,
    /// The units of both arms with a value other than 0, for a mean; of a ratio, with a numerator other than 0.
    non_zero: Option<u64>,
}

impl Compared {
    /// Compares two arms, with intervals at the two-sided level `alpha`.
    pub(super) fn new(
        metric: &Metric,
        adjusted: bool,
        control: &ArmMoments,
        treatment: &ArmMoments,
        alpha: Probability,
    ) -> Result<Self, NotMeasured> {
        if let Some(rare) = rare(control, treatment) {
            return Self::rare(rare, adjusted, control, treatment, alpha);
        }
        let comparison = comparison(metric, adjusted, control, treatment)?;
        let effect = Effect::of(&comparison.effect(alpha).map_err(NotMeasured::of)?);
        let is_share = matches!(metric.kind, MetricType::Proportion(_));
        let non_zero = (!is_share).then(|| control.non_zero.saturating_add(treatment.non_zero));
        Ok(Self { effect, comparison, rare: None, non_zero })
    }

    /// Compares proportions of which one has few events: estimates are the plain ones, limits and tests exact ones.
    fn rare(
        rare: RareProportions,
        adjusted: bool,
        control: &ArmMoments,
        treatment: &ArmMoments,
        alpha: Probability,
    ) -> Result<Self, NotMeasured> {
        // One event more, and one unit more without: an arm without an event has no variance of its own.
        let widened = |arm: &ArmMoments| {
            let (units, share) = (arm.units as f64, arm.value.mean);
            let smoothed = (units * share + 1.0) / (units + 2.0);
            Moments::from_parts(arm.units, share, units * smoothed * (1.0 - smoothed))
                .map_err(NotMeasured::of_moments)
        };
        let comparison = mean_difference(&widened(control)?, &widened(treatment)?)
            .map_err(NotMeasured::of)?
            .with_normal_reference();
        let few = || NotMeasured::new("few-events", WhyNot::FewEvents { needed: RareProportions::FEW });
        let mut effect = Effect::of(&comparison.effect(alpha).map_err(NotMeasured::of)?);
        let interval = rare.interval(alpha);
        effect.interval = Interval { lower: interval.lower, upper: interval.upper };
        effect.p_greater = rare.p_above(1.0, 0.0);
        effect.p_less = rare.p_below(1.0, 0.0);
        effect.p_two_sided = (2.0 * effect.p_greater.min(effect.p_less)).min(1.0);
        effect.lift = Lift::Undefined(few());
        if adjusted {
            effect.adjustment = super::Adjustment::NotPossible(few());
        }
        Ok(Self { effect, comparison, rare: Some(rare), non_zero: None })
    }

    /// Returns the p-values of "treatment − factor·control is above `null`" and of "… is below".
    fn tails(&self, factor: f64, null: f64) -> (f64, f64) {
        if let Some(rare) = self.rare {
            return (rare.p_above(factor, null), rare.p_below(factor, null));
        }
        let tails = if factor == 1.0 {
            self.comparison.test(null)
        } else {
            self.comparison.linear_contrast(factor).tails
        };
        (tails.p_greater, tails.p_less)
    }

    /// Tests that the treatment is not worse by the margin.
    pub(super) fn non_inferiority(
        &self,
        margin: Margin,
        better: Better,
        level: Probability,
    ) -> NonInferiority {
        let refused = |reason: &str, detail| NonInferiority::NotTested(NotMeasured::new(reason, detail));
        if let Some(few) = self.non_zero.filter(|units| *units < RareProportions::FEW) {
            return refused("few-values", WhyNot::FewValues { units: few });
        }
        if let Margin::Relative(_) = margin {
            let sign = self.control_sign(level);
            if sign != Some(1.0) {
                return refused("control-mean-not-positive", self.no_share("margin", sign));
            }
        }
        let (factor, null) = match (margin, better) {
            (Margin::Relative(share), Better::Higher) => (1.0 - share.fraction(), 0.0),
            (Margin::Relative(share), Better::Lower) => (1.0 + share.fraction(), 0.0),
            (Margin::Absolute(size), Better::Higher) => (1.0, -size),
            (Margin::Absolute(size), Better::Lower) => (1.0, size),
        };
        let (above, below) = self.tails(factor, null);
        let (p_value, p_breached) = match better {
            Better::Higher => (above, below),
            Better::Lower => (below, above),
        };
        let tested = match self.comparison.non_inferiority(stats_margin(margin), better) {
            Ok(tested) => tested,
            Err(why) => return NonInferiority::NotTested(NotMeasured::refused(why.code(), &why)),
        };
        NonInferiority::Tested(NonInferiorityTest {
            contrast: tested.contrast,
            standard_error: tested.standard_error,
            statistic: tested.statistic,
            p_value,
            p_breached,
            level: level.get(),
        })
    }

    /// Tests that the effect is smaller than declared.
    ///
    /// A relative effect is a share of the size of the control mean, which has its error: the linear contrast with
    /// (1 ± mde) times the control mean, the sign turned where that mean is below zero. It has no meaning where that
    /// mean may be on either side of zero.
    pub(super) fn declared_effect(
        &self,
        mde: MinimumEffect,
        better: Better,
        level: Probability,
    ) -> DeclaredEffect {
        let sign = if better == Better::Higher { 1.0 } else { -1.0 };
        let (above, below) = match mde {
            MinimumEffect::Relative(share) => {
                let Some(side) = self.control_sign(level) else {
                    return DeclaredEffect::NotTested(NotMeasured::new(
                        "control-mean-of-unknown-sign",
                        self.no_share("mde", None),
                    ));
                };
                self.tails(1.0 + sign * side * share.fraction(), 0.0)
            }
            MinimumEffect::Absolute(size) => self.tails(1.0, sign * size),
        };
        let p_smaller = if better == Better::Higher { below } else { above };
        DeclaredEffect::Tested { p_smaller, level: level.get() }
    }

    /// Returns the sign of the control mean, where it is known at the one-sided level of a test. A share of units is
    /// never below zero.
    fn control_sign(&self, level: Probability) -> Option<f64> {
        if self.rare.is_some() {
            return Some(1.0);
        }
        let alpha = Probability::new(2.0 * level.get()).unwrap_or(level);
        self.comparison.control_sign(alpha)
    }

    fn no_share(&self, setting: &str, sign: Option<f64>) -> WhyNot {
        WhyNot::NoShare {
            setting: setting.to_owned(),
            mean: self.comparison.control_mean(),
            standard_error: sign.is_none().then(|| self.comparison.control_standard_error()),
        }
    }
}

/// Returns the arms of a proportion of which one has few events.
fn rare(control: &ArmMoments, treatment: &ArmMoments) -> Option<RareProportions> {
    let events = |arm: &ArmMoments| Some(Events { events: arm.events?, units: arm.units });
    RareProportions::new(events(control)?, events(treatment)?)
}

fn comparison(
    metric: &Metric,
    adjusted: bool,
    control: &ArmMoments,
    treatment: &ArmMoments,
) -> Result<Comparison, NotMeasured> {
    if adjusted && let (Some(before_c), Some(before_t)) = (control.covariate, treatment.covariate) {
        let c = co_moments(control, &before_c).map_err(NotMeasured::of_moments)?;
        let t = co_moments(treatment, &before_t).map_err(NotMeasured::of_moments)?;
        return adjusted_mean_difference(&c, &t).map_err(NotMeasured::of);
    }
    if adjusted && let (Some(before_c), Some(before_t)) = (control.covariate_ratio, treatment.covariate_ratio)
    {
        let of = |parts: RatioMomentsParts| RatioMoments::from_parts(parts).map_err(NotMeasured::of_moments);
        return adjusted_ratio_difference(&of(before_c)?, &of(before_t)?).map_err(NotMeasured::of);
    }
    let of = |arm: &ArmMoments| moments(arm).map_err(NotMeasured::of_moments);
    let difference = match metric.kind {
        MetricType::Proportion(_) => proportion_difference(&of(control)?, &of(treatment)?),
        MetricType::Mean(_) => mean_difference(&of(control)?, &of(treatment)?),
        MetricType::Ratio { .. } => ratio_difference(&ratio_moments(control)?, &ratio_moments(treatment)?),
        MetricType::Quantile { .. } => {
            let of = |arm: &ArmMoments, name: Arm| {
                let quantile = arm.quantile.ok_or(Unmeasurable::EmptyArm { arm: name });
                quantile.and_then(|quantile| quantile.estimate(arm.units, name)).map_err(NotMeasured::of)
            };
            quantile_difference(&of(control, Arm::Control)?, &of(treatment, Arm::Treatment)?)
        }
    };
    difference.map_err(NotMeasured::of)
}

fn ratio_moments(arm: &ArmMoments) -> Result<CoMoments, NotMeasured> {
    let missing = || NotMeasured::new("no-data", WhyNot::NoDenominator { variant: arm.variant.clone() });
    let denominator = arm.denominator.ok_or_else(missing)?;
    co_moments(arm, &denominator).map_err(NotMeasured::of_moments)
}

fn stats_margin(margin: Margin) -> trialbook_stats::Margin {
    match margin {
        Margin::Relative(share) => trialbook_stats::Margin::Relative(share.fraction()),
        Margin::Absolute(size) => trialbook_stats::Margin::Absolute(size),
    }
}

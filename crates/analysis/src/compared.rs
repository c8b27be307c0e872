//! A treatment against the control on one metric: the estimate, and the tests of it that the rule asks for.

use super::effect::{Effect, Interval, Lift, NonInferiority, NonInferiorityTest, NotMeasured};
use super::estimate::{co_moments, moments};
use crate::query::ArmMoments;
use trialbook_model::{Margin, Metric, MetricType, MinimumEffect};
use trialbook_stats::{
    Better, Comparison, Events, Moments, Probability, RareProportions, adjusted_mean_difference,
    mean_difference, proportion_difference, significant,
};

/// A treatment against the control, measured.
pub(super) struct Compared {
    /// As the outcome shows it.
    pub(super) effect: Effect,
    comparison: Comparison,
    /// The two arms, for a proportion of which one has few events: its tests are exact.
    rare: Option<RareProportions>,
    /// The units of both arms with a value other than 0, for a mean.
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
        let is_mean = matches!(metric.kind, MetricType::Mean(_));
        let non_zero = is_mean.then(|| control.non_zero.saturating_add(treatment.non_zero));
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
        let few = || NotMeasured {
            reason: "few-events".into(),
            detail: format!(
                "an arm has fewer than {} units with an event, or without one",
                RareProportions::FEW
            ),
        };
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
        let refused = |reason: &str, detail: String| {
            NonInferiority::NotTested(NotMeasured { reason: reason.to_owned(), detail })
        };
        if let Some(few) = self.non_zero.filter(|units| *units < RareProportions::FEW) {
            let units = if few == 1 { "1 unit has".to_owned() } else { format!("{few} units have") };
            return refused(
                "few-values",
                format!(
                    "only {units} a value other than 0, which is too few to know how values differ; measure how \
                     many units have one, with `type: proportion`"
                ),
            );
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
            Err(why) => return refused(why.code(), why.to_string()),
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

    /// Returns the p-value of "the effect is smaller than declared", or why there is none, as a fragment.
    ///
    /// A relative effect is a share of the size of the control mean, which has its error: the linear contrast with
    /// (1 ± mde) times the control mean, the sign turned where that mean is below zero. It has no meaning where that
    /// mean may be on either side of zero.
    pub(super) fn p_ruled_out(
        &self,
        mde: MinimumEffect,
        better: Better,
        level: Probability,
    ) -> Result<f64, String> {
        let sign = if better == Better::Higher { 1.0 } else { -1.0 };
        let (above, below) = match mde {
            MinimumEffect::Relative(share) => {
                let side = self.control_sign(level).ok_or_else(|| self.no_share("mde", None))?;
                self.tails(1.0 + sign * side * share.fraction(), 0.0)
            }
            MinimumEffect::Absolute(size) => self.tails(1.0, sign * size),
        };
        Ok(if better == Better::Higher { below } else { above })
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

    fn no_share(&self, setting: &str, sign: Option<f64>) -> String {
        let (mean, error) = (self.comparison.control_mean(), self.comparison.control_standard_error());
        let why = if sign.is_some() {
            format!("the control mean is below zero ({})", significant(mean))
        } else {
            format!(
                "the control mean may be above or below zero ({}, standard error {})",
                significant(mean),
                significant(error)
            )
        };
        format!("{why}, so that a share of it is no {setting}; declare `{setting}: {{absolute: …}}`")
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
    if adjusted && let (Some(c), Some(t)) = (co_moments(control), co_moments(treatment)) {
        return adjusted_mean_difference(
            &c.map_err(NotMeasured::of_moments)?,
            &t.map_err(NotMeasured::of_moments)?,
        )
        .map_err(NotMeasured::of);
    }
    let (c, t) = (moments(control), moments(treatment));
    let (c, t) = (c.map_err(NotMeasured::of_moments)?, t.map_err(NotMeasured::of_moments)?);
    let difference = match metric.kind {
        MetricType::Proportion(_) => proportion_difference(&c, &t),
        MetricType::Mean(_) => mean_difference(&c, &t),
        // The query gives no moments of these.
        MetricType::Ratio { .. } | MetricType::Quantile { .. } => {
            let detail = "this version does not compute metrics of this type".into();
            return Err(NotMeasured { reason: "unsupported".into(), detail });
        }
    };
    difference.map_err(NotMeasured::of)
}

fn stats_margin(margin: Margin) -> trialbook_stats::Margin {
    match margin {
        Margin::Relative(share) => trialbook_stats::Margin::Relative(share.fraction()),
        Margin::Absolute(size) => trialbook_stats::Margin::Absolute(size),
    }
}

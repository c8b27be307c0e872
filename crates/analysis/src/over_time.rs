//! Whether an effect changes with time: exploratory, and nothing is decided by it.
//!
//! By days since the exposure an effect that fades is a novelty, and one that grows is learned. By the day of the exposure, units
//! that came early are compared with those that came late.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::arm::co_moments;
use super::compared::Compared;
use super::effect::Effect;
use super::parts::{arms, deciding};
use super::work::Work;
use crate::query::{ArmMoments, Span, SpanMoments};
use trialbook_model::{Metric, MetricKey, VariantKey};
use trialbook_stats::heterogeneity::{self, trend};
use trialbook_stats::multiplicity::benjamini_hochberg;
use trialbook_stats::{Moments, Probability, mean_difference};

/// The effect on a deciding metric over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeEffects {
    /// The metric.
    pub metric: MetricKey,
    /// The treatment, compared with the control.
    pub treatment: VariantKey,
    /// Over which time.
    pub by: TimeScale,
    /// The parts with enough units, in order of time.
    pub parts: Vec<TimeEffect>,
    /// How many parts were left out, because nothing can be compared there.
    pub too_small: u64,
    /// Whether the effect changes; `None` where that cannot be tested.
    pub change: Option<Change>,
}

/// A scale of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeScale {
    /// What units did on some days after their first exposure: the same units in all parts.
    SinceExposure,
    /// Units that were first exposed on some days: other units in each part.
    DayOfExposure,
}

/// An effect in a part of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeEffect {
    /// Which part.
    pub span: TimeSpan,
    /// The units of both arms.
    pub units: u64,
    /// The effect, with an interval at the experiment's alpha for this part alone.
    pub effect: Effect,
}

/// A part of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSpan {
    /// Days after the exposure; the first has the number 1.
    Days {
        /// The first.
        first: u16,
        /// The last.
        last: u16,
    },
    /// First exposures.
    Exposed {
        /// From this instant on.
        from: Timestamp,
        /// Before this one.
        until: Timestamp,
    },
}

/// The test of "the absolute effect does not change with time".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Since the exposure: the effect in the second half of the window minus that in the first, of the same units. By the day of
    /// the exposure: by how much it changes from one part to the next, by a weighted trend.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its two-sided p-value.
    pub p_value: f64,
    /// The p-value after Benjamini and Hochberg, over all metrics, treatments and scales of the experiment.
    pub p_adjusted: f64,
}

/// Returns the effects over time, where effects are shown: by metric, treatment and scale.
pub(super) fn effects(work: &Work<'_>) -> Vec<TimeEffects> {
    let Some(all) = work.answer.over_time.get(&work.experiment.key) else { return Vec::new() };
    let Ok(alpha) = Probability::new(work.experiment.analysis.alpha.fraction()) else { return Vec::new() };
    let mut found = Vec::new();
    for metric in deciding(work) {
        let spans: Vec<&SpanMoments> = all.iter().filter(|moments| moments.metric == metric.key).collect();
        for treatment in work.experiment.treatments() {
            let looking = Looking { work, metric, treatment, alpha };
            for by in [TimeScale::SinceExposure, TimeScale::DayOfExposure] {
                found.extend(looking.over(by, &spans));
            }
        }
    }
    let p_values: Vec<f64> = found.iter().filter_map(|one| Some(one.change?.p_value)).collect();
    let tests = found.iter_mut().filter_map(|one| one.change.as_mut());
    tests.zip(benjamini_hochberg(&p_values)).for_each(|(test, p)| test.p_adjusted = p);
    found
}

/// A metric of a treatment.
struct Looking<'w, 'a> {
    work: &'w Work<'a>,
    metric: &'a Metric,
    treatment: &'a VariantKey,
    alpha: Probability,
}

impl Looking<'_, '_> {
    /// Returns the effects over a scale of time; `None` where there are fewer than two.
    fn over(&self, by: TimeScale, spans: &[&SpanMoments]) -> Option<TimeEffects> {
        // Before the exposure nothing is taken of days after it: it would lie in the days before them.
        let covariate = by == TimeScale::DayOfExposure && self.metric.covariate.is_some();
        let adjusted = self.work.experiment.analysis.adjust && covariate;
        let (mut parts, mut too_small) = (Vec::new(), 0);
        for moments in spans {
            let span = match (moments.span, by) {
                (Span::Since { from, until }, TimeScale::SinceExposure) => {
                    TimeSpan::Days { first: from + 1, last: until }
                }
                (Span::Exposed { from, until }, TimeScale::DayOfExposure) => {
                    TimeSpan::Exposed { from, until }
                }
                _ => continue,
            };
            let both =
                moments.measured.as_ref().ok().and_then(|measured| arms(self.work, self.treatment, measured));
            let compared = both.and_then(|(control, treated)| {
                let compared = Compared::new(self.metric, adjusted, control, treated, self.alpha).ok()?;
                Some(TimeEffect { span, units: control.units + treated.units, effect: compared.effect })
            });
            match compared {
                Some(part) => parts.push(part),
                None => too_small += 1,
            }
        }
        let change = match by {
            TimeScale::SinceExposure => spans.iter().find_map(|moments| self.between_halves(moments)),
            TimeScale::DayOfExposure => along(&parts),
        };
        let (metric, treatment) = (self.metric.key.clone(), self.treatment.clone());
        (parts.len() > 1).then_some(TimeEffects { metric, treatment, by, parts, too_small, change })
    }

    /// Tests whether the effect in the second half of the window is that in the first. The same units are in both, so that the
    /// effects depend on each other: what each unit does less or more of in the second half is compared.
    fn between_halves(&self, moments: &SpanMoments) -> Option<Change> {
        let (Span::Halves { .. }, Ok(measured)) = (moments.span, &moments.measured) else { return None };
        let (control, treated) = arms(self.work, self.treatment, measured)?;
        let gained = |arm: &ArmMoments| {
            let both = co_moments(arm, arm.covariate.as_ref()?).ok()?;
            let m2 = both.m2_y() + both.m2_x() - 2.0 * both.c_xy();
            Moments::from_parts(both.n(), both.mean_y() - both.mean_x(), m2.max(0.0)).ok()
        };
        let compared = mean_difference(&gained(control)?, &gained(treated)?).ok()?;
        let effect = Effect::of(&compared.effect(self.alpha).ok()?);
        Some(Change {
            estimate: effect.difference,
            standard_error: effect.standard_error,
            p_value: effect.p_two_sided,
            p_adjusted: effect.p_two_sided,
        })
    }
}

/// Tests for a trend along parts that have other units each.
fn along(parts: &[TimeEffect]) -> Option<Change> {
    let compared: Vec<heterogeneity::Part> = parts
        .iter()
        .map(|part| heterogeneity::Part {
            effect: part.effect.difference,
            standard_error: part.effect.standard_error,
        })
        .collect();
    let found = trend(&compared).ok()?;
    Some(Change {
        estimate: found.slope,
        standard_error: found.standard_error,
        p_value: found.p_value,
        p_adjusted: found.p_value,
    })
}

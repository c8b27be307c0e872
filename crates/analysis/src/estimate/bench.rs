//! What is the same for all treatments of a metric: its level, its direction, and how a treatment is compared.

use crate::compared::Compared;
use crate::effect::{DeclaredEffect, Estimate, NonInferiority, NotMeasured, WhyNot};
use crate::outcome::{MetricComparison, Role};
use crate::query::Measured;
use crate::work::Work;
use trialbook_decision::{self as decision, GuardrailTest, Judgement, MetricFinding, Part};
use trialbook_model::{self as model, Direction, Metric, VariantKey};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::distribution::normal;
use trialbook_stats::sequential::harm;
use trialbook_stats::{Better, Probability};

/// Whether effects may be seen.
pub(super) enum Look<'a> {
    Allowed(&'a Measured),
    /// Nothing but harm may be seen, where there are data to find it in; everything else is held back for that reason.
    ForHarm(NotMeasured, Option<&'a Measured>),
    Refused(NotMeasured),
}

/// Everything that is the same for all treatments of a metric.
pub(crate) struct Bench<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) role: Role,
    adjusted: bool,
    /// The one-sided level of the role's own test.
    pub(crate) level: Option<Probability>,
    pub(crate) levels: Option<DecisionLevels>,
    pub(crate) direction: Better,
    /// The units of an arm below which harm is not looked for: the policy's least number for any result.
    pub(crate) fewest: u64,
    /// The variants that units were exposed to, whether or not their windows have closed.
    exposed: Vec<VariantKey>,
}

/// A deciding metric that is watched for harm.
pub(crate) struct Watched {
    pub(crate) compared: Compared,
    /// The p-value of "worse", valid at every look.
    pub(crate) p_worse: f64,
}

impl<'a> Bench<'a> {
    pub(crate) fn of(
        work: &Work<'_>,
        metric: &'a Metric,
        role: Role,
        levels: Option<&DecisionLevels>,
    ) -> Self {
        let analysis = &work.experiment.analysis;
        Self {
            metric,
            role,
            adjusted: analysis.adjust && metric.covariate.is_some(),
            level: level(role, analysis.alpha, levels),
            levels: levels.copied(),
            direction: better(metric.direction),
            fewest: u64::from(work.book.policy.quality.min_units_per_variant),
            exposed: work
                .exposures
                .overall
                .arms
                .iter()
                .filter(|arm| arm.units > 0)
                .map(|arm| arm.variant.clone())
                .collect(),
        }
    }

    pub(super) fn compare(
        &self,
        look: &Look<'_>,
        control: &VariantKey,
        treatment: &VariantKey,
        step: Option<Probability>,
    ) -> (MetricComparison, MetricFinding) {
        let own = step.or(self.level);
        let watched = match look {
            Look::Allowed(measured) | Look::ForHarm(_, Some(measured)) => {
                self.watch(measured, control, treatment)
            }
            Look::ForHarm(_, None) | Look::Refused(_) => None,
        };
        let p_worse = watched.as_ref().map(|watched| watched.p_worse);
        if let Look::ForHarm(why, _) = look {
            return self.before_the_horizon(why, watched, treatment);
        }
        let compared = match (look, own) {
            (Look::Refused(why) | Look::ForHarm(why, _), _) => Err(why.clone()),
            (Look::Allowed(_), None) => Err(NotMeasured::new("no-level", WhyNot::NoLevel)),
            // The two-sided interval whose ends are the directional tests' own bounds.
            (Look::Allowed(measured), Some(level)) => {
                let alpha = Probability::new(2.0 * level.get()).unwrap_or(level);
                self.measure(measured, control, treatment, alpha)
            }
        };
        let non_inferiority = match (compared.as_ref(), self.role, own) {
            (Ok(compared), Role::Guardrail { margin }, Some(level)) => {
                Some(compared.non_inferiority(margin, self.direction, level))
            }
            _ => None,
        };
        let declared_effect = match (compared.as_ref(), self.role, own) {
            (Ok(compared), Role::Success { mde }, Some(level)) => {
                Some(compared.declared_effect(mde, self.direction, level))
            }
            _ => None,
        };
        let finding =
            self.finding(compared.as_ref().ok(), non_inferiority.as_ref(), declared_effect.as_ref(), p_worse);
        let finding = MetricFinding { step, ..finding };
        let judgement = match (self.levels, self.role) {
            (_, Role::Exploratory) | (None, _) => Judgement::NotMeasured,
            (Some(levels), _) => decision::judge(&finding, &levels),
        };
        let estimate = match compared {
            Ok(compared) => Estimate::Measured(compared.effect),
            Err(why) => Estimate::NotMeasured(why),
        };
        let shown = MetricComparison {
            non_inferiority,
            declared_effect,
            p_worse,
            level: own.map_or(0.0, Probability::get),
            ..self.shown(treatment, estimate, judgement)
        };
        (shown, finding)
    }

    /// Shows a metric only where it is significantly worse, with the interval that is valid at every look.
    fn before_the_horizon(
        &self,
        why: &NotMeasured,
        watched: Option<Watched>,
        treatment: &VariantKey,
    ) -> (MetricComparison, MetricFinding) {
        let harmful = watched.filter(|watched| {
            self.levels.is_some_and(|levels| levels.deterioration.rejects(watched.p_worse))
        });
        let p_worse = harmful.as_ref().map(|watched| watched.p_worse);
        let finding = self.finding(harmful.as_ref().map(|watched| &watched.compared), None, None, p_worse);
        // The plan allows no look: nothing but harm may follow from what was measured.
        let finding = MetricFinding { p_better: None, ..finding };
        let (estimate, judgement) = match harmful {
            Some(watched) => (Estimate::Measured(watched.compared.effect), Judgement::Worse),
            None => (Estimate::NotMeasured(why.clone()), Judgement::NotDecided),
        };
        (MetricComparison { p_worse, ..self.shown(treatment, estimate, judgement) }, finding)
    }

    pub(crate) fn shown(
        &self,
        treatment: &VariantKey,
        estimate: Estimate,
        judgement: Judgement,
    ) -> MetricComparison {
        MetricComparison {
            treatment: treatment.clone(),
            estimate,
            level: self.level.map_or(0.0, Probability::get),
            deterioration_level: self.levels.map_or(0.0, |levels| levels.deterioration.get()),
            non_inferiority: None,
            declared_effect: None,
            p_worse: None,
            p_adjusted: None,
            looks: None,
            look: None,
            judgement,
        }
    }

    /// Looks for harm: a deciding metric, with enough units in both arms, by the test that is valid at every look.
    pub(crate) fn watch(
        &self,
        measured: &Measured,
        control: &VariantKey,
        treatment: &VariantKey,
    ) -> Option<Watched> {
        let level = self.levels.filter(|_| self.role != Role::Exploratory)?.deterioration;
        let units = |variant: &VariantKey| {
            measured.arms.iter().find(|arm| arm.variant == *variant).map(|arm| arm.units)
        };
        let (of_control, of_treatment) = (units(control)?, units(treatment)?);
        let all = of_control.saturating_add(of_treatment) as f64;
        let once = 2.0 * normal::sf(harm::harm_width(level, all));
        let alpha = Probability::new(once).ok()?;
        let mut compared = self.measure(measured, control, treatment, alpha).ok()?;
        compared.effect.alpha = 2.0 * level.get();
        let p_once = match self.direction {
            Better::Higher => compared.effect.p_less,
            Better::Lower => compared.effect.p_greater,
        };
        // With few units the promise, which is one for large numbers, does not hold yet.
        let enough = of_control.min(of_treatment) >= self.fewest;
        let p_worse = if enough { harm::always_valid_p(p_once, all, level) } else { 1.0 };
        Some(Watched { compared, p_worse })
    }

    pub(crate) fn measure(
        &self,
        measured: &Measured,
        control: &VariantKey,
        treatment: &VariantKey,
        alpha: Probability,
    ) -> Result<Compared, NotMeasured> {
        let arm = |variant: &VariantKey| {
            // Who was exposed and has no closed window is not missing.
            let empty = || match self.exposed.contains(variant) {
                true => NotMeasured::new("few-closed-windows", WhyNot::FewClosedWindows),
                false => NotMeasured::new("empty-arm", WhyNot::EmptyArm { variant: variant.clone() }),
            };
            let counted = measured.arms.iter().find(|arm| arm.variant == *variant && arm.units > 0);
            counted.ok_or_else(empty)
        };
        let (control, treatment) = (arm(control)?, arm(treatment)?);
        let mut compared = Compared::new(self.metric, self.adjusted, control, treatment, alpha)?;
        if self.adjusted && measured.unusable_covariate_rows > 0 {
            compared.effect.adjustment = crate::Adjustment::NotPossible(NotMeasured::new(
                "unusable-rows",
                WhyNot::UnusableRows { rows: measured.unusable_covariate_rows },
            ));
        }
        Ok(compared)
    }

    fn finding(
        &self,
        compared: Option<&Compared>,
        non_inferiority: Option<&NonInferiority>,
        declared_effect: Option<&DeclaredEffect>,
        p_worse: Option<f64>,
    ) -> MetricFinding {
        let part = match self.role {
            Role::Guardrail { .. } => Part::Guardrail(match non_inferiority {
                Some(NonInferiority::Tested(test)) => {
                    Some(GuardrailTest { p_safe: test.p_value, p_breached: test.p_breached })
                }
                Some(NonInferiority::NotTested(_)) | None => None,
            }),
            // Exploratory metrics have no part in the rule.
            Role::Success { .. } | Role::Exploratory => Part::Success {
                p_ruled_out: match declared_effect {
                    Some(DeclaredEffect::Tested { p_smaller, .. }) => Some(*p_smaller),
                    Some(DeclaredEffect::NotTested(_)) | None => None,
                },
            },
        };
        let p_better = compared.map(|compared| match self.direction {
            Better::Higher => compared.effect.p_greater,
            Better::Lower => compared.effect.p_less,
        });
        let lift = compared.and_then(|compared| compared.effect.lift.value());
        MetricFinding { metric: self.metric.key.clone(), part, p_better, p_worse, lift, step: None }
    }
}

/// The one-sided level of a role's own test.
fn level(role: Role, alpha: model::Share, levels: Option<&DecisionLevels>) -> Option<Probability> {
    match role {
        Role::Success { .. } => levels.map(|levels| levels.success),
        Role::Guardrail { .. } => levels.map(|levels| levels.guardrail),
        Role::Exploratory => Probability::new(alpha.fraction()).ok().map(Probability::halved),
    }
}

pub(crate) fn better(direction: Direction) -> Better {
    match direction {
        Direction::IncreaseIsGood => Better::Higher,
        Direction::IncreaseIsBad => Better::Lower,
    }
}

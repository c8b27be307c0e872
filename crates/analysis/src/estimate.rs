//! The metrics of one experiment: moments to estimates, and what the rule needs of them.

use super::compared::Compared;
use super::effect::{Estimate, NonInferiority, NotMeasured};
use super::outcome::{
    ArmMetric, Capping, CovariateMoments, MetricComparison, MetricKind, MetricMoments, MetricResult, Role,
};
use super::work::Work;
use crate::query::{ArmMoments, Measured, NotComputed};
use trialbook_decision::{self as decision, GuardrailTest, Judgement, MetricFinding, Part};
use trialbook_model::{self as model, Direction, Metric, MetricKey, MetricType, VariantKey};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::multiplicity::benjamini_hochberg;
use trialbook_stats::{Better, CoMoments, CoMomentsParts, Moments, MomentsError, Probability, Unmeasurable};

/// The metrics of an experiment with what follows from them.
pub(super) struct Analysed<'a> {
    /// As the outcome shows them.
    pub(super) results: Vec<MetricResult>,
    findings: Vec<(&'a VariantKey, MetricFinding)>,
}

impl<'a> Analysed<'a> {
    /// Estimates every metric of the plan; before the horizon it says so instead.
    pub(super) fn new(work: &Work<'a>, levels: Option<&DecisionLevels>) -> Self {
        let plan = &work.experiment.metrics;
        let success = plan.success.iter().map(|s| (&s.metric, Role::Success { mde: s.mde }));
        let guardrails = plan.guardrails.iter().map(|g| (&g.metric, Role::Guardrail { margin: g.margin }));
        let exploratory = plan.exploratory.iter().map(|key| (key, Role::Exploratory));
        let mut analysed = Self { results: Vec::new(), findings: Vec::new() };
        for (key, role) in success.chain(guardrails).chain(exploratory) {
            if let Some(metric) = work.book.metrics.get(key) {
                analysed.add(work, metric, role, levels);
            }
        }
        analysed.explore(work);
        analysed
    }

    /// Returns the deciding metrics' findings on a treatment, in the order of the plan.
    pub(super) fn findings(&self, treatment: &VariantKey) -> Vec<MetricFinding> {
        self.findings.iter().filter(|(t, _)| *t == treatment).map(|(_, finding)| finding.clone()).collect()
    }

    /// Returns the treatment with the largest effect on the first success metric, among two or more.
    pub(super) fn best<'t>(&self, among: &[&'t VariantKey]) -> Option<&'t VariantKey> {
        let primary =
            self.results.first().filter(|r| among.len() > 1 && matches!(r.role, Role::Success { .. }))?;
        let sign = if primary.direction == Direction::IncreaseIsGood { 1.0 } else { -1.0 };
        let gain = |treatment: &VariantKey| {
            let comparison = primary.comparisons.iter().find(|c| c.treatment == *treatment)?;
            comparison.estimate.effect().map(|effect| sign * effect.difference)
        };
        let measured = among.iter().filter_map(|treatment| Some((*treatment, gain(treatment)?)));
        measured.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(treatment, _)| treatment)
    }

    fn add(&mut self, work: &Work<'a>, metric: &Metric, role: Role, levels: Option<&DecisionLevels>) {
        let experiment = work.experiment;
        let measured = work.answer.metrics.get(&(experiment.key.clone(), metric.key.clone()));
        let source = work.answer.sources.get(&metric.kind.measurement().source);
        let adjusted = experiment.analysis.adjust && metric.covariate.is_some();
        let look = if let Some(why) = unsupported(measured) {
            Look::Refused(why)
        } else if !work.final_look() {
            Look::Refused(NotMeasured {
                reason: "before-horizon".into(),
                detail: "the plan allows no look at effects yet".into(),
            })
        } else {
            match measured {
                Some(Ok(measured)) => Look::Allowed(measured),
                Some(Err(why)) => Look::Refused(not_computed(why)),
                None => {
                    Look::Refused(NotMeasured { reason: "no-data".into(), detail: "nothing was read".into() })
                }
            }
        };
        let moments = measured.and_then(|measured| measured.as_ref().ok());
        let level = level(role, experiment.analysis.alpha, levels);
        let bench = Bench { metric, role, adjusted, level, levels, direction: better(metric.direction) };
        let mut comparisons = Vec::new();
        for treatment in experiment.treatments() {
            let (comparison, finding) = bench.compare(&look, &experiment.control, treatment);
            comparisons.push(comparison);
            if !matches!(role, Role::Exploratory) {
                self.findings.push((treatment, finding));
            }
        }
        let arm = |variant: &VariantKey| {
            let arm = moments.and_then(|measured| measured.arms.iter().find(|arm| arm.variant == *variant));
            ArmMetric {
                variant: variant.clone(),
                units: arm.map_or(0, |arm| arm.units),
                moments: arm.filter(|arm| work.final_look() && arm.units > 0).map(shown),
            }
        };
        self.results.push(MetricResult {
            metric: metric.key.clone(),
            description: metric.description.clone(),
            role,
            kind: match metric.kind {
                MetricType::Mean(_) => MetricKind::Mean,
                MetricType::Proportion(_) => MetricKind::Proportion,
                MetricType::Ratio { .. } => MetricKind::Ratio,
                MetricType::Quantile { .. } => MetricKind::Quantile,
            },
            direction: metric.direction,
            window: metric.window,
            cap: metric.cap.filter(|_| matches!(metric.kind, MetricType::Mean(_))).map(|rule| {
                let limit = moments.and_then(|measured| measured.limit);
                Capping { rule, at: limit.map(|limit| limit.at), units: limit.map_or(0, |limit| limit.units) }
            }),
            covariate: metric.covariate.filter(|_| adjusted),
            data_until: source.and_then(|source| source.as_ref().ok()).and_then(|state| state.until),
            arms: experiment.split.variants().map(arm).collect(),
            comparisons,
        });
    }

    /// Judges the exploratory metrics together: they decide nothing.
    fn explore(&mut self, work: &Work<'_>) {
        let Ok(alpha) = Probability::new(work.experiment.analysis.alpha.fraction()) else { return };
        let mut comparisons: Vec<(Direction, &mut MetricComparison)> = Vec::new();
        for result in self.results.iter_mut().filter(|result| matches!(result.role, Role::Exploratory)) {
            let direction = result.direction;
            comparisons.extend(result.comparisons.iter_mut().map(|comparison| (direction, comparison)));
        }
        comparisons.retain(|(_, comparison)| comparison.estimate.effect().is_some());
        let p_values: Vec<f64> = comparisons
            .iter()
            .map(|(_, comparison)| comparison.estimate.effect().map_or(f64::NAN, |effect| effect.p_two_sided))
            .collect();
        for ((direction, comparison), p) in comparisons.into_iter().zip(benjamini_hochberg(&p_values)) {
            let up = comparison.estimate.effect().is_some_and(|effect| effect.difference > 0.0);
            comparison.p_adjusted = Some(p);
            comparison.judgement = match (alpha.rejects(p), up == (direction == Direction::IncreaseIsGood)) {
                (false, _) => Judgement::NoDifference,
                (true, true) => Judgement::Better,
                (true, false) => Judgement::Worse,
            };
        }
    }
}

/// Whether effects may be seen.
enum Look<'a> {
    Allowed(&'a Measured),
    Refused(NotMeasured),
}

/// Everything that is the same for all treatments of a metric.
struct Bench<'a> {
    metric: &'a Metric,
    role: Role,
    adjusted: bool,
    /// The one-sided level of the role's own test.
    level: Option<Probability>,
    levels: Option<&'a DecisionLevels>,
    direction: Better,
}

impl Bench<'_> {
    fn compare(
        &self,
        look: &Look<'_>,
        control: &VariantKey,
        treatment: &VariantKey,
    ) -> (MetricComparison, MetricFinding) {
        let compared = match (look, self.level) {
            (Look::Refused(why), _) => Err(why.clone()),
            (Look::Allowed(_), None) => Err(NotMeasured {
                reason: "no-level".into(),
                detail: "the plan's error rates do not give the test a level".into(),
            }),
            (Look::Allowed(measured), Some(level)) => self.measure(measured, control, treatment, level),
        };
        let non_inferiority = match (compared.as_ref(), self.role, self.level) {
            (Ok(compared), Role::Guardrail { margin }, Some(level)) => {
                Some(compared.non_inferiority(margin, self.direction, level))
            }
            _ => None,
        };
        let finding = self.finding(compared.as_ref(), non_inferiority.as_ref());
        let judgement = match (look, self.levels, self.role) {
            (Look::Refused(why), ..) if why.reason == "before-horizon" => Judgement::NotDecided,
            (.., Role::Exploratory) | (_, None, _) => Judgement::NotMeasured,
            (_, Some(levels), _) => decision::judge(&finding, levels),
        };
        let estimate = match compared {
            Ok(compared) => Estimate::Measured(compared.effect),
            Err(why) => Estimate::NotMeasured(why),
        };
        let shown = MetricComparison {
            treatment: treatment.clone(),
            estimate,
            level: self.level.map_or(0.0, Probability::get),
            deterioration_level: self.levels.map_or(0.0, |levels| levels.deterioration.get()),
            non_inferiority,
            p_adjusted: None,
            judgement,
        };
        (shown, finding)
    }

    fn measure(
        &self,
        measured: &Measured,
        control: &VariantKey,
        treatment: &VariantKey,
        level: Probability,
    ) -> Result<Compared, NotMeasured> {
        let arm = |variant: &VariantKey| {
            measured.arms.iter().find(|arm| arm.variant == *variant).ok_or_else(|| NotMeasured {
                reason: "empty-arm".into(),
                detail: format!("{variant} has no units"),
            })
        };
        let (control, treatment) = (arm(control)?, arm(treatment)?);
        // The two-sided interval whose ends are the directional tests' own bounds.
        let alpha = Probability::new(2.0 * level.get()).unwrap_or(level);
        let mut compared = Compared::new(self.metric, self.adjusted, control, treatment, alpha)?;
        if self.adjusted && measured.unusable_covariate_rows > 0 {
            compared.effect.adjustment = super::Adjustment::NotPossible(NotMeasured {
                reason: "unusable-rows".into(),
                detail: format!(
                    "{} rows before exposure have no finite number as measure",
                    measured.unusable_covariate_rows
                ),
            });
        }
        Ok(compared)
    }

    fn finding(
        &self,
        compared: Result<&Compared, &NotMeasured>,
        non_inferiority: Option<&NonInferiority>,
    ) -> MetricFinding {
        let unmeasured = |why: &NotMeasured| why.detail.clone();
        let part = match (self.role, self.level) {
            (Role::Success { mde }, Some(level)) => Part::Success {
                p_ruled_out: compared
                    .map_err(unmeasured)
                    .and_then(|compared| compared.p_ruled_out(mde, self.direction, level)),
            },
            (Role::Guardrail { .. }, _) => Part::Guardrail(match (non_inferiority, compared) {
                (Some(NonInferiority::Tested(test)), _) => {
                    Ok(GuardrailTest { p_safe: test.p_value, p_breached: test.p_breached })
                }
                (Some(NonInferiority::NotTested(why)), _) | (None, Err(why)) => Err(why.detail.clone()),
                (None, Ok(_)) => Err("it was not tested".into()),
            }),
            // Exploratory metrics have no part in the rule.
            (Role::Success { .. } | Role::Exploratory, _) => {
                Part::Success { p_ruled_out: Err("it was not tested".into()) }
            }
        };
        let directions = compared.map_err(unmeasured).map(|compared| match self.direction {
            Better::Higher => (compared.effect.p_greater, compared.effect.p_less),
            Better::Lower => (compared.effect.p_less, compared.effect.p_greater),
        });
        let lift = compared.ok().and_then(|compared| compared.effect.lift.value());
        MetricFinding { metric: self.metric.key.clone(), part, directions, lift }
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

pub(super) fn better(direction: Direction) -> Better {
    match direction {
        Direction::IncreaseIsGood => Better::Higher,
        Direction::IncreaseIsBad => Better::Lower,
    }
}

pub(super) fn moments(arm: &ArmMoments) -> Result<Moments, MomentsError> {
    if let Some(events) = arm.events {
        return Moments::of_proportion(events, arm.units);
    }
    Moments::from_parts(arm.units, arm.value.mean, arm.value.m2)
}

/// Returns the moments with the covariate's, or `None` where the arm has none.
pub(super) fn co_moments(arm: &ArmMoments) -> Option<Result<CoMoments, MomentsError>> {
    let covariate = arm.covariate?;
    Some(CoMoments::from_parts(CoMomentsParts {
        n: arm.units,
        mean_y: arm.value.mean,
        mean_x: covariate.own.mean,
        m2_y: arm.value.m2,
        m2_x: covariate.own.m2,
        c_xy: covariate.co,
    }))
}

fn shown(arm: &ArmMoments) -> MetricMoments {
    let covariate = arm.covariate.map(|c| CovariateMoments { mean: c.own.mean, m2: c.own.m2, co: c.co });
    MetricMoments { mean: arm.value.mean, m2: arm.value.m2, covariate }
}

/// Returns why a metric is never measured, whenever one looks.
fn unsupported(measured: Option<&Result<Measured, NotComputed>>) -> Option<NotMeasured> {
    match measured {
        Some(Err(why @ NotComputed::Unsupported { .. })) => Some(not_computed(why)),
        _ => None,
    }
}

fn not_computed(why: &NotComputed) -> NotMeasured {
    let reason = match why {
        NotComputed::Source { .. } => "source-unreadable",
        NotComputed::Entity { .. } => "other-entity",
        NotComputed::Unsupported { .. } => "unsupported",
        NotComputed::UnusableRows { .. } => "unusable-rows",
        NotComputed::OutOfRange { .. } => "out-of-range",
        NotComputed::CapCutsAll { .. } => "cap-cuts-all",
    };
    NotMeasured { reason: reason.into(), detail: why.to_string() }
}

impl NotMeasured {
    pub(super) fn of(why: Unmeasurable) -> Self {
        Self { reason: why.code().to_owned(), detail: why.to_string() }
    }

    pub(super) fn of_moments(why: MomentsError) -> Self {
        Self { reason: "moments".into(), detail: why.to_string() }
    }
}

/// Returns the metrics that decide, by role, for planning.
pub(super) fn deciding<'a>(work: &Work<'a>) -> impl Iterator<Item = (&'a MetricKey, Role)> {
    let plan = &work.experiment.metrics;
    let success = plan.success.iter().map(|s| (&s.metric, Role::Success { mde: s.mde }));
    success.chain(plan.guardrails.iter().map(|g| (&g.metric, Role::Guardrail { margin: g.margin })))
}

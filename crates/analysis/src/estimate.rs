//! The metrics of one experiment: moments to estimates, and what the rule needs of them.

mod bench;
mod steps;

pub(super) use bench::{Bench, better};

use super::arm::shown;
use super::effect::{NotMeasured, WhyNot};
use super::outcome::{ArmMetric, Capping, MetricComparison, MetricKind, MetricResult, Role};
use super::work::Work;
use crate::query::{Measured, NotComputed};
use bench::Look;
use steps::Steps;
use trialbook_decision::{Judgement, MetricFinding};
use trialbook_model::{AnalysisPlan, Direction, Metric, MetricKey, MetricType, SourceKey, VariantKey};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::multiplicity::benjamini_hochberg;
use trialbook_stats::{MomentsError, Probability, Unmeasurable};

/// The metrics of an experiment with what follows from them.
#[derive(Default)]
pub(super) struct Analysed<'a> {
    /// As the outcome shows them.
    pub(super) results: Vec<MetricResult>,
    findings: Vec<(&'a VariantKey, MetricFinding)>,
}

/// Returns the metrics of a plan with what they are for: those that decide first.
pub(super) fn roles(plan: &AnalysisPlan) -> impl Iterator<Item = (&MetricKey, Role)> {
    let success = plan.success.iter().map(|s| (&s.metric, Role::Success { mde: s.mde }));
    let guardrails = plan.guardrails.iter().map(|g| (&g.metric, Role::Guardrail { margin: g.margin }));
    success.chain(guardrails).chain(plan.exploratory.iter().map(|key| (key, Role::Exploratory)))
}

impl<'a> Analysed<'a> {
    /// Estimates every metric of the plan; before the horizon it reports that instead.
    pub(super) fn new(work: &Work<'a>, levels: Option<&DecisionLevels>) -> Self {
        let mut analysed = Self::default();
        let steps = Steps::of(work, levels);
        for (key, role) in roles(&work.experiment.metrics) {
            if let Some(metric) = work.book.metrics.get(key) {
                analysed.add(work, metric, role, levels, &steps);
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

    fn add(
        &mut self,
        work: &Work<'a>,
        metric: &'a Metric,
        role: Role,
        levels: Option<&DecisionLevels>,
        steps: &Steps<'a>,
    ) {
        let experiment = work.experiment;
        let look = look(work, metric);
        let bench = Bench::of(work, metric, role, levels);
        let mut comparisons = Vec::new();
        for treatment in experiment.treatments() {
            let step = steps.level(&metric.key, treatment);
            let (comparison, finding) = bench.compare(&look, &experiment.control, treatment, step);
            comparisons.push(comparison);
            if !matches!(role, Role::Exploratory) {
                self.findings.push((treatment, finding));
            }
        }
        self.push(work, metric, role, comparisons, work.measured(&metric.key), work.final_look());
    }

    /// Adds what the outcome shows of a metric, given what was measured of it and whether its means may be seen.
    pub(super) fn push(
        &mut self,
        work: &Work<'a>,
        metric: &Metric,
        role: Role,
        comparisons: Vec<MetricComparison>,
        measured: Option<&Result<Measured, NotComputed>>,
        open: bool,
    ) {
        let experiment = work.experiment;
        let until = |source: &SourceKey| work.answer.sources.get(source)?.as_ref().ok()?.until;
        let ends = metric.kind.sources().into_iter().map(until).collect::<Option<Vec<_>>>();
        let moments = measured.and_then(|measured| measured.as_ref().ok());
        let arm = |variant: &VariantKey| {
            let arm = moments.and_then(|measured| measured.arms.iter().find(|arm| arm.variant == *variant));
            ArmMetric {
                variant: variant.clone(),
                units: arm.map_or(0, |arm| arm.units),
                moments: arm.filter(|arm| open && arm.units > 0).and_then(shown),
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
            covariate: metric.covariate.filter(|_| experiment.analysis.adjust),
            data_until: ends.and_then(|ends| ends.into_iter().min()),
            arms: experiment.split.variants().map(arm).collect(),
            comparisons,
        });
    }

    /// Judges the exploratory metrics together: they decide nothing.
    pub(super) fn explore(&mut self, work: &Work<'_>) {
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

/// Returns what may be seen of a metric at the watermark.
fn look<'a>(work: &Work<'a>, metric: &Metric) -> Look<'a> {
    let measured = work.measured(&metric.key);
    if let Some(why) = unsupported(measured) {
        Look::Refused(why)
    } else if !work.final_look() {
        let why = match work.decided_early() {
            None => NotMeasured::new("before-horizon", WhyNot::BeforeHorizon),
            Some(_) => NotMeasured::new("decided-early", WhyNot::DecidedEarly),
        };
        // Nothing is concluded from data that cannot be used, harm neither.
        let usable = measured.filter(|_| !work.faults.contains_key(&metric.key));
        Look::ForHarm(why, usable.and_then(|measured| measured.as_ref().ok()))
    } else if let Some(why) = work.faults.get(&metric.key) {
        Look::Refused(why.clone())
    } else {
        match measured {
            Some(Ok(measured)) => Look::Allowed(measured),
            Some(Err(why)) => Look::Refused(not_computed(why)),
            None => Look::Refused(NotMeasured::new("no-data", WhyNot::NothingRead)),
        }
    }
}

/// Returns why a metric is never measured, whenever one looks.
fn unsupported(measured: Option<&Result<Measured, NotComputed>>) -> Option<NotMeasured> {
    match measured {
        Some(Err(why @ NotComputed::Unsupported { .. })) => Some(not_computed(why)),
        _ => None,
    }
}

pub(super) fn not_computed(why: &NotComputed) -> NotMeasured {
    let reason = match why {
        NotComputed::Source { .. } => "source-unreadable",
        NotComputed::Definition { .. } => NotMeasured::DEFINITION,
        NotComputed::Entity { .. } => "other-entity",
        NotComputed::Unsupported { .. } => "unsupported",
        NotComputed::UnusableRows { .. } => "unusable-rows",
        NotComputed::OutOfRange { .. } => "out-of-range",
        NotComputed::CapCutsAll { .. } => "cap-cuts-all",
    };
    NotMeasured::refused(reason, why)
}

impl NotMeasured {
    pub(super) fn of(why: Unmeasurable) -> Self {
        Self::refused(why.code(), &why)
    }

    pub(super) fn of_moments(why: MomentsError) -> Self {
        Self::refused("moments", &why)
    }
}

/// Returns the metrics that decide, by role, for planning.
pub(super) fn deciding<'a>(work: &Work<'a>) -> impl Iterator<Item = (&'a MetricKey, Role)> {
    roles(&work.experiment.metrics).filter(|(_, role)| !matches!(role, Role::Exploratory))
}

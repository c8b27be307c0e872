//! Holm's correction: the levels of the success metrics of all treatments, which depend on all of their p-values.

use super::bench::Bench;
use super::{look, roles};
use crate::outcome::Role;
use crate::work::Work;
use trialbook_model::{MetricKey, Multiplicity, VariantKey};
use trialbook_stats::Probability;
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::multiplicity::holm_levels;

/// The levels of the steps; none where every test has its shared level.
pub(super) struct Steps<'a>(Vec<(&'a MetricKey, &'a VariantKey, Probability)>);

impl<'a> Steps<'a> {
    /// Finds the levels, once all success metrics are there to see. A test that could not be made counts as one that is not passed.
    pub(super) fn of(work: &Work<'a>, levels: Option<&DecisionLevels>) -> Self {
        let analysis = &work.experiment.analysis;
        let alpha = Probability::new(analysis.alpha.fraction()).map(Probability::halved);
        let (Multiplicity::Holm, true, Ok(alpha)) = (analysis.multiplicity, work.final_look(), alpha) else {
            return Self(Vec::new());
        };
        let (mut tests, mut p_values) = (Vec::new(), Vec::new());
        for (key, role) in roles(&work.experiment.metrics) {
            let Some(metric) = work.book.metrics.get(key).filter(|_| matches!(role, Role::Success { .. }))
            else {
                continue;
            };
            let (bench, look) = (Bench::of(work, metric, role, levels), look(work, metric));
            for treatment in work.experiment.treatments() {
                let (_, finding) = bench.compare(&look, &work.experiment.control, treatment, None);
                tests.push((key, treatment));
                p_values.push(finding.p_better.unwrap_or(f64::NAN));
            }
        }
        let steps = tests.into_iter().zip(holm_levels(&p_values, alpha));
        Self(steps.map(|((metric, treatment), level)| (metric, treatment, level)).collect())
    }

    /// Returns the level at which a success metric of a treatment is tested, where that is not the shared one.
    pub(super) fn level(&self, metric: &MetricKey, treatment: &VariantKey) -> Option<Probability> {
        let step = self.0.iter().find(|(key, variant, _)| *key == metric && *variant == treatment);
        step.map(|(_, _, level)| *level)
    }
}

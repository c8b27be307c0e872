//! Metrics that never could be measured as they were launched.

use super::Launched;
use trialbook_analysis::{AnalysisError, Outcome, PreregistrationStatus};
use trialbook_model::{Book, Contents, ExperimentKey, Metric, Repair};

/// The part of a plan that holds the metrics' definitions.
const DEFINITIONS: &str = "definitions";

/// Analyses an experiment with the repaired metrics, where the launched ones have no number by their own fault.
///
/// What can be measured as it was launched is: an edit that chooses another number is no repair. The outcome lists each repair with
/// the change of the plan, which stays a deviation.
pub(super) fn measured(
    outcomes: Vec<Outcome>,
    launched: &Launched,
    key: &ExperimentKey,
    analysed: &mut impl FnMut(&Book, Vec<ExperimentKey>) -> Result<Vec<Outcome>, AnalysisError>,
) -> Result<Vec<Outcome>, AnalysisError> {
    let never = |metric: &&Metric| outcomes.iter().any(|outcome| outcome.undefined.contains(&metric.key));
    let repairs: Vec<&Metric> = launched.repairs.iter().filter(never).collect();
    let mut contents = Contents::from(launched.book.clone());
    contents.metrics.extend(repairs.iter().map(|metric| (metric.key.clone(), (*metric).clone())));
    // A repaired metric of a source that the launched book does not have stays as it was launched.
    let Some(book) = Book::new(contents).ok().filter(|_| !repairs.is_empty()) else { return Ok(outcomes) };
    let mut outcomes = analysed(&book, vec![key.clone()])?;
    let repair =
        |metric: &&Metric| metric.repair.clone().map(|reason| Repair { metric: metric.key.clone(), reason });
    let listed: Vec<Repair> = repairs.iter().filter_map(repair).collect();
    for outcome in &mut outcomes {
        if let PreregistrationStatus::Deviates { changes } = &mut outcome.preregistration.status {
            let definitions = changes.iter_mut().find(|change| change.part == DEFINITIONS);
            if let Some(change) = definitions {
                change.repairs.clone_from(&listed);
            }
        }
    }
    Ok(outcomes)
}

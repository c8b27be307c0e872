//! The true effects of the generated data beside what the analysis estimated.

use std::path::Path;

use super::{DemoError, warehouse};
use trialbook_analysis::{Lift, MetricResult, Outcome};

/// An effect that was put into the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The experiment.
    pub experiment: &'static str,
    /// The metric that shows it.
    pub metric: &'static str,
    /// The effect, relative to the control.
    pub truth: f64,
    /// What the analysis estimated; `None` where it measured nothing.
    pub estimate: Option<Estimated>,
}

/// An estimate, relative to the control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimated {
    /// The lift.
    pub lift: f64,
    /// The lower end of its interval.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// Returns each effect that was put into the data, with its estimate.
///
/// # Errors
///
/// Where an outcome cannot be read.
pub fn truths(dir: &Path) -> Result<Vec<Truth>, DemoError> {
    let truth = |((experiment, metric), truth): ((&'static str, &'static str), f64)| {
        let text = std::fs::read_to_string(dir.join("outcomes").join(format!("{experiment}.json")))?;
        let outcome = Outcome::from_json(&text).map_err(DemoError::Outcome)?;
        let result = outcome.metrics.iter().find(|result| result.metric.as_str() == metric);
        Ok(Truth { experiment, metric, truth, estimate: result.and_then(estimated) })
    };
    warehouse::true_effects().into_iter().map(truth).collect()
}

/// Returns the first treatment's relative lift with its interval.
fn estimated(result: &MetricResult) -> Option<Estimated> {
    match &result.comparisons.first()?.estimate.effect()?.lift {
        Lift::Defined { lift, interval, .. } => {
            Some(Estimated { lift: *lift, lower: interval.lower, upper: interval.upper })
        }
        Lift::Undefined(_) => None,
    }
}

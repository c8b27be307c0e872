//! The true effects of the generated data beside what the analysis estimated.

use std::path::Path;

use super::warehouse;
use crate::cli::{Exit, Failure, sink};
use trialbook_analysis::{Lift, MetricResult, Outcome};

/// Prints each effect that was put into the data, with its estimate.
///
/// # Errors
///
/// Where an outcome cannot be read.
pub fn print(dir: &Path) -> Result<(), Failure> {
    sink::line(format_args!(
        "  {:<22} {:<22} {:>8} {:>10}   95 % interval",
        "experiment", "metric", "truth", "estimate"
    ))?;
    for ((experiment, metric), truth) in warehouse::true_effects() {
        let text = std::fs::read_to_string(dir.join("outcomes").join(format!("{experiment}.json")))?;
        let outcome = Outcome::from_json(&text).map_err(|error| Failure::of(Exit::Bug, &error))?;
        let result = outcome.metrics.iter().find(|result| result.metric.as_str() == metric);
        let (estimate, interval) = result.and_then(lift).map_or_else(
            || ("–".to_owned(), "not measured".to_owned()),
            |(lift, lower, upper)| (percent(lift), format!("{} … {}", percent(lower), percent(upper))),
        );
        sink::line(format_args!(
            "  {experiment:<22} {metric:<22} {:>8} {estimate:>10}   {interval}",
            percent(truth)
        ))?;
    }
    sink::line("  search-autocomplete loses one in seven web units of `popular` before they are counted.")?;
    Ok(())
}

/// Returns the first treatment's relative lift with its interval.
fn lift(result: &MetricResult) -> Option<(f64, f64, f64)> {
    match &result.comparisons.first()?.estimate.effect()?.lift {
        Lift::Defined { lift, interval, .. } => Some((*lift, interval.lower, interval.upper)),
        Lift::Undefined(_) => None,
    }
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0).replace('-', "−")
}

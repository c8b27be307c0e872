//! What an experiment needs: from what the book declares, and from what its warehouse saw in past weeks.

use jiff::Timestamp;

use super::{AppError, NotNamed};
use trialbook_analysis::query::{QueryError, history};
use trialbook_analysis::warehouse::Warehouse;
use trialbook_decision::power::{Evidence, Known, NotMeasured, Origin, Seen};
use trialbook_model::{Book, Duration, Experiment};

/// Returns the experiment of a name.
///
/// # Errors
///
/// Where the book has none.
pub fn experiment<'a>(name: &str, book: &'a Book) -> Result<&'a Experiment, AppError> {
    book.experiments.get(name).ok_or_else(|| AppError::NotNamed(NotNamed::Experiment(name.to_owned())))
}

/// Adds to what a book declares about an experiment what its warehouse saw before a watermark; what it cannot measure stays as the book
/// declares it.
///
/// Without a watermark it is the start of the experiment, or now if that is earlier: what an experiment's own units did is no
/// part of its plan.
///
/// # Errors
///
/// Where exposures cannot be read.
pub fn measured(
    book: &Book,
    experiment: &Experiment,
    warehouse: &dyn Warehouse,
    watermark: Option<Timestamp>,
    now: Timestamp,
    progress: &mut dyn FnMut(&str),
) -> Result<Evidence, QueryError> {
    let mut evidence = Evidence::declared(book, experiment);
    let watermark = watermark.unwrap_or_else(|| now.min(experiment.schedule.start()));
    let found = history(book, experiment, watermark, length(experiment), warehouse, progress)?;
    let mut not_measured = Vec::new();
    for (metric, measured) in found.metrics {
        match measured {
            Ok(baseline) => {
                evidence.baselines.insert(metric, Known { baseline, origin: Origin::Warehouse });
            }
            Err(why) => not_measured.push(NotMeasured { metric, why }),
        }
    }
    evidence.seen = Some(Seen {
        source: found.source,
        from: found.from,
        until: found.until,
        units: found.units,
        traffic: found.traffic,
        problem: found.too_little,
        not_measured,
    });
    Ok(evidence)
}

/// How long before the watermark is measured: as long as the schedule, in whole weeks, between one and four.
fn length(experiment: &Experiment) -> Duration {
    let schedule = experiment.schedule;
    let hours = schedule.end().duration_since(schedule.start()).as_hours();
    let weeks = (1..4).find(|weeks| hours <= 7 * 24 * i64::from(*weeks)).unwrap_or(4);
    Duration::days(7 * weeks)
}

//! Looks: daily watermarks, and who was exposed before each of them.
//!
//! What a look knows is what a run at its instant would have read, whoever asks and whenever: a unit that is later seen in
//! another variant counts until then. The warehouse groups units by the day on which they come and the day on which they
//! leave, once for all looks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clock::{Clock, day_of};
use super::exposures::{Exposures, Units};
use super::relation::SourceError;
use super::{Answer, Asked, Metrics, Question, arms};
use crate::warehouse::{Dialect, Row, Sql, Warehouse};
use trialbook_model::{Book, Experiment, Source, timezone};
use trialbook_stats::sequential;

/// A look that has been made, and what was known then.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Nothing at or after it counts.
    pub at: Timestamp,
    /// Who was exposed.
    pub exposures: Exposures,
    /// The moments of the experiment's metrics, or why there are none.
    pub metrics: Metrics,
    /// The same with one of each identical rows, for the sources that have such.
    pub without_copies: Metrics,
}

/// The instant of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermark {
    pub(super) at: Timestamp,
    /// The day that begins then: what came on earlier days counts. Later than any day for the last look, before which
    /// everything counts.
    pub(super) day: i64,
}

impl Watermark {
    /// A day after all others.
    pub(super) const LAST: i64 = i32::MAX as i64;
}

/// Returns the looks of an experiment up to a watermark: each midnight in the book's time zone after the start, and
/// the instant at which the last deciding window closes. A decision ends them. Of very long experiments it is every second
/// midnight, or every third.
pub(super) fn watermarks(book: &Book, experiment: &Experiment, until: Timestamp) -> Vec<Watermark> {
    if !experiment.analysis.method.is_sequential() {
        return Vec::new();
    }
    let clock = days(book, until);
    let (start, last) = (experiment.schedule.start(), book.matured_at(experiment));
    let decided = experiment.decision.as_ref().map_or(until, |decision| decision.date.min(until));
    let first = clock.day(start) + 1;
    let most = sequential::Looks::MOST as i64 - 2;
    let step = usize::try_from(1 + (clock.day(last) - first).max(0) / most).unwrap_or(1);
    let midnights = (first..=clock.day(decided.min(last))).step_by(step);
    let midnights = midnights.filter_map(|day| Some(Watermark { at: clock.start(day)?, day }));
    let end = Watermark { at: last, day: Watermark::LAST };
    let mut found: Vec<_> = midnights.filter(|look| start < look.at && look.at < last).collect();
    found.push(end);
    found.retain(|look| look.at <= decided);
    found
}

/// Returns the clock by which days begin in a book.
pub(super) fn days(book: &Book, until: Timestamp) -> Clock {
    Clock::new(&timezone(&book.timezone).unwrap_or(jiff::tz::TimeZone::UTC), until)
}

/// Returns the experiments among units that are looked at, with their numbers in the SQL and their looks.
pub(super) fn looked_at<'a>(
    question: Question<'a>,
    units: &Units,
) -> Vec<(usize, &'a Experiment, Vec<Watermark>)> {
    let experiments = units.experiments.iter().filter_map(|number| {
        let experiment = *question.experiments.get(*number)?;
        Some((*number, experiment, watermarks(question.book, experiment, question.watermark)))
    });
    experiments.filter(|(_, _, looks)| !looks.is_empty()).collect()
}

/// Returns the common table expressions that end in `entered`: a row per unit, with its first exposure, the day of that, and
/// the day on which it was seen in another variant.
fn entered(question: Question<'_>, units: &Units, dialect: &dyn Dialect) -> Sql {
    let clock = days(question.book, question.watermark);
    let day = |instant: &'static str| day_of(&clock.local(&Sql::code(instant)), dialect);
    let closings = looked_at(question, units).into_iter().map(|(number, experiment, _)| {
        let closes = question.book.matured_at(experiment).as_microsecond();
        vec![Sql::integer(number as i64), Sql::integer(closes)]
    });
    let closings: Vec<_> = closings.collect();
    Sql::fill(
        "{named},\n\
         {closings},\n\
         by_arm AS (\n  SELECT n.experiment, n.starts, n.ends, n.unit, n.arm, min(n.t) AS t\n  \
         FROM named n JOIN closings c ON c.experiment = n.experiment\n  WHERE n.arm IS NOT NULL AND n.t < c.closes\n  \
         GROUP BY n.experiment, n.starts, n.ends, n.unit, n.arm\n),\n\
         ordered AS (\n  SELECT experiment, starts, ends, unit, arm, t AS exposed,\n    \
         lead(t) OVER (PARTITION BY experiment, unit ORDER BY t, arm) AS spoiled,\n    \
         row_number() OVER (PARTITION BY experiment, unit ORDER BY t, arm) AS place\n  FROM by_arm\n),\n\
         entered AS (\n  SELECT o.experiment, o.arm, o.unit, o.exposed, {entry} AS entry,\n    \
         CASE WHEN o.spoiled IS NOT NULL THEN {leave} END AS leave,\n    \
         CASE WHEN o.exposed < o.starts OR o.exposed >= o.ends THEN 2 ELSE 3 END AS state\n  \
         FROM ordered o LEFT JOIN overridden v ON v.experiment = o.experiment AND v.unit = o.unit\n  \
         WHERE o.place = 1 AND v.unit IS NULL\n)",
        &[
            ("named", &units.named),
            ("closings", &dialect.table("closings", &["experiment", "closes"], &closings)),
            ("entry", &day("o.exposed")),
            ("leave", &day("o.spoiled")),
        ],
    )
}

/// Returns the common table expressions that end in `units`: those of `entered` that were exposed within the schedule.
pub(super) fn entered_units(question: Question<'_>, units: &Units, dialect: &dyn Dialect) -> Sql {
    Sql::fill(
        "{entered},\nunits AS (SELECT experiment, arm, unit, exposed, leave FROM entered WHERE state = 3)",
        &[("entered", &entered(question, units, dialect))],
    )
}

/// Asks who was exposed before each look, for the experiments that are looked at more than once.
pub(super) fn exposures(
    question: Question<'_>,
    units: &Units,
    source: &Source,
    warehouse: &dyn Warehouse,
    answer: &mut Answer,
) -> Result<(), SourceError> {
    let experiments = looked_at(question, units);
    if experiments.is_empty() {
        return Ok(());
    }
    let sql = Sql::fill(
        "{ctes}\nSELECT experiment, state, arm, entry, leave, count(*) AS units\nFROM entered\n\
         GROUP BY experiment, state, arm, entry, leave ORDER BY experiment, state, arm, entry, leave",
        &[("ctes", &entered(question, units, warehouse.dialect()))],
    );
    answer.queries.push(Asked {
        name: format!("exposures in {} by day", source.key),
        source: source.key.clone(),
        sql: sql.to_string(),
    });
    let rows = warehouse.select(&sql)?;
    let mut by_experiment = BTreeMap::<usize, Vec<Came>>::new();
    for row in &rows {
        let number = row.count("experiment").and_then(|number| usize::try_from(number).ok());
        by_experiment.entry(number.ok_or(SourceError::Shape)?).or_default().push(Came::of(row)?);
    }
    for (number, experiment, watermarks) in experiments {
        let came = by_experiment.remove(&number).unwrap_or_default();
        let total = answer.exposures.get(&experiment.key).cloned().unwrap_or_default();
        let looks = watermarks.iter().map(|watermark| Look {
            at: watermark.at,
            exposures: at_look(experiment, watermark, &came, &total),
            ..Look::default()
        });
        answer.looks.insert(experiment.key.clone(), looks.collect());
    }
    Ok(())
}

/// Units that came on the same day.
struct Came {
    /// Whether that was within the schedule.
    within: bool,
    arm: usize,
    entry: i64,
    leave: Option<i64>,
    units: u64,
}

impl Came {
    fn of(row: &Row) -> Result<Self, SourceError> {
        Ok(Self {
            within: row.count("state").ok_or(SourceError::Shape)? == 3,
            arm: row.count("arm").and_then(|arm| usize::try_from(arm).ok()).ok_or(SourceError::Shape)?,
            entry: row.integer("entry").ok_or(SourceError::Shape)?,
            leave: row.integer("leave"),
            units: row.count("units").ok_or(SourceError::Shape)?,
        })
    }
}

fn at_look(experiment: &Experiment, watermark: &Watermark, came: &[Came], total: &Exposures) -> Exposures {
    let mut found = Exposures {
        source: total.source.clone(),
        first: total.first.filter(|first| *first < watermark.at),
        last: total.last.map(|last| last.min(watermark.at)),
        ..Exposures::default()
    };
    found.overall.arms = arms(experiment)
        .into_iter()
        .map(|variant| super::ArmCount { variant: variant.clone(), units: 0 })
        .collect();
    found.overall.overridden = total.overall.overridden;
    for came in came.iter().filter(|came| came.entry < watermark.day) {
        if came.leave.is_some_and(|leave| leave < watermark.day) {
            found.overall.in_two_variants += came.units;
        } else if !came.within {
            found.overall.outside_schedule += came.units;
        } else if let Some(arm) = found.overall.arms.get_mut(came.arm) {
            arm.units += came.units;
        }
    }
    found
}

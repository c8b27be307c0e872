//! What happened in parts of time: on some days after the exposure, and to units that were first exposed on some days.
//!
//! Each part is asked for like an experiment of its own, as those of dimensions are. For days after the exposure the units are
//! taken as if they had been exposed so much later, and the metrics as if their windows were so long. What a unit did in one half
//! of its window and in the other stand together as a value and its covariate: so their difference has its error.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clock::DAY;
use super::exposures::Units;
use super::facts::{Measured, NotComputed};
use super::parts::Divided;
use super::{Answer, Question, looks, parts};
use crate::warehouse::{Sql, Warehouse};
use trialbook_model::{
    AnalysisPlan, Book, Contents, Duration, Experiment, ExperimentKey, Metric, MetricKey, MetricType, Window,
};

/// The most parts of time: each asks for every unit again.
const MOST: i64 = 7;

/// A metric in a part of time.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanMoments {
    /// Which metric.
    pub metric: MetricKey,
    /// Which part.
    pub span: Span,
    /// What was measured, or why nothing was.
    pub measured: Result<Measured, NotComputed>,
}

/// A part of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The days after the exposure from one to before another; 0 is the first.
    Since {
        /// The first of them.
        from: u16,
        /// The first that is none of them.
        until: u16,
    },
    /// The first so many days as covariate, and as many after them as value.
    Halves {
        /// How many.
        days: u16,
    },
    /// First exposed in this interval.
    Exposed {
        /// Its first instant.
        from: Timestamp,
        /// The first instant after it.
        until: Timestamp,
    },
}

/// Units that are asked for like an experiment of their own, with what is measured of them.
struct Asked<'a> {
    /// The number of their experiment in the SQL.
    parent: usize,
    experiment: &'a Experiment,
    /// Exposed from here to before there, in microseconds.
    exposed: [i64; 2],
    /// By how many microseconds later they are taken to be exposed.
    shift: i64,
    /// The metrics, and each as it is asked for.
    metrics: Vec<(MetricKey, Span, Metric)>,
}

/// Asks for the parts of time of the experiments whose effects are shown.
pub(super) fn ask(
    question: Question<'_>,
    units: &[Units],
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) {
    for units in units {
        let mut asked: Vec<Asked<'_>> = Vec::new();
        for number in &units.experiments {
            let Some(experiment) = question.experiments.get(*number).copied() else { continue };
            if parts::is_shown(question, experiment, answer) {
                asked.extend(since_exposure(question.book, *number, experiment));
                asked.extend(by_exposure(question, *number, experiment));
            }
        }
        // What is asked for has names of its own: one metric is asked for with several windows. Each of them is asked for once, because
        // a query takes every metric of every unit in every part.
        let mut metrics = BTreeMap::<MetricKey, Metric>::new();
        for (_, _, metric) in asked.iter_mut().flat_map(|asked| &mut asked.metrics) {
            let alike = |other: &&Metric| Metric { key: metric.key.clone(), ..(*other).clone() } == *metric;
            let known = metrics.values().find(alike).map(|known| known.key.clone());
            let key = known.or_else(|| MetricKey::new(format!("span-{}", metrics.len())).ok());
            if let Some(key) = key {
                metric.key = key.clone();
                metrics.insert(key, metric.clone());
            }
        }
        if let Some(book) = book_of(question.book, metrics) {
            let question = Question { book: &book, ..question };
            of_units(question, units, asked, warehouse, progress, answer);
        }
    }
}

/// Returns a book with nothing to measure but these metrics; `None` where there are none.
fn book_of(book: &Book, metrics: BTreeMap<MetricKey, Metric>) -> Option<Book> {
    if metrics.is_empty() {
        return None;
    }
    let mut contents = Contents::from(book.clone());
    contents.metrics = metrics;
    contents.experiments.clear();
    contents.layers.clear();
    contents.rollouts.clear();
    contents.holdouts.clear();
    contents.flags.clear();
    Book::new(contents).ok()
}

fn of_units(
    question: Question<'_>,
    units: &Units,
    asked: Vec<Asked<'_>>,
    warehouse: &dyn Warehouse,
    progress: &mut dyn FnMut(&str),
    answer: &mut Answer,
) {
    let named = |(n, asked): (usize, &Asked<'_>)| {
        let mut experiment = asked.experiment.clone();
        experiment.key = ExperimentKey::new(format!("span-{n}")).ok()?;
        let exploratory = asked.metrics.iter().map(|(.., metric)| metric.key.clone()).collect();
        experiment.metrics = AnalysisPlan { exploratory, ..AnalysisPlan::default() };
        Some(experiment)
    };
    let Some(named) = asked.iter().enumerate().map(named).collect::<Option<Vec<Experiment>>>() else {
        return;
    };
    let members = members(units, &asked, warehouse);
    let divided = Divided { units, asked: &named, members, suffix: "over time" };
    let found = divided.ask(question, warehouse, progress, answer);
    for (asked, named) in asked.into_iter().zip(&named) {
        let moments = answer.over_time.entry(asked.experiment.key.clone()).or_default();
        for (metric, span, as_asked) in asked.metrics {
            if let Some(measured) = found.get(&(named.key.clone(), as_asked.key)) {
                moments.push(SpanMoments { metric, span, measured: measured.clone() });
            }
        }
    }
}

/// Returns the deciding metrics of an experiment that are measured over whole days, with how many.
fn over_days<'a>(
    book: &'a Book,
    experiment: &'a Experiment,
) -> impl Iterator<Item = (&'a MetricKey, &'a Metric, i64)> {
    experiment.metrics.deciding().filter_map(|key| {
        let metric = book.metrics.get(key)?;
        let Window::Closed(window) = metric.window else { return None };
        Some((key, metric, window.seconds() * 1_000_000 / DAY))
    })
}

/// Returns the days after the exposure. A quantile has none: most units do nothing on most days.
fn since_exposure<'a>(book: &Book, parent: usize, experiment: &'a Experiment) -> Vec<Asked<'a>> {
    // Units that are taken to be exposed equally late are asked for once.
    let mut by_shift = BTreeMap::<i64, Vec<(MetricKey, Span, Metric)>>::new();
    for (key, metric, days) in over_days(book, experiment) {
        if days < 2 || matches!(metric.kind, MetricType::Quantile { .. }) {
            continue;
        }
        let mut add = |first: i64, length: i64, span: &dyn Fn(u16, u16) -> Span, covariate: bool| {
            let (Ok(from), Ok(length)) = (u16::try_from(first), u16::try_from(length)) else { return };
            let window = Duration::days(length);
            let metric = Metric {
                window: Window::Closed(window),
                covariate: covariate.then_some(window),
                ..metric.clone()
            };
            by_shift.entry(first).or_default().push((key.clone(), span(from, length), metric));
        };
        let length = (days + MOST - 1) / MOST;
        for place in 0..days / length {
            add(place * length, length, &|from, length| Span::Since { from, until: from + length }, false);
        }
        if matches!(metric.kind, MetricType::Mean(_) | MetricType::Proportion(_)) {
            add(days / 2, days / 2, &|_, days| Span::Halves { days }, true);
        }
    }
    let asked = by_shift.into_iter().map(|(days, metrics)| Asked {
        parent,
        experiment,
        exposed: [i64::MIN / 4, i64::MAX / 4],
        // Of sources whose times are days, a day later by the clock is the next day but for the hour of a change of the clocks,
        // in all arms alike.
        shift: days * DAY,
        metrics,
    });
    asked.collect()
}

/// Returns the days on which units were first exposed.
fn by_exposure<'a>(question: Question<'_>, parent: usize, experiment: &'a Experiment) -> Vec<Asked<'a>> {
    let clock = looks::days(question.book, question.watermark);
    let (start, end) = (experiment.schedule.start(), experiment.schedule.end());
    let (first, last) = (clock.day(start), clock.day(end - jiff::SignedDuration::from_micros(1)));
    let days = last - first + 1;
    let length = (days + MOST - 1) / MOST;
    if days < 2 {
        return Vec::new();
    }
    let midnight = |day: i64| clock.start(day).map(|at| at.clamp(start, end));
    let parts = (0..(days + length - 1) / length).filter_map(|place| {
        let from = midnight(first + place * length)?;
        let until = midnight(first + (place + 1) * length)?;
        let metrics = experiment.metrics.deciding().filter_map(|key| {
            let metric = question.book.metrics.get(key)?;
            Some((key.clone(), Span::Exposed { from, until }, metric.clone()))
        });
        let (exposed, metrics) = ([from.as_microsecond(), until.as_microsecond()], metrics.collect());
        Some(Asked { parent, experiment, exposed, shift: 0, metrics })
    });
    parts.collect()
}

/// Returns the common table expressions that end in `units`: a row for each part that a unit is in.
fn members(units: &Units, asked: &[Asked<'_>], warehouse: &dyn Warehouse) -> Sql {
    let row = |(n, asked): (usize, &Asked<'_>)| {
        let [since, until] = asked.exposed;
        [n as i64, asked.parent as i64, since, until, asked.shift].map(Sql::integer).to_vec()
    };
    let rows: Vec<Vec<Sql>> = asked.iter().enumerate().map(row).collect();
    let columns = ["part", "parent", "opens", "closes", "later"];
    Sql::fill(
        "{classified},\n{spans},\nunits AS (\n  SELECT p.part AS experiment, c.arm, c.unit, c.exposed + p.later AS exposed\n  \
         FROM classified c JOIN spans p ON p.parent = c.experiment AND c.exposed >= p.opens AND c.exposed < p.closes\n  \
         WHERE c.state = 3\n)",
        &[("classified", &units.classified), ("spans", &warehouse.dialect().table("spans", &columns, &rows))],
    )
}

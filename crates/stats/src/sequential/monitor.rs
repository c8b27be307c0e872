//! A group sequential test as it runs: bounds from what has been seen, whatever the metric.
//!
//! A look is an estimate, its standard error, its information and the share of the schedule that has passed (Lan and
//! DeMets 1983). The share gives what may be spent by then; the information gives how the looks are correlated. Means,
//! proportions, ratios and quantiles, adjusted or not, superiority and non-inferiority (the contrast with the margin in
//! place of the difference) are all such looks.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::after_stop::Stopped;
use super::group_sequential::{GroupSequential, Sides};
use super::looks::{Bounds, Looks, LooksError};
use super::spending::Spending;
use crate::distribution::normal;
use crate::probability::Probability;
use crate::reference::Interval;

/// A look with less than this much more information than the one before it is none: nothing is spent at it.
const LEAST_GAIN: f64 = 1e-3;

/// What was seen at a look: all the data until then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The estimate; positive in the direction that is tested for.
    pub estimate: f64,
    /// Its standard error; above 0.
    pub standard_error: f64,
    /// How much is known, in any unit that is the same at all looks: 1/se² ([`Seen::new`]), or where the variance of a
    /// unit does not change, n₀ n₁/(n₀ + n₁). Units never become fewer, and metrics that count the same ones share
    /// their bounds.
    pub information: f64,
    /// The share of the schedule that has passed, from 0 to 1; 1 at the final look.
    pub time: f64,
}

impl Seen {
    /// Returns a look whose information is 1/se².
    pub fn new(estimate: f64, standard_error: f64, time: f64) -> Self {
        Self { estimate, standard_error, information: (1.0 / standard_error).powi(2), time }
    }
}

/// Why looks cannot be monitored.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NotMonitored {
    /// A look has no estimate, no standard error or information above 0, or no time.
    #[error(
        "look {look} has the estimate {} with the standard error {} and the information {} at the time {}",
        seen.estimate, seen.standard_error, seen.information, seen.time
    )]
    NotMeasured {
        /// Which, counted from 1.
        look: usize,
        /// What was seen.
        seen: Seen,
    },
    /// Time does not rise from look to look.
    #[error("look {look} is no later than the look before it")]
    NotLater {
        /// Which, counted from 1.
        look: usize,
    },
    /// There is no look, or there are too many.
    #[error(transparent)]
    Looks(#[from] LooksError),
}

/// A look with its bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Monitored {
    /// What was seen.
    pub seen: Seen,
    /// The share of the information of the latest look.
    pub information: f64,
    /// The estimate in standard errors.
    pub statistic: f64,
    /// What has been spent of the level by this look.
    pub spent: f64,
    /// The statistic at which the test stops; `None` where the look has no new information, or nothing to spend.
    pub bound: Option<f64>,
    /// The repeated interval (Jennison and Turnbull 1989): the estimate with the bound's standard errors on either side.
    /// Over all looks together it keeps the level 1 − 2·level.
    pub interval: Option<Interval>,
    /// Whether the statistic is at the bound or above it.
    pub met: bool,
}

/// All looks so far.
#[derive(Debug, Clone)]
pub struct Monitor {
    looks: Vec<Monitored>,
    /// For each look that counts: its place among all.
    counting: Vec<usize>,
    design: Arc<GroupSequential>,
}

impl Monitor {
    /// Returns the looks with their bounds, for a one-sided test at `level`.
    ///
    /// A bound depends on the looks up to it alone, so a further look never moves an earlier bound. A look with no more
    /// information than an earlier one (an estimate that became noisier, or no new units) spends nothing and finds
    /// nothing, unless it is the final one: that one has what is left of the level, by Bonferroni.
    ///
    /// ```
    /// use trialbook_stats::Probability;
    /// use trialbook_stats::sequential::{Monitor, Seen, Spending};
    ///
    /// let seen = [
    ///     Seen::new(0.9, 0.50, 0.25),
    ///     Seen::new(1.1, 0.36, 0.50),
    ///     Seen::new(1.0, 0.29, 0.75),
    /// ];
    /// let monitor = Monitor::new(&seen, Spending::OBrienFlemingLike, Probability::new(0.025)?)?;
    /// assert_eq!(monitor.stopped(), Some(1));
    /// let first = monitor.looks()[0].bound.ok_or("bound")?;
    /// assert!((first - 4.333).abs() < 1e-3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No look or too many, one that is not measured, and times that do not rise.
    pub fn new(seen: &[Seen], spending: Spending, level: Probability) -> Result<Self, NotMonitored> {
        Designs::default().monitor(seen, spending, level)
    }

    /// Makes the looks from their design, given which of them count and the most information.
    fn of(
        seen: &[Seen],
        counting: Vec<usize>,
        most: f64,
        spent: &Spent,
        design: Arc<GroupSequential>,
    ) -> Self {
        let mut looks = Vec::with_capacity(seen.len());
        let mut before = 0.0;
        for (at, look) in seen.iter().enumerate() {
            let position = counting.binary_search(&at).ok();
            let bound = match position.and_then(|position| design.bounds().upper.get(position)) {
                Some(bound) => *bound,
                None if look.time >= 1.0 => normal::upper_quantile(spent.by(look) - before),
                None => f64::INFINITY,
            };
            if position.is_some() || look.time >= 1.0 {
                before = spent.by(look);
            }
            looks.push(monitored(look, look.information / most, before, bound));
        }
        Self { looks, counting, design }
    }

    /// The looks with their bounds, as many as were given.
    pub fn looks(&self) -> &[Monitored] {
        &self.looks
    }

    /// Returns the first look that met its bound, counted from 0. What comes after it changes no result.
    pub fn stopped(&self) -> Option<usize> {
        self.looks.iter().position(|look| look.met)
    }

    /// Returns the result as of a look, counted from 0, where the test stops there: at its bound, or because it is the last. In
    /// standard errors of that look.
    ///
    /// `None` where no such look counted.
    pub fn result_at(&self, look: usize) -> Option<Stopped> {
        let statistic = self.looks.get(look)?.statistic;
        match self.counting.binary_search(&look) {
            Ok(position) => Stopped::new(&self.design, position, statistic),
            Err(_) => None,
        }
    }
}

/// What is spent by when.
struct Spent {
    spending: Spending,
    level: Probability,
}

impl Spent {
    fn by(&self, look: &Seen) -> f64 {
        self.spending.spent(self.level, look.time)
    }
}

/// Bounds that were computed, so that metrics with the same information share them.
#[derive(Debug, Default)]
pub struct Designs {
    /// By the bits of the shares of information and of what is spent.
    known: HashMap<Vec<u64>, Arc<GroupSequential>>,
}

impl Designs {
    /// Returns the looks with their bounds, as [`Monitor::new`]; the bounds are computed once for the same information.
    ///
    /// # Errors
    ///
    /// As for [`Monitor::new`].
    pub fn monitor(
        &mut self,
        seen: &[Seen],
        spending: Spending,
        level: Probability,
    ) -> Result<Monitor, NotMonitored> {
        checked(seen)?;
        let mut counting = Vec::with_capacity(seen.len());
        let mut most = 0.0;
        for (at, look) in seen.iter().enumerate() {
            if look.information > most * (1.0 + LEAST_GAIN) {
                most = look.information;
                counting.push(at);
            }
        }
        let spent = Spent { spending, level };
        let counted = || counting.iter().filter_map(|at| seen.get(*at));
        let shares: Vec<f64> = counted().map(|look| look.information / most).collect();
        let spends: Vec<f64> = counted().map(|look| spent.by(look)).collect();
        let key = shares.iter().chain(&spends).map(|number| number.to_bits()).collect();
        let design = match self.known.get(&key) {
            Some(design) => Arc::clone(design),
            None => {
                let design = Arc::new(GroupSequential::spending(Looks::new(shares)?, &spends, Sides::One)?);
                self.known.insert(key, Arc::clone(&design));
                design
            }
        };
        Ok(Monitor::of(seen, counting, most, &spent, design))
    }
}

fn checked(seen: &[Seen]) -> Result<(), NotMonitored> {
    let mut before = 0.0;
    for (at, look) in seen.iter().enumerate() {
        let statistic = look.estimate / look.standard_error;
        let usable = look.standard_error > 0.0
            && statistic.is_finite()
            && look.information.is_normal()
            && look.information > 0.0
            && (0.0..=1.0).contains(&look.time);
        if !usable {
            return Err(NotMonitored::NotMeasured { look: at + 1, seen: *look });
        }
        if at > 0 && look.time <= before {
            return Err(NotMonitored::NotLater { look: at + 1 });
        }
        before = look.time;
    }
    Ok(())
}

fn monitored(seen: &Seen, information: f64, spent: f64, bound: f64) -> Monitored {
    let Seen { estimate, standard_error, .. } = *seen;
    let statistic = estimate / standard_error;
    let bound = bound.is_finite().then_some(bound);
    let interval = bound.map(|bound| Interval {
        lower: estimate - bound * standard_error,
        upper: estimate + bound * standard_error,
    });
    let interval = interval.filter(|interval| interval.lower.is_finite() && interval.upper.is_finite());
    let met = bound.is_some_and(|bound| statistic >= bound);
    Monitored { seen: *seen, information, statistic, spent, bound, interval, met }
}

/// Returns bounds at these shares of the information and of the time, for a test that is planned.
///
/// # Errors
///
/// Shares that do not rise, or are not as many as the times.
pub fn planned(
    looks: Looks,
    times: &[f64],
    spending: Spending,
    level: Probability,
) -> Result<Bounds, LooksError> {
    let spent: Vec<f64> = times.iter().map(|time| spending.spent(level, *time)).collect();
    Ok(GroupSequential::spending(looks, &spent, Sides::One)?.bounds().clone())
}

#[cfg(test)]
mod tests;

//! Two proportions of which one has few events, or few units without: limits that hold for none at all.
//!
//! The normal distribution is no guide there, and an arm without an event has no variance of its own. The limits of
//! each share are the exact ones (Clopper and Pearson 1934); those of the difference are joined from them as
//! independent errors are (method of variance estimates recovery: Newcombe 1998, Zou and Donner 2008). Nothing changes
//! between no event and one: the interval, the tests of *better* and *worse*, and that of non-inferiority all come from
//! the same limits.

use super::distribution::binomial::{lower_limit, upper_limit};
use super::probability::Probability;
use super::reference::Interval;

/// The events of an arm: of `units` units, `events` have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events {
    /// Units with an event.
    pub events: u64,
    /// All units.
    pub units: u64,
}

impl Events {
    fn is_rare(self) -> bool {
        self.events.min(self.units.saturating_sub(self.events)) < RareProportions::FEW
    }

    fn share(self) -> f64 {
        self.events as f64 / self.units as f64
    }

    fn limits(self, tail: f64) -> Interval {
        Interval {
            lower: lower_limit(self.events, self.units, tail),
            upper: upper_limit(self.events, self.units, tail),
        }
    }
}

/// Two arms at least one of which has few events or few units without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RareProportions {
    control: Events,
    treatment: Events,
}

/// The least tail that is looked for. Below it a p-value is given as this.
const LEAST: f64 = 1e-300;

impl RareProportions {
    /// Fewer events than this in an arm, or fewer units without, are few.
    pub const FEW: u64 = 20;

    /// Returns the two arms where one has few events; `None` where both have enough for the normal distribution, where
    /// an arm has fewer than two units, or more events than units.
    pub fn new(control: Events, treatment: Events) -> Option<Self> {
        let usable = |arm: Events| arm.units >= 2 && arm.events <= arm.units;
        let rare = control.is_rare() || treatment.is_rare();
        (usable(control) && usable(treatment) && rare).then_some(Self { control, treatment })
    }

    /// Returns the limits of treatment − factor·control, each at the one-sided level `tail`.
    fn limits(self, factor: f64, tail: f64) -> Interval {
        let (control, treatment) = (self.control.share(), self.treatment.share());
        let (c, t) = (self.control.limits(tail), self.treatment.limits(tail));
        let estimate = treatment - factor * control;
        Interval {
            lower: estimate - (treatment - t.lower).hypot(factor * (c.upper - control)),
            upper: estimate + (t.upper - treatment).hypot(factor * (control - c.lower)),
        }
    }

    /// Returns the two-sided interval of the difference at level 1 − alpha.
    ///
    /// ```
    /// use trialbook_stats::{Events, Probability, RareProportions};
    ///
    /// let none = Events { events: 0, units: 7000 };
    /// let arms = RareProportions::new(none, none).ok_or("not rare")?;
    /// // The rule of three: without an event the share is below 3.7 in n.
    /// let interval = arms.interval(Probability::new(0.05)?);
    /// assert!((interval.upper - 3.69 / 7000.0).abs() < 1e-5 && interval.lower == -interval.upper);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn interval(self, alpha: Probability) -> Interval {
        self.limits(1.0, alpha.halved().get())
    }

    /// Returns the p-value of "treatment − factor·control is above `null`": the least one-sided level whose lower limit
    /// is above it; 1 where the level 1/2 is not enough.
    pub fn p_above(self, factor: f64, null: f64) -> f64 {
        least_tail(|tail| self.limits(factor, tail).lower > null)
    }

    /// Returns the p-value of "treatment − factor·control is below `null`", as [`RareProportions::p_above`].
    pub fn p_below(self, factor: f64, null: f64) -> f64 {
        least_tail(|tail| self.limits(factor, tail).upper < null)
    }
}

/// Returns the least tail up to 1/2 that rejects, given that larger ones do too; 1 where none does.
fn least_tail(rejects: impl Fn(f64) -> bool) -> f64 {
    if !rejects(0.5) {
        return 1.0;
    }
    if rejects(LEAST) {
        return LEAST;
    }
    let (mut low, mut high) = (LEAST.ln(), 0.5_f64.ln());
    while high - low > 1e-9 * high.abs() {
        let middle = 0.5 * (low + high);
        if rejects(middle.exp()) { high = middle } else { low = middle }
    }
    high.exp()
}

#[cfg(test)]
mod tests;

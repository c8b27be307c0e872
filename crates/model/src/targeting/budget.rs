//! What a decision may cost, counted in steps of work: the same on a busy machine as on an idle one.

/// What may still be spent. A step is about ten nanoseconds of optimised code.
pub(super) struct Budget(usize);

/// What many decisions together may cost, such as all of one flag's: a bound beside that of each.
#[derive(Debug)]
pub struct Work(usize);

impl Work {
    /// What the decisions about one flag may cost: some seconds.
    pub const OF_A_FLAG: usize = 200_000_000;

    /// What a decision costs at least, in steps: reading two audiences.
    pub(super) const LEAST: usize = 200;

    /// Makes a bound of so many steps of about ten nanoseconds.
    pub const fn of(steps: usize) -> Self {
        Self(steps)
    }

    /// Tells whether nothing is left.
    pub const fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Returns a budget for one decision, of at most so many steps.
    pub(super) fn budget(&self, most: usize) -> Budget {
        Budget(self.0.min(most))
    }

    /// Takes off what a decision has cost.
    pub(super) fn spend(&mut self, steps: usize) {
        self.0 = self.0.saturating_sub(steps);
    }
}

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Exceeded;

impl Budget {
    pub(super) const fn of(steps: usize) -> Self {
        Self(steps)
    }

    /// Returns what is left.
    pub(super) const fn left(&self) -> usize {
        self.0
    }

    /// Takes the steps off; what is left stays where they are too many.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exceeded> {
        self.0 = self.0.checked_sub(steps).ok_or(Exceeded)?;
        Ok(())
    }
}

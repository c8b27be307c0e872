//! What a decision may cost, counted in steps of work: the same on a busy machine as on an idle one.

/// What may still be spent. A step is about ten nanoseconds of optimised code.
pub(super) struct Budget(usize);

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Exceeded;

impl Budget {
    pub(super) const fn of(steps: usize) -> Self {
        Self(steps)
    }

    /// Takes the steps off; what is left stays where they are too many.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exceeded> {
        self.0 = self.0.checked_sub(steps).ok_or(Exceeded)?;
        Ok(())
    }
}

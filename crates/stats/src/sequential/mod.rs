//! Testing the same comparison at several looks: what may be spent, where the bounds are, and what they find.
//!
//! At a look with a share t of the information, the statistic Z has variance 1 and mean θ √t, where the
//! drift θ is the effect over its standard error at full information; √t Z has independent increments. So
//! one engine serves means, proportions, ratios and quantiles, adjusted or not: a [`Monitor`] on what was [`Seen`],
//! a [`ConfidenceSequence`] on the same, and the [`Stopped`] result of a test that ended early.

mod after_stop;
pub mod always_valid;
mod first_passage;
pub mod group_sequential;
pub mod harm;
mod looks;
pub mod monitor;
mod quadrature;
pub mod spending;
pub mod split;

pub use after_stop::Stopped;
pub use always_valid::ConfidenceSequence;
pub use group_sequential::{GroupSequential, Sides};
pub use looks::{Bounds, Looks, LooksError};
pub use monitor::{Designs, Monitor, Monitored, NotMonitored, Seen};
pub use spending::Spending;

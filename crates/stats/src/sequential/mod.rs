//! Testing the same comparison at several looks: what may be spent, where the bounds are, and what they find.
//!
//! At a look with a share t of the information, the statistic Z has variance 1 and mean θ √t, where the
//! drift θ is the effect over its standard error at full information; √t Z has independent increments. So
//! one engine serves means, proportions, ratios and quantiles, adjusted or not.

pub mod always_valid;
mod first_passage;
pub mod group_sequential;
mod looks;
mod quadrature;
pub mod spending;

pub use group_sequential::{GroupSequential, Sides};
pub use looks::{Bounds, Looks, LooksError};
pub use spending::Spending;

//! Audiences as sets of contexts: who matches, whether two audiences can meet, and the context that proves it.

mod between;
mod bits;
mod cells;
mod context;
mod formula;
mod overlap;
mod share;
mod texts;

pub use context::{Attributes, Context, Segments, holds, matches, matches_among};
pub use overlap::{Overlap, UndecidedReason, Witness, meet, overlap, satisfiable};
pub use share::share;

#[cfg(test)]
mod tests;

//! Audiences as sets of contexts: who matches, whether audiences can meet, the context that proves it, and the share of
//! traffic that they are.
//!
//! Every question here is decided exactly or not at all. [`meet`] is the one that the others are asked in terms of:
//!
//! | question | function | answer |
//! | --- | --- | --- |
//! | can anybody be in it? | [`satisfiable`] | [`Overlap`] |
//! | can a unit be in both, or in all? | [`overlap`], [`meet`] | [`Overlap`] |
//! | can a unit be in one now and in the other later? | [`meets_over_time`] | [`OverTime`] |
//! | is everybody of one in the other? | [`implied`] | [`Answer`] |
//! | are they the same audience? | [`equivalent`] | [`Answer`] |
//! | whom do earlier rules leave over? | [`rest`], [`remainder`] | [`Overlap`], [`Predicate`](crate::Predicate) |
//! | what share of traffic is it? | [`share`], [`Sample::share`] | a number, or that it is unknown |
//!
//! How: the values of each attribute are divided into cells that its tests cannot distinguish (`cells`), an audience is
//! a formula over cells (`formula`), and a search with a budget decides it (`search`). Texts that no cell stands for are
//! looked for in the product of the tests' automata (`language`).

mod automaton;
mod between;
mod bits;
mod budget;
mod cells;
mod context;
mod formula;
mod language;
mod overlap;
mod relation;
mod sample;
mod search;
mod share;
mod texts;
mod time;
mod undecided;
mod wanted;

pub use budget::Work;
pub use context::{Attributes, Context, Segments, holds, matches, matches_among};
pub use overlap::{Overlap, Witness, meet, meet_within, overlap, satisfiable};
pub use relation::{Answer, equivalent, implied, remainder, rest};
pub use sample::{Contradiction, Measured, Sample, measured, widened};
pub use share::share;
pub use time::{OverTime, meets_over_time, meets_over_time_within};
pub use undecided::UndecidedReason;

#[cfg(test)]
mod tests;

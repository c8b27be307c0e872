//! Power of the whole decision, before an experiment begins: what it needs, what it can reach, what would help.
//!
//! [`forecast`] takes what the book declares, or what a warehouse has measured, as [`Evidence`]. What is
//! unknown stays unknown and is reported; where only a ceiling is known (an audience whose share nobody declares is
//! at most everybody), the forecast is what can be reached at most.

mod arrivals;
mod evidence;
mod forecast;
mod need;
mod predict;
mod remedy;

pub use arrivals::{Arrivals, Basis, TooMany};
pub use evidence::{Evidence, Known, NotMeasured, Origin, Seen, TooLittleSeen, WhyNoBaseline};
pub use forecast::{DurationRow, Durations, Forecast, Missing, Need, Remedy, Split};
pub use need::{BaselineShown, MetricNeed, Role};
pub use predict::forecast;
pub use remedy::rounded_up;

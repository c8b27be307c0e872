//! Draws, buckets and the packing of layers.

mod buckets;
mod draw;
mod utf16;

pub use buckets::BucketSet;
pub use draw::{Draw, Enrolment, Purpose, enrolment, hash};

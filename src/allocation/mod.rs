//! Draws, buckets and the packing of layers.

mod buckets;
mod draw;

pub use buckets::BucketSet;
pub use draw::{Draw, Enrolment, Purpose, enrolment, hash};

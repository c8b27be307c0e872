//! Draws, buckets and the packing of layers.

mod buckets;
mod draw;
mod pack;
mod utf16;

pub use buckets::BucketSet;
pub use draw::{Draw, Enrolment, Purpose, enrolment, hash};
pub use pack::{Holder, Packing, Refusal, RefusalReason, SlotChange, pack, resting};

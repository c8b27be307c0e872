//! Draws, buckets and the packing of layers.

mod buckets;
mod claim;
mod draw;
mod growth;
mod pack;
mod utf16;

pub use buckets::BucketSet;
pub use claim::{Approvals, Claim, Claimant, Claims, Forced, Withheld, claims, forced, growth};
pub use draw::{Draw, Enrolment, Purpose, enrolment, hash};
pub use growth::Growth;
pub use pack::{Holder, Packing, Refusal, RefusalReason, SlotChange, pack, resting};

//! From the book to what is live: the state that a target serves, the plan that gets there, and the targets.

pub mod plan;
pub mod backend;
pub mod import;
pub mod journal;

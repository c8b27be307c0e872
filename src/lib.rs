//! trialbook: product experiments as code.
//!
//! Data flows one way. Files and git become a [`model::Book`]; a book is checked, planned against
//! what is live, and analysed against a warehouse. The modules below stand in that order: each uses
//! only those that `tests/architecture.rs` allows it.

pub mod allocation;
pub mod analysis;
pub mod check;
pub mod cli;
pub mod decision;
pub mod diagnostic;
pub mod github;
pub mod history;
pub mod load;
pub mod model;
pub mod plan;
pub mod query;
pub mod report;
pub mod resolve;
pub mod schema;
pub mod span;
pub mod stats;
pub mod target;
pub mod targeting;
pub mod warehouse;

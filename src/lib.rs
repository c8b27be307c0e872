//! trialbook: product experiments as code.
//!
//! Data flows one way. Files and git become a [`model::Book`]; a book is checked, planned against
//! what is live, and analysed against a warehouse. The modules below stand in that order: each uses
//! only those that `tests/architecture.rs` allows it.

pub mod span;
pub mod model;
pub mod stats;
pub mod diagnostic;
pub mod targeting;
pub mod allocation;
pub mod load;
pub mod edit;
pub mod schema;
pub mod history;
pub mod resolve;
pub mod decision;
pub mod power;
pub mod check;
pub mod workspace;
pub mod fit;
pub mod review;
pub mod plan;
pub mod target;
pub mod warehouse;
pub mod query;
pub mod analysis;
pub mod report;
pub mod github;
pub mod lsp;
pub mod cli;

//! trialbook: product experiments as code.
//!
//! Data flows one way. Files and git become a [`Book`](trialbook_model::Book); a book is checked, planned against what is
//! live, and analysed against a warehouse. The crates below `crates/` stand in that order; this one is the program.

pub mod app;
pub mod artifact;
pub mod cli;
pub mod github;
pub mod lsp;
pub mod mcp;
pub mod report;

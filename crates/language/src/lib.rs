//! The book's language: its files read into a [`Book`](trialbook_model::Book) or findings, their JSON Schemas, and edits
//! that keep comments.

pub mod edit;
pub mod load;
pub mod schema;

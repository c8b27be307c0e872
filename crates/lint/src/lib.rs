//! The rules for a book and for a change of it, and edits that fix their findings.

pub mod check;
pub mod fit;
pub mod review;
pub mod workspace;

//! Rules: what a book and a change of it are held to, and what to do about it.

pub mod check;
pub mod fit;
pub mod review;
pub mod workspace;

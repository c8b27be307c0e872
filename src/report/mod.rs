//! What people and machines read: neutral blocks, then terminal, markdown and JSON.
//!
//! A [`blocks::Document`] says what is said; [`terminal`] and [`markdown`] write it down. All text in a document
//! is plain, and each of the two escapes it.

pub mod blocks;
mod calendar;
mod clean;
pub mod escape;
pub mod findings;
mod gauge;
pub mod markdown;
mod number;
pub mod outcome;
pub mod passed;
pub mod plan;
pub mod power;
pub mod terminal;

pub use gauge::{Gauge, Scale};

//! What people and machines read: neutral blocks, then terminal, markdown and JSON.
//!
//! A [`blocks::Page`] is the content; [`terminal`] and [`markdown`] write it down. All text in a document
//! is plain, and each of the two escapes it.

pub mod allocate;
pub mod blocks;
pub mod calendar;
mod clean;
pub mod cleaning;
pub mod comment;
pub mod conclude;
pub mod cost;
pub mod demo;
pub mod escape;
pub mod evaluate;
pub mod explain;
pub mod findings;
pub mod fit;
mod gauge;
pub mod html;
pub mod import;
pub mod markdown;
mod number;
pub mod outcome;
pub mod plan;
pub mod power;
pub mod proposal;
pub mod review;
pub mod site;
pub mod status;
pub mod terminal;
pub mod why;

pub use gauge::{Gauge, Scale};

//! The rules, their pages, and the workspace that runs them.

mod collisions;
mod rules;
mod sample;
mod workspace;

//! Audiences as sets of contexts: who matches, whether two audiences can meet, and the context that proves it.

mod context;

pub use context::{Attributes, Context, holds, matches};

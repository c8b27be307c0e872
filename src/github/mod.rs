//! GitHub: the pull request that launched an experiment, and its one comment.
//!
//! A blocking client for the two things that a verdict needs: which pull request brought a commit in, and
//! one comment per experiment that is written once and edited afterwards. Bodies arrive as finished Markdown.
//!
//! Nothing here repeats a write. When the answer to one is lost, what is on GitHub is read before anything is
//! said about it, so that a comment never appears twice.

mod address;
mod body;
mod client;
mod comment;
mod error;
mod identity;
mod pull;
mod token;

pub use address::{ApiUrl, Commit, Marker, Repository};
pub use body::BODY_LIMIT;
pub use client::{Client, Pace};
pub use comment::{Change, Upserted};
pub use error::GithubError;
pub use token::Token;

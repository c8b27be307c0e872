//! GitHub: the pull request that launched an experiment or proposes a change, and what is reported on it.
//!
//! A blocking client for what a review and a verdict need: which pull request a commit belongs to, one comment for each
//! thing that is reported, and the commit status beside it. Bodies arrive as finished Markdown.
//! No write is repeated blindly. If the answer to a write is lost, GitHub is read to find out what happened,
//! so that a comment never appears twice.

mod address;
mod answer;
mod body;
mod bounded;
mod check;
mod client;
mod comment;
mod error;
mod event;
mod fetch;
mod identity;
mod marker;
mod open;
mod pace;
mod propose;
mod pull;
mod status;
mod token;

pub use address::{ApiUrl, Commit, Repository};
pub use body::BODY_LIMIT;
pub use check::{Annotation, AnnotationLevel, CheckRun, MOST_ANNOTATIONS};
pub use client::Client;
pub use comment::{CommentWrite, Kept, Note};
pub use error::GithubError;
pub use event::{Event, PullOf, run_of};
pub use fetch::{FetchError, Remote};
pub use marker::{Marker, Run, Stamp};
pub use open::{OpenPull, OpenPulls};
pub use pace::Pace;
pub use propose::Proposed;
pub use pull::Headed;
pub use status::Standing;
pub use token::Token;

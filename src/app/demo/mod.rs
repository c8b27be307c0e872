//! The demonstration: the example book, a generated shop with known effects, and what its analysis finds.

mod book;
mod truth;
mod warehouse;

use std::io;
use std::path::Path;

use arrow_schema::ArrowError;
use trialbook_analysis::OutcomeError;
use trialbook_analysis::warehouse::WarehouseError;
use trialbook_language::load::DiscoverError;

pub use book::write;
pub use truth::{Estimated, Truth, truths};
pub use warehouse::{Generated, STEPS, generate};

/// Why the demonstration does not go on.
#[derive(Debug)]
pub enum DemoError {
    /// Its folder holds something.
    NotEmpty,
    /// Its folder is inside of another book.
    InsideBook,
    /// A file cannot be read or written.
    File(io::Error),
    /// The book cannot be committed.
    NotCommitted(git2::Error),
    /// The book cannot be read.
    Unread(DiscoverError),
    /// The book has errors.
    NoBook,
    /// The warehouse cannot be written.
    Warehouse(WarehouseError),
    /// Rows cannot be made: a bug.
    Rows(ArrowError),
    /// An outcome is none: a bug.
    Outcome(OutcomeError),
}

impl From<io::Error> for DemoError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// The experiment that collides once it is open to everybody.
const ROUND: &str = "checkout/round-checkout-button.experiment.yaml";

/// Opens an experiment of the book to everybody while something is done, and takes that back.
///
/// # Errors
///
/// Where its file cannot be read or written.
pub fn while_colliding<T>(dir: &Path, act: impl FnOnce() -> T) -> io::Result<T> {
    let path = dir.join(ROUND);
    let text = std::fs::read_to_string(&path)?;
    let everywhere: String =
        text.lines().filter(|line| !line.starts_with("  country:")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, everywhere)?;
    let done = act();
    std::fs::write(&path, text)?;
    Ok(done)
}

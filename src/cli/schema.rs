//! `trialbook schema`: the JSON Schema of a kind of file.

use std::io::Write as _;

use super::{Exit, Failure};
use crate::model::Kind;
use crate::schema;

/// Print the JSON Schema of a kind of file, for editors and other checkers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The kind; all are listed when none is named
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let named = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    named.ok_or_else(|| format!("expected one of {}", Kind::ALL.map(Kind::as_str).join(", ")))
}

/// Prints a schema, or the kinds that have one.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let text = match args.kind {
        Some(kind) => schema::text_of(kind),
        None => Kind::ALL.iter().map(|kind| format!("{kind}\n")).collect(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

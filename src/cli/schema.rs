//! `trialbook schema`: the JSON Schema of a kind of file, or of what a command writes.

use super::sink::{self, Text};
use super::{Exit, Failure};
use trialbook_language::schema;
use trialbook_model::Kind;

/// Print the JSON Schema of a kind of file, or of what a command writes, for editors and other programs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A kind of file, or an output such as `plan` or `lint-v1`; when left out, all are listed
    #[arg(value_name = "KIND", value_parser = named)]
    kind: Option<Named>,
}

/// What has a schema.
#[derive(Debug, Clone, Copy)]
enum Named {
    Kind(Kind),
    Output(&'static str),
}

/// Returns the names of everything that has a schema.
fn names() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::as_str).chain(schema::OUTPUTS.iter().map(|(name, _)| *name))
}

fn named(text: &str) -> Result<Named, String> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == text).map(Named::Kind);
    // Each output has one version: its name alone selects it.
    let is_named = |name: &str| name == text || name.rsplit_once("-v").is_some_and(|(name, _)| name == text);
    let output =
        || schema::OUTPUTS.iter().find(|(name, _)| is_named(name)).map(|(_, text)| Named::Output(text));
    kind.or_else(output).ok_or_else(|| format!("expected one of {}", names().collect::<Vec<_>>().join(", ")))
}

/// Prints a schema, or the names of what has one.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match args.kind {
        Some(Named::Kind(kind)) => sink::print(Text::Json(&schema::text_of(kind))),
        Some(Named::Output(text)) => sink::print(Text::Json(text)),
        None => sink::print(Text::Plain(&names().map(|name| format!("{name}\n")).collect::<String>())),
    }?;
    Ok(Exit::Done)
}

//! `trialbook man`: the manual pages, for whoever packages the program.

use std::path::PathBuf;

use super::{Exit, Failure};

/// Write the manual pages, one for each command, into a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder, such as `share/man/man1`; created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages.
///
/// # Errors
///
/// Where a page cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(super::command(), folder));
    written.map_err(|error| {
        let message = format!("cannot write manual pages into `{}`", folder.display());
        Failure::new(Exit::Unreachable, message).because(&error)
    })?;
    Ok(Exit::Done)
}

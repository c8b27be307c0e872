//! `trialbook completions`: commands and options for the Tab key of a shell.

use clap_complete::Shell;

use super::sink::{self, Text};
use super::{Exit, Failure};

/// Print a script that completes commands and options in a shell
///
/// For bash: `trialbook completions bash > ~/.local/share/bash-completion/completions/trialbook`. For zsh, into a folder of
/// `$fpath`: `trialbook completions zsh > ~/.zfunc/_trialbook`. For fish:
/// `trialbook completions fish > ~/.config/fish/completions/trialbook.fish`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "trialbook", &mut script);
    sink::print(Text::Plain(&String::from_utf8_lossy(&script)))?;
    Ok(Exit::Done)
}

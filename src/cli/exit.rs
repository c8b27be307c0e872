//! How a command ends: documented exit codes, and failures with what to do.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use super::sink::{self, Text};
use crate::artifact::ArtifactError;

/// How a command ended. The numbers are a promise: they are in the documentation and tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; a plan with changes too, unless `--detailed-exitcode`.
    Done,
    /// Findings of severity error; a guardrail or a policy is violated.
    Findings,
    /// There are changes (only with `--detailed-exitcode`), or drift.
    Changes,
    /// Nothing matched.
    NothingMatched,
    /// Refused: stale plan, lost race, locked, too large a change. Plan again.
    Refused,
    /// Applied in part; the message names what is missing.
    AppliedInPart,
    /// Could not reach or sign in to something; safe to try again.
    Unreachable,
    /// The command line is wrong.
    Usage,
    /// A bug in trialbook.
    Bug,
}

impl Exit {
    /// Returns the process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Changes => 2,
            Self::NothingMatched => 3,
            Self::Refused => 4,
            Self::AppliedInPart => 5,
            Self::Unreachable => 6,
            Self::Usage => 64,
            Self::Bug => 70,
        }
    }
}

/// Why a command could not do its work: a lower-case sentence, its causes, and what to do.
#[derive(Debug, Clone)]
pub struct Failure {
    exit: Exit,
    message: String,
    details: Vec<String>,
    causes: Vec<String>,
    help: Option<String>,
}

impl Failure {
    /// Makes a failure that ends with this code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), causes: Vec::new(), help: None }
    }

    /// Makes a failure of an error and the chain of its sources.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, error.to_string()).causes_of(error)
    }

    /// Adds an error and the chain of its sources as causes.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        self.causes_of(error)
    }

    /// Adds a line below the message.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Adds what an error advises, where it advises anything.
    #[must_use]
    pub fn advised(mut self, error: &dyn miette::Diagnostic) -> Self {
        self.help = error.help().map(|help| help.to_string()).or(self.help);
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// A failure that has been reported already, by findings for example.
    pub fn reported(exit: Exit) -> Self {
        Self::new(exit, String::new())
    }

    /// Puts what failed first, and this failure as its cause.
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, message.into()));
        self
    }

    /// Changes how the command ends: what failed matters more where it did.
    #[must_use]
    pub fn ending_with(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    fn causes_of(mut self, error: &dyn Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            self.causes.push(cause.to_string());
            source = cause.source();
        }
        self
    }

    /// Returns how the command ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what is printed on stderr; empty where it has been reported already.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.message.is_empty() {
            let _ = writeln!(text, "error: {}", sink::inline(&self.message));
            for line in &self.details {
                let _ = writeln!(text, "  {}", sink::inline(line));
            }
            for cause in &self.causes {
                // An engine's message has lines that stand below each other; none begins where one of ours does.
                let lines: Vec<_> = cause.lines().map(sink::inline).collect();
                let _ = writeln!(text, "  because: {}", lines.join("\n           "));
            }
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  help: {}", sink::inline(help));
        }
        text
    }

    /// Prints it on stderr, and returns how the command ends.
    pub fn report(&self) -> Exit {
        sink::notify(Text::Plain(&self.text()));
        self.exit
    }
}

impl From<std::io::Error> for Failure {
    /// A failed write of results: a reader that has gone (`| head`) is no failure to report.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::reported(Exit::Done);
        }
        Self::of(Exit::Unreachable, &error)
    }
}

/// Returns how a command ends that cannot read a file that it was given: trying again helps only where there is one.
pub(super) fn of_named_file(error: &std::io::Error) -> Exit {
    if error.kind() == std::io::ErrorKind::NotFound { Exit::NothingMatched } else { Exit::Unreachable }
}

/// Returns the failure of an artifact that cannot be read or is not what it should be.
pub(super) fn of_artifact(error: &ArtifactError, path: &Path) -> Failure {
    let shown = path.display();
    match error {
        ArtifactError::Unreadable(cause) => {
            Failure::new(of_named_file(cause), format!("cannot read `{shown}`")).because(cause)
        }
        other => Failure::new(Exit::Refused, format!("cannot use `{shown}`")).because(other),
    }
}

/// Prints help, the version or a usage error, and returns how the process ends: usage errors with 64.
pub(super) fn of_usage(error: &clap::Error) -> Exit {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        sink::notify(Text::Styled(&text));
    } else {
        let _ = sink::print(Text::Styled(&text));
    }
    match error.kind() {
        DisplayHelp | DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_causes_and_what_to_do() {
        let cause = std::io::Error::other("disk\u{1b}[31m\u{202e} full");
        let failure =
            Failure::new(Exit::Unreachable, "cannot write the plan").because(&cause).help("free some space");
        assert_eq!(
            failure.text(),
            "error: cannot write the plan\n  because: disk\\u{1b}[31m\\u{202e} full\n  help: free some space\n"
        );
    }

    #[test]
    fn the_exit_codes_are_the_documented_ones() {
        use Exit::*;
        let codes =
            [Done, Findings, Changes, NothingMatched, Refused, AppliedInPart, Unreachable, Usage, Bug];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 64, 70]);
    }
}

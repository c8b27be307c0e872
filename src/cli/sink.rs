//! The one way to stdout and stderr.
//! Output contains untrusted text: titles, paths, rows of a database, names of branches, GitHub's answers.
//! This module removes every character that controls a terminal and, under a CI
//! runner, every line that the runner would execute. `clippy.toml` refuses every other way to print.

mod steering;

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal as _, StderrLock, StdoutLock, Write};

use anstream::{AutoStream, ColorChoice};

use steering::{annotations, broken, escaped, is_runner, reaches_a_runner, styled, without_hidden};

/// What a text is, which decides how what is hidden in it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// Lines without colours: Markdown and XML too.
    Plain(&'a str),
    /// Lines with our own colours, which are left out where nobody sees them. Whoever made the text has taken what
    /// steers a terminal out of the parts that are not ours.
    Styled(&'a str),
    /// JSON: escapes of its own show what is hidden, so it means what it meant.
    Json(&'a str),
    /// Workflow commands that trialbook gives itself, one on each line, escaped.
    Annotations(&'a str),
}

impl<'a> Text<'a> {
    /// Returns the text as it is, for a file.
    pub(super) fn raw(self) -> &'a str {
        match self {
            Self::Plain(text) | Self::Styled(text) | Self::Json(text) | Self::Annotations(text) => text,
        }
    }

    /// Returns the text as it may be printed, without colours of its own.
    pub(super) fn shown(self) -> Cow<'a, str> {
        self.safe(false)
    }

    /// Returns the text as it may be printed.
    fn safe(self, coloured: bool) -> Cow<'a, str> {
        let runner = is_runner();
        match self {
            Self::Plain(text) => broken(without_hidden(text), runner),
            Self::Styled(text) => broken(styled(text, coloured), runner),
            Self::Json(text) => escaped(text, runner),
            Self::Annotations(text) => annotations(text, runner),
        }
    }
}

/// Prints on stdout.
///
/// # Errors
///
/// Where stdout cannot be written.
pub(super) fn print(text: Text<'_>) -> io::Result<()> {
    let safe = text.safe(stdout_with_colours().current_choice() != ColorChoice::Never);
    match text {
        Text::Styled(_) => stdout_with_colours().write_all(safe.as_bytes()),
        _ => stdout().write_all(safe.as_bytes()),
    }
}

/// Prints a line of ours on stdout.
///
/// # Errors
///
/// Where stdout cannot be written.
pub(super) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    print(Text::Styled(&format!("{text}\n")))
}

/// Prints on stdout, and shows it at once: a question, whose answer is awaited.
///
/// # Errors
///
/// Where stdout cannot be written.
pub(super) fn ask(text: &str) -> io::Result<()> {
    let mut stdout = stdout();
    stdout.write_all(Text::Plain(text).shown().as_bytes())?;
    stdout.flush()
}

/// Prints on stderr. Where that cannot be written, there is nowhere to report it.
pub(super) fn notify(text: Text<'_>) {
    let safe = text.safe(stderr_with_colours().current_choice() != ColorChoice::Never);
    let _ = match text {
        Text::Styled(_) => stderr_with_colours().write_all(safe.as_bytes()),
        _ => stderr().write_all(safe.as_bytes()),
    };
}

/// Prints a patch on stdout: byte for byte where a program or a file takes it, as [`Text::Plain`] where a terminal or a
/// runner reads it.
///
/// # Errors
///
/// Where stdout cannot be written.
pub(super) fn patch(patch: &str) -> io::Result<()> {
    let mut stdout = stdout();
    if !stdout.is_terminal() && !reaches_a_runner(&stdout) {
        return stdout.write_all(patch.as_bytes());
    }
    let lines: String = patch.split_inclusive('\n').map(|line| line.replace("\r\n", "\n")).collect();
    stdout.write_all(Text::Plain(&lines).shown().as_bytes())
}

/// Returns how wide the terminal is, in columns; `None` where there is none.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Many lines of JSON on stdout.
pub(super) struct JsonLines {
    output: BufWriter<StdoutLock<'static>>,
    runner: bool,
}

impl JsonLines {
    /// Begins; nothing is printed yet.
    pub(super) fn new() -> Self {
        Self { output: BufWriter::with_capacity(1 << 16, stdout()), runner: is_runner() }
    }

    /// Prints a value on a line of its own.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written.
    pub(super) fn line(&mut self, json: &str) -> io::Result<()> {
        self.output.write_all(escaped(json, self.runner).as_bytes())?;
        self.output.write_all(b"\n")
    }

    /// Prints what is still held back.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Stdout as it is, for a protocol that a program speaks on it.
pub(super) fn protocol() -> StdoutLock<'static> {
    stdout()
}

/// Returns outside text for a place inside a line: its line breaks are shown too.
pub(super) fn inline(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| steering::push_shown(&mut out, c));
    out
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn stdout() -> StdoutLock<'static> {
    io::stdout().lock()
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn stderr() -> StderrLock<'static> {
    io::stderr().lock()
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn stdout_with_colours() -> AutoStream<StdoutLock<'static>> {
    anstream::stdout().lock()
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn stderr_with_colours() -> AutoStream<StderrLock<'static>> {
    anstream::stderr().lock()
}

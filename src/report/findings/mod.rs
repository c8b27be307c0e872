//! Findings, for people, terminals, programs and workflows.
//!
//! Every format escapes for itself: a file's name, a key or a reason is untrusted text.

mod concise;
mod full;
mod github;
mod json;
mod visible;

use std::fmt;

use crate::diagnostic::{Diagnostic, Severity};

pub(crate) use visible::visible;

/// A way to write findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: the place, the proof, what to do.
    Full,
    /// `PATH:LINE:COLUMN: error[RULE] MESSAGE`, one line each.
    Concise,
    /// `json-v1`: the frozen shape.
    Json,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Format; 4] = [Format::Full, Format::Concise, Format::Json, Format::Github];

    /// Returns the word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Github => "github",
        }
    }
}

/// What a lint run found.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// The findings, in reading order.
    pub findings: &'a [Diagnostic],
    /// How many files were read.
    pub files: usize,
    /// What stands before a file's path so that it leads there from the reader's folder: `experiments/`, or nothing.
    pub prefix: &'a str,
}

impl Findings<'_> {
    /// Returns the findings as text that ends with a line break, or is empty where a format has nothing to say.
    ///
    /// [`Format::Full`] carries ANSI colours; write it through `anstream`, which takes them out where nobody
    /// sees them. Text from the book cannot bring its own.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Full => full::render(self),
            Format::Concise => concise::render(self),
            Format::Json => json::render(self),
            Format::Github => github::render(self),
        }
    }

    /// Returns how many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Returns the whole run in one line: `3 errors, 1 warning in 61 files`.
    pub fn summary(&self) -> String {
        let files = counted(self.files, "file");
        match (self.count(Severity::Error), self.count(Severity::Warning)) {
            (0, 0) => format!("no findings in {files}"),
            (0, warnings) => format!("{} in {files}", counted(warnings, "warning")),
            (errors, 0) => format!("{} in {files}", counted(errors, "error")),
            (errors, warnings) => {
                format!("{}, {} in {files}", counted(errors, "error"), counted(warnings, "warning"))
            }
        }
    }

    /// Returns a file's path for a person, from the reader's folder.
    fn path(&self, path: &str) -> String {
        visible(&format!("{}{path}", self.prefix)).into_owned()
    }
}

/// Returns `1 file`, `2 files`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Returns the word for a severity.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;

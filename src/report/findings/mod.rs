//! Findings, for people, terminals, programs and workflows.
//!
//! Every format escapes for itself: a file's name, a key or a reason is untrusted text.

mod concise;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod notice;
mod random;
mod rule;
mod sarif;
mod visible;

use std::cmp::Reverse;
use std::fmt;

use trialbook_model::diagnostic::{Diagnostic, Severity};

use crate::app::change::Change;
pub use notice::notice;
pub use random::random_overlap;
pub use rule::RulePage;
pub(crate) use visible::{is_hidden, visible};

/// A way to write findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: the place, the proof, what to do.
    Full,
    /// `PATH:LINE:COLUMN: error[RULE] MESSAGE`, one line each.
    Concise,
    /// `json-v1`: the frozen shape.
    Json,
    /// SARIF 2.1.0, which GitHub's code scanning and many editors read.
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit's XML, which CI servers show as tests.
    Junit,
    /// A comment for a pull request.
    Markdown,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Format; 8] = [
        Format::Full,
        Format::Concise,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
        Format::Markdown,
    ];

    /// Returns the word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
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
    /// How many findings comments suppress.
    pub suppressed: usize,
    /// How many findings the baseline knows; they are not among the findings.
    pub known: usize,
    /// The least severity that fails the run.
    pub fails: Severity,
    /// What there is to read about the rules.
    pub rules: &'a [RulePage],
    /// For each finding, text that stays the same where its lines move, and that no other finding has.
    pub fingerprints: &'a [String],
    /// What the change is about, where one is linted.
    pub change: Option<&'a Change>,
    /// How wide the terminal is that shows them, in columns; `None` where there is none.
    pub width: Option<usize>,
}

impl Findings<'_> {
    /// Returns the findings as text that ends with a line break, or is empty where a format has nothing to write.
    ///
    /// [`Format::Full`] carries ANSI colours; write it through `anstream`, which takes them out where nobody
    /// sees them. Text from the book cannot bring its own.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Full => full::render(self),
            Format::Concise => concise::render(self),
            Format::Json => json::render(self),
            Format::Sarif => sarif::render(self),
            Format::Github => github::render(self),
            Format::Gitlab => gitlab::render(self),
            Format::Junit => junit::render(self),
            Format::Markdown => markdown::render(self),
        }
    }

    /// Returns how many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Returns the whole run in one line: `3 errors, 1 warning in 61 files (2 suppressed)`.
    pub fn summary(&self) -> String {
        let hidden: Vec<String> = [(self.suppressed, "suppressed"), (self.known, "in the baseline")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, how)| format!("{count} {how}"))
            .collect();
        let shown = self.shown();
        if hidden.is_empty() { shown } else { format!("{shown} ({})", hidden.join(", ")) }
    }

    fn shown(&self) -> String {
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
        visible(&self.located(path)).into_owned()
    }

    /// Returns a file's path from the reader's folder. One that leads out of the book (`../`) takes back what the
    /// prefix leads into.
    fn located(&self, path: &str) -> String {
        let (mut prefix, mut rest) = (self.prefix, path);
        while let Some(up) = rest.strip_prefix("../") {
            let Some(folder) =
                prefix.strip_suffix('/').filter(|folder| *folder != ".." && !folder.ends_with("/.."))
            else {
                break;
            };
            (prefix, rest) = (folder.rfind('/').map_or("", |at| prefix.get(..=at).unwrap_or_default()), up);
        }
        format!("{prefix}{rest}")
    }

    /// Returns the findings, errors first, each with its fingerprint.
    fn worst_first(&self) -> Vec<(&Diagnostic, &str)> {
        let fingerprints = self.fingerprints.iter().map(String::as_str).chain(std::iter::repeat(""));
        let mut findings: Vec<_> = self.findings.iter().zip(fingerprints).collect();
        findings.sort_by_key(|(finding, _)| Reverse(finding.severity));
        findings
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

//! A lint result as it comes back from a file: `lint --format json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::app::change::Change;
use trialbook_model::diagnostic::Severity;

/// What a lint run found.
#[derive(Debug, Clone, Deserialize)]
pub struct LintResult {
    /// What was found, by file, place and rule.
    pub findings: Vec<Finding>,
    /// How much there is.
    pub summary: Summary,
    /// What the change is about, where one was linted.
    #[serde(default)]
    pub change: Option<Change>,
}

/// How much was found.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Summary {
    /// How many files of the book were read.
    pub files: u64,
    /// How many findings comments suppress.
    pub suppressed: u64,
    /// How many findings the baseline knows.
    pub known: u64,
}

/// A finding.
#[derive(Debug, Clone, Deserialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The file, from the folder in which lint ran.
    pub file: String,
    /// Where it is.
    pub span: Range,
    /// What is to be seen at the place; may be empty.
    pub label: String,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// Facts that support it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// A context that proves it, by attribute.
    pub witness: Option<BTreeMap<String, Value>>,
    /// The share of traffic that it concerns.
    pub overlap: Option<Overlap>,
}

/// Another place that belongs to a finding.
#[derive(Debug, Clone, Deserialize)]
pub struct Related {
    /// What is to be seen there; may be empty.
    pub message: String,
    /// The file, from the folder in which lint ran.
    pub file: String,
    /// Where it is.
    pub span: Range,
}

/// A half-open range of a file.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Range {
    /// The first character.
    pub start: Position,
    /// The character after the last.
    pub end: Position,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
}

/// The share of traffic that a finding concerns.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Overlap {
    /// Between 0 and 1.
    pub share: f64,
}

impl LintResult {
    /// Returns how many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    }
}

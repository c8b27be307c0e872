//! Where lowering puts what it finds in one file.

use std::sync::Arc;

use crate::load::advice::Advice;
use crate::load::{MAX_FINDINGS, rules};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};

/// How many regular expressions a file may have: compiling one may take milliseconds.
pub(super) const MAX_PATTERNS: usize = 100;

/// Collects the findings of one file.
pub(super) struct Sink<'a> {
    file: &'a Arc<SourceFile>,
    findings: Vec<Diagnostic>,
    /// How many regular expressions the file has so far.
    patterns: usize,
}

impl<'a> Sink<'a> {
    pub fn new(file: &'a Arc<SourceFile>) -> Self {
        Self { file, findings: Vec::new(), patterns: 0 }
    }

    pub fn file(&self) -> &'a Arc<SourceFile> {
        self.file
    }

    pub fn into_findings(self) -> Vec<Diagnostic> {
        self.findings
    }

    /// Returns an error to be completed and [pushed](Self::push).
    pub fn finding(&self, rule: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(rule, message, self.file, span)
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds an error with what to do.
    pub fn error(
        &mut self,
        rule: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Advice>,
    ) {
        let finding = self.finding(rule, span, message);
        self.push(help.into().given(finding));
    }

    /// Adds a warning with what to do.
    pub fn warning(&mut self, rule: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.push(Diagnostic::warning(rule, message, self.file, span).help(help));
    }

    /// Reports a name that refers to nothing, with what might be meant.
    pub fn dangling(&mut self, span: Span, what: &str, name: &str, help: impl FnOnce() -> Advice) {
        // Past the last finding that is shown, not worth the search for the nearest name.
        let help = if self.findings.len() > MAX_FINDINGS { Advice::default() } else { help() };
        self.error(rules::DANGLING_REFERENCE, span, format!("there is no {what} `{name}`"), help);
    }

    /// Counts a regular expression; tells whether the file may have another.
    pub fn another_pattern(&mut self) -> bool {
        self.patterns += 1;
        self.patterns <= MAX_PATTERNS
    }
}

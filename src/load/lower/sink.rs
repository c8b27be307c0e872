//! Where lowering puts what it finds in one file.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::span::{SourceFile, Span};

/// Collects the findings of one file.
pub(super) struct Sink<'a> {
    file: &'a Arc<SourceFile>,
    findings: Vec<Diagnostic>,
}

impl<'a> Sink<'a> {
    pub fn new(file: &'a Arc<SourceFile>) -> Self {
        Self { file, findings: Vec::new() }
    }

    pub fn into_findings(self) -> Vec<Diagnostic> {
        self.findings
    }

    /// Returns an error to be completed and [pushed](Self::push).
    pub fn finding(&self, rule: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(rule, message, self.file, span)
    }

    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds an error with what to do; an empty help is none.
    pub fn error(
        &mut self,
        rule: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (finding, help) = (self.finding(rule, span, message), help.into());
        self.push(if help.is_empty() { finding } else { finding.help(help) });
    }

    /// Adds a warning with what to do.
    pub fn warning(&mut self, rule: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.push(Diagnostic::warning(rule, message, self.file, span).help(help));
    }

    /// Says that a name refers to nothing, with the nearest that there is.
    pub fn dangling<'n>(&mut self, span: Span, what: &str, name: &str, known: impl Iterator<Item = &'n str>) {
        let message = format!("there is no {what} `{name}`");
        self.error(rules::DANGLING_REFERENCE, span, message, suggestion(name, known));
    }
}

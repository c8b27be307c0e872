//! A finding: what is wrong, where, why, the proof, and what to do.
//!
//! Rules build a [`Diagnostic`]; `report` renders it. A diagnostic holds plain, unescaped text: each
//! format escapes for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::PartName;
use crate::span::{SourceFile, Span};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth a look; the run succeeds.
    Warning,
    /// Blocks a merge and an apply.
    Error,
}

/// A place in a file, with what is to be seen there.
#[derive(Debug, Clone)]
pub struct Label {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Where in the file.
    pub span: Span,
    /// What is to be seen there, as a fragment; may be empty.
    pub text: String,
}

/// The share of traffic that two audiences have in common.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SharedTraffic {
    /// Between 0 and 1.
    pub share: f64,
    /// Where the number comes from.
    pub basis: Basis,
}

/// Where a share of traffic comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The declared shares of attributes, taken as independent.
    Declared,
    /// A sample of contexts.
    Sample,
}

/// How far a fix can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// It changes how something is written, never what it means: `--fix` applies it.
    Safe,
    /// It may change what is meant: only `--unsafe-fixes` applies it.
    Unsafe,
}

/// A replacement of a part of a file; an insertion where the span is empty.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The bytes that are replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// Edits that end a finding, together. They touch different bytes.
#[derive(Debug, Clone)]
pub struct Fix {
    /// What it does, as an imperative without a full stop: "put it in quotes".
    pub title: String,
    /// How far it can be trusted.
    pub applicability: Applicability,
    /// The edits; never empty.
    pub edits: Vec<Edit>,
}

/// A finding.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The rule's name, as `explain` takes it.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The parts of the book that it is about: those that would have to change. Empty where a file could not be read as one.
    pub subjects: Vec<PartName>,
    /// What is wrong, as a lower-case sentence without a full stop.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that belong to it, in reading order.
    pub related: Vec<Label>,
    /// Facts that support it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// A context that proves it.
    pub witness: Option<BTreeMap<String, serde_json::Value>>,
    /// The share of traffic that it concerns; `None`: unknown.
    pub overlap: Option<SharedTraffic>,
    /// Edits that end it, where there are some that a program can make.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// Makes an error at a place.
    pub fn error(rule: &'static str, message: impl Into<String>, file: &Arc<SourceFile>, span: Span) -> Self {
        Self::new(rule, Severity::Error, message.into(), file, span)
    }

    /// Makes a warning at a place.
    pub fn warning(
        rule: &'static str,
        message: impl Into<String>,
        file: &Arc<SourceFile>,
        span: Span,
    ) -> Self {
        Self::new(rule, Severity::Warning, message.into(), file, span)
    }

    fn new(
        rule: &'static str,
        severity: Severity,
        message: String,
        file: &Arc<SourceFile>,
        span: Span,
    ) -> Self {
        let primary = Label { file: Arc::clone(file), span, text: String::new() };
        Self {
            rule,
            severity,
            subjects: Vec::new(),
            message,
            primary,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
            witness: None,
            overlap: None,
            fix: None,
        }
    }

    /// Names parts of the book that it is about; one that is named already is not named twice.
    #[must_use]
    pub fn about(mut self, parts: impl IntoIterator<Item = PartName>) -> Self {
        for part in parts {
            if !self.subjects.contains(&part) {
                self.subjects.push(part);
            }
        }
        self
    }

    /// Adds what is to be seen at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, file: &Arc<SourceFile>, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// Adds a supporting fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds a context that proves it.
    #[must_use]
    pub fn witness(mut self, context: BTreeMap<String, serde_json::Value>) -> Self {
        self.witness = Some(context);
        self
    }

    /// Adds the share of traffic that it concerns.
    #[must_use]
    pub fn overlap(mut self, overlap: Option<SharedTraffic>) -> Self {
        self.overlap = overlap;
        self
    }

    /// Adds edits that end it.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix { title: title.into(), applicability, edits });
        self
    }

    /// Returns the path of every file that it points into; some more than once.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let labels = std::iter::once(&self.primary).chain(&self.related).map(|label| &label.file);
        let edits = self.fix.iter().flat_map(|fix| &fix.edits).map(|edit| &edit.file);
        labels.chain(edits).map(|file| file.path())
    }

    /// Tells whether any place in it, or any edit of its fix, is in this file.
    pub fn points_into(&self, path: &str) -> bool {
        self.paths().any(|other| other == path)
    }

    /// Returns the key that orders findings for reading: file, place, rule, message.
    pub fn order(&self) -> (&str, usize, &str, &str) {
        (self.primary.file.path(), self.primary.span.start, self.rule, &self.message)
    }
}

//! A rule: its name, its weight, its page, and what runs it.

use std::fmt::Display;

use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Flag, Holdout, Kind, Layer, Metric, PartRef, Rollout, Segment, Source};

use super::inspection::Inspection;

/// A rule, with its page.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    name: &'static str,
    severity: Severity,
    path: &'static str,
    page: &'static str,
    book: Option<Check>,
    parts: &'static [Each],
    suppressible: bool,
}

/// Adds what a rule finds in a valid book.
pub(super) type Check = fn(&Inspection<'_>, &mut Vec<Diagnostic>);

/// Adds what a rule finds in a part of a valid book.
type CheckOf<T> = fn(&Inspection<'_>, &T, &mut Vec<Diagnostic>);

/// What a rule is asked about, and what then judges it: each part of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Each {
    /// Each flag.
    Flag(CheckOf<Flag>),
    /// Each experiment.
    Experiment(CheckOf<Experiment>),
    /// Each rollout.
    Rollout(CheckOf<Rollout>),
    /// Each holdout.
    Holdout(CheckOf<Holdout>),
    /// Each layer.
    Layer(CheckOf<Layer>),
    /// Each segment.
    Segment(CheckOf<Segment>),
    /// Each metric.
    Metric(CheckOf<Metric>),
    /// Each source.
    Source(CheckOf<Source>),
}

/// What an example on a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// The rule finds something.
    Fires,
    /// The rule finds nothing.
    Silent,
}

/// An example of a page: files that are laid over a small book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows.
    pub shows: Shows,
    /// The files.
    pub files: Vec<ExampleFile>,
}

/// A file of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path from the book's root.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Whether these are only the keys that differ: the others are as in the small book.
    pub excerpt: bool,
    /// Whether the file is so before the change that the example shows, and as in the small book afterwards.
    pub before: bool,
}

impl Rule {
    /// A rule that judges each part of a kind, or of several. See [`crate::check`] for what it may look at.
    pub(super) const fn of_parts(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
        parts: &'static [Each],
    ) -> Self {
        Self { name, severity, path, page, book: None, parts, suppressible: true }
    }

    /// A rule that judges a valid book as a whole, anew after every change of anything: for what is cheap, or cannot be
    /// found in one part.
    pub(super) const fn of_book(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
        check: Check,
    ) -> Self {
        Self { name, severity, path, page, book: Some(check), parts: &[], suppressible: true }
    }

    /// A rule whose findings `load` makes. Its errors leave no valid book, so no comment ends them.
    pub(super) const fn of_load(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
    ) -> Self {
        let suppressible = matches!(severity, Severity::Warning);
        Self { name, severity, path, page, book: None, parts: &[], suppressible }
    }

    /// A rule about lint's own comments and baselines: whoever hides a finding cannot hide that it is hidden.
    pub(super) const fn of_lint(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
    ) -> Self {
        Self { name, severity, path, page, book: None, parts: &[], suppressible: false }
    }

    /// Makes a rule whose findings no comment, option or baseline ends.
    pub(super) const fn never_suppressed(mut self) -> Self {
        self.suppressible = false;
        self
    }

    /// Tells whether a suppression or a baseline can hide its findings.
    pub const fn is_suppressible(&self) -> bool {
        self.suppressible
    }

    /// A rule about a change, whose findings `review` makes.
    pub(super) const fn of_change(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
    ) -> Self {
        Self { name, severity, path, page, book: None, parts: &[], suppressible: false }
    }

    /// Makes a rule about a change judge parts of a book too, where no change is given.
    pub(super) const fn judging(mut self, parts: &'static [Each]) -> Self {
        self.parts = parts;
        self
    }

    /// Makes a finding at the place of a value, or of the nearest thing around it that the file holds.
    pub(super) fn finding(
        &self,
        context: &Inspection<'_>,
        message: impl Into<String>,
        (kind, key, pointer): (Kind, &dyn Display, &str),
    ) -> Diagnostic {
        let (file, span) = context.place(kind, key, pointer);
        match self.severity {
            Severity::Error => Diagnostic::error(self.name, message, &file, span),
            Severity::Warning => Diagnostic::warning(self.name, message, &file, span),
        }
    }

    /// Returns the name, as findings and `explain` use it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns how much its findings weigh.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns `error` or `warning`.
    pub const fn severity_word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    /// Returns the page, as Markdown.
    pub const fn page(&self) -> &'static str {
        self.page
    }

    /// Returns where the page is, from the project's root.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Returns what the rule finds: the page's first paragraph, on one line.
    pub fn summary(&self) -> String {
        let paragraph = self.page.split("\n\n").find(|part| !part.starts_with('#'));
        paragraph.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the examples of the page: the code blocks that are headed `yaml fires` and `yaml silent`.
    ///
    /// Inside a block, a line `# file: PATH` begins a whole file, and `# in: PATH` some keys of one. With `# before: PATH`
    /// begins a whole file that the branch has that is merged into; the others are the change.
    pub fn examples(&self) -> Vec<Example> {
        let (mut examples, mut open) = (Vec::new(), None::<Example>);
        for line in self.page.lines() {
            match line {
                "```yaml fires" => open = Some(Example { shows: Shows::Fires, files: Vec::new() }),
                "```yaml silent" => open = Some(Example { shows: Shows::Silent, files: Vec::new() }),
                "```" => examples.extend(open.take()),
                _ => {
                    let Some(example) = &mut open else { continue };
                    let mut begin = |path: &str, excerpt, before| {
                        let (path, text) = (path.to_owned(), String::new());
                        example.files.push(ExampleFile { path, text, excerpt, before });
                    };
                    if let Some(path) = line.strip_prefix("# file: ") {
                        begin(path, false, false);
                    } else if let Some(path) = line.strip_prefix("# in: ") {
                        begin(path, true, false);
                    } else if let Some(path) = line.strip_prefix("# before: ") {
                        begin(path, false, true);
                    } else if let Some(file) = example.files.last_mut() {
                        file.text.push_str(line);
                        file.text.push('\n');
                    }
                }
            }
        }
        examples
    }

    /// Adds what the rule finds in the book as a whole.
    pub(super) fn check_book(&self, context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
        if let Some(check) = self.book {
            check(context, found);
        }
    }

    /// Adds what the rule finds in one part.
    pub(super) fn check_part(
        &self,
        context: &Inspection<'_>,
        part: PartRef<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        for each in self.parts {
            match (each, part) {
                (Each::Flag(check), PartRef::Flag(part)) => check(context, part, found),
                (Each::Experiment(check), PartRef::Experiment(part)) => check(context, part, found),
                (Each::Rollout(check), PartRef::Rollout(part)) => check(context, part, found),
                (Each::Holdout(check), PartRef::Holdout(part)) => check(context, part, found),
                (Each::Layer(check), PartRef::Layer(part)) => check(context, part, found),
                (Each::Segment(check), PartRef::Segment(part)) => check(context, part, found),
                (Each::Metric(check), PartRef::Metric(part)) => check(context, part, found),
                (Each::Source(check), PartRef::Source(part)) => check(context, part, found),
                _ => {}
            }
        }
    }
}

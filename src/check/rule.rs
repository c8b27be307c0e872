//! A rule: its name, its weight, its page, and what runs it.

use crate::diagnostic::{Diagnostic, Severity};

use super::context::Context;

/// A rule, with its page.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    name: &'static str,
    severity: Severity,
    path: &'static str,
    page: &'static str,
    check: Option<Check>,
}

/// Adds what a rule finds in a valid book.
pub(super) type Check = fn(&Context<'_>, &mut Vec<Diagnostic>);

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
}

impl Rule {
    /// A rule that judges a valid book.
    pub(super) const fn of_book(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
        check: Check,
    ) -> Self {
        Self { name, severity, path, page, check: Some(check) }
    }

    /// A rule whose findings `load` makes.
    pub(super) const fn of_load(
        name: &'static str,
        severity: Severity,
        path: &'static str,
        page: &'static str,
    ) -> Self {
        Self { name, severity, path, page, check: None }
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
    /// Inside a block, a line `# file: PATH` begins a whole file, and `# in: PATH` some keys of one.
    pub fn examples(&self) -> Vec<Example> {
        let (mut examples, mut open) = (Vec::new(), None::<Example>);
        for line in self.page.lines() {
            match line {
                "```yaml fires" => open = Some(Example { shows: Shows::Fires, files: Vec::new() }),
                "```yaml silent" => open = Some(Example { shows: Shows::Silent, files: Vec::new() }),
                "```" => examples.extend(open.take()),
                _ => {
                    let Some(example) = &mut open else { continue };
                    let mut begin = |path: &str, excerpt| {
                        let (path, text) = (path.to_owned(), String::new());
                        example.files.push(ExampleFile { path, text, excerpt });
                    };
                    if let Some(path) = line.strip_prefix("# file: ") {
                        begin(path, false);
                    } else if let Some(path) = line.strip_prefix("# in: ") {
                        begin(path, true);
                    } else if let Some(file) = example.files.last_mut() {
                        file.text.push_str(line);
                        file.text.push('\n');
                    }
                }
            }
        }
        examples
    }

    /// Adds what the rule finds.
    pub(super) fn check(&self, context: &Context<'_>, found: &mut Vec<Diagnostic>) {
        if let Some(check) = self.check {
            check(context, found);
        }
    }
}

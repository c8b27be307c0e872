//! What there is to read about a rule.

use trialbook_model::diagnostic::Severity;

/// A rule, for formats that carry its documentation along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePage {
    /// Its name.
    pub name: &'static str,
    /// How much its findings weigh.
    pub severity: Severity,
    /// What it finds, in a sentence.
    pub summary: String,
    /// All there is, as Markdown.
    pub page: &'static str,
    /// Where the page is in the project, from its root.
    pub path: &'static str,
}

impl RulePage {
    /// Returns the address of the page.
    pub fn url(&self) -> String {
        format!("{}/blob/main/{}", env!("CARGO_PKG_REPOSITORY"), self.path)
    }
}

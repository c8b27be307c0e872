//! Which rules' findings are shown, and count.

use trialbook_lint::check::suppression;
use trialbook_model::diagnostic::Diagnostic;

/// Which rules' findings are shown, and count.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The only ones; empty for all.
    pub select: Vec<&'static str>,
    /// Those that are left out.
    pub ignore: Vec<&'static str>,
}

impl Choice {
    /// Tells whether a rule's findings are asked for.
    pub fn asks_for(&self, rule: &str) -> bool {
        (self.select.is_empty() || self.select.contains(&rule)) && !self.ignore.contains(&rule)
    }

    /// Tells whether a finding is shown. What leaves no valid book always is: where it stands, the chosen rules
    /// have not run, and no output would look like no findings.
    pub fn shows(&self, finding: &Diagnostic) -> bool {
        self.asks_for(finding.rule) || suppression::leaves_no_book(finding)
    }
}

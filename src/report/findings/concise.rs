//! One line for each finding, as compilers and editors write and read them.

use std::fmt::Write as _;

use super::{Findings, severity, visible};

/// Returns `PATH:LINE:COLUMN: error[RULE] MESSAGE` for each finding.
pub(super) fn render(run: &Findings<'_>) -> String {
    let mut out = String::new();
    for finding in run.findings {
        let at = finding.primary.file.position(finding.primary.span.start);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}:{}:{}: {}[{}] {}",
            run.path(finding.primary.file.path()),
            at.line,
            at.column,
            severity(finding.severity),
            finding.rule,
            visible(&finding.message),
        );
    }
    out
}

//! GitLab's code quality report: a JSON list, which merge requests show beside the lines.
//!
//! The shape is that of GitLab's documentation, "Code quality report format" (read 2026-11).

use serde_json::{Value, json};

use trialbook_model::diagnostic::{Diagnostic, Severity};

use super::json::escape_hidden;
use super::{Findings, visible};

/// Returns one JSON list, indented.
pub(super) fn render(run: &Findings<'_>) -> String {
    let issues: Vec<Value> =
        run.worst_first().into_iter().map(|(finding, print)| issue(run, finding, print)).collect();
    escape_hidden(&format!("{:#}\n", Value::from(issues)))
}

fn issue(run: &Findings<'_>, finding: &Diagnostic, fingerprint: &str) -> Value {
    let (file, span) = (&finding.primary.file, finding.primary.span);
    let mut description = visible(&finding.message).into_owned();
    if let Some(help) = &finding.help {
        description += &format!(" (help: {})", visible(help));
    }
    json!({
        "description": description,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "minor",
        },
        "location": {
            "path": run.located(file.path()),
            "lines": {"begin": file.position(span.start).line, "end": file.position(span.end).line},
        },
    })
}

//! JUnit's XML: a file of the book is a class, a finding a test that did not succeed.
//!
//! What does not fail the run is a skipped test, so that a server's red and green are those of the exit code.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use trialbook_model::diagnostic::Diagnostic;

use super::{Findings, github, severity};

/// Returns one document.
pub(super) fn render(run: &Findings<'_>) -> String {
    let mut report = Report::new("trialbook lint");
    let mut by_file: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for finding in run.findings {
        by_file.entry(finding.primary.file.path()).or_default().push(finding);
    }
    for (path, findings) in by_file {
        let path = run.path(path);
        let mut suite = TestSuite::new(&*path);
        suite.add_test_cases(findings.into_iter().map(|finding| case(run, &path, finding)));
        report.add_test_suite(suite);
    }
    // A report without tests is taken for one that got lost.
    let mut whole = TestSuite::new("book");
    whole.add_test_case(TestCase::new(run.summary(), TestCaseStatus::success()));
    report.add_test_suite(whole);
    report.to_string().expect("a report of text is written to a String")
}

fn case(run: &Findings<'_>, path: &str, finding: &Diagnostic) -> TestCase {
    let at = finding.primary.file.position(finding.primary.span.start);
    let mut status = if finding.severity >= run.fails {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    } else {
        TestCaseStatus::skipped()
    };
    let text = github::text(run, finding);
    status.set_type(finding.rule);
    status.set_message(text.lines().next().unwrap_or_default());
    status.set_description(format!(
        "{path}:{}:{}: {}[{}]\n{text}",
        at.line,
        at.column,
        severity(finding.severity),
        finding.rule
    ));
    let mut case =
        TestCase::new(format!("{} at line {}, column {}", finding.rule, at.line, at.column), status);
    case.set_classname(path);
    case
}

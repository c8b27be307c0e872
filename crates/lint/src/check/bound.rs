//! How many findings one run shows.

use std::collections::BTreeMap;

use trialbook_model::diagnostic::{Diagnostic, Severity};

/// So many findings of one rule are shown.
pub const MOST_OF_A_RULE: usize = 500;

/// So many findings are shown of all rules together, beside the findings that count the rest.
pub const MOST: usize = 5_000;

/// What of one rule is not shown.
struct Hidden {
    count: usize,
    first: Diagnostic,
}

/// Returns the findings of a run that are shown, in reading order, errors before warnings where there are too many.
///
/// What is past [`MOST_OF_A_RULE`] or [`MOST`] is counted in one finding for each rule, at the first place that is not shown,
/// which weighs as much as the heaviest of them: how a run ends does not depend on what is shown.
pub fn bounded(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut of_rule = BTreeMap::<&'static str, usize>::new();
    if findings.len() <= MOST_OF_A_RULE {
        return findings;
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    let mut shown = Vec::new();
    let mut hidden = BTreeMap::<&'static str, Hidden>::new();
    for finding in errors.into_iter().chain(warnings) {
        let count = of_rule.entry(finding.rule).or_default();
        if *count < MOST_OF_A_RULE && shown.len() < MOST {
            *count += 1;
            shown.push(finding);
            continue;
        }
        match hidden.get_mut(finding.rule) {
            Some(hidden) => hidden.count += 1,
            // Errors come first, so the first weighs most.
            None => _ = hidden.insert(finding.rule, Hidden { count: 1, first: finding }),
        }
    }
    shown.extend(hidden.into_values().map(counted));
    shown.sort_by(|a, b| a.order().cmp(&b.order()));
    shown
}

fn counted(hidden: Hidden) -> Diagnostic {
    let Hidden { count, first: Diagnostic { rule, severity, primary, .. } } = hidden;
    let message = format!("{count} more findings of `{rule}` are not shown");
    let finding = match severity {
        Severity::Error => Diagnostic::error(rule, message, &primary.file, primary.span),
        Severity::Warning => Diagnostic::warning(rule, message, &primary.file, primary.span),
    };
    finding.help(format!(
        "fix some of those that are shown, or lint fewer files, then lint again (`--select {rule}`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_model::span::{SourceFile, Span};

    fn findings(rule: &'static str, severity: Severity, count: usize) -> Vec<Diagnostic> {
        let file = SourceFile::new("a.flag.yaml", &*"x\n".repeat(count));
        let at = |line: usize| Span::new(2 * line, 2 * line + 1);
        let one = |line| match severity {
            Severity::Error => Diagnostic::error(rule, "wrong", &file, at(line)),
            Severity::Warning => Diagnostic::warning(rule, "wrong", &file, at(line)),
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn what_is_too_much_is_counted_and_weighs_as_before() {
        assert_eq!(bounded(findings("no-owner", Severity::Warning, 500)).len(), 500);
        let shown = bounded(findings("no-owner", Severity::Warning, 1_200));
        assert_eq!(shown.len(), 501);
        let rest: Vec<_> = shown.iter().filter(|finding| finding.message.contains("700 more")).collect();
        assert!(matches!(rest.as_slice(), [one] if one.severity == Severity::Warning), "{rest:?}");
    }

    #[test]
    fn errors_are_not_hidden_behind_warnings() {
        const RULES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let mut all: Vec<_> = RULES.iter().flat_map(|rule| findings(rule, Severity::Warning, 600)).collect();
        all.extend(findings("last", Severity::Error, 3));
        let shown = bounded(all);
        assert_eq!(shown.iter().filter(|finding| finding.severity == Severity::Error).count(), 3);
        assert!(shown.len() <= MOST + RULES.len(), "{}", shown.len());
        let hidden: usize = shown
            .iter()
            .filter_map(|finding| finding.message.split(" more").next()?.parse::<usize>().ok())
            .sum();
        assert_eq!(shown.len() - RULES.len() + hidden, 12 * 600 + 3, "nothing is lost");
    }
}

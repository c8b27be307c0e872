//! What must hold of a pass before it is kept.

use std::collections::HashMap;

use super::identity;
use super::pass::Texts;
use crate::edit::same::same;
use crate::load::{self, yaml};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::SourceFile;

/// Checks that every file that was changed can be read and, where only safe fixes were made, that its meaning is the same.
pub(super) fn texts(before: &Texts, after: &Texts, safe: bool) -> Result<(), &'static str> {
    for changed in before.changed(after) {
        let Some(kind) = load::kind_of(&changed.path) else { continue };
        let tree = |text: &str| yaml::parse(&SourceFile::new(changed.path.as_str(), text));
        let after = tree(&changed.after);
        let Some(root) = after.root.filter(|_| after.faithful) else {
            return Err("the file could not be read afterwards");
        };
        if safe {
            let before = tree(&changed.before);
            let kept =
                before.root.is_some_and(|before_root| before.faithful && same(kind, &before_root, &root));
            if !kept {
                return Err("it would change the meaning of the file");
            }
        }
    }
    Ok(())
}

/// Checks that the fixed findings are gone and that no error came instead.
///
/// A fix that may change what is meant may bring to light what it was in front of: an error in a value whose key was
/// misspelt. So there the files may not have more errors than before, and no key twice. What the rules find once a book can
/// be read was there before, unseen.
pub(super) fn findings(
    before: &[Diagnostic],
    after: &[Diagnostic],
    fixed: &[&Diagnostic],
    safe: bool,
) -> Result<(), &'static str> {
    let mut counts = HashMap::<_, isize>::new();
    for finding in before {
        *counts.entry(identity(finding)).or_default() += 1;
    }
    for finding in after {
        *counts.entry(identity(finding)).or_default() -= 1;
    }
    // How many there are fewer than before must be at least as many as were fixed.
    let mut ended = HashMap::<_, isize>::new();
    for finding in fixed {
        *ended.entry(identity(finding)).or_default() += 1;
    }
    if ended.iter().any(|(finding, fixed)| counts.get(finding).copied().unwrap_or(0) < *fixed) {
        return Err("the finding would still be there");
    }
    let is_error = |finding: &&Diagnostic| finding.severity == Severity::Error;
    let new = |finding: &&Diagnostic| counts.get(&identity(finding)).copied().unwrap_or(0) < 0;
    if safe {
        return match after.iter().filter(is_error).any(|finding| new(&finding)) {
            true => Err("it would bring an error"),
            false => Ok(()),
        };
    }
    let in_files = |findings: &[Diagnostic]| {
        findings.iter().filter(is_error).filter(|finding| load::RULES.contains(&finding.rule)).count()
    };
    if after.iter().any(|finding| finding.rule == "duplicate-key" && new(&finding)) {
        return Err("a key would be given twice");
    }
    if in_files(after) > in_files(before) {
        return Err("it would leave more errors than there are");
    }
    Ok(())
}

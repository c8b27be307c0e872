//! Applying the fixes of findings, in passes, each of which is checked.
//!
//! A safe fix must leave the meaning of every file as it is, and bring no error. One that may change what is meant must end its
//! finding, and leave no more errors in the files than there were. What does neither is not made.

mod pass;
mod verify;

use std::collections::{BTreeMap, HashSet};

use crate::load::RawFile;
use trialbook_model::diagnostic::{Applicability, Diagnostic};

/// How often the findings of what was fixed are fixed again.
pub const MAX_PASSES: usize = 10;

/// A file that fixes change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its path from the book's root.
    pub path: String,
    /// What is in it.
    pub before: String,
    /// What it becomes.
    pub after: String,
}

/// A fix that is not made, although it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The rule of its finding.
    pub rule: &'static str,
    /// The file of its finding.
    pub path: String,
    /// The finding's message.
    pub message: String,
    /// Why it is not made.
    pub reason: &'static str,
}

/// What fixing makes of a book.
#[derive(Debug)]
pub struct Fixed {
    /// The files that change, by their paths.
    pub files: Vec<Changed>,
    /// How many findings were fixed, by rule.
    pub rules: BTreeMap<&'static str, usize>,
    /// The fixes that were not made.
    pub refused: Vec<Refused>,
    /// What is still wrong.
    pub remaining: Vec<Diagnostic>,
}

/// Fixes what `wanted` picks of a book's findings, as far as each fix can be trusted that much, until there is nothing more to
/// fix or [`MAX_PASSES`] are over.
///
/// `check` returns the findings of files, in order. Of fixes that touch the same bytes the first is made, and the next pass looks at
/// the others again.
pub fn fix(
    files: Vec<RawFile>,
    trust: Applicability,
    check: &dyn Fn(Vec<RawFile>) -> Vec<Diagnostic>,
    wanted: &dyn Fn(&Diagnostic) -> bool,
) -> Fixed {
    let mut run = Run { texts: pass::Texts::new(files), check };
    let original = run.texts.clone();
    let mut findings = run.findings(&run.texts);
    let (mut rules, mut refused) = (BTreeMap::new(), Vec::new());
    let mut tried = HashSet::new();
    for _ in 0..MAX_PASSES {
        let of = |trust: Applicability| {
            let open = |finding: &&Diagnostic| {
                let trusted = finding.fix.as_ref().is_some_and(|fix| fix.applicability == trust);
                trusted && wanted(finding) && !tried.contains(&identity(finding))
            };
            pass::disjoint(findings.iter().filter(open), &run.texts)
        };
        let mut chosen = of(Applicability::Safe);
        if chosen.is_empty() && trust == Applicability::Unsafe {
            chosen = of(Applicability::Unsafe);
        }
        if chosen.is_empty() {
            break;
        }
        let made = run.largest(&findings, &chosen);
        for (finding, reason) in made.refused {
            tried.insert(identity(finding));
            refused.push(Refused {
                rule: finding.rule,
                path: finding.primary.file.path().to_owned(),
                message: finding.message.clone(),
                reason,
            });
        }
        for finding in made.fixed {
            *rules.entry(finding.rule).or_default() += 1;
        }
        run.texts = made.texts;
        findings = made.findings;
    }
    Fixed { files: original.changed(&run.texts), rules, refused, remaining: findings }
}

/// What tells a finding from others when it is made again: its place may have moved.
fn identity(finding: &Diagnostic) -> (&'static str, String, String) {
    (finding.rule, finding.primary.file.path().to_owned(), finding.message.clone())
}

struct Run<'a> {
    texts: pass::Texts,
    check: &'a dyn Fn(Vec<RawFile>) -> Vec<Diagnostic>,
}

/// What a pass made.
struct Made<'f> {
    texts: pass::Texts,
    findings: Vec<Diagnostic>,
    fixed: Vec<&'f Diagnostic>,
    refused: Vec<(&'f Diagnostic, &'static str)>,
}

impl Run<'_> {
    fn findings(&self, texts: &pass::Texts) -> Vec<Diagnostic> {
        (self.check)(texts.files())
    }

    /// Makes as many of the fixes of a pass as hold together. Where all do, that costs one check of the book; one that does not is
    /// searched by halves.
    fn largest<'f>(&self, findings: &[Diagnostic], chosen: &[&'f Diagnostic]) -> Made<'f> {
        let mut made = Made {
            texts: self.texts.clone(),
            findings: findings.to_vec(),
            fixed: Vec::new(),
            refused: Vec::new(),
        };
        let mut open = vec![chosen];
        while let Some(group) = open.pop() {
            let together: Vec<_> = made.fixed.iter().chain(group).copied().collect();
            match self.attempt(findings, &together) {
                Ok((texts, after)) => {
                    (made.texts, made.findings, made.fixed) = (texts, after, together);
                }
                Err(reason) => match group {
                    [one] => made.refused.push((one, reason)),
                    _ => {
                        let (first, second) = group.split_at(group.len() / 2);
                        open.extend([second, first]);
                    }
                },
            }
        }
        made
    }

    fn attempt(
        &self,
        findings: &[Diagnostic],
        fixes: &[&Diagnostic],
    ) -> Result<(pass::Texts, Vec<Diagnostic>), &'static str> {
        let texts = self.texts.edited(fixes);
        let safe = fixes
            .iter()
            .all(|finding| finding.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe));
        verify::texts(&self.texts, &texts, safe)?;
        let after = self.findings(&texts);
        verify::findings(findings, &after, fixes, safe)?;
        Ok((texts, after))
    }
}

#[cfg(test)]
mod tests;

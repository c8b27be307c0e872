//! Baselines: the findings that an old book begins with, so that only new ones count.
//!
//! A baseline is JSON with one finding a line, sorted, so that two branches that fix different things merge. An entry
//! is a [`Fingerprint`] and how often it was found. What cannot be suppressed cannot be in a baseline either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::registry::{nearest, rule};
use super::suppression::is_suppressible;
use trialbook_language::load::Documents;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};

/// The version of the file that is written and read.
pub const VERSION: u32 = 1;

const STALE: &str = "stale-baseline";

/// Findings that are known, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Fingerprint, usize>,
}

/// Why a text is not a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not JSON, or not of this shape.
    #[error("not a baseline of `trialbook lint --write-baseline`")]
    Shape(#[source] serde_json::Error),
    /// Of another version.
    #[error("a baseline of version {0}, but this trialbook reads version {VERSION}")]
    Version(u32),
    /// A rule that there is not.
    #[error("it names a rule that there is not: `{rule}`{}", meant(.rule))]
    UnknownRule {
        /// As it is written.
        rule: String,
    },
    /// A rule whose findings nothing hides.
    #[error("it names `{rule}`, which cannot be in a baseline")]
    NeverKnown {
        /// The rule.
        rule: String,
    },
    /// The same finding twice, or none of it.
    #[error("`{rule}` in `{file}` is there twice, or zero times")]
    Count {
        /// The rule.
        rule: String,
        /// The file.
        file: String,
    },
}

fn meant(name: &str) -> String {
    nearest(name).map_or(String::new(), |near| format!(" (now `{}`?)", near.name()))
}

/// What a baseline makes of findings.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// What is not in the baseline, in the order in which it came.
    pub new: Vec<Diagnostic>,
    /// How many are in the baseline.
    pub known: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    rule: String,
    key: String,
    content: String,
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    findings: Vec<Entry>,
}

impl Baseline {
    /// Returns the baseline of findings, and those that cannot be in one.
    pub fn of(findings: &[Diagnostic], documents: &Documents) -> (Self, Vec<Diagnostic>) {
        let (mut known, mut left) = (BTreeMap::new(), Vec::new());
        for finding in findings {
            if is_suppressible(finding) {
                *known.entry(Fingerprint::of(finding, documents)).or_insert(0) += 1;
            } else {
                left.push(finding.clone());
            }
        }
        (Self { known }, left)
    }

    /// Returns how many findings it holds.
    pub fn count(&self) -> usize {
        self.known.values().sum()
    }

    /// Returns it as JSON: an entry a line, sorted by file, rule and key.
    ///
    /// # Errors
    ///
    /// As [`serde_json::to_string`]; none is known.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut lines = Vec::with_capacity(self.known.len());
        for (Fingerprint { file, rule, key, content }, count) in &self.known {
            let entry = Entry {
                file: file.clone(),
                rule: rule.clone(),
                key: key.clone(),
                content: content.clone(),
                count: *count,
            };
            lines.push(format!("    {}", serde_json::to_string(&entry)?));
        }
        let findings = if lines.is_empty() { "[]".into() } else { format!("[\n{}\n  ]", lines.join(",\n")) };
        Ok(format!("{{\n  \"version\": {VERSION},\n  \"findings\": {findings}\n}}\n"))
    }

    /// Reads a baseline. What is not understood is refused.
    ///
    /// # Errors
    ///
    /// Where it is no baseline, of another version, or names what cannot be in one.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text).map_err(BaselineError::Shape)?;
        if version != VERSION {
            return Err(BaselineError::Version(version));
        }
        let written: Written = serde_json::from_str(text).map_err(BaselineError::Shape)?;
        let mut known = BTreeMap::new();
        for Entry { file, rule: name, key, content, count } in written.findings {
            match rule(&name) {
                None => return Err(BaselineError::UnknownRule { rule: name }),
                Some(rule) if !rule.is_suppressible() => {
                    return Err(BaselineError::NeverKnown { rule: name });
                }
                Some(_) => {}
            }
            let twice = BaselineError::Count { rule: name.clone(), file: file.clone() };
            let fingerprint = Fingerprint { file, rule: name, key, content };
            if count == 0 || known.insert(fingerprint, count).is_some() {
                return Err(twice);
            }
        }
        Ok(Self { known })
    }

    /// Parts findings into what is known and what is new. Where something is found more often than is known, the
    /// last of them are new.
    pub fn compare(&self, findings: Vec<Diagnostic>, documents: &Documents) -> Compared {
        let mut left = self.known.clone();
        let mut compared = Compared::default();
        for finding in findings {
            let count = is_suppressible(&finding)
                .then(|| left.get_mut(&Fingerprint::of(&finding, documents)))
                .flatten()
                .filter(|count| **count > 0);
            match count {
                Some(count) => {
                    *count -= 1;
                    compared.known += 1;
                }
                None => compared.new.push(finding),
            }
        }
        compared
    }

    /// Returns a finding for each entry that is no longer found as often as the baseline counts, so that it does not
    /// hide it when it comes back. `found` is everything that is found; only entries that are `asked` for count.
    ///
    /// `file` is the baseline as it stands on disk.
    pub fn stale(
        &self,
        found: &[Diagnostic],
        documents: &Documents,
        file: &std::sync::Arc<SourceFile>,
        asked: impl Fn(&Fingerprint) -> bool,
    ) -> Vec<Diagnostic> {
        let (present, _) = Self::of(found, documents);
        let canonical = self.to_json().is_ok_and(|text| text == file.text());
        let gone = self.known.iter().enumerate().filter_map(|(at, (fingerprint, count))| {
            let now = present.known.get(fingerprint).copied().unwrap_or(0);
            (now < *count && asked(fingerprint)).then(|| {
                let Fingerprint { file: path, rule, key, .. } = fingerprint;
                let at_key = if key.is_empty() { String::new() } else { format!(" at `{key}`") };
                let message = match now {
                    0 => format!("`{rule}` finds nothing any more in `{path}`{at_key}"),
                    now => format!("`{rule}` finds {now} in `{path}`{at_key}, the baseline has {count}"),
                };
                // As it was written, the first entry is on the fourth line.
                let span = if canonical { file.line_span(at + 4) } else { Span::default() };
                Diagnostic::warning(STALE, message, file, span)
                    .help("write the baseline again, or what is gone stays allowed: `--write-baseline FILE`")
            })
        });
        gone.collect()
    }
}

#[cfg(test)]
mod tests;

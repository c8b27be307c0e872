//! What makes a finding the same as one of an earlier run.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use trialbook_language::load::Documents;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;

/// What makes a finding the same as one of an earlier run: rule, file, key and content, never a line's number or the
/// wording of the message. Several findings may share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The file, relative to the book's root.
    pub file: String,
    /// The rule's name.
    pub rule: String,
    /// The keys that lead to the place: `metrics/guardrails/[]`.
    pub key: String,
    /// A digest of the text at the place and of the files of the other places.
    pub content: String,
}

impl Fingerprint {
    /// Returns the fingerprint of a finding in these documents.
    pub fn of(finding: &Diagnostic, documents: &Documents) -> Self {
        let (file, span) = (&finding.primary.file, finding.primary.span);
        let key = documents.at_path(file.path()).map(|document| document.way_to(span.start));
        Self {
            file: file.path().to_owned(),
            rule: finding.rule.to_owned(),
            key: key.unwrap_or_default(),
            content: content(finding, file),
        }
    }

    /// Returns it as 32 hexadecimal digits, for the n-th of the findings that share it, counted from zero.
    pub fn digest(&self, nth: usize) -> String {
        let nth = nth.to_string();
        hex(&[&self.rule, &self.file, &self.key, &self.content, &nth], 16)
    }
}

/// Returns the digest of each finding, all different: of those that share a fingerprint, each has its number.
pub fn fingerprints(findings: &[Diagnostic], documents: &Documents) -> Vec<String> {
    let mut seen: HashMap<Fingerprint, usize> = HashMap::new();
    let digest = |finding: &Diagnostic| {
        let fingerprint = Fingerprint::of(finding, documents);
        let nth = seen.get(&fingerprint).copied().unwrap_or(0);
        let digest = fingerprint.digest(nth);
        seen.insert(fingerprint, nth + 1);
        digest
    };
    findings.iter().map(digest).collect()
}

/// The first line of the place, whatever its spaces: what follows it belongs to other keys.
fn content(finding: &Diagnostic, file: &SourceFile) -> String {
    let text = file.slice(finding.primary.span);
    let line: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let line = line.join(" ");
    let others: BTreeSet<&str> = finding.related.iter().map(|label| label.file.path()).collect();
    let parts: Vec<&str> = std::iter::once(line.as_str()).chain(others).collect();
    hex(&parts, 8)
}

/// Returns the first bytes of a digest of texts, each with its length before it, in hexadecimal.
fn hex(parts: &[&str], bytes: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_language::load::{Loaded, RawFile, load};
    use trialbook_model::span::Span;

    fn loaded(text: &str) -> Loaded {
        load(vec![RawFile { path: "a.segment.yaml".into(), bytes: text.into() }])
    }

    fn print(text: &str, place: &str) -> Fingerprint {
        let loaded = loaded(text);
        let file = loaded.documents.files().next().expect("a file");
        let start = text.find(place).expect("the place");
        let span = Span::new(start, start + place.len());
        Fingerprint::of(&Diagnostic::warning("unused-segment", "x", file, span), &loaded.documents)
    }

    const TEXT: &str =
        "description: People\naudience:\n  any:\n    - country: SE\n    - platform: {in: [ios, web]}\n";

    #[test]
    fn lines_before_items_before_and_spaces_do_not_matter() {
        let one = print(TEXT, "platform: {in: [ios, web]}");
        assert_eq!((&*one.key, &*one.file), ("audience/any/[]/platform", "a.segment.yaml"));
        let moved = TEXT.replace("    - country: SE\n", "    # why\n    - country: SE\n    - country: FI\n");
        assert_eq!(print(&moved, "platform: {in: [ios, web]}"), one);
        let spaced = TEXT.replace("platform: {", "platform:   {");
        assert_eq!(print(&spaced, "platform:   {in: [ios, web]}"), one);
    }

    #[test]
    fn another_content_key_or_file_matters() {
        let one = print(TEXT, "platform: {in: [ios, web]}");
        assert_ne!(print(&TEXT.replace("web", "tv"), "platform: {in: [ios, tv]}"), one);
        assert_ne!(print(&TEXT.replace("any", "all"), "platform: {in: [ios, web]}"), one);
        assert_eq!(print(TEXT, "description").key, "description");
    }

    #[test]
    fn findings_that_share_a_fingerprint_have_digests_of_their_own() {
        let loaded = loaded(TEXT);
        let file = loaded.documents.files().next().expect("a file");
        let finding = Diagnostic::warning("unused-segment", "x", file, Span::new(0, 11));
        let digests = fingerprints(&[finding.clone(), finding], &loaded.documents);
        assert_ne!(digests[0], digests[1]);
        assert_eq!(digests[0].len(), 32);
    }
}

//! More flags than a target's clients take at once.

use std::collections::BTreeSet;

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Book, Flag, Kind, Predicate, Scalar, SegmentKey, Test};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "oversized-target",
    Severity::Warning,
    "crates/lint/src/check/rules/oversized_target.md",
    include_str!("oversized_target.md"),
    check,
);

/// A list of this size is written once into a target, however many flags use it.
const SHARED: usize = 1_024;

fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    for target in context.book.targets.values() {
        let Some(limit) = target.kind().largest_sync() else { continue };
        let book = context.book.in_target(&target.key);
        let mut weighed =
            Weighed { book: &book, shared: BTreeSet::new(), segments: BTreeSet::new(), bytes: 0 };
        weighed.flags();
        if weighed.bytes <= limit {
            continue;
        }
        let message = format!(
            "the flags of target `{}` take at least {}, and clients with gRPC sync take {} at once",
            target.key,
            megabytes(weighed.bytes),
            megabytes(limit)
        );
        let place = format!("/targets/{}", target.key);
        let finding = RULE.finding(context, message, (Kind::Book, &book.name, &place));
        let largest = weighed.segments.iter().map(|key| (own_bytes(&book, key), *key)).max();
        let finding = match largest {
            Some((bytes, key)) if bytes >= SHARED => context.relate(
                finding,
                (Kind::Segment, key, "/audience"),
                format!("segment `{key}` takes the most: {}", megabytes(bytes)),
            ),
            _ => finding,
        };
        found.push(finding.help(
            "replace a long list by an attribute that your program sets; or set the clients up for more, and say so in a comment \
             that ignores this rule",
        ));
    }
}

/// The bytes of what is served, at least: texts and values, without the signs around them. What is large and used by several is
/// counted once.
struct Weighed<'a> {
    book: &'a Book,
    shared: BTreeSet<&'a BTreeSet<Scalar>>,
    segments: BTreeSet<&'a SegmentKey>,
    bytes: usize,
}

impl<'a> Weighed<'a> {
    fn flags(&mut self) {
        let book = self.book;
        for flag in book.flags.values().filter(|flag| !flag.archived) {
            self.values(flag);
            flag.rules.iter().for_each(|rule| self.audience(&rule.when));
        }
        book.experiments.values().for_each(|experiment| self.audience(&experiment.audience));
        book.rollouts.values().for_each(|rollout| self.audience(&rollout.audience));
    }

    /// Each variant is served under its own name, and again for each experiment that has it.
    fn values(&mut self, flag: &Flag) {
        for (variant, value) in &flag.variants {
            let arms =
                self.book.experiments_of(&flag.key).filter(|e| e.split.share(variant).is_some()).count();
            self.bytes += (1 + arms) * value.to_string().len();
        }
    }

    fn audience(&mut self, audience: &'a Predicate) {
        let (mut tests, mut open) = (Vec::new(), Vec::new());
        audience.walk(&mut |_, test| tests.push(test), &mut |key| open.push(key));
        // A book has no segments in a circle.
        while let Some(key) = open.pop() {
            self.segments.insert(key);
            if let Some(segment) = self.book.segments.get(key) {
                segment.audience.walk(&mut |_, test| tests.push(test), &mut |key| open.push(key));
            }
        }
        for test in tests {
            let bytes = bytes_of(test);
            match test {
                Test::In(values) if bytes >= SHARED => {
                    if self.shared.insert(values) {
                        self.bytes += bytes;
                    }
                }
                _ => self.bytes += bytes,
            }
        }
    }
}

fn bytes_of(test: &Test) -> usize {
    match test {
        Test::In(values) => values.iter().map(bytes_of_value).sum(),
        Test::StartsWith(text) | Test::EndsWith(text) | Test::Contains(text) => text.len(),
        _ => 1,
    }
}

/// A text has its quotes and a comma.
fn bytes_of_value(value: &Scalar) -> usize {
    match value {
        Scalar::String(text) => text.len() + 3,
        Scalar::Number(_) | Scalar::Boolean(_) | Scalar::Version(_) => 2,
    }
}

fn own_bytes(book: &Book, key: &SegmentKey) -> usize {
    let mut bytes = 0;
    if let Some(segment) = book.segments.get(key) {
        segment.audience.walk(&mut |_, test| bytes += bytes_of(test), &mut |_| ());
    }
    bytes
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;
    use trialbook_language::load::{self, RawFile};

    /// Returns what the rule finds of so many segments of so many ids, each used by two flags.
    fn messages(segments: usize, ids: usize) -> Vec<String> {
        let file = |path: String, text: String| RawFile { path, bytes: text.into_bytes() };
        let book = "book: big\nentities: {user: {column: user_id}}\nattributes: {uid: {type: string}}\n\
                    targets: {production: {type: flagd, store: \"file://live.json\"}}\n";
        let mut files = vec![file("trialbook.yaml".into(), book.into())];
        for n in 0..segments {
            let list: Vec<_> = (0..ids).map(|id| format!("segment-{n}-unit-{id:08}")).collect();
            let text = format!("description: Some.\naudience: {{uid: {{in: [{}]}}}}\n", list.join(", "));
            files.push(file(format!("s{n}.segment.yaml"), text));
            for twin in ["a", "b"] {
                let text = format!(
                    "description: A flag.\nowner: t\nentity: user\ntype: string\nvariants: {{x: x, y: y}}\ndefault: x\n\
                     rules: [{{when: {{segment: s{n}}}, serve: y}}]\n"
                );
                files.push(file(format!("f{n}{twin}.flag.yaml"), text));
            }
        }
        let loaded = load::load(files);
        assert!(loaded.book.is_some(), "{:#?}", loaded.findings);
        let found =
            check::run(&loaded, "2026-11-20T12:00:00Z".parse::<jiff::Timestamp>().expect("an instant"));
        found.into_iter().filter(|f| f.rule == RULE.name()).map(|f| format!("{f:?}")).collect()
    }

    #[test]
    fn flags_beyond_what_clients_take_are_found_and_a_shared_list_counts_once() {
        // 26 bytes an id: 100 × 1 000 of them in two flags each are 2.6 MB, and 170 × 1 000 are 4.4.
        assert_eq!(messages(100, 1_000), Vec::<String>::new());
        let found = messages(170, 1_000);
        assert_eq!(found.len(), 1, "{found:#?}");
        let text = &found[0];
        assert!(text.contains("take at least 4.") && text.contains("take 4.2 MB at once"), "{text}");
        assert!(text.contains("takes the most: 0.0 MB"), "{text}");
    }
}

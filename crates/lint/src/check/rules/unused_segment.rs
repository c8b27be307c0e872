//! A segment that no audience names.

use std::collections::BTreeSet;

use crate::check::inspection::Inspection;
use crate::check::rule::Rule;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Kind, Segment, SegmentKey};

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "unused-segment",
    Severity::Warning,
    "crates/lint/src/check/rules/unused_segment.md",
    include_str!("unused_segment.md"),
    check,
);

/// A segment that only unused segments name is unused too.
fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    let book = context.book;
    let named = |key: &&SegmentKey| {
        let users = book.uses().of_part(Kind::Segment, key.as_str());
        users.iter().any(|user| user.kind != Kind::Segment)
    };
    let mut waiting: Vec<_> = book.segments.keys().filter(named).collect();
    let mut used = BTreeSet::new();
    while let Some(key) = waiting.pop() {
        if used.insert(key) {
            waiting.extend(book.segments.get(key).into_iter().flat_map(|s: &Segment| s.audience.segments()));
        }
    }
    for segment in book.segments.keys().filter(|key| !used.contains(key)) {
        found.push(
            RULE.finding(
                context,
                format!("no audience uses segment `{segment}`"),
                (Kind::Segment, segment, ""),
            )
            .help("delete the file, or name the segment in an audience or a rule"),
        );
    }
}

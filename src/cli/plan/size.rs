//! What a target would serve, against what its clients take at once.

use std::collections::BTreeSet;

use crate::app::plan::Prepared;
use crate::cli::Opened;
use crate::report::blocks::{Inline, Line};
use trialbook_delivery::plan::State;
use trialbook_model::{Book, Kind, PartName, SegmentKey};

/// Returns a warning where the book's flags take more than the target's clients take at once, with the segment that takes
/// the most.
pub(super) fn warning(prepared: &Prepared<'_>, wanted: &State, opened: &Opened) -> Option<Line> {
    let limit = prepared.target.largest_sync()?;
    // What cannot be written is refused where it is written.
    let served = prepared.target.size(wanted).unwrap_or(0);
    if served <= limit {
        return None;
    }
    let mut line = vec![
        format!("The book's flags take {} in the target, and ", megabytes(served)).into(),
        format!("clients with gRPC sync take {} at once unless they are set up for more.", megabytes(limit))
            .into(),
    ];
    if let Some((segment, bytes, flags)) = largest(&prepared.served, opened) {
        line.extend([
            " Segment ".into(),
            Inline::code(segment.as_str()),
            format!(
                " takes the most: {}, used by {}. Replace its list by an attribute that your program sets.",
                megabytes(bytes),
                if flags == 1 { "1 flag".to_owned() } else { format!("{flags} flags") }
            )
            .into(),
        ]);
    }
    Some(line)
}

/// Returns the largest segment that flags use, the size of its file, and how many flags use it.
fn largest<'b>(book: &'b Book, opened: &Opened) -> Option<(&'b SegmentKey, usize, usize)> {
    let weighed = book.segments.keys().filter_map(|key| {
        let document = opened.loaded.documents.get(Kind::Segment, key.as_str())?;
        let bytes = document.file().text().len();
        let flags = flags_with(book, key);
        (flags > 0).then_some((key, bytes, flags))
    });
    weighed.max_by_key(|(_, bytes, _)| *bytes)
}

/// Returns in how many flags a segment is, by their rules, experiments, rollouts and other segments.
fn flags_with(book: &Book, segment: &SegmentKey) -> usize {
    let users = book.uses().dependents([PartName::new(Kind::Segment, segment.as_str())]);
    let flags = users.iter().filter_map(|user| match user.kind {
        Kind::Flag => Some(user.key.to_string()),
        Kind::Experiment => Some(book.experiments.get(&*user.key)?.flag.to_string()),
        Kind::Rollout => Some(book.rollouts.get(&*user.key)?.flag.to_string()),
        _ => None,
    });
    flags.collect::<BTreeSet<_>>().len()
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1}\u{a0}MB", bytes as f64 / 1e6)
}

//! What is taken out of a file with an entry of a mapping.

use trialbook_model::span::{SourceFile, Span};

/// Returns the bytes of an entry that is not the first of its mapping: whole lines or, in braces, from the comma before it. `None`
/// where a comment would go with it.
pub(super) fn of_entry(file: &SourceFile, key: Span, value: Span) -> Option<Span> {
    let text = file.text();
    let end = key.end.max(value.end);
    let end = key.start + text.get(key.start..end)?.trim_end().len();
    if text.get(key.start..end)?.contains('#') {
        return None;
    }
    let start = text.get(..key.start)?.rfind('\n').map_or(0, |at| at + 1);
    let next = text.get(end..)?.find('\n').map_or(text.len(), |at| end + at + 1);
    // A value that is left out ends before its colon.
    let rest = text.get(end..next)?.trim();
    if text.get(start..key.start)?.trim().is_empty() && matches!(rest, "" | ":") {
        return Some(Span::new(start, next));
    }
    let before = text.get(..key.start)?.trim_end();
    before.ends_with(',').then(|| Span::new(before.len() - 1, end))
}

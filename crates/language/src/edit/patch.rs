//! Replacing a part of a text: everything that edits a file uses this.

use trialbook_model::span::Span;

/// A part of a text and what takes its place; an insertion where the span is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The bytes that are replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Replacement {
    /// Replaces a part.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }

    /// Inserts before a byte.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(Span::new(at, at), text)
    }
}

/// Returns a text with parts of it replaced, in any order; everything else stays byte for byte.
///
/// `None` where a part is not one of this text, or two of them share a byte or an empty place.
pub fn patch(text: &str, replacements: impl IntoIterator<Item = Replacement>) -> Option<String> {
    let mut replacements: Vec<_> = replacements.into_iter().collect();
    replacements.sort_by_key(|replacement| (replacement.span.start, replacement.span.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let mut inserted = None;
    for Replacement { span, text: new } in replacements {
        if span.start == span.end && inserted.replace(span.start) == Some(span.start) {
            return None;
        }
        // The part itself must be whole characters too.
        text.get(span.start..span.end)?;
        out.push_str(text.get(at..span.start)?);
        out.push_str(&new);
        at = span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(start: usize, end: usize, text: &str) -> Replacement {
        Replacement::new(Span::new(start, end), text)
    }

    #[test]
    fn parts_are_replaced_in_any_order_and_the_rest_stays() {
        let text = "a: ä # ö\n";
        let edits = [replace(3, 5, "1"), Replacement::insert(0, "# x\n"), replace(0, 1, "b")];
        assert_eq!(patch(text, edits).as_deref(), Some("# x\nb: 1 # ö\n"));
        assert_eq!(patch(text, []).as_deref(), Some(text));
    }

    #[test]
    fn what_does_not_fit_the_text_or_each_other_changes_nothing() {
        let text = "a: ä\n";
        assert_eq!(patch(text, [replace(4, 5, "x")]), None, "half a character");
        assert_eq!(patch(text, [replace(3, 99, "x")]), None, "past the end");
        assert_eq!(patch(text, [replace(0, 2, "x"), replace(1, 3, "y")]), None, "one byte twice");
        assert_eq!(patch(text, [Replacement::insert(0, "x"), Replacement::insert(0, "y")]), None, "no order");
    }
}

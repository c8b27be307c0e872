//! One style for all files: `trialbook fmt`.
//! The file is written again from the parser's events, each comment beside its key or value. The result is read
//! again: it is only returned if it has the same meaning and every comment.

mod attach;
mod print;
pub(super) mod scalar;

use std::sync::Arc;

use super::order::Order;
use super::same;
use crate::load::yaml::{self, Comment, Laid, Shape};
use trialbook_model::Kind;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::SourceFile;

/// The longest line that a list or a mapping in brackets may make, in characters.
pub const WIDTH: usize = 100;

/// Why a file cannot be formatted.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is not YAML, or holds what a book has no use for.
    #[error("the file cannot be read")]
    Broken(Vec<Diagnostic>),
    /// The new text would not mean what the old one means.
    #[error("the file is laid out in a way that cannot be formatted without changing its meaning")]
    Layout,
}

/// Returns the text of a file of a kind in the one style. Text that has it already is returned as it is.
///
/// # Errors
///
/// Where the text is not a file that can be read, or cannot be laid out anew without changing its meaning.
pub fn format(kind: Kind, file: &Arc<SourceFile>) -> Result<String, FormatError> {
    let text = file.text();
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let before = SourceFile::new(file.path(), plain);
    // What is wrong is shown in the file as it is.
    let layout = match yaml::layout(&before) {
        Ok(layout) => layout,
        Err(_) => return Err(FormatError::Broken(yaml::parse(file).findings)),
    };
    // Without a key there is nothing to lay out.
    let Some(root) = layout.root.as_ref().filter(|root| !matches!(root.shape, Shape::Scalar { .. })) else {
        return Ok(text.to_owned());
    };
    let mut after = SourceFile::new(file.path(), laid_out(kind, before.text(), root, &layout.comments));
    // A comment that a list or a brace gives up may find another line to stand on: the style is where it comes to rest.
    for _ in 0..MOST_PASSES {
        let Ok(layout) = yaml::layout(&after) else { return Err(FormatError::Layout) };
        let Some(root) = layout.root.as_ref() else { return Err(FormatError::Layout) };
        let again = laid_out(kind, after.text(), root, &layout.comments);
        if again == after.text() {
            return if keeps(kind, file, &after) { Ok(again) } else { Err(FormatError::Layout) };
        }
        after = SourceFile::new(file.path(), again);
    }
    Err(FormatError::Layout)
}

/// How often a text is laid out until it stays as it is; two passes are the rule.
const MOST_PASSES: usize = 8;

fn laid_out(kind: Kind, text: &str, root: &Laid, comments: &[Comment]) -> String {
    print::print(&attach::page(text, root, comments, Order::of(kind)))
}

/// Tells whether a text means the same as another, with the same comments.
fn keeps(kind: Kind, before: &Arc<SourceFile>, after: &Arc<SourceFile>) -> bool {
    let (before, after) = (yaml::parse(before), yaml::parse(after));
    let comments = |comments: &[Comment]| {
        let mut texts: Vec<_> = comments.iter().map(|comment| comment.text.trim_end().to_owned()).collect();
        texts.sort_unstable();
        texts
    };
    let trees = match (&before.root, &after.root) {
        (Some(a), Some(b)) => same::same(kind, a, b),
        (None, None) => true,
        _ => false,
    };
    trees && after.faithful && comments(&before.comments) == comments(&after.comments)
}

#[cfg(test)]
mod tests;

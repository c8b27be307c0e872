//! Bytes to text: size, encoding, characters that no YAML may hold.

use std::sync::Arc;

use super::discover::RawFile;
use super::{lookalike, rules};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};

/// The largest file that is read, in bytes. A layer with a slot for every bucket has half of it.
pub const MAX_BYTES: usize = 1 << 20;

/// Returns the text of a file and what is wrong with it. Where something is, the text is for showing the place, not for
/// reading; what is too large or UTF-16 has none.
///
/// A byte order mark and Windows line ends are accepted: YAML 1.2 has both.
pub fn decode(raw: RawFile) -> (Arc<SourceFile>, Vec<Diagnostic>) {
    let RawFile { path, bytes } = raw;
    if bytes.len() > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        let help = "a book's file is written by people: move data out of it";
        return refused(path, String::new(), Span::default(), rules::TOO_LARGE, message, help);
    }
    const ENCODING: &str = "save the file as UTF-8";
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let message = "the file is UTF-16, not UTF-8".into();
        return refused(path, String::new(), Span::default(), rules::UNREADABLE_FILE, message, ENCODING);
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let byte = bytes.get(at).copied().unwrap_or_default();
            // What is before it keeps its place; the byte itself is shown as what it is not.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let message = format!("the file is not UTF-8: byte 0x{byte:02x} at offset {at}");
            let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            return refused(path, text, span, rules::UNREADABLE_FILE, message, ENCODING);
        }
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| control(*c)) {
        let code = u32::from(c);
        let what = if code == 0 { " (is the file binary?)" } else { "" };
        let message = format!("the control character U+{code:04X} at offset {at} cannot be in a book{what}");
        let help = "take it out, or write it as an escape in double quotes";
        return refused(path, text, Span::new(at, at + c.len_utf8()), rules::UNREADABLE_FILE, message, help);
    }
    if let Some((span, c)) = lookalike::turning(&text) {
        let message = format!(
            "U+{:04X} turns the direction of text: a review would see another text than is read",
            u32::from(c)
        );
        let help = "take it out, or write it as an escape in double quotes";
        return refused(path, text, span, rules::UNREADABLE_FILE, message, help);
    }
    (SourceFile::new(path, text), Vec::new())
}

/// Returns the text of a file that is not read on, with the reason.
fn refused(
    path: String,
    text: String,
    span: Span,
    rule: &'static str,
    message: String,
    help: &str,
) -> (Arc<SourceFile>, Vec<Diagnostic>) {
    let file = SourceFile::new(path, text);
    let finding = Diagnostic::error(rule, message, &file, span).help(help);
    (file, vec![finding])
}

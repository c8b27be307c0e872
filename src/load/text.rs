//! Bytes to text: size, encoding, characters that no YAML may hold.

use std::sync::Arc;

use super::discover::RawFile;
use super::rules;
use crate::diagnostic::Diagnostic;
use crate::span::{SourceFile, Span};

/// The largest file that is read, in bytes. A layer with a slot for every bucket has half of it.
pub const MAX_BYTES: usize = 1 << 20;

/// Returns the text of a file and what is wrong with it. Where something is, the text is what comes before.
///
/// A byte order mark and Windows line ends are accepted: YAML 1.2 has both.
pub fn decode(raw: RawFile) -> (Arc<SourceFile>, Vec<Diagnostic>) {
    let RawFile { path, bytes } = raw;
    let broken = |text: String, rule, message: String, help: &str| {
        let end = text.len();
        let file = SourceFile::new(path.clone(), text);
        let finding = Diagnostic::error(rule, message, &file, Span::new(end, end)).help(help);
        (file, vec![finding])
    };
    if bytes.len() > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        return broken(
            String::new(),
            rules::TOO_LARGE,
            message,
            "a book's file is written by people: move data out of it",
        );
    }
    const ENCODING: &str = "save the file as UTF-8";
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return broken(
            String::new(),
            rules::UNREADABLE_FILE,
            "the file is UTF-16, not UTF-8".into(),
            ENCODING,
        );
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            let byte = bytes.get(at).copied().unwrap_or_default();
            bytes.truncate(at);
            let text = String::from_utf8(bytes).unwrap_or_default();
            let message = format!("the file is not UTF-8: byte 0x{byte:02x} at offset {at}");
            return broken(text, rules::UNREADABLE_FILE, message, ENCODING);
        }
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.find(control) {
        None => (SourceFile::new(path, text), Vec::new()),
        Some(at) => {
            let code = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, u32::from);
            let before = text.get(..at).unwrap_or_default().to_owned();
            let what = if code == 0 { " (is the file binary?)" } else { "" };
            let message =
                format!("the control character U+{code:04X} at offset {at} cannot be in a book{what}");
            broken(
                before,
                rules::UNREADABLE_FILE,
                message,
                "take it out, or write it as an escape in double quotes",
            )
        }
    }
}

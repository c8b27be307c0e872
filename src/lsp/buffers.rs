//! The files that are open in the editor: what it shows counts, not what is on disk.

use std::collections::HashMap;

use lsp_types::TextDocumentContentChangeEvent;

use super::position::{Encoding, Lines};

/// An open file.
#[derive(Debug)]
pub struct Buffer {
    /// The version that the client gave to this text.
    pub version: i32,
    /// Its text.
    pub text: String,
}

/// The open files by their address, exactly as the client writes it.
#[derive(Debug, Default)]
pub struct Buffers {
    open: HashMap<String, Buffer>,
}

impl Buffers {
    /// Opens a file.
    pub fn open(&mut self, uri: &str, version: i32, text: String) {
        self.open.insert(uri.to_owned(), Buffer { version, text });
    }

    /// Changes an open file, one change after the other; what is not open is left alone.
    ///
    /// Returns whether it was open.
    pub fn change(
        &mut self,
        uri: &str,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> bool {
        let Some(buffer) = self.open.get_mut(uri) else { return false };
        for change in changes {
            match change.range {
                None => buffer.text = change.text,
                Some(range) => {
                    let span = Lines::new(&buffer.text, encoding).span(range);
                    buffer.text.replace_range(span.start..span.end, &change.text);
                }
            }
        }
        buffer.version = version;
        true
    }

    /// Closes a file.
    pub fn close(&mut self, uri: &str) {
        self.open.remove(uri);
    }

    /// Returns an open file.
    pub fn get(&self, uri: &str) -> Option<&Buffer> {
        self.open.get(uri)
    }

    /// Returns the open files with their addresses, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Buffer)> {
        self.open.iter().map(|(uri, buffer)| (uri.as_str(), buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range};

    fn change(range: Option<((u32, u32), (u32, u32))>, text: &str) -> TextDocumentContentChangeEvent {
        let range =
            range.map(|(from, to)| Range::new(Position::new(from.0, from.1), Position::new(to.0, to.1)));
        TextDocumentContentChangeEvent { range, range_length: None, text: text.into() }
    }

    #[test]
    fn changes_follow_one_another() {
        let mut buffers = Buffers::default();
        buffers.open("x", 1, "a: 😀\nb: 2\n".into());
        let changes = vec![
            change(Some(((0, 3), (0, 5))), "1"),
            change(Some(((1, 3), (2, 0))), ""),
            change(Some(((9, 9), (9, 9))), "!"),
        ];
        assert!(buffers.change("x", 2, changes, Encoding::Utf16));
        assert_eq!(
            buffers.get("x").map(|buffer| (buffer.version, buffer.text.as_str())),
            Some((2, "a: 1\nb: !"))
        );
        assert!(buffers.change("x", 3, vec![change(None, "new")], Encoding::Utf16));
        assert_eq!(buffers.get("x").map(|buffer| buffer.text.as_str()), Some("new"));
        assert!(!buffers.change("y", 1, vec![change(None, "")], Encoding::Utf16));
    }
}

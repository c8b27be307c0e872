//! The base protocol: a header with the length, and a JSON text.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::Value;

/// The longest message that is read, in bytes; a longer one is passed over.
pub const MAX_BYTES: usize = 64 << 20;

/// The longest line of a header.
const MAX_HEADER: u64 = 4096;

/// A message, or why there is none.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A message.
    Message(Value),
    /// Something that is no message; what follows can be read all the same.
    Malformed(String),
}

/// Reads the next message; `None` at the end of the input.
///
/// # Errors
///
/// Only those of the input. A header without a length, one too long and text that is no JSON are
/// [`Frame::Malformed`]; the next message is looked for behind them.
pub fn read(input: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let mut length: Option<usize> = None;
    let mut wrong = None;
    let mut any = false;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            if any {
                break;
            }
            continue;
        }
        any = true;
        match text.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                match value.trim().parse() {
                    Ok(bytes) => length = Some(bytes),
                    Err(_) => wrong = Some(format!("`{}` is no length", value.trim())),
                }
            }
            Some(_) => {}
            None => wrong = Some("a line of the header has no colon".to_owned()),
        }
    }
    let Some(length) = length else {
        return Ok(Some(Frame::Malformed(
            wrong.unwrap_or_else(|| "the header has no Content-Length".into()),
        )));
    };
    if length > MAX_BYTES {
        let passed = io::copy(&mut input.by_ref().take(length as u64), &mut io::sink())?;
        let message = format!("a message of {passed} bytes is longer than {MAX_BYTES}");
        return Ok(Some(Frame::Malformed(message)));
    }
    // Grows as the text comes: a length alone takes no memory.
    let mut text = Vec::new();
    if input.by_ref().take(length as u64).read_to_end(&mut text)? < length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&text) {
        Ok(value) => Frame::Message(value),
        Err(error) => Frame::Malformed(format!("the message is no JSON: {error}")),
    }))
}

/// Writes a message.
pub fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all(text: &str) -> Vec<Option<Value>> {
        let mut input = io::Cursor::new(text.as_bytes().to_vec());
        let mut found = Vec::new();
        while let Some(frame) = read(&mut input).expect("memory can be read") {
            found.push(match frame {
                Frame::Message(value) => Some(value),
                Frame::Malformed(_) => None,
            });
        }
        found
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, &json!({ "å": [1, "\r\n"] })).expect("memory can be written");
        assert_eq!(all(&String::from_utf8(bytes).expect("UTF-8")), [Some(json!({ "å": [1, "\r\n"] }))]);
        assert_eq!(all("content-length: 2\r\nContent-Type: x\r\n\r\n{}"), [Some(json!({}))]);
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        assert_eq!(all("Content-Length: 1\r\n\r\n{Content-Length: 2\r\n\r\n{}"), [None, Some(json!({}))]);
        assert_eq!(all("nonsense\r\n\r\nContent-Length: 2\r\n\r\n{}"), [None, Some(json!({}))]);
        assert_eq!(all("Content-Length: x\r\n\r\nContent-Length: 2\r\n\r\n{}"), [None, Some(json!({}))]);
        assert_eq!(all("Content-Length: 99999999999999\r\n\r\n{}"), [None]);
        assert_eq!(all("Content-Length: 10\r\n\r\n{}"), []);
        assert_eq!(all(""), []);
    }
}

//! Contexts as they are given on the command line: a JSON object, or one on each line.

use std::io::{BufRead, Read as _};

use serde_json::{Map, Value};

use super::{Exit, Failure};

/// The longest context that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// Gives each context of an input to a function, one line at a time; empty lines are passed over.
///
/// Stops at the first line that is no context, and where the function fails.
pub(super) fn each(
    mut input: impl BufRead,
    name: &str,
    mut take: impl FnMut(Map<String, Value>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        number += 1;
        let place = format!("line {number} of {name}");
        input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("cannot read {place}")).because(&error)
        })?;
        let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line);
        match read(text, &place)? {
            None if line.is_empty() => return Ok(()),
            None => {}
            Some(json) => take(json)?,
        }
    }
}

/// Reads a text as a context; `None` where there is nothing in it.
pub(super) fn read(text: &[u8], place: &str) -> Result<Option<Map<String, Value>>, Failure> {
    let wrong = |what: &str| {
        Failure::new(Exit::Usage, format!("{place} {what}"))
            .help(r#"a context is a JSON object such as {"targetingKey": "user-1", "country": "SE"}"#)
    };
    if text.len() as u64 > LONGEST {
        return Err(wrong(&format!("is longer than {} MB", LONGEST >> 20)));
    }
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(context)) => Ok(Some(context)),
        Ok(_) => Err(wrong("is not a JSON object")),
        Err(error) => {
            // The parser counts lines within this text: of one line only the column means something.
            let what = error.to_string();
            let what = what.split_once(" at line ").map_or(what.as_str(), |(what, _)| what);
            Err(wrong(&format!("is not JSON: {what} at column {}", error.column())))
        }
    }
}

//! Values as they are written into a file, in the style that `trialbook fmt` leaves as it is.

use serde_json::Value;

use super::format::scalar::{is_plain, is_printed};

/// Where a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After a key or a dash.
    Block,
    /// Within brackets or braces.
    Flow,
}

/// Returns a text as a scalar on one line: bare where it reads as the same text to every tool, and in double quotes elsewhere.
pub fn scalar(text: &str, place: Place) -> String {
    let bare = is_plain(text, place == Place::Flow)
        && serde_yaml::to_string(text).is_ok_and(|yaml| yaml.trim_end() == text);
    if bare { text.to_owned() } else { quoted(text) }
}

/// Returns a value on one line: lists in brackets, mappings in braces.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text, Place::Flow),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", scalar(key, Place::Flow), flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns a text in double quotes. JSON's escapes are YAML's too; what would not be seen is escaped as well.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in Value::from(text).to_string().chars() {
        match u32::from(c) {
            _ if is_printed(c) && !c.is_control() => out.push(c),
            code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::format::format;
    use trialbook_model::Kind;
    use trialbook_model::span::SourceFile;

    #[test]
    fn quotes_are_written_where_something_needs_them() {
        for (text, block, in_flow) in [
            ("team-a", "team-a", "team-a"),
            ("Up, with care", "Up, with care", "\"Up, with care\""),
            ("yes", "\"yes\"", "\"yes\""),
            ("007", "\"007\"", "\"007\""),
            ("a: b", "\"a: b\"", "\"a: b\""),
            ("say \"no\"", "say \"no\"", "say \"no\""),
            ("", "\"\"", "\"\""),
            ("a\nb", "\"a\\nb\"", "\"a\\nb\""),
            ("a\u{202e}b", "\"a\\u202eb\"", "\"a\\u202eb\""),
        ] {
            assert_eq!(scalar(text, Place::Block), block, "{text:?}");
            assert_eq!(scalar(text, Place::Flow), in_flow, "{text:?}");
        }
        let value = serde_json::json!({"country": {"in": ["SE", "NO"]}, "version": {"at_least": "8.10"}});
        assert_eq!(flow(&value), "{country: {in: [SE, \"NO\"]}, version: {at_least: \"8.10\"}}");
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_and_keeps_its_style(text in "[ -~äλ\n\t\u{85}\u{a0}\u{2028}\u{feff}😀\"'#:,\\[\\]{}]{0,12}") {
            let written = format!("description: {}\n", scalar(&text, Place::Block));
            let back: Value = serde_yaml::from_str(&written).expect("YAML");
            prop_assert_eq!(&back["description"], &Value::from(text.as_str()), "{}", written);
            if !text.trim().is_empty() {
                let file = SourceFile::new("a.flag.yaml", written.as_str());
                prop_assert_eq!(format(Kind::Flag, &file).expect("a file"), written);
            }
        }
    }
}

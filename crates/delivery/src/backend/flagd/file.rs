//! A flag file as text: what is not the book's keeps every byte.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// The member that holds conditions which several flags refer to.
const EVALUATORS: &str = "$evaluators";

/// The members of a flag file in their order, values as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlagFile {
    /// The top-level members; the values of `flags` and `metadata` are not used.
    members: Vec<Member>,
    flags: Vec<Member>,
    /// The members of `metadata`, where there is one; what is not this program's keeps every byte.
    metadata: Option<Vec<Member>>,
    /// Whether those are to be written anew.
    metadata_is_new: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    /// With its quotes and escapes.
    raw_key: String,
    key: String,
    raw: String,
}

/// Why a text is not a flag file.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// Not JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another shape.
    #[error("{0}")]
    Shape(&'static str),
    /// No specification defines which of two members an evaluator takes.
    #[error("`{0}` appears twice")]
    Repeated(String),
}

impl Default for FlagFile {
    /// The file that a first apply begins with.
    fn default() -> Self {
        let member =
            |key: &str, raw: &str| Member { raw_key: format!("\"{key}\""), key: key.into(), raw: raw.into() };
        let schema = member("$schema", "\"https://flagd.dev/schema/v0/flags.json\"");
        let members = vec![schema, member("flags", "{}")];
        Self { members, flags: Vec::new(), metadata: None, metadata_is_new: false }
    }
}

impl FlagFile {
    /// Reads a flag file: a JSON object with an object `flags`, no key twice in either.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        serde_json::from_str::<IgnoredAny>(text)?;
        let members = members(text)?.ok_or(DocumentError::Shape("the file is not a JSON object"))?;
        let flags = members.iter().find(|member| member.key == "flags");
        let flags = flags.ok_or(DocumentError::Shape("it has no `flags`"))?;
        let flags = self::members(&flags.raw)?.ok_or(DocumentError::Shape("`flags` is not an object"))?;
        let metadata = members.iter().find(|member| member.key == "metadata");
        let metadata = metadata.map(|member| self::members(&member.raw)).transpose()?;
        let metadata = match metadata {
            None => None,
            Some(Some(metadata)) => Some(metadata),
            Some(None) => return Err(DocumentError::Shape("`metadata` is not an object")),
        };
        Ok(Self { members, flags, metadata, metadata_is_new: false })
    }

    /// Returns the text of a value in the file's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<String> {
        self.metadata.iter().flatten().find(|member| member.key == key).map(|member| member.raw.clone())
    }

    /// Puts a value into the file's metadata, or takes it out.
    pub(super) fn set_metadata(&mut self, key: &str, raw: Option<String>) {
        let metadata = self.metadata.get_or_insert_default();
        self.metadata_is_new = true;
        let found = metadata.iter_mut().find(|member| member.key == key);
        match (found, raw) {
            (Some(member), Some(raw)) => member.raw = raw,
            (None, Some(raw)) => {
                let raw_key = serde_json::Value::from(key).to_string();
                metadata.push(Member { raw_key, key: key.to_owned(), raw });
            }
            (Some(_), None) => metadata.retain(|member| member.key != key),
            (None, None) => {}
        }
        if !self.members.iter().any(|member| member.key == "metadata") {
            let (raw_key, key) = ("\"metadata\"".to_owned(), "metadata".to_owned());
            self.members.push(Member { raw_key, key, raw: "{}".to_owned() });
        }
    }

    /// Returns the file's `$evaluators`; `None` where it has none, or they are no object.
    pub(super) fn evaluators(&self) -> Option<Map<String, Value>> {
        let member = self.members.iter().find(|member| member.key == EVALUATORS)?;
        serde_json::from_str(&member.raw).ok()
    }

    /// Puts this program's evaluators in the place of those that are there and of which `stays` does not hold. What is
    /// not this program's keeps every byte.
    ///
    /// # Errors
    ///
    /// Where there are some to be written, and what is there is no object.
    pub(super) fn set_evaluators(
        &mut self,
        stays: impl Fn(&str) -> bool,
        written: &[(String, String)],
    ) -> Result<(), DocumentError> {
        let found = self.members.iter().position(|member| member.key == EVALUATORS);
        let there =
            found.and_then(|at| self.members.get(at)).map(|member| members(&member.raw)).transpose()?;
        let there = match there {
            None if written.is_empty() => return Ok(()),
            Some(None) if written.is_empty() => return Ok(()),
            Some(None) => return Err(DocumentError::Shape("`$evaluators` is not an object")),
            Some(Some(there)) => there,
            None => Vec::new(),
        };
        let new = |member: &Member| written.iter().any(|(name, _)| *name == member.key);
        let kept: Vec<&Member> = there.iter().filter(|member| stays(&member.key) && !new(member)).collect();
        if written.is_empty() && kept.len() == there.len() {
            return Ok(());
        }
        let kept = kept.into_iter().map(|member| (member.raw_key.clone(), member.raw.as_str()));
        let written =
            written.iter().map(|(name, raw)| (Value::from(name.as_str()).to_string(), raw.as_str()));
        let raw = object(kept.chain(written), 2);
        match found.and_then(|at| self.members.get_mut(at)) {
            Some(member) => member.raw = raw,
            None => {
                let raw_key = format!("\"{EVALUATORS}\"");
                self.members.push(Member { raw_key, key: EVALUATORS.into(), raw });
            }
        }
        Ok(())
    }

    /// Returns the flags' keys and texts, in order.
    pub(super) fn flags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.flags.iter().map(|flag| (flag.key.as_str(), flag.raw.as_str()))
    }

    /// Returns the file with other flags: those for which `stays` returns `(true, _)`, and `written`.
    ///
    /// Flags for which it returns `(true, false)` come first, in their order; the others follow by key.
    pub(super) fn with_flags(
        &self,
        stays: impl Fn(&str, &str) -> (bool, bool),
        written: &[(&str, String)],
    ) -> String {
        let mut foreign = Vec::new();
        let mut ours = Vec::new();
        for flag in &self.flags {
            match stays(&flag.key, &flag.raw) {
                (false, _) => {}
                (true, false) => foreign.push((flag.raw_key.clone(), flag.raw.as_str())),
                (true, true) => ours.push((flag.raw_key.clone(), flag.raw.as_str())),
            }
        }
        // Keys of a book have nothing to escape.
        ours.extend(written.iter().map(|(key, raw)| (format!("\"{key}\""), raw.as_str())));
        ours.sort();
        let flags = object(foreign.into_iter().chain(ours), 2);
        let metadata = self.metadata.iter().flatten();
        let metadata = object(metadata.map(|member| (member.raw_key.clone(), member.raw.as_str())), 2);
        let members = self.members.iter().map(|member| {
            let raw = match member.key.as_str() {
                "flags" => flags.as_str(),
                "metadata" if self.metadata_is_new => metadata.as_str(),
                _ => member.raw.as_str(),
            };
            (member.raw_key.clone(), raw)
        });
        object(members, 0) + "\n"
    }
}

fn object<'a>(members: impl Iterator<Item = (String, &'a str)>, indent: usize) -> String {
    let outer = " ".repeat(indent);
    let lines: Vec<_> = members.map(|(key, raw)| format!("{outer}  {key}: {raw}")).collect();
    if lines.is_empty() { "{}".into() } else { format!("{{\n{}\n{outer}}}", lines.join(",\n")) }
}

/// Returns the members of an object; `None` where the text is another value. The text is valid JSON.
fn members(text: &str) -> Result<Option<Vec<Member>>, DocumentError> {
    let mut rest = text.trim_start();
    let Some(inside) = rest.strip_prefix('{') else { return Ok(None) };
    rest = inside.trim_start();
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    while rest.starts_with('"') {
        let (raw_key, after) = value(rest);
        let after = after.trim_start().strip_prefix(':').unwrap_or(after).trim_start();
        let (raw, after) = value(after);
        let key: String = serde_json::from_str(raw_key)?;
        if !seen.insert(key.clone()) {
            return Err(DocumentError::Repeated(key));
        }
        members.push(Member { raw_key: raw_key.into(), key, raw: raw.into() });
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    Ok(Some(members))
}

/// Splits valid JSON behind its first value.
fn value(text: &str) -> (&str, &str) {
    let mut depth = 0u32;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_string = false;
                    if depth == 0 {
                        return split(text, at + 1);
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return split(text, at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return split(text, at + 1);
                }
            }
            // The end of a number or of a word.
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return split(text, at),
            _ => {}
        }
    }
    (text, "")
}

/// Every place that [`value`] splits at is beside an ASCII byte, so it is a character boundary.
fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#" {
  "metadata" : {"team":"a"},
  "flags": { "a\u0062": {"x": [1e3, 12345678901234567890123, "}\"{"]}, "ours":1, "z" :true},
  "$evaluators": {}}
"#;

    #[test]
    fn what_stays_keeps_every_byte_and_its_order() {
        let document = FlagFile::parse(FILE).expect("a flag file");
        let keys: Vec<_> = document.flags().collect();
        let deep = r#"{"x": [1e3, 12345678901234567890123, "}\"{"]}"#;
        assert_eq!(keys, [("ab", deep), ("ours", "1"), ("z", "true")]);
        let text = document.with_flags(|key, _| (true, key == "ours"), &[("new", "{}".into())]);
        insta::assert_snapshot!(text, @r#"
        {
          "metadata": {"team":"a"},
          "flags": {
            "a\u0062": {"x": [1e3, 12345678901234567890123, "}\"{"]},
            "z": true,
            "new": {},
            "ours": 1
          },
          "$evaluators": {}
        }
        "#);
    }

    #[test]
    fn what_is_not_a_flag_file_is_refused() {
        let cases =
            ["", "{", "[]", "1", "{}", r#"{"flags": []}"#, r#"{"flags": {}} x"#, "\u{feff}{\"flags\": {}}"];
        for text in cases {
            assert!(FlagFile::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_twice_is_refused() {
        let texts = [r#"{"flags": {}, "flags": {}}"#, r#"{"flags": {"a": 1, "\u0061": 2}}"#];
        for text in texts {
            assert!(matches!(FlagFile::parse(text), Err(DocumentError::Repeated(_))), "{text}");
        }
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = format!(r#"{{"flags": {{"a": {}{}}}}}"#, "[".repeat(200_000), "]".repeat(200_000));
        assert!(FlagFile::parse(&deep).is_ok());
    }
}

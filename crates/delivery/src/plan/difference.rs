//! Where two forms of a flag in the target's own words differ, field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many differences are kept.
const MOST: usize = 20;

/// How many characters of a value are kept.
const LONGEST: usize = 80;

/// The fields in which two forms of a flag differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Differences {
    /// The first of them, in the order of the text.
    pub shown: Vec<Difference>,
    /// How many more there are.
    pub more: usize,
}

/// One field in which two forms of a flag differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where, from the outside in: `["variants", "bold", "colour"]`; empty for the whole.
    pub path: Vec<String>,
    /// What was there; `None`: nothing.
    pub from: Option<Excerpt>,
    /// What is there instead; `None`: nothing.
    pub to: Option<Excerpt>,
}

/// The beginning of a value's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The value as JSON, or its first characters.
    pub json: String,
    /// Whether there is more of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Excerpt {
    /// Returns the beginning of a value.
    pub fn of(value: &Value) -> Self {
        let json = value.to_string();
        match json.char_indices().nth(LONGEST) {
            Some((at, _)) => Self { json: json.get(..at).unwrap_or_default().to_owned(), cut: true },
            None => Self { json, cut: false },
        }
    }
}

impl Differences {
    /// Compares two forms of a flag in the target's own JSON. A text that is not JSON differs as a whole.
    ///
    /// What an apply writes down for itself is no content, and the seal follows from the rest: both are left out.
    pub fn between(from: &str, to: &str) -> Self {
        let mut found = Self::default();
        match (serde_json::from_str(from), serde_json::from_str(to)) {
            (Ok(from), Ok(to)) => {
                let (from, to) = (content(from), content(to));
                found.compare(&mut Vec::new(), Some(&from), Some(&to));
            }
            _ if from != to => found.push(&[], Some(&Value::from(from)), Some(&Value::from(to))),
            _ => {}
        }
        found
    }

    /// Compares two values.
    pub fn of_values(from: &Value, to: &Value) -> Self {
        let mut found = Self::default();
        found.compare(&mut Vec::new(), Some(from), Some(to));
        found
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    fn compare(&mut self, path: &mut Vec<String>, from: Option<&Value>, to: Option<&Value>) {
        match (from, to) {
            (Some(from), Some(to)) if same(from, to) => {}
            (Some(Value::Object(was)), Some(Value::Object(will))) => {
                let new = will.keys().filter(|key| !was.contains_key(*key));
                for key in was.keys().chain(new) {
                    path.push(key.clone());
                    self.compare(path, was.get(key), will.get(key));
                    path.pop();
                }
            }
            (Some(Value::Array(was)), Some(Value::Array(will))) if was.len() == will.len() => {
                for (index, (was, will)) in was.iter().zip(will).enumerate() {
                    path.push(index.to_string());
                    self.compare(path, Some(was), Some(will));
                    path.pop();
                }
            }
            (from, to) => self.push(path, from, to),
        }
    }

    fn push(&mut self, path: &[String], from: Option<&Value>, to: Option<&Value>) {
        if self.shown.len() == MOST {
            self.more += 1;
            return;
        }
        let path = path.iter().map(|part| part.chars().take(LONGEST).collect()).collect();
        self.shown.push(Difference { path, from: from.map(Excerpt::of), to: to.map(Excerpt::of) });
    }
}

/// Returns a flag without what applies write down about themselves.
fn content(mut flag: Value) -> Value {
    if let Some(Value::Object(metadata)) = flag.get_mut("metadata") {
        metadata.retain(|key, _| !key.starts_with("trialbook."));
        if metadata.is_empty() {
            flag.as_object_mut().and_then(|flag| flag.shift_remove("metadata"));
        }
    }
    flag
}

/// Tells whether two values are the same, however their numbers are spelled.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (whole(a).is_some() && whole(a) == whole(b)),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Returns a number as the integer that it is, where every reader of JSON agrees on that: `50.0` is 50.
pub(crate) fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT)?;
        Some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(from: &str, to: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let found = Differences::between(from, to).shown;
        let json = |excerpt: Option<Excerpt>| excerpt.map(|excerpt| excerpt.json);
        found.into_iter().map(|one| (one.path.join("."), json(one.from), json(one.to))).collect()
    }

    #[test]
    fn each_field_is_named_and_spelling_is_none() {
        let from = r#"{"state": "ENABLED", "variants": {"a": 50, "b": {"x": [1, 2]}}, "gone": 1}"#;
        let to = r#"{"variants": {"b": {"x": [1.0, 3]}, "a": 50.0}, "state": "DISABLED", "new": null}"#;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            fields(from, to),
            [
                ("state".into(), some("\"ENABLED\""), some("\"DISABLED\"")),
                ("variants.b.x.1".into(), some("2"), some("3")),
                ("gone".into(), some("1"), None),
                ("new".into(), None, some("null")),
            ]
        );
        // Integers that a double cannot distinguish are different ones.
        assert_eq!(fields("9007199254740993", "9007199254740992").len(), 1);
    }

    #[test]
    fn many_and_long_differences_are_cut() {
        let object = |value: &str| {
            let members: Vec<_> = (0..50).map(|n| format!("\"k{n}\": \"{value}\"")).collect();
            format!("{{{}}}", members.join(","))
        };
        let found = Differences::between(&object("a"), &object(&"å".repeat(500)));
        assert_eq!((found.shown.len(), found.more), (20, 30));
        let is_cut = |to: &Excerpt| to.cut && to.json.chars().count() == LONGEST;
        assert!(found.shown.iter().all(|one| one.to.as_ref().is_some_and(is_cut)));
    }
}

//! Texts put into every place of a JSON document that takes any text.

use serde_json::Value;

/// Something that every place for free text takes, and no place for a key, an instant or a number.
const PROBE: &str = "<b> @all #1 ` | \n x";

/// The places of a document that take any text, as JSON pointers.
#[derive(Debug)]
pub struct Places(Vec<String>);

impl Places {
    /// Finds the places of a document: those where `reads` takes a text of anything.
    pub fn of(document: &Value, reads: impl Fn(Value) -> bool) -> Self {
        let mut all = Vec::new();
        strings(document, String::new(), &mut all);
        let mut poisoned = document.clone();
        let mut takes = |place: &String| {
            let Some(here) = poisoned.pointer_mut(place) else { return false };
            let before = std::mem::replace(here, PROBE.into());
            let read = reads(poisoned.clone());
            if !read && let Some(here) = poisoned.pointer_mut(place) {
                *here = before;
            }
            read
        };
        Self(all.into_iter().filter(|place| takes(place)).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts texts into the places, one after the other, and from the first again.
    pub fn fill(&self, document: &Value, texts: &[String]) -> Value {
        let mut document = document.clone();
        for (place, text) in self.0.iter().zip(texts.iter().cycle()) {
            *document.pointer_mut(place).expect("a place of the document") = text.as_str().into();
        }
        document
    }
}

fn strings(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| strings(item, format!("{place}/{at}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            strings(member, format!("{place}/{name}"), found);
        }),
        _ => {}
    }
}

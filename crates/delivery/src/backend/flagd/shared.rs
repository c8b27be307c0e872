//! Conditions that several flags have, written once: flagd's `$evaluators`.
//!
//! A large segment stands in every flag that names it, so a file would grow with their product. Here a part of a
//! condition that occurs more than once becomes an evaluator, named by its content, and a flag refers to it. That is a matter
//! of the file alone: what is read back is the flag with the parts put in, which is also what its seal is of.
//!
//! Both cores put the parts in as text, before they read the flags, and each has its trap (`@openfeature/flagd-core` 4.0.1,
//! `transform`, and `openfeature-flagd-core` 2.0.0, `FlagStore.update`, read in November 2026):
//!
//! - JavaScript's `replaceAll` reads `$&` and its like in what it puts in;
//! - Python's `re.sub` reads backslashes there, which JSON needs for quotes and for characters outside ASCII;
//! - both replace in values of variants too, where they look like a reference.
//!
//! So a part with any of that stays where it is. A part never holds a reference: the order of replacement is not the same.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};

use serde_json::{Map, Value, json};
use trialbook_model::Digest;

/// How the evaluators of this program begin; the rest is the beginning of their digest.
pub(super) const PREFIX: &str = "trialbook.";

/// How many characters of the digest are in the name.
const DIGITS: usize = 24;

/// The least length of what is worth a name, in bytes of JSON.
const WORTH: usize = 1_024;

/// The member of a reference.
const REF: &str = "$ref";

/// Evaluators by name.
pub(super) type Evaluators = BTreeMap<String, Value>;

/// Returns a flag with every reference to an evaluator of this program replaced by what it names. Other references stay.
pub(super) fn whole(flag: &Value, evaluators: &Evaluators) -> Value {
    let mut flag = flag.clone();
    if let Some(targeting) = flag.get_mut("targeting") {
        put_in(targeting, evaluators);
    }
    flag
}

fn put_in(value: &mut Value, evaluators: &Evaluators) {
    let named = referred(value).and_then(|name| evaluators.get(name)).cloned();
    if let Some(named) = named {
        *value = named;
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_in(item, evaluators)),
        Value::Object(members) => members.values_mut().for_each(|member| put_in(member, evaluators)),
        _ => {}
    }
}

/// Returns the name in a reference to an evaluator of this program.
fn referred(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get(REF)?.as_str().filter(|name| name.starts_with(PREFIX))
}

/// Returns the names of this program's evaluators that a text of JSON may refer to.
pub(super) fn mentioned(text: &str) -> BTreeSet<String> {
    let begins = format!("\"{PREFIX}");
    let names = text.match_indices(&begins).filter_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        rest.split('"').next().map(str::to_owned)
    });
    names.collect()
}

/// Takes out of flags what occurs more than once; returns it by name.
///
/// The names in `taken` are not used: something else has them. Costs what the flags are long, times how deep their
/// conditions are. The same flags give the same names, in whatever order they are.
pub(super) fn share<'v>(
    flags: impl Iterator<Item = &'v mut Value>,
    mut taken: BTreeSet<String>,
) -> Evaluators {
    let mut flags: Vec<&mut Value> = flags.collect();
    let mut counts = HashMap::new();
    for flag in &flags {
        names_in_values(flag, &mut taken);
        for condition in conditions(flag) {
            hash_of(condition, &mut |hash, length| {
                if length >= WORTH {
                    *counts.entry(hash).or_default() += 1;
                }
            });
        }
    }
    let mut shared = Shared { counts, taken, names: HashMap::new(), evaluators: Evaluators::new() };
    for flag in &mut flags {
        for condition in conditions_mut(flag) {
            shared.take_out(condition);
        }
    }
    shared.evaluators
}

/// Returns the conditions of a flag: of each pair in its `if` the first. What follows is a variant or a draw of one.
fn conditions(flag: &Value) -> impl Iterator<Item = &Value> {
    let branches = flag.get("targeting").and_then(|targeting| targeting.get("if")).and_then(Value::as_array);
    branches.into_iter().flatten().step_by(2)
}

fn conditions_mut(flag: &mut Value) -> impl Iterator<Item = &mut Value> {
    let targeting = flag.get_mut("targeting").and_then(|targeting| targeting.get_mut("if"));
    targeting.and_then(Value::as_array_mut).into_iter().flatten().step_by(2)
}

/// Adds the names that values of variants mention as references do.
fn names_in_values(flag: &Value, names: &mut BTreeSet<String>) {
    let mut todo: Vec<&Value> = flag.get("variants").into_iter().chain(flag.get("metadata")).collect();
    while let Some(value) = todo.pop() {
        match value {
            Value::Array(items) => todo.extend(items),
            Value::Object(members) => {
                names.extend(members.get(REF).and_then(Value::as_str).map(str::to_owned));
                todo.extend(members.values());
            }
            _ => {}
        }
    }
}

/// Returns the hash of a value and its length; `each` is given those of every object in it.
fn hash_of(value: &Value, each: &mut dyn FnMut(u64, usize)) -> (u64, usize) {
    let mut hasher = DefaultHasher::new();
    let length = match value {
        Value::Array(items) => {
            let mut length = 2;
            items.len().hash(&mut hasher);
            for item in items {
                let (hash, inner) = hash_of(item, each);
                hash.hash(&mut hasher);
                length += inner + 1;
            }
            length
        }
        Value::Object(members) => {
            let mut length = 2;
            (members.len(), "object").hash(&mut hasher);
            for (key, member) in members {
                let (hash, inner) = hash_of(member, each);
                (key, hash).hash(&mut hasher);
                length += key.len() + inner + 4;
            }
            each(hasher.finish(), length);
            length
        }
        Value::String(text) => {
            text.hash(&mut hasher);
            text.len() + 2
        }
        other => {
            let text = other.to_string();
            (&text, "plain").hash(&mut hasher);
            text.len()
        }
    };
    (hasher.finish(), length)
}

/// What is taken out of flags.
struct Shared {
    /// How often each part occurs that is worth a name, by its hash.
    counts: HashMap<u64, u32>,
    /// Names that a value would be taken for.
    taken: BTreeSet<String>,
    /// The names by hash; nothing for what cannot be shared.
    names: HashMap<u64, Option<String>>,
    evaluators: Evaluators,
}

impl Shared {
    /// Replaces the parts that occur more than once: the largest ones of which nothing inside occurs oftener.
    fn take_out(&mut self, value: &mut Value) {
        if value.is_object() {
            let mut oftenest = 0;
            let (hash, length) = hash_of(value, &mut |hash, _| {
                oftenest = oftenest.max(self.counts.get(&hash).copied().unwrap_or(0));
            });
            if length < WORTH {
                return;
            }
            let own = self.counts.get(&hash).copied().unwrap_or(0);
            if own > 1
                && own == oftenest
                && let Some(name) = self.name(hash, value)
            {
                *value = json!({ REF: name });
                return;
            }
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.take_out(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.take_out(member)),
            _ => {}
        }
    }

    fn name(&mut self, hash: u64, value: &Value) -> Option<String> {
        if !self.names.contains_key(&hash) {
            let name = self.new_name(value);
            self.names.insert(hash, name);
        }
        let name = self.names.get(&hash).cloned().flatten()?;
        // Two parts may have one hash: only the very same is referred to.
        (self.evaluators.get(&name) == Some(value)).then_some(name)
    }

    fn new_name(&mut self, value: &Value) -> Option<String> {
        let text = value.to_string();
        if !is_plain(&text) || !mentioned(&text).is_empty() {
            return None;
        }
        let digest = Digest::of(value).ok()?;
        let digits: String = digest.as_str().chars().rev().take(DIGITS).collect();
        let name = format!("{PREFIX}{digits}");
        if self.taken.contains(&name) {
            return None;
        }
        self.evaluators.insert(name.clone(), value.clone());
        Some(name)
    }
}

/// Tells whether both cores put a text in as it is.
fn is_plain(text: &str) -> bool {
    let special = |pair: &[u8]| matches!(pair, [b'$', b'$' | b'&' | b'`' | b'\'' | b'<' | b'0'..=b'9']);
    text.is_ascii() && !text.contains('\\') && !text.as_bytes().windows(2).any(special)
}

/// Reads the evaluators of this program out of a file's `$evaluators`.
pub(super) fn ours(evaluators: &Map<String, Value>) -> Evaluators {
    let ours = evaluators.iter().filter(|(name, _)| name.starts_with(PREFIX));
    ours.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A condition of about two kilobytes.
    fn large(seed: &str) -> Value {
        let ids: Vec<String> = (0..200).map(|n| format!("{seed}-{n}")).collect();
        json!({"in": [{"var": "user"}, ids]})
    }

    fn flag(condition: Value) -> Value {
        json!({"variants": {"on": true}, "targeting": {"if": [{"and": [condition, {"===": [1, 1]}]}, "on"]}})
    }

    fn shared(flags: &[Value]) -> (Vec<Value>, Evaluators) {
        let mut written = flags.to_vec();
        let evaluators = share(written.iter_mut(), BTreeSet::new());
        (written, evaluators)
    }

    #[test]
    fn what_occurs_twice_is_written_once_and_reads_back() {
        let flags = [flag(large("a")), flag(large("a")), flag(large("b")), flag(json!({"!": [large("a")]}))];
        let (written, evaluators) = shared(&flags);
        assert_eq!(evaluators.values().collect::<Vec<_>>(), [&large("a")]);
        assert!(written.iter().enumerate().all(|(at, flag)| (flag.to_string().len() < 300) == (at != 2)));
        for (written, flag) in written.iter().zip(&flags) {
            assert_eq!(&whole(written, &evaluators), flag);
        }
        let reversed: Vec<Value> = flags.iter().rev().cloned().collect();
        assert_eq!(shared(&reversed).1, evaluators);
    }

    #[test]
    fn a_part_that_occurs_oftener_than_what_it_stands_in_is_the_one_that_is_shared() {
        let both = || json!({"or": [large("a"), large("b")]});
        let (_, evaluators) = shared(&[flag(both()), flag(both()), flag(large("a"))]);
        let values: BTreeSet<String> = evaluators.values().map(Value::to_string).collect();
        assert_eq!(values, [large("a").to_string(), large("b").to_string()].into());
        let (written, evaluators) = shared(&[flag(both()), flag(both())]);
        assert_eq!(evaluators.len(), 1, "what is alike as a whole is one part: {written:?}");
        assert!(evaluators.values().all(|value| mentioned(&value.to_string()).is_empty()));
    }

    #[test]
    fn what_a_core_would_put_in_otherwise_stays() {
        for text in ["a\"b", "a\\b", "ä", "US$$", "$&", "$1", "a\u{1}"] {
            let condition = || json!({"or": [large("a"), {"===": [{"var": "x"}, text]}]});
            let (_, evaluators) = shared(&[flag(condition()), flag(condition())]);
            // The part beside it is shared all the same.
            assert_eq!(evaluators.values().collect::<Vec<_>>(), [&large("a")], "{text}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_reference_is_never_replaced() {
        let name = shared(&[flag(large("a")), flag(large("a"))]).1.into_keys().next().expect("a name");
        let mut hostile = flag(large("a"));
        hostile["variants"]["on"] = json!({ REF: name });
        let flags = [hostile, flag(large("a"))];
        let (written, evaluators) = shared(&flags);
        assert!(!evaluators.contains_key(&name), "a smaller part may be shared, under another name");
        assert_eq!(written[0]["variants"], flags[0]["variants"]);
        for (written, flag) in written.iter().zip(&flags) {
            assert_eq!(&whole(written, &evaluators), flag);
        }
        let mut written = [flag(large("a")), flag(large("a"))];
        assert!(!share(written.iter_mut(), [name.clone()].into()).contains_key(&name));
    }
}

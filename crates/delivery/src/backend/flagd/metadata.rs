//! What a flag carries beside what it serves: whose it is, how it was launched, and a seal.
//!
//! flagd allows metadata of strings, numbers and booleans and nothing else beside a flag: the Python core refuses
//! the whole file for an unknown member. Every evaluation returns it, so the exposure hook reads the unit here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::file::FlagFile;
use crate::plan::{Applied, Approval, FlagState, Launch, Records, Serving, Unit, whole};
use trialbook_model::{AttributeKey, Digest, EntityKey, ExperimentKey, RolloutKey, Share};

const BOOK: &str = "trialbook.book";
const OWNER: &str = "trialbook.owner";
const ENTITY: &str = "trialbook.entity";
const UNIT: &str = "trialbook.unit";
const ENABLED: &str = "trialbook.enabled";
const LAUNCH: &str = "trialbook.launch.";
const ROLLOUT: &str = "trialbook.rollout.";
const SEAL: &str = "trialbook.digest";
/// In the metadata of the whole file.
const APPLIED: &str = "trialbook.applied.";

/// Returns what the file records about the last apply of a book.
///
/// # Errors
///
/// Where it holds something that no apply writes, as a fragment.
pub(super) fn applied(document: &FlagFile, book: &str) -> Result<Option<Applied>, String> {
    let text = |what: &str| -> Result<Option<String>, String> {
        let key = format!("{APPLIED}{book}.{what}");
        let Some(raw) = document.metadata(&key) else { return Ok(None) };
        let value: Result<String, _> = serde_json::from_str(&raw);
        value.map(Some).map_err(|_| format!("`{key}` in its `metadata` is not a text"))
    };
    let (at, commit) = (text("at")?, text("commit")?);
    let Some(at) = at else { return Ok(None) };
    let at = at.parse().map_err(|_| format!("`{APPLIED}{book}.at` in its `metadata` is not an instant"))?;
    let hexadecimal = |commit: &String| {
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match commit {
        Some(commit) if !hexadecimal(&commit) => {
            Err(format!("`{APPLIED}{book}.commit` in its `metadata` is not the id of a commit"))
        }
        commit => Ok(Some(Applied { commit, at })),
    }
}

/// Writes down in the file that a book is applied, and from what.
pub(super) fn record(document: &mut FlagFile, book: &str, applied: &Applied) {
    let commit = applied.commit.as_ref().map(|commit| json!(commit).to_string());
    document.set_metadata(&format!("{APPLIED}{book}.commit"), commit);
    document.set_metadata(&format!("{APPLIED}{book}.at"), Some(json!(applied.at.to_string()).to_string()));
}

/// Returns the book that a flag in flagd's form belongs to, if it names one.
pub(super) fn book(flag: &Value) -> Option<&str> {
    flag.get("metadata")?.get(BOOK)?.as_str()
}

/// Returns the metadata of a flag, its seal left out.
pub(super) fn encode(state: &FlagState) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert(BOOK.into(), json!(state.book));
    metadata.insert(OWNER.into(), json!(state.owner));
    metadata.insert(ENTITY.into(), json!(state.entity.as_str()));
    if let Unit::Attribute(key) = &state.unit {
        metadata.insert(UNIT.into(), json!(key.as_str()));
    }
    if state.serving == Serving::Disabled {
        metadata.insert(ENABLED.into(), json!(false));
    }
    for (key, launch) in &state.launches {
        metadata.insert(format!("{LAUNCH}{key}.start"), json!(launch.start.to_string()));
        if let Some(commit) = &launch.commit {
            metadata.insert(format!("{LAUNCH}{key}.commit"), json!(commit));
        }
        if let Some(digest) = &launch.digest {
            metadata.insert(format!("{LAUNCH}{key}.digest"), json!(digest.as_str()));
        }
        if let Some(drawn) = &launch.drawn {
            // flagd's metadata has no objects: it is JSON as a text.
            metadata.insert(format!("{LAUNCH}{key}.drawn"), json!(json!(drawn).to_string()));
        }
    }
    for (key, approval) in &state.approvals {
        metadata.insert(format!("{ROLLOUT}{key}.approved"), json!(approval.share.to_string()));
        if let Some(at) = approval.at {
            metadata.insert(format!("{ROLLOUT}{key}.at"), json!(at.to_string()));
        }
        if let Some(commit) = &approval.commit {
            metadata.insert(format!("{ROLLOUT}{key}.commit"), json!(commit));
        }
    }
    metadata
}

/// Writes the digest of the flag into its metadata, so that a change by hand shows.
pub(super) fn seal(flag: &mut Value) {
    let digest = digest_without_seal(&with_plain_values(flag));
    if let (Some(digest), Some(Value::Object(metadata))) = (digest, flag.get_mut("metadata")) {
        metadata.insert(SEAL.into(), json!(digest.as_str()));
    }
}

/// Tells whether the flag is as it was sealed.
pub(super) fn is_sealed(flag: &Value) -> bool {
    let seal = flag.get("metadata").and_then(|metadata| metadata.get(SEAL)).and_then(Value::as_str);
    let fits = |flag: &Value| seal == digest_without_seal(flag).as_ref().map(Digest::as_str);
    // As it is written: how a first version sealed.
    seal.is_some() && (fits(&with_plain_values(flag)) || fits(flag))
}

/// Returns a flag with the numbers of its variants' values spelled in one way: `50.0` is 50 to every reader of JSON.
///
/// Elsewhere they stay as they are: the weights of a draw are integers to some evaluators.
pub(super) fn with_plain_values(flag: &Value) -> Value {
    fn plain(value: &mut Value) {
        match value {
            Value::Number(number) => *value = whole(number).map_or_else(|| value.clone(), Value::from),
            Value::Array(items) => items.iter_mut().for_each(plain),
            Value::Object(members) => members.values_mut().for_each(plain),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    let mut flag = flag.clone();
    flag.get_mut("variants").into_iter().for_each(plain);
    flag
}

fn digest_without_seal(flag: &Value) -> Option<Digest> {
    let mut bare = flag.clone();
    bare.get_mut("metadata")?.as_object_mut()?.shift_remove(SEAL);
    Digest::of(&bare).ok()
}

/// Returns the launches and approvals of a flag that was changed since: each one that can still be read.
pub(super) fn records(flag: &Value) -> Records {
    let mut records = Records::default();
    let Some(metadata) = flag.get("metadata").and_then(Value::as_object) else { return records };
    for key in named(metadata, LAUNCH, ".start") {
        if let (Ok(experiment), Some(launch)) = (ExperimentKey::new(key), launch(metadata, key)) {
            records.launches.insert(experiment, launch);
        }
    }
    for key in named(metadata, ROLLOUT, ".approved") {
        if let (Ok(rollout), Some(approval)) = (RolloutKey::new(key), approval(metadata, key)) {
            records.approvals.insert(rollout, approval);
        }
    }
    records
}

/// Returns the keys that stand between a prefix and a suffix.
fn named<'a>(metadata: &'a Map<String, Value>, prefix: &str, suffix: &str) -> impl Iterator<Item = &'a str> {
    metadata.keys().filter_map(move |key| key.strip_prefix(prefix)?.strip_suffix(suffix))
}

fn launch(metadata: &Map<String, Value>, key: &str) -> Option<Launch> {
    let text = |what: &str| metadata.get(&format!("{LAUNCH}{key}.{what}")).and_then(Value::as_str);
    let start = text("start")?.parse::<Timestamp>().ok()?;
    let digest = match text("digest") {
        Some(digest) => Some(serde_json::from_value(json!(digest)).ok()?),
        None => None,
    };
    let drawn = match text("drawn") {
        Some(drawn) => Some(serde_json::from_str(drawn).ok()?),
        None => None,
    };
    Some(Launch { start, commit: text("commit").map(str::to_owned), digest, drawn })
}

fn approval(metadata: &Map<String, Value>, key: &str) -> Option<Approval> {
    let text = |what: &str| metadata.get(&format!("{ROLLOUT}{key}.{what}")).and_then(Value::as_str);
    let share = Share::parse(text("approved")?).ok()?;
    let at = match text("at") {
        Some(at) => Some(at.parse().ok()?),
        None => None,
    };
    Some(Approval { share, at, commit: text("commit").map(str::to_owned) })
}

/// What [`encode`] wrote.
pub(super) struct Metadata {
    pub(super) book: String,
    pub(super) owner: String,
    pub(super) entity: EntityKey,
    pub(super) unit: Unit,
    pub(super) enabled: bool,
    pub(super) launches: BTreeMap<ExperimentKey, Launch>,
    pub(super) approvals: BTreeMap<RolloutKey, Approval>,
}

/// Reads what [`encode`] wrote; the caller compares by encoding again.
pub(super) fn decode(flag: &Value) -> Option<Metadata> {
    let metadata = flag.get("metadata")?.as_object()?;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let unit = match text(UNIT) {
        Some(key) => Unit::Attribute(AttributeKey::new(key).ok()?),
        None => Unit::TargetingKey,
    };
    let mut launches = BTreeMap::new();
    for key in named(metadata, LAUNCH, ".start") {
        launches.insert(ExperimentKey::new(key).ok()?, launch(metadata, key)?);
    }
    let mut approvals = BTreeMap::new();
    for key in named(metadata, ROLLOUT, ".approved") {
        approvals.insert(RolloutKey::new(key).ok()?, approval(metadata, key)?);
    }
    Some(Metadata {
        book: text(BOOK)?.to_owned(),
        owner: text(OWNER)?.to_owned(),
        entity: EntityKey::new(text(ENTITY)?).ok()?,
        unit,
        enabled: metadata.get(ENABLED) != Some(&json!(false)),
        launches,
        approvals,
    })
}

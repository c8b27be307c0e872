//! What a flag carries beside what it serves: whose it is, how it was launched, and a seal.
//!
//! flagd allows metadata of strings, numbers and booleans and nothing else beside a flag: the Python core refuses
//! the whole file for an unknown member. Every evaluation returns it, so the exposure hook reads the unit here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::{AttributeKey, Digest, EntityKey, ExperimentKey, RolloutKey, Share};
use crate::plan::{Approval, FlagState, Launch, Serving, Unit};

const BOOK: &str = "trialbook.book";
const OWNER: &str = "trialbook.owner";
const ENTITY: &str = "trialbook.entity";
const UNIT: &str = "trialbook.unit";
const ENABLED: &str = "trialbook.enabled";
const LAUNCH: &str = "trialbook.launch.";
const ROLLOUT: &str = "trialbook.rollout.";
const SEAL: &str = "trialbook.digest";

/// Returns the book that a flag in flagd's form belongs to, if it says one.
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
    let digest = digest_without_seal(flag);
    if let (Some(digest), Some(Value::Object(metadata))) = (digest, flag.get_mut("metadata")) {
        metadata.insert(SEAL.into(), json!(digest.as_str()));
    }
}

/// Tells whether the flag is as it was sealed.
pub(super) fn is_sealed(flag: &Value) -> bool {
    let seal = flag.get("metadata").and_then(|metadata| metadata.get(SEAL)).and_then(Value::as_str);
    seal.is_some() && seal == digest_without_seal(flag).as_ref().map(Digest::as_str)
}

fn digest_without_seal(flag: &Value) -> Option<Digest> {
    let mut bare = flag.clone();
    bare.get_mut("metadata")?.as_object_mut()?.shift_remove(SEAL);
    Digest::of(&bare).ok()
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
    for key in metadata.keys() {
        let Some(key) = key.strip_prefix(LAUNCH).and_then(|rest| rest.strip_suffix(".start")) else {
            continue;
        };
        let start = text(&format!("{LAUNCH}{key}.start"))?.parse::<Timestamp>().ok()?;
        let digest = match text(&format!("{LAUNCH}{key}.digest")) {
            Some(digest) => Some(serde_json::from_value(json!(digest)).ok()?),
            None => None,
        };
        let commit = text(&format!("{LAUNCH}{key}.commit")).map(str::to_owned);
        launches.insert(ExperimentKey::new(key).ok()?, Launch { start, commit, digest });
    }
    let mut approvals = BTreeMap::new();
    for key in metadata.keys() {
        let Some(key) = key.strip_prefix(ROLLOUT).and_then(|rest| rest.strip_suffix(".approved")) else {
            continue;
        };
        let share = Share::parse(text(&format!("{ROLLOUT}{key}.approved"))?).ok()?;
        let at = match text(&format!("{ROLLOUT}{key}.at")) {
            Some(at) => Some(at.parse().ok()?),
            None => None,
        };
        let commit = text(&format!("{ROLLOUT}{key}.commit")).map(str::to_owned);
        approvals.insert(RolloutKey::new(key).ok()?, Approval { share, at, commit });
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

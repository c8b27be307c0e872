//! A flag file that clients read already is taken over under the keys that they ask for.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use trialbook_delivery::backend::{Attached, Backend, Flagd};
use trialbook_delivery::plan::{ActionKind, Basis, LaunchInfo, Options, Plan, desired};
use trialbook_language::load::{RawFile, load, read_folder};
use trialbook_model::allocation::Approvals;
use trialbook_model::{FlagKey, TargetKey};

fn root() -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/books/real-flagd-file")
}

fn now() -> Timestamp {
    "2026-11-28T00:00:00Z".parse().expect("an instant")
}

fn planned(files: Vec<RawFile>, target: &dyn Backend, adopt: BTreeSet<FlagKey>) -> Plan {
    let loaded = load(files);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let book = loaded.book.expect("a book");
    let options = Options { adopt, ..Options::default() };
    let desired = desired(&book, now(), &Approvals::Of(Default::default()));
    let key = TargetKey::new("production").expect("a key");
    let live = target.read().expect("the live file");
    let basis = Basis::new(&key, target.identity(), &book.name, &live, &desired, now());
    Plan::new(&Basis { options: &options, ..basis }).expect("a plan")
}

/// Returns the live file's flags as they are after the book has taken over those that it has.
fn adopted(files: Vec<RawFile>, live: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("production.json"), live).expect("a live file");
    let target = Flagd::open("demo", "file://production.json", folder.path()).expect("a target");
    let refused = planned(files.clone(), &target, BTreeSet::new());
    assert_eq!(refused.actions.len(), 0, "what is foreign is never taken without being named");
    let adopt: BTreeSet<FlagKey> = refused.conflicts.iter().map(|conflict| conflict.flag.clone()).collect();
    let plan = planned(files.clone(), &target, adopt);
    assert!(plan.actions.iter().all(|action| action.kind == ActionKind::Adopt), "{:?}", plan.actions);
    // A plan is read again before it is applied.
    let text = serde_json::to_string(&plan).expect("JSON");
    let plan: Plan = serde_json::from_str(&text).expect("a plan");
    let live = target.read().expect("the live file");
    let changes = plan.changes(
        &live,
        &LaunchInfo { now: now(), commit: None, head: None, digests: [].into(), recorded: [].into() },
    );
    target.write(&changes, &live.version, &Attached::default()).expect("a write");
    let again = planned(files, &target, BTreeSet::new());
    assert!(again.is_empty() && again.drifted.is_empty() && again.conflicts.is_empty(), "{again:?}");
    let text = std::fs::read_to_string(folder.path().join("production.json")).expect("the live file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_real_flag_file_is_adopted_under_its_own_keys() {
    let files = read_folder(&root()).expect("the book");
    let live = std::fs::read_to_string(root().join("live/production.json")).expect("the live file");
    let before: serde_json::Value = serde_json::from_str(&live).expect("JSON");
    let after = adopted(files, &live);
    let keys = |document: &serde_json::Value| -> BTreeSet<String> {
        document["flags"].as_object().expect("flags").keys().cloned().collect()
    };
    assert_eq!(keys(&after), keys(&before));
    for key in keys(&before) {
        assert_eq!(after["flags"][&key]["variants"], before["flags"][&key]["variants"], "{key}");
        assert_eq!(after["flags"][&key]["defaultVariant"], "off", "{key}");
    }
    assert_eq!(after["$evaluators"], before["$evaluators"]);
    // What was there stays; what is added says what was applied.
    let added = |key: &str| key.starts_with("trialbook.applied.demo.");
    let metadata = after["metadata"].as_object().expect("metadata");
    let kept: serde_json::Map<_, _> =
        metadata.iter().filter(|(key, _)| !added(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(serde_json::Value::from(kept), before["metadata"]);
}

#[test]
fn a_key_that_no_file_can_have_is_given_in_the_file() {
    let mut files: Vec<RawFile> = read_folder(&root())
        .expect("the book")
        .into_iter()
        .filter(|file| file.path == "trialbook.yaml")
        .collect();
    for (name, key) in [("slash", "a/b"), ("colon", "team:x"), ("blank", "My Flag")] {
        let text = format!(
            "key: \"{key}\"\ndescription: d\nowner: t\nentity: user\ntype: string\nvariants: {{\"1.5x\": \"a\", \"on/off\": \"b\", \"été `|<b>\": \"c\"}}\ndefault: \"1.5x\"\nrules: [{{when: {{email: x}}, serve: \"on/off\"}}]\n"
        );
        files.push(RawFile { path: format!("{name}.flag.yaml"), bytes: text.into_bytes() });
    }
    let flag = r#"{"state": "ENABLED", "defaultVariant": "1.5x", "variants": {"1.5x": "a"}}"#;
    let live =
        format!(r#"{{"flags": {{"a/b": {flag}, "team:x": {flag}, "My Flag": {flag}, "slash": {flag}}}}}"#);
    let after = adopted(files, &live);
    for key in ["a/b", "team:x", "My Flag"] {
        assert_eq!(after["flags"][key]["variants"]["on/off"], "b", "{key}");
    }
    assert_eq!(after["flags"]["slash"], serde_json::from_str::<serde_json::Value>(flag).expect("JSON"));
}

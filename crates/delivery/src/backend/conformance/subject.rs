//! The targets under test, and somebody else's hands on them.

use serde_json::json;

use super::variant;
use crate::backend::flagd::store::{self, Beside, ObjectStore, Store};
use crate::backend::{Backend, Flagd, Memory};
use crate::plan::LiveVersion;

/// A target under test, and somebody else's hands on it.
pub(super) trait Subject {
    fn target(&self) -> &dyn Backend;
    /// Puts a flag there that no book has.
    fn plant(&self, key: &str);
    /// Changes a flag's default to `bold`.
    fn tamper(&self, key: &str);
}

pub(super) struct InMemory(pub(super) Memory);

impl Subject for InMemory {
    fn target(&self) -> &dyn Backend {
        &self.0
    }
    fn plant(&self, key: &str) {
        self.0.plant(key, "somebody else's");
    }
    fn tamper(&self, key: &str) {
        self.0.tamper(key, |flag| flag.default = variant("bold"));
    }
}

/// A flag file in a store, and a second hand on that store.
pub(super) struct InStore {
    flagd: Flagd,
    hand: Box<dyn Store>,
    _folder: tempfile::TempDir,
}

impl InStore {
    fn new(url: &str, folder: tempfile::TempDir) -> Self {
        let store = || store::open(url, folder.path()).expect("a store");
        let (flagd, hand) = (Flagd::with_store("shop", url, store()), store());
        Self { flagd, hand, _folder: folder }
    }

    pub(super) fn file() -> Self {
        Self::new("file://live/flags.json", tempfile::tempdir().expect("a temporary folder"))
    }

    /// A branch of a remote that is a folder, with a file of somebody else on it.
    pub(super) fn git() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let git = |arguments: &[&str]| {
            let git = std::process::Command::new("git").arg("-C").arg(folder.path()).args(arguments).output();
            let output = git.expect("git");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        git(&["init", "--quiet", "--bare", "remote.git"]);
        git(&["init", "--quiet"]);
        git(&["remote", "add", "origin", "remote.git"]);
        let other = store::open("git://origin/live/README.md", folder.path()).expect("a store");
        other
            .replace(&LiveVersion::Absent, &Beside::default(), &mut |_| Ok(Some("What is live.\n".into())))
            .expect("a push");
        Self::new("git://origin/live/flags/production.json", folder)
    }

    pub(super) fn bucket() -> Self {
        let bucket = ObjectStore::in_memory("s3://shop/flags/production.json");
        let flagd = Flagd::with_store("shop", "s3://shop/flags/production.json", Box::new(bucket.clone()));
        Self { flagd, hand: Box::new(bucket), _folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn edit(&self, change: impl Fn(&mut serde_json::Value)) {
        let bytes = self.hand.read().expect("what is live");
        let version = store::version(bytes.as_deref());
        let mut make = |bytes: Option<&[u8]>| {
            let text = bytes.map_or(r#"{"flags": {}}"#, |bytes| std::str::from_utf8(bytes).expect("text"));
            let mut value = serde_json::from_str(text).expect("a flag file");
            change(&mut value);
            Ok(Some(value.to_string()))
        };
        self.hand.replace(&version, &Beside::default(), &mut make).expect("a write");
    }
}

impl Subject for InStore {
    fn target(&self) -> &dyn Backend {
        &self.flagd
    }
    fn plant(&self, key: &str) {
        self.edit(|file| {
            file["flags"][key] = json!({"state": "ENABLED", "variants": {"x": 1e3}, "defaultVariant": "x"})
        });
    }
    fn tamper(&self, key: &str) {
        self.edit(|file| file["flags"][key]["defaultVariant"] = json!("bold"));
    }
}

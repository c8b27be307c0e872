//! Which parts of a book a change can concern: those that it edits, and those that use what it edits.

use std::collections::{BTreeSet, HashSet};

use super::Scene;
use trialbook_language::load;
use trialbook_model::{Kind, PartName};

/// What a change edits, moves or deletes, and what depends on that.
pub(super) struct Touched {
    files: BTreeSet<(Kind, String)>,
    dependents: HashSet<PartName>,
    /// `trialbook.yaml` concerns everybody, and so does a holdout: nothing names the one that is over it.
    everything: bool,
}

impl Touched {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut files = BTreeSet::new();
        for change in scene.review.changes {
            let paths = change.before.iter().map(|file| file.path.as_str()).chain(change.after.as_deref());
            files.extend(paths.filter_map(load::kind_and_key).map(|(kind, key)| (kind, key.to_owned())));
        }
        let everything = files.iter().any(|(kind, _)| matches!(kind, Kind::Book | Kind::Holdout));
        let names = || files.iter().map(|(kind, key)| PartName { kind: *kind, key: key.as_str().into() });
        let mut dependents = scene.review.before.uses().dependents(names());
        dependents.extend(scene.review.after.uses().dependents(names()));
        Self { files, dependents, everything }
    }

    /// Tells whether a file of the book is edited, moved or deleted.
    pub(super) fn file(&self, kind: Kind, key: &str) -> bool {
        self.files.contains(&(kind, key.to_owned()))
    }

    /// Tells whether what a part of the book means may differ after the change.
    pub(super) fn concerns(&self, kind: Kind, key: &str) -> bool {
        self.everything || self.dependents.contains(&PartName { kind, key: key.into() })
    }
}

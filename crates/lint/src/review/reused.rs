//! Keys that the book has used before.

use super::{KEY_USED_AGAIN, Scene};
use trialbook_language::load;
use trialbook_model::diagnostic::Diagnostic;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let added = scene.review.changes.iter().filter(|change| change.before.is_none());
    for path in added.filter_map(|change| change.after.as_deref()) {
        let Some(document) = scene.review.documents.by_path(path) else { continue };
        let (kind, key) = (document.kind(), document.key());
        let Some(commit) = scene.review.used.get(&format!("{key}.{kind}")) else { continue };
        let stem = load::kind_and_key(path).is_some_and(|(_, stem)| stem == key);
        let place = scene.review.documents.place(kind, key, if stem { "" } else { "/key" });
        let message =
            format!("the key `{key}` was another {kind}'s, which was deleted in {}", commit.short());
        let help = if stem {
            format!("rename the file, for example to `{key}-2.{kind}.yaml`")
        } else {
            format!("give another `key`, for example `{key}-2`")
        };
        found.push(
            Diagnostic::error(KEY_USED_AGAIN, message, &place.file, place.span)
                .note("a key is an identity: exposures, launches and reports of the old one carry it")
                .help(help),
        );
    }
}

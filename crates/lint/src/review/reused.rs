//! Keys that the book has used before.

use super::{KEY_USED_AGAIN, Scene};
use trialbook_language::load;
use trialbook_model::diagnostic::Diagnostic;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Diagnostic>) {
    let added = scene.review.changes.iter().filter(|change| change.before.is_none());
    for path in added.filter_map(|change| change.after.as_deref()) {
        let Some(name) = load::identity(path) else { continue };
        let Some(commit) = scene.review.used.get(&name) else { continue };
        let Some(document) = scene.review.documents.iter().find(|document| document.file().path() == path)
        else {
            continue;
        };
        let (kind, key) = (document.kind(), document.key());
        let place = scene.review.documents.place(kind, key, "");
        let message =
            format!("the key `{key}` was another {kind}'s, which was deleted in {}", commit.short());
        found.push(
            Diagnostic::error(KEY_USED_AGAIN, message, &place.file, place.span)
                .note("a key is an identity: exposures, launches and reports of the old one carry it")
                .help(format!("rename the file, for example to `{key}-2.{kind}.yaml`")),
        );
    }
}

//! The edits that release what ships, as the book's files take them.

use trialbook_analysis::{Outcome, Release, ReleasePlace, VerdictKind};
use trialbook_language::edit;
use trialbook_language::load::Documents;
use trialbook_model::{Book, Kind, VariantKey};

/// Returns an outcome with the edit of the flag's file for each treatment that ships and is not decided on.
pub fn with_releases(mut outcome: Outcome, book: &Book, documents: &Documents) -> Outcome {
    if outcome.experiment.decision.is_none() {
        let ships = outcome.verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Ship);
        outcome.releases =
            ships.filter_map(|verdict| release(&outcome, book, documents, &verdict.treatment)).collect();
    }
    outcome
}

fn release(outcome: &Outcome, book: &Book, documents: &Documents, variant: &VariantKey) -> Option<Release> {
    let (key, flag) = (outcome.experiment.key.as_str(), outcome.experiment.flag.as_str());
    let flag = documents.get(Kind::Flag, flag)?.file();
    let experiment = documents.get(Kind::Experiment, key)?.file();
    let target = book.primary_target().map(|target| target.key.as_str());
    let made = edit::release(flag.text(), experiment.text(), variant.as_str(), target)?;
    Some(Release {
        variant: variant.clone(),
        file: flag.path().to_owned(),
        place: match made.place {
            edit::ReleasePlace::Default => ReleasePlace::Default,
            edit::ReleasePlace::AfterLastRule => ReleasePlace::AfterLastRule,
            edit::ReleasePlace::AfterKey(key) => ReleasePlace::AfterKey { key },
        },
        lines: made.lines,
        unformatted: made.unformatted,
    })
}

//! The slots of layers: every experiment gets the buckets that its allocation asks for.

use jiff::Timestamp;

use super::NotNamed;
use trialbook_language::edit::{WriteSlotsError, write_slots};
use trialbook_language::load::Loaded;
use trialbook_model::allocation::{Packing, Refusal, pack};
use trialbook_model::{Book, Experiment, ExperimentKey, Kind, Layer};

/// A layer's file with the slots that it should have.
#[derive(Debug)]
pub struct SlotsEdit {
    /// The path relative to the book's root.
    pub path: String,
    /// What the file holds.
    pub before: String,
    /// What it holds then.
    pub after: String,
    /// The slots, and what changes about them.
    pub packing: Packing,
}

/// Why nothing is allocated.
#[derive(Debug)]
pub enum NotAllocated {
    /// The book has no such experiment.
    NotNamed(NotNamed),
    /// The experiment is in no layer.
    NoLayer(ExperimentKey),
    /// Claims that cannot be met, one for each experiment.
    Refused(Vec<Refusal>),
    /// The slots cannot be written into a layer's file.
    NotWritten {
        /// The file, from the book's root.
        path: String,
        /// Why not.
        cause: WriteSlotsError,
    },
}

/// Returns the edits that give the named experiments, or every one in a layer where none is named, what they ask for. A layer
/// whose slots are right has none.
///
/// # Errors
///
/// As [`NotAllocated`] lists them. Nothing is allocated then.
pub fn allocate(
    book: &Book,
    loaded: &Loaded,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<SlotsEdit>, NotAllocated> {
    let named = names.iter().map(|name| named(name, book)).collect::<Result<Vec<_>, _>>()?;
    let chosen = |experiment: &Experiment| named.is_empty() || named.contains(&&experiment.key);
    let (mut edits, mut refusals) = (Vec::new(), Vec::new());
    for layer in book.layers.values().filter(|layer| concerns(layer, &named, book)) {
        match pack(book, layer, &chosen, now) {
            Ok(packing) => edits.extend(edit(layer, packing, loaded)?),
            Err(refused) => refusals.extend(refused),
        }
    }
    if refusals.is_empty() { Ok(edits) } else { Err(NotAllocated::Refused(refusals)) }
}

fn named<'a>(name: &str, book: &'a Book) -> Result<&'a ExperimentKey, NotAllocated> {
    let Some(experiment) = book.experiments.get(name) else {
        return Err(NotAllocated::NotNamed(NotNamed::Experiment(name.to_owned())));
    };
    if experiment.layer.is_none() {
        return Err(NotAllocated::NoLayer(experiment.key.clone()));
    }
    Ok(&experiment.key)
}

/// Tells whether a layer has anything to do with what is named.
fn concerns(layer: &Layer, named: &[&ExperimentKey], book: &Book) -> bool {
    let layer_of =
        |key: &&ExperimentKey| book.experiments.get(*key).and_then(|experiment| experiment.layer.as_ref());
    named.is_empty() || named.iter().any(|key| layer_of(key) == Some(&layer.key))
}

/// Returns the edit of a layer's file; `None` where nothing changes.
fn edit(layer: &Layer, packing: Packing, loaded: &Loaded) -> Result<Option<SlotsEdit>, NotAllocated> {
    if packing.slots == layer.slots {
        return Ok(None);
    }
    let document = loaded.documents.get(Kind::Layer, layer.key.as_str());
    let Some(file) = document.map(|document| document.file()) else { return Ok(None) };
    let (path, before) = (file.path().to_owned(), file.text().to_owned());
    let after = write_slots(&before, &packing.slots)
        .map_err(|cause| NotAllocated::NotWritten { path: path.clone(), cause })?;
    Ok(Some(SlotsEdit { path, before, after, packing }))
}

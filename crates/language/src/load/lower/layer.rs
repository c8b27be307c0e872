//! Lowering a layer.

use super::declarations::{Declarations, Index};
use super::sink::Sink;
use crate::load::syntax::layer::LayerFile;
use trialbook_model::{Duration, Layer, LayerKey, Salt, Slot};

/// Lowers a layer.
pub(super) fn layer(
    key: &str,
    file: &LayerFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Layer> {
    if let Some(entity) = &file.entity {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
    }
    let mut slots = Vec::new();
    let mut complete = true;
    for slot in file.slots.iter().flat_map(|slots| &slots.value.0) {
        if let Some(experiment) = &slot.value.experiment {
            let named = experiment.value.as_str();
            index.experiments.referred("experiment", named, experiment.span, sink);
        }
        match (&slot.value.buckets, &slot.value.experiment) {
            (Some(buckets), Some(experiment)) => {
                slots.push(Slot { buckets: buckets.value, experiment: experiment.value.clone() });
            }
            _ => complete = false,
        }
    }
    if !complete {
        return None;
    }
    Some(Layer {
        key: LayerKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        entity: file.entity.as_ref()?.value.clone(),
        salt: match &file.salt {
            Some(salt) => salt.value.clone(),
            None => Salt::new(key).ok()?,
        },
        quarantine: file.quarantine.as_ref().map_or(Duration::ZERO, |quarantine| quarantine.value),
        slots,
    })
}

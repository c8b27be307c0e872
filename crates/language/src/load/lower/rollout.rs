//! Rollouts and holdouts.

use super::declarations::{Declarations, Index};
use super::experiment::{check_metric, has_open_window, schedule_of};
use super::flag::{check_variant, surfaces};
use super::sink::Sink;
use super::{audience, defaults, steps};
use crate::load::rules;
use crate::load::syntax::Emptiness;
use crate::load::syntax::holdout::HoldoutFile;
use crate::load::syntax::rollout::RolloutFile;
use trialbook_model::{EntityKey, Guardrail, Holdout, HoldoutKey, Predicate, Rollout, RolloutKey, Salt};

/// Lowers a rollout.
pub(super) fn lower(
    key: &str,
    file: &RolloutFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Rollout> {
    let flag = file
        .flag
        .as_ref()
        .and_then(|flag| index.flags.referred("flag", flag.value.as_str(), flag.span, sink));
    if let (Some(flag), Some(serve)) = (flag, &file.serve) {
        check_variant(flag, serve, sink);
    }
    let entity = flag.and_then(|flag| flag.entity.as_ref()).map(|entity| entity.value.as_str());
    let audience = match &file.audience {
        Some(audience) => audience::lower(&audience.value, context, index, sink),
        None => Some(Predicate::everyone()),
    };
    if let Some(list) = &file.steps
        && list.value.1 == Emptiness::Empty
    {
        let message = "a rollout without steps serves no unit";
        sink.error(rules::BAD_SCHEDULE, list.span, message, "write such as `[{at: 2026-11-25, share: 1%}]`");
    }
    let steps = file.steps.as_ref().and_then(|list| steps::lower(&list.value, context, sink));
    let (mut guardrails, mut seen, mut complete) = (Vec::new(), Vec::new(), true);
    for guardrail in file.guardrails.iter().flat_map(|list| &list.value.0) {
        if let Some(metric) = &guardrail.value.metric {
            check_metric(metric, entity, "the flag is drawn per", index, sink);
            defaults::once(metric, &mut seen, sink);
            if has_open_window(&metric.value, index) {
                let message = format!(
                    "metric `{}` has an open window, and a rollout is looked at step by step",
                    metric.value
                );
                sink.error(rules::BAD_ANALYSIS, metric.span, message, "use a metric whose window closes");
            }
        }
        match (&guardrail.value.metric, &guardrail.value.margin) {
            (Some(metric), Some(margin)) => {
                guardrails.push(Guardrail { metric: metric.value.clone(), margin: margin.value });
            }
            _ => complete = false,
        }
    }
    let owner = file.owner.as_ref().or(flag.and_then(|flag| flag.owner.as_ref()));
    if !complete {
        return None;
    }
    Some(Rollout {
        key: RolloutKey::new(key).ok()?,
        description: file.description.as_ref().map(|description| description.value.0.clone()),
        owner: owner?.value.0.clone(),
        flag: file.flag.as_ref()?.value.clone(),
        serve: file.serve.as_ref()?.value.clone(),
        audience: audience?,
        steps: steps?,
        guardrails,
        salt: match &file.salt {
            Some(salt) => salt.value.clone(),
            None => Salt::new(key).ok()?,
        },
    })
}

/// Lowers a holdout.
pub(super) fn lower_holdout(
    key: &str,
    file: &HoldoutFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Holdout> {
    let entity = entity(file, context, sink);
    let surfaces = surfaces(file.surfaces.as_ref(), context, sink);
    if let Some(list) = &file.surfaces
        && list.value.1 == Emptiness::Empty
    {
        let message = "a holdout without surfaces covers nothing";
        sink.error(rules::EMPTY_CONDITION, list.span, message, "name at least one surface of trialbook.yaml");
    }
    let share = file.share.as_ref().and_then(|share| steps::whole_buckets(share, sink));
    let schedule = file.schedule.as_ref().and_then(|schedule| schedule_of(&schedule.value, context, sink));
    let (mut metrics, mut seen) = (Vec::new(), Vec::new());
    for metric in file.metrics.iter().flat_map(|list| &list.value.0) {
        check_metric(metric, entity.as_ref().map(EntityKey::as_str), "the holdout holds out", index, sink);
        defaults::once(metric, &mut seen, sink);
        metrics.push(metric.value.clone());
    }
    Some(Holdout {
        key: HoldoutKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        entity: entity?,
        share: share?,
        surfaces,
        schedule: schedule?,
        metrics,
        salt: match &file.salt {
            Some(salt) => salt.value.clone(),
            None => Salt::new(key).ok()?,
        },
    })
}

/// Returns the entity that a holdout names, or the only one that there is.
fn entity(file: &HoldoutFile, context: &Declarations<'_>, sink: &mut Sink<'_>) -> Option<EntityKey> {
    if let Some(entity) = &file.entity {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
        return Some(entity.value.clone());
    }
    let mut declared = context.entities.entries.keys();
    match (declared.next(), declared.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => {
            if let Some(share) = &file.share {
                let message =
                    "the book has several entities, and the holdout does not declare which it holds out";
                sink.error(
                    rules::MISSING_KEY,
                    share.span,
                    message,
                    "add `entity: KEY`, an entity of trialbook.yaml",
                );
            }
            None
        }
    }
}

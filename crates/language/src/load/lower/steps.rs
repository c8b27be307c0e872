//! Steps of rollouts and ramps.

use super::declarations::Declarations;
use super::sink::Sink;
use crate::load::rules;
use crate::load::syntax::List;
use crate::load::syntax::step::StepSyntax;
use trialbook_model::span::Spanned;
use trialbook_model::{BUCKETS, Share, Step, Steps};

/// Lowers steps; each one that does not grow is reported at its place.
pub(super) fn lower(
    list: &List<StepSyntax>,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Option<Steps> {
    let mut steps: Vec<Step> = Vec::new();
    let mut complete = true;
    for syntax in &list.0 {
        let at = syntax.value.at.as_ref().and_then(|at| context.instant(at, sink));
        let share = syntax.value.share.as_ref().and_then(|share| whole_buckets(share, sink));
        let (Some(at), Some(share)) = (at, share) else {
            complete = false;
            continue;
        };
        if let Some(before) = steps.last() {
            if before.at >= at {
                let span = syntax.value.at.as_ref().map_or(syntax.span, |at| at.span);
                let message = "a step that is not later than the one before it";
                sink.error(rules::BAD_SCHEDULE, span, message, "put the steps in the order of their dates");
                complete = false;
            }
            if before.share >= share {
                let span = syntax.value.share.as_ref().map_or(syntax.span, |share| share.span);
                let message = format!("a step of {share} after one of {}: steps only grow", before.share);
                sink.error(
                    rules::BAD_ALLOCATION,
                    span,
                    message,
                    "write a larger share, or take the step out",
                );
                complete = false;
            }
        }
        steps.push(Step { at, share });
    }
    if complete { Steps::new(steps).ok() } else { None }
}

/// Returns a share that is a whole number of buckets above none; reports another.
pub(super) fn whole_buckets(share: &Spanned<Share>, sink: &mut Sink<'_>) -> Option<Share> {
    match share.value.buckets() {
        Some(0) => {
            sink.error(
                rules::BAD_ALLOCATION,
                share.span,
                "a share of 0% reaches no unit",
                "write the share of the audience that takes part, at least `0.01%`",
            );
            None
        }
        Some(_) => Some(share.value),
        None => {
            let (ppm, per_bucket) = (share.value.ppm(), Share::ALL.ppm() / BUCKETS);
            let below = Share::from_ppm(ppm / per_bucket * per_bucket).unwrap_or(Share::NONE);
            let above = Share::from_ppm(ppm.div_ceil(per_bucket) * per_bucket).unwrap_or(Share::ALL);
            let near =
                if below == Share::NONE { format!("`{above}`") } else { format!("`{below}` or `{above}`") };
            let message = format!("{} is not a whole number of buckets, of which each is 0.01%", share.value);
            sink.error(rules::BAD_ALLOCATION, share.span, message, format!("write {near}"));
            None
        }
    }
}

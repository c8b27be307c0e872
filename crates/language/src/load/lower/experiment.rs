//! Experiments.

use super::audience;
use super::declarations::{Declarations, Index};
use super::defaults;
use super::flag::{check_variant, surfaces};
use super::forced;
use super::sink::Sink;
use super::steps;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::Emptiness;
use crate::load::syntax::experiment::{
    Allocation as AllocationSyntax, DecisionSyntax, ExperimentFile, MetricsSyntax, ScheduleSyntax, Weights,
};
use crate::load::syntax::flag::FlagFile;
use trialbook_model::span::Spanned;
use trialbook_model::{
    Allocation, Analysis, AnalysisPlan, Decision, DecisionOutcome, Experiment, ExperimentKey, Guardrail,
    Method, MetricKey, Multiplicity, Predicate, Salt, Schedule, Share, Split, SplitError, SuccessMetric,
    VariantKey, Window,
};

/// Lowers an experiment, the book's and its surfaces' defaults included.
pub(super) fn lower(
    key: &str,
    file: &ExperimentFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Experiment> {
    let surfaces = surfaces(file.surfaces.as_ref(), context, sink);
    let flag = file
        .flag
        .as_ref()
        .and_then(|flag| index.flags.referred("flag", flag.value.as_str(), flag.span, sink));
    let entity = flag.and_then(|flag| flag.entity.as_ref()).map(|entity| entity.value.as_str());
    let audience = match &file.audience {
        Some(audience) => audience::lower(&audience.value, context, index, sink),
        None => Some(Predicate::everyone()),
    };
    layer(file, entity, index, sink);
    let split = file.variants.as_ref().and_then(|weights| split(weights, file, flag, sink));
    control(file, split.as_ref(), flag, sink);
    let schedule = file.schedule.as_ref().and_then(|schedule| schedule_of(&schedule.value, context, sink));
    let allocation = allocation(file, schedule, context, sink);
    let plan = file.metrics.as_ref().and_then(|metrics| plan(&metrics.value, entity, index, sink));
    let plan = plan.map(|mut plan| {
        defaults::add(&mut plan, &surfaces, entity, context, index);
        plan
    });
    let (mut analysis, _) = defaults::analysis(context.analysis, file.analysis.as_ref(), sink);
    if let Some(plan) = &plan {
        if analysis.earlier_default.is_some() {
            let open = plan.deciding().any(|metric| has_open_window(metric, index));
            analysis.method = Analysis::default_method(open);
        }
        if analysis.method.is_sequential() {
            open_windows(plan, analysis.method, file, index, sink);
        }
    }
    if analysis.multiplicity == Multiplicity::Holm && analysis.method.is_sequential() {
        holm_at_looks(analysis.method, file, sink);
    }
    previous(key, file, index, sink);
    let overrides = forced::lower(file, split.as_ref(), index, sink);
    let decision = match &file.decision {
        None => None,
        Some(decision) => Some(decide(&decision.value, decision.span, file, split.as_ref(), context, sink)?),
    };
    Some(Experiment {
        key: ExperimentKey::new(key).ok()?,
        title: file.title.as_ref()?.value.0.clone(),
        hypothesis: file.hypothesis.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref()?.value.0.clone(),
        surfaces,
        flag: file.flag.as_ref()?.value.clone(),
        audience: audience?,
        layer: file.layer.as_ref().map(|layer| layer.value.clone()),
        allocation: allocation?,
        control: file.control.as_ref()?.value.clone(),
        split: split?,
        schedule: schedule?,
        metrics: plan?,
        analysis,
        salt: match &file.salt {
            Some(salt) => salt.value.clone(),
            None => Salt::new(key).ok()?,
        },
        previous: file.previous.as_ref().map(|previous| previous.value.clone()),
        overrides: overrides?,
        decision,
    })
}

fn layer(file: &ExperimentFile, entity: Option<&str>, index: &Index<'_>, sink: &mut Sink<'_>) {
    let Some(layer) = &file.layer else { return };
    let found = index.layers.referred("layer", layer.value.as_str(), layer.span, sink);
    let hashed = found.and_then(|layer| layer.entity.as_ref()).map(|entity| entity.value.as_str());
    if let (Some(hashed), Some(entity)) = (hashed, entity)
        && hashed != entity
    {
        let message = format!("layer `{}` draws `{hashed}`, and the flag randomises `{entity}`", layer.value);
        sink.error(
            rules::ENTITY_MISMATCH,
            layer.span,
            message,
            format!("use a layer whose entity is `{entity}`, or none"),
        );
    }
}

/// Lowers an allocation. The steps of a ramp begin with the schedule and are taken before its end.
fn allocation(
    file: &ExperimentFile,
    schedule: Option<Schedule>,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Option<Allocation> {
    let allocation = file.allocation.as_ref()?;
    let list = match &allocation.value {
        AllocationSyntax::Fixed(share) => {
            let share = Spanned { value: *share, span: allocation.span };
            return steps::whole_buckets(&share, sink).map(Allocation::Fixed);
        }
        AllocationSyntax::Ramp(list) => list,
    };
    if list.1 == Emptiness::Empty {
        let help = "write one share, such as `20%`, or steps such as `[{at: 2026-11-25, share: 5%}]`";
        sink.error(rules::BAD_ALLOCATION, allocation.span, "a ramp without steps enrols no unit", help);
    }
    let steps = steps::lower(list, context, sink)?;
    if let Some(schedule) = schedule {
        let place = |at: usize| {
            let step = list.0.get(at);
            step.map_or(allocation.span, |step| step.value.at.as_ref().map_or(step.span, |at| at.span))
        };
        if steps.first_at() != schedule.start() {
            let message = "the first step of the ramp is not at the schedule's start";
            let help =
                "write the date of `schedule.start`: who is enrolled from then on is the first step's share";
            sink.error(rules::BAD_ALLOCATION, place(0), message, help);
        }
        if let Some(late) = steps.all().iter().position(|step| step.at >= schedule.end()) {
            let message = "a step of the ramp that comes when enrolment has ended";
            let help = "take the step out, or end the schedule later";
            sink.error(rules::BAD_ALLOCATION, place(late), message, help);
        }
    }
    Some(Allocation::Ramp(steps))
}

/// Lowers the shares of the variants.
///
/// A variant that lost may be gone from the flag of a concluded experiment: what was tested stays on record. That none is
/// served any more is for lint to report, which knows the time.
fn split(
    weights: &Spanned<Weights>,
    file: &ExperimentFile,
    flag: Option<&FlagFile>,
    sink: &mut Sink<'_>,
) -> Option<Split> {
    let decision = file.decision.as_ref().map(|decision| &decision.value);
    let shipped = decision.and_then(|decision| decision.variant.as_ref());
    let may_be_gone =
        |variant: &VariantKey| decision.is_some() && shipped.is_none_or(|shipped| shipped.value != *variant);
    let split = match &weights.value {
        Weights::Equal => {
            let variants = flag?.variants.as_ref()?.value.0.iter().map(|(key, _)| key.value.clone());
            Split::equal(variants.collect())
        }
        Weights::Shares(shares) => {
            for (variant, _) in &shares.0 {
                if let Some(flag) = flag.filter(|_| !may_be_gone(&variant.value)) {
                    check_variant(flag, variant, sink);
                }
            }
            let shares = shares.0.iter().map(|(key, share)| Some((key.value.clone(), share.as_ref()?.value)));
            Split::new(shares.collect::<Option<_>>()?)
        }
    };
    match split {
        Ok(split) => Some(split),
        Err(error) => {
            let help = match &error {
                SplitError::Sum(sum) if *sum < 1_000_000 => format!(
                    "{} is missing; write `equal` for equal shares",
                    u32::try_from(1_000_000 - sum).ok().and_then(Share::from_ppm).unwrap_or(Share::NONE)
                ),
                SplitError::Sum(_) => "make them sum to 100%, or write `equal` for equal shares".into(),
                SplitError::TooFew(_) if decision.is_some() && matches!(weights.value, Weights::Equal) => {
                    "write out what was tested, such as `{plain: 50%, bold: 50%}`: the flag no longer has all of it".into()
                }
                SplitError::TooFew(_) => "a test compares at least a control and a treatment".into(),
                SplitError::Empty(variant) => format!("take `{variant}` out, or give it a share"),
                SplitError::Repeated(_) => "keep one of them".into(),
            };
            let message = match &error {
                SplitError::Sum(sum) => format!("the shares sum to {}%, not to 100%", Percent(*sum)),
                _ => error.to_string(),
            };
            sink.error(rules::BAD_SPLIT, weights.span, message, help);
            None
        }
    }
}

/// Parts per million as a percentage without trailing zeros.
struct Percent(u64);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn control(file: &ExperimentFile, split: Option<&Split>, flag: Option<&FlagFile>, sink: &mut Sink<'_>) {
    let Some(control) = &file.control else { return };
    // Of shares that do not sum, the names are known all the same.
    let named: Option<Vec<&VariantKey>> = match (split, file.variants.as_ref().map(|weights| &weights.value))
    {
        (Some(split), _) => Some(split.variants().collect()),
        (None, Some(Weights::Shares(shares))) => Some(shares.0.iter().map(|(key, _)| &key.value).collect()),
        (None, Some(Weights::Equal) | None) => None,
    };
    if let Some(named) = named
        && !named.contains(&&control.value)
    {
        let message = format!("the control `{}` is not among the experiment's variants", control.value);
        let help = suggestion(control.value.as_str(), named.iter().map(|variant| variant.as_str()));
        sink.error(rules::CONTROL_OUTSIDE_SPLIT, control.span, message, help);
    } else if let Some(flag) = flag
        && split.is_none()
    {
        check_variant(flag, control, sink);
    }
}

pub(super) fn schedule_of(
    syntax: &ScheduleSyntax,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Option<Schedule> {
    let start = syntax.start.as_ref().and_then(|start| context.instant(start, sink));
    let end = syntax.end.as_ref().and_then(|end| context.instant(end, sink));
    match Schedule::new(start?, end?) {
        Ok(schedule) => Some(schedule),
        Err(_) => {
            let span = syntax.end.as_ref().map_or(Default::default(), |end| end.span);
            let help = "`end` is the first day after enrolment, so a test of one day ends on the next";
            sink.error(rules::BAD_SCHEDULE, span, "the schedule ends before it starts, or at once", help);
            None
        }
    }
}

fn plan(
    metrics: &MetricsSyntax,
    entity: Option<&str>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<AnalysisPlan> {
    let mut plan = AnalysisPlan::default();
    let mut seen = Vec::new();
    let mut complete = true;
    for success in metrics.success.iter().flat_map(|list| &list.value.0) {
        if let Some(metric) = &success.value.metric {
            check_metric(metric, entity, "the flag randomises", index, sink);
            defaults::once(metric, &mut seen, sink);
        }
        match (&success.value.metric, &success.value.mde) {
            (Some(metric), Some(mde)) => {
                plan.success.push(SuccessMetric { metric: metric.value.clone(), mde: mde.value });
            }
            _ => complete = false,
        }
    }
    for guardrail in metrics.guardrails.iter().flat_map(|list| &list.value.0) {
        if let Some(metric) = &guardrail.value.metric {
            check_metric(metric, entity, "the flag randomises", index, sink);
            defaults::once(metric, &mut seen, sink);
        }
        match (&guardrail.value.metric, &guardrail.value.margin) {
            (Some(metric), Some(margin)) => {
                plan.guardrails.push(Guardrail { metric: metric.value.clone(), margin: margin.value });
            }
            _ => complete = false,
        }
    }
    for metric in metrics.exploratory.iter().flat_map(|list| &list.value.0) {
        check_metric(metric, entity, "the flag randomises", index, sink);
        defaults::once(metric, &mut seen, sink);
        plan.exploratory.push(metric.value.clone());
    }
    complete.then_some(plan)
}

/// Reports Holm's correction where the data is looked at before the end: the level of a step depends on the p-values of other
/// metrics, and the bounds of the looks are made of a level that is known before the first one.
fn holm_at_looks(method: Method, file: &ExperimentFile, sink: &mut Sink<'_>) {
    let given = file.analysis.as_ref();
    let fields = given.map(|given| &given.value);
    let of_fields = fields.and_then(|fields| {
        let multiplicity = fields.multiplicity.as_ref().map(|given| given.span);
        multiplicity.or_else(|| fields.method.as_ref().map(|given| given.span))
    });
    // What comes from the book has no place here but the experiment's own analysis, or its metrics.
    let span = of_fields.or_else(|| given.map(|given| given.span));
    let Some(span) = span.or_else(|| file.metrics.as_ref().map(|metrics| metrics.span)) else { return };
    let message = format!("`multiplicity: holm` cannot be used with `method: {}`", method.as_str());
    let help = "write `method: fixed-horizon`, or `multiplicity: shared`: the bounds of the looks need a level that does not depend \
                on other metrics";
    sink.error(rules::BAD_ANALYSIS, span, message, help);
}

/// Reports deciding metrics whose window never closes, where the data is looked at before the end: what a unit counts
/// for would change from look to look.
fn open_windows(
    plan: &AnalysisPlan,
    method: Method,
    file: &ExperimentFile,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) {
    let Some(metrics) = &file.metrics else { return };
    let success = metrics.value.success.iter().flat_map(|list| &list.value.0).map(|s| &s.value.metric);
    let guardrails = metrics.value.guardrails.iter().flat_map(|list| &list.value.0).map(|g| &g.value.metric);
    let own: Vec<_> = success.chain(guardrails).flatten().collect();
    for key in plan.deciding().filter(|key| has_open_window(key, index)) {
        // A default of the book has no place here but the section that it is added to.
        let span = own.iter().find(|metric| metric.value == *key).map_or(metrics.span, |metric| metric.span);
        let message =
            format!("metric `{key}` has an open window, so `{}` cannot decide with it", method.as_str());
        let help =
            "give the metric a window that closes, make it exploratory, or write `method: fixed-horizon`";
        sink.error(rules::BAD_ANALYSIS, span, message, help);
    }
}

/// Tells whether everything so far counts for a metric.
pub(super) fn has_open_window(metric: &MetricKey, index: &Index<'_>) -> bool {
    let window = index.metrics.get(metric.as_str()).and_then(|metric| metric.window.as_ref());
    window.is_some_and(|window| window.value == Window::Open)
}

/// Reports a metric that there is not, or that is measured on another entity; `why` names what demands the entity.
pub(super) fn check_metric(
    metric: &Spanned<MetricKey>,
    entity: Option<&str>,
    why: &str,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) {
    let found = index.metrics.referred("metric", metric.value.as_str(), metric.span, sink);
    let measured_on = found.and_then(|metric| metric.entity.as_ref()).map(|entity| entity.value.as_str());
    if let (Some(measured_on), Some(entity)) = (measured_on, entity)
        && measured_on != entity
    {
        let message =
            format!("metric `{}` is measured per `{measured_on}`, and {why} `{entity}`", metric.value);
        sink.error(
            rules::ENTITY_MISMATCH,
            metric.span,
            message,
            format!("use a metric whose entity is `{entity}`"),
        );
    }
}

fn previous(key: &str, file: &ExperimentFile, index: &Index<'_>, sink: &mut Sink<'_>) {
    let Some(previous) = &file.previous else { return };
    let name = previous.value.as_str();
    if name == key {
        let help = "name the experiment that this one repeats";
        sink.error(rules::DANGLING_REFERENCE, previous.span, "an experiment cannot repeat itself", help);
    } else if !index.experiments.contains(name) {
        let message = format!("there is no experiment `{name}` in the book");
        sink.warning(
            rules::DANGLING_REFERENCE,
            previous.span,
            message,
            "right only where it was removed after it was concluded",
        );
    }
}

fn decide(
    decision: &DecisionSyntax,
    span: trialbook_model::span::Span,
    file: &ExperimentFile,
    split: Option<&Split>,
    context: &Declarations<'_>,
    sink: &mut Sink<'_>,
) -> Option<Decision> {
    let outcome = decision.outcome.as_ref().map(|outcome| outcome.value);
    match (outcome, &decision.variant) {
        (Some(DecisionOutcome::Ship), None) => {
            sink.error(rules::BAD_DECISION, span, "a decision to ship names the variant", "add `variant:`");
        }
        (Some(DecisionOutcome::Ship), Some(variant)) => {
            if let Some(split) = split
                && split.share(&variant.value).is_none()
            {
                let message = format!("`{}` is not a variant of this experiment", variant.value);
                let help = suggestion(variant.value.as_str(), split.variants().map(VariantKey::as_str));
                sink.error(rules::BAD_DECISION, variant.span, message, help);
            } else if file.control.as_ref().is_some_and(|control| control.value == variant.value) {
                let help = "to keep the control, write `outcome: roll-back` or `outcome: inconclusive` without `variant`";
                sink.error(
                    rules::BAD_DECISION,
                    variant.span,
                    format!("`{}` is the control: there is nothing to ship", variant.value),
                    help,
                );
            }
        }
        (Some(_), Some(variant)) => {
            let message = "only a decision to ship names a variant";
            sink.error(
                rules::BAD_DECISION,
                variant.span,
                message,
                "take `variant` out, or write `outcome: ship`",
            );
        }
        (Some(_) | None, None) | (None, Some(_)) => {}
    }
    let date = decision.date.as_ref().and_then(|date| context.instant(date, sink));
    Some(Decision {
        outcome: outcome?,
        variant: decision.variant.as_ref().map(|variant| variant.value.clone()),
        date: date?,
        reason: decision.reason.as_ref()?.value.0.clone(),
    })
}

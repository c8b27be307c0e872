//! What the book and its surfaces add to every experiment.

use super::declarations::{Declarations, Index};
use super::sink::Sink;
use crate::load::rules;
use crate::load::syntax::List;
use crate::load::syntax::book::BookFile;
use crate::load::syntax::experiment::{AnalysisSyntax, GuardrailSyntax};
use trialbook_model::span::Spanned;
use trialbook_model::{Analysis, AnalysisPlan, Guardrail, MetricKey, PlannedUnits, Share, SurfaceKey};

/// Lists of metrics that a level of defaults holds.
struct Level<'a> {
    guardrails: Option<&'a Spanned<List<GuardrailSyntax>>>,
    exploratory: Option<&'a Spanned<List<MetricKey>>>,
}

/// Returns the book's analysis with every default written out.
pub(super) fn book_analysis(file: &BookFile, sink: &mut Sink<'_>) -> Analysis {
    let given = file.defaults.as_ref().and_then(|defaults| defaults.value.analysis.as_ref());
    let (analysis, sound) = analysis(Analysis::default(), given, sink);
    if sound { analysis } else { Analysis::default() }
}

/// Lays an analysis over its defaults; tells whether the levels make sense together.
pub(super) fn analysis(
    default: Analysis,
    given: Option<&Spanned<AnalysisSyntax>>,
    sink: &mut Sink<'_>,
) -> (Analysis, bool) {
    let Some(given) = given else { return (default, true) };
    let fields = &given.value;
    let share =
        |field: &Option<Spanned<Share>>, default: Share| field.as_ref().map_or(default, |share| share.value);
    let analysis = Analysis {
        method: fields.method.as_ref().map_or(default.method, |method| method.value),
        multiplicity: fields.multiplicity.as_ref().map_or(default.multiplicity, |given| given.value),
        earlier_default: default.earlier_default.filter(|_| fields.method.is_none()),
        spending: fields.spending.as_ref().map_or(default.spending, |spending| spending.value),
        min_duration: fields.min_duration.as_ref().map_or(default.min_duration, |duration| duration.value),
        planned_units: fields
            .planned_units
            .as_ref()
            .map_or(default.planned_units, |units| PlannedUnits(u64::from(units.value))),
        alpha: share(&fields.alpha, default.alpha),
        power: share(&fields.power, default.power),
        deterioration_alpha: share(&fields.deterioration_alpha, default.deterioration_alpha),
        adjust: fields.adjust.as_ref().map_or(default.adjust, |adjust| adjust.value),
    };
    let mut sound = true;
    let half = Share::from_percent(50).unwrap_or(Share::ALL);
    for (name, field, legal, bounds) in [
        (
            "alpha",
            &fields.alpha,
            Share::NONE < analysis.alpha && analysis.alpha < half,
            "above 0% and below 50%",
        ),
        (
            "power",
            &fields.power,
            Share::NONE < analysis.power && analysis.power < Share::ALL,
            "above 0% and below 100%",
        ),
        (
            "deterioration_alpha",
            &fields.deterioration_alpha,
            Share::NONE < analysis.deterioration_alpha && analysis.deterioration_alpha < half,
            "above 0% and below 50%",
        ),
    ] {
        if let Some(field) = field
            && !legal
        {
            sound = false;
            sink.error(
                rules::BAD_ANALYSIS,
                field.span,
                format!("`{name}` must be {bounds}, not {}", field.value),
                "`alpha: 5%` and `power: 80%` are usual",
            );
        }
    }
    if let Some(units) = fields.planned_units.as_ref().filter(|units| units.value == 0) {
        sound = false;
        let message = "`planned_units` must be above 0";
        sink.error(
            rules::BAD_ANALYSIS,
            units.span,
            message,
            "write how many units both arms of a comparison will have",
        );
    }
    if sound && analysis.deterioration_alpha >= analysis.alpha {
        sound = false;
        let field = fields.deterioration_alpha.as_ref().or(fields.alpha.as_ref());
        let message = format!(
            "`deterioration_alpha` ({}) must be below `alpha` ({})",
            analysis.deterioration_alpha, analysis.alpha
        );
        let help = "lower it, or leave it out: then it follows `alpha`";
        sink.error(rules::BAD_ANALYSIS, field.map_or(given.span, |field| field.span), message, help);
    }
    (analysis, sound)
}

/// Reports references of the defaults that lead nowhere.
pub(super) fn check(context: &Declarations<'_>, index: &Index<'_>, sink: &mut Sink<'_>) {
    let Some(defaults) = context.defaults else { return };
    let mut levels =
        vec![Level { guardrails: defaults.guardrails.as_ref(), exploratory: defaults.exploratory.as_ref() }];
    for (surface, level) in defaults.surfaces.iter().flat_map(|surfaces| &surfaces.value.0) {
        context.surfaces.check("surface", surface.value.as_str(), surface.span, sink);
        if let Some(level) = level {
            levels.push(Level {
                guardrails: level.value.guardrails.as_ref(),
                exploratory: level.value.exploratory.as_ref(),
            });
        }
    }
    for level in levels {
        let mut seen = Vec::<&MetricKey>::new();
        for metric in level.metrics() {
            index.metrics.referred("metric", metric.value.as_str(), metric.span, sink);
            once(metric, &mut seen, sink);
        }
    }
}

/// Reports a metric that a list of roles has twice.
pub(super) fn once<'a>(metric: &'a Spanned<MetricKey>, seen: &mut Vec<&'a MetricKey>, sink: &mut Sink<'_>) {
    if seen.contains(&&metric.value) {
        let message = format!("metric `{}` is given twice", metric.value);
        sink.error(
            rules::METRIC_IN_TWO_ROLES,
            metric.span,
            message,
            "a metric has one role: keep the one that decides",
        );
    } else {
        seen.push(&metric.value);
    }
}

impl<'a> Level<'a> {
    fn metrics(&self) -> impl Iterator<Item = &'a Spanned<MetricKey>> {
        let guardrails = self.guardrails.into_iter().flat_map(|list| &list.value.0);
        let exploratory = self.exploratory.into_iter().flat_map(|list| &list.value.0);
        guardrails.filter_map(|guardrail| guardrail.value.metric.as_ref()).chain(exploratory)
    }
}

/// Adds the defaults of an experiment's surfaces, in their order, and then those of the book.
///
/// A metric that the experiment uses itself, in whatever role, is left as the experiment has it; of two levels
/// the nearer one wins. A default measured on another unit than the experiment randomises does not apply to it.
pub(super) fn add(
    plan: &mut AnalysisPlan,
    surfaces: &[SurfaceKey],
    entity: Option<&str>,
    context: &Declarations<'_>,
    index: &Index<'_>,
) {
    let Some(defaults) = context.defaults else { return };
    let of_surfaces = surfaces.iter().filter_map(|surface| {
        let entries = &defaults.surfaces.as_ref()?.value.0;
        let (_, level) = entries.iter().find(|(key, _)| key.value == *surface)?;
        let level = &level.as_ref()?.value;
        Some(Level { guardrails: level.guardrails.as_ref(), exploratory: level.exploratory.as_ref() })
    });
    let book = Level { guardrails: defaults.guardrails.as_ref(), exploratory: defaults.exploratory.as_ref() };
    let applies = |metric: &MetricKey| {
        let measured_on = index.metrics.get(metric.as_str()).and_then(|file| file.entity.as_ref());
        match (measured_on, entity) {
            (Some(measured_on), Some(entity)) => measured_on.value.as_str() == entity,
            _ => true,
        }
    };
    for level in of_surfaces.chain([book]) {
        for guardrail in level.guardrails.into_iter().flat_map(|list| &list.value.0) {
            if let (Some(metric), Some(margin)) = (&guardrail.value.metric, &guardrail.value.margin)
                && !plan.all().any(|used| *used == metric.value)
                && applies(&metric.value)
            {
                plan.guardrails.push(Guardrail { metric: metric.value.clone(), margin: margin.value });
            }
        }
        for metric in level.exploratory.into_iter().flat_map(|list| &list.value.0) {
            if !plan.all().any(|used| *used == metric.value) && applies(&metric.value) {
                plan.exploratory.push(metric.value.clone());
            }
        }
    }
}

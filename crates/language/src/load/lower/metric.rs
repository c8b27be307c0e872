//! Metrics.

use super::baseline;
use super::declarations::{Declarations, Index};
use super::sink::Sink;
use super::sql;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::Text;
use crate::load::syntax::metric::{CapSyntax, MeasureSyntax, MeasurementSyntax, MetricFile, MetricKind};
use crate::load::syntax::source::SourceFile;
use trialbook_model::span::Spanned;
use trialbook_model::{
    Cap, Duration, EntityKey, Measure, Measurement, Metric, MetricKey, MetricType, Share, SourceKey,
};

/// Lowers a metric.
pub(super) fn lower(
    key: &str,
    file: &MetricFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Metric> {
    if let Some(entity) = &file.entity {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
    }
    let kind = file.kind.as_ref().map(|kind| kind.value);
    let mut part = |part: Part<'_>| measurement(&part, kind, file.entity.as_ref(), index, sink);
    let own = part(Part {
        source: file.source.as_ref(),
        measure: file.measure.as_ref(),
        filter: file.filter.as_ref(),
    });
    let mut part_of_ratio = |syntax: &Option<Spanned<MeasurementSyntax>>| {
        let syntax = &syntax.as_ref()?.value;
        part(Part {
            source: syntax.source.as_ref(),
            measure: syntax.measure.as_ref(),
            filter: syntax.filter.as_ref(),
        })
    };
    let (numerator, denominator) = (part_of_ratio(&file.numerator), part_of_ratio(&file.denominator));
    if let Some(at) = &file.at
        && matches!(at.value, Share::NONE | Share::ALL)
    {
        let message = format!(
            "the quantile at {} is the least or the greatest value, whatever the others are",
            at.value
        );
        sink.error(rules::BAD_SHARE, at.span, message, "write a share such as `95%`");
    }
    let cap = match &file.cap {
        None => None,
        Some(cap) => Some(lower_cap(cap, sink)?),
    };
    let covariate = match &file.covariate {
        None => None,
        Some(covariate) => {
            let before = covariate.value.before.as_ref()?;
            if before.value == Duration::ZERO {
                sink.error(
                    rules::BAD_DURATION,
                    before.span,
                    "a covariate over no time",
                    "write how long before exposure, such as `14d`",
                );
            }
            Some(before.value)
        }
    };
    let kind = match kind? {
        MetricKind::Mean => MetricType::Mean(own?),
        MetricKind::Proportion => MetricType::Proportion(own?),
        MetricKind::Ratio => MetricType::Ratio { numerator: numerator?, denominator: denominator? },
        MetricKind::Quantile => MetricType::Quantile { measurement: own?, at: file.at.as_ref()?.value },
    };
    let baseline = match &file.baseline {
        None => None,
        Some(syntax) => Some(baseline::lower(syntax, &kind, covariate, sink)?),
    };
    Some(Metric {
        key: MetricKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        entity: file.entity.as_ref()?.value.clone(),
        kind,
        window: file.window.as_ref()?.value,
        direction: file.direction.as_ref()?.value,
        cap,
        covariate,
        baseline,
        repair: file.repair.as_ref().map(|repair| repair.value.0.clone()),
    })
}

/// What is measured, as a file writes it: of a ratio one part.
struct Part<'a> {
    source: Option<&'a Spanned<SourceKey>>,
    measure: Option<&'a Spanned<MeasureSyntax>>,
    filter: Option<&'a Spanned<Text>>,
}

fn measurement(
    part: &Part<'_>,
    kind: Option<MetricKind>,
    entity: Option<&Spanned<EntityKey>>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Measurement> {
    let measure = part.measure.and_then(|measure| lower_measure(&measure.value));
    if let (Some(Measure::Value(key)), Some(kind), Some(place)) = (&measure, kind, part.measure)
        && kind != MetricKind::Quantile
    {
        let message = "`value` is for quantiles: a unit's rows have to become one number";
        let help = format!("write `{{sum: {key}}}` or `{{max: {key}}}`");
        sink.error(rules::UNKNOWN_WORD, place.span, message, help);
    }
    if let Some(source) = part.source
        && let Some(found) = index.sources.referred("source", source.value.as_str(), source.span, sink)
    {
        check_source(part, source, entity, found, measure.as_ref(), sink);
    }
    if let Some(filter) = part.filter
        && let Some(problem) = sql::not_an_expression(&filter.value.0)
    {
        let message = format!("this is not one SQL expression: {}", problem.message);
        let span = problem.span(sink.file(), filter.span, &filter.value.0);
        let help = "write a condition over the source's columns, such as `status = 'paid'`";
        sink.error(rules::BAD_SQL, span, message, help);
    }
    Some(Measurement {
        source: part.source?.value.clone(),
        measure: measure?,
        filter: part.filter.map(|filter| filter.value.0.clone()),
    })
}

fn lower_measure(measure: &MeasureSyntax) -> Option<Measure> {
    if measure.count.is_some() {
        return Some(Measure::Rows);
    }
    let sum = measure.sum.as_ref().map(|key| Measure::Sum(key.value.clone()));
    let max = || measure.max.as_ref().map(|key| Measure::Max(key.value.clone()));
    let distinct = || measure.distinct.as_ref().map(|column| Measure::Distinct(column.value.clone()));
    let value = || measure.value.as_ref().map(|key| Measure::Value(key.value.clone()));
    sum.or_else(max).or_else(distinct).or_else(value)
}

fn lower_cap(cap: &Spanned<CapSyntax>, sink: &mut Sink<'_>) -> Option<Cap> {
    if let Some(value) = &cap.value.value {
        return Some(Cap::Value(value.value.0));
    }
    let quantile = cap.value.quantile.as_ref()?;
    if matches!(quantile.value, Share::NONE | Share::ALL) {
        let message = format!(
            "a cap at the quantile {} cuts {}",
            quantile.value,
            if quantile.value == Share::NONE { "everything" } else { "nothing" }
        );
        sink.error(rules::BAD_SHARE, quantile.span, message, "write a share such as `99.9%`");
    }
    Some(Cap::Quantile(quantile.value))
}

fn check_source(
    part: &Part<'_>,
    named: &Spanned<SourceKey>,
    entity: Option<&Spanned<EntityKey>>,
    source: &SourceFile,
    measure: Option<&Measure>,
    sink: &mut Sink<'_>,
) {
    let (name, place) = (&named.value, named.span);
    if super::source::holds_exposures(source) {
        let message = format!("source `{name}` holds exposures, and a metric is made of facts");
        sink.error(
            rules::DANGLING_REFERENCE,
            place,
            message,
            "name a source without `experiment`, `variant` or `served`",
        );
        return;
    }
    if let (Some(entity), Some(columns)) = (entity, &source.entities)
        && !columns.value.0.iter().any(|(key, _)| key.value == entity.value)
    {
        let message = format!("source `{name}` has no column for `{}`", entity.value);
        let help = format!("add the column to `entities` of the source, or measure on {}", {
            let known: Vec<_> = columns.value.0.iter().map(|(key, _)| format!("`{}`", key.value)).collect();
            known.join(" or ")
        });
        sink.error(rules::ENTITY_MISMATCH, entity.span, message, help);
    }
    let Some(Measure::Sum(measure) | Measure::Max(measure) | Measure::Value(measure)) = measure else {
        return;
    };
    let names =
        || source.measures.iter().flat_map(|measures| &measures.value.0).map(|(key, _)| key.value.as_str());
    if !names().any(|known| known == measure.as_str()) {
        let span = part.measure.map_or(place, |syntax| {
            let MeasureSyntax { sum, max, value, .. } = &syntax.value;
            let key = sum.as_ref().or(max.as_ref()).or(value.as_ref());
            key.map_or(syntax.span, |key| key.span)
        });
        let message = format!("source `{name}` has no measure `{measure}`");
        let known: Vec<_> = names().collect();
        sink.error(
            rules::DANGLING_REFERENCE,
            span,
            message,
            suggestion(measure.as_str(), known.iter().copied()),
        );
    }
}

//! Metrics.

use super::context::{Context, Index};
use super::sink::Sink;
use super::sql;
use crate::load::nearest::suggestion;
use crate::load::rules;
use crate::load::syntax::metric::{CapSyntax, MeasureSyntax, MetricFile, MetricKind};
use crate::load::syntax::source::SourceFile;
use crate::model::{Cap, Duration, Measure, Measurement, Metric, MetricKey, MetricType, Share};
use crate::span::Spanned;

/// Lowers a metric.
pub(super) fn lower(
    key: &str,
    file: &MetricFile,
    context: &Context<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Metric> {
    if let Some(entity) = &file.entity {
        context.entities.check("entity", entity.value.as_str(), entity.span, sink);
    }
    let measure = file.measure.as_ref().and_then(|measure| lower_measure(&measure.value));
    if let Some(source) = &file.source
        && let Some(found) = index.sources.referred("source", source.value.as_str(), source.span, sink)
    {
        check_source(file, source.value.as_str(), found, measure.as_ref(), sink);
    }
    if let Some(filter) = &file.filter
        && let Some(problem) = sql::not_an_expression(&filter.value.0)
    {
        let message = format!("this is not one SQL expression: {problem}");
        sink.error(
            rules::BAD_SQL,
            filter.span,
            message,
            "write a condition over the source's columns, such as `status = 'paid'`",
        );
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
    let measurement = Measurement {
        source: file.source.as_ref()?.value.clone(),
        measure: measure?,
        filter: file.filter.as_ref().map(|filter| filter.value.0.clone()),
    };
    Some(Metric {
        key: MetricKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        entity: file.entity.as_ref()?.value.clone(),
        kind: match file.kind.as_ref()?.value {
            MetricKind::Mean => MetricType::Mean(measurement),
            MetricKind::Proportion => MetricType::Proportion(measurement),
        },
        window: file.window.as_ref()?.value,
        direction: file.direction.as_ref()?.value,
        cap,
        covariate,
    })
}

fn lower_measure(measure: &MeasureSyntax) -> Option<Measure> {
    if measure.count.is_some() {
        return Some(Measure::Rows);
    }
    let sum = measure.sum.as_ref().map(|key| Measure::Sum(key.value.clone()));
    let max = || measure.max.as_ref().map(|key| Measure::Max(key.value.clone()));
    let distinct = || measure.distinct.as_ref().map(|column| Measure::Distinct(column.value.clone()));
    sum.or_else(max).or_else(distinct)
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
    file: &MetricFile,
    name: &str,
    source: &SourceFile,
    measure: Option<&Measure>,
    sink: &mut Sink<'_>,
) {
    let place = file.source.as_ref().map_or(Default::default(), |source| source.span);
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
    if let (Some(entity), Some(columns)) = (&file.entity, &source.entities)
        && !columns.value.0.iter().any(|(key, _)| key.value == entity.value)
    {
        let message = format!("source `{name}` has no column for `{}`", entity.value);
        let help = format!("add the column to `entities` of the source, or measure on {}", {
            let known: Vec<_> = columns.value.0.iter().map(|(key, _)| format!("`{}`", key.value)).collect();
            known.join(" or ")
        });
        sink.error(rules::ENTITY_MISMATCH, entity.span, message, help);
    }
    let Some(Measure::Sum(measure) | Measure::Max(measure)) = measure else { return };
    let unreadable = source.measures.is_none() && file.measure.is_none();
    let names =
        || source.measures.iter().flat_map(|measures| &measures.value.0).map(|(key, _)| key.value.as_str());
    if !unreadable && !names().any(|known| known == measure.as_str()) {
        let span = file.measure.as_ref().map_or(place, |syntax| {
            let key = syntax.value.sum.as_ref().or(syntax.value.max.as_ref());
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

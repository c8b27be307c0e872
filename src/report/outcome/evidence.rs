//! What an analyst wants to see: every number with its test, every check, every query.

use crate::report::blocks::{Align, Block, Inline, Line, Table, Tone};
use crate::report::number::{count, counted, exact_percent, p_value, significant};
use trialbook_analysis::{
    Adjustment, Estimate, MetricComparison, MetricResult, NonInferiority, QualityStatus, VerdictKind,
};

use super::{Told, naming};

/// Returns the folded parts.
pub(super) fn blocks(told: &Told<'_>) -> Vec<Block> {
    [tests(told), checks(told), queries(told)].into_iter().flatten().collect()
}

/// Every test, where the result can be believed.
fn tests(told: &Told<'_>) -> Option<Block> {
    if told.outcome.verdicts.iter().any(|verdict| verdict.kind == VerdictKind::Invalid) {
        return None;
    }
    let mut table = Table::new([
        ("metric", Align::Left),
        ("treatment", Align::Left),
        ("units", Align::Right),
        ("difference", Align::Right),
        ("standard error", Align::Right),
        ("p", Align::Left),
        ("covariate", Align::Left),
    ]);
    for metric in &told.outcome.metrics {
        for comparison in &metric.comparisons {
            if let Some(row) = test(metric, comparison) {
                table.push(row);
            }
        }
    }
    let n = table.rows().len();
    (n > 0).then(|| Block::Details {
        summary: format!("Tests ({})", count(n as u64)),
        blocks: vec![Block::Table(table)],
    })
}

fn test(metric: &MetricResult, comparison: &MetricComparison) -> Option<Vec<Line>> {
    let Estimate::Measured(effect) = &comparison.estimate else { return None };
    let units: u64 = metric.arms.iter().map(|arm| arm.units).sum();
    let p = match (&comparison.non_inferiority, comparison.p_adjusted) {
        (Some(NonInferiority::Tested(test)), _) => {
            format!("within the margin: {}  at level {}", p_value(test.p_value), exact_percent(test.level))
        }
        (Some(NonInferiority::NotTested(why)), _) => format!("margin not tested: {}", why.detail),
        (None, Some(adjusted)) => {
            format!("{}, {} among all explored", p_value(effect.p_two_sided), p_value(adjusted))
        }
        (None, None) => format!("{} two-sided", p_value(effect.p_two_sided)),
    };
    let covariate = match &effect.adjustment {
        Adjustment::None => "none".to_owned(),
        Adjustment::Adjusted { method, because, .. } => match because {
            Some(because) => format!("{method}, because {because}"),
            None => method.clone(),
        },
        Adjustment::NotPossible(why) => format!("not used: {}", why.detail),
    };
    Some(vec![
        vec![naming::words(&metric.metric).into()],
        vec![comparison.treatment.to_string().into()],
        vec![count(units).into()],
        vec![significant(effect.difference, 4).into()],
        vec![significant(effect.standard_error, 3).into()],
        vec![p.into()],
        vec![covariate.into()],
    ])
}

fn checks(told: &Told<'_>) -> Option<Block> {
    let quality = &told.outcome.quality;
    let mut table =
        Table::new([("check", Align::Left), ("of", Align::Left), ("found", Align::Left), ("", Align::Left)]);
    for check in quality {
        let of = match (&check.within, &check.source) {
            (Some((dimension, value)), _) => format!("{dimension} {value}"),
            (None, Some(source)) => source.to_string(),
            (None, None) => "all units".to_owned(),
        };
        let (tone, status) = match check.status {
            QualityStatus::Pass => (Tone::Good, "passed"),
            QualityStatus::Warn => (Tone::Caution, "look"),
            QualityStatus::Fail => (Tone::Bad, "failed"),
            QualityStatus::NotMeasured => (Tone::Caution, "not checked"),
        };
        table.push(vec![
            vec![check.kind.as_str().into()],
            vec![of.into()],
            vec![check.detail.as_str().into()],
            vec![Inline::Toned(tone, status.to_owned())],
        ]);
    }
    (!quality.is_empty()).then(|| Block::Details {
        summary: format!("Checks of the data ({})", count(quality.len() as u64)),
        blocks: vec![Block::Table(table)],
    })
}

fn queries(told: &Told<'_>) -> Option<Block> {
    let queries = &told.outcome.queries;
    let blocks = queries.iter().flat_map(|query| {
        let title = Block::Paragraph(vec![Inline::strong(query.name.as_str())]);
        [title, Block::Verbatim { language: "sql", text: query.sql.clone() }]
    });
    (!queries.is_empty()).then(|| Block::Details {
        summary: format!("SQL ({})", counted(queries.len() as u64, "query", "queries")),
        blocks: blocks.collect(),
    })
}

//! What an analyst wants to see: every number with its test, every check, every query.

use crate::report::blocks::{Align, Block, Inline, Line, Table, Tone};
use crate::report::calendar::Calendar;
use crate::report::number::{NBSP, count, counted, exact_percent, p_value, significant};
use trialbook_analysis::{
    Adjustment, Estimate, MetricComparison, MetricResult, NonInferiority, QualityCheck, QualityStatus,
    VerdictKind,
};

use super::{Reading, missing, naming, over_time, parts, past, quality};

/// Returns the folded parts.
pub(super) fn blocks(reading: &Reading<'_>) -> Vec<Block> {
    let effects = [tests(reading), parts::block(reading), over_time::block(reading), past::block(reading)];
    effects.into_iter().chain([checks(reading), queries(reading)]).flatten().collect()
}

/// Every test, where the result can be believed.
fn tests(reading: &Reading<'_>) -> Option<Block> {
    if reading.outcome.verdicts.iter().any(|verdict| verdict.kind == VerdictKind::Invalid) {
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
    for metric in &reading.outcome.metrics {
        for comparison in &metric.comparisons {
            if let Some(row) = test(reading, metric, comparison) {
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

/// Returns the units that a comparison rests on: those of the control and the treatment, at the look that its estimate is of.
fn units(reading: &Reading<'_>, metric: &MetricResult, comparison: &MetricComparison) -> u64 {
    if let Some(look) = comparison.look {
        return look.units;
    }
    // An outcome of an earlier version has the look only here.
    if let Some(look) = comparison.looks.as_ref().and_then(|looked| looked.path.last()) {
        return look.units;
    }
    let compared = [&reading.outcome.experiment.control, &comparison.treatment];
    metric.arms.iter().filter(|arm| compared.contains(&&arm.variant)).map(|arm| arm.units).sum()
}

fn test(reading: &Reading<'_>, metric: &MetricResult, comparison: &MetricComparison) -> Option<Vec<Line>> {
    let calendar = &reading.calendar;
    let Estimate::Measured(effect) = &comparison.estimate else { return None };
    let units = units(reading, metric, comparison);
    let p = match (&comparison.non_inferiority, comparison.p_adjusted) {
        (None, None) if comparison.looks.is_some() => {
            let better = comparison.looks.as_ref().map_or(1.0, |looked| looked.p_value);
            format!("better, at any look: {} at level {}", p_value(better), exact_percent(comparison.level))
        }
        (Some(NonInferiority::Tested(test)), _) => {
            format!("within the margin: {}  at level {}", p_value(test.p_value), exact_percent(test.level))
        }
        (Some(NonInferiority::NotTested(why)), _) => {
            format!("margin not tested: {}", missing::reason(why, calendar))
        }
        (None, Some(adjusted)) => {
            format!("{}, {} among all explored", p_value(effect.p_two_sided), p_value(adjusted))
        }
        (None, None) => format!("{} two-sided", p_value(effect.p_two_sided)),
    };
    let p = match comparison.p_worse {
        Some(worse) => format!("{p}; worse, at any look: {}", p_value(worse)),
        None => p,
    };
    let covariate = match &effect.adjustment {
        Adjustment::None => "none".to_owned(),
        Adjustment::Adjusted { method, because, .. } => match because {
            Some(because) => format!("{method}, because {because}"),
            None => method.clone(),
        },
        Adjustment::NotPossible(why) => format!("not used: {}", missing::reason(why, calendar)),
    };
    Some(vec![
        naming::with_look(naming::words(&metric.metric), comparison, calendar),
        vec![comparison.treatment.to_string().into()],
        vec![count(units).into()],
        vec![significant(effect.difference, 4).into()],
        vec![significant(effect.standard_error, 3).into()],
        vec![p.into()],
        vec![covariate.into()],
    ])
}

fn checks(reading: &Reading<'_>) -> Option<Block> {
    let quality = &reading.outcome.quality;
    (!quality.is_empty()).then(|| Block::Details {
        summary: format!("Checks of the data ({})", count(quality.len() as u64)),
        blocks: vec![Block::Table(table(quality, &reading.calendar))],
    })
}

/// Returns checks of the data as a table.
pub(super) fn table<'a>(checks: impl IntoIterator<Item = &'a QualityCheck>, calendar: &Calendar) -> Table {
    let mut table =
        Table::new([("check", Align::Left), ("of", Align::Left), ("found", Align::Left), ("", Align::Left)]);
    for check in checks {
        let of = match (&check.within, &check.source) {
            (Some((dimension, value)), _) => format!("{dimension} {value}"),
            (None, Some(source)) => source.to_string(),
            (None, None) => "all units".to_owned(),
        };
        let (tone, status) = match check.status {
            QualityStatus::Pass => (Tone::Good, "passed"),
            QualityStatus::Warn => (Tone::Caution, "warning"),
            QualityStatus::Fail => (Tone::Bad, "failed"),
            QualityStatus::NotMeasured => (Tone::Caution, "not checked"),
        };
        table.push(vec![
            vec![naming::check(check.kind).into()],
            vec![of.into()],
            vec![quality::found(check, calendar).into()],
            vec![Inline::Toned(tone, status.to_owned())],
        ]);
    }
    table
}

fn queries(reading: &Reading<'_>) -> Option<Block> {
    let queries = &reading.outcome.queries;
    let blocks = queries.iter().flat_map(|query| {
        let mut title = vec![Inline::strong(query.name.as_str())];
        let rows = query.rows.map(|rows| counted(rows, "row", "rows"));
        let time = query.milliseconds.map(|time| format!("{}{NBSP}ms", count(time)));
        let cost: Vec<String> = rows.into_iter().chain(time).collect();
        if !cost.is_empty() {
            title.push(format!(": {}", cost.join(" in ")).into());
        }
        let title = Block::Paragraph(title);
        [title, Block::Verbatim { language: "sql", text: query.sql.clone() }]
    });
    (!queries.is_empty()).then(|| Block::Details {
        summary: format!("SQL ({})", counted(queries.len() as u64, "query", "queries")),
        blocks: blocks.collect(),
    })
}

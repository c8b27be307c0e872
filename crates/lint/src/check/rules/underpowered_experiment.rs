//! An experiment that is too small for the effect that it declares.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::counted;
use trialbook_decision::power::{
    Evidence, Forecast, MetricNeed, Missing, Remedy, Role, forecast, rounded_up,
};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Kind};
use trialbook_stats::design::Size;

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "underpowered-experiment",
    Severity::Warning,
    "crates/lint/src/check/rules/underpowered_experiment.md",
    include_str!("underpowered_experiment.md"),
    &[Each::Experiment(check)],
);

/// Once it has begun, its plan is frozen, and the advice would come too late.
///
/// Silent where a baseline or the traffic is unknown. Where only a ceiling of the units is known, it fires if even
/// that is too low.
fn check(context: &Inspection<'_>, experiment: &Experiment, found: &mut Vec<Diagnostic>) {
    if experiment.decision.is_some() || experiment.schedule.start() <= context.now {
        return;
    }
    let forecast = forecast(context.book, experiment, &Evidence::declared(context.book, experiment));
    if forecast.suffices != Some(false) {
        return;
    }
    let (Some(need), Some(units)) = (&forecast.need, forecast.units) else { return };
    let Some(short) = forecast.metric(&need.limited_by) else { return };
    let at_most = forecast.missing.iter().any(|missing| matches!(missing, Missing::Fewer(_)));
    let message = format!(
        "experiment `{}` needs {} to show {}, and {} {}",
        experiment.key,
        counted(need.units, "unit"),
        shown(short, short.declared),
        if at_most { "at most" } else { "about" },
        if units == 1 { "1 comes".to_owned() } else { format!("{units} come") },
    );
    let pointer = match short.role {
        Role::Success => "/metrics/success",
        Role::Guardrail => "/metrics/guardrails",
    };
    let mut finding = RULE
        .finding(context, message, (Kind::Experiment, &experiment.key, "/schedule"))
        .help(help(context, experiment, &forecast));
    if let Some(reachable) = short.reachable {
        let reachable = match reachable {
            Size::Relative(share) => Size::Relative(rounded_up(share * 100.0) / 100.0),
            Size::Absolute(amount) => Size::Absolute(rounded_up(amount)),
        };
        finding = finding.note(format!("as written it can show {}", shown(short, reachable)));
    }
    let declared = (Kind::Experiment, &experiment.key as &dyn std::fmt::Display, pointer);
    found.push(context.relate(finding, declared, format!("`{}` needs the most units", short.metric)));
}

/// Returns what a metric is to show: `purchases better by 2 %`.
fn shown(need: &MetricNeed, size: Size) -> String {
    let by = match size {
        Size::Relative(share) => format!("{} %", significant(share * 100.0)),
        Size::Absolute(amount) => significant(amount),
    };
    match need.role {
        Role::Success => format!("`{}` better by {by}", need.metric),
        Role::Guardrail => format!("`{}` not worse by {by}", need.metric),
    }
}

/// Returns a number with three significant digits.
fn significant(value: f64) -> String {
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 9")]
    let text = format!("{value:.*}", places as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Returns a share of whole buckets as a file writes it.
fn exact(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Returns the shortest ways out. All of them are in `trialbook power`.
fn help(context: &Inspection<'_>, experiment: &Experiment, forecast: &Forecast) -> String {
    let mut ways = Vec::new();
    for remedy in &forecast.remedies {
        match remedy {
            Remedy::Longer { days, end, past_policy: None } => {
                ways.push(format!(
                    "enrol for {} (`end: {}`)",
                    counted(u64::from(*days), "day"),
                    context.day_by(*end)
                ));
            }
            Remedy::Allocation { share } => {
                ways.push(format!("enrol {} of the audience (`allocation: {0}`)", exact(*share)))
            }
            _ => {}
        }
    }
    ways.push(format!("look for more with `trialbook power {}`", experiment.key));
    ways.join(", or ")
}

//! What changes about a flag, in words.

use super::super::blocks::{Inline, Line};
use super::super::calendar::Calendar;
use super::super::number::{counted, exact_percent, list, percent, shortened};
use super::audience;
use super::difference::{self, value};
use trialbook_delivery::plan::{
    Change, Growth, HeldOut, Movement, OverrideShown, OverrideWho, Ramp, Randomised, RuleChange, Served,
    ServedRule, SplitChange, Stage, Unit,
};
use trialbook_model::{ExperimentKey, Schedule, Share, Split};

/// Describes a change, in as many lines as it needs.
pub fn lines(change: &Change, calendar: &Calendar) -> Vec<Line> {
    match change {
        Change::Rules { from, to, rules, more } => rules_changed((*from, *to), rules, *more),
        Change::Value { variant, differences } => {
            let of = line!["value of ", code(variant)];
            difference::lines(&of, differences)
        }
        Change::Overrides { key, to, .. } => overrides(key, to),
        other => vec![one_line(other, calendar)],
    }
}

/// So many ids of a QA override are named.
const NAMED_UNITS: usize = 3;

/// Describes the overrides of an experiment, one on each line.
fn overrides(experiment: &ExperimentKey, overrides: &[OverrideShown]) -> Vec<Line> {
    if overrides.is_empty() {
        return vec![line!["experiment ", code(experiment), " has no QA override any more"]];
    }
    let line = |shown: &OverrideShown| {
        let mut line = line!["experiment ", code(experiment)];
        match &shown.who {
            OverrideWho::Units(units) => {
                line.push(format!(": QA override: {} ", counted(units.len() as u64, "unit", "units")).into());
                line.push(if units.len() == 1 { "gets ".into() } else { "get ".into() });
                line.push(code(&shown.serve));
                for (index, unit) in units.iter().take(NAMED_UNITS).enumerate() {
                    line.push(if index == 0 { " (".into() } else { ", ".into() });
                    line.push(Inline::code(shortened(unit, 60)));
                }
                let more = units.len().saturating_sub(NAMED_UNITS);
                line.push(if more > 0 { format!(" and {more} more)").into() } else { ")".into() });
            }
            OverrideWho::Segment { key, audience } => {
                line.extend(line![": QA override: segment ", code(key), " gets ", code(&shown.serve)]);
                line.push(format!(" ({})", audience::text(audience)).into());
            }
        }
        line.push("; never analysed".into());
        line
    };
    overrides.iter().map(line).collect()
}

fn one_line(change: &Change, calendar: &Calendar) -> Line {
    match change {
        Change::Created { default, variants } => {
            line![format!("new flag with {variants} variants, "), code(default), " by default"]
        }
        Change::Restored => line!["was removed from the target by hand: it is put back"],
        Change::Archived { default, experiments } => archived(default.as_ref(), experiments),
        Change::Adopted => line!["taken over: its present content is replaced"],
        Change::Reverted => line!["what was changed by hand is put back"],
        Change::Switched { on: true } => line!["switched on"],
        Change::Switched { on: false } => line!["switched off: everybody gets the default"],
        Change::Default { from, to } => line!["default ", code(from), " → ", code(to)],
        Change::VariantAdded { variant, value: added } => {
            line!["variant ", code(variant), " added: ", value(added)]
        }
        Change::VariantRemoved { variant, value: removed } => {
            line!["variant ", code(variant), " removed: it was ", value(removed)]
        }
        Change::PlanReplaced { key, start } => line![
            "experiment ",
            code(key),
            format!(
                " has not started: its plan replaces the recorded one, and is frozen on {}",
                calendar.instant(*start)
            )
        ],
        Change::Holdout { key, from, to } => holdout(key.as_str(), from.as_ref(), to.as_ref(), calendar),
        Change::KeptOut { of, movement } => {
            let (kind, key) = match of {
                Served::Experiment(key) => ("experiment ", code(key)),
                Served::Rollout(key) => ("rollout ", code(key)),
            };
            line![kind, key, format!(" with other units held out: {}", moved(movement))]
        }
        Change::Unit { from, to } => {
            let mut line = line!["unit of randomisation "];
            line.extend(randomised(from));
            line.push(" → ".into());
            line.extend(randomised(to));
            line
        }
        Change::Owner { from, to } => line![format!("owner {from} → {to}")],
        Change::ExperimentAdded { .. }
        | Change::ExperimentRemoved { .. }
        | Change::Window { .. }
        | Change::Audience { .. }
        | Change::Allocation { .. }
        | Change::Ramp { .. } => experiment(change, calendar),
        Change::RolloutAdded { .. }
        | Change::RolloutRemoved { .. }
        | Change::Rollout { .. }
        | Change::RolloutAudience { .. } => rollout(change, calendar),
        // They take several lines.
        Change::Rules { .. } | Change::Value { .. } | Change::Overrides { .. } => Line::new(),
    }
}

fn experiment(change: &Change, calendar: &Calendar) -> Line {
    let of = |key: &trialbook_model::ExperimentKey, rest: String| line!["experiment ", code(key), rest];
    match change {
        Change::ExperimentAdded { key, window, share, grows, everyone } => of(
            key,
            format!(
                " starts {}: {}{}; served until {} at most",
                calendar.instant(window.start()),
                of_audience(*share, *everyone),
                later(grows, calendar),
                calendar.instant(window.end())
            ),
        ),
        Change::ExperimentRemoved { key, stage, movement } => of(
            key,
            match stage {
                Stage::Scheduled => " is no longer planned: it has not started".to_owned(),
                Stage::Served => {
                    format!(" is no longer served: {} of its audience leave it", rounded(movement.leaves))
                }
                Stage::Over => " is no longer served: its time is over".to_owned(),
            },
        ),
        Change::Window { key, from, to } => {
            let window = |schedule: &Schedule| {
                format!("{} … {}", calendar.instant(schedule.start()), calendar.instant(schedule.end()))
            };
            of(key, format!(" served {} → {}", window(from), window(to)))
        }
        Change::Audience { key, audience } => {
            let mut line = of(key, " has another audience: ".into());
            line.extend(audience::changed(&audience.from, &audience.to, &audience.lists));
            line
        }
        Change::Allocation { key, from, to, split, salted, movement } => {
            let mut what = Vec::new();
            if from != to {
                what.push(format!("{} → {}", exact_percent(from.fraction()), exact_percent(to.fraction())));
            }
            what.extend(split.as_ref().map(split_changed));
            if *salted {
                what.push("another salt, which draws all units again".to_owned());
            }
            if what.is_empty() {
                what.push("other buckets".to_owned());
            }
            of(key, format!(" {}: {}", what.join(", "), moved(movement)))
        }
        Change::Ramp { key, from, to, movement } => line![
            "ramp schedule of experiment ",
            code(key),
            format!(" changed: {} → {}: {}", ramp(from, calendar), ramp(to, calendar), moved(movement))
        ],
        _ => Line::new(),
    }
}

fn rollout(change: &Change, calendar: &Calendar) -> Line {
    match change {
        Change::RolloutAdded { key, serve, start, share, grows, everyone } => line![
            "rollout ",
            code(key),
            format!(": {} get ", of_audience(*share, *everyone)),
            code(serve),
            format!(" from {}{}", calendar.instant(*start), later(grows, calendar))
        ],
        Change::RolloutRemoved { key, movement } => line![
            "rollout ",
            code(key),
            format!(" is no longer served: {} of its audience leave it", rounded(movement.leaves))
        ],
        Change::Rollout { key, from, to, serve, movement } => {
            let mut line = line!["rollout ", code(key)];
            if let Some(serve) = serve {
                line.extend(line![" serves ", code(serve)]);
            }
            if from != to {
                line.push(format!(" {} → {}", ramp(from, calendar), ramp(to, calendar)).into());
            } else if serve.is_none() {
                line.push(" in other buckets".into());
            }
            line.push(format!(": {}", moved(movement)).into());
            line
        }
        Change::RolloutAudience { key, audience } => {
            let mut line = line!["rollout ", code(key), " has another audience: "];
            line.extend(audience::changed(&audience.from, &audience.to, &audience.lists));
            line
        }
        _ => Line::new(),
    }
}

fn archived(
    default: Option<&trialbook_model::VariantKey>,
    experiments: &[trialbook_model::ExperimentKey],
) -> Line {
    let mut line = line!["no longer served: programs get the default in their own code"];
    if let Some(default) = default {
        line.extend(line![" instead of ", code(default)]);
    }
    if !experiments.is_empty() {
        let ends = if experiments.len() == 1 { "experiment" } else { "experiments" };
        let keys: Vec<_> = experiments.iter().map(trialbook_model::ExperimentKey::as_str).collect();
        line.push(format!("; ends {ends} {}", list(&keys)).into());
    }
    line
}

fn rules_changed((from, to): (usize, usize), rules: &[RuleChange], more: usize) -> Vec<Line> {
    let heading = match (from, to) {
        (0, to) => counted(to as u64, "rule", "rules"),
        (from, to) if from == to => format!("rules changed ({to})"),
        (from, to) => format!("rules changed ({from} → {to})"),
    };
    let mut lines = vec![line![heading]];
    lines.extend(rules.iter().map(|rule| rule_changed(rule, from == 0)));
    if more > 0 {
        let rules = counted(more as u64, "rule", "rules");
        lines.push(line![format!("and {rules} more: `trialbook plan --format json` has the whole flag")]);
    }
    lines
}

/// Describes what stands in a rule's place before and after.
fn rule_changed(change: &RuleChange, all_new: bool) -> Line {
    let rule = |rule: &ServedRule| -> Line {
        line![format!("{} gets ", audience::text(&rule.when)), code(&rule.serve)]
    };
    let mut line: Line = line![format!("rule {}: ", change.number)];
    match (&change.from, &change.to) {
        (Some(from), Some(to)) if from.serve == to.serve && !change.lists.is_empty() => {
            line.extend(audience::changed(&from.when, &to.when, &change.lists));
            line.extend(line![" gets ", code(&to.serve)]);
        }
        (Some(from), Some(to)) => {
            line.extend(rule(from));
            line.push(" → ".into());
            line.extend(rule(to));
            line.extend(audience::lists(&change.lists));
        }
        (Some(from), None) => {
            line.push("no longer ".into());
            line.extend(rule(from));
        }
        (None, Some(to)) => {
            if !all_new {
                line.push("new: ".into());
            }
            line.extend(rule(to));
        }
        (None, None) => {}
    }
    line
}

fn holdout(key: &str, from: Option<&HeldOut>, to: Option<&HeldOut>, calendar: &Calendar) -> Line {
    let mut line = line!["holdout ", Inline::code(key)];
    let Some(to) = to else {
        line.push(" no longer keeps anybody out".into());
        return line;
    };
    line.push(" keeps ".into());
    line.extend(held_out(to, calendar));
    if let Some(from) = from {
        line.push("; it kept ".into());
        line.extend(held_out(from, calendar));
    }
    line
}

fn held_out(held: &HeldOut, calendar: &Calendar) -> Line {
    let (share, until) = (exact_percent(held.share.fraction()), calendar.instant(held.until));
    let mut line = line![format!("{share} of all units out until {until}")];
    if let Some(serve) = &held.serve {
        line.extend(line![", with ", code(serve)]);
    }
    line
}

fn randomised(randomised: &Randomised) -> Line {
    match &randomised.unit {
        Unit::TargetingKey => line![code(&randomised.entity), " by its targeting key"],
        Unit::Attribute(key) => line![code(&randomised.entity), " by ", code(key)],
    }
}

fn split_changed(change: &SplitChange) -> String {
    let split = |split: &Split| {
        let shares = split.shares().iter();
        let shares = shares.map(|(variant, share)| format!("{} {variant}", exact_percent(share.fraction())));
        shares.collect::<Vec<_>>().join(" and ")
    };
    format!("{} → {}", split(&change.from), split(&change.to))
}

fn ramp(ramp: &Ramp, calendar: &Calendar) -> String {
    let first = exact_percent(ramp.share.fraction());
    format!("{first} from {}{}", calendar.instant(ramp.start), later(&ramp.grows, calendar))
}

/// Names the steps that come later: `, 10 % from 2026-11-27`.
fn later(grows: &[Growth], calendar: &Calendar) -> String {
    let step = |growth: &Growth| {
        format!(", {} from {}", exact_percent(growth.share.fraction()), calendar.instant(growth.at))
    };
    grows.iter().map(step).collect()
}

fn of_audience(share: Share, everyone: bool) -> String {
    let of = if everyone { "everybody" } else { "its audience" };
    format!("{} of {of}", exact_percent(share.fraction()))
}

/// Describes who moves by a draw of its own: shares of its audience.
fn moved(movement: &Movement) -> String {
    let parts =
        [(movement.enters, "enter"), (movement.leaves, "leave"), (movement.switches, "get another variant")];
    let parts = parts.into_iter().filter(|(share, _)| *share > 0.0);
    let parts: Vec<_> = parts.map(|(share, what)| format!("{} {what}", rounded(share))).collect();
    if parts.is_empty() {
        return "nobody moves".to_owned();
    }
    let else_nobody = if movement.disturbs() { "" } else { "; nobody else moves" };
    format!("of its audience, {}{else_nobody}", parts.join(", "))
}

/// Writes a share with one decimal; one that would be zero is called small.
pub(super) fn rounded(share: f64) -> String {
    if share < 0.000_5 { format!("less than {}", percent(0.001, 1)) } else { percent(share, 1) }
}

pub(super) fn code(key: &impl std::fmt::Display) -> Inline {
    Inline::code(key.to_string())
}

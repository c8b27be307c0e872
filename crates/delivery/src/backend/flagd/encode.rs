//! From what should be served to flagd's JSON.

use serde_json::{Map, Value, json};

use super::{draw, logic, metadata};
use crate::plan::{
    Branch, Condition, Enrolment, Exception, ExperimentBranch, FlagState, HoldoutBranch, OverrideBranch,
    OverrideUnits, RolloutBranch, Serving,
};

/// Why flagd cannot serve a flag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inexpressible(
    /// The reason, as a fragment.
    pub String,
);

/// The JavaScript core compiles a flag into one expression; its parser gives up somewhere above 1,500 branches
/// (`@openfeature/flagd-core` 4.0.1 under Node.js 20, tried in November 2026).
const MOST_BRANCHES: usize = 1_000;

/// Readers give up on deep nesting: serde_json at 128 levels, Python's `json` at some hundred.
const DEEPEST: usize = 100;

/// Returns the flag as flagd's evaluators read it. The same state gives the same JSON, member for member.
///
/// A flag that is switched off stays `ENABLED` and has no targeting: flagd would answer `DISABLED` with whatever
/// default the application's code names, and a book promises the flag's own default.
pub fn encode(state: &FlagState) -> Result<Value, Inexpressible> {
    let mut variants = Map::new();
    for (name, value) in &state.entries {
        let mut value = value.clone();
        value.sort_all_objects();
        variants.insert(name.to_string(), value);
    }
    let mut flag = Map::new();
    flag.insert("state".into(), json!("ENABLED"));
    flag.insert("variants".into(), variants.into());
    flag.insert("defaultVariant".into(), json!(state.default.as_str()));
    if let Some(targeting) = targeting(state)? {
        flag.insert("targeting".into(), targeting);
    }
    flag.insert("metadata".into(), metadata::encode(state).into());
    let mut flag = Value::Object(flag);
    if depth(&flag) > DEEPEST {
        return Err(Inexpressible("its audiences or values are nested too deeply".into()));
    }
    metadata::seal(&mut flag);
    Ok(flag)
}

/// One flat `if`: pairs of condition and result, and no `else`, so that an evaluator reports the default as such.
fn targeting(state: &FlagState) -> Result<Option<Value>, Inexpressible> {
    let Serving::Enabled(branches) = &state.serving else { return Ok(None) };
    let branchings = branches.iter().map(branchings).sum::<usize>();
    if branchings > MOST_BRANCHES {
        let problem = format!(
            "its rules, experiments, rollouts and holdouts branch {branchings} times, and the limit is {MOST_BRANCHES}"
        );
        return Err(Inexpressible(problem));
    }
    let unit = draw::unit(&state.unit);
    let mut steps = Vec::with_capacity(branches.len() * 2);
    for branch in branches {
        steps.extend(match branch {
            Branch::Override(forced) => override_of(forced, &unit)?,
            Branch::Rule { when, serve } => [condition(when)?, json!(serve.as_str())],
            Branch::Experiment(experiment) => arms(experiment, &unit)?,
            Branch::Rollout(rollout) => release(rollout, &unit)?,
            Branch::Holdout(holdout) => former_default(holdout, &unit),
        });
    }
    Ok((!steps.is_empty()).then(|| json!({"if": steps})))
}

/// How often an evaluator branches: once for itself, for each step that comes later, and for each holdout.
fn branchings(branch: &Branch) -> usize {
    let more = |enrolment: &Enrolment, except: &[Exception]| enrolment.grows().len() + except.len();
    1 + match branch {
        Branch::Override(_) | Branch::Rule { .. } | Branch::Holdout(_) => 0,
        Branch::Experiment(experiment) => more(&experiment.enrolment, &experiment.except),
        Branch::Rollout(rollout) => more(&rollout.enrolment, &rollout.except),
    }
}

fn condition(condition: &Condition) -> Result<Value, Inexpressible> {
    logic::condition(condition).map_err(Inexpressible)
}

/// The words that name whose override it is, and of whom: of units, or of a segment by its key.
pub(super) const OVERRIDE: &str = "override";
pub(super) const OF_UNITS: &str = "units";
pub(super) const OF_SEGMENT: &str = "segment";

/// A text that is not empty always holds: it names whose override this is.
fn override_of(forced: &OverrideBranch, unit: &Value) -> Result<[Value; 2], Inexpressible> {
    let (of, who) = match &forced.who {
        // Only a string equals one, so the id needs no guard.
        OverrideUnits::Units(units) => (OF_UNITS.to_owned(), json!({"in": [unit, units]})),
        OverrideUnits::Segment { key, audience } => (format!("{OF_SEGMENT} {key}"), condition(audience)?),
    };
    let conditions = json!([
        {"<": [draw::now(), forced.until.as_second()]},
        {"!!": [format!("{OVERRIDE} {} {of}", forced.experiment)]},
        who,
    ]);
    Ok([json!({"and": conditions}), json!(forced.serve.as_str())])
}

/// The cheapest test first: the time, then who, then the hashes.
fn arms(experiment: &ExperimentBranch, unit: &Value) -> Result<[Value; 2], Inexpressible> {
    let mut conditions = vec![
        json!({">=": [draw::now(), experiment.window.start().as_second()]}),
        json!({"<": [draw::now(), experiment.window.end().as_second()]}),
        condition(&experiment.audience)?,
    ];
    conditions.extend(draw::has_unit(unit));
    conditions.extend(experiment.except.iter().map(|exception| draw::not_held(exception, unit)));
    conditions.push(draw::enrolled(&experiment.enrolment, unit));
    let arm = draw::arm(&experiment.key, &experiment.salt, &experiment.split, unit);
    Ok([json!({"and": conditions}), arm])
}

fn release(rollout: &RolloutBranch, unit: &Value) -> Result<[Value; 2], Inexpressible> {
    let mut conditions =
        vec![json!({">=": [draw::now(), rollout.start.as_second()]}), condition(&rollout.audience)?];
    conditions.extend(draw::has_unit(unit));
    conditions.extend(rollout.except.iter().map(|exception| draw::not_held(exception, unit)));
    conditions.push(draw::reached(rollout.key.as_str(), &rollout.enrolment, unit));
    Ok([json!({"and": conditions}), json!(rollout.serve.as_str())])
}

fn former_default(holdout: &HoldoutBranch, unit: &Value) -> [Value; 2] {
    let mut conditions = vec![
        json!({">=": [draw::now(), holdout.window.start().as_second()]}),
        json!({"<": [draw::now(), holdout.window.end().as_second()]}),
    ];
    conditions.extend(draw::has_unit(unit));
    conditions.push(draw::held(holdout.key.as_str(), &holdout.units, unit));
    [json!({"and": conditions}), json!(holdout.serve.as_str())]
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// The width that [`pretty`] keeps to where it can.
const WIDTH: usize = 100;

/// Returns JSON for people: what fits on a line stands on one, so that a diff shows the operator that changed.
pub(in crate::backend) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, indent: usize, out: &mut String) {
    let mut line = String::new();
    if compact(value, WIDTH.saturating_sub(indent), &mut line) {
        out.push_str(&line);
        return;
    }
    let step = indent + 2;
    let new_line = |out: &mut String, first: bool, indent: usize| {
        out.push_str(if first { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n(' ', indent));
    };
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                new_line(out, i == 0, step);
                write(item, step, out);
            }
            new_line(out, true, indent);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                new_line(out, i == 0, step);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write(member, step, out);
            }
            new_line(out, true, indent);
            out.push('}');
        }
        // Too long for a line, and nothing to break.
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Writes the value on one line; false, with something half-written, where that takes more than the width.
fn compact(value: &Value, width: usize, out: &mut String) -> bool {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                if !compact(item, width, out) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                if !compact(member, width, out) {
                    return false;
                }
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    out.len() <= width
}

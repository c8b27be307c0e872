//! The strategies of a flag, in the order in which clients try them: the first that takes a unit decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::constraint::{self, Conjunction};
use super::limits::Limits;
use crate::plan::{Branch, Condition, FlagState, OverrideBranch, OverrideUnits, Unit};
use trialbook_model::{ExperimentKey, ServedName, Share, Split, VariantKey};

/// What those are served whom a strategy takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome<'a> {
    /// The default.
    Default,
    /// A plain variant.
    Plain(&'a VariantKey),
    /// An arm of an experiment, by a draw.
    Arms(&'a ExperimentKey, &'a Split),
}

/// Whom a strategy takes: everything that is there must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Who<'a> {
    /// From when on.
    pub(super) from: Option<Timestamp>,
    /// Until when.
    pub(super) until: Option<Timestamp>,
    /// Who.
    pub(super) audience: Option<&'a Condition>,
    /// A group, and how many percent of its draw from the beginning.
    pub(super) draw: Option<(String, u32)>,
}

/// The strategies of a flag while they are made.
pub(super) struct Strategies<'a> {
    state: &'a FlagState,
    limits: Limits,
    made: Vec<Value>,
}

/// Where a client's context has the unit's id.
pub(super) const USER: &str = "userId";

/// Returns the strategies that serve a flag; the last one serves the default to everybody.
///
/// # Errors
///
/// Where Unleash cannot serve the flag, as a fragment.
pub(super) fn strategies(state: &FlagState, limits: Limits) -> Result<Vec<Value>, String> {
    let mut strategies = Strategies { state, limits, made: Vec::new() };
    let branches = state.branches();
    let claims = branches
        .iter()
        .position(|branch| matches!(branch, Branch::Experiment(_) | Branch::Rollout(_) | Branch::Holdout(_)));
    let (first, claims) = branches.split_at(claims.unwrap_or(branches.len()));
    for branch in first {
        match branch {
            Branch::Override(forced) => strategies.forced(forced)?,
            Branch::Rule { when, serve } => {
                let who = Who { audience: Some(when), ..Who::default() };
                strategies.push("rule", &who, Outcome::Plain(serve))?;
            }
            Branch::Experiment(_) | Branch::Rollout(_) | Branch::Holdout(_) => {}
        }
    }
    if claims.iter().any(|branch| matches!(branch, Branch::Override(_) | Branch::Rule { .. })) {
        return Err("a rule of it comes after what is drawn".into());
    }
    super::draw::claims(claims, &mut strategies)?;
    strategies.push("default", &Who::default(), Outcome::Default)?;
    let made = strategies.made;
    // One more holds what applies write down.
    if made.len() >= limits.strategies {
        return Err(format!(
            "it takes {} strategies, and this server allows {} in an environment, of which one is for the records of \
             applies; fewer alternatives in its audiences, or fewer steps, take fewer",
            made.len(),
            limits.strategies
        ));
    }
    Ok(made)
}

impl<'a> Strategies<'a> {
    /// Adds strategies, one for each alternative of the audience.
    pub(super) fn push(&mut self, title: &str, who: &Who<'a>, outcome: Outcome<'a>) -> Result<(), String> {
        let everybody = vec![Conjunction::new()];
        let alternatives = match who.audience {
            Some(audience) => constraint::alternatives(audience, self.limits.values)?,
            None => everybody,
        };
        let times = who.from.map(constraint::from).into_iter().chain(who.until.map(constraint::before));
        let times: Vec<Value> = times.collect();
        for alternative in alternatives {
            let constraints = [times.as_slice(), &alternative].concat();
            self.add(title, constraints, who.draw.as_ref(), outcome)?;
        }
        Ok(())
    }

    fn forced(&mut self, forced: &'a OverrideBranch) -> Result<(), String> {
        let title = format!("override {}", forced.experiment);
        let outcome = Outcome::Plain(&forced.serve);
        match &forced.who {
            OverrideUnits::Segment { audience, .. } => {
                let who = Who { until: Some(forced.until), audience: Some(audience), ..Who::default() };
                self.push(&title, &who, outcome)
            }
            OverrideUnits::Units(units) => {
                let field = self.unit()?.to_owned();
                let texts = units.iter().map(String::as_str);
                for among in constraint::among(&field, texts, self.limits.values)? {
                    let constraints = vec![constraint::before(forced.until), among];
                    self.add(&title, constraints, None, outcome)?;
                }
                Ok(())
            }
        }
    }

    fn unit(&self) -> Result<&'a str, String> {
        match &self.state.unit {
            Unit::TargetingKey => Ok(USER),
            Unit::Attribute(key) => constraint::field(key),
        }
    }

    fn add(
        &mut self,
        title: &str,
        constraints: Vec<Value>,
        draw: Option<&(String, u32)>,
        outcome: Outcome<'a>,
    ) -> Result<(), String> {
        if constraints.len() > self.limits.constraints {
            return Err(format!(
                "an audience of it has {} conditions that must all hold, and this server allows {} constraints",
                constraints.len(),
                self.limits.constraints
            ));
        }
        let mut parameters = Map::new();
        let name = match draw {
            Some((group, percent)) => {
                parameters.insert("groupId".into(), json!(group));
                parameters.insert("rollout".into(), json!(percent.to_string()));
                parameters.insert("stickiness".into(), json!(self.unit()?));
                "flexibleRollout"
            }
            None => "default",
        };
        self.made.push(json!({
            "name": name, "title": title, "disabled": false, "parameters": parameters, "constraints": constraints,
            "variants": self.variants(outcome)?, "segments": [],
        }));
        Ok(())
    }

    fn variants(&self, outcome: Outcome<'a>) -> Result<Vec<Value>, String> {
        let plain = |key: &VariantKey| {
            let variant = self.variant(&ServedName::Plain(key.clone()), 1_000, "variable", "random")?;
            Ok(vec![variant])
        };
        match outcome {
            Outcome::Default => plain(&self.state.default),
            Outcome::Plain(key) => plain(key),
            Outcome::Arms(experiment, split) => {
                let unit = self.unit()?;
                let shares = thousandths(experiment, split)?;
                let last = shares.len().saturating_sub(1);
                // The server wants one weight to be what the others leave.
                let arm = |(at, (key, weight)): (usize, (&VariantKey, u32))| {
                    let name = ServedName::Arm(experiment.clone(), key.clone());
                    let kind = if at == last { "variable" } else { "fix" };
                    self.variant(&name, weight, kind, unit)
                };
                shares.into_iter().enumerate().map(arm).collect()
            }
        }
    }

    fn variant(&self, name: &ServedName, weight: u32, kind: &str, stickiness: &str) -> Result<Value, String> {
        let value = self.state.entries.get(name).ok_or_else(|| format!("it has no value for `{name}`"))?;
        let (kind_of_value, text) = match value {
            Value::String(text) if text.is_empty() => {
                return Err(format!("`{name}` is the empty text, which Unleash does not serve"));
            }
            Value::String(text) => ("string", text.clone()),
            Value::Number(number) => ("number", number.to_string()),
            Value::Object(_) | Value::Array(_) => ("json", value.to_string()),
            Value::Bool(_) | Value::Null => ("string", value.to_string()),
        };
        let name = name.to_string();
        named(&name)?;
        Ok(json!({
            "name": name, "weight": weight, "weightType": kind, "stickiness": stickiness,
            "payload": {"type": kind_of_value, "value": text},
        }))
    }
}

/// The longest name that the server takes.
const LONGEST_NAME: usize = 100;

/// Refuses a name that the server would refuse: it takes what needs no encoding in an address.
pub(super) fn named(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b);
    if name.bytes().all(plain) && name.len() <= LONGEST_NAME && !matches!(name, "" | "." | "..") {
        return Ok(());
    }
    Err(format!(
        "`{name}` is no name in Unleash: it takes letters, digits and `-_.!~*'()`, at most {LONGEST_NAME} of them"
    ))
}

/// Returns the shares as weights out of 1,000.
fn thousandths<'a>(
    experiment: &ExperimentKey,
    split: &'a Split,
) -> Result<Vec<(&'a VariantKey, u32)>, String> {
    const PART: u32 = 1_000;
    let shares = split.shares();
    if shares.iter().all(|(_, share)| share.ppm() % PART == 0) {
        return Ok(shares.iter().map(|(key, share)| (key, share.ppm() / PART)).collect());
    }
    // The nearest split rounds down, and gives what is left to those that lost most.
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|at| shares.get(*at).map(|(_, share)| std::cmp::Reverse(share.ppm() % PART)));
    let left: u32 = shares.iter().map(|(_, share)| share.ppm() % PART).sum::<u32>() / PART;
    let more: BTreeMap<usize, u32> = order.into_iter().zip(0..left).collect();
    let nearest = shares.iter().enumerate().map(|(at, (key, share))| {
        let parts = share.ppm() / PART + u32::from(more.contains_key(&at));
        let share = Share::from_ppm(parts * PART).unwrap_or(Share::NONE);
        format!("`{key}: {share}`")
    });
    Err(format!(
        "the split of experiment `{experiment}` is finer than a tenth of a percent, which is what Unleash divides by; the \
         nearest is {}",
        nearest.collect::<Vec<_>>().join(", ")
    ))
}

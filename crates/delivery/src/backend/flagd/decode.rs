//! From flagd's JSON back to what is served.
//!
//! A flag is read by guessing what [`super::encode`] was given and encoding that again: only a guess that gives
//! the same JSON is believed. So a form that this program does not write is never half-understood.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{draw, encode, logic, metadata};
use crate::plan::{
    Branch, Condition, DriftReason, Exception, ExperimentBranch, FlagState, HoldoutBranch, OverrideBranch,
    OverrideUnits, RolloutBranch, Serving,
};
use trialbook_model::allocation::Purpose;
use trialbook_model::{
    AttributeKey, AttributeType, Bound, ExperimentKey, Number, Scalar, Schedule, SegmentKey, ServedName,
    Test, VariantKey, Version,
};

/// A flag of a book that is not as an apply left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unread {
    /// What gave it away.
    pub reason: DriftReason,
    /// Its content, where that can be read.
    pub state: Option<Box<FlagState>>,
}

/// Reads a flag that [`super::encode`] wrote.
///
/// # Errors
///
/// [`Unread`] where it was changed since, or has a form that this version does not write.
pub fn decode(flag: &Value) -> Result<FlagState, Unread> {
    let state = state(flag).filter(|state| encodes_to(state, flag));
    match (metadata::is_sealed(flag), state) {
        (true, Some(state)) => Ok(state),
        (false, state) => Err(Unread { reason: DriftReason::ChangedByHand, state: state.map(Box::new) }),
        (true, None) => Err(Unread { reason: DriftReason::OtherVersion, state: None }),
    }
}

/// Tells whether the state is the flag's content, whatever its seal claims.
fn encodes_to(state: &FlagState, flag: &Value) -> bool {
    let mut flag = flag.clone();
    metadata::seal(&mut flag);
    let plain = metadata::with_plain_values;
    encode(state).is_ok_and(|again| plain(&again) == plain(&flag))
}

fn state(flag: &Value) -> Option<FlagState> {
    let about = metadata::decode(flag)?;
    let branches: Vec<Branch> = match flag.get("targeting") {
        None => Vec::new(),
        Some(targeting) => {
            let steps = targeting.get("if")?.as_array()?;
            steps.chunks(2).map(branch).collect::<Option<_>>()?
        }
    };
    let served = |key: &ExperimentKey| {
        branches
            .iter()
            .any(|branch| matches!(branch, Branch::Experiment(experiment) if experiment.key == *key))
    };
    let mut entries = BTreeMap::new();
    for (name, value) in flag.get("variants")?.as_object()? {
        entries.insert(ServedName::try_from(name.clone()).ok()?.among(served), value.clone());
    }
    Some(FlagState {
        book: about.book,
        owner: about.owner,
        entity: about.entity,
        unit: about.unit,
        entries,
        default: VariantKey::new(flag.get("defaultVariant")?.as_str()?).ok()?,
        serving: if about.enabled { Serving::Enabled(branches) } else { Serving::Disabled },
        launches: about.launches,
        approvals: about.approvals,
    })
}

fn branch(step: &[Value]) -> Option<Branch> {
    let [when, result] = step else { return None };
    let timed = timed(when);
    let Some(variant) = result.as_str() else { return experiment(timed?, result) };
    let serve = VariantKey::new(variant).ok()?;
    if let Some(forced) = override_of(when, &serve) {
        return Some(Branch::Override(forced));
    }
    let Some(conditions) = timed else { return Some(Branch::Rule { when: condition(when)?, serve }) };
    let drawn = draw::draw(conditions.last()?)?;
    let (start, key) = (instant(conditions.first()?, ">=")?, drawn.of?);
    if drawn.purpose == Purpose::Holdout {
        let window = Schedule::new(start, instant(conditions.get(1)?, "<")?).ok()?;
        let units = drawn.enrolment;
        return Some(Branch::Holdout(HoldoutBranch { key: key.parse().ok()?, window, units, serve }));
    }
    Some(Branch::Rollout(RolloutBranch {
        key: key.parse().ok()?,
        start,
        audience: condition(conditions.get(1)?)?,
        enrolment: drawn.enrolment,
        except: exceptions(conditions.get(4..)?)?,
        serve,
    }))
}

/// Reads an override: it begins with its end, which no other branch does.
fn override_of(when: &Value, serve: &VariantKey) -> Option<OverrideBranch> {
    let [until, says, who] = when.get("and")?.as_array()?.as_slice() else { return None };
    let until = instant(until, "<")?;
    let mut words = says.get("!!")?.get(0)?.as_str()?.split(' ');
    words.next().filter(|word| *word == encode::OVERRIDE)?;
    let experiment = ExperimentKey::new(words.next()?).ok()?;
    let who = match (words.next()?, words.next()) {
        (encode::OF_UNITS, None) => {
            let units = who.get("in")?.get(1)?.as_array()?.iter();
            OverrideUnits::Units(units.map(|unit| unit.as_str().map(str::to_owned)).collect::<Option<_>>()?)
        }
        (encode::OF_SEGMENT, Some(key)) => {
            OverrideUnits::Segment { key: SegmentKey::new(key).ok()?, audience: condition(who)? }
        }
        _ => return None,
    };
    Some(OverrideBranch { experiment, until, who, serve: serve.clone() })
}

fn experiment(conditions: &[Value], arm: &Value) -> Option<Branch> {
    let (key, salt, split) = draw::split(arm)?;
    let window = Schedule::new(instant(conditions.first()?, ">=")?, instant(conditions.get(1)?, "<")?);
    Some(Branch::Experiment(ExperimentBranch {
        key,
        window: window.ok()?,
        audience: condition(conditions.get(2)?)?,
        enrolment: draw::draw(conditions.last()?)?.enrolment,
        except: exceptions(conditions.get(5..)?)?,
        salt,
        split,
    }))
}

/// Returns the conditions of a branch that begins with a time; no rule does, because no attribute has a `$` in its name.
fn timed(when: &Value) -> Option<&[Value]> {
    let conditions = when.get("and")?.as_array()?;
    instant(conditions.first()?, ">=").map(|_| conditions.as_slice())
}

fn instant(value: &Value, operator: &str) -> Option<jiff::Timestamp> {
    let sides = value.get(operator)?;
    let second = sides.get(1)?.as_i64().filter(|_| sides.get(0) == Some(&draw::now()))?;
    jiff::Timestamp::from_second(second).ok()
}

/// What stands between the tests of the unit and the draw.
fn exceptions(conditions: &[Value]) -> Option<Vec<Exception>> {
    let (_, exceptions) = conditions.split_last()?;
    exceptions.iter().map(draw::exception).collect()
}

/// Reads a condition. Depth is bounded by the JSON reader.
fn condition(value: &Value) -> Option<Condition> {
    if let Some(test) = attribute(value) {
        return Some(test);
    }
    let each = |parts: &Value| parts.as_array()?.iter().map(condition).collect::<Option<Vec<_>>>();
    match value {
        Value::Bool(true) => Some(Condition::All(Vec::new())),
        Value::Bool(false) => Some(Condition::Any(Vec::new())),
        Value::Object(members) => match members.iter().next() {
            Some((operator, parts)) if operator == "and" => Some(Condition::All(each(parts)?)),
            Some((operator, parts)) if operator == "or" => Some(Condition::Any(each(parts)?)),
            Some((operator, parts)) if operator == "!" => {
                Some(Condition::Not(Box::new(condition(parts.get(0)?)?)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Reads a test of one attribute: whichever guess encodes to this very value.
fn attribute(value: &Value) -> Option<Condition> {
    let key = AttributeKey::new(first_variable(value)?).ok()?;
    let tests = guesses(value).into_iter();
    let mut conditions = tests.map(|(kind, test)| Condition::Attribute(key.clone(), kind, test));
    conditions.find(|condition| logic::condition(condition).as_ref() == Ok(value))
}

/// The first variable in reading order is the attribute: what hides computed versions comes later.
fn first_variable(value: &Value) -> Option<&str> {
    match value {
        Value::Array(items) => items.iter().find_map(first_variable),
        Value::Object(members) => match members.get("var") {
            Some(name) => name.as_str(),
            None => members.values().find_map(first_variable),
        },
        _ => None,
    }
}

fn guesses(value: &Value) -> Vec<(AttributeType, Test)> {
    use AttributeType as Type;
    let mut guesses: Vec<_> =
        [Type::String, Type::Number, Type::Boolean, Type::Version, Type::LenientVersion]
            .into_iter()
            .map(|kind| (kind, Test::Present(true)))
            .collect();
    // The comparison itself stands alone, or last behind its guards.
    let Some((operator, [left, right, rest @ ..])) = comparison(value) else { return guesses };
    match (operator, left, right, rest) {
        ("starts_with", _, Value::String(text), []) => {
            guesses.push((Type::String, Test::StartsWith(text.clone())))
        }
        ("ends_with", _, Value::String(text), []) => {
            guesses.push((Type::String, Test::EndsWith(text.clone())))
        }
        ("in", Value::String(text), _, []) => guesses.push((Type::String, Test::Contains(text.clone()))),
        ("===", _, literal, []) => guesses.extend(one_of(std::slice::from_ref(literal))),
        ("in", _, Value::Array(literals), []) => guesses.extend(one_of(literals)),
        ("sem_ver", _, Value::String(operator), [Value::String(literal)]) => {
            let strict = Version::parse(literal).ok().map(|version| (Type::Version, version));
            let lenient = logic::from_order(literal).map(|version| (Type::LenientVersion, version));
            for (kind, version) in strict.into_iter().chain(lenient) {
                let equal = Test::In(BTreeSet::from([Scalar::Version(version.clone())]));
                let test =
                    if operator == "=" { Some(equal) } else { ordered(operator, Bound::Version(version)) };
                guesses.extend(test.map(|test| (kind, test)));
            }
        }
        (operator, _, literal, []) => {
            let bound = literal.as_f64().and_then(Number::new).map(Bound::Number);
            guesses.extend(bound.and_then(|bound| ordered(operator, bound)).map(|test| (Type::Number, test)));
        }
        _ => {}
    }
    if let Some(boolean) = value.get("and").and_then(|parts| parts.get(0)).and_then(|first| first.get("==="))
    {
        guesses.extend(boolean.get(1).into_iter().flat_map(|literal| one_of(std::slice::from_ref(literal))));
    }
    guesses
}

/// Returns an operator and its arguments, or those of the last part of an `and`.
fn comparison(value: &Value) -> Option<(&str, &[Value])> {
    let (operator, arguments) = value.as_object()?.iter().next()?;
    let arguments = arguments.as_array()?;
    if operator == "and" {
        let (operator, arguments) = arguments.last()?.as_object()?.iter().next()?;
        return Some((operator, arguments.as_array()?));
    }
    Some((operator, arguments))
}

fn ordered(operator: &str, bound: Bound) -> Option<Test> {
    match operator {
        ">=" => Some(Test::AtLeast(bound)),
        ">" => Some(Test::Above(bound)),
        "<=" => Some(Test::AtMost(bound)),
        "<" => Some(Test::Below(bound)),
        _ => None,
    }
}

fn one_of(literals: &[Value]) -> Option<(AttributeType, Test)> {
    let scalar = |literal: &Value| match literal {
        Value::String(text) => Some(Scalar::String(text.clone())),
        Value::Bool(value) => Some(Scalar::Boolean(*value)),
        Value::Number(value) => Some(Scalar::Number(Number::try_from(value.as_f64()?).ok()?)),
        _ => None,
    };
    let values = literals.iter().map(scalar).collect::<Option<BTreeSet<_>>>()?;
    let kind = match values.first()? {
        Scalar::String(_) => AttributeType::String,
        Scalar::Number(_) => AttributeType::Number,
        Scalar::Boolean(_) => AttributeType::Boolean,
        Scalar::Version(_) => AttributeType::Version,
    };
    Some((kind, Test::In(values)))
}

//! Draws: flagd's `fractional` over `PURPOSE/SALT/UNIT`, with an explicit key.

use serde_json::{Value, json};

use super::logic::{string, var};
use crate::plan::{Enrolment, EnrolmentStep, Exception, Unit};
use trialbook_model::allocation::Purpose;
use trialbook_model::{BUCKETS, BucketRange, ExperimentKey, Salt, ServedName, Share, Split};

/// The words of a draw that decides who is enrolled. That of a rollout or a holdout also names which one: `in new-search`.
const IN: &str = "in";
const OUT: &str = "out";

/// Returns the variable that holds the unit's id.
pub(super) fn unit(unit: &Unit) -> Value {
    match unit {
        Unit::TargetingKey => var("targetingKey"),
        Unit::Attribute(key) => var(key.as_str()),
    }
}

/// Returns the time in whole seconds.
pub(super) fn now() -> Value {
    var("$flagd.timestamp")
}

/// Returns the conditions without which there is no draw: the id is a text, and not empty.
///
/// Without them an evaluator would draw for the text of whatever is there, `null` included.
pub(super) fn has_unit(unit: &Value) -> [Value; 2] {
    [string(unit), json!({"!==": [unit, ""]})]
}

fn key(purpose: Purpose, salt: &Salt, unit: &Value) -> Value {
    json!({"cat": [format!("{purpose}/{salt}/"), unit]})
}

/// A draw that decides who is enrolled, and in what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) purpose: Purpose,
    /// The key of the rollout or the holdout; nothing for an experiment.
    pub(super) of: Option<String>,
    pub(super) enrolment: Enrolment,
}

/// Returns the condition that the unit's bucket is one of the experiment's.
pub(super) fn enrolled(enrolment: &Enrolment, unit: &Value) -> Value {
    drawn(Purpose::Layer, IN, enrolment, unit)
}

/// Returns the condition that a rollout has come to the unit.
pub(super) fn reached(rollout: &str, enrolment: &Enrolment, unit: &Value) -> Value {
    drawn(Purpose::Rollout, &format!("{IN} {rollout}"), enrolment, unit)
}

/// Returns the condition that a holdout has the unit.
pub(super) fn held(holdout: &str, units: &Enrolment, unit: &Value) -> Value {
    drawn(Purpose::Holdout, &format!("{IN} {holdout}"), units, unit)
}

/// Returns the condition that a holdout does not have the unit, or has ended.
pub(super) fn not_held(exception: &Exception, unit: &Value) -> Value {
    let lasts = json!({"<": [now(), exception.until.as_second()]});
    json!({"!": [{"and": [lasts, held(exception.holdout.as_str(), &exception.units, unit)]}]})
}

/// The buckets from the beginning, or those of a step whose time has come.
fn drawn(purpose: Purpose, word: &str, enrolment: &Enrolment, unit: &Value) -> Value {
    let key = key(purpose, enrolment.salt(), unit);
    let first = among(&key, word, enrolment.buckets());
    if enrolment.grows().is_empty() {
        return first;
    }
    let steps = enrolment
        .grows()
        .iter()
        .map(|step| json!({"and": [{">=": [now(), step.at.as_second()]}, among(&key, word, &step.buckets)]}));
    let any: Vec<_> = [first].into_iter().chain(steps).collect();
    json!({"or": any})
}

fn among(key: &Value, word: &str, buckets: &[BucketRange]) -> Value {
    let mut parts = vec![key.clone()];
    let mut next = 0;
    for range in buckets {
        if range.first() > next {
            parts.push(json!([OUT, range.first() - next]));
        }
        parts.push(json!([word, range.count()]));
        next = range.last() + 1;
    }
    // flagd's schema wants two parts at least, so a full enrolment keeps an empty rest.
    if next < BUCKETS || parts.len() == 2 {
        parts.push(json!([OUT, BUCKETS - next]));
    }
    json!({"===": [{"fractional": parts}, word]})
}

/// Reads what [`enrolled`], [`reached`] or [`held`] wrote; the caller compares by encoding again.
pub(super) fn draw(value: &Value) -> Option<Drawn> {
    let Some(parts) = value.get("or") else { return one(value) };
    let (first, later) = parts.as_array()?.split_first()?;
    let mut drawn = one(first)?;
    let step = |part: &Value| {
        let conditions = part.get("and")?;
        let second = conditions.get(0)?.get(">=")?.get(1)?.as_i64()?;
        let at = jiff::Timestamp::from_second(second).ok()?;
        Some(EnrolmentStep { at, buckets: one(conditions.get(1)?)?.enrolment.buckets().to_vec() })
    };
    let steps = later.iter().map(step).collect::<Option<Vec<_>>>()?;
    drawn.enrolment = drawn.enrolment.growing(steps)?;
    Some(drawn)
}

fn one(value: &Value) -> Option<Drawn> {
    let sides = value.get("===")?;
    let word = sides.get(1)?.as_str()?;
    let parts = sides.get(0)?.get("fractional")?.as_array()?;
    let mut next = 0u32;
    let mut buckets = Vec::new();
    for part in parts.get(1..)? {
        let count = u32::try_from(part.get(1)?.as_u64()?).ok()?;
        let end = next.checked_add(count)?;
        if part.get(0)?.as_str()? == word {
            buckets.push(BucketRange::new(next, end.checked_sub(1)?)?);
        }
        next = end;
    }
    let (purpose, salt) = purpose_and_salt(parts.first()?)?;
    let of = word.strip_prefix(IN)?.strip_prefix(' ').map(str::to_owned);
    Some(Drawn { purpose, of, enrolment: Enrolment::new(salt, buckets)? })
}

/// Reads what [`not_held`] wrote; the caller compares by encoding again.
pub(super) fn exception(value: &Value) -> Option<Exception> {
    let conditions = value.get("!")?.get(0)?.get("and")?;
    let second = conditions.get(0)?.get("<")?.get(1)?.as_i64()?;
    let drawn = draw(conditions.get(1)?)?;
    Some(Exception {
        holdout: drawn.of?.parse().ok()?,
        until: jiff::Timestamp::from_second(second).ok()?,
        units: drawn.enrolment,
    })
}

/// Returns the draw of an arm: the weights are parts per million, in byte order of the variants.
pub(super) fn arm(experiment: &ExperimentKey, salt: &Salt, split: &Split, unit: &Value) -> Value {
    let weight = |(variant, share): &(trialbook_model::VariantKey, Share)| {
        json!([ServedName::Arm(experiment.clone(), variant.clone()).to_string(), share.ppm()])
    };
    let parts = [key(Purpose::Variant, salt, unit)].into_iter().chain(split.shares().iter().map(weight));
    json!({"fractional": parts.collect::<Vec<_>>()})
}

/// Reads what [`arm`] wrote; the caller compares by encoding again.
pub(super) fn split(value: &Value) -> Option<(ExperimentKey, Salt, Split)> {
    let parts = value.get("fractional")?.as_array()?;
    let mut experiment = None;
    let mut shares = Vec::new();
    for part in parts.get(1..)? {
        let name = ServedName::try_from(part.get(0)?.as_str()?.to_owned()).ok()?;
        experiment.get_or_insert(name.experiment()?.clone());
        let share = Share::from_ppm(u32::try_from(part.get(1)?.as_u64()?).ok()?)?;
        shares.push((name.variant().clone(), share));
    }
    Some((experiment?, purpose_and_salt(parts.first()?)?.1, Split::new(shares).ok()?))
}

/// The two of `{"cat": ["PURPOSE/SALT/", …]}`.
fn purpose_and_salt(key: &Value) -> Option<(Purpose, Salt)> {
    let (purpose, salt) = key.get("cat")?.get(0)?.as_str()?.strip_suffix('/')?.split_once('/')?;
    let purposes = [Purpose::Layer, Purpose::Variant, Purpose::Rollout, Purpose::Holdout];
    let purpose = purposes.into_iter().find(|known| known.as_str() == purpose)?;
    Some((purpose, Salt::new(salt).ok()?))
}

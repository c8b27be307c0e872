//! Draws: flagd's `fractional` over `PURPOSE/SALT/UNIT`, with an explicit key.

use serde_json::{Value, json};

use super::logic::{string, var};
use crate::model::{BUCKETS, BucketRange, ExperimentKey, Salt, ServedName, Share, Split};
use crate::plan::{Enrolment, Unit};

/// The words of an enrolment draw.
const IN: &str = "in";
const OUT: &str = "out";

/// Returns the variable that holds the unit's id.
pub(super) fn unit(unit: &Unit) -> Value {
    match unit {
        Unit::TargetingKey => var("targetingKey"),
        Unit::Attribute(key) => var(key.as_str()),
    }
}

/// Returns the conditions without which there is no draw: the id is a text, and not empty.
///
/// Without them an evaluator would draw for the text of whatever is there, `null` included.
pub(super) fn has_unit(unit: &Value) -> [Value; 2] {
    [string(unit), json!({"!==": [unit, ""]})]
}

fn key(purpose: &str, salt: &Salt, unit: &Value) -> Value {
    json!({"cat": [format!("{purpose}/{salt}/"), unit]})
}

/// Returns the condition that the unit's bucket is one of the enrolment's.
pub(super) fn enrolled(enrolment: &Enrolment, unit: &Value) -> Value {
    let mut parts = vec![key("layer", enrolment.salt(), unit)];
    let mut next = 0;
    for range in enrolment.buckets() {
        if range.first() > next {
            parts.push(json!([OUT, range.first() - next]));
        }
        parts.push(json!([IN, range.count()]));
        next = range.last() + 1;
    }
    // flagd's schema wants two parts at least, so a full enrolment keeps an empty rest.
    if next < BUCKETS || parts.len() == 2 {
        parts.push(json!([OUT, BUCKETS - next]));
    }
    json!({"===": [{"fractional": parts}, IN]})
}

/// Reads what [`enrolled`] wrote; the caller compares by encoding again.
pub(super) fn enrolment(value: &Value) -> Option<Enrolment> {
    let parts = value.get("===")?.get(0)?.get("fractional")?.as_array()?;
    let mut next = 0u32;
    let mut buckets = Vec::new();
    for part in parts.get(1..)? {
        let count = u32::try_from(part.get(1)?.as_u64()?).ok()?;
        let end = next.checked_add(count)?;
        if part.get(0)?.as_str()? == IN {
            buckets.push(BucketRange::new(next, end.checked_sub(1)?)?);
        }
        next = end;
    }
    Enrolment::new(salt(parts.first()?)?, buckets)
}

/// Returns the draw of an arm: the weights are parts per million, in byte order of the variants.
pub(super) fn arm(experiment: &ExperimentKey, salt: &Salt, split: &Split, unit: &Value) -> Value {
    let weight = |(variant, share): &(crate::model::VariantKey, Share)| {
        json!([ServedName::Arm(experiment.clone(), variant.clone()).to_string(), share.ppm()])
    };
    let parts = [key("variant", salt, unit)].into_iter().chain(split.shares().iter().map(weight));
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
    Some((experiment?, salt(parts.first()?)?, Split::new(shares).ok()?))
}

/// The salt of `{"cat": ["PURPOSE/SALT/", …]}`.
fn salt(key: &Value) -> Option<Salt> {
    let prefix = key.get("cat")?.get(0)?.as_str()?;
    Salt::new(prefix.split('/').nth(1)?).ok()
}

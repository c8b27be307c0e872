//! What a target serves, flag by flag.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Condition;
use crate::model::{
    AttributeKey, BUCKETS, BucketRange, Digest, EntityKey, ExperimentKey, FlagKey, Salt, Schedule,
    ServedName, Share, Split, VariantKey,
};

/// What a target should serve: the flags of one book.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// By key.
    pub flags: BTreeMap<FlagKey, FlagState>,
}

/// What is served of one flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagState {
    /// The book that it belongs to.
    pub book: String,
    /// Who answers for it.
    pub owner: String,
    /// What its experiments randomise.
    pub entity: EntityKey,
    /// Where the context holds that entity's id.
    pub unit: Unit,
    /// What can be served: every plain variant, and every arm of the experiments in [`Serving`].
    pub entries: BTreeMap<ServedName, Value>,
    /// What is served where nothing else decides.
    pub default: VariantKey,
    /// Who else gets what.
    pub serving: Serving,
    /// When its experiments became servable. Written by apply, carried over by every later one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub launches: BTreeMap<ExperimentKey, Launch>,
}

/// Whether a flag decides anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// Everybody gets the default.
    Disabled,
    /// The first branch that matches decides.
    Enabled(Vec<Branch>),
}

/// One step of a flag's evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// Who matches is served this variant.
    Rule {
        /// Who.
        when: Condition,
        /// What they are served.
        serve: VariantKey,
    },
    /// Who matches and is enrolled is served an arm.
    Experiment(ExperimentBranch),
}

/// An experiment as a target serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentBranch {
    /// Its key, the first half of its entries' names.
    pub key: ExperimentKey,
    /// When it is served, in whole seconds.
    pub window: Schedule,
    /// Who may be enrolled.
    pub audience: Condition,
    /// Who of them is.
    pub enrolment: Enrolment,
    /// The salt of the draw of purpose `variant`.
    pub salt: Salt,
    /// Who gets what.
    pub split: Split,
}

/// The draw of purpose `layer`: which buckets are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEnrolment", into = "RawEnrolment")]
pub struct Enrolment {
    salt: Salt,
    buckets: Vec<BucketRange>,
}

#[derive(Serialize, Deserialize)]
struct RawEnrolment {
    salt: Salt,
    buckets: Vec<BucketRange>,
}

impl Enrolment {
    /// Makes an enrolment of buckets in any order; `None` where there are none, or where two ranges meet.
    ///
    /// Ranges that touch become one.
    pub fn new(salt: Salt, mut buckets: Vec<BucketRange>) -> Option<Self> {
        buckets.sort();
        let mut merged: Vec<BucketRange> = Vec::with_capacity(buckets.len());
        for range in buckets {
            match merged.last().copied() {
                Some(last) if last.meets(range) => return None,
                Some(last) if last.last() + 1 == range.first() => {
                    merged.pop();
                    merged.extend(BucketRange::new(last.first(), range.last()));
                }
                _ => merged.push(range),
            }
        }
        if merged.is_empty() { None } else { Some(Self { salt, buckets: merged }) }
    }

    /// Returns the salt of the draw.
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Returns the ranges in order; no two of them meet or touch.
    pub fn buckets(&self) -> &[BucketRange] {
        &self.buckets
    }

    /// Returns the share of all units that is in.
    pub fn share(&self) -> Share {
        let count: u32 = self.buckets.iter().map(|range| range.count()).sum();
        Share::from_ppm(count * (Share::ALL.ppm() / BUCKETS)).unwrap_or(Share::ALL)
    }
}

impl TryFrom<RawEnrolment> for Enrolment {
    type Error = &'static str;
    fn try_from(raw: RawEnrolment) -> Result<Self, Self::Error> {
        Self::new(raw.salt, raw.buckets).ok_or("an enrolment needs ranges of buckets that do not meet")
    }
}

impl From<Enrolment> for RawEnrolment {
    fn from(enrolment: Enrolment) -> Self {
        Self { salt: enrolment.salt, buckets: enrolment.buckets }
    }
}

/// Where the evaluation context holds a unit's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// The context's targeting key.
    TargetingKey,
    /// A context attribute.
    Attribute(AttributeKey),
}

/// When an experiment became servable, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The effective start: the later of the planned start and the first apply.
    pub start: Timestamp,
    /// The book's commit.
    pub commit: Option<String>,
    /// The digest of the pre-registration.
    pub digest: Option<Digest>,
}

impl FlagState {
    /// Returns the experiments that are served, in the order in which they are tried.
    pub fn experiments(&self) -> impl Iterator<Item = &ExperimentBranch> {
        let branches = match &self.serving {
            Serving::Disabled => [].as_slice(),
            Serving::Enabled(branches) => branches.as_slice(),
        };
        branches.iter().filter_map(|branch| match branch {
            Branch::Experiment(experiment) => Some(experiment),
            Branch::Rule { .. } => None,
        })
    }

    /// Tells whether both serve the same; what apply has written down beside it does not count.
    pub fn serves_as(&self, other: &Self) -> bool {
        let Self { book, owner, entity, unit, entries, default, serving, launches: _ } = self;
        (book, owner, entity, unit, entries, default, serving)
            == (
                &other.book,
                &other.owner,
                &other.entity,
                &other.unit,
                &other.entries,
                &other.default,
                &other.serving,
            )
    }

    /// Returns the digest of what is served, launches left out.
    ///
    /// # Errors
    ///
    /// As [`Digest::of`]; never for a state that came out of [`super::desired`] or out of a target.
    pub fn digest(&self) -> serde_json::Result<Digest> {
        Digest::of(&Self { launches: BTreeMap::new(), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<BucketRange> {
        texts.iter().map(|text| BucketRange::parse(text).expect("a range")).collect()
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let salt = Salt::new("s").expect("a salt");
        let enrolment = Enrolment::new(salt, ranges(&["2000-2999", "0-999", "1000-1999"])).expect("disjoint");
        assert_eq!(enrolment.buckets(), ranges(&["0-2999"]));
        assert_eq!(enrolment.share().to_string(), "30%");
    }

    #[test]
    fn ranges_that_meet_and_no_ranges_are_no_enrolment() {
        let salt = Salt::new("s").expect("a salt");
        assert_eq!(Enrolment::new(salt.clone(), ranges(&["0-10", "10-20"])), None);
        assert_eq!(Enrolment::new(salt, Vec::new()), None);
    }
}
